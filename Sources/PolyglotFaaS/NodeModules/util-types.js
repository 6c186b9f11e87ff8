// Node's `util/types`: what a value is, asked of its internals and not of its names.
'use strict';

const succeeds = (method, ...values) => value => {
  if (value === null || typeof value !== 'object' && typeof value !== 'function') return false;
  try {
    method.call(value, ...values);
    return true;
  } catch {
    return false;
  }
};
const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
const TypedArray = Object.getPrototypeOf(Uint8Array.prototype);
const typedArrayName = getter(TypedArray, Symbol.toStringTag);
const nameOfTypedArray = value => value !== null && typeof value === 'object' ? typedArrayName.call(value) : undefined;
const tagOf = value => Object.prototype.toString.call(value).slice(8, -1);

const types = {
  isMap: succeeds(Map.prototype.has), isSet: succeeds(Set.prototype.has), isWeakMap: succeeds(WeakMap.prototype.has),
  isWeakSet: succeeds(WeakSet.prototype.has), isDate: succeeds(Date.prototype.getTime), isPromise: value => value instanceof Promise && tagOf(value) === 'Promise',
  isRegExp: value => value !== RegExp.prototype && succeeds(getter(RegExp.prototype, 'global'))(value),
  isArrayBuffer: succeeds(getter(ArrayBuffer.prototype, 'byteLength')),
  isSharedArrayBuffer: value => typeof SharedArrayBuffer === 'function' && succeeds(getter(SharedArrayBuffer.prototype, 'byteLength'))(value),
  isAnyArrayBuffer: value => types.isArrayBuffer(value) || types.isSharedArrayBuffer(value),
  isDataView: value => ArrayBuffer.isView(value) && nameOfTypedArray(value) === undefined, isArrayBufferView: value => ArrayBuffer.isView(value),
  isTypedArray: value => nameOfTypedArray(value) !== undefined,
  isBooleanObject: value => typeof value === 'object' && succeeds(Boolean.prototype.valueOf)(value),
  isNumberObject: value => typeof value === 'object' && succeeds(Number.prototype.valueOf)(value),
  isStringObject: value => typeof value === 'object' && succeeds(String.prototype.valueOf)(value),
  isSymbolObject: value => typeof value === 'object' && succeeds(Symbol.prototype.valueOf)(value),
  isBigIntObject: value => typeof value === 'object' && succeeds(BigInt.prototype.valueOf)(value),
  isBoxedPrimitive: value => kindOfBox(value) !== undefined,
  isNativeError: value => value instanceof Error || value !== null && typeof value === 'object' && value[Symbol.toStringTag] === undefined && tagOf(value) === 'Error',
  isArgumentsObject: value => value !== null && typeof value === 'object' && !Object.hasOwn(value, Symbol.toStringTag) && tagOf(value) === 'Arguments',
  isAsyncFunction: value => typeof value === 'function' && ['AsyncFunction', 'AsyncGeneratorFunction'].includes(tagOf(value)),
  isGeneratorFunction: value => typeof value === 'function' && ['GeneratorFunction', 'AsyncGeneratorFunction'].includes(tagOf(value)),
  isGeneratorObject: value => tagOf(value) === 'Generator', isMapIterator: value => tagOf(value) === 'Map Iterator',
  isSetIterator: value => tagOf(value) === 'Set Iterator', isModuleNamespaceObject: value => tagOf(value) === 'Module',
  // Nothing here can tell these from what they stand for.
  isProxy: () => false, isExternal: () => false, isKeyObject: () => false, isCryptoKey: () => false,
};
for (const name of ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64', 'BigInt64', 'BigUint64']) {
  types[`is${name}Array`] = value => nameOfTypedArray(value) === `${name}Array`;
}

const kindOfBox = value => ['Boolean', 'Number', 'String', 'Symbol', 'BigInt'].find(kind => types[`is${kind}Object`](value));

module.exports = types;
// For our own modules, and seen by nobody else who lists what is there.
Object.defineProperties(types, { kindOfBox: { value: kindOfBox }, nameOfTypedArray: { value: nameOfTypedArray } });
