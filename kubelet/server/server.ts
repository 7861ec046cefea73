/** The kubelet's HTTPS server: who asks is looked at first, then pages are answered at once; logs, exec, attach and port-forward are streams. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Server, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../std/clock.ts';
import { BackendRefusal, type KubeletBackend, type Page } from '../backend.ts';
import type { Access } from './access.ts';
import { sendLog } from './log-request.ts';
import { PORT_FORWARD_WEBSOCKET_PROTOCOLS, restoreTunnel } from './port-forward.ts';
import { type Led, ledBy, pathOf, PLAIN, queryOf } from './requests.ts';
import { askedOf, upgradeStream } from './streams.ts';
import { WEBSOCKET_PROTOCOLS } from './websocket-channels.ts';
import { trusting } from '../../std/trusting.ts';

export interface KubeletServerOptions {
  readonly address: string;
  readonly port: number;
  /** The serving certificate, and the authority whose client certificates are looked at. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly backend: KubeletBackend;
  readonly access: Access;
  readonly clock: Clock;
  /** Told of each request when it comes; what it returns, when that is over. */
  readonly onRequest?: (method: string, path: string) => () => void;
  /** A stream over a WebSocket has begun. */
  readonly onWebSocket?: (stream: string) => void;
}

export interface KubeletServer {
  readonly port: number;
  close(): Promise<void>;
}

const MESSAGE_LIMIT_BYTES = 32 * 1024 * 1024;
/** As upstream's: an idle connection of a client that asks again and again is kept for so long. */
const IDLE_MS = 90_000;
/** Streams included; who comes after them is turned away. */
const CONNECTIONS_LIMIT = 4096;

export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { key, cert, ca } = options.tls;
  const server = createServer({ key, cert, ...trusting(ca), requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', keepAliveTimeout: IDLE_MS });
  server.maxConnections = CONNECTIONS_LIMIT;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT_BYTES,
    handleProtocols: (offered, request) => (request.url?.startsWith('/portForward/') ? PORT_FORWARD_WEBSOCKET_PROTOCOLS : WEBSOCKET_PROTOCOLS).find((name) => offered.has(name)) ?? false,
  });
  webSockets.on('headers', restoreTunnel);
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => {
    const done = options.onRequest?.(request.method ?? '', pathOf(request.url ?? '/'));
    if (done) response.once('close', done);
    void serve(request, response, options);
  });
  server.on('upgrade', (request, socket, head) => {
    const done = options.onRequest?.(request.method ?? '', pathOf(request.url ?? '/'));
    if (done) socket.once('close', done);
    socket.on('error', () => socket.destroy());
    void upgrade({ request, socket, head, webSockets, ...options }).catch((error: unknown) => refuse(socket, error));
  });
  server.listen(options.port, options.address);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => close(server, sockets) };
}

async function close(server: Server, sockets: ReadonlySet<Duplex>): Promise<void> {
  server.close();
  for (const socket of sockets) socket.destroy();
  await once(server, 'close');
}

/** What everybody is told is told before anybody is asked who he is. */
async function admit(request: IncomingMessage, { access }: KubeletServerOptions): Promise<Led> {
  const { method = '', url = '/' } = request;
  const led = ledBy(method, url);
  if (led.type !== 'open') await access.check(request, pathOf(url));
  return led;
}

async function serve(request: IncomingMessage, response: ServerResponse, options: KubeletServerOptions): Promise<void> {
  try {
    const route = await admit(request, options);
    if (route.type === 'open' || route.type === 'answer') return await send(response, route.answer, request.method);
    const query = queryOf(request.url ?? '/');
    if (route.type === 'page') {
      request.resume();
      const { page, parts } = route;
      return await send(response, await options.backend.page({ page, parts, query, method: request.method ?? '', accept: request.headers.accept ?? '' }), request.method);
    }
    if (route.stream === 'containerLogs') return await sendLog({ parts: route.parts, query, response, ...options });
    askedOf(route.stream, route.parts, query, options.backend);
    throw new BackendRefusal(500, 'Upgrade request required\n');
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    await send(response, { code: codeOf(error), type: PLAIN, body: (error as Error).message }, request.method);
  }
}

async function send(response: ServerResponse, { code, type, headers, body }: Page, method: string | undefined): Promise<void> {
  response.writeHead(code, { 'Content-Type': type, ...headers });
  if (!(body instanceof Readable)) return void response.end(body);
  if (method === 'HEAD') {
    body.destroy();
    return void response.end();
  }
  await pipeline(body, response).catch(() => undefined);
}

interface Upgrade extends KubeletServerOptions {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly webSockets: WebSocketServer;
}

async function upgrade(context: Upgrade): Promise<void> {
  const { request } = context;
  const route = await admit(request, context);
  if (route.type === 'open' || route.type === 'answer') throw new BackendRefusal(route.answer.code, String(route.answer.body));
  if (route.type === 'page' || route.stream === 'containerLogs') throw new BackendRefusal(400, 'this path cannot be upgraded\n');
  const asked = askedOf(route.stream, route.parts, queryOf(request.url ?? '/'), context.backend);
  if (isWebSocket(request)) context.onWebSocket?.(route.stream.toLowerCase());
  return upgradeStream({ ...context, isWebSocket: isWebSocket(request) }, asked);
}

function refuse(socket: Duplex, error: unknown): void {
  const code = codeOf(error);
  const text = (error as Error).message;
  socket.end(`HTTP/1.1 ${code} ${code === 404 ? 'Not Found' : 'Refused'}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
}

function codeOf(error: unknown): number {
  return error instanceof BackendRefusal ? error.code : 500;
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return (headers.upgrade ?? '').toLowerCase() === 'websocket';
}
