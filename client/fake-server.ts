/** A door served over plain HTTP on loopback, for tests of the HTTP transport. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiCall, Door, PatchType, Verb } from '../api/request.ts';
import { ApiError } from '../api/status.ts';

export interface FakeServer {
  readonly url: string;
  /** Headers of each request, in order. */
  readonly seen: IncomingMessage['headers'][];
  close(): Promise<void>;
}

export async function serveDoor(door: Door): Promise<FakeServer> {
  const seen: IncomingMessage['headers'][] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request.headers);
    void answer(door, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    const call = { ...(await read(request)), signal: gone.signal };
    if (call.verb !== 'watch') return void send(response, call.verb === 'create' ? 201 : 200, await door.call(call));
    for await (const event of door.watch(call)) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
      // In two halves: a reader must not take a chunk for an event.
      const line = `${JSON.stringify(event)}\n`;
      response.write(line.slice(0, line.length >> 1));
      response.write(line.slice(line.length >> 1));
    }
    response.end();
  } catch (error) {
    if (gone.signal.aborted) return;
    if (response.headersSent || !(error instanceof ApiError)) return void response.destroy();
    const { retryAfterSeconds } = error.status.details ?? {};
    if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
    send(response, error.code, error.status);
  }
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<ApiCall> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const parts = url.pathname.split('/').filter(Boolean).map(decodeURIComponent);
  const group = parts.shift() === 'apis' ? (parts.shift() ?? '') : '';
  const version = parts.shift() ?? '';
  const namespace = parts[0] === 'namespaces' && parts.length > 2 ? parts.splice(0, 2)[1] : undefined;
  const [resource = '', name, ...rest] = parts;
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const query = Object.fromEntries(url.searchParams);
  const type = request.headers['content-type'];
  return {
    group, version, resource, query,
    verb: verbOf(request.method ?? '', name !== undefined, query['watch'] === 'true'),
    ...(namespace && { namespace }),
    ...(name !== undefined && { name }),
    ...(rest.length > 0 && { subresource: rest.join('/') }),
    ...(text && { body: JSON.parse(text) as unknown }),
    ...(type?.includes('patch') && { patchType: type as PatchType }),
  };
}

function verbOf(method: string, named: boolean, watch: boolean): Verb {
  switch (method) {
    case 'GET':
      return watch ? 'watch' : named ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    default:
      return named ? 'delete' : 'deletecollection';
  }
}
