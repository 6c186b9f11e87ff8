// When two values are the same to Node's `assert` and `util.isDeepStrictEqual`.
'use strict';

const { types, kindOfBox, nameOfTypedArray } = __faas.util;

const ownKeys = value => Object.keys(value).concat(Object.getOwnPropertySymbols(value).filter(key => Object.prototype.propertyIsEnumerable.call(value, key)));
const isObject = value => value !== null && typeof value === 'object';

const isEqual = (a, b, isStrict, seen) => {
  if (a === b) return a !== 0 || !isStrict || Object.is(a, b);
  if (!isStrict && !isObject(a)) return !isObject(b) && (a == b || a !== a && b !== b);
  if (!isObject(a) || !isObject(b)) return isStrict && Object.is(a, b);
  if (isStrict && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (Object.prototype.toString.call(a) !== Object.prototype.toString.call(b)) return false;
  const kinds = ['isDate', 'isRegExp', 'isNativeError', 'isTypedArray', 'isDataView', 'isAnyArrayBuffer', 'isSet', 'isMap', 'isBoxedPrimitive', 'isPromise', 'isWeakMap', 'isWeakSet'];
  for (const kind of kinds) if (types[kind](a) !== types[kind](b)) return false;
  if (Array.isArray(a) !== Array.isArray(b) || Array.isArray(a) && a.length !== b.length) return false;
  if (types.isDate(a) && a.getTime() !== b.getTime() && !(Number.isNaN(a.getTime()) && Number.isNaN(b.getTime()))) return false;
  if (types.isRegExp(a) && (a.source !== b.source || a.flags !== b.flags || a.lastIndex !== b.lastIndex)) return false;
  if (types.isNativeError(a)) {
    if (a.message !== b.message || a.name !== b.name) return false;
    if (isStrict && !['cause', 'errors'].every(key => Object.hasOwn(a, key) === Object.hasOwn(b, key) && isEqual(a[key], b[key], isStrict, seen))) return false;
  }
  if (types.isBoxedPrimitive(a) && (kindOfBox(a) !== kindOfBox(b) || !Object.is(a.valueOf(), b.valueOf()))) return false;
  if (types.isPromise(a) || types.isWeakMap(a) || types.isWeakSet(a)) return false;
  if (ArrayBuffer.isView(a) || types.isAnyArrayBuffer(a)) {
    if (types.isTypedArray(a) && nameOfTypedArray(a) !== nameOfTypedArray(b)) return false;
    const bytes = value => ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    const isFloat = /^Float/.test(nameOfTypedArray(a) ?? ''), left = isFloat ? a : bytes(a), right = isFloat ? b : bytes(b);
    if (left.length !== right.length) return false;
    for (let i = 0; i < left.length; i++) if (isStrict ? !Object.is(left[i], right[i]) : left[i] !== right[i] && !(left[i] !== left[i] && right[i] !== right[i])) return false;
  }
  const isIndexed = ArrayBuffer.isView(a) || types.isStringObject(a);
  const keysOf = value => isIndexed ? ownKeys(value).filter(key => typeof key === 'symbol' || !/^\d+$/.test(key)) : isStrict ? ownKeys(value) : Object.keys(value);
  const keys = keysOf(a);
  // JavaScriptCore's own properties of errors are of where they were made.
  const own = types.isNativeError(a) ? keys.filter(key => !['line', 'column', 'sourceURL'].includes(key)) : keys;
  const others = types.isNativeError(b) ? keysOf(b).filter(key => !['line', 'column', 'sourceURL'].includes(key)) : keysOf(b);
  if (own.length !== others.length || !own.every(key => Object.prototype.propertyIsEnumerable.call(b, key))) return false;

  // What is being compared already is the same if its partner is.
  for (const [left, right] of seen) if (left === a || right === b) return left === a && right === b;
  seen.push([a, b]);
  try {
    if (types.isSet(a) && !isEqualSet(a, b, isStrict, seen)) return false;
    if (types.isMap(a) && !isEqualMap(a, b, isStrict, seen)) return false;
    return own.every(key => isEqual(a[key], b[key], isStrict, seen));
  } finally {
    seen.pop();
  }
};

// Each of one has one of the other for itself.
const isEqualSet = (a, b, isStrict, seen) => {
  if (a.size !== b.size) return false;
  const rest = [...b].filter(item => !a.has(item));
  return [...a].every(item => {
    if (b.has(item)) return true;
    const at = rest.findIndex(other => (isObject(item) || !isStrict) && isEqual(item, other, isStrict, seen));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
};
const isEqualMap = (a, b, isStrict, seen) => {
  if (a.size !== b.size) return false;
  const rest = [...b.keys()].filter(key => !a.has(key));
  return [...a].every(([key, value]) => {
    if (b.has(key)) return isEqual(value, b.get(key), isStrict, seen);
    const at = rest.findIndex(other => (isObject(key) || !isStrict) && isEqual(key, other, isStrict, seen) && isEqual(value, b.get(other), isStrict, seen));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
};

exports.isDeepStrictEqual = (a, b) => isEqual(a, b, true, []);
exports.isDeepEqual = (a, b) => isEqual(a, b, false, []);
