/** The recent events of a cache, bounded by count, bytes and age: what watches resume from and past pages are rebuilt from. */
import type { CacheEvent, CachedObject } from './cache.ts';

export interface EventRingLimits {
  readonly events: number;
  readonly bytes: number;
  readonly ageMs: number;
  /** So many are kept however old they are. */
  readonly least: number;
}

interface Slot {
  readonly event: CacheEvent;
  readonly atMs: number;
}

export class EventRing {
  readonly #limits: EventRingLimits;
  #slots: (Slot | undefined)[] = [];
  /** Slots before this place are empty; they are cut off when they are more than what is left. */
  #start = 0;
  #bytes = 0;
  #floor: number;

  constructor(limits: EventRingLimits, floor: number) {
    this.#limits = limits;
    this.#floor = floor;
  }

  /** All events after this revision are here. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#slots.length - this.#start;
  }

  push(event: CacheEvent, nowMs: number): void {
    this.#slots.push({ event, atMs: nowMs });
    this.#bytes += event.object.sizeBytes;
    const { events, bytes } = this.#limits;
    while (this.size > events || (this.#bytes > bytes && this.size > 1)) this.#shift();
    this.expire(nowMs);
  }

  /** Forgets what is too old to be resumed from. */
  expire(nowMs: number): void {
    while (this.size > this.#limits.least && nowMs - (this.#slots[this.#start] as Slot).atMs > this.#limits.ageMs) this.#shift();
  }

  /** Events after a revision, oldest first; the revision must not be below the floor. */
  after(revision: number): CacheEvent[] {
    let low = this.#start;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#slots[middle] as Slot).event.revision > revision) high = middle;
      else low = middle + 1;
    }
    return (this.#slots.slice(low) as Slot[]).map((slot) => slot.event);
  }

  /** What keys held at a revision, where that differs from now. */
  past(revision: number): Map<string, CachedObject | undefined> {
    const past = new Map<string, CachedObject | undefined>();
    for (const event of this.after(revision).reverse()) past.set(event.object.key, event.previous);
    return past;
  }

  #shift(): void {
    const { event } = this.#slots[this.#start] as Slot;
    this.#floor = event.revision;
    this.#bytes -= event.object.sizeBytes;
    this.#slots[this.#start++] = undefined;
    if (this.#start > 64 && this.#start > this.#slots.length / 2) {
      this.#slots = this.#slots.slice(this.#start);
      this.#start = 0;
    }
  }
}
