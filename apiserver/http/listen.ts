/** The network's door: HTTP/2 and HTTP/1.1 on one TLS port, by koa. */
import { ServerResponse, type IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { DEFAULT_CIPHERS } from 'node:tls';
import { goQuote } from '../../api/go-quote.ts';
import { ApiError } from '../../api/status.ts';
import { sleep, type Clock } from '../../std/clock.ts';
import { Cohort } from '../../std/cohort.ts';
import type { Random } from '../../std/random.ts';
import { forgetCertificates } from '../auth/client-certificate.ts';
import { boundWrites } from './bounded-writes.ts';
import { finish } from '../chain/chain.ts';
import type { Log } from '../core.ts';
import { Crowd, type Load } from './crowd.ts';
import type { Exchange, Upgrade } from '../exchange.ts';
import { TooManyRequests } from '../flow/flow-control.ts';
import { HttpExchange } from './http-exchange.ts';
import { StreamRequest, StreamResponse } from './http2-messages.ts';
import { Koa } from './koa.ts';
import type { Pki } from '../pki/pki.ts';
import { errorAnswer, render } from './render.ts';
import type { Response } from './response.ts';
import { methodNotAllowed } from '../dispatch.ts';
import { UnreadablePath, type Route } from '../request/route.ts';
import { requestTimeoutMs } from '../request/request-timeout.ts';
import { DRAIN_MS, REQUEST_TIMEOUT_MS, STREAMS_PER_CONNECTION, type ServingOptions } from './serving.ts';
import { leave, mayLeave, rawRefusal } from './upgrade.ts';
import { trusting } from '../../std/trusting.ts';

export interface ListenOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Default: all addresses. */
  readonly host?: string;
  /** Other threads listen there too: the system deals connections among them. */
  readonly shared?: boolean;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  load(): Load;
  /** See `Crowd.shed`. */
  shed(share: number): void;
  close(): Promise<void>;
}

interface Serving extends ListenOptions {
  readonly pki: Pki;
  /** Authorities of what clients show. */
  readonly trusted: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits: ServingOptions;
  /** Whether new requests are to be sent elsewhere. */
  readonly isLeaving: () => boolean;
  readonly onHandshakeError: () => void;
  /** Whether another server answers there. */
  readonly isElsewhere: (route: Route) => boolean;
  readonly serve: (exchange: Exchange) => void | Promise<void>;
}

/** koa with one step that gives every answer itself: neither koa's own answer nor its watch over the response, a tenth of a request's cost, is needed. */
class Application extends Koa {
  override callback(): ReturnType<Koa['callback']> {
    const [step] = this.middleware;
    return (request, response) => step?.(this.createContext(request as IncomingMessage, response as ServerResponse), NOTHING_MORE) as Promise<void>;
  }
}

const NOTHING_MORE = (): Promise<void> => Promise.resolve();

/** As upstream's: the shorter key first, which costs a quarter less where much is sent. */
const PREFERRED_CIPHER = 'TLS_AES_128_GCM_SHA256';
const CIPHERS = [PREFERRED_CIPHER, ...DEFAULT_CIPHERS.split(':').filter((cipher) => cipher !== PREFERRED_CIPHER)].join(':');
const HEADERS_LIMIT_BYTES = 1024 * 1024;
/** A client that takes longer to say what it wants is not listened to; one that says nothing more is let go. */
const HEADERS_LIMIT_MS = 32_000;
const IDLE_LIMIT_MS = 90_000;
/** What was written to a client that does not read is dropped so long after its request's time. */
const UNREAD_LIMIT_MS = 5_000;
const RETRY_AFTER_SECONDS = 5;

