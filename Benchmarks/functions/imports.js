// Hello, by way of a bundle of 1 MB (harness/bundle.py): all of it is loaded, a call uses three of its modules.
const bundle = require('bundle');

function handler(event) {
  const by = bundle.load(3).first.total % 5 + bundle.load(77).nearest(4000).length;
  const { shift } = bundle.load(200);
  return { message: shift(shift(`Hello, ${event.name}!`, by), -by) };
}
