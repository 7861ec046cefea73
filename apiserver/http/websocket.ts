/**
 * WebSockets of this server, which speak and hardly listen: the handshake, and the connection after it. Provenance:
 * golang.org/x/net/websocket v0.49, whose refusals are bare, and wsstream of v0.36.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { statusText } from '../../std/plain-http.ts';
import { withoutToken } from '../auth/websocket-token.ts';
import type { Upgrade } from '../exchange.ts';
import { ClientFrames } from './client-frames.ts';

export const TEXT = 1;
export const BINARY = 2;
const CLOSE = 8;
const PONG = 10;

const NORMAL = 1000;
const PROTOCOL_ERROR = 1002;

/** A number refuses with this status; a protocol is the one that is spoken, '' where none was asked for. */
export type Choice = (protocols: readonly string[], request: IncomingMessage) => number | string;

const VERSION = '13';
const SALT = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Shakes hands; undefined: it was refused, and the connection ends. */
export function openWebSocket(upgrade: Upgrade, choose: Choice): { readonly protocol: string; readonly socket: WebSocket } | undefined {
  const { request, socket } = upgrade;
  const { 'sec-websocket-key': key, 'sec-websocket-version': version } = request.headers;
  if (!key) return refuse(socket, 400, [], 'mismatch challenge/response');
  if (version !== VERSION) return refuse(socket, 400, [`Sec-WebSocket-Version: ${VERSION}`], 'missing or bad WebSocket Version');
  const protocol = choose(protocolsOf(request), request);
  if (typeof protocol === 'number') return refuse(socket, protocol, [], '');
  const accept = createHash('sha1').update(key).update(SALT).digest('base64');
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
  // Upstream names an empty one where none was asked for, which browsers take for a mistake.
  if (protocol !== '') lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return { protocol, socket: new WebSocket(upgrade) };
}

function protocolsOf({ headers }: IncomingMessage): string[] {
  const offered = withoutToken(headers['sec-websocket-protocol'] ?? '');
  return offered === '' ? [] : offered.split(', ');
}

function refuse(socket: Duplex, code: number, lines: readonly string[], text: string): undefined {
  socket.end([`HTTP/1.1 ${code} ${statusText(code)}`, ...lines, '', text].join('\r\n'));
}

/** What goes before a message of so many bytes. */
export function messageHead(kind: number, sizeBytes: number): Buffer {
  const first = 0x80 | kind;
  if (sizeBytes < 126) return Buffer.from([first, sizeBytes]);
  if (sizeBytes < 65_536) return Buffer.from([first, 126, sizeBytes >> 8, sizeBytes & 255]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(sizeBytes), 2);
  return head;
}

export class WebSocket {
  /** Aborted when the client has said farewell, broken the rules, or left. */
  readonly left: AbortSignal;
  readonly #leaving = new AbortController();
  readonly #socket: Duplex;
  #ended = false;

  constructor({ socket, head }: Pick<Upgrade, 'socket' | 'head'>) {
    this.#socket = socket;
    this.left = this.#leaving.signal;
    const frames = new ClientFrames({
      ping: (bytes) => this.#answer(bytes),
      over: (broken) => this.#goes(broken ? PROTOCOL_ERROR : NORMAL),
    });
    if (head.length > 0) socket.unshift(head);
    socket.on('data', (chunk: Buffer) => frames.read(chunk));
    socket.once('end', () => this.#goes(NORMAL));
    socket.once('close', () => this.#goes(NORMAL));
  }

  /** Whole frames, as they are to be sent; false: more had better wait for `drained`. */
  write(frames: Buffer): boolean {
    return !this.#ended && !this.#socket.destroyed ? this.#socket.write(frames) : true;
  }

  /** Resolves when there is room again, or nobody left to read. */
  drained(): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve) => {
      if (!socket.writableNeedDrain || socket.destroyed) return resolve();
      const done = (): void => {
        socket.off('drain', done).off('close', done);
        resolve();
      };
      socket.on('drain', done).on('close', done);
    });
  }

  end(code = NORMAL): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#socket.writable) this.#socket.end(Buffer.from([...messageHead(CLOSE, 2), code >> 8, code & 255]));
  }

  #goes(code: number): void {
    if (!this.#leaving.signal.aborted) this.#leaving.abort();
    this.end(code);
  }

  /** Who asks again and again without reading is not listened to meanwhile. */
  #answer(bytes: Buffer): void {
    if (this.write(Buffer.concat([messageHead(PONG, bytes.length), bytes])) || this.#socket.isPaused()) return;
    this.#socket.pause();
    this.#socket.once('drain', () => this.#socket.resume());
  }
}
