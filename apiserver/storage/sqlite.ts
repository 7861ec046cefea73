/** The default store: one SQLite file, group commit, and an index of live keys in memory while values stay on disk. */
import { SortedMap } from '../../std/sorted-map.ts';
import { every, systemClock, type Clock, type Timer } from '../../std/clock.ts';
import { bytesOf, decide, liveOf, settle, type Batch, type BatchRow, type Live, type Pending } from './batch.ts';
import { Expiry } from './expiry.ts';
import { countPast, prefixRange, scanPast, type Past } from './past.ts';
import { Retention, type RetentionOptions } from './retention.ts';
import { Unsynced } from './sqlite-errors.ts';
import { asBuffer, SqliteLog, type Sync } from './sqlite-log.ts';
import { Compacted, Conflict, Unavailable, type Change, type Entry, type ListOptions, type Page, type Store, type Watch, type WatchSink, type WriteOptions } from './store.ts';
import { checkValue } from './value.ts';
import { WatchHub, type Slice, type WatchSource } from './watch-hub.ts';

export interface SqliteOptions extends RetentionOptions {
  readonly path: string;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Hears what housekeeping (compaction, giving space back) could not do; it is tried again. */
  readonly log?: (message: string) => void;
  /** How a file is made durable, and a bound for it: seams for tests. */
  readonly sync?: Sync;
  readonly maxPages?: number;
}

/** Throws `Unavailable` where the file is held by another process, damaged, or cannot be written. */
export async function openSqlite(options: SqliteOptions): Promise<Store> {
  return new SqliteStore(options);
}

const KEPT = { keepRevisions: 1_000_000, keepBytes: 1024 * 1024 * 1024 };
const HOUSEKEEPING_MS = 10_000;
const REPLAY_SLICE = 1_000;
/** One transaction holds at most this much, so that no batch blocks the event loop for long. */
const BATCH_WRITES = 1_024;
const BATCH_BYTES = 8 * 1024 * 1024;
/** More writes than this do not wait: callers are told that the store is too slow for them. */
const WRITE_QUEUE_LIMIT = 100_000;

/** So much of relaxed writes is lost at most when the power fails. */
const RELAXED_FLUSH_MS = 100;
const EXPIRY_RETRY_MS = 10_000;
/** A look so little back is remembered for the next page. */
const RECENT_REVISIONS = 10_000;
const NOTHING_PAST: Past<Live> = new Map();

class SqliteStore implements Store, WatchSource {
  readonly #clock: Clock;
  readonly #log: SqliteLog;
  readonly #report: (message: string) => void;
  readonly #hub: WatchHub;
  readonly #retention: Retention;
  readonly #expiry = new Expiry();
  readonly #live = new SortedMap<Live>();
  readonly #housekeeping: Timer;
  #head: number;
  #compacted: number;
  #queue: Pending[] = [];
  /** The loop that writes batches, while there is anything to write. */
  #writing: Promise<void> | undefined;
  /** Whoever changes the file does so in his turn: batches, compaction steps, checkpoints. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Why nothing can be written any more; reading goes on. */
  #broken: Unavailable | undefined;
  #relaxedFlush: Timer | undefined;
  #expiryTimer: Timer | undefined;
  #armedFor: number | undefined;
  /** What differed at the revision that was asked for last, from its changes up to a revision. */
  #recent: { readonly revision: number; upTo: number; readonly past: Map<string, Live | undefined> } | undefined;

