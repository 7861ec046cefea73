/** What clients of one-way WebSockets send: nothing of it is kept but pings, and the end. Provenance of the leniency: golang.org/x/net/websocket v0.49. */

export interface Heard {
  /** What is to be sent back. */
  ping(bytes: Buffer): void;
  /** Nothing is read after it. `isBroken`: the client does not keep to the protocol. */
  over(isBroken: boolean): void;
}

const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** So much of a ping is sent back. */
const PING_LIMIT_BYTES = 125;
/** Whoever says more at once is let go. */
const MESSAGE_LIMIT_BYTES = 32n * 1024n * 1024n;
const LARGEST_HEAD_BYTES = 14;
const MASK_BYTES = 4;

export class ClientFrames {
  readonly #heard: Heard;
  readonly #head = Buffer.alloc(LARGEST_HEAD_BYTES);
  #headBytes = 0;
  /** Of the frame whose head was read. */
  #left = 0n;
  #ping: number[] | undefined;
  #isOver = false;

  constructor(heard: Heard) {
    this.#heard = heard;
  }

  read(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isOver) {
      if (this.#left > 0n) at = this.#skip(chunk, at);
      else {
        this.#head[this.#headBytes++] = chunk[at++] as number;
        if (this.#headBytes === this.#headLength()) this.#begin();
      }
    }
  }

  /** As far as is known. */
  #headLength(): number {
    if (this.#headBytes < 2) return 2;
    return 2 + this.#sizeBytes() + (this.#isMasked ? MASK_BYTES : 0);
  }

  /** How many bytes tell the size. */
  #sizeBytes(): number {
    const size = (this.#head[1] as number) & 0x7f;
    return size === 127 ? 8 : size === 126 ? 2 : 0;
  }

  get #isMasked(): boolean {
    return ((this.#head[1] as number) & 0x80) !== 0;
  }

  get #kind(): number {
    return (this.#head[0] as number) & 0x0f;
  }

  #begin(): void {
    this.#headBytes = 0;
    if (!this.#isMasked) return this.#end(true);
    if (this.#kind === CLOSE) return this.#end(false);
    const size = this.#size();
    const isControl = this.#kind === PING || this.#kind === PONG;
    if (!isControl && size > MESSAGE_LIMIT_BYTES) return this.#end(false);
    if (this.#kind === PING) this.#ping = [];
    this.#left = size;
    if (size === 0n) this.#finish();
  }

  #size(): bigint {
    if (this.#sizeBytes() === 8) return this.#head.readBigUInt64BE(2) & 0x7fff_ffff_ffff_ffffn;
    return BigInt(this.#sizeBytes() === 2 ? this.#head.readUInt16BE(2) : (this.#head[1] as number) & 0x7f);
  }

  /** Passes over what belongs to this frame; returns where the next one begins. */
  #skip(chunk: Buffer, from: number): number {
    const here = BigInt(chunk.length - from);
    const to = here < this.#left ? chunk.length : from + Number(this.#left);
    if (this.#ping) this.#collect(this.#ping, chunk.subarray(from, to));
    this.#left -= BigInt(to - from);
    if (this.#left === 0n) this.#finish();
    return to;
  }

  #collect(ping: number[], bytes: Buffer): void {
    const mask = 2 + this.#sizeBytes();
    for (const byte of bytes.subarray(0, PING_LIMIT_BYTES - ping.length)) ping.push(byte ^ (this.#head[mask + (ping.length % MASK_BYTES)] as number));
  }

  #finish(): void {
    const ping = this.#ping;
    this.#ping = undefined;
    if (ping) this.#heard.ping(Buffer.from(ping));
  }

  #end(isBroken: boolean): void {
    this.#isOver = true;
    this.#heard.over(isBroken);
  }
}
