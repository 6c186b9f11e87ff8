// Node's `util`: what of it needs no I/O. How values are shown is the worker's, as `console` does it.
'use strict';

const { inspect, formatList, types } = __faas.util;
const promisified = Symbol.for('nodejs.util.promisify.custom');

const coded = (error, code) => {
  Object.defineProperty(error, 'code', { value: code, enumerable: true, writable: true, configurable: true });
  return error;
};
const wrongArgument = (name, expected, value) =>
  coded(new TypeError(`The "${name}" argument must be ${expected}. Received ${received(value)}`), 'ERR_INVALID_ARG_TYPE');
const received = value => {
  if (value == null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return value.constructor?.name ? `an instance of ${value.constructor.name}` : inspect(value, { depth: -1 });
  const text = inspect(value);
  return `type ${typeof value} (${text.length > 28 ? text.slice(0, 25) + '...' : text})`;
};

const formatWithOptions = (options, ...values) => formatList(options, values);
const format = (...values) => formatList(undefined, values);

// MARK: Promises and callbacks

function promisify(original) {
  if (typeof original !== 'function') throw wrongArgument('original', 'of type function', original);
  if (original[promisified]) {
    const own = original[promisified];
    if (typeof own !== 'function') throw wrongArgument('util.promisify.custom', 'of type function', own);
    return Object.defineProperty(own, promisified, { value: own, enumerable: false, writable: false, configurable: true });
  }
  function promised(...values) {
    return new Promise((resolve, reject) => Reflect.apply(original, this, [...values, (error, value) => error ? reject(error) : resolve(value)]));
  }
  Object.setPrototypeOf(promised, Object.getPrototypeOf(original));
  Object.defineProperty(promised, promisified, { value: promised, enumerable: false, writable: false, configurable: true });
  return Object.defineProperties(promised, Object.getOwnPropertyDescriptors(original));
}
promisify.custom = promisified;
// Node's own of this name: a promise of the delay. Ours is asked by promisify(setTimeout).
if (typeof setTimeout === 'function' && setTimeout[promisified] === undefined) {
  const delayed = (delay, value) => new Promise(resolve => setTimeout(resolve, delay, value));
  Object.defineProperty(setTimeout, promisified, { value: delayed, configurable: true });
}

function callbackify(original) {
  if (typeof original !== 'function') throw wrongArgument('original', 'of type function', original);
  function called(...values) {
    const callback = values.pop();
    if (typeof callback !== 'function') throw wrongArgument('last argument', 'of type function', callback);
    Reflect.apply(original, this, values).then(
      value => queueMicrotask(() => callback.call(this, null, value)),
      error => queueMicrotask(() => {
        if (!error) error = coded(Object.assign(new Error('Promise was rejected with a falsy value'), { reason: error }), 'ERR_FALSY_VALUE_REJECTION');
        callback.call(this, error);
      }));
  }
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length?.value === 'number') descriptors.length.value++;
  if (typeof descriptors.name?.value === 'string') descriptors.name.value += 'Callbackified';
  return Object.defineProperties(called, descriptors);
}

function inherits(constructor, parent) {
  if (typeof constructor !== 'function') throw wrongArgument('ctor', 'of type function', constructor);
  if (typeof parent !== 'function') throw wrongArgument('superCtor', 'of type function', parent);
  if (parent.prototype === undefined) throw wrongArgument('superCtor.prototype', 'of type object', parent.prototype);
  Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

const warned = new Set;
function deprecate(original, message, code) {
  let isWarned = false;
  function deprecated(...values) {
    if (!isWarned) {
      isWarned = true;
      if (code === undefined || !warned.has(code)) console.warn(`${code === undefined ? '' : `[${code}] `}DeprecationWarning: ${message}`);
      if (code !== undefined) warned.add(code);
    }
    return new.target ? Reflect.construct(original, values, new.target) : Reflect.apply(original, this, values);
  }
  Object.setPrototypeOf(deprecated, original);
  if (original.prototype) deprecated.prototype = original.prototype;
  return deprecated;
}

// NODE_DEBUG is never set for a function.
const debuglog = () => Object.assign(() => {}, { enabled: false });

const { isDeepStrictEqual } = require('../comparisons.js');

module.exports = {
  inspect, format, formatWithOptions, promisify, callbackify, inherits, deprecate, debuglog, debug: debuglog, isDeepStrictEqual, types,
  stripVTControlCharacters: text => String(text).replace(/[\u001B\u009B][[\]()#;?]*(?:(?:(?:(?:;[-a-zA-Z\d\/#&.:=?%@~_]+)*|[a-zA-Z\d]+(?:;[-a-zA-Z\d\/#&.:=?%@~_]*)*)?(?:\u0007|\u001B\u005C|\u009C))|(?:(?:\d{1,4}(?:;\d{0,4})*)?[\dA-PR-TZcf-ntqry=><~]))/g, ''),
  toUSVString: text => String(text).toWellFormed(),
  isArray: Array.isArray, isBoolean: value => typeof value === 'boolean', isNull: value => value === null, isNullOrUndefined: value => value == null,
  isNumber: value => typeof value === 'number', isString: value => typeof value === 'string', isSymbol: value => typeof value === 'symbol',
  isUndefined: value => value === undefined, isRegExp: types.isRegExp, isObject: value => value !== null && typeof value === 'object', isDate: types.isDate,
  isError: value => types.isNativeError(value) || value instanceof Error, isFunction: value => typeof value === 'function',
  isPrimitive: value => value === null || typeof value !== 'object' && typeof value !== 'function',
  get TextEncoder() { return TextEncoder; },
  get TextDecoder() { return TextDecoder; },
};
