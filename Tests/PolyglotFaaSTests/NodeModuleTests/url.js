const url = require('url');
function handler() {
  return [
    url.parse('http://user:pass@sub.example.com:8080/p/a/t/h?query=string#hash'),
    url.parse('/path?a=1&a=2', true).query,
    url.parse('//host/x', false, true).host,
    url.parse('mailto:a@b.com').auth,
    url.format({ protocol: 'https', hostname: 'x.com', pathname: '/a b', query: { q: 'c d' } }),
    url.resolve('http://a.com/b/c', '../d?x'),
    url.resolve('/one/two', 'three'),
    url.fileURLToPath('file:///a%20b'),
    url.pathToFileURL('/a b#c').href,
    new url.URL('/x', 'http://h').href,
    new url.URLSearchParams({ a: 1 }).toString(),
  ];
}
