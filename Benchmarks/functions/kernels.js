// Long computations, each about a second. The event names one.
function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

function pseudoRandom(seed) {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
}

const K = [];
for (let n = 2; K.length < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
  if (prime) K.push((Math.cbrt(n) % 1 * 2 ** 32) >>> 0);
}

// The compression of SHA-256 over `blocks` blocks of counted words: the arithmetic without the padding.
function sha256(blocks) {
  const h = new Int32Array([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
  const w = new Int32Array(64);
  const rotate = (x, n) => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 16; i++) w[i] = block * 16 + i;
    for (let i = 16; i < 64; i++) {
      const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, x] = h;
    for (let i = 0; i < 64; i++) {
      const t1 = (x + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      x = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += x;
  }
  return h[0] >>> 0;
}

function matrix(n) {
  const a = new Float64Array(n * n), b = new Float64Array(n * n), c = new Float64Array(n * n);
  for (let i = 0; i < n * n; i++) { a[i] = i % 7; b[i] = i % 11; }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k];
      for (let j = 0; j < n; j++) c[i * n + j] += factor * b[k * n + j];
    }
  }
  return c[n + 1];
}

function sort(n) {
  const next = pseudoRandom(42);
  const items = Array.from({ length: n }, () => ({ key: next() }));
  items.sort((a, b) => a.key - b.key);
  return items[n >> 1].key;
}

function json(times) {
  const value = Array.from({ length: 1000 }, (_, i) => ({ id: i, name: 'name ' + i, tags: ['a', 'b', 'c'], price: i / 4 }));
  let length = 0;
  for (let i = 0; i < times; i++) length += JSON.stringify(JSON.parse(JSON.stringify(value))).length;
  return length;
}

function regex(times) {
  const text = 'the quick brown fox 2024-11-24 jumps over user@example.com and 17 lazy dogs; '.repeat(200);
  let found = 0;
  for (let i = 0; i < times; i++) found += text.match(/(\d{4})-(\d\d)-(\d\d)|[a-z]+@[a-z]+\.com|\b[a-z]{5}\b/g).length;
  return found;
}

const kernels = {
  recursion: () => fibonacci(41), sha256: () => sha256(900000), matrix: () => matrix(1000),
  sort: () => sort(900000), json: () => json(2000), regex: () => regex(15000),
};

function handler(event) {
  return { kernel: event.kernel, value: kernels[event.kernel]() };
}
