// Bun, warm: the handler is loaded once and keeps its state. bun run bun-warm.js PORT HANDLER
const [port, file] = Bun.argv.slice(2);
const handler = new Function(require('fs').readFileSync(file, 'utf8') + '\nreturn handler;')();

Bun.serve({
  port: +port, hostname: '127.0.0.1', idleTimeout: 60,
  async fetch(request) { return Response.json(await handler(await request.json())); },
});
