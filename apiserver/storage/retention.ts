/** How much history to keep: by time, and never more than a number of revisions and of bytes. */

export interface RetentionOptions {
  readonly keepMs?: number;
  readonly keepRevisions?: number;
  /** Of the values that were written; kept to within a sixteenth. */
  readonly keepBytes?: number;
}

/** As long as Kubernetes lets a `continue` token live. */
export const KEEP_MS = 5 * 60_000;

const MARK_EVERY_MS = 10_000;
const MARK_EVERY_SHARE = 1 / 16;

interface Mark {
  readonly atMs: number;
  readonly revision: number;
  /** All that was written until then. */
  readonly bytes: number;
}

export class Retention {
  readonly #keepMs: number;
  readonly #keepRevisions: number;
  readonly #keepBytes: number;
  /** How far the store was at a time: a mark in MARK_EVERY_MS or in a share of the bytes kept, so bounded by what is kept. */
  readonly #marks: Mark[] = [];
  #bytes = 0;

  constructor(options: RetentionOptions, defaults: { readonly keepRevisions: number; readonly keepBytes: number }) {
    this.#keepMs = options.keepMs ?? KEEP_MS;
    this.#keepRevisions = options.keepRevisions ?? defaults.keepRevisions;
    this.#keepBytes = options.keepBytes ?? defaults.keepBytes;
  }

  /** Remembers how far the store is now, and how much has been written since the last time. */
  note(nowMs: number, revision: number, bytes: number): void {
    this.#bytes += bytes;
    const last = this.#marks.at(-1);
    if (!last || nowMs - last.atMs >= MARK_EVERY_MS || this.#bytes - last.bytes >= this.#keepBytes * MARK_EVERY_SHARE) this.#marks.push({ atMs: nowMs, revision, bytes: this.#bytes });
  }

  /** The revision up to which history may go now. */
  horizon(nowMs: number, head: number): number {
    let oldest = Math.max(0, head - this.#keepRevisions);
    for (let mark = this.#marks[0]; mark && (nowMs - mark.atMs >= this.#keepMs || this.#bytes - mark.bytes >= this.#keepBytes); mark = this.#marks[0]) {
      oldest = Math.max(oldest, mark.revision);
      this.#marks.shift();
    }
    return oldest;
  }
}