  constructor(options: SqliteOptions) {
    const { path, sync, maxPages } = options;
    this.#clock = options.clock ?? systemClock;
    this.#report = options.log ?? (() => undefined);
    this.#retention = new Retention(options, KEPT);
    this.#hub = new WatchHub({ source: this, clock: this.#clock });
    this.#log = new SqliteLog({ path, ...(sync && { sync }), ...(maxPages !== undefined && { maxPages }) });
    try {
      this.#compacted = this.#head = this.#log.compacted;
      this.#load();
    } catch (error) {
      this.#log.close();
      throw error;
    }
    this.#housekeeping = every(this.#clock, HOUSEKEEPING_MS, () => this.#keepHouse(), (error) => this.#report(String(error)));
    this.#armExpiry();
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#head;
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
    this.#checkOpen();
    const past = this.#pastOf(options?.revision, key);
    const live = past.has(key) ? past.get(key) : this.#live.get(key);
    return live && this.#entry(key, live);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Page> {
    this.#checkOpen();
    const past = this.#pastOf(options.revision, prefix);
    const range = prefixRange(prefix, options.from);
    const limit = options.limit ?? Infinity;
    const entries: Entry[] = [];
    scanPast(this.#live, past, range, (key, live) => entries.length < limit && entries.push(this.#entry(key, live)) > 0);
    const count = countPast(this.#live, past, range);
    return { entries, revision: options.revision ?? this.#head, more: count > entries.length, count, release: () => release(entries) };
  }

  write(key: string, expected: number, value: Buffer | undefined, options?: WriteOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      checkValue(key, value);
      this.#enqueue({ key, expected, value, options, resolve, reject });
    });
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    this.#checkOpen();
    return this.#hub.watch(prefix, after, sink);
  }

  async compact(revision: number): Promise<void> {
    this.#checkOpen();
    if (revision > this.#head) throw new Compacted(this.#compacted);
    this.#compacted = Math.max(this.#compacted, revision);
    // From where the file stands: an earlier run may have been cut short.
    for (let at = this.#log.compacted; at < revision; ) at = await this.#inTurn(async () => this.#log.compactStep(at, revision));
    await this.#giveBack();
  }

  async erase(): Promise<void> {
    this.#checkOpen();
    await this.#inTurn(async () => {
      try {
        await this.#log.rewrite();
      } catch (error) {
        if (error instanceof Unsynced) this.#broken = error;
        throw error;
      }
    });
  }

  async snapshot(path: string): Promise<void> {
    this.#checkOpen();
    await this.#log.copyTo(path);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#housekeeping.cancel();
    this.#expiryTimer?.cancel();
    this.#relaxedFlush?.cancel();
    await this.#writing;
    await this.#turn;
    this.#hub.end(new Unavailable('the store is closed'));
    this.#log.close();
  }

  head(): number {
    return this.#head;
  }

  read(prefix: string, after: number): Slice {
    if (after < this.#compacted) throw new Compacted(this.#compacted);
    const upTo = Math.min(this.#head, after + REPLAY_SLICE);
    const changes = this.#log.changes(prefix, after, upTo).map(({ id, key, created, value, previous }) => ({
      key,
      revision: id,
      created,
      value: value ? asBuffer(value) : undefined,
      previous: previous ? asBuffer(previous) : undefined,
    }));
    return { changes, upTo };
  }

  #enqueue(pending: Pending): void {
    if (this.#queue.length >= WRITE_QUEUE_LIMIT) throw new Unavailable(`${WRITE_QUEUE_LIMIT} writes wait for the disk`);
    this.#queue.push(pending);
    this.#writing ??= this.#writeAll();
  }

  /** Batch after batch: what arrives while a batch is on its way to the disk, and in the turn of the event loop in which it got there, is the next one. */
  async #writeAll(): Promise<void> {
    try {
      do {
        await nextTurn();
        await this.#inTurn(() => this.#writeBatch());
      } while (this.#queue.length > 0);
    } finally {
      // In the same step as the last look at the queue: what comes a moment later must find nobody writing.
      this.#writing = undefined;
    }
  }

  async #writeBatch(): Promise<void> {
    const pending = this.#takeBatch();
    let batch: Batch;
    try {
      if (this.#broken) throw this.#broken;
      batch = this.#decide(pending);
      if (batch.rows.length > 0) this.#log.append(batch.rows);
      if (batch.durable) await this.#flush();
    } catch (error) {
      for (const { reject } of pending) reject(error);
      return;
    }
    if (batch.rows.length > 0) this.#show(batch);
    settle(batch);
    await this.#checkpoint();
  }

