const util = require('util');
class Point { constructor() { this.x = 1; this.y = [1, 2, { deep: { deeper: {} } }] } }
function handler() {
  const loop = { name: 'loop' };
  loop.self = loop;
  return [
    new Point,
    new Map([['a', { b: 1 }]]),
    new Set([1, 'x']),
    loop,
    [1.5, -0, 'it\'s', null, undefined, Symbol('s'), 10n],
    Array.from({ length: 30 }, (_, i) => i * i),
    { f() {}, g: class A {}, d: new Date(0), r: /x/g },
    Object.create(null),
    Buffer.from('hi'),
    new Uint8Array(3),
  ].map(value => util.inspect(value));
}
