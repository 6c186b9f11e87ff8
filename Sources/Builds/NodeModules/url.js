// Node's `url`: the web's URL, and the older parse, format and resolve.
'use strict';

const querystring = require('./querystring.js');

const withCode = (error, code) => Object.assign(error, { code });
// These have `//` and a host, whether it is written or not.
const slashed = new Set(['http', 'https', 'ftp', 'gopher', 'file', 'ws', 'wss']);
const isSlashed = protocol => slashed.has(`${protocol ?? ''}`.replace(/:$/, '').toLowerCase());
const hasSlashes = text => /^\/\//.test(text);

function Url() {
  Object.assign(this, {
    protocol: null, slashes: null, auth: null, host: null, port: null, hostname: null, hash: null, search: null, query: null, pathname: null, path: null, href: null,
  });
}

const hostname = text => {
  if (text.startsWith('[') || /^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  try { return new URL(`http://${text}`).hostname; } catch { return ''; }
};

// What may not stand in a URL becomes what may.
const escaped = text => text.replace(/[\t\n\r "'<>\\^`{|}]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

Url.prototype.parse = function (url, parseQuery = false, slashesDenoteHost = false) {
  if (typeof url !== 'string') throw withCode(new TypeError(`The "url" argument must be of type string. Received ${url === null || url === undefined ? url : typeof url}`), 'ERR_INVALID_ARG_TYPE');
  let rest = url.trim().replace(/^[^?#]*/, path => path.replaceAll('\\', '/'));
  const protocol = /^([a-z0-9.+-]+):/i.exec(rest)?.[1].toLowerCase();
  if (protocol !== undefined) {
    this.protocol = `${protocol}:`;
    rest = rest.slice(protocol.length + 1);
  }
  if (protocol === 'javascript') {
    this.pathname = this.path = rest;
    this.href = this.format();
    return this;
  }
  // After a scheme of its own kind a host needs no slashes: mailto:somebody@somewhere.
  let isHosted = protocol !== undefined && !isSlashed(protocol);
  if ((slashesDenoteHost || protocol !== undefined || /^\/\/[^@/]+@[^@/]+/.test(rest)) && hasSlashes(rest)) {
    rest = rest.slice(2);
    this.slashes = isHosted = true;
  }
  if (isHosted) {
    // Up to the path; a name and a password end at the last @.
    const end = rest.search(/[/?#]/), authority = end < 0 ? rest : rest.slice(0, end), at = authority.lastIndexOf('@');
    rest = end < 0 ? '' : rest.slice(end);
    if (at >= 0) {
      try { this.auth = decodeURIComponent(authority.slice(0, at)); } catch { throw withCode(new URIError('URI malformed'), 'ERR_INVALID_URL'); }
    }
    let host = authority.slice(at + 1);
    const port = /:([0-9]*)$/.exec(host);
    if (port !== null) {
      if (port[1] !== '') this.port = port[1];
      host = host.slice(0, port.index);
    }
    // A host ends where something else begins.
    const wrong = host.startsWith('[') ? -1 : host.search(/[\t\n\r "%'<>\\^`{|};:]/);
    if (wrong >= 0) {
      if (isSlashed(protocol) && /[\0%<>^|]/.test(host[wrong])) throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: url });
      rest = `${/\s/.test(host[wrong]) ? '' : '/'}${host.slice(wrong)}${this.port === null ? '' : `:${this.port}`}${rest}`;
      host = host.slice(0, wrong);
    }
    const name = hostname(host);
    if (host !== '' && name === '') throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL', input: url });
    this.host = name + (this.port === null ? '' : `:${this.port}`);
    this.hostname = name.startsWith('[') ? name.slice(1, -1) : name;
  }
  const hash = rest.indexOf('#');
  if (hash >= 0) {
    this.hash = escaped(rest.slice(hash));
    rest = rest.slice(0, hash);
  }
  const search = rest.indexOf('?');
  if (search >= 0) {
    this.search = escaped(rest.slice(search));
    this.query = this.search.slice(1);
    rest = rest.slice(0, search);
  }
  if (parseQuery) {
    this.search ??= null;
    this.query = querystring.parse(this.query ?? '');
  }
  if (rest !== '') this.pathname = escaped(rest);
  else if (isSlashed(protocol) && this.host) this.pathname = '/';
  if (this.pathname !== null || this.search !== null) this.path = (this.pathname ?? '') + (this.search ?? '');
  this.href = this.format();
  return this;
};

Url.prototype.format = function () {
  const auth = this.auth ? `${encodeURIComponent(this.auth).replace(/%3A/gi, ':')}@` : '';
  let protocol = this.protocol ?? '', pathname = this.pathname ?? '', hash = this.hash ?? '', host = '', query = '';
  if (this.host) host = auth + this.host;
  else if (this.hostname) host = auth + (this.hostname.includes(':') && !/^\[.*\]$/.test(this.hostname) ? `[${this.hostname}]` : this.hostname) + (this.port ? `:${this.port}` : '');
  if (this.query !== null && typeof this.query === 'object') query = querystring.stringify(this.query);
  let search = this.search || (query && `?${query}`) || '';
  if (protocol && !protocol.endsWith(':')) protocol += ':';
  pathname = pathname.replaceAll('#', '%23').replaceAll('?', '%3F');
  if (this.slashes || isSlashed(protocol)) {
    if (this.slashes || host) {
      if (pathname && !pathname.startsWith('/')) pathname = `/${pathname}`;
      host = `//${host}`;
    } else if (protocol === 'file:') host = '//';
  }
  search = search.replaceAll('#', '%23');
  if (hash && !hash.startsWith('#')) hash = `#${hash}`;
  if (search && !search.startsWith('?')) search = `?${search}`;
  return protocol + host + pathname + search + hash;
};

const copy = url => Object.assign(new Url, url);
Url.prototype.resolve = function (relative) { return this.resolveObject(parse(relative, false, true)).format(); };
Url.prototype.resolveObject = function (relative) {
  if (typeof relative === 'string') relative = parse(relative, false, true);
  const result = copy(this);
  result.hash = relative.hash;
  const finish = () => {
    result.path = result.pathname !== null || result.search !== null ? (result.pathname ?? '') + (result.search ?? '') : null;
    result.href = result.format();
    return result;
  };
  if (relative.href === '') return finish();
  if (relative.slashes && !relative.protocol) {
    const { protocol } = result;
    Object.assign(result, relative, { protocol });
    if (isSlashed(protocol) && result.hostname && !result.pathname) result.pathname = '/';
    return finish();
  }
  if (relative.protocol && relative.protocol !== result.protocol) return copy(relative);
  if (relative.protocol && relative.host) {
    Object.assign(result, relative);
    result.pathname = normalised(relative.pathname ?? '', true);
    return finish();
  }
  result.search = relative.search;
  result.query = relative.query;
  const path = relative.pathname ?? '';
  if (path === '') {
    if (relative.search === null) Object.assign(result, { search: this.search, query: this.query });
    return finish();
  }
  const base = this.pathname ?? '';
  const joined = path.startsWith('/') ? path : base.slice(0, base.lastIndexOf('/') + 1) + path;
  result.pathname = normalised(joined, joined.startsWith('/') || Boolean(result.host)) || null;
  return finish();
};
// Without `.` and `..`.
const normalised = (path, isAbsolute) => {
  const parts = path.split('/'), kept = [];
  let up = 0;
  if (isAbsolute && parts[0] === '') parts.shift();
  parts.forEach((part, i) => {
    const isLast = i === parts.length - 1;
    if (part === '..') {
      if (kept.length > 0) kept.pop();
      else if (!isAbsolute) up++;
    } else if (part !== '.') {
      kept.push(part);
      return;
    }
    if (isLast && (isAbsolute || kept.length > 0)) kept.push('');
  });
  return isAbsolute ? `/${kept.join('/')}` : [...Array(up).fill('..'), ...kept].join('/');
};

const parse = (url, parseQuery, slashesDenoteHost) => url instanceof Url ? url : new Url().parse(url, parseQuery, slashesDenoteHost);

const formatURL = (url, { fragment = true, unicode = false, search = true, auth = true } = {}) => {
  const copied = new URL(url.href);
  if (!fragment) copied.hash = '';
  if (!search) copied.search = '';
  if (!auth) copied.username = copied.password = '';
  return copied.href;
};
const format = (url, options) => {
  if (typeof url === 'string') return parse(url).format();
  if (url instanceof URL) return formatURL(url, options);
  if (url === null || typeof url !== 'object') throw withCode(new TypeError(`The "urlObject" argument must be of type object or string. Received ${url === null || url === undefined ? url : typeof url}`), 'ERR_INVALID_ARG_TYPE');
  return url instanceof Url ? url.format() : Url.prototype.format.call(url);
};

const fileURLToPath = url => {
  const parsed = typeof url === 'string' ? new URL(url) : url;
  if (parsed.protocol !== 'file:') throw withCode(new TypeError('The URL must be of scheme file'), 'ERR_INVALID_URL_SCHEME');
  if (parsed.hostname !== '') throw withCode(new TypeError('File URL host must be "localhost" or empty on linux'), 'ERR_INVALID_FILE_URL_HOST');
  if (/%2f/i.test(parsed.pathname)) throw withCode(new TypeError('File URL path must not include encoded / characters'), 'ERR_INVALID_FILE_URL_PATH');
  return decodeURIComponent(parsed.pathname);
};
const pathToFileURL = path => {
  const url = new URL('file:///'), isFolder = path.endsWith('/');
  const absolute = normalised(path.startsWith('/') ? path : `${process.cwd().replace(/\/$/, '')}/${path}`, true).replace(/\/+$/, '') + (isFolder ? '/' : '');
  url.pathname = absolute.replaceAll('%', '%25').replaceAll('\\', '%5C').replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('\t', '%09').replaceAll('?', '%3F').replaceAll('#', '%23');
  return url;
};

module.exports = {
  Url, parse, format, resolve: (from, to) => parse(from, false, true).resolve(to),
  resolveObject: (from, to) => from ? parse(from, false, true).resolveObject(to) : to,
  fileURLToPath, pathToFileURL,
  domainToASCII: domain => { try { return new URL(`ws://${domain}`).hostname; } catch { return ''; } },
  urlToHttpOptions: url => ({
    protocol: url.protocol, hostname: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname, hash: url.hash, search: url.search, pathname: url.pathname,
    path: `${url.pathname}${url.search}`, href: url.href, ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(url.username || url.password ? { auth: `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}` } : {}),
  }),
  get URL() { return URL; },
  get URLSearchParams() { return URLSearchParams; },
};
