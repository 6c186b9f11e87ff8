const crypto = require('crypto');
function handler() {
  return [
    crypto.randomBytes(70000).length,
    crypto.randomUUID().length,
    crypto.randomInt(7) < 7,
    crypto.randomInt(5, 6),
    crypto.getRandomValues(new Uint8Array(3)).length,
    crypto.timingSafeEqual(Buffer.from('a'), Buffer.from('a')),
    crypto.randomBytes(8).equals(crypto.randomBytes(8)),
    typeof crypto.webcrypto.subtle.digest,
  ];
}
