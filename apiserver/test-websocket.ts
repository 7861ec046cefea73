/** For tests: a WebSocket client that shows every frame as it is, over a connection of its own. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { testPki } from './test-server.ts';

export interface Shown {
  readonly opcode: number;
  readonly data: Buffer;
}

export const HANDSHAKE = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13', Origin: 'http://x' } as const;

export interface RawOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly anonymous?: boolean;
  /** After the head. */
  readonly body?: string | Buffer;
}

/** Sends one request, with what else is given in the same write. */
export async function openRaw(port: number, path: string, { method = 'GET', headers = HANDSHAKE, anonymous = false, body = '' }: RawOptions = {}): Promise<RawClient> {
  const pki = await testPki();
  const admin = anonymous ? undefined : await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const socket = connect({ host: '127.0.0.1', port, ca: pki.caPem, ...(admin && { cert: admin.certPem, key: admin.keyPem }), ALPNProtocols: ['http/1.1'] });
  const lines = Object.entries({ Host: 'x', ...headers }).filter(([, value]) => value !== undefined).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), Buffer.from(body)]));
  return new RawClient(socket);
}

export class RawClient {
  readonly socket: TLSSocket;
  #bytes = Buffer.alloc(0);
  #head: string | undefined;
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  /** Status line and headers. */
  async head(): Promise<string> {
    while (this.#head === undefined) {
      const at = this.#bytes.indexOf('\r\n\r\n');
      if (at >= 0) {
        this.#head = this.#bytes.subarray(0, at).toString();
        this.#bytes = this.#bytes.subarray(at + 4);
      } else if (this.#ended) throw new Error('the connection ended without an answer');
      else await this.#more();
    }
    return this.#head;
  }

  /** Undefined: the connection has ended. */
  async next(): Promise<Shown | undefined> {
    await this.head();
    for (;;) {
      const frame = this.#take();
      if (frame || this.#ended) return frame;
      await this.#more();
    }
  }

  /** `text` or opcode and hex of those that are none, up to the end of the connection. */
  async rest(): Promise<string[]> {
    const all: string[] = [];
    for (let frame = await this.next(); frame; frame = await this.next()) all.push(frame.opcode === 1 ? frame.data.toString() : `${frame.opcode} ${frame.data.toString('hex')}`);
    return all;
  }

  /** All bytes after the head, up to the end of the connection. */
  async body(): Promise<string> {
    await this.head();
    if (!this.#ended) await once(this.socket, 'close');
    return this.#bytes.toString();
  }

  say(frame: Buffer): void {
    this.socket.write(frame);
  }

  close(): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #take(): Shown | undefined {
    const bytes = this.#bytes;
    if (bytes.length < 2) return undefined;
    const short = (bytes[1] as number) & 0x7f;
    const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length < headBytes) return undefined;
    const size = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
    if (bytes.length < headBytes + size) return undefined;
    if (((bytes[0] as number) & 0xf0) !== 0x80 || (bytes[1] as number) > 127) throw new Error('a frame of a server is whole, plain and unmasked');
    this.#bytes = bytes.subarray(headBytes + size);
    return { opcode: (bytes[0] as number) & 15, data: bytes.subarray(headBytes, headBytes + size) };
  }
}

const MASK = Buffer.from([1, 2, 3, 4]);

/** A frame as clients send it. `sizeBytes`: what its head says, whatever follows. */
export function clientFrame(opcode: number, data: string | Buffer = '', { masked = true, sizeBytes }: { readonly masked?: boolean; readonly sizeBytes?: number } = {}): Buffer {
  const bytes = Buffer.from(data);
  const size = sizeBytes ?? bytes.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  head[1] = (masked ? 0x80 : 0) | (size < 126 ? size : size < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(size, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
  return Buffer.concat([head, masked ? MASK : Buffer.alloc(0), masked ? bytes.map((byte, at) => byte ^ (MASK[at % 4] as number)) : bytes]);
}
