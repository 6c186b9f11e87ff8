// Runs first in every context, before any code of the function's. Its value is a function that takes what only the
// worker can do and returns what the worker calls. What it needs of the language it takes now: a guest that replaces
// JSON.stringify or Array.prototype.push later changes its own view of the world and nothing here. For the same reason nothing here
// spreads, destructures or iterates an array, which would call what the guest put at Array.prototype[Symbol.iterator].
(function (host) {
  'use strict';

  const { stringify } = JSON;
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, keys, create } = Object;
  const ObjectPrototype = Object.prototype;
  const { isArray } = Array;
  const { apply } = Reflect;
  const { isView } = ArrayBuffer;
  const { floor, max } = Math;
  const { MAX_SAFE_INTEGER } = Number;
  const StringOf = String;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const objectToString = uncurry(Object.prototype.toString);
  const functionToString = uncurry(Function.prototype.toString);
  const errorToString = uncurry(Error.prototype.toString);
  const regExpToString = uncurry(RegExp.prototype.toString);
  const dateToISO = uncurry(Date.prototype.toISOString);
  const split = uncurry(String.prototype.split);
  const slice = uncurry(String.prototype.slice);
  const indexOf = uncurry(String.prototype.indexOf);
  const replaceAll = uncurry(String.prototype.replaceAll);
  const startsWith = uncurry(String.prototype.startsWith);
  const toWellFormed = uncurry(String.prototype.toWellFormed);
  const mapEach = uncurry(Map.prototype.forEach);
  const setEach = uncurry(Set.prototype.forEach);
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapHas = uncurry(Map.prototype.has);
  const mapDelete = uncurry(Map.prototype.delete);
  const TypedArray = getPrototypeOf(Uint8Array.prototype);
  const typedArrayName = uncurry(getOwnPropertyDescriptor(TypedArray, Symbol.toStringTag).get);

  // A property that enumeration does not show, as the built-in ones are.
  const define = (object, name, value) => defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });

  // MARK: Failures, as [kind, name, message, stack, line, column]. The kinds are WorkerProtocol's.

  const INVALID_EVENT = 1, HANDLER_NOT_FOUND = 2, LOAD_ERROR = 3, HANDLER_ERROR = 4, NOT_SERIALIZABLE = 5;

  // The engine's form "name@file:line:column" in the form people know, "at name (file:line:column)". Frames without a file are
  // the engine's own.
  const stackOf = error => {
    const stack = error.stack;
    if (typeof stack !== 'string') return '';
    const lines = split(stack, '\n');
    let text = '';
    for (let i = 0; i < lines.length; i++) {
      const at = indexOf(lines[i], '@');
      const place = slice(lines[i], at + 1);
      if (place === '' || place === '[native code]' || isOurs(place)) continue;
      const name = at > 0 ? slice(lines[i], 0, at) : '';
      text += (text === '' ? '' : '\n') + (name === '' || name === 'global code' ? `at ${place}` : `at ${name} (${place})`);
    }
    return text;
  };
  const isOurs = place => startsWith(place, 'faas:');

  // Line and column of an error: where the engine says it was made, unless that is in here; then the innermost guest frame.
  const positionOf = (error, stack) => {
    if (typeof error.line === 'number' && !(typeof error.sourceURL === 'string' && isOurs(error.sourceURL))) return [error.line | 0, error.column | 0];
    const end = indexOf(stack, '\n');
    const frame = end < 0 ? stack : slice(stack, 0, end);
    const parts = split(slice(frame, -1) === ')' ? slice(frame, 0, -1) : frame, ':');
    return [parts[parts.length - 2] | 0, parts[parts.length - 1] | 0];
  };

  const textOf = value => {
    try { return toWellFormed(typeof value === 'string' ? value : StringOf(value)); } catch { return '[a value that has no string form]'; }
  };

  const isError = value => typeof value === 'object' && value !== null && value instanceof Error;

  const failure = (kind, thrown) => {
    try {
      if (isError(thrown)) {
        const stack = toWellFormed(stackOf(thrown));
        const position = positionOf(thrown, stack);
        return [kind, textOf(thrown.name), textOf(thrown.message), stack, position[0], position[1]];
      }
    } catch { /* An error that does not let itself be read is a value like any other. */ }
    let shown = '[a value that has no string form]';
    try { shown = toWellFormed(inspect(thrown)); } catch { }
    return [kind, 'Error', `A value that is not an Error was thrown: ${shown}`, '', 0, 0];
  };

  // MARK: Results. While a result is being encoded, and only then, these types say what they are in JSON.

  let encoding = false;
  const encodes = (prototype, encode) => define(prototype, 'toJSON', function toJSON() { return encoding ? encode(this) : this; });

  const base64Digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const base64 = bytes => {
    let text = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const a = bytes[i], b = bytes[i + 1], c = bytes[i + 2];
      text += base64Digits[a >> 2] + base64Digits[(a & 3) << 4 | b >> 4]
        + (b === undefined ? '=' : base64Digits[(b & 15) << 2 | c >> 6]) + (c === undefined ? '=' : base64Digits[c & 63]);
    }
    return text;
  };
  const Bytes = Uint8Array;

  encodes(Map.prototype, map => {
    const object = create(null);
    mapEach(map, (value, key) => { object[typeof key === 'symbol' ? key.toString() : key] = value; });
    return object;
  });
  encodes(Set.prototype, set => {
    const array = [];
    setEach(set, value => { array[array.length] = value; });
    return array;
  });
  const IteratorPrototype = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()));
  encodes(IteratorPrototype, iterator => {
    const array = [];
    for (let step = iterator.next(); !step.done; step = iterator.next()) array[array.length] = step.value;
    return array;
  });
  encodes(TypedArray, view => {
    if (typedArrayName(view) === 'Uint8Array') return base64(view);
    const array = [];
    for (let i = 0; i < view.length; i++) array[i] = view[i];
    return array;
  });
  encodes(ArrayBuffer.prototype, buffer => base64(new Bytes(buffer)));
  encodes(DataView.prototype, view => base64(new Bytes(view.buffer, view.byteOffset, view.byteLength)));
  encodes(RegExp.prototype, regExpToString);
  encodes(Error.prototype, errorToString);
  encodes(Promise.prototype, objectToString);
  encodes(WeakMap.prototype, objectToString);
  encodes(WeakSet.prototype, objectToString);
  encodes(WeakRef.prototype, objectToString);
  const TypeErrorOf = TypeError;
  encodes(Function.prototype, callable => { throw new TypeErrorOf(`a function${callable.name ? ` ('${callable.name}')` : ''} has no JSON form`); });
  // Digits as they are, as Python does with its integers. Without rawJSON a BigInt becomes its string.
  const rawJSON = JSON.rawJSON ?? (digits => digits);
  const bigIntToString = uncurry(BigInt.prototype.toString);
  define(BigInt.prototype, 'toJSON', function toJSON() {
    if (encoding) return rawJSON(bigIntToString(this));
    throw new TypeErrorOf('JSON.stringify cannot serialize BigInt.');
  });

  const encode = value => {
    encoding = true;
    try {
      return stringify(value) ?? 'null';
    } catch (error) {
      let reason = 'unknown';
      try { reason = textOf(error.message); } catch { }
      return [NOT_SERIALIZABLE, '', `The result cannot be encoded as JSON: ${reason}`, '', 0, 0];
    } finally {
      encoding = false;
    }
  };

  // MARK: console

  const inspectString = text => {
    const quote = indexOf(text, "'") < 0 ? "'" : indexOf(text, '"') < 0 ? '"' : '`';
    const escaped = slice(stringify(text), 1, -1);
    return quote + (quote === '"' ? escaped : replaceAll(escaped, '\\"', '"')) + quote;
  };
  // By hand: a regular expression would ask RegExp.prototype.exec, which is the guest's.
  const charCodeAt = uncurry(String.prototype.charCodeAt);
  const isIdentifier = text => {
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i) | 32;
      const isLetter = code >= 97 && code <= 122 || text[i] === '_' || text[i] === '$';
      if (!isLetter && !(i > 0 && text[i] >= '0' && text[i] <= '9')) return false;
    }
    return text !== '';
  };

  function inspect(value, depth = 0, seen = []) {
    switch (typeof value) {
      case 'string': return inspectString(value);
      case 'bigint': return `${value}n`;
      case 'symbol': return textOf(value.description === undefined ? 'Symbol()' : `Symbol(${value.description})`);
      case 'number': return value === 0 && 1 / value < 0 ? '-0' : `${value}`;
      case 'function': {
        const isClass = startsWith(functionToString(value), 'class');
        return `[${isClass ? 'class' : 'Function'}${value.name ? `${isClass ? ' ' : ': '}${value.name}` : isClass ? ' (anonymous)' : ' (anonymous)'}]`;
      }
      case 'object': break;
      default: return `${value}`;
    }
    if (value === null) return 'null';
    for (let i = 0; i < seen.length; i++) if (seen[i] === value) return '[Circular]';
    if (isError(value)) {
      const stack = stackOf(value);
      return errorToString(value) + (stack ? '\n    ' + replaceAll(stack, '\n', '\n    ') : '');
    }
    if (value instanceof Date) { try { return dateToISO(value); } catch { return 'Invalid Date'; } }
    if (value instanceof RegExp) return regExpToString(value);
    const inner = [];
    for (let i = 0; i < seen.length; i++) inner[i] = seen[i];
    inner[inner.length] = value;
    const name = value.constructor?.name;
    const tag = getPrototypeOf(value) === null ? '[Object: null prototype] ' : typeof name === 'string' && name !== 'Object' && name !== 'Array' ? `${name} ` : '';
    if (depth > 2) return isArray(value) ? '[Array]' : `[${tag === '' ? 'Object' : slice(tag, 0, -1)}]`;
    const parts = [];
    const add = text => { parts[parts.length] = text; };
    const next = item => inspect(item, depth + 1, inner);
    const list = isArray(value) || isView(value) && !(value instanceof DataView);
    let sized = '';
    if (list) {
      for (let i = 0; i < value.length && i < 100; i++) add(i in value ? next(value[i]) : '<empty>');
      if (value.length > 100) add(`... ${value.length - 100} more items`);
      if (!isArray(value)) sized = `${slice(tag, 0, -1)}(${value.length}) `;
    } else if (value instanceof Map) {
      mapEach(value, (item, key) => add(`${next(key)} => ${next(item)}`));
      sized = `Map(${value.size}) `;
    } else if (value instanceof Set) {
      setEach(value, item => add(next(item)));
      sized = `Set(${value.size}) `;
    }
    if (!list) {
      const names = keys(value);
      for (let i = 0; i < names.length; i++) {
        const name = names[i];
        // To look is not to run the guest's getters.
        const shown = getOwnPropertyDescriptor(value, name)?.get ? '[Getter]' : next(value[name]);
        add(`${isIdentifier(name) ? name : inspectString(name)}: ${shown}`);
      }
    }
    const open = list ? '[' : '{', close = list ? ']' : '}';
    let text = '', length = 0, multiline = false;
    for (let i = 0; i < parts.length; i++) {
      length += parts[i].length + 2;
      if (indexOf(parts[i], '\n') >= 0) multiline = true;
    }
    const separator = multiline || length > 72 ? ',\n' + '  '.repeat(depth + 1) : ', ';
    for (let i = 0; i < parts.length; i++) text += (i ? separator : '') + parts[i];
    if (parts.length === 0) return (sized || tag) + open + close;
    return separator === ', ' ? `${sized || tag}${open} ${text} ${close}` : `${sized || tag}${open}\n${'  '.repeat(depth + 1)}${text}\n${'  '.repeat(depth)}${close}`;
  }

  const formatValue = value => typeof value === 'string' ? value : inspect(value);
  const format = values => {
    let text = '', next = 0;
    if (typeof values[0] === 'string') {
      const pattern = values[0];
      next = 1;
      let from = 0;
      for (let at = indexOf(pattern, '%'); at >= 0; at = indexOf(pattern, '%', from)) {
        text += slice(pattern, from, at);
        const letter = pattern[at + 1];
        from = at + 2;
        if (letter === '%') text += '%';
        else if (next < values.length && letter !== undefined && indexOf('sdifjoOc', letter) >= 0) {
          const value = values[next++];
          if (letter === 's') text += typeof value === 'object' ? inspect(value, 2) : typeof value === 'symbol' ? inspect(value) : StringOf(value);
          else if (letter === 'd') text += typeof value === 'bigint' ? `${value}n` : +value;
          else if (letter === 'i') text += typeof value === 'bigint' ? `${value}n` : parseInt(value);
          else if (letter === 'f') text += parseFloat(value);
          else if (letter === 'j') text += stringify(value);
          else if (letter !== 'c') text += inspect(value);
        } else text += slice(pattern, at, from = letter === undefined ? at + 1 : at + 2);
      }
      text += slice(pattern, from);
    }
    for (; next < values.length; next++) text += (next ? ' ' : '') + formatValue(values[next]);
    return text;
  };

  const DEBUG = 0, INFO = 1, WARNING = 2, ERROR = 3;
  let indentation = '';
  const write = (level, text) => host.log(level, toWellFormed(indentation === '' ? text : indentation + replaceAll(text, '\n', '\n' + indentation)));
  const counts = new Map, started = new Map;
  const consoleMethods = {
    log: (...values) => write(INFO, format(values)),
    info: (...values) => write(INFO, format(values)),
    debug: (...values) => write(DEBUG, format(values)),
    warn: (...values) => write(WARNING, format(values)),
    error: (...values) => write(ERROR, format(values)),
    trace: (...values) => write(DEBUG, `Trace: ${format(values)}\n${stackOf(new Error)}`),
    dir: value => write(INFO, inspect(value)),
    assert: (condition, ...values) => { if (!condition) write(ERROR, values.length ? `Assertion failed: ${format(values)}` : 'Assertion failed'); },
    count: (label = 'default') => { mapSet(counts, label, (mapGet(counts, label) ?? 0) + 1); write(INFO, `${label}: ${mapGet(counts, label)}`); },
    countReset: (label = 'default') => { mapDelete(counts, label); },
    group: (...values) => { if (values.length) write(INFO, format(values)); indentation += '  '; },
    groupEnd: () => { indentation = slice(indentation, 2); },
    time: (label = 'default') => { mapSet(started, label, host.now()); },
    timeLog: (label = 'default', ...values) => { if (mapHas(started, label)) write(INFO, `${label}: ${(host.now() - mapGet(started, label)).toFixed(3)}ms${values.length ? ' ' + format(values) : ''}`); },
    timeEnd: (label = 'default') => { consoleMethods.timeLog(label); mapDelete(started, label); },
    table: value => write(INFO, inspect(value)),
  };
  const console = {};
  for (const name of keys(consoleMethods)) console[name] = consoleMethods[name];
  define(globalThis, 'console', console);

  // MARK: Timers, in a heap by due time. One is run for each call of poll, so that microtasks run in between.

  const heap = [];
  const pending = new Map;
  let lastTimer = 0;
  const before = (a, b) => a.due < b.due || a.due === b.due && a.id < b.id;
  const push = timer => {
    let i = heap.length;
    heap[i] = timer;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(timer, heap[parent])) break;
      heap[i] = heap[parent];
      heap[parent] = timer;
      i = parent;
    }
  };
  const pop = () => {
    const top = heap[0], last = heap[heap.length - 1];
    heap.length--;
    if (heap.length > 0) {
      let i = 0;
      heap[0] = last;
      for (;;) {
        let least = 2 * i + 1;
        if (least >= heap.length) break;
        if (least + 1 < heap.length && before(heap[least + 1], heap[least])) least++;
        if (!before(heap[least], last)) break;
        heap[i] = heap[least];
        heap[least] = last;
        i = least;
      }
    }
    return top;
  };
  const addTimer = (callback, delay, repeats, values) => {
    if (typeof callback !== 'function') throw new TypeErrorOf('The callback must be a function.');
    delay = +delay;
    // As browsers and Node do with what is no delay.
    delay = delay >= 1 && delay <= 0x7fffffff ? floor(delay) : repeats === undefined ? 0 : 1;
    const timer = { id: ++lastTimer, due: host.now() + delay, callback, values, interval: repeats ? delay : undefined };
    mapSet(pending, timer.id, timer);
    push(timer);
    return timer.id;
  };
  const clearTimer = id => {
    const timer = mapGet(pending, id);
    if (timer === undefined) return;
    // It stays in the heap, without anything to do, until it is due.
    timer.callback = undefined;
    mapDelete(pending, id);
  };
  define(globalThis, 'setTimeout', function setTimeout(callback, delay, ...values) { return addTimer(callback, delay, false, values); });
  define(globalThis, 'setInterval', function setInterval(callback, delay, ...values) { return addTimer(callback, delay, true, values); });
  define(globalThis, 'setImmediate', function setImmediate(callback, ...values) { return addTimer(callback, 0, undefined, values); });
  define(globalThis, 'clearTimeout', function clearTimeout(id) { clearTimer(id); });
  define(globalThis, 'clearInterval', function clearInterval(id) { clearTimer(id); });
  define(globalThis, 'clearImmediate', function clearImmediate(id) { clearTimer(id); });
  const PromiseOf = Promise;
  const then = uncurry(Promise.prototype.then);
  if (typeof queueMicrotask !== 'function') {
    define(globalThis, 'queueMicrotask', function queueMicrotask(callback) {
      if (typeof callback !== 'function') throw new TypeErrorOf('The callback must be a function.');
      then(PromiseOf.resolve(), () => callback());
    });
  }

  // MARK: CommonJS

  const ErrorOf = Error;
  const modules = new Map;
  const require = name => {
    name = textOf(name);
    const loaded = mapGet(modules, name);
    // A module that is being evaluated answers with what it has exported so far: that is how CommonJS does cycles.
    if (loaded !== undefined) return loaded.exports;
    const wrapper = host.compile(name);
    if (wrapper === undefined) throw new ErrorOf(`Module not found: ${name}`);
    const module = { exports: {}, id: name, loaded: false };
    mapSet(modules, name, module);
    try {
      call(wrapper, module.exports, module.exports, module, require);
    } catch (error) {
      mapDelete(modules, name);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  };
  const call = uncurry(Function.prototype.call);
  const main = { exports: {}, id: '.', loaded: false };
  define(globalThis, 'require', require);
  define(globalThis, 'module', main);
  define(globalThis, 'exports', main.exports);

  // MARK: Random numbers. The engine seeds its own when a context is made, and a rewound context is not made again. This is sfc32,
  // seeded by the kernel when an invocation first asks.

  let seeded = false, a = 0, b = 0, c = 0, counter = 0;
  const next32 = () => {
    const t = (a + b | 0) + counter | 0;
    counter = counter + 1 | 0;
    a = b ^ b >>> 9;
    b = c + (c << 3) | 0;
    c = (c << 21 | c >>> 11) + t | 0;
    return t >>> 0;
  };
  define(Math, 'random', function random() {
    if (!seeded) {
      seeded = true;
      a = host.random() | 0;
      b = host.random() | 0;
      c = host.random() | 0;
      counter = 1;
      for (let i = 0; i < 12; i++) next32();
    }
    return ((next32() >>> 5) * 0x4000000 + (next32() >>> 6)) / 0x20000000000000;
  });

  // MARK: What the worker calls

  const exported = (object, name) => typeof object === 'object' && object !== null || typeof object === 'function' ? object[name] : undefined;

  const now = Date.now;

  let handler, makeContext, outcome;

  const harness = {
    failure,

    // What the function is told about itself, before its source is evaluated. The names are AWS Lambda's, then our own.
    begin(env, functionId, revision, memoryLimitInMB) {
      define(globalThis, 'process', { env });
      const invokedFunctionArn = `arn:aws:lambda:local:000000000000:function:${functionId}`;
      const logGroupName = `/aws/lambda/${functionId}`;
      makeContext = (requestId, deadline) => define({
        awsRequestId: requestId, functionName: functionId, functionVersion: revision, memoryLimitInMB, invokedFunctionArn, logGroupName,
        logStreamName: revision, requestId, functionId, revision, env,
        get deadlineMs() { return deadline === 0 ? undefined : now() + floor(deadline - host.now()); },
      }, 'getRemainingTimeInMillis', () => deadline === 0 ? MAX_SAFE_INTEGER : max(0, floor(deadline - host.now())));
    },

    // Finds the handler: `binding` is the global of that name, if there is one. The answer is a failure or undefined.
    resolve(name, binding) {
      try {
        const candidates = [exported(main.exports, name), binding, main.exports, exported(main.exports.default, name), main.exports.default];
        for (let i = 0; i < candidates.length && handler === undefined; i++) {
          // Every object has a toString; nobody wrote it to be a handler.
          if (typeof candidates[i] === 'function' && candidates[i] !== ObjectPrototype[name]) handler = candidates[i];
        }
      } catch (error) {
        return failure(LOAD_ERROR, error);
      }
      if (handler === undefined) return [HANDLER_NOT_FOUND, '', '', '', 0, 0];
    },

    // Calls the handler. The answer is JSON text, a failure, or undefined while a promise is pending.
    invoke(event, requestID, deadline) {
      // What the source drew while it loaded is the same each time; what the handler draws is not.
      seeded = false;
      outcome = undefined;
      // Timers of the call before, where the context is kept: they belonged to it.
      heap.length = 0;
      let value;
      try {
        value = handler(event, makeContext(requestID, deadline));
        if (typeof value !== 'object' && typeof value !== 'function' || value === null || typeof value.then !== 'function') return encode(value);
      } catch (error) {
        return failure(HANDLER_ERROR, error);
      }
      (async () => {
        try {
          outcome = encode(await value);
        } catch (error) {
          outcome = failure(HANDLER_ERROR, error);
        }
      })();
    },

    // Calls invoke with a handler of the harness's, and forgets that it did. Without arguments: the end of the rehearsal.
    rehearse(event, requestID, isAsync) {
      const real = handler;
      outcome = undefined;
      if (event === undefined) return;
      handler = isAsync ? async event => ({ name: event.name, list: event.list }) : event => ({ message: `x ${event.name}`, list: event.list });
      try { return harness.invoke(event, requestID, 0); } finally { handler = real; }
    },

    // Goes on with a pending invocation: its outcome; or the milliseconds to wait before the next call; or null if nothing
    // can ever settle it.
    poll() {
      if (outcome !== undefined) return outcome;
      if (heap.length === 0) return null;
      const wait = heap[0].due - host.now();
      if (wait > 0) return wait;
      const timer = pop();
      if (timer.callback === undefined) return 0;
      if (timer.interval === undefined) mapDelete(pending, timer.id);
      const { callback, values } = timer;
      if (timer.interval !== undefined) {
        timer.due = host.now() + timer.interval;
        push(timer);
      }
      try {
        apply(callback, undefined, values);
      } catch (error) {
        return outcome ??= failure(HANDLER_ERROR, error);
      }
      return 0;
    },
  };
  return harness;
})
