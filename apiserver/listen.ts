/** The network's door: HTTP/2 and HTTP/1.1 on one TLS port, by koa. */
import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import Koa from 'koa';
import { ApiError } from '../api/status.ts';
import type { Clock } from '../std/clock.ts';
import { finish } from './chain/chain.ts';
import type { Log } from './core.ts';
import type { Exchange } from './exchange.ts';
import { TooManyRequests } from './flow/flow-control.ts';
import { HttpExchange } from './http-exchange.ts';
import type { Pki } from './pki/pki.ts';
import { errorAnswer, render, type Response } from './render.ts';
import { methodNotAllowed } from './dispatch.ts';
import { requestTimeoutMs } from './request-timeout.ts';
import { answerUpgrade, rawRefusal } from './upgrade.ts';

export interface ListenOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Default: all addresses. */
  readonly host?: string;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

interface Serving extends ListenOptions {
  readonly pki: Pki;
  readonly clock: Clock;
  readonly log: Log;
  readonly serve: (exchange: Exchange) => Promise<void>;
}

/** A request that is not meant to last is answered within this time. */
const DEADLINE_MS = 60_000;
const HEADERS_LIMIT_BYTES = 1024 * 1024;
/** When the server closes, requests have this long to finish. */
const DRAIN_MS = 2_000;
const STREAMS_LIMIT = 250;

export async function listen(options: Serving): Promise<Listener> {
  const { pki, clock } = options;
  const server = createSecureServer({
    key: pki.serving.keyPem, cert: pki.serving.certPem, ca: [pki.caPem], requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2',
    allowHTTP1: true, maxHeaderListPairs: 2000, maxSessionMemory: 100, settings: { maxConcurrentStreams: STREAMS_LIMIT, maxHeaderListSize: HEADERS_LIMIT_BYTES },
    ...({ maxHeaderSize: HEADERS_LIMIT_BYTES } as object),
  });
  const sessions = new Set<Http2Session>();
  const sockets = new Set<Socket>();
  const open = new Set<HttpExchange>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  const app = new Koa();
  app.silent = true;
  app.use((ctx) => {
    ctx.respond = false;
    return answer(options, open, ctx.req, ctx.res);
  });
  server.on('request', app.callback() as never);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void answerUpgrade(options, { request, socket, head }));
  server.on('tlsClientError', () => undefined);
  server.on('clientError' as never, ((error: NodeJS.ErrnoException, socket: Duplex) => refuseUnread(error, socket)) as never);
  const renewed = pki.onRenewed(() => server.setSecureContext({ key: pki.serving.keyPem, cert: pki.serving.certPem, ca: [pki.caPem] }));
  await bind(server, options);
  const { address, port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    renewed.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const exchange of open) if (exchange.longRunning) exchange.abort(new Error('the server is closing'));
    for (const session of sessions) session.close();
    const timer = clock.after(DRAIN_MS, () => {
      for (const socket of sockets) socket.destroy();
    });
    const idle = setImmediatePoll(() => open.size === 0);
    await Promise.race([idle, closed]);
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
    await closed;
    timer.cancel();
  };
  return { host: address, port, close };

  function setImmediatePoll(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (condition()) resolve();
        else clock.after(10, look);
      };
      look();
    });
  }
}

function bind(server: Http2SecureServer, { port, host }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** One request from the first step to the last byte. */
async function answer(options: Serving, open: Set<HttpExchange>, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { clock } = options;
  let exchange: HttpExchange;
  let timeoutMs: number;
  try {
    exchange = new HttpExchange(request);
    timeoutMs = requestTimeoutMs(exchange.query, DEADLINE_MS);
  } catch (error) {
    response.writeHead(400, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(errorAnswer(error).error.status));
    return;
  }
  open.add(exchange);
  let late = false;
  const deadline = exchange.longRunning
    ? undefined
    : clock.after(timeoutMs, () => {
        late = true;
        exchange.abort(new Error('deadline'));
        void refuse(options, exchange, response, timedOut());
      });
  response.on('close', () => exchange.abort(new Error('the client has gone')));
  try {
    await options.serve(exchange);
    if (!late) await render(exchange, response, clock);
  } catch (error) {
    if (!late) await refuse(options, exchange, response, error);
  } finally {
    deadline?.cancel();
    open.delete(exchange);
    finish(exchange);
  }
}

async function refuse({ clock, log }: Serving, exchange: HttpExchange, response: Response, cause: unknown): Promise<void> {
  const { error, fault } = errorAnswer(cause);
  if (fault) log.error(`${exchange.method} ${exchange.route.path}`, cause);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { retryAfterSeconds } = error.status.details ?? {};
  if (retryAfterSeconds) exchange.extraHeaders['Retry-After'] = String(retryAfterSeconds);
  exchange.answer = error instanceof TooManyRequests ? { type: 'text', code: error.code, text: error.text } : { type: 'document', code: error.code, object: error.status };
  try {
    await render(exchange, response, clock);
  } catch {
    response.destroy();
  }
}

/** What the HTTP parser does not take: a method that it does not know, headers that are too large, no HTTP at all. */
function refuseUnread({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === 'ECONNRESET') return void socket.destroy();
  if (code === 'HPE_INVALID_METHOD') return rawRefusal(socket, methodNotAllowed());
  const [status, text] = code === 'HPE_HEADER_OVERFLOW' ? [431, 'Request Header Fields Too Large'] : [400, 'Bad Request'];
  socket.end(`HTTP/1.1 ${status} ${text}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status} ${text}`);
}

function timedOut(): ApiError {
  return new ApiError({ code: 504, reason: 'Timeout', message: 'Timeout: request did not complete within the allotted timeout' });
}
