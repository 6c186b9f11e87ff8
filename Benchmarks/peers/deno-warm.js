// Deno, warm: the handler is loaded once and keeps its state. deno run -A deno-warm.js PORT HANDLER
const [port, file] = Deno.args;
const handler = new Function(Deno.readTextFileSync(file) + '\nreturn handler;')();

Deno.serve({ port: +port, hostname: '127.0.0.1', onListen() {} }, async request =>
  Response.json(await handler(await request.json())));
