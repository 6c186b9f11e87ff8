// The web's other globals, each as far as it makes sense without a network: texts and bytes, events, headers, blobs,
// cloning, random numbers and hashes. Evaluated when a function first touches one of them. Its value is a function of
// `core`, as in url.js.
(function (core) {
  'use strict';

  const { slice, indexOf, charCodeAt, fromCharCode, toLowerCase, toWellFormed, makeList, IteratorPrototype, define, call } = core;
  const { TypeErrorOf, RangeErrorOf, ErrorOf, create, defineProperty, hasOwn, keysOf, textOf, utf8Decode, host } = core;
  const { Bytes, typedArrayName, bytesOf, isView, isArray, MapOf, SetOf, mapEach, setEach, mapGet, mapSet, setAdd, objectToString } = core;
  const element = define.element;
  const tag = (classObject, name) => define(classObject.prototype, Symbol.toStringTag, name);
  const show = (classObject, names) => {
    for (let i = 0; i < names.length; i++) defineProperty(classObject.prototype, names[i], { __proto__: null, enumerable: true });
  };
  const stringOf = value => toWellFormed(`${value}`);

  // MARK: DOMException

  const codes = {
    __proto__: null, IndexSizeError: 1, NotFoundError: 8, NotSupportedError: 9, InvalidStateError: 11, SyntaxError: 12, InvalidAccessError: 15,
    TimeoutError: 23, AbortError: 20, QuotaExceededError: 22, DataCloneError: 25, InvalidCharacterError: 5,
  };
  class DOMException extends ErrorOf {
    constructor(message = '', name = 'Error') {
      super(message);
      const options = typeof name === 'object' && name !== null ? name : { __proto__: null, name };
      define(this, 'name', `${options.name ?? 'Error'}`);
      if (hasOwn(options, 'cause')) define(this, 'cause', options.cause);
    }
    get code() { return codes[this.name] ?? 0; }
  }
  tag(DOMException, 'DOMException');

  // MARK: Texts and bytes

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return core.utf8Encode(stringOf(text)); }
    encodeInto(text, target) {
      text = stringOf(text);
      const room = bytesOf(target);
      let read = 0, written = 0;
      while (read < text.length) {
        const code = charCodeAt(text, read), isPair = code >= 0xd800 && code < 0xdc00;
        const bytes = core.utf8Encode(slice(text, read, read + (isPair ? 2 : 1)));
        if (written + bytes.length > room.length) break;
        for (let i = 0; i < bytes.length; i++) room[written++] = bytes[i];
        read += isPair ? 2 : 1;
      }
      return { read, written };
    }
  }
  tag(TextEncoder, 'TextEncoder');

  const encodings = { __proto__: null, 'utf-8': 'utf-8', 'utf8': 'utf-8', 'unicode-1-1-utf-8': 'utf-8', 'utf-16le': 'utf-16le', 'utf-16': 'utf-16le', 'unicode': 'utf-16le',
    'ascii': 'windows-1252', 'us-ascii': 'windows-1252', 'iso-8859-1': 'windows-1252', 'latin1': 'windows-1252', 'windows-1252': 'windows-1252' };
  const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

  class TextDecoder {
    #encoding;
    #isFatal;
    #ignoresMark;
    // What a streamed chunk ended with: the first bytes of a character.
    #rest = makeList();
    #hasBegun = false;

    constructor(label = 'utf-8', options = {}) {
      const name = encodings[toLowerCase(core.trim(stringOf(label)))];
      if (name === undefined) throw new RangeErrorOf(`The encoding '${label}' is not supported: use utf-8, utf-16le or windows-1252.`);
      this.#encoding = name;
      this.#isFatal = !!options?.fatal;
      this.#ignoresMark = !!options?.ignoreBOM;
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#isFatal; }
    get ignoreBOM() { return this.#ignoresMark; }
    decode(input, options = {}) {
      const isMore = !!options?.stream;
      const given = input === undefined ? new Bytes(0) : bytesOf(input);
      let bytes = this.#rest;
      for (let i = 0; i < given.length; i++) bytes[bytes.length] = given[i];
      this.#rest = makeList();
      if (isMore) {
        const kept = this.#unfinished(bytes);
        for (let i = bytes.length - kept; i < bytes.length; i++) this.#rest[this.#rest.length] = bytes[i];
        bytes.length -= kept;
      }
      let text = this.#text(bytes);
      if (!this.#hasBegun && !this.#ignoresMark && text[0] === '\ufeff' && this.#encoding !== 'windows-1252') text = slice(text, 1);
      this.#hasBegun = isMore && (this.#hasBegun || bytes.length > 0);
      return text;
    }
    #text(bytes) {
      if (this.#encoding === 'utf-8') {
        const text = utf8Decode(bytes, this.#isFatal);
        if (text === undefined) throw core.withCode(new TypeErrorOf('The bytes are not valid utf-8.'), 'ERR_ENCODING_INVALID_ENCODED_DATA');
        return text;
      }
      let text = '';
      if (this.#encoding === 'windows-1252') {
        for (let i = 0; i < bytes.length; i++) text += bytes[i] >= 0x80 && bytes[i] < 0xa0 ? windows1252[bytes[i] - 0x80] : fromCharCode(bytes[i]);
        return text;
      }
      for (let i = 0; i + 1 < bytes.length; i += 2) text += fromCharCode(bytes[i] | bytes[i + 1] << 8);
      const whole = toWellFormed(text);
      if (this.#isFatal && (bytes.length % 2 === 1 || whole !== text)) throw new TypeErrorOf('The bytes are not valid utf-16le.');
      return bytes.length % 2 === 1 ? whole + '\ufffd' : whole;
    }
    #unfinished(bytes) {
      if (this.#encoding === 'windows-1252') return 0;
      if (this.#encoding === 'utf-16le') {
        const odd = bytes.length % 2, high = bytes[bytes.length - odd - 1];
        return odd + (bytes.length - odd >= 2 && high >= 0xd8 && high < 0xdc ? 2 : 0);
      }
      for (let back = 1; back <= 3 && back <= bytes.length; back++) {
        const byte = bytes[bytes.length - back];
        if ((byte & 0xc0) === 0x80) continue;
        const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return length > back ? back : 0;
      }
      return 0;
    }
  }
  tag(TextDecoder, 'TextDecoder');

  const base64Value = code => code >= 97 && code <= 122 ? code - 71 : code >= 65 && code <= 90 ? code - 65 : code >= 48 && code <= 57 ? code + 4 : code === 43 ? 62 : code === 47 ? 63 : -1;
  function atob(data) {
    if (arguments.length === 0) throw new TypeErrorOf('atob needs 1 argument.');
    data = `${data}`;
    const wrong = () => new DOMException('The text is not valid base64.', 'InvalidCharacterError');
    const values = makeList();
    let padding = 0;
    for (let i = 0; i < data.length; i++) {
      const code = charCodeAt(data, i);
      if (code === 32 || code === 9 || code === 10 || code === 12 || code === 13) continue;
      if (code === 61) {
        padding++;
        continue;
      }
      const value = base64Value(code);
      if (value < 0 || padding > 0) throw wrong();
      values[values.length] = value;
    }
    if (padding > 2 || padding > 0 && (values.length + padding) % 4 !== 0 || values.length % 4 === 1) throw wrong();
    let text = '', bits = 0, held = 0;
    for (let i = 0; i < values.length; i++) {
      held = held << 6 | values[i];
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        text += fromCharCode(held >> bits & 255);
        held &= (1 << bits) - 1;
      }
    }
    return text;
  }
  function btoa(data) {
    if (arguments.length === 0) throw new TypeErrorOf('btoa needs 1 argument.');
    data = `${data}`;
    const bytes = new Bytes(data.length);
    for (let i = 0; i < data.length; i++) {
      const code = charCodeAt(data, i);
      if (code > 255) throw new DOMException('The text has characters above U+00FF.', 'InvalidCharacterError');
      bytes[i] = code;
    }
    return core.base64(bytes);
  }

  // MARK: Events

  // What dispatching needs of an event: its target, whether it goes on, and whether it may be prevented.
  let stateOf;
  class Event {
    #type;
    #options;
    #isCanceled = false;
    #timeStamp = host.now();
    #state = { __proto__: null, target: null, stops: false, isPassive: false };
    static { stateOf = event => event.#state; }
    constructor(type, options = {}) {
      if (arguments.length === 0) throw new TypeErrorOf('Event needs 1 argument.');
      this.#type = `${type}`;
      this.#options = { __proto__: null, bubbles: !!options?.bubbles, cancelable: !!options?.cancelable, composed: !!options?.composed };
    }
    get type() { return this.#type; }
    get target() { return this.#state.target; }
    get currentTarget() { return this.#state.target; }
    get bubbles() { return this.#options.bubbles; }
    get cancelable() { return this.#options.cancelable; }
    get composed() { return this.#options.composed; }
    get timeStamp() { return this.#timeStamp; }
    get isTrusted() { return false; }
    get defaultPrevented() { return this.#isCanceled; }
    preventDefault() { if (this.#options.cancelable && !this.#state.isPassive) this.#isCanceled = true; }
    stopPropagation() {}
    stopImmediatePropagation() { this.#state.stops = true; }
    composedPath() { return this.#state.target === null ? [] : [this.#state.target]; }
  }
  show(Event, ['type', 'target', 'currentTarget', 'bubbles', 'cancelable', 'defaultPrevented', 'timeStamp']);
  tag(Event, 'Event');

  class CustomEvent extends Event {
    #detail;
    constructor(type, options = {}) {
      super(type, options);
      this.#detail = options?.detail ?? null;
    }
    get detail() { return this.#detail; }
  }
  tag(CustomEvent, 'CustomEvent');

  class EventTarget {
    #listeners = makeList();
    addEventListener(type, callback, options = {}) {
      if (callback === null || callback === undefined) return;
      if (typeof callback !== 'function' && typeof callback !== 'object') throw new TypeErrorOf('The listener must be a function or an object.');
      type = `${type}`;
      const isCapture = typeof options === 'boolean' ? options : !!options?.capture;
      const signal = options?.signal;
      if (signal?.aborted || this.#find(type, callback, isCapture) >= 0) return;
      this.#listeners[this.#listeners.length] = { __proto__: null, type, callback, isCapture, isOnce: !!options?.once, isPassive: !!options?.passive };
      if (signal !== undefined && signal !== null) onAbort(signal, () => this.removeEventListener(type, callback, isCapture));
    }
    removeEventListener(type, callback, options = {}) {
      const at = this.#find(`${type}`, callback, typeof options === 'boolean' ? options : !!options?.capture);
      if (at >= 0) this.#remove(this.#listeners[at]);
    }
    #find(type, callback, isCapture) {
      for (let i = 0; i < this.#listeners.length; i++) {
        const listener = this.#listeners[i];
        if (listener.type === type && listener.callback === callback && listener.isCapture === isCapture) return i;
      }
      return -1;
    }
    #remove(listener) {
      const kept = makeList();
      for (let i = 0; i < this.#listeners.length; i++) if (this.#listeners[i] !== listener) kept[kept.length] = this.#listeners[i];
      this.#listeners = kept;
      listener.isRemoved = true;
    }
    dispatchEvent(event) {
      if (!(event instanceof Event)) throw new TypeErrorOf('dispatchEvent takes an Event.');
      const state = stateOf(event);
      state.target = this;
      state.stops = false;
      // Those that are there now: a listener that adds another does not call it.
      const listeners = this.#listeners;
      for (let i = 0; i < listeners.length && !state.stops; i++) {
        const listener = listeners[i];
        if (listener.type !== event.type || listener.isRemoved) continue;
        if (listener.isOnce) this.#remove(listener);
        state.isPassive = listener.isPassive;
        try {
          if (typeof listener.callback === 'function') call(listener.callback, this, event);
          else listener.callback.handleEvent(event);
        } catch (error) {
          core.report(error);
        }
        state.isPassive = false;
      }
      return !event.defaultPrevented;
    }
  }
  show(EventTarget, ['addEventListener', 'removeEventListener', 'dispatchEvent']);
  tag(EventTarget, 'EventTarget');

  let mayMakeSignal = false, abortSignal, onAbort;
  class AbortSignal extends EventTarget {
    #isAborted = false;
    #reason;
    #actions = makeList();
    #handler = null;
    static {
      abortSignal = (signal, reason) => {
        if (signal.#isAborted) return;
        signal.#isAborted = true;
        signal.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
        for (let i = 0; i < signal.#actions.length; i++) signal.#actions[i]();
        const event = new Event('abort');
        try { if (signal.#handler !== null) call(signal.#handler, signal, event); } catch (error) { core.report(error); }
        signal.dispatchEvent(event);
      };
      onAbort = (signal, action) => { signal.#actions[signal.#actions.length] = action; };
    }
    constructor() {
      if (!mayMakeSignal) throw new TypeErrorOf('Signals are made by AbortController, AbortSignal.abort, timeout and any.');
      super();
    }
    get aborted() { return this.#isAborted; }
    get reason() { return this.#reason; }
    get onabort() { return this.#handler; }
    set onabort(handler) { this.#handler = typeof handler === 'function' ? handler : null; }
    throwIfAborted() { if (this.#isAborted) throw this.#reason; }
    static abort(reason) {
      const signal = makeSignal();
      abortSignal(signal, reason);
      return signal;
    }
    static timeout(milliseconds) {
      const signal = makeSignal();
      core.addTimer(() => abortSignal(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')), milliseconds);
      return signal;
    }
    static any(signals) {
      const signal = makeSignal();
      for (const other of signals) {
        if (other.aborted) {
          abortSignal(signal, other.reason);
          break;
        }
        onAbort(other, () => abortSignal(signal, other.reason));
      }
      return signal;
    }
  }
  show(AbortSignal, ['aborted', 'reason', 'onabort', 'throwIfAborted']);
  tag(AbortSignal, 'AbortSignal');
  const makeSignal = () => {
    mayMakeSignal = true;
    try { return new AbortSignal; } finally { mayMakeSignal = false; }
  };

  class AbortController {
    #signal = makeSignal();
    get signal() { return this.#signal; }
    abort(reason) { abortSignal(this.#signal, reason); }
  }
  show(AbortController, ['signal', 'abort']);
  tag(AbortController, 'AbortController');

  // MARK: Headers

  const tokenSigns = "!#$%&'*+-.^_`|~";
  const headerName = name => {
    name = `${name}`;
    for (let i = 0; i < name.length; i++) {
      const code = charCodeAt(name, i), letter = code | 32;
      if (!(letter >= 97 && letter <= 122 || code >= 48 && code <= 57 || indexOf(tokenSigns, name[i]) >= 0) || code > 126) throw new TypeErrorOf(`Invalid header name: '${name}'`);
    }
    if (name === '') throw new TypeErrorOf("Invalid header name: ''");
    return toLowerCase(name);
  };
  const headerValue = value => {
    value = core.trim(`${value}`);
    for (let i = 0; i < value.length; i++) {
      const code = charCodeAt(value, i);
      if (code === 0 || code === 10 || code === 13 || code > 255) throw new TypeErrorOf('Invalid header value.');
    }
    return value;
  };
  const makeIterator = (next, name) => {
    const iterator = create(IteratorPrototype);
    define(iterator, 'next', next);
    define(iterator, Symbol.toStringTag, name);
    return iterator;
  };

  class Headers {
    #pairs = makeList();
    constructor(init) {
      if (init === undefined) return;
      if (typeof init !== 'object' && typeof init !== 'function' || init === null) throw new TypeErrorOf('Headers are made of an object or of pairs.');
      if (init[Symbol.iterator] !== undefined) {
        for (const item of init) {
          const pair = makeList();
          for (const part of item) pair[pair.length] = part;
          if (pair.length !== 2) throw new TypeErrorOf('Each header must be a pair of name and value.');
          this.append(pair[0], pair[1]);
        }
      } else {
        const names = keysOf(init);
        for (let i = 0; i < names.length; i++) this.append(names[i], init[names[i]]);
      }
    }
    append(name, value) { this.#pairs[this.#pairs.length] = { __proto__: null, name: headerName(name), value: headerValue(value) }; }
    delete(name) {
      name = headerName(name);
      const kept = makeList();
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i].name !== name) kept[kept.length] = this.#pairs[i];
      this.#pairs = kept;
    }
    get(name) {
      name = headerName(name);
      let text = null;
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i].name === name) text = text === null ? this.#pairs[i].value : `${text}, ${this.#pairs[i].value}`;
      return text;
    }
    getSetCookie() {
      const values = [];
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i].name === 'set-cookie') element(values, values.length, this.#pairs[i].value);
      return values;
    }
    has(name) { return this.get(name) !== null; }
    set(name, value) {
      name = headerName(name);
      value = headerValue(value);
      this.delete(name);
      this.append(name, value);
    }
    // By name; one entry for each name, but for each cookie.
    #sorted() {
      const list = makeList();
      for (let i = 0; i < this.#pairs.length; i++) {
        const { name, value } = this.#pairs[i];
        let at = list.length;
        while (at > 0 && list[at - 1].name > name) at--;
        if (at > 0 && list[at - 1].name === name && name !== 'set-cookie') {
          list[at - 1].value += `, ${value}`;
          continue;
        }
        for (let j = list.length; j > at; j--) list[j] = list[j - 1];
        list[at] = { __proto__: null, name, value };
      }
      return list;
    }
    #iterate(kind) {
      const list = this.#sorted();
      let at = 0;
      return makeIterator(() => {
        if (at >= list.length) return { value: undefined, done: true };
        const { name, value } = list[at++];
        return { value: kind === 'keys' ? name : kind === 'values' ? value : [name, value], done: false };
      }, 'Headers Iterator');
    }
    keys() { return this.#iterate('keys'); }
    values() { return this.#iterate('values'); }
    entries() { return this.#iterate('entries'); }
    forEach(callback, receiver) {
      const list = this.#sorted();
      for (let i = 0; i < list.length; i++) call(callback, receiver, list[i].value, list[i].name, this);
    }
  }
  define(Headers.prototype, Symbol.iterator, Headers.prototype.entries);
  show(Headers, ['append', 'delete', 'get', 'getSetCookie', 'has', 'set', 'keys', 'values', 'entries', 'forEach']);
  tag(Headers, 'Headers');

  // MARK: Blob

  let blobBytes;
  class Blob {
    #bytes;
    #type;
    static { blobBytes = value => typeof value === 'object' && value !== null && #bytes in value ? value.#bytes : undefined; }
    constructor(parts = [], options = {}) {
      if (typeof parts !== 'object' || parts === null) throw new TypeErrorOf('A Blob is made of an iterable of parts.');
      const list = makeList();
      let size = 0;
      for (const part of parts) {
        const bytes = blobBytes(part) ?? (isView(part) || core.isBuffer(part) ? bytesOf(part) : core.utf8Encode(stringOf(part)));
        list[list.length] = bytes;
        size += bytes.length;
      }
      this.#bytes = new Bytes(size);
      for (let i = 0, at = 0; i < list.length; i++) for (let j = 0; j < list[i].length; j++) this.#bytes[at++] = list[i][j];
      this.#type = toLowerCase(`${options?.type ?? ''}`);
    }
    get size() { return this.#bytes.length; }
    get type() { return this.#type; }
    async text() { return utf8Decode(this.#bytes); }
    async arrayBuffer() { return core.copy(this.#bytes, 0, this.#bytes.length).buffer; }
    async bytes() { return core.copy(this.#bytes, 0, this.#bytes.length); }
    slice(start = 0, end = this.size, type = '') {
      const size = this.size, clamp = at => at < 0 ? core.max(size + at, 0) : core.min(at, size);
      const from = clamp(start | 0), to = clamp(end | 0);
      return new Blob([core.copy(this.#bytes, from, core.max(from, to))], { type });
    }
  }
  show(Blob, ['size', 'type', 'text', 'arrayBuffer', 'bytes', 'slice']);
  tag(Blob, 'Blob');

  // MARK: structuredClone

  function structuredClone(value, options = {}) {
    if (arguments.length === 0) throw new TypeErrorOf('structuredClone needs 1 argument.');
    const seen = new MapOf;
    const transferred = new SetOf;
    if (options?.transfer !== undefined) {
      for (const item of options.transfer) {
        if (!core.isBuffer(item)) throw new DOMException('Only ArrayBuffers can be transferred.', 'DataCloneError');
        setAdd(transferred, item);
      }
    }
    const copy = clone(value, seen);
    setEach(transferred, buffer => core.detach(buffer));
    return copy;
  }
  const clone = (value, seen) => {
    if (typeof value === 'symbol' || typeof value === 'function') throw new DOMException(`${textOf(value)} could not be cloned.`, 'DataCloneError');
    if (typeof value !== 'object' || value === null) return value;
    const known = mapGet(seen, value);
    if (known !== undefined) return known;
    const remember = copy => {
      mapSet(seen, value, copy);
      return copy;
    };
    const kind = core.kindOf(value);
    switch (kind) {
      case 'Boolean': case 'Number': case 'String': case 'BigInt': return remember(core.box(kind, value));
      case 'Date': return remember(core.copyDate(value));
      case 'RegExp': return remember(core.copyRegExp(value));
      case 'ArrayBuffer': return remember(core.copyBuffer(value));
      case 'View': return remember(core.copyView(value, clone(core.bufferOf(value), seen)));
      case 'Map': {
        const copy = remember(new MapOf);
        mapEach(value, (item, key) => mapSet(copy, clone(key, seen), clone(item, seen)));
        return copy;
      }
      case 'Set': {
        const copy = remember(new SetOf);
        setEach(value, item => setAdd(copy, clone(item, seen)));
        return copy;
      }
      case 'Error': {
        const name = core.errorNames[`${value.name}`] ?? ErrorOf;
        const copy = remember(new name(hasOwn(value, 'message') ? `${value.message}` : undefined));
        if (hasOwn(value, 'stack')) define(copy, 'stack', `${value.stack}`);
        if (hasOwn(value, 'cause')) define(copy, 'cause', clone(value.cause, seen));
        return copy;
      }
      case 'Symbol':
      case 'Other': throw new DOMException(`${textOf(objectToString(value))} could not be cloned.`, 'DataCloneError');
    }
    const copy = remember(isArray(value) ? [] : {});
    if (isArray(value)) copy.length = value.length;
    const names = keysOf(value);
    for (let i = 0; i < names.length; i++) element(copy, names[i], clone(value[names[i]], seen));
    return copy;
  };

  // MARK: crypto

  const digests = { __proto__: null, 'sha-1': 'sha1', 'sha-256': 'sha256', 'sha-384': 'sha384', 'sha-512': 'sha512' };
  class SubtleCrypto {
    async digest(algorithm, data) {
      const name = typeof algorithm === 'object' && algorithm !== null ? algorithm.name : algorithm;
      const digest = digests[toLowerCase(`${name}`)];
      if (digest === undefined) throw new DOMException(`The algorithm '${name}' is not supported: use SHA-1, SHA-256, SHA-384 or SHA-512.`, 'NotSupportedError');
      return core.bufferOf(core.hash(digest, bytesOf(data)));
    }
  }
  tag(SubtleCrypto, 'SubtleCrypto');
  const fillRandom = bytes => {
    for (let i = 0; i < bytes.length; i += 4) {
      const word = host.random();
      for (let j = 0; j < 4 && i + j < bytes.length; j++) bytes[i + j] = word >>> 8 * j;
    }
  };
  class Crypto {
    #subtle = new SubtleCrypto;
    get subtle() { return this.#subtle; }
    getRandomValues(array) {
      const name = isView(array) ? typedArrayName(array) : undefined;
      if (name === undefined || name[0] === 'F') throw new DOMException('getRandomValues fills arrays of integers.', 'TypeMismatchError');
      const bytes = bytesOf(array);
      if (bytes.length > 65536) throw new DOMException('getRandomValues fills at most 65536 bytes.', 'QuotaExceededError');
      fillRandom(bytes);
      return array;
    }
    randomUUID() {
      const bytes = new Bytes(16);
      fillRandom(bytes);
      bytes[6] = bytes[6] & 15 | 64;
      bytes[8] = bytes[8] & 63 | 128;
      let text = '';
      for (let i = 0; i < 16; i++) text += (i === 4 || i === 6 || i === 8 || i === 10 ? '-' : '') + '0123456789abcdef'[bytes[i] >> 4] + '0123456789abcdef'[bytes[i] & 15];
      return text;
    }
  }
  show(Crypto, ['subtle', 'getRandomValues', 'randomUUID']);
  tag(Crypto, 'Crypto');

  // MARK: performance

  const start = host.now(), startedAt = core.dateNow();
  class Performance {
    get timeOrigin() { return startedAt; }
    now() { return host.now() - start; }
    toJSON() { return { timeOrigin: startedAt }; }
  }
  show(Performance, ['timeOrigin', 'now', 'toJSON']);
  tag(Performance, 'Performance');

  return {
    __proto__: null, DOMException, TextEncoder, TextDecoder, atob, btoa, Event, CustomEvent, EventTarget, AbortSignal, AbortController, Headers, Blob,
    structuredClone, crypto: new Crypto, Crypto, SubtleCrypto, performance: new Performance, Performance,
  };
})
