function handler() {
  return [
    Buffer.from('h\u00e9llo').toString('base64'),
    Buffer.from('aGk', 'base64url').toString(),
    Buffer.from([1, 2, 255]).toString('hex'),
    Buffer.concat([Buffer.from('a'), Buffer.alloc(2, 'b')]).toString('latin1'),
    Buffer.byteLength('\u20ac'),
    Buffer.from([0, 0, 1, 2]).readUInt32BE(0),
    Buffer.isBuffer(Buffer.alloc(1)),
    Buffer.from('ab').toJSON(),
    Buffer.from('?>?>').toString('base64url'),
    Buffer.name,
  ];
}
