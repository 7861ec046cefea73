/** The yardstick: a bare koa server over TLS that answers every request with the same stored bytes. Its port is its only output. */
import { createServer } from 'node:https';
import Koa from 'koa';

let body = Buffer.from('{}');
const app = new Koa();
app.use((context) => {
  context.type = 'application/json';
  context.body = body;
});

process.on('message', (message: { readonly key: string; readonly cert: string; readonly body: string }) => {
  body = Buffer.from(message.body);
  const server = createServer({ key: message.key, cert: message.cert }, app.callback());
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }));
});
