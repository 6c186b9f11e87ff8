// Deno, a Worker per request: no state survives. The worker's source is one blob, made once.
// deno run -A deno-worker.js PORT HANDLER
const [port, file] = Deno.args;
const source = Deno.readTextFileSync(file) +
  '\nself.onmessage = async message => self.postMessage(JSON.stringify(await handler(JSON.parse(message.data))));';
const url = URL.createObjectURL(new Blob([source], { type: 'application/javascript' }));

Deno.serve({ port: +port, hostname: '127.0.0.1', onListen() {} }, async request => {
  const body = await request.text();
  const worker = new Worker(url, { type: 'module' });
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.onmessage = message => resolve(message.data);
      worker.onerror = event => reject(new Error(event.message));
      worker.postMessage(body);
    });
    return new Response(answer, { headers: { 'Content-Type': 'application/json' } });
  } finally {
    worker.terminate();
  }
});
