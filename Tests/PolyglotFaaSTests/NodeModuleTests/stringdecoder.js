const { StringDecoder } = require('string_decoder');
function handler() {
  const decoder = new StringDecoder('utf8'), bytes = Buffer.from('a\u20acb');
  const parts = [...bytes].map(byte => decoder.write(Buffer.from([byte])));
  return [
    parts,
    decoder.end(),
    new StringDecoder('base64').write(Buffer.from('abcd')),
    new StringDecoder('utf8').end(Buffer.from([0xe2, 0x82])),
  ];
}
