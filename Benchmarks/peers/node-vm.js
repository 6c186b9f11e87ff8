// Node, a fresh vm context per request: no state survives. The source is compiled once (vm.Script), evaluated each time.
// Reading and writing JSON happens inside the context, as it must for the objects to be the context's own.
// node node-vm.js PORT HANDLER
const fs = require('fs');
const http = require('http');
const vm = require('vm');
const [port, file] = process.argv.slice(2);
const script = new vm.Script(fs.readFileSync(file, 'utf8') +
  '\n;(async body => JSON.stringify(await handler(JSON.parse(body))))', { filename: file });

http.createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', async () => {
    const call = script.runInContext(vm.createContext({}));
    const body = Buffer.from(await call(Buffer.concat(chunks).toString()));
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    response.end(body);
  });
}).listen(+port, '127.0.0.1');
