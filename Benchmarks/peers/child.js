// One request of process-per-request.js: node child.js HANDLER
const fs = require('fs');
const handler = new Function(fs.readFileSync(process.argv[2], 'utf8') + '\nreturn handler;')();
(async () => console.log(JSON.stringify(await handler(JSON.parse(fs.readFileSync(0, 'utf8'))))))();
