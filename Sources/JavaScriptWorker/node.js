// What Node gives to every file: `process`, and call sites. Evaluated when a function first touches one of them. Its
// value is a function of `core`, as in url.js.
(function (core) {
  'use strict';

  const { host, define, defineProperty, create, call, split, slice, indexOf, startsWith, makeList, textOf, isView, bytesOf, utf8Decode } = core;
  const { ErrorOf, TypeErrorOf, MapOf, mapGet, mapSet, floor, isArray, StringOf } = core;
  const { INFO, WARNING, ERROR, write, env } = core;

  // MARK: Events. Listeners run in the order in which they were added.

  const listeners = new MapOf;
  const of = name => mapGet(listeners, name) ?? makeList();
  // A new list for each change: one that is being called stays as it is.
  const add = (name, listener, once, isFirst) => {
    if (typeof listener !== 'function') throw core.withCode(new TypeErrorOf('The "listener" argument must be of type function.'), 'ERR_INVALID_ARG_TYPE');
    const entry = { __proto__: null, listener, once }, before = of(name), after = makeList();
    if (isFirst) after[0] = entry;
    for (let i = 0; i < before.length; i++) after[after.length] = before[i];
    if (!isFirst) after[after.length] = entry;
    mapSet(listeners, name, after);
  };
  const remove = (name, matches) => {
    const before = of(name), after = makeList();
    let isFound = false;
    for (let i = before.length - 1; i >= 0; i--) {
      if (!isFound && matches(before[i])) isFound = true;
      else after[after.length] = before[i];
    }
    const ordered = makeList();
    for (let i = after.length - 1; i >= 0; i--) ordered[ordered.length] = after[i];
    mapSet(listeners, name, ordered);
  };
  const emit = (name, values) => {
    const entries = of(name);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      if (entry.once) remove(name, other => other === entry);
      core.apply(entry.listener, process, values);
    }
    return entries.length > 0;
  };
  const plain = (name, key) => {
    const list = [], entries = of(name);
    for (let i = 0; i < entries.length; i++) defineProperty(list, i, { __proto__: null, value: key(entries[i]), writable: true, enumerable: true, configurable: true });
    return list;
  };
  const chain = change => function (...values) {
    core.apply(change, undefined, values);
    return this;
  };
  const on = chain((name, listener) => add(name, listener, false, false));
  const off = chain((name, listener) => remove(name, entry => entry.listener === listener));
  const emitter = {
    on, addListener: on, off, removeListener: off,
    once: chain((name, listener) => add(name, listener, true, false)),
    prependListener: chain((name, listener) => add(name, listener, false, true)),
    prependOnceListener: chain((name, listener) => add(name, listener, true, true)),
    removeAllListeners: chain(name => mapSet(listeners, name, makeList())),
    emit: (name, ...values) => emit(name, values),
    listenerCount: name => of(name).length,
    listeners: name => plain(name, entry => entry.listener),
    rawListeners: name => plain(name, entry => entry.listener),
    eventNames() {
      const names = [];
      core.mapEach(listeners, (entries, name) => { if (entries.length > 0) defineProperty(names, names.length, { __proto__: null, value: name, writable: true, enumerable: true, configurable: true }); });
      return names;
    },
    setMaxListeners: chain(() => {}),
    getMaxListeners: () => 10,
  };

  // MARK: Output. A line is a log line; what is left of one becomes a line when the call ends.

  const outputs = makeList();
  const output = (fd, level) => {
    let rest = '';
    outputs[outputs.length] = () => {
      if (rest === '') return;
      const line = rest;
      rest = '';
      write(level, line);
    };
    const print = (chunk, encoding, done) => {
      if (typeof chunk !== 'string' && !isView(chunk)) throw core.withCode(new TypeErrorOf('The "chunk" argument must be of type string or an instance of Buffer or Uint8Array.'), 'ERR_INVALID_ARG_TYPE');
      const lines = split(rest + (typeof chunk === 'string' ? chunk : utf8Decode(bytesOf(chunk))), '\n');
      rest = '';
      for (let i = 0; i < lines.length - 1; i++) write(level, lines[i]);
      rest = lines[lines.length - 1];
      const callback = typeof encoding === 'function' ? encoding : done;
      if (typeof callback === 'function') queueMicrotask(() => callback());
      return true;
    };
    const self = () => stream;
    const stream = {
      fd, isTTY: false, writable: true, writableLength: 0, writableHighWaterMark: 16384, columns: undefined, rows: undefined,
      write: print,
      end(chunk, encoding, done) {
        if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') print(chunk, encoding, done);
        return stream;
      },
      cork() {}, uncork() {}, destroy: self, setDefaultEncoding: self,
      on: self, once: self, off: self, addListener: self, removeListener: self, removeAllListeners: self, prependListener: self, emit: () => false, listenerCount: () => 0, listeners: () => [],
      getColorDepth: () => 1, hasColors: () => false, getWindowSize: () => [80, 24],
    };
    return stream;
  };
  core.onAnswer(() => { for (let i = 0; i < outputs.length; i++) outputs[i](); });

  // MARK: process

  const began = host.now();
  const refuse = name => () => { throw new ErrorOf(`'process.${name}' is not available in the sandbox.`); };
  const hrtime = before => {
    const now = host.now(), seconds = floor(now / 1000), nanoseconds = floor(now * 1e6 % 1e9);
    if (before === undefined) return [seconds, nanoseconds];
    const difference = [seconds - before[0], nanoseconds - before[1]];
    if (difference[1] < 0) {
      difference[0]--;
      difference[1] += 1e9;
    }
    return difference;
  };
  define(hrtime, 'bigint', () => core.BigIntOf(floor(host.now() * 1e6)));
  const memoryUsage = () => host.memoryUsage();
  define(memoryUsage, 'rss', () => host.memoryUsage().rss);
  const warned = new core.SetOf;
  // As Node does it: listeners are told, and a line is written. Of deprecations each code is shown once.
  const emitWarning = (warning, options, code) => {
    const type = typeof options === 'string' ? options : options?.type ?? 'Warning';
    code = typeof code === 'string' ? code : options?.code;
    let error = warning;
    if (typeof warning === 'string') {
      error = new ErrorOf(warning);
      define(error, 'name', type);
      if (code !== undefined) error.code = code;
      if (options?.detail !== undefined) error.detail = options.detail;
    } else if (!core.isError(warning)) {
      throw core.withCode(new TypeErrorOf('The "warning" argument must be of type string or an instance of Error.'), 'ERR_INVALID_ARG_TYPE');
    }
    if (error.name === 'DeprecationWarning' && process.noDeprecation) return;
    if (error.code !== undefined && error.name === 'DeprecationWarning') {
      if (core.setHas(warned, error.code)) return;
      core.setAdd(warned, error.code);
    }
    write(WARNING, `${error.code === undefined ? '' : `[${error.code}] `}${textOf(error.name)}: ${textOf(error.message)}${error.detail === undefined ? '' : `\n${textOf(error.detail)}`}`);
    queueMicrotask(() => emit('warning', [error]));
  };
  const version = '20.20.2';
  const process = create(emitter);
  const members = {
    title: 'node', version: `v${version}`, versions: { node: version, modules: '115' }, arch: 'x64', platform: 'linux', release: { name: 'node', lts: 'Iron' },
    argv: ['node', core.filename], argv0: 'node', execArgv: [], execPath: '/usr/bin/node', env, pid: 1, ppid: 0, exitCode: undefined,
    features: { inspector: false, debug: false, uv: false, ipv6: false, tls: false }, config: { target_defaults: {}, variables: {} }, debugPort: 9229,
    stdout: output(1, INFO), stderr: output(2, ERROR), stdin: core.unavailable('process', 'stdin'),
    cwd: () => '/', chdir: refuse('chdir'), umask: () => 18, getuid: () => 65534, geteuid: () => 65534, getgid: () => 65534, getegid: () => 65534, getgroups: () => [65534],
    nextTick(callback, ...values) {
      if (typeof callback !== 'function') throw core.withCode(new TypeErrorOf('The "callback" argument must be of type function.'), 'ERR_INVALID_ARG_TYPE');
      queueMicrotask(() => core.apply(callback, undefined, values));
    },
    hrtime, uptime: () => (host.now() - began) / 1000, memoryUsage, emitWarning,
    cpuUsage: before => {
      const user = floor((host.now() - began) * 1000) - (before?.user ?? 0);
      return { user, system: 0 };
    },
    exit: code => { throw new ErrorOf(`The function called process.exit(${code === undefined ? process.exitCode ?? '' : textOf(code)}).`); },
    abort: refuse('abort'), kill: refuse('kill'), binding: refuse('binding'), dlopen: refuse('dlopen'),
  };
  const names = core.keysOf(members);
  for (let i = 0; i < names.length; i++) define.element(process, names[i], members[names[i]]);
  define(process, Symbol.toStringTag, 'process');
  core.onUncaught((name, values) => of(name).length > 0 && emit(name, values));

  // MARK: Call sites, as V8 gives them to Error.prepareStackTrace

  class CallSite {
    #name; #file; #line; #column;
    constructor(name, file, line, column) {
      this.#name = name;
      this.#file = file;
      this.#line = line;
      this.#column = column;
    }
    getThis() { return undefined; }
    getTypeName() { return null; }
    getFunction() { return undefined; }
    getFunctionName() { return this.#name === '' ? null : this.#name; }
    getMethodName() { return null; }
    getFileName() { return this.#file; }
    getLineNumber() { return this.#line; }
    getColumnNumber() { return this.#column; }
    getEvalOrigin() { return undefined; }
    getScriptNameOrSourceURL() { return this.#file; }
    getScriptHash() { return ''; }
    getEnclosingLineNumber() { return this.#line; }
    getEnclosingColumnNumber() { return this.#column; }
    getPosition() { return 0; }
    getPromiseIndex() { return null; }
    isToplevel() { return true; }
    isEval() { return false; }
    isNative() { return false; }
    isConstructor() { return false; }
    isAsync() { return false; }
    isPromiseAll() { return false; }
    toString() {
      const place = `${this.#file}:${this.#line}:${this.#column}`;
      return this.#name === '' ? place : `${this.#name} (${place})`;
    }
  }

  // The frames of an engine's stack, as "name@file:line:column", from the first of the function's own. `below`: the
  // frames up to that function are left out.
  const sitesOf = (stack, below) => {
    const lines = split(StringOf(stack), '\n'), sites = [];
    const name = typeof below === 'function' ? below.name : '';
    let count = 0, isBelow = name === '';
    for (let i = 0; i < lines.length; i++) {
      const at = indexOf(lines[i], '@'), called = at > 0 ? slice(lines[i], 0, at) : '';
      const place = core.originalOf(slice(lines[i], at + 1));
      if (place === '' || place === '[native code]' || startsWith(place, 'faas:')) continue;
      if (!isBelow) {
        isBelow = called === name;
        continue;
      }
      const parts = split(place, ':');
      const line = +parts[parts.length - 2], column = +parts[parts.length - 1];
      const file = line === line ? slice(place, 0, place.length - parts[parts.length - 1].length - parts[parts.length - 2].length - 2) : place;
      const site = new CallSite(called === 'global code' || called === 'module code' ? '' : called, file, line === line ? line : 0, column === column ? column : 0);
      defineProperty(sites, count++, { __proto__: null, value: site, writable: true, enumerable: true, configurable: true });
      if (count >= (ErrorOf.stackTraceLimit ?? 10)) break;
    }
    return sites;
  };

  return { process, sitesOf };
})
