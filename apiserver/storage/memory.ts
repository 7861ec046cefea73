/** The store in memory: for tests, simulations and clusters that may forget. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { SortedMap } from '../../std/sorted-map.ts';
import { systemClock, type Clock, type Timer } from '../../std/clock.ts';
import { bytesOf, decide, settle, type BatchRow, type Pending } from './batch.ts';
import { Expiry } from './expiry.ts';
import { countPast, prefixRange, scanPast, type Past } from './past.ts';
import { Retention, type RetentionOptions } from './retention.ts';
import { Compacted, Unavailable, type Change, type Entry, type ListOptions, type Page, type Store, type Watch, type WatchSink, type WriteOptions } from './store.ts';
import { checkValue } from './value.ts';
import { WatchHub, type Slice, type WatchSource } from './watch-hub.ts';

export interface MemoryOptions extends RetentionOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** A file that `snapshot` wrote. */
  readonly from?: string;
}

export function openMemory(options: MemoryOptions = {}): Store {
  return new MemoryStore(options);
}

/** History is kept in memory too, so there is less of it than on disk. */
const KEPT = { keepRevisions: 50_000, keepBytes: 64 * 1024 * 1024 };
const REPLAY_SLICE = 5_000;

interface Row {
  readonly key: string;
  readonly revision: number;
  readonly created: number;
  /** Undefined: the key was deleted. */
  readonly value: Buffer | undefined;
  readonly expires: number | undefined;
  /** What the row replaced, until that is compacted. */
  previous: Row | undefined;
}

interface SavedFile {
  readonly revision: number;
  readonly rows: readonly { key: string; revision: number; created: number; expires?: number; value: string }[];
}

class MemoryStore implements Store, WatchSource {
  readonly #clock: Clock;
  readonly #hub: WatchHub;
  readonly #retention: Retention;
  readonly #expiry = new Expiry();
  readonly #rows = new SortedMap<Row>();
  /** Rows after `#compacted`, the one of revision r at index r - #compacted - 1. */
  #log: Row[] = [];
  #compacted = 0;
  #head = 0;
  readonly #queue: Pending[] = [];
  #timer: Timer | undefined;
  #armedFor: number | undefined;
  #closed = false;

