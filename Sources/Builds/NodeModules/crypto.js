// Node's `crypto`: hashes, HMAC and random numbers. No ciphers, no keys, no signatures.
'use strict';

const { Buffer } = require('./buffer.js');
// How many bytes each takes at a time, which HMAC asks. The worker has them, for the web's `crypto` too.
const blocks = { __proto__: null, md5: 64, sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 };

const withCode = (error, code) => Object.assign(error, { code });
const bytesOf = (data, encoding, name = 'data') => {
  if (typeof data === 'string') return Buffer.from(data, encoding === 'buffer' ? undefined : encoding);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  throw withCode(new TypeError(`The "${name}" argument must be of type string or an instance of Buffer, TypedArray, or DataView. Received ${data === null ? 'null' : typeof data}`), 'ERR_INVALID_ARG_TYPE');
};

const algorithmOf = name => {
  if (typeof name !== 'string') throw withCode(new TypeError(`The "algorithm" argument must be of type string. Received ${name === null ? 'null' : typeof name}`), 'ERR_INVALID_ARG_TYPE');
  const found = name.toLowerCase().replace(/^rsa-/, '').replace(/^sha-/, 'sha');
  if (blocks[found] === undefined) throw withCode(new TypeError(`Invalid digest: ${name}. There are ${Object.keys(blocks).join(', ')}.`), 'ERR_CRYPTO_INVALID_DIGEST');
  return found;
};

const digestOf = (algorithm, bytes) => Buffer.from(__faas.hash(algorithm, bytes).buffer);

