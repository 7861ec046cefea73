/** Which writes go by themselves, and when: whole-second buckets, filled and emptied once. A key that was written again since is no longer what is named here. */
import { Heap } from '../../std/heap.ts';

const BUCKET_MS = 1_000;

/** By place: there are hundreds of thousands. */
interface Bucket {
  readonly keys: string[];
  readonly revisions: number[];
}

export class Expiry {
  /** Bounded by the writes that name a time and have not come to it. */
  readonly #buckets = new Map<number, Bucket>();
  readonly #order = new Heap<number>((a, b) => a - b);

  /** What this revision put under the key goes up to a second later than said, never earlier. */
  add(key: string, revision: number, atMs: number): void {
    const at = Math.ceil(atMs / BUCKET_MS);
    let bucket = this.#buckets.get(at);
    if (!bucket) {
      this.#buckets.set(at, (bucket = { keys: [], revisions: [] }));
      this.#order.push(at);
    }
    bucket.keys.push(key);
    bucket.revisions.push(revision);
  }

  /** When the next may be due. */
  next(): number | undefined {
    const bucket = this.#order.peek();
    return bucket === undefined ? undefined : bucket * BUCKET_MS;
  }

  /** Takes out what is due, for those to whom it still says something. */
  take(nowMs: number, due: (key: string, revision: number) => void): void {
    for (let next = this.next(); next !== undefined && next <= nowMs; next = this.next()) {
      const at = this.#order.pop() as number;
      const { keys, revisions } = this.#buckets.get(at) as Bucket;
      this.#buckets.delete(at);
      for (const [i, key] of keys.entries()) due(key, revisions[i] as number);
    }
  }
}
