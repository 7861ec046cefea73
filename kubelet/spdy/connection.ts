/** One SPDY/3.1 connection over any duplex stream, as server or as client: named streams, each a Node duplex. */
import { Duplex } from 'node:stream';
import { HeaderCodec, type Headers } from './headers.ts';

const VERSION = 3;
const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const HEADERS = 8;
const FLAG_FIN = 1;
const CANCEL = 5;
const REFUSED = 3;

const STREAM_LIMIT = 256;
const FRAME_LIMIT_BYTES = 8 * 1024 * 1024;
/** Data is sent in frames of at most this size, so that streams take turns. */
const CHUNK_BYTES = 32 * 1024;

export interface SpdyOptions {
  readonly side: 'server' | 'client';
  /** Bytes that arrived together with the upgrade. */
  readonly head?: Buffer;
}

/** A stream of a connection. `end()` closes our half; 'end' says that the peer closed his. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #connection: SpdyConnection;

  constructor(id: number, headers: Headers, connection: SpdyConnection) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#connection = connection;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, chunk, false).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.sendData(this.id, Buffer.alloc(0), true).then(() => done(), () => done());
  }

  override _read(): void {
    this.#connection.resume(this.id);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.forget(this);
    done(error);
  }
}

export interface SpdyEvents {
  readonly stream?: (stream: SpdyStream) => void;
  readonly closed?: () => void;
}

export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #codec = new HeaderCodec();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #events: SpdyEvents;
  readonly #side: 'server' | 'client';
  /** Streams whose reader is behind; while there is one the socket is not read: the protocol as spoken here has no windows. */
  readonly #full = new Set<number>();
  #next: number;
  #received: Buffer = Buffer.alloc(0);
  #sending: Promise<void> = Promise.resolve();
  #handling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(socket: Duplex, options: SpdyOptions, events: SpdyEvents = {}) {
    this.#socket = socket;
    this.#events = events;
    this.#side = options.side;
    this.#next = options.side === 'client' ? 1 : 2;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => this.close());
    socket.on('end', () => void this.#handling.then(() => this.close()));
    // Frames that have arrived are handled first: unpacking takes longer than the socket's end.
    socket.on('close', () => void this.#handling.then(() => this.close()));
    if (options.head?.length) this.#take(options.head);
  }

  async open(headers: Headers): Promise<SpdyStream> {
    const id = this.#next;
    this.#next += 2;
    const stream = new SpdyStream(id, headers, this);
    this.#streams.set(id, stream);
    await this.#control(SYN_STREAM, 0, async () => {
      const head = Buffer.alloc(10);
      head.writeUInt32BE(id, 0);
      return Buffer.concat([head, await this.#codec.pack(headers)]);
    });
    return stream;
  }

  /** Used by streams. */
  sendData(id: number, data: Buffer, last: boolean): Promise<void> {
    return this.#send(async () => {
      for (let at = 0; at < data.length || at === 0; at += CHUNK_BYTES) {
        const part = data.subarray(at, at + CHUNK_BYTES);
        const head = Buffer.alloc(8);
        head.writeUInt32BE(id, 0);
        head.writeUInt32BE(part.length, 4);
        if (last && at + CHUNK_BYTES >= data.length) head[4] = FLAG_FIN;
        await this.#write(part.length > 0 ? Buffer.concat([head, part]) : head);
      }
    });
  }

  /** Used by streams: their reader wants more. */
  resume(id: number): void {
    if (this.#full.delete(id) && this.#full.size === 0) this.#socket.resume();
  }

  /** Used by streams when they are destroyed: the peer is told unless both halves are closed. */
  forget(stream: SpdyStream): void {
    this.resume(stream.id);
    if (!this.#streams.delete(stream.id) || this.#closed) return;
    if (!stream.writableFinished || !stream.readableEnded) void this.#reset(stream.id, CANCEL).catch(() => undefined);
  }

  /** Sends what is queued, then ends the connection. */
  async end(): Promise<void> {
    await this.#sending.catch(() => undefined);
    if (!this.#closed) this.#socket.end();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams.values()) this.#finish(stream);
    this.#streams.clear();
    this.#codec.close();
    this.#socket.destroy();
    this.#events.closed?.();
  }

  /** Nothing more comes. As a client, what has arrived may still be read: servers reset streams as soon as they have said all. */
  #finish(stream: SpdyStream): void {
    if (!stream.readableEnded) stream.push(null);
    this.resume(stream.id);
    if (this.#side === 'server' || stream.readableLength === 0) stream.destroy();
    else stream.once('end', () => stream.destroy());
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      if (this.#received.length < 8) return;
      const length = this.#received.readUInt32BE(4) & 0xffffff;
      if (length > FRAME_LIMIT_BYTES) return this.close();
      if (this.#received.length < 8 + length) return;
      const frame = this.#received.subarray(0, 8 + length);
      this.#received = this.#received.subarray(8 + length);
      // Header blocks are unpacked asynchronously, and frames must be handled in their order.
      this.#handling = this.#handling.then(() => this.#handle(frame)).catch(() => this.close());
    }
  }

  async #handle(frame: Buffer): Promise<void> {
    if (this.#closed) return;
    const first = frame.readUInt32BE(0);
    const last = ((frame[4] as number) & FLAG_FIN) !== 0;
    const body = frame.subarray(8);
    if ((first & 0x80000000) === 0) return this.#data(first & 0x7fffffff, body, last);
    switch (first & 0xffff) {
      case SYN_STREAM:
        return this.#opened(body.readUInt32BE(0) & 0x7fffffff, await this.#codec.unpack(body.subarray(10)), last);
      case SYN_REPLY:
      case HEADERS:
        await this.#codec.unpack(body.subarray(4));
        if (last) this.#data(body.readUInt32BE(0) & 0x7fffffff, Buffer.alloc(0), true);
        return;
      case RST_STREAM: {
        const stream = this.#streams.get(body.readUInt32BE(0) & 0x7fffffff);
        if (!stream) return;
        this.#streams.delete(stream.id);
        this.#finish(stream);
        return;
      }
      case PING:
        // Ours are never answered by us: their parity tells whose they are.
        if ((body.readUInt32BE(0) % 2 === 1) === (this.#side === 'server')) await this.#control(PING, 0, async () => Buffer.from(body));
        return;
      case GOAWAY:
        return;
      default:
        // SETTINGS, WINDOW_UPDATE and what later versions may add mean nothing here.
        return;
    }
  }

  #opened(id: number, headers: Headers, last: boolean): void {
    if (this.#streams.size >= STREAM_LIMIT || !this.#events.stream) return void this.#reset(id, REFUSED).catch(() => undefined);
    const stream = new SpdyStream(id, headers, this);
    this.#streams.set(id, stream);
    void this.#control(SYN_REPLY, 0, async () => {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(id);
      return Buffer.concat([head, await this.#codec.pack({})]);
    }).catch(() => undefined);
    if (last) stream.push(null);
    this.#events.stream(stream);
  }

  #data(id: number, body: Buffer, last: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream || stream.readableEnded) return;
    if (body.length > 0 && !stream.push(Buffer.from(body))) {
      this.#full.add(id);
      this.#socket.pause();
    }
    if (last) stream.push(null);
  }

  #reset(id: number, code: number): Promise<void> {
    return this.#control(RST_STREAM, 0, async () => {
      const body = Buffer.alloc(8);
      body.writeUInt32BE(id, 0);
      body.writeUInt32BE(code, 4);
      return body;
    });
  }

  #control(type: number, flags: number, body: () => Promise<Buffer>): Promise<void> {
    return this.#send(async () => {
      const content = await body();
      const head = Buffer.alloc(8);
      head.writeUInt16BE(0x8000 | VERSION, 0);
      head.writeUInt16BE(type, 2);
      head.writeUInt32BE(content.length, 4);
      head[4] = flags;
      await this.#write(Buffer.concat([head, content]));
    });
  }

  /** One sender at a time: packed headers must leave in the order in which they were packed. */
  #send(task: () => Promise<void>): Promise<void> {
    const run = this.#sending.then(() => (this.#closed ? Promise.reject(new Error('the connection is closed')) : task()));
    this.#sending = run.catch(() => undefined);
    return run;
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => this.#socket.write(bytes, (error) => (error ? reject(error) : resolve())));
  }
}
