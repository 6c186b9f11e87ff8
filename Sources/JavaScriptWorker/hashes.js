// MD5 and the SHAs, for the web's `crypto.subtle` and for Node's `crypto`. Evaluated when something is first hashed.
// Its value is a function of `core`, as in url.js.
(function (core) {
  'use strict';

  const { slice, parseIntOf, Bytes, Words, setFrom, moveWithin, floor, ceil, abs, sin } = core;

  const wordsOf = digits => {
    const words = new Words(digits.length / 8);
    for (let i = 0; i < words.length; i++) words[i] = parseIntOf(slice(digits, 8 * i, 8 * i + 8), 16);
    return words;
  };
  // The fractions of the cube roots of the first 80 primes, 64 bits each. SHA-256 uses the upper halves.
  const k = wordsOf('428a2f98d728ae227137449123ef65cdb5c0fbcfec4d3b2fe9b5dba58189dbbc3956c25bf348b53859f111f1b605d019923f82a4af194f9bab1c5ed5da6d8118'
    + 'd807aa98a303024212835b0145706fbe243185be4ee4b28c550c7dc3d5ffb4e272be5d74f27b896f80deb1fe3b1696b19bdc06a725c71235c19bf174cf692694'
    + 'e49b69c19ef14ad2efbe4786384f25e30fc19dc68b8cd5b5240ca1cc77ac9c652de92c6f592b02754a7484aa6ea6e4835cb0a9dcbd41fbd476f988da831153b5'
    + '983e5152ee66dfaba831c66d2db43210b00327c898fb213fbf597fc7beef0ee4c6e00bf33da88fc2d5a79147930aa72506ca6351e003826f142929670a0e6e70'
    + '27b70a8546d22ffc2e1b21385c26c9264d2c6dfc5ac42aed53380d139d95b3df650a73548baf63de766a0abb3c77b2a881c2c92e47edaee692722c851482353b'
    + 'a2bfe8a14cf10364a81a664bbc423001c24b8b70d0f89791c76c51a30654be30d192e819d6ef5218d69906245565a910f40e35855771202a106aa07032bbd1b8'
    + '19a4c116b8d2d0c81e376c085141ab532748774cdf8eeb9934b0bcb5e19b48a8391c0cb3c5c95a634ed8aa4ae3418acb5b9cca4f7763e373682e6ff3d6b2b8a3'
    + '748f82ee5defb2fc78a5636f43172f6084c87814a1f0ab728cc702081a6439ec90befffa23631e28a4506cebde82bde9bef9a3f7b2c67915c67178f2e372532b'
    + 'ca273eceea26619cd186b8c721c0c207eada7dd6cde0eb1ef57d4f7fee6ed17806f067aa72176fba0a637dc5a2c898a6113f9804bef90dae1b710b35131c471b'
    + '28db77f523047d8432caab7b40c724933c9ebe0a15c9bebc431d67c49c100d4c4cc5d4becb3e42b6597f299cfc657e2a5fcb6fab3ad6faec6c44198c4a475817');
  // Of the square roots of the first eight, and of the next eight.
  const h512 = wordsOf('6a09e667f3bcc908bb67ae8584caa73b3c6ef372fe94f82ba54ff53a5f1d36f1510e527fade682d19b05688c2b3e6c1f1f83d9abfb41bd6b5be0cd19137e2179');
  const h384 = wordsOf('cbbb9d5dc1059ed8629a292a367cd5079159015a3070dd17152fecd8f70e593967332667ffc00b318eb44a8768581511db0c2e0d64f98fa747b5481dbefa4fa4');

  // With the end marker and the length in bits, in whole blocks, as words.
  const padded = (bytes, block, isLittleEndian) => {
    const { length } = bytes, data = new Bytes(ceil((length + 1 + block / 8) / block) * block), words = new Words(data.length / 4);
    setFrom(data, bytes);
    data[length] = 0x80;
    for (let i = 0, at = 0; i < words.length; i++, at += 4) {
      words[i] = isLittleEndian ? data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24
        : data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
    }
    words[words.length - (isLittleEndian ? 2 : 1)] = length << 3;
    words[words.length - (isLittleEndian ? 1 : 2)] = floor(length / 2 ** 29);
    return words;
  };
  const bytesOfWords = (words, count, isLittleEndian) => {
    const bytes = new Bytes(count);
    for (let i = 0; i < count; i++) bytes[i] = words[i >> 2] >>> (isLittleEndian ? 8 * (i & 3) : 24 - 8 * (i & 3));
    return bytes;
  };
  const rotate = (x, n) => x >>> n | x << 32 - n;

  const initial = wordsOf('67452301efcdab8998badcfe10325476c3d2e1f0');
  const shifts = wordsOf('000000070000000c000000110000001600000005000000090000000e00000014000000040000000b0000001000000017000000060000000a0000000f00000015');
  const sines = new Words(64);
  for (let i = 0; i < 64; i++) sines[i] = floor(abs(sin(i + 1)) * 2 ** 32);
  const md5 = bytes => {
    const data = padded(bytes, 64, true), h = new Words(4);
    for (let i = 0; i < 4; i++) h[i] = initial[i];
    for (let start = 0; start < data.length; start += 16) {
      let a = h[0], b = h[1], c = h[2], d = h[3];
      for (let i = 0; i < 64; i++) {
        const round = i >> 4;
        const mixed = round === 0 ? b & c | ~b & d : round === 1 ? d & b | ~d & c : round === 2 ? b ^ c ^ d : c ^ (b | ~d);
        const at = round === 0 ? i : round === 1 ? 5 * i + 1 : round === 2 ? 3 * i + 5 : 7 * i;
        const sum = a + mixed + sines[i] + data[start + (at & 15)] | 0;
        a = d;
        d = c;
        c = b;
        b = b + rotate(sum, 32 - shifts[4 * round + (i & 3)]) | 0;
      }
      h[0] += a;
      h[1] += b;
      h[2] += c;
      h[3] += d;
    }
    return bytesOfWords(h, 16, true);
  };

  const sha1 = bytes => {
    const data = padded(bytes, 64), w = new Words(80), h = new Words(5);
    for (let i = 0; i < 5; i++) h[i] = initial[i];
    for (let start = 0; start < data.length; start += 16) {
      for (let i = 0; i < 16; i++) w[i] = data[start + i];
      for (let i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 31);
      let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
      for (let i = 0; i < 80; i++) {
        const mixed = i < 20 ? (b & c | ~b & d) + 0x5a827999 : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1 : i < 60 ? (b & c | b & d | c & d) + 0x8f1bbcdc : (b ^ c ^ d) + 0xca62c1d6;
        const next = rotate(a, 27) + mixed + e + w[i] | 0;
        e = d;
        d = c;
        c = rotate(b, 2);
        b = a;
        a = next;
      }
      h[0] += a;
      h[1] += b;
      h[2] += c;
      h[3] += d;
      h[4] += e;
    }
    return bytesOfWords(h, 20);
  };

  // `from`: eight words of 64 bits, of which these are one half each.
  const sha256 = (bytes, from, half, count) => {
    // Rotating is written out: calling a function for it costs much until the engine has optimised this.
    const data = padded(bytes, 64), w = new Words(64), state = new Words(8);
    for (let i = 0; i < 8; i++) state[i] = from[2 * i + half];
    for (let start = 0; start < data.length; start += 16) {
      for (let i = 0; i < 16; i++) w[i] = data[start + i];
      for (let i = 16; i < 64; i++) {
        const x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) + w[i - 7] + ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
      }
      let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
      for (let i = 0; i < 64; i++) {
        const t1 = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + k[2 * i] + w[i] | 0;
        const t2 = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
        h = g;
        g = f;
        f = e;
        e = d + t1 | 0;
        d = c;
        c = b;
        b = a;
        a = t1 + t2 | 0;
      }
      state[0] += a;
      state[1] += b;
      state[2] += c;
      state[3] += d;
      state[4] += e;
      state[5] += f;
      state[6] += g;
      state[7] += h;
    }
    return bytesOfWords(state, count);
  };

  // 64 bits are two words: an upper one at each even index, a lower one after it.
  const sha512 = (bytes, from, count) => {
    const data = padded(bytes, 128), w = new Words(160), v = new Words(16), state = new Words(16);
    setFrom(state, from);
    // The lower half of a sum of up to five, and what it carries.
    let carry = 0;
    const sum = (p, q, r = 0, s = 0, t = 0) => {
      const total = (p >>> 0) + (q >>> 0) + (r >>> 0) + (s >>> 0) + (t >>> 0);
      carry = total / 2 ** 32 | 0;
      return total | 0;
    };
    // The upper half of a word that is rotated to the right by less than 32; with its halves swapped, the lower.
    const turn = (high, low, n) => high >>> n | low << 32 - n;
    for (let start = 0; start < data.length; start += 32) {
      for (let i = 0; i < 32; i++) w[i] = data[start + i];
      for (let i = 32; i < 160; i += 2) {
        const xh = w[i - 30], xl = w[i - 29], yh = w[i - 4], yl = w[i - 3];
        const s0l = turn(xl, xh, 1) ^ turn(xl, xh, 8) ^ turn(xl, xh, 7), s0h = turn(xh, xl, 1) ^ turn(xh, xl, 8) ^ xh >>> 7;
        const s1l = turn(yl, yh, 19) ^ turn(yh, yl, 29) ^ turn(yl, yh, 6), s1h = turn(yh, yl, 19) ^ turn(yl, yh, 29) ^ yh >>> 6;
        w[i + 1] = sum(w[i - 31], s0l, w[i - 13], s1l);
        w[i] = w[i - 32] + s0h + w[i - 14] + s1h + carry;
      }
      setFrom(v, state);
      for (let i = 0; i < 160; i += 2) {
        const ah = v[0], al = v[1], eh = v[8], el = v[9];
        const s1l = turn(el, eh, 14) ^ turn(el, eh, 18) ^ turn(eh, el, 9), s1h = turn(eh, el, 14) ^ turn(eh, el, 18) ^ turn(el, eh, 9);
        const t1l = sum(v[15], s1l, el & v[11] ^ ~el & v[13], k[i + 1], w[i + 1]);
        const t1h = v[14] + s1h + (eh & v[10] ^ ~eh & v[12]) + k[i] + w[i] + carry | 0;
        const s0l = turn(al, ah, 28) ^ turn(ah, al, 2) ^ turn(ah, al, 7), s0h = turn(ah, al, 28) ^ turn(al, ah, 2) ^ turn(al, ah, 7);
        const t2l = sum(s0l, al & v[3] ^ al & v[5] ^ v[3] & v[5]), t2h = s0h + (ah & v[2] ^ ah & v[4] ^ v[2] & v[4]) + carry | 0;
        moveWithin(v, 2, 0, 14);
        v[9] = sum(v[9], t1l);
        v[8] = v[8] + t1h + carry;
        v[1] = sum(t1l, t2l);
        v[0] = t1h + t2h + carry;
      }
      for (let i = 0; i < 16; i += 2) {
        state[i + 1] = sum(state[i + 1], v[i + 1]);
        state[i] = state[i] + v[i] + carry;
      }
    }
    return bytesOfWords(state, count);
  };

  return {
    __proto__: null, md5, sha1, sha224: bytes => sha256(bytes, h384, 1, 28), sha256: bytes => sha256(bytes, h512, 0, 32),
    sha384: bytes => sha512(bytes, h384, 48), sha512: bytes => sha512(bytes, h512, 64),
  };
})
