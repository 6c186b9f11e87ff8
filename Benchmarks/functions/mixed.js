// Sorting, JSON, Map, regular expressions, exceptions, classes, generators, typed arrays, Intl: 10-20 ms.
class Shape {
  constructor(side) { this.side = side; }
  area() { return this.side * this.side; }
}

function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

function handler(event) {
  const items = [];
  for (let i = 0; i < 20000; i++) items.push({ i, key: 'k' + (i % 97) });
  items.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

  const counts = new Map();
  for (const item of items) counts.set(item.key, (counts.get(item.key) || 0) + 1);

  const digits = /k(\d+)$/;
  let sum = 0;
  for (const item of items) sum += +digits.exec(item.key)[1];

  let caught = 0;
  for (let i = 0; i < 200; i++) {
    try { null.x; } catch (error) { caught++; }
  }

  const copied = JSON.parse(JSON.stringify(items.slice(0, 500)));
  let area = 0;
  for (let i = 0; i < 3000; i++) area += new Shape(i % 7).area();
  function* numbers() { for (let i = 0; i < 100; i++) yield i; }
  let generated = 0;
  for (const number of numbers()) generated += number;
  const sines = new Float64Array(5000).map((_, i) => Math.sin(i));
  return {
    message: `Hello, ${event.name}!`, fibonacci: fibonacci(18), keys: counts.size, sum, caught, copied: copied.length,
    area, generated, sine: sines[77].toFixed(6), price: new Intl.NumberFormat('de-DE').format(1234.5),
  };
}
