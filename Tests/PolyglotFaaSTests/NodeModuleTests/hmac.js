const { createHmac } = require('node:crypto');
function handler() {
  return [
    createHmac('sha256', 'key').update('The quick brown fox').digest('base64'),
    createHmac('sha512', Buffer.alloc(200, 1)).update('x').digest('base64url'),
    createHmac('md5', '').update('').digest('hex'),
  ];
}
