/**
 * Keeps the bytes of a cache's objects together: what is left in sparse slabs moves, and objects at rest that have their like are
 * kept as what they have that these have not (`delta.ts`), once there are many. What they say does not change, so nobody is told.
 */
import type { Clock, Timer } from '../../std/clock.ts';
import type { SortedMap } from '../../std/sorted-map.ts';
import type { Arena } from './arena.ts';
import type { PackedObject } from './packed-object.ts';

/** So many objects are looked at after a batch of changes. */
const SETTLED_AT_ONCE = 256;
/** A cache with less keeps all of it as it is. */
const PACKED_FROM_BYTES = 16 * 1024 * 1024;
/** What was written so many revisions ago is at rest, and looked at once, together with others: after so many more. */
const AT_REST_REVISIONS = 10_000;
const PASS_REVISIONS = 5_000;
/** Of a pass so many objects are packed in one turn, and looked at. */
const PACKED_AT_ONCE = 128;
const LOOKED_AT_ONCE = 4_096;
const PAUSE_MS = 20;
/** Objects that others are compared with: neighbours are mostly alike. */
const LIKES_LIMIT = 4;
/** Of other sizes there is little to gain. */
const LEAST_BYTES = 512;
const MOST_BYTES = 16 * 1024;
const WORTH_SHARE = 1 / 2;
/** Where a delta is made, one at a time. */
const room = Buffer.allocUnsafeSlow(MOST_BYTES * WORTH_SHARE);

interface Pass {
  /** Of what was written up to here. */
  readonly upTo: number;
  from: string;
  readonly likes: Buffer[];
}

export class Upkeep {
  readonly #items: SortedMap<PackedObject>;
  readonly #arena: Arena;
  readonly #clock: Clock;
  /** How far regaining space has come; undefined while there is little to regain. */
  #settled: string | undefined;
  /** What was written up to here has been looked at. */
  #packedUpTo = 0;
  #pass: Pass | undefined;
  #timer: Timer | undefined;

  constructor(items: SortedMap<PackedObject>, arena: Arena, clock: Clock) {
    this.#items = items;
    this.#arena = arena;
    this.#clock = clock;
  }

  /** The cache has come to a revision, and holds so much. */
  after(revision: number, sizeBytes: number): void {
    if (this.#settled !== undefined || this.#arena.isSparse) this.#settle();
    const upTo = revision - AT_REST_REVISIONS;
    if (this.#pass || sizeBytes < PACKED_FROM_BYTES || upTo - this.#packedUpTo < PASS_REVISIONS) return;
    this.#pass = { upTo, from: '', likes: [] };
    this.#goOn(this.#pass);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #settle(): void {
    this.#settled = this.#scan(this.#settled ?? '', SETTLED_AT_ONCE, (object) => object.settleIn(this.#arena));
  }

  /** Visits so many objects at most; returns the key of the next. */
  #scan(from: string, limit: number, visit: (object: PackedObject) => void | false): string | undefined {
    let left = limit;
    let next: string | undefined;
    this.#items.scan(from, '\uffff', (key, object) => {
      if (left-- === 0 || visit(object) === false) next = key;
      return next === undefined;
    });
    return next;
  }

  #goOn(pass: Pass): void {
    this.#timer = this.#clock.after(PAUSE_MS, () => {
      let left = PACKED_AT_ONCE;
      const next = this.#scan(pass.from, LOOKED_AT_ONCE, (object) => {
        if (object.like) return first(pass.likes, object.like);
        if (object.revision <= this.#packedUpTo || object.revision > pass.upTo || object.sizeBytes < LEAST_BYTES || object.sizeBytes > MOST_BYTES) return undefined;
        if (left-- === 0) return false;
        return this.#pack(object, pass.likes);
      });
      if (next !== undefined) {
        pass.from = next;
        return this.#goOn(pass);
      }
      this.#packedUpTo = pass.upTo;
      this.#pass = undefined;
      return undefined;
    });
  }

  #pack(object: PackedObject, likes: Buffer[]): void {
    const worth = room.subarray(0, object.sizeBytes * WORTH_SHARE);
    const like = likes.find((one) => object.packIn(this.#arena, one, worth));
    // One that is like none of them may be what the next ones are like.
    first(likes, like ?? Buffer.from(object.bytes));
  }
}

function first(likes: Buffer[], like: Buffer): void {
  if (likes[0] === like) return;
  const at = likes.indexOf(like);
  if (at > 0) likes.splice(at, 1);
  likes.unshift(like);
  if (likes.length > LIKES_LIMIT) likes.pop();
}
