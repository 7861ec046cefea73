/** Which keys go by themselves, and when: whole-second buckets, so that renewing a key costs no more than setting it. */
import { Heap } from '../../std/heap.ts';

const BUCKET_MS = 1_000;

export class Expiry {
  readonly #bucketOf = new Map<string, number>();
  readonly #buckets = new Map<number, Set<string>>();
  readonly #order = new Heap<number>((a, b) => a - b);

  /** Sets when a key goes; undefined: never. It goes up to a second later, never earlier. */
  set(key: string, atMs: number | undefined): void {
    const old = this.#bucketOf.get(key);
    const bucket = atMs === undefined ? undefined : Math.ceil(atMs / BUCKET_MS);
    if (old === bucket) return;
    if (old !== undefined) this.#buckets.get(old)?.delete(key);
    if (bucket === undefined) {
      this.#bucketOf.delete(key);
      return;
    }
    this.#bucketOf.set(key, bucket);
    const keys = this.#buckets.get(bucket);
    if (keys) {
      keys.add(key);
      return;
    }
    this.#buckets.set(bucket, new Set([key]));
    this.#order.push(bucket);
  }

  /** When the next keys may be due. */
  next(): number | undefined {
    const bucket = this.#order.peek();
    return bucket === undefined ? undefined : bucket * BUCKET_MS;
  }

  /** Takes out the keys that are due. */
  take(nowMs: number): string[] {
    const due: string[] = [];
    for (let next = this.next(); next !== undefined && next <= nowMs; next = this.next()) {
      const bucket = this.#order.pop() as number;
      for (const key of this.#buckets.get(bucket) ?? []) {
        due.push(key);
        this.#bucketOf.delete(key);
      }
      this.#buckets.delete(bucket);
    }
    return due;
  }
}