export async function listen(options: Serving): Promise<Listener> {
  const { pki, clock, limits } = options;
  const server = createSecureServer({
    key: pki.serving.keyPem, cert: pki.serving.certPem, ...trusting([...options.trusted]), requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', ciphers: CIPHERS,
    allowHTTP1: true, maxHeaderListPairs: 2000, maxSessionMemory: 100, settings: { maxConcurrentStreams: limits.streamsPerConnection ?? STREAMS_PER_CONNECTION, maxHeaderListSize: HEADERS_LIMIT_BYTES },
    ...({ maxHeaderSize: HEADERS_LIMIT_BYTES, Http2ServerRequest: StreamRequest, Http2ServerResponse: StreamResponse } as object),
  });
  Object.assign(server, { headersTimeout: HEADERS_LIMIT_MS, keepAliveTimeout: IDLE_LIMIT_MS, requestTimeout: (limits.requestTimeoutMs ?? REQUEST_TIMEOUT_MS) + UNREAD_LIMIT_MS, shouldUpgradeCallback: (request: IncomingMessage) => mayLeave(request, options.isElsewhere) });
  const sessions = new Set<Http2Session>();
  const sockets = new Set<Socket>();
  const open = new Set<HttpExchange>();
  server.on('session', (session) => {
    sessions.add(session);
    session.setTimeout(IDLE_LIMIT_MS, () => {
      // A session with open streams is not idle: a quiet watch is one.
      if (![...open].some((exchange) => exchange.isOf(session))) session.close();
    });
    session.once('close', () => sessions.delete(session));
  });
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    boundWrites(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  const app = new Application();
  const answering: Answering = { ...options, open, arrivals: new Cohort() };
  const crowd = new Crowd(sockets, open);
  const toTheEnd = (request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> => {
    crowd.met((request as unknown as Partial<Http2ServerRequest>).stream?.session, response);
    return answer(answering, request, response, upgrade).catch((error: unknown) => {
      options.log.error('an answer could not be brought to its end', error);
      response.destroy();
    });
  };
  app.use((ctx) => {
    return toTheEnd(ctx.req, ctx.res);
  });
  server.on('request', app.callback() as never);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => void toTheEnd(request, lastResponse(request, socket), { request, socket, head }));
  server.on('tlsClientError', options.onHandshakeError);
  server.on('clientError' as never, ((error: NodeJS.ErrnoException, socket: Duplex) => refuseUnread(error, socket)) as never);
  const renewed = pki.onRenewed(() => {
    forgetCertificates();
    server.setSecureContext({ key: pki.serving.keyPem, cert: pki.serving.certPem, ...trusting([...options.trusted]), ciphers: CIPHERS });
  });
  await bind(server, options);
  const { address, port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    renewed.close();
    const shut = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
    // Who is to be told to come back later must be able to ask.
    const closed = limits.shutdownSendsRetryAfter ? undefined : shut();
    await endWatches(options, open);
    if (closed) for (const session of sessions) session.close();
    const idle = until(clock, () => open.size === 0);
    const limit = new AbortController();
    await Promise.race([idle.done, ...(closed ? [closed] : []), sleep(clock, limits.drainMs ?? DRAIN_MS, limit.signal)]);
    limit.abort();
    idle.stop();
    const last = closed ?? shut();
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
    await last;
  };
  return { host: address, port, load: () => crowd.load(), shed: (share) => crowd.shed(share), close };
}

/** What may last ends in an orderly way: at once, or one after the other over the time that watches are given. */
async function endWatches({ clock, limits }: Serving, open: ReadonlySet<HttpExchange>): Promise<void> {
  const lasting = [...open].filter(({ longRunning }) => longRunning);
  const pauseMs = lasting.length > 0 ? (limits.watchGraceMs ?? 0) / lasting.length : 0;
  for (const exchange of lasting) {
    exchange.abort(new Error('the server is closing'));
    if (pauseMs > 0) await sleep(clock, pauseMs);
  }
}

const LOOK_MS = 10;

function until(clock: Clock, condition: () => boolean): { readonly done: Promise<void>; stop(): void } {
  let stopped = false;
  const done = new Promise<void>((resolve) => {
    const look = (): void => {
      if (stopped || condition()) resolve();
      else clock.after(LOOK_MS, look);
    };
    look();
  });
  return { done, stop: () => (stopped = true) };
}

function bind(server: Http2SecureServer, { port, host, shared = false }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host !== undefined && { host }), ...(shared && { reusePort: true }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Made once: every connection ends, and a stack of this would tell nobody anything. */
const GONE = new Error('the client has gone');

interface Answering extends Serving {
  readonly open: Set<HttpExchange>;
  readonly arrivals: Cohort;
}

/** One request from the first step to the last byte. After one that asks to leave HTTP the connection ends: Node's parser may have dropped what came with it. */
async function answer(options: Answering, request: IncomingMessage, response: ServerResponse, upgrade?: Upgrade): Promise<void> {
  const { clock, limits, open, arrivals } = options;
  if (request.httpVersionMajor === 1 && request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
  if (answeredEarly(options, request, response)) return;
  let exchange: HttpExchange;
  let timeoutMs: number;
  try {
    exchange = new HttpExchange(request, upgrade);
  } catch (error) {
    return refuseUnrouted(request, response, error);
  }
  try {
    // What may last has no use for one, whatever is written there.
    timeoutMs = exchange.longRunning ? 0 : requestTimeoutMs(exchange.query, limits.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
  } catch (error) {
    return refuse(options, exchange, response, error);
  }
  open.add(exchange);
  let late = false;
  const deadline = exchange.longRunning
    ? undefined
    : clock.after(timeoutMs, () => {
        late = true;
        exchange.abort(new Error('deadline'));
        // A client that does not take its answer is not waited for, nor is one that does not finish its question.
        dropUnread(clock, response);
        void refuse(options, exchange, response, timedOut());
      });
  response.on('close', () => {
    deadline?.cancel();
    exchange.abort(GONE);
    open.delete(exchange);
  });
  try {
    await arrivals.join();
    const serving = options.serve(exchange);
    if (serving) await serving;
    const leaving = late ? undefined : leave(exchange, clock);
    if (leaving) deadline?.cancel();
    const sending = late ? undefined : (leaving ?? render(exchange, response, clock));
    if (sending) await sending;
  } catch (error) {
    if (!late) await refuse(options, exchange, response, error);
  } finally {
    if (request.httpVersionMajor === 1 && !upgrade) readOnWhenSent(response);
    if (response.writableFinished) deadline?.cancel();
    else if (exchange.longRunning) dropUnread(clock, response, () => open.delete(exchange));
    // The end of what lasts may still be on its way.
    if (!exchange.longRunning || response.writableFinished || response.closed) open.delete(exchange);
    finish(exchange);
  }
}

/** What is answered in HTTP all the same. */
function lastResponse(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

/**
 * The next request on a connection of HTTP/1.1 is not read before an answer that is still being sent has left. Node would stop in the
 * middle of it, until then, and takes what TLS has unpacked already for a mistake of the client.
 */
function readOnWhenSent({ socket }: ServerResponse): void {
  if (!socket?.writableNeedDrain) return;
  socket.pause();
  socket.once('drain', () => socket.resume());
}

function dropUnread(clock: Clock, response: ServerResponse, dropped?: () => void): void {
  if (response.closed || response.destroyed) return dropped?.();
  const unread = clock.after(UNREAD_LIMIT_MS, () => {
    response.destroy();
    dropped?.();
  });
  response.once('close', () => unread.cancel());
}

const PREFLIGHT = 'OPTIONS';

/** What is answered before anybody asks who asks: browsers' questions, and requests that had better go to another server. */
function answeredEarly({ limits, random, isLeaving }: Serving, request: IncomingMessage, response: ServerResponse): boolean {
  const cors = limits.cors?.headersFor(request.headers);
  if (cors) {
    for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
    if (request.method === PREFLIGHT) {
      response.writeHead(204);
      response.end();
      return true;
    }
  }
  const { session } = (request as unknown as Partial<Http2ServerRequest>).stream ?? {};
  if (session && limits.goawayChance && random.next() < limits.goawayChance) session.close();
  if (!isLeaving() || EVEN_THEN.has(request.url?.split('?', 1)[0] ?? '')) return false;
  response.writeHead(429, { 'Content-Type': 'text/plain; charset=utf-8', 'Retry-After': String(RETRY_AFTER_SECONDS), ...(!session && { Connection: 'close' }) });
  response.end('The apiserver is shutting down, please try again later.\n');
  session?.close();
  return true;
}

/** Those who look after the server still see it. */
const EVEN_THEN = new Set(['/readyz', '/livez', '/healthz', '/metrics']);

async function refuse({ clock, log }: Serving, exchange: HttpExchange, response: Response, cause: unknown): Promise<void> {
  const { error, fault } = errorAnswer(cause);
  // Whoever left is no fault of the server's.
  if (fault && !response.destroyed) log.error(`${exchange.method} ${exchange.route.path}`, cause);
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

/** Before there is an exchange nobody has been asked for anything. */
function refuseUnrouted({ url = '', httpVersionMajor }: IncomingMessage, response: ServerResponse, cause: unknown): void {
  if (!(cause instanceof UnreadablePath)) return void response.writeHead(500).end();
  const isFault = cause.code === 500;
  const text = isFault ? `Internal Server Error: ${goQuote(url)}: ${cause.message}, ${url}\n` : cause.message;
  response.writeHead(cause.code, { 'Content-Type': 'text/plain; charset=utf-8', ...(isFault ? { 'X-Content-Type-Options': 'nosniff' } : httpVersionMajor === 1 && { Connection: 'close' }) });
  response.end(text);
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
