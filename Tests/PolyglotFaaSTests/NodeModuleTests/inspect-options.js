const { inspect } = require('node:util');
function handler() {
  const value = { a: { b: { c: { d: 1 } } }, list: ['x'.repeat(30), 'y'.repeat(30), 'z'.repeat(30)], [inspect.custom]: undefined };
  return [
    inspect(value, { depth: 0 }),
    inspect(value, { depth: null }),
    inspect(value, { compact: false }),
    inspect({ b: 1, a: 2 }, { sorted: true, breakLength: Infinity }),
    inspect([1, 2, 3], { maxArrayLength: 1 }),
    inspect('x', { colors: true }),
    inspect({ [inspect.custom]: (depth, options) => `custom ${depth}` }),
  ];
}
