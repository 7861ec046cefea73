/** The kubelet's HTTPS server: logs, exec, attach and port-forward for the API server, which alone may ask. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Server, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../std/clock.ts';
import { BackendRefusal, type KubeletBackend } from '../backend.ts';
import type { Session, StreamRequest } from '../runtime/model.ts';
import type { Channels } from './channels.ts';
import { type LogOptions, readLog } from './logs.ts';
import { PORT_FORWARD, PORT_FORWARD_WEBSOCKET_PROTOCOLS, TUNNEL, forwardOverChannels, forwardOverSpdy, forwardOverTunnel, renameTunnel, restoreTunnel } from './port-forward.ts';
import { resourceMetrics } from './resource-metrics.ts';
import { runSession } from './run-session.ts';
import { acceptSpdy, spdyChannels } from './spdy-channels.ts';
import { WEBSOCKET_PROTOCOLS, webSocketChannels } from './websocket-channels.ts';

export interface KubeletServerOptions {
  readonly address: string;
  readonly port: number;
  /** The serving certificate, and the authority whose client certificates are looked at. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly backend: KubeletBackend;
  readonly clock: Clock;
}

export interface KubeletServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Who may ask: the API server by its own certificate, and cluster administrators. */
const API_SERVER = 'kube-apiserver-kubelet-client';
const ADMINISTRATORS = 'system:masters';
const MESSAGE_LIMIT_BYTES = 32 * 1024 * 1024;
const PORT_LIMIT = 16;

