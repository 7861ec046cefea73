/** Writes protobuf from its end to its beginning, so that the length of a message is known when it is to be written. */

const START_BYTES = 4096;

export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #at = START_BYTES;

  /** How much is written. */
  get size(): number {
    return this.#bytes.length - this.#at;
  }

  /** What is written, in a buffer of its own; the writer is empty again. */
  take(): Buffer {
    const out = Buffer.allocUnsafeSlow(this.size);
    this.#bytes.copy(out, 0, this.#at);
    this.reset();
    return out;
  }

  reset(): void {
    this.#at = this.#bytes.length;
  }

  /** Unsigned. */
  varint(value: number): void {
    if (value < 0x80) {
      this.#room(1);
      this.#bytes[--this.#at] = value;
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    this.#room(size);
    this.#at -= size;
    let rest = value;
    for (let i = 0; i < size - 1; i++) {
      this.#bytes[this.#at + i] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at + size - 1] = rest;
  }

  /** Signed, in two's complement. */
  int(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) this.varint(value);
    else this.#big(BigInt.asUintN(64, BigInt(value)));
  }

  #big(value: bigint): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.bytes(bytes);
  }

  tag(number: number, wire: 0 | 1 | 2): void {
    this.varint(number * 8 + wire);
  }

  double(value: number): void {
    this.#room(8);
    this.#at -= 8;
    this.#bytes.writeDoubleLE(value, this.#at);
  }

  bytes(bytes: Uint8Array | readonly number[]): void {
    this.#room(bytes.length);
    this.#at -= bytes.length;
    this.#bytes.set(bytes, this.#at);
  }

  /** With its length before it. */
  string(text: string): void {
    const size = Buffer.byteLength(text);
    this.#room(size);
    this.#at -= size;
    this.#bytes.write(text, this.#at, size, size === text.length ? 'latin1' : 'utf8');
    this.varint(size);
  }

  #room(bytes: number): void {
    if (this.#at >= bytes) return;
    const { size } = this;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, size + bytes));
    this.#bytes.copy(larger, larger.length - size, this.#at);
    this.#at = larger.length - size;
    this.#bytes = larger;
  }
}
