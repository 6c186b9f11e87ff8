// A process per request: no state survives. The event goes to the child's standard input, the answer is its output.
// node process-per-request.js PORT COMMAND ARGUMENT...
const http = require('http');
const { spawn } = require('child_process');
const [port, command, ...commandArguments] = process.argv.slice(2);

http.createServer((request, response) => {
  const child = spawn(command, commandArguments, { stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks = [];
  request.pipe(child.stdin);
  child.stdout.on('data', chunk => chunks.push(chunk));
  child.on('close', code => {
    const body = Buffer.concat(chunks);
    response.writeHead(code === 0 ? 200 : 500, { 'Content-Type': 'application/json', 'Content-Length': body.length });
    response.end(body);
  });
}).listen(+port, '127.0.0.1');
