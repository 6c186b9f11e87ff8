// Node's `buffer`, over the package of this name, which knows no base64url and no latin1 by other names.
'use strict';

const buffer = require('./debian/buffer.js');
const { Buffer } = buffer;

// Whatever a build calls it, to be apart from others.
Object.defineProperty(Buffer, 'name', { value: 'Buffer', configurable: true });

const isURL = encoding => typeof encoding === 'string' && encoding.toLowerCase() === 'base64url';
// It reads the letters of both.
const known = encoding => isURL(encoding) ? 'base64' : encoding;
const isEncoding = Buffer.isEncoding, byteLength = Buffer.byteLength, from = Buffer.from, alloc = Buffer.alloc;
const { toString, write, fill, indexOf, lastIndexOf, includes } = Buffer.prototype;

Buffer.isEncoding = encoding => isEncoding(known(encoding));
Buffer.byteLength = (value, encoding) => isURL(encoding) && typeof value === 'string' ? Math.floor(value.replace(/=+$/, '').length * 3 / 4) : byteLength(value, encoding);
Buffer.from = (value, encoding, length) => from(value, known(encoding), length);
Buffer.alloc = (size, value, encoding) => alloc(size, value, known(encoding));
const define = (name, value) => Object.defineProperty(Buffer.prototype, name, { value, writable: true, configurable: true, enumerable: true });
define('toString', function (encoding, start, end) {
  const text = arguments.length === 0 ? toString.call(this) : toString.call(this, known(encoding), start, end);
  return isURL(encoding) ? text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '') : text;
});
define('toLocaleString', Buffer.prototype.toString);
define('write', function (text, ...rest) { return write.call(this, text, ...rest.map(known)); });
define('fill', function (value, ...rest) { return fill.call(this, value, ...rest.map(known)); });
define('indexOf', function (value, ...rest) { return indexOf.call(this, value, ...rest.map(known)); });
define('lastIndexOf', function (value, ...rest) { return lastIndexOf.call(this, value, ...rest.map(known)); });
define('includes', function (value, ...rest) { return includes.call(this, value, ...rest.map(known)); });
define(Symbol.for('nodejs.util.inspect.custom'), function () {
  let text = '';
  for (let i = 0; i < this.length && i < 50; i++) text += ` ${this[i].toString(16).padStart(2, '0')}`;
  const rest = this.length - 50;
  return `<Buffer${text}${rest > 0 ? ` ... ${rest} more byte${rest > 1 ? 's' : ''}` : ''}>`;
});

module.exports = {
  ...buffer, Buffer, constants: { MAX_LENGTH: buffer.kMaxLength, MAX_STRING_LENGTH: 2 ** 31 - 1 }, kStringMaxLength: 2 ** 31 - 1,
  atob: text => atob(text), btoa: text => btoa(text),
  get Blob() { return Blob; },
};
