/**
 * Writes and changes on their way between threads: one block of bytes per turn of the event loop, numbers first, then keys and
 * values behind one another. Nothing in it is parsed or copied one by one: what is read from a block are views of it.
 */
import type { Change, WriteOptions } from './store.ts';

export interface BatchedWrite {
  readonly key: string;
  readonly expected: number;
  readonly value: Buffer | undefined;
  readonly options: WriteOptions | undefined;
}

/** Of a write: expected revision, seconds to live, relaxed, lengths of key and value. */
const WRITE_NUMBERS = 5;
/** Of a change: revision, creation, lengths of key, value and previous value. */
const CHANGE_NUMBERS = 5;
/** In place of a length or a time that is not there. */
const NONE = -1;
const NUMBER_BYTES = 8;

/** The block can change hands. */
export function packWrites(writes: readonly BatchedWrite[]): ArrayBuffer {
  const size = writes.reduce((sum, { key, value }) => sum + Buffer.byteLength(key) + (value?.length ?? 0), blockStart(writes.length, WRITE_NUMBERS));
  const block = new Block(Buffer.allocUnsafeSlow(size).buffer, writes.length, WRITE_NUMBERS);
  for (const { key, expected, value, options } of writes) {
    block.number(expected);
    block.number(options?.ttlSeconds ?? NONE);
    block.number(options?.relaxed ? 1 : 0);
    block.key(key);
    block.value(value);
  }
  return block.buffer as ArrayBuffer;
}

export function unpackWrites(buffer: ArrayBuffer): BatchedWrite[] {
  return read(buffer, WRITE_NUMBERS, (block) => {
    const expected = block.next();
    const ttlSeconds = block.next();
    const relaxed = block.next() === 1;
    const keyBytes = block.next();
    const valueBytes = block.next();
    const options = ttlSeconds === NONE && !relaxed ? undefined : { ...(ttlSeconds !== NONE && { ttlSeconds }), ...(relaxed && { relaxed }) };
    return { expected, options, key: block.text(keyBytes), value: block.view(valueBytes) };
  });
}

/** The block is for all threads that are to see it. What was replaced is left out, what was deleted is not. */
export function packChanges(changes: readonly Change[]): SharedArrayBuffer {
  // Of a change that has a value the one from before is not looked at: it would have to be fetched, and nobody asks for it.
  const previous = changes.map((change) => (change.value ? undefined : change.previous));
  const size = changes.reduce((sum, { key, value }, at) => sum + Buffer.byteLength(key) + ((value ?? previous[at])?.length ?? 0), blockStart(changes.length, CHANGE_NUMBERS));
  const block = new Block(new SharedArrayBuffer(size), changes.length, CHANGE_NUMBERS);
  for (const [at, { key, revision, created, value }] of changes.entries()) {
    block.number(revision);
    block.number(created);
    block.key(key);
    block.value(value);
    block.value(previous[at]);
  }
  return block.buffer as SharedArrayBuffer;
}

/** `own` knows the values of some revisions as they were before they travelled. */
export function unpackChanges(buffer: SharedArrayBuffer, own?: (revision: number) => Buffer | undefined): Change[] {
  return read(buffer, CHANGE_NUMBERS, (block) => {
    const revision = block.next();
    const created = block.next();
    const keyBytes = block.next();
    const valueBytes = block.next();
    const previousBytes = block.next();
    const key = block.text(keyBytes);
    const value = block.view(valueBytes);
    return { key, revision, created, value: value && (own?.(revision) ?? value), previous: block.view(previousBytes) };
  });
}

function blockStart(count: number, numbers: number): number {
  return NUMBER_BYTES * (1 + count * numbers);
}

function read<T>(buffer: ArrayBufferLike, numbers: number, one: (block: Block) => T): T[] {
  const block = new Block(buffer, undefined, numbers);
  const items: T[] = [];
  for (let at = 0; at < block.count; at++) items.push(one(block));
  return items;
}

class Block {
  readonly buffer: ArrayBufferLike;
  readonly count: number;
  readonly #numbers: Float64Array;
  readonly #bytes: Buffer;
  #number = 1;
  #at: number;

  /** Without `count` it is one that was filled elsewhere. */
  constructor(buffer: ArrayBufferLike, count: number | undefined, numbers: number) {
    this.buffer = buffer;
    this.#bytes = Buffer.from(buffer);
    this.count = count ?? (new Float64Array(buffer, 0, 1)[0] as number);
    this.#at = blockStart(this.count, numbers);
    this.#numbers = new Float64Array(buffer, 0, 1 + this.count * numbers);
    if (count !== undefined) this.#numbers[0] = count;
  }

  number(value: number): void {
    this.#numbers[this.#number++] = value;
  }

  /** Its length among the numbers. */
  key(key: string): void {
    const length = this.#bytes.write(key, this.#at);
    this.number(length);
    this.#at += length;
  }

  value(value: Buffer | undefined): void {
    this.number(value ? value.length : NONE);
    if (!value) return;
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  next(): number {
    return this.#numbers[this.#number++] as number;
  }

  text(length: number): string {
    return this.#bytes.toString('utf8', this.#at, (this.#at += length));
  }

  view(length: number): Buffer | undefined {
    return length === NONE ? undefined : this.#bytes.subarray(this.#at, (this.#at += length));
  }
}
