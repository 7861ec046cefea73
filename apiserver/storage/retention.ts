/** How much history to keep: by time, and never more than a number of revisions. */

export interface RetentionOptions {
  readonly keepMs?: number;
  readonly keepRevisions?: number;
}

/** As long as Kubernetes lets a `continue` token live. */
export const KEEP_MS = 5 * 60_000;

const MARK_EVERY_MS = 10_000;

export class Retention {
  readonly #keepMs: number;
  readonly #keepRevisions: number;
  /** Which revision was the newest at a time; at most one mark per MARK_EVERY_MS, so bounded by the time kept. */
  readonly #marks: { readonly atMs: number; readonly revision: number }[] = [];

  constructor(options: RetentionOptions, defaultKeepRevisions: number) {
    this.#keepMs = options.keepMs ?? KEEP_MS;
    this.#keepRevisions = options.keepRevisions ?? defaultKeepRevisions;
  }

  /** Remembers how far the store was at this time. */
  note(nowMs: number, revision: number): void {
    const last = this.#marks.at(-1);
    if (!last || nowMs - last.atMs >= MARK_EVERY_MS) this.#marks.push({ atMs: nowMs, revision });
  }

  /** The revision up to which history may go now. */
  horizon(nowMs: number, head: number): number {
    let oldest = Math.max(0, head - this.#keepRevisions);
    while (this.#marks[0] && nowMs - this.#marks[0].atMs >= this.#keepMs) {
      oldest = Math.max(oldest, this.#marks[0].revision);
      this.#marks.shift();
    }
    return oldest;
  }
}