export async function startKubeletServer(options: KubeletServerOptions): Promise<KubeletServer> {
  const { key, cert, ca } = options.tls;
  const server = createServer({ key, cert, ca, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2' });
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_LIMIT_BYTES,
    handleProtocols: (offered, request) => (kindOf(request) === 'portForward' ? PORT_FORWARD_WEBSOCKET_PROTOCOLS : WEBSOCKET_PROTOCOLS).find((name) => offered.has(name)) ?? false,
  });
  webSockets.on('headers', restoreTunnel);
  const sockets = new Set<Duplex>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('request', (request, response) => void serve(request, response, options));
  server.on('upgrade', (request, socket, head) => {
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

function authorize(request: IncomingMessage): void {
  const socket = request.socket as TLSSocket;
  const subject = socket.authorized ? socket.getPeerCertificate().subject : undefined;
  if (!subject) throw new BackendRefusal(401, 'Unauthorized');
  const organizations: unknown = subject.O;
  const groups = Array.isArray(organizations) ? organizations : [organizations];
  if (subject.CN !== API_SERVER && !groups.includes(ADMINISTRATORS)) throw new BackendRefusal(403, `Forbidden (user=${String(subject.CN)})`);
}

async function serve(request: IncomingMessage, response: ServerResponse, options: KubeletServerOptions): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    if (url.pathname === '/healthz') return void response.end('ok');
    authorize(request);
    const [kind, ...rest] = segments(url);
    if (kind === 'containerLogs' && rest.length === 3) return await sendLog(rest as [string, string, string], url.searchParams, response, options);
    if (kind === 'pods' && rest.length === 0) return sendJson(response, options.backend.pods());
    if (kind === 'stats' && rest[0] === 'summary') return sendJson(response, await options.backend.summary());
    if (kind === 'metrics' && rest[0] === 'resource') return sendText(response, resourceMetrics((await options.backend.summary()) as Parameters<typeof resourceMetrics>[0]));
    if (isStreaming(kind)) throw new BackendRefusal(400, 'unable to upgrade: missing upgrade headers in request: map[]');
    throw new BackendRefusal(404, '404 page not found');
  } catch (error) {
    const code = error instanceof BackendRefusal ? error.code : 500;
    if (response.headersSent) return void response.destroy();
    response.writeHead(code, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${(error as Error).message}\n`);
  }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function sendText(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body);
}

async function sendLog([namespace, pod, container]: [string, string, string], query: URLSearchParams, response: ServerResponse, { backend, clock }: KubeletServerOptions): Promise<void> {
  const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
  const sinceSeconds = number('sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const sinceMs = sinceSeconds !== undefined ? clock.now() - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined;
  const [tailLines, limitBytes] = [number('tailLines'), number('limitBytes')];
  const stream = query.get('stream');
  const target = backend.log(namespace, pod, container, { previous: query.get('previous') === 'true' });
  const aborted = new AbortController();
  response.on('close', () => aborted.abort());
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.flushHeaders();
  const options: LogOptions = {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    stream: stream === 'Stdout' || stream === 'Stderr' ? stream : 'All',
    ...(tailLines !== undefined && { tailLines }),
    ...(limitBytes !== undefined && { limitBytes }),
    ...(sinceMs !== undefined && { sinceMs }),
  };
  await pipeline(Readable.from(readLog(target, options, clock, aborted.signal)), response).catch(() => undefined);
}

interface Upgrade extends KubeletServerOptions {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly webSockets: WebSocketServer;
}

async function upgrade(context: Upgrade): Promise<void> {
  const { request, backend } = context;
  authorize(request);
  const url = new URL(request.url ?? '/', 'https://kubelet');
  const [kind, namespace, pod, ...rest] = segments(url);
  if (!isStreaming(kind) || !namespace || !pod) throw new BackendRefusal(404, '404 page not found');
  if (kind === 'portForward') {
    const ports = url.searchParams.getAll('port').concat(url.searchParams.getAll('ports')).flatMap((text) => text.split(',')).map(Number);
    return portForward(context, ports.filter((port) => port > 0).slice(0, PORT_LIMIT), (port) => backend.portForward(namespace, pod, port));
  }
  const target = backend.container(namespace, pod, rest.at(-1) ?? '');
  const wants = (...names: string[]): boolean => names.some((name) => ['1', 'true'].includes(url.searchParams.get(name) ?? ''));
  const asked: StreamRequest = { stdin: wants('input', 'stdin'), stdout: wants('output', 'stdout'), stderr: wants('error', 'stderr'), tty: wants('tty') };
  if (!asked.stdin && !asked.stdout && !asked.stderr) throw new BackendRefusal(400, 'you must specify at least 1 of stdin, stdout, stderr');
  if (kind === 'exec') {
    const command = url.searchParams.getAll('command');
    if (command.length === 0) throw new BackendRefusal(400, 'you must specify a command');
    return withChannels(context, asked, () => backend.exec(target, command, asked));
  }
  // Attach follows what the container was created with.
  const followed: StreamRequest = { ...asked, stdin: asked.stdin && target.stdin, stderr: asked.stderr && !target.tty, tty: target.tty };
  return withChannels(context, { ...asked, tty: target.tty }, () => backend.attach(target, followed));
}

async function withChannels({ request, socket, head, webSockets, clock }: Upgrade, asked: StreamRequest, open: () => Promise<Session>): Promise<void> {
  if (!isWebSocket(request)) {
    let channels: Channels;
    try {
      channels = await spdyChannels(request, socket, head, asked, clock);
    } catch {
      return void socket.destroy();
    }
    return runSession(channels, open);
  }
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => webSocket.terminate());
    void runSession(webSocketChannels(webSocket, asked), open);
  });
}

function portForward({ request, socket, head, webSockets }: Upgrade, ports: readonly number[], dial: (port: number) => Promise<Duplex>): void {
  if (!isWebSocket(request)) {
    acceptSpdy(socket, PORT_FORWARD);
    return forwardOverSpdy(socket, head, dial);
  }
  renameTunnel(request);
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('error', () => webSocket.terminate());
    if (webSocket.protocol === TUNNEL) forwardOverTunnel(webSocket, dial);
    else forwardOverChannels(webSocket, ports, dial);
  });
}

function refuse(socket: Duplex, error: unknown): void {
  const code = error instanceof BackendRefusal ? error.code : 500;
  const text = `${(error as Error).message}\n`;
  socket.end(`HTTP/1.1 ${code} ${code === 404 ? 'Not Found' : 'Refused'}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`);
}

function segments(url: URL): string[] {
  return url.pathname.split('/').filter((part) => part !== '').map(decodeURIComponent);
}

function isStreaming(kind: string | undefined): kind is 'exec' | 'attach' | 'portForward' {
  return kind === 'exec' || kind === 'attach' || kind === 'portForward';
}

function kindOf(request: IncomingMessage): string {
  return (request.url ?? '').split('/')[1] ?? '';
}

function isWebSocket(request: IncomingMessage): boolean {
  return (request.headers.upgrade ?? '').toLowerCase() === 'websocket';
}
