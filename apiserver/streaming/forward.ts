/** Passing a request on to another server: its answer as it comes, or the two connections joined when HTTP is left. */
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { connect as plainConnect, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Readable } from 'node:stream';
import { ApiError } from '../../api/status.ts';
import { request as plainRequest } from '../../std/plain-http.ts';
import { connect as secureConnect, request as secureRequest } from '../../std/secure-http.ts';
import { withoutToken } from '../auth/websocket-token.ts';
import type { TunnelAnswer, Upgrade } from '../exchange.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  /** Absent: plain HTTP. */
  readonly tls?: ConnectionOptions;
  /** Sent besides the client's own, of which those named by `without` are not passed on. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly without?: RegExp;
}

export interface Forwarded {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body?: Readable | undefined;
  readonly signal: AbortSignal;
}

/** Belong to one connection, or tell who asked: never passed on. */
const OWN_HEADERS = new Set([
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'authorization', 'host',
  'http2-settings', 'impersonate-user', 'impersonate-uid', 'impersonate-group',
]);
/** Who asked, in the words of front proxies: whoever stands behind must not take a client's for ours. */
export const IDENTITY_HEADER = /^x-remote-(user|uid|group|extra-.*)$/;
/** A server that does not take the connection in this time is not there. */
const CONNECT_MS = 30_000;

export function passedOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = {};
  const named = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  for (const [name, sent] of Object.entries(headers)) {
    const value = name === 'sec-websocket-protocol' && typeof sent === 'string' ? withoutToken(sent) || undefined : sent;
    if (value === undefined || name.startsWith(':') || name.startsWith('impersonate-extra-') || OWN_HEADERS.has(name) || named.has(name)) continue;
    kept[name] = value;
  }
  return kept;
}

/** Rejects with a 500 Status when the server cannot be reached. */
export function forward(target: Target, { method, headers, body, signal }: Forwarded): Promise<IncomingMessage> {
  const { host, port, path, tls } = target;
  // The connection is for this one answer: it may be written as carelessly as Go's client lets it.
  const options = { host, port, path, method, headers: headersFor(target, headers), signal, agent: false as const, insecureHTTPParser: true, ...tls };
  return new Promise((resolve, reject) => {
    const outgoing = tls ? secureRequest(options) : plainRequest(options);
    outgoing.setTimeout(CONNECT_MS, () => {
      if (!outgoing.socket?.remoteAddress) outgoing.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`));
    });
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => reject(unreachable(target, error)));
    if (body) body.pipe(outgoing);
    else outgoing.end();
  });
}

/** What passes after the handshake is not looked at: the other server speaks SPDY or WebSocket itself. */
export function tunnel(target: Target): TunnelAnswer {
  return {
    type: 'tunnel',
    async join({ request, socket, head }: Upgrade) {
      const other = await open(target);
      other.write(handshake(target, request));
      if (head.length > 0) other.write(head);
      socket.pipe(other);
      other.pipe(socket);
      await new Promise<void>((resolve) => {
        const end = (): void => {
          socket.destroy();
          other.destroy();
          resolve();
        };
        other.once('close', end).once('error', end);
        socket.once('close', end).once('error', end);
      });
    },
  };
}

function open(target: Target): Promise<Socket> {
  const { host, port, tls } = target;
  return new Promise((resolve, reject) => {
    const socket: Socket = tls ? secureConnect({ ...tls, host, port, ALPNProtocols: ['http/1.1'] }) : plainConnect({ host, port });
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)));
    socket.once('error', (error) => reject(unreachable(target, error)));
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

function headersFor({ headers: own = {}, without }: Target, headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const kept = passedOn(headers);
  for (const name of Object.keys(kept)) if (without?.test(name)) delete kept[name];
  return { ...kept, ...own };
}

function handshake(target: Target, { method, headers }: IncomingMessage): string {
  const { host: address, port, path } = target;
  const { host = `${address.includes(':') ? `[${address}]` : address}:${port}`, ...others } = headersFor(target, headers);
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${String(host)}`, 'Connection: Upgrade', `Upgrade: ${headers.upgrade ?? ''}`];
  for (const [name, value] of Object.entries(others)) for (const one of [value].flat()) lines.push(`${name}: ${String(one)}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function unreachable({ host, port }: Target, cause: Error): ApiError {
  return new ApiError(
    { code: 500, reason: 'InternalError', message: `Internal error occurred: error dialing backend: dial tcp ${host}:${port}: ${cause.message}`, details: { causes: [{ message: `error dialing backend: ${cause.message}` }] } },
    { cause },
  );
}
