/** The door over HTTP/1.1: a bounded pool of kept connections, and watches as lines of JSON. */
import type { Dispatcher, Pool } from 'undici';
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import { ApiError, type Status } from '../api/status.ts';
import { sleep, type Clock } from '../std/clock.ts';
import { deepFreeze } from '../std/deep.ts';
import { callPath, METHODS } from './path.ts';
import { tokenSource } from './token.ts';
import { trusting } from '../std/trusting.ts';

export interface HttpDoorOptions {
  /** `https://127.0.0.1:6443` */
  readonly server: string;
  /** PEM. Absent: the system's authorities. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** Read again when it changes: projected tokens expire. */
  readonly tokenFile?: string;
  readonly serverName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly userAgent?: string;
  readonly clock: Clock;
  /** Told of each answer: its code, or `<error>` where there was none; sizes in bytes. */
  readonly onCall?: (call: { readonly method: string; readonly host: string; readonly code: string; readonly seconds: number; readonly sent: number; readonly received: number }) => void;
}

export interface HttpDoor extends Door {
  /** Ends all connections. */
  close(): Promise<void>;
}

/** At the same time; further calls wait for a connection. Watches have theirs for as long as they run. */
const MAX_CALL_CONNECTIONS = 32;
const MAX_WATCHES = 1024;
/** Servers send bookmarks each minute or so: a watch that is silent for longer leads nowhere, and is taken up anew. */
const WATCH_SILENCE_MS = 300_000;
const CONNECT_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 60_000;
const BODY_TIMEOUT_MS = 60_000;
/** One event. Larger than any object a server takes. */
const MAX_FRAME_BYTES = 32 * 1024 * 1024;
/** How often a call that the server asked to repeat later is repeated, as in client-go. */
const MAX_RETRIES = 10;
const MAX_RETRY_AFTER_SECONDS = 60;
/** Everything a door hands out is immutable; freezing is worth its price where bugs are looked for. */
const FREEZE = process.env['NODE_ENV'] === 'test';

export function openHttpDoor(options: HttpDoorOptions): HttpDoor {
  const { origin, pathname, host } = new URL(options.server);
  const prefix = pathname.replace(/\/+$/, '');
  const token = tokenSource(options);
  let pools: Promise<{ readonly calls: Pool; readonly watches: Pool }> | undefined;
  const open = (): NonNullable<typeof pools> => (pools ??= openPools(origin, options));

  const send = async (pool: Pool, call: ApiCall): Promise<Dispatcher.ResponseData> => {
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const bearer = await token();
    const headers: Record<string, string> = {
      accept: accept(call),
      'user-agent': options.userAgent ?? 'coracle',
      ...(body !== null && { 'content-type': call.patchType ?? 'application/json' }),
      ...(bearer && { authorization: `Bearer ${bearer}` }),
    };
    const watching = call.verb === 'watch';
    const timeouts = { headersTimeout: HEADERS_TIMEOUT_MS, bodyTimeout: watching ? WATCH_SILENCE_MS : BODY_TIMEOUT_MS };
    const request = { method: METHODS[call.verb], path: prefix + callPath(call), headers, body, signal: call.signal ?? null, ...timeouts };
    const began = options.onCall ? options.clock.monotonic() : 0;
    const told = (code: string, received = 0): void => options.onCall?.({ method: request.method, host, code, seconds: (options.clock.monotonic() - began) / 1000, sent: body === null ? 0 : Buffer.byteLength(body), received });
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await pool.request(request as Dispatcher.RequestOptions);
        if (options.onCall) told(String(answer.statusCode), Number(answer.headers['content-length'] ?? 0));
        return answer;
      } catch (error) {
        told('<error>');
        if (call.signal?.aborted) throw error;
        // The server may have closed a kept connection just as it was used again.
        if (attempt === 0 && request.method === 'GET' && isReset(error)) continue;
        throw unreachable(error);
      }
    }
  };

  /** An accepted answer, or the refusal as an error; waits where the server says when to come back. */
  const accepted = async (pool: Pool, call: ApiCall): Promise<Dispatcher.ResponseData> => {
    for (let attempt = 0; ; attempt++) {
      const answer = await send(pool, call);
      if (answer.statusCode < 300) return answer;
      const error = refusal(answer.statusCode, await answer.body.text());
      const after = Number(answer.headers['retry-after'] ?? Number.NaN);
      if (!Number.isFinite(after) || after > MAX_RETRY_AFTER_SECONDS || attempt >= MAX_RETRIES || call.verb === 'watch') throw error;
      await sleep(options.clock, after * 1000, call.signal);
      if (call.signal?.aborted) throw error;
    }
  };

  return {
    async call(call) {
      const answer = await accepted((await open()).calls, call);
      try {
        const value: unknown = await answer.body.json();
        return FREEZE ? deepFreeze(value) : value;
      } catch (error) {
        throw call.signal?.aborted ? error : unreachable(error);
      }
    },
    async *watch(call) {
      const answer = await accepted((await open()).watches, { ...call, verb: 'watch' });
      try {
        for await (const line of lines(answer.body)) {
          const event = JSON.parse(line) as WatchEvent;
          yield FREEZE ? deepFreeze(event) : event;
        }
      } catch (error) {
        if (call.signal?.aborted) return;
        throw error instanceof ApiError ? error : unreachable(error);
      } finally {
        answer.body.on('error', () => undefined).destroy();
      }
    },
    async close() {
      if (!pools) return;
      const { calls, watches } = await pools;
      await Promise.all([calls.destroy(), watches.destroy()]);
    },
  };
}

