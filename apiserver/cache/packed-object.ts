/** An object whose bytes stand in the arena of its cache; outside of one they stand for themselves. */
import type { ApiObject } from '../../api/kind.ts';
import { deepFreeze, type DeepReadonly } from '../../std/deep.ts';
import type { Arena, Place, Slab } from './arena.ts';

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
  /** Held weakly: bytes are the currency, and who needs the object for long holds it himself. */
  #parsed: WeakRef<DeepReadonly<ApiObject>> | undefined;

  constructor({ key, revision, bytes }: PackedParts, { arena, object }: Around = {}) {
    const { slab, at }: Place = arena ? arena.place(bytes) : { slab: { buffer: bytes, used: bytes.length }, at: 0 };
    this.key = key;
    this.revision = revision;
    this.sizeBytes = bytes.length;
    this.#slab = slab;
    this.#at = at;
    this.#parsed = object && new WeakRef(object);
  }

  get slab(): Buffer {
    return this.#slab.buffer;
  }

  get at(): number {
    return this.#at;
  }

  get bytes(): Buffer {
    return this.#slab.buffer.subarray(this.#at, this.#at + this.sizeBytes);
  }

  get name(): string {
    return this.key.slice(this.key.lastIndexOf('/') + 1);
  }

  get object(): DeepReadonly<ApiObject> {
    const known = this.#parsed?.deref();
    if (known) return known;
    const object = deepFreeze(JSON.parse(this.bytes.toString()) as ApiObject);
    this.#parsed = new WeakRef(object);
    return object;
  }

  /** It stands in its cache from now on. */
  keepIn(arena: Arena): void {
    arena.keep(this.#slab, this.sizeBytes);
  }

  releaseFrom(arena: Arena): void {
    arena.release(this.#slab, this.sizeBytes);
  }

  /** Leaves a slab that is used by few. */
  settleIn(arena: Arena): void {
    if (!arena.isSparseSlab(this.#slab)) return;
    const { slab, at } = arena.place(this.bytes);
    this.releaseFrom(arena);
    this.#slab = slab;
    this.#at = at;
    this.keepIn(arena);
  }
}
