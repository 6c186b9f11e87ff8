const qs = require('querystring');
function handler() {
  return [
    qs.parse('a=1&b=2&a=3&c=%20+%E2%82%AC&d'),
    qs.stringify({ a: [1, 2], b: 'c d', e: true, f: null }),
    qs.escape('\u00e9&'),
    qs.unescape('%zz%41'),
    qs.stringify({ a: 1, b: 2 }, ';', ':'),
  ];
}
