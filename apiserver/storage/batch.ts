/** Which of the waiting writes succeed, decided in their order against what stands and what the batch itself has written before them. */
import { Conflict, type Entry, type WriteOptions } from './store.ts';

/** A write that waits for its batch. */
export interface Pending {
  readonly key: string;
  readonly expected: number;
  readonly value: Buffer | undefined;
  readonly options: WriteOptions | undefined;
  readonly resolve: (revision: number) => void;
  readonly reject: (error: unknown) => void;
}

export interface Live {
  readonly revision: number;
  readonly created: number;
}

/** One write that succeeds. `prev` is the revision it replaces, 0 for a creation; a deletion has no value. */
export interface BatchRow {
  readonly id: number;
  readonly key: string;
  readonly created: number;
  readonly prev: number;
  readonly value: Buffer | undefined;
  readonly expires: number | undefined;
}

export interface Batch {
  readonly pending: readonly Pending[];
  /** What each caller is to hear, once the rows are where they belong. */
  readonly outcomes: readonly (number | Conflict)[];
  readonly rows: readonly BatchRow[];
  /** Whether any of the writers waits for the disk. */
  readonly durable: boolean;
}

/** What stands before the batch. */
export interface Standing {
  readonly head: number;
  readonly nowMs: number;
  live(key: string): Live | undefined;
  entry(key: string, live: Live): Entry;
}

export function decide(pending: readonly Pending[], standing: Standing): Batch {
  const written = new Map<string, BatchRow>();
  const rows: BatchRow[] = [];
  let durable = false;
  const outcomes = pending.map(({ key, expected, value, options }) => {
    const before = written.get(key);
    const current = before ? liveOf(before) : standing.live(key);
    if ((current?.revision ?? 0) !== expected) {
      return new Conflict(key, current && (before?.value ? { key, value: before.value, ...current } : standing.entry(key, current)));
    }
    const head = standing.head + rows.length;
    if (!current && !value) return head;
    const id = head + 1;
    const expires = value && options?.ttlSeconds !== undefined ? standing.nowMs + options.ttlSeconds * 1_000 : undefined;
    const row: BatchRow = { id, key, created: current?.created ?? id, prev: current?.revision ?? 0, value, expires };
    rows.push(row);
    written.set(key, row);
    durable ||= !options?.relaxed;
    return id;
  });
  return { pending, outcomes, rows, durable };
}

/** Tells the writers. */
export function settle({ pending, outcomes }: Batch): void {
  for (const [i, { resolve, reject }] of pending.entries()) {
    const outcome = outcomes[i];
    if (typeof outcome === 'number') resolve(outcome);
    else reject(outcome);
  }
}

/** What a key is after a row: nothing after a deletion. */
export function liveOf({ id, created, value }: BatchRow): Live | undefined {
  return value && { revision: id, created };
}

/** Of the values. */
export function bytesOf(rows: readonly BatchRow[]): number {
  let bytes = 0;
  for (const { value } of rows) bytes += value?.length ?? 0;
  return bytes;
}
