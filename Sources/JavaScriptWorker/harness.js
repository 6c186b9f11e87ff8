// Runs first in every context, before any code of the function's. Its value is a function that takes what only the
// worker can do and returns what the worker calls. What it needs of the language it takes now: a guest that replaces
// JSON.stringify or Array.prototype.push later changes its own view of the world and nothing here. For the same reason
// nothing here spreads, destructures or iterates an array, which would call what the guest put at
// Array.prototype[Symbol.iterator].
(function (host) {
  'use strict';

  const { stringify, parse } = JSON;
  const { defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames, getOwnPropertySymbols, getPrototypeOf, setPrototypeOf, keys, create, hasOwn } = Object;
  const ObjectPrototype = Object.prototype, ArrayPrototype = Array.prototype;
  const { isArray } = Array;
  const { apply } = Reflect;
  const { isView } = ArrayBuffer;
  const { floor, max } = Math;
  const { MAX_SAFE_INTEGER } = Number;
  const StringOf = String, SyntaxErrorOf = SyntaxError, TypeErrorOf = TypeError;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const objectToString = uncurry(Object.prototype.toString);
  const functionToString = uncurry(Function.prototype.toString);
  const errorToString = uncurry(Error.prototype.toString);
  const regExpToString = uncurry(RegExp.prototype.toString);
  const dateToISO = uncurry(Date.prototype.toISOString);
  const slice = uncurry(String.prototype.slice);
  const indexOf = uncurry(String.prototype.indexOf);
  const charCodeAt = uncurry(String.prototype.charCodeAt);
  const startsWith = uncurry(String.prototype.startsWith);
  const toWellFormed = uncurry(String.prototype.toWellFormed);
  const mapEach = uncurry(Map.prototype.forEach);
  const setEach = uncurry(Set.prototype.forEach);
  const setHas = uncurry(Set.prototype.has);
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const mapHas = uncurry(Map.prototype.has);
  const mapDelete = uncurry(Map.prototype.delete);
  const mapClear = uncurry(Map.prototype.clear);
  const TypedArray = getPrototypeOf(Uint8Array.prototype);
  const typedArrayName = uncurry(getOwnPropertyDescriptor(TypedArray, Symbol.toStringTag).get);

  // A property that enumeration does not show, as the built-in ones are. The descriptor inherits nothing: a guest could
  // have put a getter where every object finds it.
  const define = (object, name, value) => defineProperty(object, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true });

  // An array to write to: a guest may have put setters for numbers where every other array finds them.
  const makeList = () => setPrototypeOf([], null);

  // What String.prototype has for this asks its arguments for methods of the guest's.
  const split = (text, separator) => {
    const parts = makeList();
    let from = 0;
    for (let at = indexOf(text, separator); at >= 0; at = indexOf(text, separator, from)) {
      parts[parts.length] = slice(text, from, at);
      from = at + separator.length;
    }
    parts[parts.length] = slice(text, from);
    return parts;
  };
  const replaceAll = (text, old, replacement) => {
    const parts = split(text, old);
    let result = parts[0];
    for (let i = 1; i < parts.length; i++) result += replacement + parts[i];
    return result;
  };

  // MARK: Failures, as [kind, name, message, stack, line, column]. The kinds are WorkerProtocol's.

  const INVALID_EVENT = 1, HANDLER_NOT_FOUND = 2, LOAD_ERROR = 3, HANDLER_ERROR = 4, NOT_SERIALIZABLE = 5;

  // The engine's form "name@file:line:column" in the form people know, "at name (file:line:column)". Frames without a
  // file are the engine's own.
  const stackOf = error => {
    const stack = error.stack;
    let text = '', first = '';
    if (typeof stack === 'string') {
      const lines = split(stack, '\n');
      for (let i = 0; i < lines.length; i++) {
        const at = indexOf(lines[i], '@');
        const built = slice(lines[i], at + 1), place = originalOf(built);
        if (place === '' || place === '[native code]' || isOurs(place)) continue;
        const name = at > 0 ? slice(lines[i], 0, at) : '';
        if (first === '') first = built;
        text += (text === '' ? '' : '\n') + (name === '' || name === 'global code' ? `at ${place}` : `at ${name} (${place})`);
      }
    }
    // A script that the engine cannot read: it says which line of which, and the stack is that of who asked for it.
    const { sourceURL, line } = error;
    if (error instanceof SyntaxErrorOf && typeof sourceURL === 'string' && sourceURL !== '' && sourceURL !== '[built]' && !isOurs(sourceURL)
      && !startsWith(first, `${sourceURL}:${line}:`)) text = `at ${sourceURL}:${line}${text === '' ? '' : '\n'}${text}`;
    return text;
  };
  const isOurs = place => startsWith(place, 'faas:');

  // Line and column of the innermost guest frame.
  const positionOf = stack => {
    const end = indexOf(stack, '\n');
    const frame = end < 0 ? stack : slice(stack, 0, end);
    const parts = split(slice(frame, -1) === ')' ? slice(frame, 0, -1) : frame, ':');
    const line = +parts[parts.length - 2], column = +parts[parts.length - 1];
    // A syntax error of a script has a line and no column.
    return line === line ? [line | 0, column | 0] : [column | 0, 0];
  };

  // MARK: Built scripts. Their places are looked up in the source map, which is read when an error is first shown.

  const BUILT = '[built]:';
  let sourceMap;
  const places = new Map;

  // The place in the author's file; '' for what a build adds.
  const originalOf = place => {
    if (!startsWith(place, BUILT)) return place;
    const known = mapGet(places, place);
    if (known !== undefined) return known;
    sourceMap ??= parse(host.sourceMap());
    const parts = split(place, ':');
    const found = lookUp(sourceMap.mappings, +parts[1], +parts[2]);
    const name = found === undefined ? '' : sourceMap.sources[found[0]];
    const original = name === '' ? '' : `${name}:${found[1]}:${found[2]}`;
    mapSet(places, place, original);
    return original;
  };

  // The segment of a source map that covers line and column, as [source, line, column].
  const lookUp = (mappings, line, column) => {
    let at = 0, generated = 0, source = 0, sourceLine = 0, sourceColumn = 0, found;
    // One number: base 64, five bits for each digit, lowest first; the very lowest is the sign.
    const next = () => {
      let value = 0, shift = 0, digit;
      do {
        const code = charCodeAt(mappings, at++);
        digit = code >= 97 ? code - 71 : code >= 65 ? code - 65 : code >= 48 ? code + 4 : code === 43 ? 62 : 63;
        value |= (digit & 31) << shift;
        shift += 5;
      } while (digit & 32 && shift < 32);
      return value & 1 ? -(value >>> 1) : value >>> 1;
    };
    const isAtEnd = () => at >= mappings.length || mappings[at] === ',' || mappings[at] === ';';
    for (let current = 1; at < mappings.length && current <= line;) {
      if (mappings[at] === ';') {
        at++;
        current++;
        generated = 0;
      } else if (mappings[at] === ',') {
        at++;
      } else {
        generated += next();
        const hasSource = !isAtEnd();
        if (hasSource) {
          source += next();
          sourceLine += next();
          sourceColumn += next();
          while (!isAtEnd()) next();
        }
        if (current === line && generated < column) found = hasSource ? [source, sourceLine + 1, sourceColumn + 1] : undefined;
      }
    }
    return found;
  };

  // Showing a value runs code of the function's, which may fail.
  const shown = (show, value) => {
    try { return toWellFormed(show(value)); } catch { return '[a value that has no string form]'; }
  };
  const textOf = value => typeof value === 'string' ? toWellFormed(value) : shown(StringOf, value);

  const isError = value => typeof value === 'object' && value !== null && value instanceof Error;

  // What an error was caused by, and that by, after its own frames. Those that both end with are not said twice.
  const causesOf = (error, stack) => {
    let text = '';
    for (let depth = 0; depth < 8 && hasOwn(error, 'cause'); depth++) {
      error = error.cause;
      const isKnown = isError(error);
      text += `\nCaused by: ${replaceAll(isKnown ? errorToString(error) : inspect(error), '\n', ' ')}`;
      if (!isKnown) break;
      const outer = split(stack, '\n');
      stack = stackOf(error);
      if (stack === '') continue;
      const frames = split(stack, '\n');
      let count = frames.length;
      for (let i = outer.length; count > 0 && i > 0 && frames[count - 1] === outer[i - 1]; i--) count--;
      for (let i = 0; i < count; i++) text += '\n' + frames[i];
    }
    return text;
  };

  // What the engine says of an import that no build has seen.
  const explained = message => startsWith(message, 'Could not import the module ')
    ? `${message} Modules are joined before the function runs, so a name that is computed finds nothing: write the names out, for example as a table of functions that each import one.` : message;

  const failure = (kind, thrown) => {
    try {
      if (isError(thrown)) {
        const own = stackOf(thrown);
        const position = positionOf(own);
        let causes = '';
        try { causes = causesOf(thrown, own); } catch { /* Then it is shown without. */ }
        const stack = toWellFormed(own === '' ? slice(causes, 1) : own + causes);
        return [kind, textOf(thrown.name), explained(textOf(thrown.message)), stack, position[0], position[1]];
      }
    } catch { /* An error that does not let itself be read is a value like any other. */ }
    return [kind, 'Error', `A value that is not an Error was thrown: ${shown(inspect, thrown)}`, '', 0, 0];
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
    const array = makeList();
    setEach(set, value => { array[array.length] = value; });
    return setPrototypeOf(array, ArrayPrototype);
  });
  const IteratorPrototype = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()));
  encodes(IteratorPrototype, iterator => {
    const array = makeList();
    for (let step = iterator.next(); !step.done; step = iterator.next()) array[array.length] = step.value;
    return setPrototypeOf(array, ArrayPrototype);
  });
  // As a handler's result it is read; inside of one, nothing can wait for it.
  const AsyncIteratorPrototype = getPrototypeOf(getPrototypeOf((async function* () {}).prototype));
  const { asyncIterator } = Symbol;
  encodes(AsyncIteratorPrototype, () => { throw new TypeErrorOf('an asynchronous iterator has no JSON form, except as the whole result'); });
  encodes(TypedArray, view => {
    if (typedArrayName(view) === 'Uint8Array') return base64(view);
    const array = makeList();
    for (let i = 0; i < view.length; i++) array[i] = view[i];
    return setPrototypeOf(array, ArrayPrototype);
  });
  encodes(ArrayBuffer.prototype, buffer => base64(new Bytes(buffer)));
  encodes(DataView.prototype, view => base64(new Bytes(view.buffer, view.byteOffset, view.byteLength)));
  encodes(RegExp.prototype, regExpToString);
  encodes(Error.prototype, errorToString);
  encodes(Promise.prototype, objectToString);
  encodes(WeakMap.prototype, objectToString);
  encodes(WeakSet.prototype, objectToString);
  encodes(WeakRef.prototype, objectToString);
  encodes(Function.prototype, callable => { throw new TypeErrorOf(`a function${callable.name ? ` ('${callable.name}')` : ''} has no JSON form`); });
  // Digits as they are, as Python does with its integers. Without rawJSON a BigInt becomes its string.
  const rawJSON = JSON.rawJSON ?? (digits => digits);
  const bigIntToString = uncurry(BigInt.prototype.toString);
  define(BigInt.prototype, 'toJSON', function toJSON() {
    if (encoding) return rawJSON(bigIntToString(this));
    throw new TypeErrorOf('JSON.stringify cannot serialize BigInt.');
  });

  // An answer to an HTTP request, whose body is bytes: they cross as base64, which the answer has to say.
  const withEncodedBody = answer => {
    const { body } = answer;
    if (typeof body !== 'object' || body === null || !isView(body) && !isBuffer(body)
      || answer.statusCode === undefined || answer.isBase64Encoded !== undefined) return answer;
    return { ...answer, body: base64(bytesOf(body)), isBase64Encoded: true };
  };
  const encode = value => {
    encoding = true;
    try {
      if (typeof value === 'object' && value !== null && 'body' in value) value = withEncodedBody(value);
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

  let formatter;
  const formats = () => formatter ??= host.script('inspect')(core);
  const inspect = (value, options) => formats().inspect(value, options);
  const format = values => formats().formatList(undefined, values);
  const formatValue = value => typeof value === 'string' ? value : inspect(value);

  // As Node draws it: a row for each element, a column for each name that one of them has.
  const inspectCell = value => {
    const depth = typeof value === 'object' && value !== null && !isArray(value) && keys(value).length > 2 ? -1 : 0;
    return inspect(value, { depth, maxArrayLength: 3, breakLength: Infinity });
  };
  const table = (value, columns) => {
    if (typeof value !== 'object' || value === null) return formatValue(value);
    const isList = isArray(value);
    const rowNames = keys(value), names = makeList(), rows = makeList();
    let hasValues = false;
    const addName = name => {
      for (let i = 0; i < names.length; i++) if (names[i] === name) return;
      names[names.length] = name;
    };
    if (isArray(columns)) for (let i = 0; i < columns.length; i++) addName(textOf(columns[i]));
    for (let i = 0; i < rowNames.length && i < 1000; i++) {
      const row = value[rowNames[i]];
      rows[i] = row;
      if (typeof row !== 'object' || row === null) hasValues = true;
      else if (!isArray(columns)) {
        const fields = keys(row);
        for (let j = 0; j < fields.length; j++) addName(fields[j]);
      }
    }
    const lines = makeList();
    const addLine = (index, cell, last) => {
      const line = makeList();
      line[0] = index;
      for (let j = 0; j < names.length; j++) line[j + 1] = cell(names[j]);
      if (hasValues) line[line.length] = last;
      lines[lines.length] = line;
    };
    addLine('(index)', name => name, 'Values');
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i], isRow = typeof row === 'object' && row !== null;
      addLine(rowNames[i], name => isRow && hasOwn(row, name) ? inspectCell(row[name]) : '', isRow ? '' : inspectCell(row));
    }
    const widths = makeList();
    for (let i = 0; i < lines.length; i++) {
      for (let j = 0; j < lines[i].length; j++) widths[j] = max(widths[j] ?? 0, lines[i][j].length + 2);
    }
    const fill = (text, width, filler) => {
      while (text.length < width) text += filler;
      return text;
    };
    const rule = (left, middle, right) => {
      let text = left;
      for (let j = 0; j < widths.length; j++) text += (j ? middle : '') + fill('', widths[j], '─');
      return text + right;
    };
    let text = rule('┌', '┬', '┐');
    for (let i = 0; i < lines.length; i++) {
      text += '\n│';
      for (let j = 0; j < widths.length; j++) text += (j ? '│' : '') + fill(` ${lines[i][j]} `, widths[j], ' ');
      text += '│' + (i === 0 ? `\n${rule('├', '┼', '┤')}` : '');
    }
    return `${text}\n${rule('└', '┴', '┘')}`;
  };

  const DEBUG = 0, INFO = 1, WARNING = 2, ERROR = 3;
  let indentation = '';
  const log = (level, text) => host.log(level, toWellFormed(indentation === '' ? text : indentation + replaceAll(text, '\n', '\n' + indentation)));
  // What process.stdout and stderr hold of an unfinished line is written before what comes after it.
  let endOutput = () => {};
  const write = (level, text) => {
    endOutput();
    log(level, text);
  };
  // Tells listeners of process; whether there was one.
  let uncaught = () => false;
  const counts = new Map, started = new Map;
  const group = (...values) => {
    if (values.length) write(INFO, format(values));
    indentation += '  ';
  };
  const timeLog = (label = 'default', ...values) => {
    if (!mapHas(started, label)) return;
    const elapsed = host.now() - mapGet(started, label);
    write(INFO, `${label}: ${floor(elapsed)}.${slice(`${floor(elapsed * 1000) % 1000 + 1000}`, 1)}ms${values.length ? ' ' + format(values) : ''}`);
  };
  const consoleMethods = {
    log: (...values) => write(INFO, format(values)),
    info: (...values) => write(INFO, format(values)),
    debug: (...values) => write(DEBUG, format(values)),
    warn: (...values) => write(WARNING, format(values)),
    error: (...values) => write(ERROR, format(values)),
    trace: (...values) => write(DEBUG, `Trace: ${format(values)}\n${stackOf(new Error)}`),
    dir: (value, options) => write(INFO, inspect(value, { customInspect: false, ...options })),
    dirxml: (...values) => write(INFO, format(values)),
    assert: (condition, ...values) => { if (!condition) write(ERROR, values.length ? `Assertion failed: ${format(values)}` : 'Assertion failed'); },
    count: (label = 'default') => { mapSet(counts, label, (mapGet(counts, label) ?? 0) + 1); write(INFO, `${label}: ${mapGet(counts, label)}`); },
    countReset: (label = 'default') => { mapDelete(counts, label); },
    group,
    groupCollapsed: group,
    groupEnd: () => { indentation = slice(indentation, 2); },
    time: (label = 'default') => { mapSet(started, label, host.now()); },
    timeLog,
    timeEnd: (label = 'default') => { timeLog(label); mapDelete(started, label); },
    table: (value, columns) => write(INFO, table(value, columns)),
  };
  const console = {};
  for (const name of keys(consoleMethods)) console[name] = consoleMethods[name];
  define(globalThis, 'console', console);

  // MARK: Timers, in a heap by due time. One is run for each call of poll, so that microtasks run in between.

  const heap = makeList();
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
  // Timers that keep a call going: all but those that were told not to.
  let referenced = 0;
  const addTimer = (callback, delay, repeats, values) => {
    if (typeof callback !== 'function') throw new TypeErrorOf('The callback must be a function.');
    delay = +delay;
    // As browsers and Node do with other values.
    delay = delay >= 1 && delay <= 0x7fffffff ? floor(delay) : repeats === undefined ? 0 : 1;
    const timer = { id: ++lastTimer, due: host.now() + delay, delay, callback, values, interval: repeats ? delay : undefined, isReferenced: true, handle: undefined };
    mapSet(pending, timer.id, timer);
    push(timer);
    referenced++;
    return timer;
  };
  const clearTimer = timer => {
    if (timer === undefined || timer.callback === undefined) return;
    // It stays in the heap until it is due, and holds nothing of the function's.
    timer.callback = timer.values = undefined;
    mapDelete(pending, timer.id);
    if (timer.isReferenced) referenced--;
  };
  // What the functions return: an object, as in Node, that stands for its number too.
  class Timeout {
    #timer;
    constructor(timer) {
      this.#timer = timer;
      timer.handle = this;
    }
    static of(value) {
      return typeof value === 'object' && value !== null ? #timer in value ? value.#timer : undefined : mapGet(pending, +value);
    }
    #setReferenced(isReferenced) {
      const timer = this.#timer;
      if (timer.callback !== undefined && timer.isReferenced !== isReferenced) referenced += isReferenced ? 1 : -1;
      timer.isReferenced = isReferenced;
      return this;
    }
    ref() { return this.#setReferenced(true); }
    unref() { return this.#setReferenced(false); }
    hasRef() { return this.#timer.isReferenced; }
    close() {
      clearTimer(this.#timer);
      return this;
    }
    // Begins again, also after it has fired, unless it was cleared.
    refresh() {
      const old = this.#timer;
      if (old.last === undefined && old.callback === undefined) return this;
      const timer = addTimer(old.callback ?? old.last.callback, old.delay, old.interval !== undefined, old.values ?? old.last.values);
      clearTimer(old);
      mapDelete(pending, timer.id);
      timer.id = old.id;
      mapSet(pending, timer.id, timer);
      timer.handle = this;
      this.#timer = timer;
      return this.#setReferenced(old.isReferenced);
    }
    [Symbol.toPrimitive]() { return this.#timer.id; }
  }
  class Immediate extends Timeout {}
  if (Symbol.dispose !== undefined) define(Timeout.prototype, Symbol.dispose, function () { this.close(); });
  // A timer belongs to the call that set it. Every pending timer is in the heap.
  const dropTimers = () => {
    if (heap.length === 0) return;
    for (let i = 0; i < heap.length; i++) heap[i].callback = heap[i].values = undefined;
    heap.length = 0;
    referenced = 0;
    mapClear(pending);
  };
  define(globalThis, 'setTimeout', function setTimeout(callback, delay, ...values) { return new Timeout(addTimer(callback, delay, false, values)); });
  define(globalThis, 'setInterval', function setInterval(callback, delay, ...values) { return new Timeout(addTimer(callback, delay, true, values)); });
  define(globalThis, 'setImmediate', function setImmediate(callback, ...values) { return new Immediate(addTimer(callback, 0, undefined, values)); });
  define(globalThis, 'clearTimeout', function clearTimeout(timer) { clearTimer(Timeout.of(timer)); });
  define(globalThis, 'clearInterval', function clearInterval(timer) { clearTimer(Timeout.of(timer)); });
  define(globalThis, 'clearImmediate', function clearImmediate(timer) { clearTimer(Timeout.of(timer)); });
  const PromiseOf = Promise;
  const then = uncurry(Promise.prototype.then);
  if (typeof queueMicrotask !== 'function') {
    define(globalThis, 'queueMicrotask', function queueMicrotask(callback) {
      if (typeof callback !== 'function') throw new TypeErrorOf('The callback must be a function.');
      then(PromiseOf.resolve(), () => callback());
    });
  }

  // MARK: The web's globals, in scripts of their own that are evaluated when one of their names is first touched. What
  // they need of the language is taken here, before any code of the function's runs.

  const ErrorOf = Error, ProxyOf = Proxy;
  const getterOf = (prototype, name) => uncurry(getOwnPropertyDescriptor(prototype, name).get);
  const viewBuffer = getterOf(TypedArray, 'buffer'), viewOffset = getterOf(TypedArray, 'byteOffset'), viewLength = getterOf(TypedArray, 'byteLength');
  const dataBuffer = getterOf(DataView.prototype, 'buffer'), dataOffset = getterOf(DataView.prototype, 'byteOffset'), dataLength = getterOf(DataView.prototype, 'byteLength');
  const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength'), bufferSlice = uncurry(ArrayBuffer.prototype.slice);
  const bufferTransfer = ArrayBuffer.prototype.transfer && uncurry(ArrayBuffer.prototype.transfer);
  const bytesSlice = uncurry(Bytes.prototype.slice);
  const weakGet = uncurry(WeakMap.prototype.get), weakSet = uncurry(WeakMap.prototype.set);
  const WeakMapOf = WeakMap, DataViewOf = DataView, DateOf = Date, RegExpOf = RegExp;
  const dateValue = uncurry(Date.prototype.getTime);
  const { fromCharCode } = String, { ceil, min } = Math;
  const valueOf = { __proto__: null, Boolean: uncurry(Boolean.prototype.valueOf), Number: uncurry(Number.prototype.valueOf), String: uncurry(String.prototype.valueOf), BigInt: uncurry(BigInt.prototype.valueOf), Symbol: uncurry(Symbol.prototype.valueOf) };
  const ObjectOf = Object;
  const viewClasses = { __proto__: null };
  for (const view of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]) viewClasses[view.name] = view;
  // What a value is, by the prototypes it descends from: which methods it takes is then for those to say.
  const kinds = new Map([
    [Boolean.prototype, 'Boolean'], [Number.prototype, 'Number'], [String.prototype, 'String'], [BigInt.prototype, 'BigInt'], [Date.prototype, 'Date'],
    [Symbol.prototype, 'Symbol'], [RegExp.prototype, 'RegExp'], [ArrayBuffer.prototype, 'ArrayBuffer'], [TypedArray, 'View'], [DataView.prototype, 'View'], [Map.prototype, 'Map'],
    [Set.prototype, 'Set'], [Error.prototype, 'Error'], [Array.prototype, 'Array'], [WeakMap.prototype, 'Other'], [WeakSet.prototype, 'Other'],
    [WeakRef.prototype, 'Other'], [Promise.prototype, 'Other'],
  ]);

  // What throws unless a value is inside what its name says.
  const brands = {
    __proto__: null, ...valueOf, Map: mapHas, Set: setHas, WeakMap: uncurry(WeakMap.prototype.has), WeakSet: uncurry(WeakSet.prototype.has),
    Date: dateValue, RegExp: getterOf(RegExp.prototype, 'global'), ArrayBuffer: bufferLength,
    SharedArrayBuffer: typeof SharedArrayBuffer === 'function' ? getterOf(SharedArrayBuffer.prototype, 'byteLength') : undefined,
  };
  const builtIns = new Set(getOwnPropertyNames(globalThis));

  const isBuffer = value => {
    try { return bufferLength(value) >= 0; } catch { return false; }
  };
  const isDataView = view => typedArrayName(view) === undefined;
  const bufferOf = view => isDataView(view) ? dataBuffer(view) : viewBuffer(view);
  // The bytes of a view or a buffer: the same memory.
  const bytesOf = value => {
    if (isView(value)) return isDataView(value) ? new Bytes(dataBuffer(value), dataOffset(value), dataLength(value)) : new Bytes(viewBuffer(value), viewOffset(value), viewLength(value));
    if (isBuffer(value)) return new Bytes(value);
    throw new TypeErrorOf('An ArrayBuffer, a typed array or a DataView was expected.');
  };
  const utf8Encode = text => {
    let length = 0;
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i);
      length += code < 0x80 ? 1 : code < 0x800 ? 2 : code >= 0xd800 && code < 0xdc00 ? (i++, 4) : 3;
    }
    const bytes = new Bytes(length);
    for (let i = 0, at = 0; i < text.length; i++) {
      let code = charCodeAt(text, i);
      if (code < 0x80) bytes[at++] = code;
      else if (code < 0x800) {
        bytes[at++] = 0xc0 | code >> 6;
        bytes[at++] = 0x80 | code & 63;
      } else if (code >= 0xd800 && code < 0xdc00) {
        code = 0x10000 + ((code & 1023) << 10) + (charCodeAt(text, ++i) & 1023);
        bytes[at++] = 0xf0 | code >> 18;
        bytes[at++] = 0x80 | code >> 12 & 63;
        bytes[at++] = 0x80 | code >> 6 & 63;
        bytes[at++] = 0x80 | code & 63;
      } else {
        bytes[at++] = 0xe0 | code >> 12;
        bytes[at++] = 0x80 | code >> 6 & 63;
        bytes[at++] = 0x80 | code & 63;
      }
    }
    return bytes;
  };
  // Each longest beginning of an invalid character becomes one U+FFFD. Strict: an invalid character makes all of it
  // undefined.
  const utf8Decode = (bytes, isStrict = false) => {
    let text = '';
    for (let i = 0; i < bytes.length;) {
      const first = bytes[i++];
      if (first < 0x80) {
        text += fromCharCode(first);
        continue;
      }
      const count = first >= 0xc2 && first < 0xe0 ? 1 : first >= 0xe0 && first < 0xf0 ? 2 : first >= 0xf0 && first < 0xf5 ? 3 : 0;
      let code = first & 0x3f >> count, read = 0;
      for (; read < count; read++) {
        const byte = bytes[i];
        const least = read > 0 ? 0x80 : first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
        const most = read > 0 ? 0xbf : first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
        if (!(byte >= least && byte <= most)) break;
        code = code << 6 | byte & 63;
        i++;
      }
      if (count === 0 || read < count) {
        if (isStrict) return undefined;
        text += '\ufffd';
      } else text += code > 0xffff ? fromCharCode(0xd800 + (code - 0x10000 >> 10), 0xdc00 + (code - 0x10000 & 1023)) : fromCharCode(code);
    }
    return text;
  };

  const defineElement = (object, name, value) => defineProperty(object, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  define(define, 'element', defineElement);
  const call = uncurry(Function.prototype.call);
  const env = {};
  const core = {
    __proto__: null, host, slice, indexOf, charCodeAt, fromCharCode, toWellFormed, split, makeList, define, defineProperty, create, hasOwn, call, textOf, isArray, isView,
    isBuffer, bufferOf, bytesOf, utf8Encode, utf8Decode, base64, typedArrayName, mapEach, setEach, mapGet, mapSet, objectToString, addTimer: (callback, delay) => addTimer(callback, delay, false, []),
    floor, ceil, max, min, Bytes, IteratorPrototype, TypeErrorOf, RangeErrorOf: RangeError, ErrorOf, MapOf: Map, SetOf: Set, NumberOf: Number,
    toLowerCase: uncurry(String.prototype.toLowerCase), trim: uncurry(String.prototype.trim), setAdd: uncurry(Set.prototype.add), keysOf: keys, parseIntOf: parseInt, dateNow: Date.now,
    domainToASCII: host.domainToASCII,
    // For what shows values.
    getPrototypeOf, getOwnPropertyDescriptor, getOwnPropertyNames, getOwnPropertySymbols, isEnumerable: uncurry(ObjectPrototype.propertyIsEnumerable),
    functionToString, errorToString, regExpToString, symbolToString: uncurry(Symbol.prototype.toString), dateValue, dateToString: uncurry(Date.prototype.toString), dateToISO,
    startsWith, endsWith: uncurry(String.prototype.endsWith), replaceAll, sort: uncurry(ArrayPrototype.sort), stringify, StringOf, parseFloatOf: parseFloat,
    round: Math.round, sqrt: Math.sqrt, toStringTag: Symbol.toStringTag, customInspect: Symbol.for('nodejs.util.inspect.custom'),
    PromiseOf, RegExpPrototype: RegExp.prototype, viewClasses, brands, isError, stackOf,
    isBuiltIn: name => setHas(builtIns, name),
    unbox: (kind, value) => valueOf[kind](value),
    // For what Node has.
    INFO, WARNING, ERROR, write: log, env, apply, originalOf, BigIntOf: BigInt, setHas, filename: '/function/index.js',
    onAnswer: action => { endOutput = action; },
    onUncaught: tell => { uncaught = tell; },
    unavailable: (module, member) => unavailable(module, member),
    // For what hashes.
    Words: Int32Array, setFrom: uncurry(TypedArray.set), moveWithin: uncurry(TypedArray.copyWithin), abs: Math.abs, sin: Math.sin,
    hash: (name, bytes) => hashes()[name](bytes),
    copy: bytesSlice,
    detach: buffer => bufferTransfer?.(buffer),
    box: (kind, value) => ObjectOf(valueOf[kind](value)),
    copyDate: date => new DateOf(dateValue(date)),
    copyRegExp: expression => new RegExpOf(expression.source, expression.flags),
    copyBuffer: buffer => bufferSlice(buffer, 0),
    copyView: (view, buffer) => isDataView(view)
      ? new DataViewOf(buffer, dataOffset(view), dataLength(view)) : new viewClasses[typedArrayName(view)](buffer, viewOffset(view), view.length),
    errorNames: { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError },
    kindOf(value) {
      if (isArray(value)) return 'Array';
      for (let prototype = getPrototypeOf(value); prototype !== null; prototype = getPrototypeOf(prototype)) {
        const kind = mapGet(kinds, prototype);
        if (kind !== undefined) return kind;
      }
      return 'Object';
    },
    withCode(error, code) {
      define(error, 'code', code);
      return error;
    },
    report: error => write(ERROR, `Uncaught ${shown(formatValue, error)}`),
    WeakTable: class {
      #map = new WeakMapOf;
      get(key) { return weakGet(this.#map, key); }
      set(key, value) { weakSet(this.#map, key, value); }
    },
  };

  let digests;
  const hashes = () => digests ??= host.script('hashes')(core);

  const materialisers = makeList();
  materialisers[0] = formats;
  materialisers[1] = hashes;
  const defineLazily = (script, names) => {
    const getters = makeList();
    let values;
    // Those that the function has not replaced meanwhile become what they are for.
    const materialise = () => {
      if (values !== undefined) return;
      values = host.script(script)(core);
      for (let i = 0; i < names.length; i++) {
        const found = getOwnPropertyDescriptor(globalThis, names[i]);
        if (found !== undefined && hasOwn(found, 'get') && found.get === getters[i]) define(globalThis, names[i], values[names[i]]);
      }
    };
    materialisers[materialisers.length] = materialise;
    const all = () => {
      materialise();
      return values;
    };
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      getters[i] = () => {
        materialise();
        return values[name];
      };
      defineProperty(globalThis, name, { __proto__: null, configurable: true, enumerable: false, get: getters[i], set: value => { define(globalThis, name, value); } });
    }
    return all;
  };
  defineLazily('url', ['URL', 'URLSearchParams']);
  const node = defineLazily('node', ['process']);
  defineLazily('web', [
    'DOMException', 'TextEncoder', 'TextDecoder', 'atob', 'btoa', 'Event', 'CustomEvent', 'EventTarget', 'AbortSignal', 'AbortController', 'Headers', 'Blob',
    'structuredClone', 'crypto', 'Crypto', 'SubtleCrypto', 'performance', 'Performance',
  ]);

  // MARK: Stacks in V8's form, for packages that ask where they were called

  // While a function has set Error.prepareStackTrace, it makes the `stack` of new errors and of captured stacks.
  const nativeCapture = ErrorOf.captureStackTrace;
  let prepare;
  const prepared = (error, stack, below) => {
    const sites = node().sitesOf(stack, below);
    // An error in there must not be prepared in its turn.
    const outer = prepare;
    prepare = undefined;
    try { return apply(outer, ErrorOf, [error, sites]); } finally { prepare = outer; }
  };
  define(ErrorOf, 'captureStackTrace', function captureStackTrace(target, below) {
    if (typeof prepare !== 'function') return nativeCapture(target, below);
    const { stack } = new ErrorOf;
    define(target, 'stack', prepared(target, stack, below));
  });
  const PreparingError = new ProxyOf(ErrorOf, {
    __proto__: null,
    apply: (target, self, values) => new PreparingError(values[0], values[1]),
    construct(target, values, newTarget) {
      const error = Reflect.construct(target, values, newTarget), { stack } = error;
      let made, isMade = false;
      defineProperty(error, 'stack', {
        __proto__: null, configurable: true, enumerable: false,
        get() {
          if (!isMade) {
            isMade = true;
            made = typeof prepare === 'function' ? prepared(error, stack) : stack;
          }
          return made;
        },
        set(value) { define(error, 'stack', value); },
      });
      return error;
    },
  });
  defineProperty(ErrorOf, 'prepareStackTrace', {
    __proto__: null, configurable: true, enumerable: false,
    get: () => prepare,
    set(value) {
      prepare = value;
      if (globalThis.Error === ErrorOf && typeof value === 'function') define(globalThis, 'Error', PreparingError);
      else if (globalThis.Error === PreparingError && typeof value !== 'function') define(globalThis, 'Error', ErrorOf);
    },
  });

  // MARK: WebAssembly. The engine compiles on a thread of its own for these, and a worker has none.

  if (typeof WebAssembly === 'object') {
    const { Module, Instance } = WebAssembly;
    define(WebAssembly, 'compile', async function compile(bytes) { return new Module(bytes); });
    define(WebAssembly, 'instantiate', async function instantiate(source, imports) {
      if (source instanceof Module) return new Instance(source, imports);
      const module = new Module(source);
      return { module, instance: new Instance(module, imports) };
    });
  }

  // MARK: CommonJS

  // What people ask for because Node has it.
  const nodeModules = new Set(['assert', 'assert/strict', 'async_hooks', 'buffer', 'child_process', 'cluster', 'console', 'constants', 'crypto', 'dgram', 'diagnostics_channel', 'dns', 'dns/promises', 'domain', 'events', 'fs', 'fs/promises', 'http', 'http2', 'https', 'inspector', 'inspector/promises', 'module', 'net', 'os', 'path', 'path/posix', 'path/win32', 'perf_hooks', 'process', 'punycode', 'querystring', 'readline', 'readline/promises', 'repl', 'stream', 'stream/promises', 'stream/web', 'string_decoder', 'sys', 'timers', 'timers/promises', 'tls', 'trace_events', 'tty', 'url', 'util', 'util/types', 'v8', 'vm', 'wasi', 'worker_threads', 'zlib']);
  // What stands for a module that needs what functions do not have. Packages load and mention such modules without
  // using them; what is used fails, with the module's name.
  const unavailable = (module, member = '') => {
    const fail = () => { throw new ErrorOf(`The module '${module}' is not available in the sandbox${member === '' ? '' : `: '${member}' cannot be used`}.`); };
    const get = (target, key) => {
      if (typeof key !== 'string' || key === 'then' || key === '__esModule') return undefined;
      // A class may descend from it.
      if (key === 'prototype' || key === 'length') return target[key];
      if (key === 'name') return member === '' ? module : member;
      return key === 'default' && member === '' ? whole : unavailable(module, member === '' ? key : `${member}.${key}`);
    };
    // A build makes an object that inherits from what the module inherits from, and looks for the members there.
    const parent = new ProxyOf(create(null), { __proto__: null, get });
    const whole = new ProxyOf(function () {}, { __proto__: null, get, apply: fail, construct: fail, getPrototypeOf: () => parent });
    return whole;
  };
  const modules = new Map;
  const notFound = name => core.withCode(new ErrorOf(`Module not found: ${name}`), 'MODULE_NOT_FOUND');
  // Where a dependency would be: beside the function's file.
  const fileOf = name => {
    const parts = split(name, '/'), path = makeList();
    for (let i = 0; i < parts.length; i++) {
      if (parts[i] === '..') path.length = max(0, path.length - 1);
      else if (parts[i] !== '.' && parts[i] !== '') path[path.length] = parts[i];
    }
    let file = '/function';
    for (let i = 0; i < path.length; i++) file += '/' + path[i];
    return file;
  };
  const makeModule = (id, exports, loaded) => {
    const filename = id === '.' ? core.filename : fileOf(id);
    let end = filename.length;
    while (filename[--end] !== '/');
    const module = { exports, id, path: slice(filename, 0, max(1, end)), filename, loaded, children: [], paths: [] };
    return define(define(module, 'parent', id === '.' ? null : main), 'require', require);
  };
  const require = name => {
    name = textOf(name);
    const loaded = mapGet(modules, name);
    // A module that is being evaluated answers with what it has exported so far: that is how CommonJS does cycles.
    if (loaded !== undefined) return loaded.exports;
    const wrapper = host.compile(name);
    if (wrapper === undefined) {
      const bare = startsWith(name, 'node:') ? slice(name, 5) : name;
      if (!setHas(nodeModules, bare)) throw notFound(name);
      const module = makeModule(bare, bare === 'process' ? node().process : unavailable(bare), true);
      mapSet(modules, name, module);
      return module.exports;
    }
    const module = makeModule(name, {}, false);
    mapSet(modules, name, module);
    try {
      call(wrapper, module.exports, module.exports, module, require, module.filename, module.path);
    } catch (error) {
      mapDelete(modules, name);
      throw error;
    }
    module.loaded = true;
    return module.exports;
  };
  const main = makeModule('.', {}, false);
  define(require, 'main', main);
  define(require, 'cache', create(null));
  define(require, 'resolve', define(function resolve(name) {
    name = textOf(name);
    const bare = startsWith(name, 'node:') ? slice(name, 5) : name;
    if (setHas(nodeModules, bare)) return name;
    if (mapGet(modules, name) === undefined && host.compile(name) === undefined) throw notFound(name);
    return fileOf(name);
  }, 'paths', () => null));
  // For sources that a build has joined into one file. In a dependency they are parameters.
  define(globalThis, '__filename', core.filename);
  define(globalThis, '__dirname', '/function');
  // The name that Node has for it.
  define(globalThis, 'global', globalThis);
  define(globalThis, 'require', require);
  define(globalThis, 'module', main);
  define(globalThis, 'exports', main.exports);

  // MARK: Random numbers. The engine seeds its own when a context is made, and a rewound context is not made again.
  // This is sfc32, seeded by the kernel when an invocation first asks.

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

  // The names of the functions that a source exports, for an author who asked for another.
  const functionsOf = exports => {
    let text = '';
    try {
      if (typeof exports !== 'object' && typeof exports !== 'function' || exports === null) return text;
      const names = keys(exports);
      for (let i = 0, count = 0; i < names.length && count < 10; i++) {
        if (typeof exports[names[i]] !== 'function') continue;
        text += (count++ === 0 ? '' : ', ') + slice(toWellFormed(names[i]), 0, 100);
      }
    } catch { /* A getter of the function's has failed. */ }
    return text;
  };

  const now = Date.now, escapeURI = encodeURI;

  let handler, makeContext, outcome;

  // Lambda's other ways to answer: a third parameter of the handler's, and three methods of its context. A handler
  // that takes one of those answers with it, not by returning undefined. An answer through the context of an earlier
  // call is too late and is ignored.
  let takesCallback = false, currentContext, isAnsweredLater = false;
  const settleWith = (context, hasFailed, value) => {
    if (context === currentContext) outcome ??= hasFailed ? failure(HANDLER_ERROR, value) : encode(value);
  };
  const answerTo = context => (error, result) => {
    const hasFailed = error !== undefined && error !== null;
    settleWith(context, hasFailed, hasFailed ? error : result);
  };
  const contextPrototype = {};
  const defineAnswer = (name, make) => defineProperty(contextPrototype, name, {
    __proto__: null, configurable: true, enumerable: false,
    get() {
      isAnsweredLater = true;
      return make(this);
    },
    set(value) { defineElement(this, name, value); },
  });
  defineAnswer('succeed', context => result => settleWith(context, false, result));
  defineAnswer('fail', context => error => settleWith(context, true, error));
  defineAnswer('done', answerTo);
  const isAsyncIterable = value => typeof value === 'object' && value !== null && typeof value[asyncIterator] === 'function';
  const collect = async items => {
    const array = makeList();
    for await (const item of items) array[array.length] = item;
    return setPrototypeOf(array, ArrayPrototype);
  };
  // What the modules of a built script have given: what the main one exports, and what it declares under the handler's
  // name.
  let moduleExports, moduleBinding;
  // What a module of Node's does before each call.
  let beginCall = () => {};
  // Of the current phase: loading at first. Nothing is pending once a handler has answered.
  let failureKind = LOAD_ERROR, isPending = false;

  const start = (event, requestID, deadline, traceparent, tracestate) => {
    // What the source drew while it loaded is the same each time; what the handler draws is not.
    seeded = false;
    outcome = undefined;
    failureKind = HANDLER_ERROR;
    isPending = false;
    // Where the context is kept, these are the timers of the call before, or of the source.
    dropTimers();
    isAnsweredLater = takesCallback;
    currentContext = makeContext(requestID, deadline, traceparent, tracestate);
    let value;
    try {
      value = takesCallback ? handler(event, currentContext, answerTo(currentContext)) : handler(event, currentContext);
      if (typeof value !== 'object' && typeof value !== 'function' || value === null || typeof value.then !== 'function' && !isAsyncIterable(value)) {
        if (!isAnsweredLater || value !== undefined && !takesCallback) return outcome ?? encode(value);
        isPending = outcome === undefined;
        return outcome;
      }
    } catch (error) {
      return outcome ?? failure(HANDLER_ERROR, error);
    }
    isAnsweredLater = false;
    isPending = true;
    (async () => {
      try {
        let result = await value;
        if (isAsyncIterable(result)) result = await collect(result);
        outcome ??= encode(result);
      } catch (error) {
        outcome ??= failure(HANDLER_ERROR, error);
      }
    })();
  };

  const harness = {
    failure,

    // What the function is told about itself, before its source is evaluated. The names are AWS Lambda's, then our own.
    begin(functionId, revision, memoryLimitInMB) {
      const invokedFunctionArn = `arn:aws:lambda:local:000000000000:function:${functionId}`;
      const logGroupName = `/aws/lambda/${functionId}`;
      makeContext = (requestId, deadline, traceparent, tracestate) => define({
        __proto__: contextPrototype, awsRequestId: requestId, functionName: functionId, functionVersion: revision, memoryLimitInMB, invokedFunctionArn, logGroupName,
        logStreamName: revision, requestId, functionId, revision, env, traceparent, tracestate,
        get deadlineMs() { return deadline === 0 ? undefined : now() + floor(deadline - host.now()); },
      }, 'getRemainingTimeInMillis', () => deadline === 0 ? MAX_SAFE_INTEGER : max(0, floor(deadline - host.now())));
    },

    setVariable(name, value) { env[name] = value; },

    // Runs a built script; poll tells when it is done.
    startModule(module, sourceName) {
      const bridge = {
        // What import.meta is in the file at this path.
        meta: filename => {
          let end = filename.length;
          while (end > 1 && filename[--end] !== '/');
          return { url: `file://${escapeURI(filename)}`, filename, dirname: slice(filename, 0, max(1, end)) };
        },
        exports: value => { moduleExports = value; },
        binding: value => { moduleBinding = value; },
        // For Node's modules, which are built into it.
        get util() { return formats(); },
        hash: core.hash,
        unavailable: name => unavailable(name),
        onCall: action => { beginCall = action; },
      };
      isPending = true;
      then(module(bridge, bridge.meta(`/function/${sourceName}`)),
        () => { isPending = false; outcome = ''; },
        error => { isPending = false; outcome ??= failure(LOAD_ERROR, error); });
    },

    // An unhandled rejection. Listeners of process have it; else it becomes the outcome while one is pending, as in
    // Node; otherwise it is logged.
    rejected(promise, reason) {
      if (uncaught('unhandledRejection', [reason, promise])) return;
      if (isPending && outcome === undefined) outcome = failure(failureKind, reason);
      else write(ERROR, `Unhandled promise rejection: ${shown(formatValue, reason)}`);
    },

    // Finds the handler: `binding` is the global of that name, if there is one. The answer is a failure or undefined.
    resolve(name, binding) {
      try {
        const isModule = moduleExports !== undefined;
        const exports = isModule ? moduleExports : main.exports;
        const candidates = [
          exported(exports, name), isModule ? moduleBinding : binding, exports, exported(exports.default, name), exports.default];
        for (let i = 0; i < candidates.length && handler === undefined; i++) {
          // Every object has a toString, which was not written to be a handler.
          if (typeof candidates[i] === 'function' && candidates[i] !== ObjectPrototype[name]) handler = candidates[i];
        }
        takesCallback = handler?.length >= 3;
      } catch (error) {
        return failure(LOAD_ERROR, error);
      }
      if (handler === undefined) return [HANDLER_NOT_FOUND, '', functionsOf(moduleExports ?? main.exports), '', 0, 0];
    },

    // Calls the handler. The answer is JSON text, a failure, or undefined while a promise is pending.
    invoke(event, requestID, deadline, traceparent, tracestate) {
      beginCall();
      const answer = start(event, requestID, deadline, traceparent, tracestate);
      if (answer !== undefined) endOutput();
      return answer;
    },

    // Calls invoke with a handler of the harness's, and forgets that it did. Without arguments: the
    // beginning of the rehearsal.
    rehearse(event, requestID, isAsync) {
      const real = handler, takes = takesCallback;
      outcome = undefined;
      if (event === undefined) {
        // In the snapshot they cost nothing, whenever they are first touched.
        for (let i = 0; i < materialisers.length; i++) materialisers[i]();
        return;
      }
      takesCallback = false;
      handler = isAsync ? async event => ({ name: event.name, list: event.list }) : event => ({ message: `x ${event.name}`, list: event.list });
      try { return harness.invoke(event, requestID, 0); } finally {
        handler = real;
        takesCallback = takes;
      }
    },

    // Goes on with a pending invocation: its outcome; or the milliseconds to wait before the next call; or null if
    // nothing can ever settle it.
    poll() {
      if (outcome !== undefined) {
        endOutput();
        return outcome;
      }
      // A handler that was to answer later and has nothing left to do it with has answered null, as with Lambda.
      if (referenced === 0) return isAnsweredLater ? outcome = 'null' : null;
      const wait = heap[0].due - host.now();
      if (wait > 0) return wait;
      const timer = pop(), { callback, values, handle } = timer;
      if (callback === undefined) return 0;
      if (timer.interval === undefined) {
        clearTimer(timer);
        // For `refresh`.
        timer.last = { __proto__: null, callback, values };
      } else {
        timer.due = host.now() + timer.interval;
        push(timer);
      }
      try {
        apply(callback, handle, values);
      } catch (error) {
        if (!uncaught('uncaughtException', [error, 'uncaughtException'])) return outcome ??= failure(failureKind, error);
      }
      return 0;
    },
  };
  return harness;
})