  #decide(pending: readonly Pending[]): Batch {
    return decide(pending, {
      head: this.#head,
      nowMs: this.#clock.now(),
      live: (key) => this.#live.get(key),
      entry: (key, live) => this.#entry(key, live),
    });
  }

  #takeBatch(): Pending[] {
    let bytes = 0;
    const beyond = this.#queue.findIndex(({ value }, i) => i >= BATCH_WRITES || (bytes += value?.length ?? 0) > BATCH_BYTES);
    // One value alone is always below the bound of a batch.
    return this.#queue.splice(0, beyond < 0 ? this.#queue.length : Math.max(1, beyond));
  }

  /** Makes a batch visible: first the index, then the watchers. Its writers hear of it last. */
  #show({ rows, durable }: Batch): void {
    for (const row of rows) {
      const live = liveOf(row);
      if (live) this.#live.set(row.key, live);
      else this.#live.delete(row.key);
      if (row.expires !== undefined) this.#expiry.add(row.key, row.id, row.expires);
    }
    this.#head += rows.length;
    if (!durable) this.#relaxedFlush ??= this.#clock.after(RELAXED_FLUSH_MS, () => this.#flushRelaxed());
    this.#armExpiry();
    this.#retention.note(this.#clock.now(), this.#head, bytesOf(rows));
    try {
      if (!this.#hub.isIdle) this.#hub.publish(rows.map((row) => new RowChange(row, this.#log)), this.#head);
    } catch (error) {
      // A value from before could not be read: who watches starts anew.
      this.#hub.end(error as Error);
    }
  }

  async #flush(): Promise<void> {
    try {
      await this.#log.flush();
    } catch (error) {
      // What the disk did not confirm may or may not be there: only a restart can tell.
      this.#broken = error as Unavailable;
      throw error;
    }
  }

  #flushRelaxed(): void {
    this.#relaxedFlush = undefined;
    void this.#inTurn(() => this.#flush()).catch((error: unknown) => this.#report(String(error)));
  }

  async #checkpoint(limitBytes?: number): Promise<void> {
    try {
      await this.#log.checkpoint(limitBytes);
    } catch (error) {
      // Not fatal, the WAL still has everything; but a file whose state nobody knows must not be written.
      this.#report(`checkpoint: ${String(error)}`);
      if (error instanceof Unsynced) this.#broken = error;
    }
  }

  async #keepHouse(): Promise<void> {
    const horizon = this.#retention.horizon(this.#clock.now(), this.#head);
    if (horizon > this.#compacted) await this.compact(horizon);
  }

  /** Returns free pages to the disk, a step at a time so that writes get their turns in between. */
  async #giveBack(): Promise<void> {
    let more = true;
    let any = false;
    while (more) {
      more = await this.#inTurn(async () => {
        const more = this.#log.vacuumStep();
        any ||= more;
        await this.#checkpoint();
        return more;
      });
    }
    if (any) await this.#inTurn(() => this.#checkpoint(0));
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #armExpiry(): void {
    const next = this.#expiry.next();
    if (next === this.#armedFor) return;
    this.#armedFor = next;
    this.#expiryTimer?.cancel();
    this.#expiryTimer = next === undefined ? undefined : this.#clock.after(next - this.#clock.now(), () => this.#expire());
  }

  #expire(): void {
    if (this.#closed) return;
    this.#armedFor = undefined;
    const now = this.#clock.now();
    this.#expiry.take(now, (key, revision) => {
      if (this.#live.get(key)?.revision !== revision) return;
      this.write(key, revision, undefined, { relaxed: true }).catch((error: unknown) => {
        if (error instanceof Conflict) return;
        this.#expiry.add(key, revision, now + EXPIRY_RETRY_MS);
        this.#armExpiry();
      });
    });
    this.#armExpiry();
  }

  #entry(key: string, { revision, created }: Live): Entry {
    return { key, value: this.#log.value(revision), revision, created };
  }

  /** What keys under a prefix held at a revision, where it differs from now. */
  #pastOf(revision: number | undefined, prefix: string): Past<Live> {
    if (revision === undefined) return NOTHING_PAST;
    if (revision < this.#compacted || revision > this.#head) throw new Compacted(this.#compacted);
    if (this.#head - revision <= RECENT_REVISIONS) return this.#recentPast(revision);
    const past = new Map<string, Live | undefined>();
    this.#undo(past, revision, prefix);
    return past;
  }

  /** Of all keys, continued from the last time: who reads page after page of one revision asks again and again. */
  #recentPast(revision: number): Map<string, Live | undefined> {
    if (this.#recent?.revision !== revision) this.#recent = { revision, upTo: revision, past: new Map() };
    this.#undo(this.#recent.past, this.#recent.upTo, '');
    this.#recent.upTo = this.#head;
    return this.#recent.past;
  }

  #undo(past: Map<string, Live | undefined>, after: number, prefix: string): void {
    for (const { key, prev, created } of this.#log.heads(after, this.#head)) {
      if (key.startsWith(prefix) && !past.has(key)) past.set(key, prev > 0 ? { revision: prev, created } : undefined);
    }
  }

  #load(): void {
    this.#head = Math.max(this.#head, this.#log.last);
    for (const { key, revision, created, expires } of this.#log.standing()) {
      this.#live.set(key, { revision, created });
      if (expires !== null) this.#expiry.add(key, revision, expires);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}

class RowChange implements Change {
  readonly key: string;
  readonly revision: number;
  readonly created: number;
  readonly value: Buffer | undefined;
  readonly #prev: number;
  readonly #log: SqliteLog;

  constructor({ id, key, created, prev, value }: BatchRow, log: SqliteLog) {
    this.key = key;
    this.revision = id;
    this.created = created;
    this.value = value;
    this.#prev = prev;
    this.#log = log;
  }

  /** Few watchers ask what was there before, and they ask at once. */
  get previous(): Buffer | undefined {
    return this.#prev > 0 ? this.#log.value(this.#prev) : undefined;
  }
}

/** Each value was read into a buffer of its own: it goes now, and not with a collection of garbage after thousands of them. */
function release(entries: readonly Entry[]): void {
  for (const { value } of entries) (value.buffer as ArrayBuffer).transfer(0);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
