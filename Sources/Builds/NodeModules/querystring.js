// Node's `querystring`.
'use strict';

// What Node leaves as it is.
const escape = text => encodeURIComponent(typeof text === 'string' ? text : typeof text === 'object' ? String(text) : `${text}`);

const unescapeBytes = text => {
  const bytes = [];
  for (let i = 0; i < text.length; i++) {
    const digits = text[i] === '%' ? /^[0-9a-fA-F]{2}/.exec(text.slice(i + 1, i + 3)) : null;
    if (digits !== null) {
      bytes.push(parseInt(digits[0], 16));
      i += 2;
    } else bytes.push(...new TextEncoder().encode(text[i]));
  }
  return new Uint8Array(bytes);
};
// What is wrong stays readable: other bytes as they are, percent signs without digits too.
const unescape = text => {
  try { return decodeURIComponent(text); } catch { return new TextDecoder('utf-8', { ignoreBOM: true }).decode(unescapeBytes(`${text}`)); }
};

const primitive = value => {
  switch (typeof value) {
    case 'string': return value;
    case 'number': return Number.isFinite(value) ? `${value}` : '';
    case 'bigint': case 'boolean': return `${value}`;
    default: return '';
  }
};

function stringify(object, separator = '&', equals = '=', options) {
  separator ||= '&';
  equals ||= '=';
  const encode = options?.encodeURIComponent ?? module.exports.escape;
  if (object === null || typeof object !== 'object') return '';
  return Object.keys(object).flatMap(key => {
    const name = encode(key) + equals, value = object[key];
    return (Array.isArray(value) ? value : [value]).map(item => name + encode(primitive(item)));
  }).join(separator);
}

function parse(text, separator, equals, options) {
  const object = Object.create(null);
  if (typeof text !== 'string' || text.length === 0) return object;
  separator = separator ? `${separator}` : '&';
  equals = equals ? `${equals}` : '=';
  const decode = options?.decodeURIComponent ?? module.exports.unescape;
  const decoded = part => {
    try { return decode(part); } catch { return unescape(part); }
  };
  let pairs = text.split(separator);
  const most = typeof options?.maxKeys === 'number' ? options.maxKeys : 1000;
  if (most > 0) pairs = pairs.slice(0, most);
  for (const pair of pairs) {
    if (pair === '') continue;
    const spaced = pair.replaceAll('+', ' '), at = spaced.indexOf(equals);
    const key = decoded(at < 0 ? spaced : spaced.slice(0, at)), value = at < 0 ? '' : decoded(spaced.slice(at + equals.length));
    if (!(key in object)) object[key] = value;
    else if (Array.isArray(object[key])) object[key].push(value);
    else object[key] = [object[key], value];
  }
  return object;
}

module.exports = { escape, unescape, unescapeBuffer: unescapeBytes, stringify, encode: stringify, parse, decode: parse };
