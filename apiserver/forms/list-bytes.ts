/** A list in JSON as a concatenation of what is stored, without parsing any of it. */
import { WRITE_BYTES } from '../http/bounded-writes.ts';
import type { CachedObject } from '../cache/cache.ts';
import type { ListAnswer } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';
import { customMetadata, listMetadata } from './answer-document.ts';

/** Pieces of about this size are handed to the socket at a time. */
export const PIECE_BYTES = WRITE_BYTES;
const COMMA = 0x2c;
const BRACE = 0x7b;

/** Writes one list piece by piece into buffers that it is given. */
export class ListBody {
  readonly #answer: ListAnswer;
  #at = 0;
  #phase: 'head' | 'items' | 'done' = 'head';

  constructor(answer: ListAnswer) {
    this.#answer = answer;
  }

  /** The next piece, in `buffer` where it fits there; undefined after the last. */
  next(buffer: Buffer): Buffer | undefined {
    if (this.#phase === 'done') return undefined;
    let to = 0;
    if (this.#phase === 'head') {
      to = this.#head().copy(buffer);
      this.#phase = 'items';
    }
    const { resource, items } = this.#answer;
    while (this.#at < items.length) {
      const item = items[this.#at] as CachedObject;
      // Room for a comma before it and the end of the list after it.
      if (to + item.sizeBytes + 1 + TAIL.length > buffer.length) {
        if (to > 0) return buffer.subarray(0, to);
        return this.#large(item);
      }
      if (this.#at > 0) buffer[to++] = COMMA;
      this.#at++;
      to = putItem(resource, item, buffer, to);
    }
    this.#phase = 'done';
    to += TAIL.copy(buffer, to);
    return buffer.subarray(0, to);
  }

  #head(): Buffer {
    const { resource } = this.#answer;
    const metadata = JSON.stringify(customMetadata(resource, listMetadata(this.#answer)));
    return Buffer.from(`{"kind":${JSON.stringify(resource.kind.listKind)},"apiVersion":${JSON.stringify(resource.apiVersion)},"metadata":${metadata},"items":[`);
  }

  /** An object that is larger than a piece goes alone. */
  #large(item: CachedObject): Buffer {
    const to = this.#at++ === 0 ? 0 : 1;
    const buffer = Buffer.alloc(to + item.sizeBytes, COMMA);
    return buffer.subarray(0, putItem(this.#answer.resource, item, buffer, to));
  }
}

const TAIL = Buffer.from(']}\n');

/** All of it at once. */
export function listBytes(answer: ListAnswer, sizeBytes: number): Buffer {
  const body = new ListBody(answer);
  const buffer = Buffer.allocUnsafe(sizeBytes + answer.items.length + SPARE_BYTES);
  return body.next(buffer) as Buffer;
}

/** For the head and the tail of a list. */
const SPARE_BYTES = 4 * 1024;

/** Items of built-in lists have no kind and apiVersion: all of an object up to its metadata is left out. Returns where it ends. */
function putItem({ kind, hubApiVersion }: Resource, item: CachedObject, buffer: Buffer, to: number): number {
  const head = kind.custom ? 0 : HEAD_BYTES + kind.kind.length + hubApiVersion.length;
  const end = to + item.copy(buffer, to, head);
  const isIts = kind.custom || (buffer[to] === COMMA && buffer[to + 1] === QUOTE);
  buffer[to] = BRACE;
  if (isIts) return end;
  const { bytes } = item;
  return to + 1 + bytes.copy(buffer, to + 1, bytes.indexOf('"metadata"'));
}

const HEAD_BYTES = '{"kind":"","apiVersion":""'.length;
const QUOTE = 0x22;