  constructor(options: MemoryOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#retention = new Retention(options, KEPT);
    this.#hub = new WatchHub({ source: this, clock: this.#clock });
    if (options.from !== undefined) this.#load(JSON.parse(readFileSync(options.from, 'utf8')) as SavedFile);
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#head;
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
    this.#checkOpen();
    const past = this.#pastOf(options?.revision, key);
    const row = past.has(key) ? past.get(key) : this.#rows.get(key);
    return row && entryOf(row);
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Page> {
    this.#checkOpen();
    const past = this.#pastOf(options.revision, prefix);
    const range = prefixRange(prefix, options.from);
    const limit = options.limit ?? Infinity;
    const entries: Entry[] = [];
    scanPast(this.#rows, past, range, (_, row) => entries.length < limit && entries.push(entryOf(row)) > 0);
    const count = countPast(this.#rows, past, range);
    return { entries, revision: options.revision ?? this.#head, more: count > entries.length, count };
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
    if (revision <= this.#compacted) return;
    const gone = this.#log.splice(0, revision - this.#compacted);
    for (const row of gone) row.previous = undefined;
    this.#compacted = revision;
  }

  async snapshot(path: string): Promise<void> {
    const rows: SavedFile['rows'][number][] = [];
    this.#rows.scan('', '\uffff', (key, { revision, created, expires, value }) => {
      rows.push({ key, revision, created, ...(expires !== undefined && { expires }), value: value?.toString('base64') ?? '' });
      return true;
    });
    await writeFile(path, JSON.stringify({ revision: this.#head, rows } satisfies SavedFile), { mode: 0o600 });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#timer?.cancel();
    this.#hub.end(new Unavailable('the store is closed'));
  }

  head(): number {
    return this.#head;
  }

  read(prefix: string, after: number): Slice {
    if (after < this.#compacted) throw new Compacted(this.#compacted);
    const start = after - this.#compacted;
    const slice = this.#log.slice(start, start + REPLAY_SLICE);
    const changes = slice.filter((row) => row.key.startsWith(prefix)).map(changeOf);
    return { changes, upTo: after + slice.length };
  }

  #enqueue(pending: Pending): void {
    this.#queue.push(pending);
    if (this.#queue.length === 1) queueMicrotask(() => this.#flush());
  }

  /** Decides all waiting writes in their order, shows them to the watchers in one batch, then acknowledges them. */
  #flush(): void {
    const batch = decide(this.#queue.splice(0), {
      head: this.#head,
      nowMs: this.#clock.now(),
      live: (key) => this.#rows.get(key),
      entry: (key) => entryOf(this.#rows.get(key) as Row),
    });
    if (batch.rows.length > 0) {
      const rows = batch.rows.map((row) => this.#append(row));
      this.#hub.publish(rows.map(changeOf), this.#head);
      this.#keepHouse(bytesOf(batch.rows));
    }
    settle(batch);
  }

  #append({ id, key, created, value, expires }: BatchRow): Row {
    const row: Row = { key, revision: id, created, value, expires, previous: this.#rows.get(key) };
    if (value) this.#rows.set(key, row);
    else this.#rows.delete(key);
    if (expires !== undefined) this.#expiry.add(key, id, expires);
    this.#log.push(row);
    this.#head = id;
    return row;
  }

  #keepHouse(bytes: number): void {
    const now = this.#clock.now();
    this.#retention.note(now, this.#head, bytes);
    const horizon = this.#retention.horizon(now, this.#head);
    // In strides, because each one shifts the whole log.
    if (horizon - this.#compacted > this.#log.length / 4) void this.compact(horizon);
    this.#armExpiry();
  }

  #armExpiry(): void {
    const next = this.#expiry.next();
    if (next === this.#armedFor) return;
    this.#armedFor = next;
    this.#timer?.cancel();
    this.#timer = next === undefined ? undefined : this.#clock.after(next - this.#clock.now(), () => this.#expire());
  }

  #expire(): void {
    if (this.#closed) return;
    this.#armedFor = undefined;
    this.#expiry.take(this.#clock.now(), (key, revision) => {
      if (this.#rows.get(key)?.revision === revision) this.#enqueue({ key, expected: revision, value: undefined, options: undefined, resolve: ignore, reject: ignore });
    });
    this.#armExpiry();
  }

  /** What keys under a prefix held at a revision, where it differs from now. */
  #pastOf(revision: number | undefined, prefix: string): Past<Row> {
    const past = new Map<string, Row | undefined>();
    if (revision === undefined) return past;
    if (revision < this.#compacted || revision > this.#head) throw new Compacted(this.#compacted);
    for (let i = this.#log.length - 1; i >= revision - this.#compacted; i--) {
      const row = this.#log[i] as Row;
      if (row.key.startsWith(prefix)) past.set(row.key, row.previous);
    }
    return past;
  }

  #load(saved: SavedFile): void {
    this.#head = this.#compacted = saved.revision;
    for (const { key, revision, created, expires, value } of saved.rows) {
      this.#rows.set(key, { key, revision, created, expires, value: Buffer.from(value, 'base64'), previous: undefined });
      if (expires !== undefined) this.#expiry.add(key, revision, expires);
    }
    this.#armExpiry();
  }

  #checkOpen(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}

/** An expired key that was written meanwhile stays. */
function ignore(): void {}

function entryOf({ key, value, revision, created }: Row): Entry {
  return { key, value: value as Buffer, revision, created };
}

function changeOf({ key, revision, created, value, previous }: Row): Change {
  return { key, revision, created, value, previous: previous?.value };
}
