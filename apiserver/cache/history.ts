/**
 * How far back pages of older revisions go: as far as a store keeps its history, whatever a cache still remembers beyond that.
 * Clients count on a `continue` token of yesterday to be refused, and not only where others have written a lot since.
 */
import { Retention } from '../storage/retention.ts';

export class History {
  readonly #kept = new Retention({}, { keepRevisions: Infinity, keepBytes: Infinity });
  #oldest = 0;

  /** The store was that far. */
  note(nowMs: number, revision: number): void {
    this.#kept.note(nowMs, revision, 0);
  }

  oldest(nowMs: number): number {
    this.#oldest = Math.max(this.#oldest, this.#kept.horizon(nowMs, 0));
    return this.#oldest;
  }
}
