// Node, warm: the handler is loaded once and keeps its state. node node-warm.js PORT HANDLER
const fs = require('fs');
const http = require('http');
const [port, file] = process.argv.slice(2);
const handler = new Function(fs.readFileSync(file, 'utf8') + '\nreturn handler;')();

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', async () => {
    const event = JSON.parse(Buffer.concat(chunks).toString());
    const body = Buffer.from(JSON.stringify(await handler(event)));
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    response.end(body);
  });
}).listen(+port, '127.0.0.1');
