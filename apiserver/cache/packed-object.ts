/** An object whose bytes stand in the arena of its cache, or what makes them of another's; outside of an arena they stand for themselves. */
import type { ApiObject } from '../../api/kind.ts';
import { parseExact } from '../../api/codec/json-text.ts';
import { deepFreeze, type DeepReadonly } from '../../std/deep.ts';
import type { Arena, Place, Slab } from './arena.ts';
import { type Delta, decodeDelta, encodeDelta } from './delta.ts';

export interface PackedParts {
  readonly key: string;
  readonly revision: number;
  readonly bytes: Buffer;
}

/** Where the bytes are to stand, and what they say where that is known. */
export interface Around {
  readonly arena?: Arena | undefined;
  readonly object?: DeepReadonly<ApiObject> | undefined;
}

export abstract class PackedObject {
  readonly key: string;
  readonly revision: number;
  readonly sizeBytes: number;
  #slab: Slab;
  #at: number;
  /** How much stands there. */
  #length: number;
  /** The bytes of an object of its like: what stands there is a delta of them. */
  #like: Buffer | undefined;
  /** Held weakly: bytes are the currency, and who needs the object for long holds it himself. */
  #parsed: WeakRef<DeepReadonly<ApiObject>> | undefined;

  constructor({ key, revision, bytes }: PackedParts, { arena, object }: Around = {}) {
    const { slab, at }: Place = arena ? arena.place(bytes) : { slab: { buffer: bytes, used: bytes.length }, at: 0 };
    this.key = key;
    this.revision = revision;
    this.sizeBytes = bytes.length;
    this.#slab = slab;
    this.#at = at;
    this.#length = bytes.length;
    this.#like = undefined;
    this.#parsed = object && new WeakRef(object);
  }

  /** Where it stands. */
  get place(): Place {
    return { slab: this.#slab, at: this.#at };
  }

  get like(): Buffer | undefined {
    return this.#like;
  }

  get bytes(): Buffer {
    if (!this.#like) return this.#slab.buffer.subarray(this.#at, this.#at + this.sizeBytes);
    const bytes = Buffer.allocUnsafe(this.sizeBytes);
    decodeDelta(this.#delta, this.#like, bytes, { to: 0, from: 0 });
    return bytes;
  }

  copy(target: Buffer, to: number, from: number): number {
    if (!this.#like) return this.#slab.buffer.copy(target, to, this.#at + from, this.#at + this.sizeBytes);
    decodeDelta(this.#delta, this.#like, target, { to, from });
    return this.sizeBytes - from;
  }

  get name(): string {
    return this.key.slice(this.key.lastIndexOf('/') + 1);
  }

  get object(): DeepReadonly<ApiObject> {
    const known = this.#parsed?.deref();
    if (known) return known;
    const object = deepFreeze(parseExact(this.bytes.toString()) as ApiObject);
    this.#parsed = new WeakRef(object);
    return object;
  }

  /** It stands in its cache from now on. */
  keepIn(arena: Arena): void {
    arena.keep(this.#slab, this.#length);
  }

  releaseFrom(arena: Arena): void {
    arena.release(this.#slab, this.#length);
  }

  /** Leaves a slab that is used by few. */
  settleIn(arena: Arena): void {
    if (arena.isSparseSlab(this.#slab)) this.#moveTo(arena, this.#slab.buffer.subarray(this.#at, this.#at + this.#length), this.#like);
  }

  /** Is kept as a delta of `like` from now on; false where that does not fit into `room`. */
  packIn(arena: Arena, like: Buffer, room: Buffer): boolean {
    const length = encodeDelta(this.bytes, like, room);
    if (length < 0) return false;
    this.#moveTo(arena, room.subarray(0, length), like);
    return true;
  }

  #moveTo(arena: Arena, what: Buffer, like: Buffer | undefined): void {
    const { slab, at } = arena.place(what);
    this.releaseFrom(arena);
    this.#slab = slab;
    this.#at = at;
    this.#length = what.length;
    this.#like = like;
    this.keepIn(arena);
  }

  get #delta(): Delta {
    return { slab: this.#slab.buffer, at: this.#at, end: this.#at + this.#length };
  }
}
