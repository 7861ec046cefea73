/**
 * Where a cache keeps the bytes of its objects: side by side in slabs, as a buffer for each costs some 300 bytes more.
 *
 * A slab is only ever filled, never written to again: who still reads bytes that were given up reads what they were. What objects
 * leave behind is regained by moving what is left in their slab, once there is much of it.
 */

/** The first slab of a cache; each further one is twice as large, up to the limit. */
const FIRST_SLAB_BYTES = 4 * 1024;
/**
 * Large enough to have pages of its own: smaller ones come to stand between the values that are read while a cache is loaded, and
 * what those leave cannot be given back. With what the allocator adds it is whole pages.
 */
const SLAB_BYTES = 256 * 1024 - 64;
/** Larger objects have a slab of their own. */
const SHARED_LIMIT_BYTES = SLAB_BYTES / 16;
/** A slab of which less is in use is given up when space is regained. */
const SPARSE_SHARE = 7 / 8;
/** So much may lie idle: a part of what is in use (more than slabs that are not sparse leave idle), and so much in any case. */
const IDLE_SHARE = 3 / 16;
const IDLE_BYTES = 256 * 1024;

export interface Slab {
  readonly buffer: Buffer;
  /** Bytes of what is kept. */
  used: number;
}

/** Where bytes stand. */
export interface Place {
  readonly slab: Slab;
  readonly at: number;
}

export class Arena {
  #slab: Slab = { buffer: Buffer.alloc(0), used: 0 };
  #at = 0;
  /** The room that was given last, and where it is. */
  #last: (Place & { readonly room: Buffer }) | undefined;
  #usedBytes = 0;
  /** Of all slabs in which something is kept. */
  #slabBytes = 0;

  get slabBytes(): number {
    return this.#slabBytes;
  }

  /** Room to be filled at once. It counts when it is kept. */
  readonly allocate = (size: number): Buffer => {
    if (size > SHARED_LIMIT_BYTES) {
      const room = Buffer.allocUnsafeSlow(size);
      this.#last = { slab: { buffer: room, used: 0 }, at: 0, room };
      return room;
    }
    if (this.#at + size > this.#slab.buffer.length) this.#begin(size);
    const at = this.#at;
    this.#at += size;
    const room = this.#slab.buffer.subarray(at, this.#at);
    this.#last = { slab: this.#slab, at, room };
    return room;
  };

  /** Where bytes stand: where they are if `allocate` has just given them, or a copy of them. */
  place(bytes: Buffer): Place {
    if (this.#last?.room !== bytes) bytes.copy(this.allocate(bytes.length));
    const { slab, at } = this.#last as Place;
    this.#last = undefined;
    return { slab, at };
  }

  keep(slab: Slab, size: number): void {
    if (slab.used === 0) this.#slabBytes += slab.buffer.length;
    slab.used += size;
    this.#usedBytes += size;
  }

  release(slab: Slab, size: number): void {
    slab.used -= size;
    this.#usedBytes -= size;
    if (slab.used === 0) this.#slabBytes -= slab.buffer.length;
  }

  /** Whether regaining space is worth its while. */
  get isSparse(): boolean {
    return this.#slabBytes - this.#usedBytes > IDLE_BYTES + this.#usedBytes * IDLE_SHARE;
  }

  /** Whether what is in the slab had better stand elsewhere. */
  isSparseSlab(slab: Slab): boolean {
    return slab !== this.#slab && slab.used < slab.buffer.length * SPARSE_SHARE;
  }

  #begin(size: number): void {
    let bytes = Math.min(SLAB_BYTES, Math.max(FIRST_SLAB_BYTES, this.#slab.buffer.length * 2));
    while (bytes < size) bytes *= 2;
    this.#slab = { buffer: Buffer.allocUnsafeSlow(bytes), used: 0 };
    this.#at = 0;
  }
}