class Hash {
  #algorithm;
  // What has been given, with room for more.
  #bytes = Buffer.alloc(0);
  #length = 0;
  #isDone = false;
  constructor(name) { this.#algorithm = algorithmOf(name); }
  update(data, encoding) {
    if (this.#isDone) throw withCode(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
    const added = bytesOf(data, encoding), length = this.#length + added.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#bytes.length, length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(added, this.#length);
    this.#length = length;
    return this;
  }
  digest(encoding) {
    if (this.#isDone) throw withCode(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
    this.#isDone = true;
    const result = digestOf(this.#algorithm, this.#bytes.subarray(0, this.#length));
    return encoding === undefined || encoding === 'buffer' ? result : result.toString(encoding);
  }
  copy() {
    if (this.#isDone) throw withCode(new Error('Digest already called'), 'ERR_CRYPTO_HASH_FINALIZED');
    const other = new Hash('md5');
    other.#algorithm = this.#algorithm;
    other.#bytes = Buffer.from(this.#bytes);
    other.#length = this.#length;
    return other;
  }
}

class Hmac {
  #algorithm;
  #outer;
  #inner;
  #isDone = false;
  constructor(name, key) {
    this.#algorithm = algorithmOf(name);
    const block = blocks[this.#algorithm];
    let bytes = bytesOf(key, undefined, 'key');
    if (bytes.length > block) bytes = digestOf(this.#algorithm, bytes);
    const pad = value => {
      const padded = Buffer.alloc(block, value);
      for (let i = 0; i < bytes.length; i++) padded[i] ^= bytes[i];
      return padded;
    };
    this.#inner = new Hash(name).update(pad(0x36));
    this.#outer = new Hash(name).update(pad(0x5c));
  }
  update(data, encoding) {
    this.#inner.update(data, encoding);
    return this;
  }
  digest(encoding) {
    // As Node does with one that is used up.
    const result = this.#isDone ? Buffer.alloc(0) : this.#outer.update(this.#inner.digest()).digest();
    this.#isDone = true;
    return encoding === undefined || encoding === 'buffer' ? result : result.toString(encoding);
  }
}

const fillRandom = bytes => {
  // getRandomValues gives so much at a time.
  for (let at = 0; at < bytes.length; at += 65536) globalThis.crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
};
const checkSize = size => {
  if (typeof size !== 'number') throw withCode(new TypeError(`The "size" argument must be of type number. Received ${size === null ? 'null' : typeof size}`), 'ERR_INVALID_ARG_TYPE');
  if (!(size >= 0 && size <= 2 ** 31 - 1)) throw withCode(new RangeError(`The value of "size" is out of range. It must be >= 0 && <= 2147483647. Received ${size}`), 'ERR_OUT_OF_RANGE');
};
// The last argument is a callback for those who want to wait.
const answer = (callback, make) => {
  if (callback === undefined) return make();
  let value;
  try { value = make(); } catch (error) { return void queueMicrotask(() => callback(error)); }
  queueMicrotask(() => callback(null, value));
};

const randomBytes = (size, callback) => {
  checkSize(size);
  return answer(callback, () => fillRandom(Buffer.alloc(size)));
};
const randomFillSync = (view, offset = 0, size) => {
  const bytes = bytesOf(view, undefined, 'buf');
  fillRandom(bytes.subarray(offset, size === undefined ? undefined : offset + size));
  return view;
};
const randomInt = (least, limit, callback) => {
  if (limit === undefined || typeof limit === 'function') [least, limit, callback] = [0, least, limit];
  for (const [name, value] of [['min', least], ['max', limit]]) {
    if (!Number.isSafeInteger(value)) throw withCode(new TypeError(`The "${name}" argument must be a safe integer. Received ${typeof value === 'number' ? `type number (${value})` : typeof value}`), 'ERR_INVALID_ARG_TYPE');
  }
  const range = limit - least;
  if (!(range > 0)) throw withCode(new RangeError(`The value of "max" is out of range. It must be greater than the value of "min" (${least}). Received ${limit}`), 'ERR_OUT_OF_RANGE');
  if (range > 2 ** 48 - 1) throw withCode(new RangeError(`The value of "max - min" is out of range. It must be <= 281474976710655. Received ${range}`), 'ERR_OUT_OF_RANGE');
  return answer(callback, () => {
    // Numbers beyond the last whole range would make some results likelier than others.
    const end = 2 ** 48 - 2 ** 48 % range;
    for (;;) {
      const value = fillRandom(Buffer.alloc(6)).readUIntBE(0, 6);
      if (value < end) return least + value % range;
    }
  });
};

const timingSafeEqual = (a, b) => {
  const left = bytesOf(a, undefined, 'buf1'), right = bytesOf(b, undefined, 'buf2');
  if (typeof a === 'string' || typeof b === 'string') throw withCode(new TypeError('The arguments must be instances of ArrayBuffer, Buffer, TypedArray, or DataView.'), 'ERR_INVALID_ARG_TYPE');
  if (left.length !== right.length) throw withCode(new RangeError('Input buffers must have the same byte length'), 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH');
  let difference = 0;
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i];
  return difference === 0;
};

const missing = name => () => { throw new Error(`crypto.${name} is not available: hashes, HMAC and random numbers are.`); };

module.exports = {
  createHash: name => new Hash(name), createHmac: (name, key) => new Hmac(name, key), Hash, Hmac,
  hash: (name, data, encoding = 'hex') => new Hash(name).update(data).digest(encoding),
  getHashes: () => Object.keys(blocks),
  randomBytes, pseudoRandomBytes: randomBytes, rng: randomBytes, randomFillSync, randomInt,
  randomFill: (view, ...rest) => answer(rest.pop(), () => randomFillSync(view, ...rest)),
  randomUUID: () => globalThis.crypto.randomUUID(), timingSafeEqual,
  getRandomValues: view => globalThis.crypto.getRandomValues(view),
  get webcrypto() { return globalThis.crypto; },
  get subtle() { return globalThis.crypto.subtle; },
};
for (const name of ['createCipheriv', 'createDecipheriv', 'createSign', 'createVerify', 'sign', 'verify', 'createDiffieHellman', 'createECDH', 'generateKeyPair', 'generateKeyPairSync', 'publicEncrypt', 'privateDecrypt', 'scrypt', 'scryptSync', 'createPublicKey', 'createPrivateKey', 'createSecretKey', 'hkdfSync']) {
  module.exports[name] = missing(name);
}
