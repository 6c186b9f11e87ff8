// Node's `tty`: a function's output is never a terminal.
'use strict';

const refuse = name => class { constructor() { throw new Error(`The class '${name}' of the module 'tty' is not available in the sandbox.`); } };

module.exports = { isatty: () => false, ReadStream: refuse('ReadStream'), WriteStream: refuse('WriteStream') };
