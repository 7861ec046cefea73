/**
 * HTTP/2 requests and responses as this server needs them: thin views of their stream, in place of Node's own, whose dozen
 * listeners each cost a quarter of a request.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import { WRITE_BYTES } from './bounded-writes.ts';

/** What is read of it is read from the stream. */
export class StreamRequest {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _options: unknown, rawHeaders: readonly string[]) {
    this.stream = stream;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    // Who is answered hears of its end by `close`.
    stream.on('error', () => undefined);
  }

  get method(): string | undefined {
    return this.headers[':method'];
  }

  get url(): string | undefined {
    return this.headers[':path'];
  }

  get socket(): unknown {
    return this.stream.session?.socket;
  }
}

type Value = string | number | readonly string[];

/** Headers of a connection have no place on a stream. */
const OF_CONNECTIONS = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings']);

export class StreamResponse {
  readonly stream: ServerHttp2Stream;
  statusCode = 200;
  readonly #headers: Record<string, Value> = {};

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream;
  }

  setHeader(name: string, value: Value): void {
    this.#headers[name] = value;
  }

  writeHead(code: number, headers: Readonly<Record<string, Value>> = {}): void {
    if (this.destroyed) return;
    const sent: Record<string, Value> = { ':status': code, ...this.#headers };
    for (const name in headers) if (!OF_CONNECTIONS.has(name.toLowerCase())) sent[name] = headers[name] as Value;
    this.stream.respond(sent as Parameters<ServerHttp2Stream['respond']>[0]);
  }

  /** Heads are sent when they are written. */
  flushHeaders(): void {}

  writeContinue(): void {
    if (!this.destroyed) this.stream.additionalHeaders({ ':status': 100 });
  }

  /** Answers without a body (to HEAD, of 204) have ended with their head. */
  end(bytes?: Buffer | string): void {
    const { stream } = this;
    if (this.destroyed) return;
    if (!stream.headersSent) this.writeHead(this.statusCode);
    if (stream.writableEnded) return;
    if (bytes === undefined || bytes.length === 0) stream.end();
    else if (bytes.length <= WRITE_BYTES) stream.end(bytes);
    else endInPieces(stream, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  destroy(error?: Error): void {
    this.stream.destroy(error);
  }

  on(event: string, listener: () => void): this {
    this.stream.on(event, listener);
    return this;
  }

  once(event: string, listener: () => void): this {
    this.stream.once(event, listener);
    return this;
  }

  get headersSent(): boolean {
    return this.stream.headersSent;
  }

  get writableFinished(): boolean {
    return this.stream.writableFinished;
  }

  get closed(): boolean {
    return this.stream.closed;
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }
}

/** The connection is handed all that its streams have. */
function endInPieces(stream: Writable, bytes: Buffer, at = 0): void {
  const to = at + WRITE_BYTES;
  if (to >= bytes.length) stream.end(bytes.subarray(at));
  else stream.write(bytes.subarray(at, to), (error) => error || endInPieces(stream, bytes, to));
}

/** Where the body of a response is written to, after its head. */
export function bodyOut(response: ServerResponse | StreamResponse): ServerResponse {
  return (response instanceof StreamResponse ? (response.stream as Writable) : response) as ServerResponse;
}
