const { format } = require('util');
function handler() {
  return [
    format('%s is %d and %i, %f', 'x', '42', '42.9px', '1.5'),
    format('%j %o', { a: 1 }, [1]),
    format('%%', 1, { a: 1 }),
    format('a', 'b'),
    format('%s', { a: { b: 1 } }),
    format('%O', { a: 1 }),
    format(1, '2'),
  ];
}
