// URL and URLSearchParams, as https://url.spec.whatwg.org says, state by state in its order and with its names.
// Evaluated when a function first touches one of them. Its value is a function of `core`, what the harness took of the
// language before any code of the function's ran: nothing here calls a method of a built-in prototype.
(function (core) {
  'use strict';

  const { slice, indexOf, charCodeAt, fromCharCode, toLowerCase, toWellFormed, split, makeList, domainToASCII, IteratorPrototype, define } = core;
  const { TypeErrorOf, create, defineProperty, keysOf, utf8Decode, parseIntOf } = core;

  // MARK: Code points and percent-encoding

  const codesOf = text => {
    const codes = makeList();
    for (let i = 0; i < text.length; i++) {
      let code = charCodeAt(text, i);
      if (code >= 0xd800 && code < 0xdc00 && i + 1 < text.length) code = (code - 0xd800) * 0x400 + charCodeAt(text, ++i) - 0xdc00 + 0x10000;
      codes[codes.length] = code;
    }
    return codes;
  };
  const textOfCode = code => code > 0xffff
    ? fromCharCode(0xd800 + (code - 0x10000 >> 10), 0xdc00 + (code - 0x10000 & 1023)) : fromCharCode(code);
  const hexDigits = '0123456789ABCDEF';
  const percent = byte => '%' + hexDigits[byte >> 4] + hexDigits[byte & 15];
  const percentBytes = code =>
    code < 0x80 ? percent(code)
    : code < 0x800 ? percent(0xc0 | code >> 6) + percent(0x80 | code & 63)
    : code < 0x10000 ? percent(0xe0 | code >> 12) + percent(0x80 | code >> 6 & 63) + percent(0x80 | code & 63)
    : percent(0xf0 | code >> 18) + percent(0x80 | code >> 12 & 63) + percent(0x80 | code >> 6 & 63) + percent(0x80 | code & 63);
  // The percent-encode sets, without the controls that are in all of them.
  const FRAGMENT = ' "<>`', QUERY = ' "#<>', SPECIAL_QUERY = ' "#<>\'', PATH = ' "#<>?^`{}', USERINFO = ' "#<>?^`{}/:;=@[\\]|';
  const FORM = ' "#<>?^`{}/:;=@[\\]|$%&+,!\'()~';
  const encodeCode = (code, set) => {
    if (code < 0x20 || code > 0x7e) return percentBytes(code);
    const text = fromCharCode(code);
    return indexOf(set, text) >= 0 ? percent(code) : text;
  };
  const encodeText = (text, set) => {
    const codes = codesOf(text);
    let result = '';
    for (let i = 0; i < codes.length; i++) result += encodeCode(codes[i], set);
    return result;
  };
  const hexValue = code => code >= 48 && code <= 57 ? code - 48 : (code | 32) >= 97 && (code | 32) <= 102 ? (code | 32) - 87 : -1;
  const decode = (text, plusIsSpace) => {
    if (indexOf(text, '%') < 0 && !(plusIsSpace && indexOf(text, '+') >= 0)) return text;
    const codes = codesOf(text), bytes = makeList();
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i];
      if (code === 37 && i + 2 < codes.length && hexValue(codes[i + 1]) >= 0 && hexValue(codes[i + 2]) >= 0) {
        bytes[bytes.length] = hexValue(codes[i + 1]) * 16 + hexValue(codes[i + 2]);
        i += 2;
      } else if (code === 43 && plusIsSpace) bytes[bytes.length] = 32;
      else if (code < 0x80) bytes[bytes.length] = code;
      else {
        const encoded = percentBytes(code);
        for (let j = 1; j < encoded.length; j += 3) bytes[bytes.length] = hexValue(charCodeAt(encoded, j)) * 16 + hexValue(charCodeAt(encoded, j + 1));
      }
    }
    return utf8Decode(bytes);
  };

  const isAlpha = code => (code | 32) >= 97 && (code | 32) <= 122 && code < 128;
  const isDigit = code => code >= 48 && code <= 57;
  const isASCII = text => {
    for (let i = 0; i < text.length; i++) if (charCodeAt(text, i) > 0x7f) return false;
    return true;
  };

  // MARK: Hosts. Each function answers with the serialised host, or null if it is not a host.

  const forbiddenInHosts = '\0\t\n\r #/:<>?@[\\]^|';
  const hasForbidden = (text, isDomain) => {
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i);
      if (indexOf(forbiddenInHosts, text[i]) >= 0 || isDomain && (code <= 0x1f || code === 37 || code === 0x7f)) return true;
    }
    return false;
  };

  const parseHost = (input, isOpaque) => {
    if (input[0] === '[') return input[input.length - 1] === ']' ? parseIPv6(slice(input, 1, -1)) : null;
    if (isOpaque) return hasForbidden(input, false) ? null : encodeText(input, '');
    const domain = decode(input, false);
    const ascii = toASCII(domain);
    if (ascii === null || ascii === '' || hasForbidden(ascii, true)) return null;
    return endsInNumber(ascii) ? parseIPv4(ascii) : ascii;
  };

  // What is ASCII is not mapped, and its punycode is not looked into.
  const toASCII = domain => isASCII(domain) ? toLowerCase(domain) : domainToASCII(domain) ?? null;

  const endsInNumber = text => {
    const parts = split(text, '.');
    let last = parts[parts.length - 1];
    if (last === '') {
      if (parts.length === 1) return false;
      last = parts[parts.length - 2];
    }
    let isNumber = last !== '';
    for (let i = 0; i < last.length; i++) if (!isDigit(charCodeAt(last, i))) isNumber = false;
    return isNumber || parseIPv4Number(last) !== null;
  };

  const parseIPv4Number = text => {
    if (text === '') return null;
    let radix = 10;
    if (text.length >= 2 && text[0] === '0' && (text[1] === 'x' || text[1] === 'X')) {
      text = slice(text, 2);
      radix = 16;
    } else if (text.length >= 2 && text[0] === '0') {
      text = slice(text, 1);
      radix = 8;
    }
    let number = 0;
    for (let i = 0; i < text.length; i++) {
      const digit = hexValue(charCodeAt(text, i));
      if (digit < 0 || digit >= radix) return null;
      number = number * radix + digit;
    }
    return number;
  };

  const parseIPv4 = text => {
    const parts = split(text, '.');
    if (parts[parts.length - 1] === '' && parts.length > 1) parts.length--;
    if (parts.length > 4) return null;
    let address = 0;
    for (let i = 0; i < parts.length; i++) {
      const number = parseIPv4Number(parts[i]);
      if (number === null) return null;
      const isLast = i === parts.length - 1;
      if (isLast ? number >= 256 ** (5 - parts.length) : number > 255) return null;
      address += isLast ? number : number * 256 ** (3 - i);
    }
    return `${address / 0x1000000 >>> 0}.${address / 0x10000 & 255}.${address / 0x100 & 255}.${address & 255}`;
  };

  const parseIPv6 = text => {
    const codes = codesOf(text), pieces = makeList();
    for (let i = 0; i < 8; i++) pieces[i] = 0;
    let piece = 0, compress = -1, at = 0;
    if (codes[at] === 58) {
      if (codes[at + 1] !== 58) return null;
      at += 2;
      compress = ++piece;
    }
    while (at < codes.length) {
      if (piece === 8) return null;
      if (codes[at] === 58) {
        if (compress >= 0) return null;
        at++;
        compress = ++piece;
        continue;
      }
      let value = 0, length = 0;
      while (length < 4 && at < codes.length && hexValue(codes[at]) >= 0) {
        value = value * 16 + hexValue(codes[at++]);
        length++;
      }
      if (codes[at] === 46) {
        if (length === 0 || piece > 6) return null;
        at -= length;
        let seen = 0;
        while (at < codes.length) {
          let number = -1;
          if (seen > 0) {
            if (codes[at] !== 46 || seen >= 4) return null;
            at++;
          }
          if (at >= codes.length || !isDigit(codes[at])) return null;
          while (at < codes.length && isDigit(codes[at])) {
            const digit = codes[at++] - 48;
            if (number === 0) return null;
            number = number < 0 ? digit : number * 10 + digit;
            if (number > 255) return null;
          }
          pieces[piece] = pieces[piece] * 256 + number;
          if (++seen === 2 || seen === 4) piece++;
        }
        if (seen !== 4) return null;
        break;
      }
      if (codes[at] === 58) {
        if (++at >= codes.length) return null;
      } else if (at < codes.length) return null;
      pieces[piece++] = value;
    }
    if (compress >= 0) {
      let swaps = piece - compress;
      piece = 7;
      while (piece !== 0 && swaps > 0) {
        const other = compress + swaps - 1, kept = pieces[other];
        pieces[other] = pieces[piece];
        pieces[piece--] = kept;
        swaps--;
      }
    } else if (piece !== 8) return null;
    return `[${serializeIPv6(pieces)}]`;
  };

  const hex = number => {
    let text = '';
    do text = toLowerCase(hexDigits[number & 15]) + text; while (number >>= 4);
    return text;
  };
  const serializeIPv6 = pieces => {
    // The longest run of at least two zeros, the first if there are several.
    let start = -1, length = 1;
    for (let i = 0; i < 8; i++) {
      let end = i;
      while (end < 8 && pieces[end] === 0) end++;
      if (end - i > length) {
        start = i;
        length = end - i;
      }
    }
    let text = '';
    for (let i = 0; i < 8; i++) {
      if (i === start) {
        text += i === 0 ? '::' : ':';
        i += length - 1;
        continue;
      }
      text += hex(pieces[i]) + (i < 7 ? ':' : '');
    }
    return text;
  };

  // MARK: The parser

  const defaultPorts = { __proto__: null, ftp: 21, file: null, http: 80, https: 443, ws: 80, wss: 443 };
  const isSpecial = scheme => defaultPorts[scheme] !== undefined;
  const hasOpaquePath = url => typeof url.path === 'string';
  const isDriveLetter = text => text.length === 2 && isAlpha(charCodeAt(text, 0)) && (text[1] === ':' || text[1] === '|');
  const isNormalizedDriveLetter = text => isDriveLetter(text) && text[1] === ':';
  const startsWithDriveLetter = (codes, at) =>
    codes.length - at >= 2 && isAlpha(codes[at]) && (codes[at + 1] === 58 || codes[at + 1] === 124)
    && (codes.length - at === 2 || codes[at + 2] === 47 || codes[at + 2] === 92 || codes[at + 2] === 63 || codes[at + 2] === 35);
  const isSingleDot = text => text === '.' || text.length === 3 && toLowerCase(text) === '%2e';
  const isDoubleDot = text => {
    if (text === '..') return true;
    if (text.length !== 4 && text.length !== 6) return false;
    const lower = toLowerCase(text);
    return lower === '.%2e' || lower === '%2e.' || lower === '%2e%2e';
  };
  const shorten = url => {
    const { path } = url;
    if (url.scheme === 'file' && path.length === 1 && isNormalizedDriveLetter(path[0])) return;
    if (path.length > 0) path.length--;
  };
  const copyPath = path => {
    if (typeof path === 'string') return path;
    const copy = makeList();
    for (let i = 0; i < path.length; i++) copy[i] = path[i];
    return copy;
  };
  const append = (path, part) => { path[path.length] = part; };
  const hasCredentials = url => url.username !== '' || url.password !== '';
  const makeRecord = () => ({ __proto__: null, scheme: '', username: '', password: '', host: null, port: null, path: makeList(), query: null, fragment: null });

  const END = -1, SLASH = 47, BACKSLASH = 92, QUESTION = 63, HASH = 35, COLON = 58, AT = 64;

  const withoutTabs = text => {
    let result = '';
    for (let i = 0; i < text.length; i++) {
      const code = charCodeAt(text, i);
      if (code !== 9 && code !== 10 && code !== 13) result += text[i];
    }
    return result;
  };
  const trimmed = text => {
    let start = 0, end = text.length;
    while (start < end && charCodeAt(text, start) <= 0x20) start++;
    while (end > start && charCodeAt(text, end - 1) <= 0x20) end--;
    return slice(text, start, end);
  };

  // Parses into `url`, which is changed also where this fails. Returns whether it is one. With an override, starts in
  // that state and stops after its part, as setters do.
  const parse = (input, base, url, override) => {
    const codes = codesOf(withoutTabs(override === undefined ? trimmed(input) : input));
    let state = override ?? 'scheme start', buffer = '';
    let hasAt = false, inBrackets = false, hasPassword = false;
    for (let at = 0; ; at++) {
      const code = at < codes.length ? codes[at] : END;
      const endsAuthority = code === END || code === SLASH || code === QUESTION || code === HASH || code === BACKSLASH && isSpecial(url.scheme);
      switch (state) {
        case 'scheme start':
          if (isAlpha(code)) {
            buffer += toLowerCase(textOfCode(code));
            state = 'scheme';
          } else if (override === undefined) {
            state = 'no scheme';
            at--;
          } else return false;
          break;
        case 'scheme':
          if (isAlpha(code) || isDigit(code) || code === 43 || code === 45 || code === 46) buffer += toLowerCase(textOfCode(code));
          else if (code === COLON) {
            if (override !== undefined) {
              if (isSpecial(url.scheme) !== isSpecial(buffer)) return true;
              if ((hasCredentials(url) || url.port !== null) && buffer === 'file') return true;
              if (url.scheme === 'file' && (url.host === '' || url.host === null)) return true;
            }
            url.scheme = buffer;
            if (override !== undefined) {
              if (url.port === defaultPorts[url.scheme]) url.port = null;
              return true;
            }
            buffer = '';
            if (url.scheme === 'file') state = 'file';
            else if (isSpecial(url.scheme) && base !== null && base.scheme === url.scheme) state = 'special relative or authority';
            else if (isSpecial(url.scheme)) state = 'special authority slashes';
            else if (codes[at + 1] === SLASH) {
              state = 'path or authority';
              at++;
            } else {
              url.path = '';
              state = 'opaque path';
            }
          } else if (override === undefined) {
            buffer = '';
            state = 'no scheme';
            at = -1;
          } else return false;
          break;
        case 'no scheme':
          if (base === null || hasOpaquePath(base) && code !== HASH) return false;
          if (hasOpaquePath(base)) {
            url.scheme = base.scheme;
            url.path = base.path;
            url.query = base.query;
            url.fragment = '';
            state = 'fragment';
          } else {
            state = base.scheme === 'file' ? 'file' : 'relative';
            at--;
          }
          break;
        case 'special relative or authority':
          if (code === SLASH && codes[at + 1] === SLASH) {
            state = 'special authority ignore slashes';
            at++;
          } else {
            state = 'relative';
            at--;
          }
          break;
        case 'path or authority':
          if (code === SLASH) state = 'authority';
          else {
            state = 'path';
            at--;
          }
          break;
        case 'relative':
          url.scheme = base.scheme;
          if (code === SLASH || code === BACKSLASH && isSpecial(url.scheme)) {
            state = 'relative slash';
            break;
          }
          url.username = base.username;
          url.password = base.password;
          url.host = base.host;
          url.port = base.port;
          url.path = copyPath(base.path);
          url.query = base.query;
          if (code === QUESTION) {
            url.query = '';
            state = 'query';
          } else if (code === HASH) {
            url.fragment = '';
            state = 'fragment';
          } else if (code !== END) {
            url.query = null;
            shorten(url);
            state = 'path';
            at--;
          }
          break;
        case 'relative slash':
          if (isSpecial(url.scheme) && (code === SLASH || code === BACKSLASH)) state = 'special authority ignore slashes';
          else if (code === SLASH) state = 'authority';
          else {
            url.username = base.username;
            url.password = base.password;
            url.host = base.host;
            url.port = base.port;
            state = 'path';
            at--;
          }
          break;
        case 'special authority slashes':
          state = 'special authority ignore slashes';
          if (code === SLASH && codes[at + 1] === SLASH) at++;
          else at--;
          break;
        case 'special authority ignore slashes':
          if (code !== SLASH && code !== BACKSLASH) {
            state = 'authority';
            at--;
          }
          break;
        case 'authority':
          if (code === AT) {
            if (hasAt) buffer = '%40' + buffer;
            hasAt = true;
            const parts = codesOf(buffer);
            for (let i = 0; i < parts.length; i++) {
              if (parts[i] === COLON && !hasPassword) hasPassword = true;
              else if (hasPassword) url.password += encodeCode(parts[i], USERINFO);
              else url.username += encodeCode(parts[i], USERINFO);
            }
            buffer = '';
          } else if (endsAuthority) {
            if (hasAt && buffer === '') return false;
            at -= codesOf(buffer).length + 1;
            buffer = '';
            state = 'host';
          } else buffer += textOfCode(code);
          break;
        case 'host':
        case 'hostname':
          if (override !== undefined && url.scheme === 'file') {
            state = 'file host';
            at--;
          } else if (code === COLON && !inBrackets) {
            if (buffer === '' || override === 'hostname') return false;
            url.host = parseHost(buffer, !isSpecial(url.scheme)) ?? undefined;
            if (url.host === undefined) return false;
            buffer = '';
            state = 'port';
          } else if (endsAuthority) {
            at--;
            if (isSpecial(url.scheme) && buffer === '') return false;
            if (override !== undefined && buffer === '' && (hasCredentials(url) || url.port !== null)) return false;
            url.host = parseHost(buffer, !isSpecial(url.scheme)) ?? undefined;
            if (url.host === undefined) return false;
            buffer = '';
            state = 'path start';
            if (override !== undefined) return true;
          } else {
            if (code === 91) inBrackets = true;
            if (code === 93) inBrackets = false;
            buffer += textOfCode(code);
          }
          break;
        case 'port':
          if (isDigit(code)) buffer += textOfCode(code);
          else if (endsAuthority || override !== undefined) {
            if (buffer !== '') {
              const port = parseIntOf(buffer, 10);
              if (port > 65535) return false;
              url.port = port === defaultPorts[url.scheme] ? null : port;
              buffer = '';
              if (override !== undefined) return true;
            }
            if (override !== undefined) return false;
            state = 'path start';
            at--;
          } else return false;
          break;
        case 'file':
          url.scheme = 'file';
          url.host = '';
          if (code === SLASH || code === BACKSLASH) state = 'file slash';
          else if (base !== null && base.scheme === 'file') {
            url.host = base.host;
            url.path = copyPath(base.path);
            url.query = base.query;
            if (code === QUESTION) {
              url.query = '';
              state = 'query';
            } else if (code === HASH) {
              url.fragment = '';
              state = 'fragment';
            } else if (code !== END) {
              url.query = null;
              if (startsWithDriveLetter(codes, at)) url.path = makeList();
              else shorten(url);
              state = 'path';
              at--;
            }
          } else {
            state = 'path';
            at--;
          }
          break;
        case 'file slash':
          if (code === SLASH || code === BACKSLASH) state = 'file host';
          else {
            if (base !== null && base.scheme === 'file') {
              url.host = base.host;
              if (!startsWithDriveLetter(codes, at) && base.path.length > 0 && isNormalizedDriveLetter(base.path[0])) append(url.path, base.path[0]);
            }
            state = 'path';
            at--;
          }
          break;
        case 'file host':
          if (code === END || code === SLASH || code === BACKSLASH || code === QUESTION || code === HASH) {
            at--;
            if (override === undefined && isDriveLetter(buffer)) state = 'path';
            else if (buffer === '') {
              url.host = '';
              if (override !== undefined) return true;
              state = 'path start';
            } else {
              const host = parseHost(buffer, !isSpecial(url.scheme));
              if (host === null) return false;
              url.host = host === 'localhost' ? '' : host;
              if (override !== undefined) return true;
              buffer = '';
              state = 'path start';
            }
          } else buffer += textOfCode(code);
          break;
        case 'path start':
          if (isSpecial(url.scheme)) {
            state = 'path';
            if (code !== SLASH && code !== BACKSLASH) at--;
          } else if (override === undefined && code === QUESTION) {
            url.query = '';
            state = 'query';
          } else if (override === undefined && code === HASH) {
            url.fragment = '';
            state = 'fragment';
          } else if (code !== END) {
            state = 'path';
            if (code !== SLASH) at--;
          } else if (override !== undefined && url.host === null) append(url.path, '');
          break;
        case 'path': {
          const isSlash = code === SLASH || code === BACKSLASH && isSpecial(url.scheme);
          if (code === END || isSlash || override === undefined && (code === QUESTION || code === HASH)) {
            if (isDoubleDot(buffer)) {
              shorten(url);
              if (!isSlash) append(url.path, '');
            } else if (isSingleDot(buffer)) {
              if (!isSlash) append(url.path, '');
            } else {
              if (url.scheme === 'file' && url.path.length === 0 && isDriveLetter(buffer)) buffer = buffer[0] + ':';
              append(url.path, buffer);
            }
            buffer = '';
            if (code === QUESTION) {
              url.query = '';
              state = 'query';
            } else if (code === HASH) {
              url.fragment = '';
              state = 'fragment';
            }
          } else buffer += encodeCode(code, PATH);
          break;
        }
        case 'opaque path':
          if (code === QUESTION) {
            url.query = '';
            state = 'query';
          } else if (code === HASH) {
            url.fragment = '';
            state = 'fragment';
          } else if (code === 32) url.path += codes[at + 1] === QUESTION || codes[at + 1] === HASH ? '%20' : ' ';
          else if (code !== END) url.path += encodeCode(code, '');
          break;
        case 'query':
          if (code === END || override === undefined && code === HASH) {
            url.query += encodeText(buffer, isSpecial(url.scheme) ? SPECIAL_QUERY : QUERY);
            buffer = '';
            if (code === HASH) {
              url.fragment = '';
              state = 'fragment';
            }
          } else buffer += textOfCode(code);
          break;
        case 'fragment':
          if (code !== END) url.fragment += encodeCode(code, FRAGMENT);
          break;
      }
      if (code === END && at >= codes.length) return true;
    }
  };

  const parseRecord = (input, base) => {
    const record = makeRecord();
    return parse(input, base, record) ? record : null;
  };

  const serializePath = url => {
    if (hasOpaquePath(url)) return url.path;
    let text = '';
    for (let i = 0; i < url.path.length; i++) text += '/' + url.path[i];
    return text;
  };
  const serializeHost = url => url.host + (url.port === null ? '' : `:${url.port}`);
  const serialize = url => {
    let text = url.scheme + ':';
    if (url.host !== null) {
      text += '//';
      if (hasCredentials(url)) text += url.username + (url.password === '' ? '' : `:${url.password}`) + '@';
      text += serializeHost(url);
    } else if (!hasOpaquePath(url) && url.path.length > 1 && url.path[0] === '') text += '/.';
    text += serializePath(url);
    if (url.query !== null) text += `?${url.query}`;
    if (url.fragment !== null) text += `#${url.fragment}`;
    return text;
  };
  const serializeOrigin = url => {
    if (url.scheme === 'blob') {
      const inner = hasOpaquePath(url) ? parseRecord(url.path, null) : null;
      return inner !== null && (inner.scheme === 'http' || inner.scheme === 'https') ? serializeOrigin(inner) : 'null';
    }
    return isSpecial(url.scheme) && url.scheme !== 'file' ? `${url.scheme}://${serializeHost(url)}` : 'null';
  };

  // MARK: URLSearchParams

  const parseForm = text => {
    const pairs = makeList(), parts = split(text, '&');
    for (let i = 0; i < parts.length; i++) {
      if (parts[i] === '') continue;
      const equals = indexOf(parts[i], '=');
      const name = equals < 0 ? parts[i] : slice(parts[i], 0, equals), value = equals < 0 ? '' : slice(parts[i], equals + 1);
      pairs[pairs.length] = { __proto__: null, name: decode(name, true), value: decode(value, true) };
    }
    return pairs;
  };
  const encodeForm = text => {
    const parts = split(text, ' ');
    let result = '';
    for (let i = 0; i < parts.length; i++) result += (i ? '+' : '') + encodeText(parts[i], FORM);
    return result;
  };

  const stringOf = value => toWellFormed(`${value}`);
  const need = (count, given, what) => { if (given < count) throw new TypeErrorOf(`${what} needs ${count} argument${count > 1 ? 's' : ''}.`); };
  let onChange, pairsOf, setPairs;

  const makeIterator = (params, kind) => {
    let next = 0;
    const iterator = create(SearchParamsIteratorPrototype);
    iterators.set(iterator, () => {
      const pairs = pairsOf(params);
      if (next >= pairs.length) return { value: undefined, done: true };
      const pair = pairs[next++];
      return { value: kind === 'keys' ? pair.name : kind === 'values' ? pair.value : [pair.name, pair.value], done: false };
    });
    return iterator;
  };
  const iterators = new core.WeakTable();
  const SearchParamsIteratorPrototype = create(IteratorPrototype);
  define(SearchParamsIteratorPrototype, 'next', function next() {
    const step = iterators.get(this);
    if (step === undefined) throw new TypeErrorOf('next was called on a value that is not a URLSearchParams iterator.');
    return step();
  });
  define(SearchParamsIteratorPrototype, Symbol.toStringTag, 'URLSearchParams Iterator');

  class URLSearchParams {
    #pairs = makeList();
    #changed;

    static {
      pairsOf = params => params.#pairs;
      setPairs = (params, pairs) => { params.#pairs = pairs; };
      onChange = (params, changed) => { params.#changed = changed; };
    }

    constructor(init = '') {
      if (typeof init === 'object' && init !== null || typeof init === 'function') {
        const iterate = init[Symbol.iterator];
        if (iterate !== undefined && iterate !== null) {
          for (const item of init) {
            if (typeof item !== 'object' && typeof item !== 'function' || item === null) throw new TypeErrorOf('Each of the pairs must be an iterable of two.');
            const pair = makeList();
            for (const part of item) pair[pair.length] = stringOf(part);
            if (pair.length !== 2) throw new TypeErrorOf('Each of the pairs must have two parts, a name and a value.');
            this.#push(pair[0], pair[1]);
          }
        } else {
          const names = keysOf(init);
          for (let i = 0; i < names.length; i++) {
            const name = stringOf(names[i]), value = stringOf(init[names[i]]);
            const known = this.#find(name);
            if (known === undefined) this.#push(name, value);
            else known.value = value;
          }
        }
      } else {
        const text = stringOf(init);
        this.#pairs = parseForm(text[0] === '?' ? slice(text, 1) : text);
      }
    }

    #push(name, value) { this.#pairs[this.#pairs.length] = { __proto__: null, name, value }; }
    #find(name) {
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i].name === name) return this.#pairs[i];
    }
    #keep(keeps) {
      const kept = makeList();
      for (let i = 0; i < this.#pairs.length; i++) if (keeps(this.#pairs[i])) kept[kept.length] = this.#pairs[i];
      this.#pairs = kept;
    }

    get size() { return this.#pairs.length; }
    append(name, value) {
      need(2, arguments.length, 'append');
      this.#push(stringOf(name), stringOf(value));
      this.#changed?.();
    }
    delete(name, value) {
      need(1, arguments.length, 'delete');
      name = stringOf(name);
      if (value !== undefined) value = stringOf(value);
      this.#keep(pair => !(pair.name === name && (value === undefined || pair.value === value)));
      this.#changed?.();
    }
    get(name) {
      need(1, arguments.length, 'get');
      return this.#find(stringOf(name))?.value ?? null;
    }
    getAll(name) {
      need(1, arguments.length, 'getAll');
      name = stringOf(name);
      const values = [];
      for (let i = 0; i < this.#pairs.length; i++) if (this.#pairs[i].name === name) define.element(values, values.length, this.#pairs[i].value);
      return values;
    }
    has(name, value) {
      need(1, arguments.length, 'has');
      name = stringOf(name);
      if (value !== undefined) value = stringOf(value);
      for (let i = 0; i < this.#pairs.length; i++) {
        if (this.#pairs[i].name === name && (value === undefined || this.#pairs[i].value === value)) return true;
      }
      return false;
    }
    set(name, value) {
      need(2, arguments.length, 'set');
      name = stringOf(name);
      value = stringOf(value);
      const first = this.#find(name);
      if (first === undefined) this.#push(name, value);
      else {
        first.value = value;
        this.#keep(pair => pair === first || pair.name !== name);
      }
      this.#changed?.();
    }
    sort() {
      // By UTF-16 code units; equal names keep their order.
      const pairs = this.#pairs;
      for (let i = 1; i < pairs.length; i++) {
        const pair = pairs[i];
        let j = i - 1;
        for (; j >= 0 && pairs[j].name > pair.name; j--) pairs[j + 1] = pairs[j];
        pairs[j + 1] = pair;
      }
      this.#changed?.();
    }
    forEach(callback, receiver) {
      if (typeof callback !== 'function') throw new TypeErrorOf('The callback must be a function.');
      for (let i = 0; i < this.#pairs.length; i++) core.call(callback, receiver, this.#pairs[i].value, this.#pairs[i].name, this);
    }
    keys() { return makeIterator(this, 'keys'); }
    values() { return makeIterator(this, 'values'); }
    entries() { return makeIterator(this, 'entries'); }
    toString() {
      let text = '';
      for (let i = 0; i < this.#pairs.length; i++) text += (i ? '&' : '') + encodeForm(this.#pairs[i].name) + '=' + encodeForm(this.#pairs[i].value);
      return text;
    }
  }
  const searchToString = URLSearchParams.prototype.toString;
  define(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);
  define(URLSearchParams.prototype, Symbol.toStringTag, 'URLSearchParams');

  // MARK: URL

  class URL {
    #url;
    #params;

    constructor(url, base) {
      need(1, arguments.length, 'URL');
      const text = stringOf(url);
      let baseRecord = null;
      if (base !== undefined) {
        baseRecord = parseRecord(stringOf(base), null);
        if (baseRecord === null) throw core.withCode(new TypeErrorOf(`Invalid base URL: ${base}`), 'ERR_INVALID_URL');
      }
      this.#url = parseRecord(text, baseRecord);
      if (this.#url === null) throw core.withCode(new TypeErrorOf(`Invalid URL: ${text}`), 'ERR_INVALID_URL');
    }

    static canParse(url, base) {
      need(1, arguments.length, 'canParse');
      return URL.parse(url, base) !== null;
    }
    static parse(url, base) {
      need(1, arguments.length, 'parse');
      try { return new URL(url, base); } catch { return null; }
    }

    // The parts of a URL that a setter changes, or leaves if the new one is invalid.
    #change(text, state, prepare) {
      const copy = { __proto__: null, ...this.#url, path: copyPath(this.#url.path) };
      prepare?.(copy);
      if (parse(text, null, copy, state)) this.#url = copy;
    }
    #refresh() { if (this.#params !== undefined) setPairs(this.#params, parseForm(this.#url.query ?? '')); }

    get href() { return serialize(this.#url); }
    set href(value) {
      const record = parseRecord(stringOf(value), null);
      if (record === null) throw new TypeErrorOf(`Invalid URL: ${value}`);
      this.#url = record;
      this.#refresh();
    }
    get origin() { return serializeOrigin(this.#url); }
    get protocol() { return this.#url.scheme + ':'; }
    set protocol(value) { this.#change(stringOf(value) + ':', 'scheme start'); }
    get username() { return this.#url.username; }
    set username(value) {
      value = stringOf(value);
      if (this.#mayHaveCredentials()) this.#url.username = encodeText(value, USERINFO);
    }
    get password() { return this.#url.password; }
    set password(value) {
      value = stringOf(value);
      if (this.#mayHaveCredentials()) this.#url.password = encodeText(value, USERINFO);
    }
    #mayHaveCredentials() { return this.#url.host !== null && this.#url.host !== '' && this.#url.scheme !== 'file'; }
    get host() { return this.#url.host === null ? '' : serializeHost(this.#url); }
    set host(value) {
      value = stringOf(value);
      if (hasOpaquePath(this.#url)) return;
      // A host that is followed by an invalid port is still set.
      const copy = { __proto__: null, ...this.#url, path: copyPath(this.#url.path) }, before = copy.host;
      if (parse(value, null, copy, 'host') || copy.host !== before && copy.host !== undefined) this.#url = copy;
    }
    get hostname() { return this.#url.host ?? ''; }
    set hostname(value) {
      value = stringOf(value);
      if (!hasOpaquePath(this.#url)) this.#change(value, 'hostname');
    }
    get port() { return this.#url.port === null ? '' : `${this.#url.port}`; }
    set port(value) {
      value = stringOf(value);
      if (!this.#mayHaveCredentials()) return;
      if (value === '') this.#url.port = null;
      else this.#change(value, 'port');
    }
    get pathname() { return serializePath(this.#url); }
    set pathname(value) {
      value = stringOf(value);
      if (!hasOpaquePath(this.#url)) this.#change(value, 'path start', copy => { copy.path = makeList(); });
    }
    get search() { return this.#url.query === null || this.#url.query === '' ? '' : `?${this.#url.query}`; }
    set search(value) {
      value = stringOf(value);
      if (value === '') this.#url.query = null;
      else this.#change(value[0] === '?' ? slice(value, 1) : value, 'query', copy => { copy.query = ''; });
      this.#refresh();
    }
    get searchParams() {
      if (this.#params === undefined) {
        this.#params = new URLSearchParams(this.#url.query === null ? '' : `?${this.#url.query}`);
        onChange(this.#params, () => {
          const text = core.call(searchToString, this.#params);
          this.#url.query = text === '' ? null : text;
        });
      }
      return this.#params;
    }
    get hash() { return this.#url.fragment === null || this.#url.fragment === '' ? '' : `#${this.#url.fragment}`; }
    set hash(value) {
      value = stringOf(value);
      if (value === '') this.#url.fragment = null;
      else this.#change(value[0] === '#' ? slice(value, 1) : value, 'fragment', copy => { copy.fragment = ''; });
    }
    toString() { return serialize(this.#url); }
    toJSON() { return serialize(this.#url); }
  }
  define(URL.prototype, Symbol.toStringTag, 'URL');

  const shown = (prototype, names) => {
    for (let i = 0; i < names.length; i++) defineProperty(prototype, names[i], { __proto__: null, enumerable: true });
  };
  shown(URL.prototype, ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'searchParams', 'hash', 'toString', 'toJSON']);
  shown(URLSearchParams.prototype, ['size', 'append', 'delete', 'get', 'getAll', 'has', 'set', 'sort', 'forEach', 'keys', 'values', 'entries', 'toString']);

  return { __proto__: null, URL, URLSearchParams };
})
