// Node's `os`, as far as a function has a system: nothing here tells of the host.
'use strict';

module.exports = {
  EOL: '\n',
  devNull: '/dev/null',
  constants: { errno: {}, priority: {}, signals: {} },
  arch: () => 'x64',
  availableParallelism: () => 1,
  cpus: () => [],
  endianness: () => 'LE',
  homedir: () => '/',
  hostname: () => 'function',
  loadavg: () => [0, 0, 0],
  machine: () => 'x86_64',
  networkInterfaces: () => ({}),
  platform: () => 'linux',
  release: () => '',
  tmpdir: () => '/tmp',
  type: () => 'Linux',
  version: () => '',
};