async function openPools(origin: string, options: HttpDoorOptions): Promise<{ calls: Pool; watches: Pool }> {
  const { Pool } = await import('undici');
  const { ca, cert, key, serverName, insecureSkipTlsVerify } = options;
  const connect = {
    timeout: CONNECT_TIMEOUT_MS,
    ...trusting(ca),
    ...(cert && key && { cert, key }),
    ...(serverName && { servername: serverName }),
    ...(insecureSkipTlsVerify && { rejectUnauthorized: false }),
  };
  return {
    calls: new Pool(origin, { connections: MAX_CALL_CONNECTIONS, pipelining: 1, connect }),
    watches: new Pool(origin, { connections: MAX_WATCHES, pipelining: 1, connect }),
  };
}

const PARTIAL = 'as=PartialObjectMetadata;g=meta.k8s.io;v=v1';

function accept({ metadataOnly, verb }: ApiCall): string {
  if (!metadataOnly) return 'application/json';
  return `application/json;${verb === 'list' ? PARTIAL.replace(';', 'List;') : PARTIAL}`;
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end));
      const line = (parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)).toString('utf8');
      parts = [];
      size = 0;
      start = end + 1;
      if (line.trim()) yield line;
    }
    if (start >= chunk.length) continue;
    size += chunk.length - start;
    if (size > MAX_FRAME_BYTES) throw new ApiError({ code: 500, reason: 'InternalError', message: `a watch event exceeds ${MAX_FRAME_BYTES} bytes` });
    parts.push(chunk.subarray(start));
  }
}

const NEWLINE = 0x0a;

function refusal(code: number, text: string): ApiError {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === 'Status') return new ApiError({ ...status, code: status.code ?? code });
  } catch {
    // Not a Status: a proxy's page, or a server that is just coming up.
  }
  const reason = REASONS[code] ?? (code >= 500 ? 'InternalError' : 'Unknown');
  const said = text.trim().slice(0, MAX_MESSAGE_CHARS);
  return new ApiError({ code, reason, message: said || `the server answered ${code}`, details: { causes: [{ reason: UNEXPECTED, message: said }] } });
}

/** As upstream's clients mark an answer that is no Status. */
const UNEXPECTED = 'UnexpectedServerResponse';
const MAX_MESSAGE_CHARS = 1000;
const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest', 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 405: 'MethodNotAllowed', 406: 'NotAcceptable', 409: 'Conflict',
  410: 'Gone', 413: 'RequestEntityTooLarge', 415: 'UnsupportedMediaType', 422: 'Invalid', 429: 'TooManyRequests', 503: 'ServiceUnavailable', 504: 'Timeout',
};

function isReset(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as { readonly code?: string }).code ?? '');
}

/** No answer, or half of one. To the caller it is a server that is not there. */
function unreachable(error: unknown): ApiError {
  const why = error instanceof Error ? error.message || ((error as { code?: string }).code ?? error.name) : String(error);
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message: `no answer from the server: ${why}` }, { cause: error });
}
