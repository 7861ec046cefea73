/**
 * The storage waist: a revisioned key-value log, in etcd's words.
 *
 * Every write takes the next revision of the whole store. A key remembers the revision that created it and the one that
 * wrote it last. Old revisions can be read and watched until they are compacted. Four implementations, one suite:
 * `sqlite.ts` (default), `etcd.ts` (several API servers), `memory.ts` (tests and simulation), `remote.ts` (lent by another thread).
 *
 * Bounds: a value is at most `VALUE_LIMIT_BYTES`; a watcher that falls `WATCH_BACKLOG_LIMIT` events behind is ended with
 * `Overflow` and resumes from its last revision.
 */

export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** Of the last write. */
  readonly revision: number;
  /** Of the write that created the key. */
  readonly created: number;
  /** A layer above the store would write the same value otherwise now: under another key, in another version. */
  readonly stale?: boolean;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** The revision at which the whole page was read. */
  readonly revision: number;
  /** Whether keys follow; the next page starts at `from` = last key + '\0'. */
  readonly more: boolean;
  /** How many keys stand under the prefix from `from` on, those of this page included; exact on all implementations. */
  readonly count: number;
  /** Gives the memory of the values back at once, where they are nobody else's: who calls it looks at none of them any more. */
  release?(): void;
}

export interface ListOptions {
  readonly limit?: number;
  /** First key, inclusive. Default: the first under the prefix. */
  readonly from?: string;
  /** Read as of this revision. Default: the newest, linearizable. */
  readonly revision?: number;
}

/** One change. A deletion carries the last value in `previous` and no `value`. */
export interface Change {
  readonly key: string;
  readonly revision: number;
  readonly created: number;
  readonly value: Buffer | undefined;
  /** The value before this change; absent for a creation. A store that lies in another thread tells it of deletions only. */
  readonly previous: Buffer | undefined;
}

export interface WatchSink {
  /** All changes of one revision batch together and in order: a reader never sees a torn batch. */
  changes(batch: readonly Change[]): void;
  /** Nothing under the prefix is older than this revision and still to come; sent at least every few seconds. */
  progress(revision: number): void;
  /** The watch is over and nothing follows. `Compacted` and `Overflow` are expected; others are faults. */
  ended(error: Error): void;
}

export interface Watch {
  close(): void;
}

export interface WriteOptions {
  /** The key goes by itself after this time, which shows as a deletion. Each write with it starts anew. */
  readonly ttlSeconds?: number;
  /** Acknowledge before the write is durable. Only for what may be lost: Leases and Events. */
  readonly relaxed?: boolean;
}

export interface Store {
  /** The revision of the newest acknowledged write, linearizable: read after this, nothing acknowledged is missing. */
  revision(): Promise<number>;

  get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined>;

  /** Keys under a prefix in the order of their bytes, as a consistent snapshot. */
  list(prefix: string, options?: ListOptions): Promise<Page>;

  /**
   * The only write. `expected` is the revision that the key must have now, 0 for "does not exist"; `value` undefined deletes.
   * Returns the new revision once the write is durable. Throws `Conflict` with what stands there instead.
   */
  write(key: string, expected: number, value: Buffer | undefined, options?: WriteOptions): Promise<number>;

  /** All changes under the prefix with a revision greater than `after`. A compacted `after` ends the watch with `Compacted`. */
  watch(prefix: string, after: number, sink: WatchSink): Watch;

  /** Forgets what was overwritten or deleted at or before the revision, and gives space back. Implementations also do so by themselves. */
  compact(revision: number): Promise<void>;

  /** Leaves nothing in files of what was compacted, by writing the rest anew: writes wait. Only of a store whose files are its own. */
  erase?(): Promise<void>;

  /** Writes a consistent copy of everything, with its revision, to a file that this implementation can start from. */
  snapshot(path: string): Promise<void>;

  close(): Promise<void>;
}

export const VALUE_LIMIT_BYTES = 3 * 1024 * 1024;
export const WATCH_BACKLOG_LIMIT = 100_000;

/** What a write expected was not so. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
  /** What stands there now; undefined when nothing does. */
  readonly current: Entry | undefined;
  constructor(key: string, current: Entry | undefined) {
    super(`${key}: ${current ? `is at revision ${current.revision}` : 'does not exist'}`);
    this.current = current;
  }
}

/** The revision asked for is no longer (or for a future one: not yet) there. */
export class Compacted extends Error {
  override readonly name = 'Compacted';
  readonly oldest: number;
  constructor(oldest: number) {
    super(`required revision has been compacted; the oldest is ${oldest}`);
    this.oldest = oldest;
  }
}

/** A watcher could not keep up. */
export class Overflow extends Error {
  override readonly name = 'Overflow';
}

/** The store cannot be used: disk full, file corrupt, no quorum. The message is for people; nothing was half-written. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}
