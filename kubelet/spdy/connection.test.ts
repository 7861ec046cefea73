import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { type Server, connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { SpdyConnection, type SpdyStream } from './connection.ts';
import { DICTIONARY } from './headers.ts';

let server: Server | undefined;
afterEach(() => server?.close());

async function pair(onStream: (stream: SpdyStream) => void): Promise<{ client: SpdyConnection; server: Promise<SpdyConnection> }> {
  const accepted = new Promise<SpdyConnection>((resolve) => {
    server = createServer((socket) => resolve(new SpdyConnection(socket, { side: 'server' }, { stream: onStream })));
  });
  server?.listen(0, '127.0.0.1');
  await once(server as Server, 'listening');
  const socket: Duplex = connect(((server as Server).address() as { port: number }).port, '127.0.0.1');
  return { client: new SpdyConnection(socket, { side: 'client' }), server: accepted };
}

/** Everything up to the peer's half-close. (Iterating would destroy the stream, our own half included.) */
async function text(stream: Duplex): Promise<string> {
  const out: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => out.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(out).toString();
}

test('the dictionary is the one of the protocol', () => {
  expect(createHash('sha256').update(DICTIONARY).digest('hex')).toBe('51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02');
});

test('streams carry their headers, data both ways and half-closes', async () => {
  const seen: unknown[] = [];
  const { client } = await pair((stream) => {
    seen.push({ ...stream.headers });
    void text(stream).then((got) => stream.end(`${stream.headers.streamtype}:${got}`));
  });
  const first = await client.open({ streamtype: 'stdin', 'x-long': 'y'.repeat(5000) });
  const second = await client.open({ streamtype: 'error' });
  first.end('hello');
  second.end();
  expect(await Promise.all([text(first), text(second)])).toEqual(['stdin:hello', 'error:']);
  expect(seen).toEqual([{ streamtype: 'stdin', 'x-long': 'y'.repeat(5000) }, { streamtype: 'error' }]);
  client.close();
});

test('a slow reader holds the sender back, and nothing is lost', async () => {
  const payload = randomFillSync(Buffer.alloc(4 * 1024 * 1024));
  const { client } = await pair((stream) => {
    const hash = createHash('sha256');
    stream.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      stream.pause();
      setImmediate(() => stream.resume());
    });
    stream.on('end', () => stream.end(hash.digest('hex')));
  });
  const stream = await client.open({});
  stream.end(payload);
  expect(await text(stream)).toBe(createHash('sha256').update(payload).digest('hex'));
  client.close();
});

test('a destroyed stream ends at the peer, the others go on', async () => {
  const ended: string[] = [];
  const { client } = await pair((stream) => {
    stream.on('close', () => ended.push(String(stream.headers.name)));
    stream.on('error', () => undefined);
    stream.pipe(stream);
  });
  const doomed = await client.open({ name: 'doomed' });
  const other = await client.open({ name: 'other' });
  doomed.destroy();
  other.end('still here');
  expect(await text(other)).toBe('still here');
  expect(ended).toContain('doomed');
  client.close();
});

test('a frame beyond the limit closes the connection', async () => {
  const { client } = await pair(() => undefined);
  const socket = connect(((server as Server).address() as { port: number }).port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(Buffer.alloc(8, 0xff));
  socket.resume();
  await once(socket, 'close');
  expect(socket.destroyed).toBe(true);
  client.close();
});
