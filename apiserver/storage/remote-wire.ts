/** What passes between a store and those who use it from other threads. Values travel packed in one buffer that changes hands, never copied one by one. */
import type { MessagePort } from 'node:worker_threads';
import { Compacted, Conflict, Overflow, Unavailable, type Change, type Entry, type ListOptions, type Page, type WriteOptions } from './store.ts';

/** From the thread that uses the store. */
export type Call =
  | { readonly type: 'get'; readonly id: number; readonly key: string; readonly revision: number | undefined }
  | { readonly type: 'list'; readonly id: number; readonly prefix: string; readonly options: ListOptions }
  | { readonly type: 'write'; readonly writes: readonly WriteHead[]; readonly values: Packed }
  | { readonly type: 'replay'; readonly id: number; readonly prefix: string; readonly after: number }
  | { readonly type: 'compact'; readonly id: number; readonly revision: number }
  | { readonly type: 'snapshot'; readonly id: number; readonly path: string }
  /** So many changes of the feed were taken in. */
  | { readonly type: 'seen'; readonly count: number }
  /** The feed begins, or begins anew. */
  | { readonly type: 'feed' }
  | { readonly type: 'close' };

export type EntryHead = Omit<Entry, 'value'>;

export interface WriteHead {
  readonly id: number;
  readonly key: string;
  readonly expected: number;
  readonly options: WriteOptions | undefined;
}

/** From the thread that has the store. */
export type Reply =
  | { readonly type: 'entry'; readonly id: number; readonly entry: EntryHead | undefined; readonly values: Packed }
  | { readonly type: 'page'; readonly id: number; readonly page: Omit<Page, 'entries'>; readonly entries: readonly EntryHead[]; readonly values: Packed }
  | { readonly type: 'slice'; readonly id: number; readonly changes: readonly ChangeHead[]; readonly values: Packed; readonly upTo: number }
  | { readonly type: 'done'; readonly id: number }
  /** What became of writes, in the order of their coming: revisions, or what went wrong. */
  | { readonly type: 'written'; readonly outcomes: readonly { readonly id: number; readonly revision: number }[] }
  | { readonly type: 'failed'; readonly id: number; readonly fault: Fault; readonly values: Packed }
  | { readonly type: 'changes'; readonly changes: readonly ChangeHead[]; readonly values: Packed; readonly revision: number }
  /** The feed stands at this revision and goes on from there. */
  | { readonly type: 'fed'; readonly revision: number }
  | { readonly type: 'unfed'; readonly fault: Fault };

export interface ChangeHead {
  readonly key: string;
  readonly revision: number;
  readonly created: number;
}

/** Buffers behind one another; a length of -1 stands for one that is not there. */
export interface Packed {
  readonly lengths: readonly number[];
  readonly bytes: ArrayBuffer;
}

export function pack(values: readonly (Buffer | undefined)[]): Packed {
  let size = 0;
  for (const value of values) size += value?.length ?? 0;
  const bytes = new ArrayBuffer(size);
  const all = new Uint8Array(bytes);
  let at = 0;
  const lengths = values.map((value) => {
    if (!value) return -1;
    all.set(value, at);
    at += value.length;
    return value.length;
  });
  return { lengths, bytes };
}

/** Each value has bytes of its own: one that is kept does not keep the others. */
export function unpack({ lengths, bytes }: Packed): (Buffer | undefined)[] {
  let at = 0;
  return lengths.map((length) => {
    if (length < 0) return undefined;
    const value = Buffer.from(Buffer.from(bytes, at, length));
    at += length;
    return value;
  });
}

/** An entry without its value, which travels apart. */
export function headOf({ key, revision, created, stale }: Entry): EntryHead {
  return { key, revision, created, ...(stale && { stale }) };
}

export function packChanges(changes: readonly Change[]): { readonly changes: readonly ChangeHead[]; readonly values: Packed } {
  return { changes: changes.map(({ key, revision, created }) => ({ key, revision, created })), values: pack(changes.flatMap(({ value, previous }) => [value, previous])) };
}

export function unpackChanges(heads: readonly ChangeHead[], packed: Packed): Change[] {
  const values = unpack(packed);
  return heads.map((head, at) => ({ ...head, value: values[2 * at], previous: values[2 * at + 1] }));
}

export function send(port: MessagePort, message: Call | Reply): void {
  port.postMessage(message, 'values' in message ? [message.values.bytes] : []);
}

/** An error on its way to another thread. */
export interface Fault {
  readonly name: string;
  readonly message: string;
  readonly oldest?: number;
  readonly current?: EntryHead;
}

export function faultOf(error: unknown): { readonly fault: Fault; readonly values: Packed } {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof Compacted) return { fault: { name, message, oldest: error.oldest }, values: NOTHING() };
  if (!(error instanceof Conflict) || !error.current) return { fault: { name, message }, values: NOTHING() };
  return { fault: { name, message, current: headOf(error.current) }, values: pack([error.current.value]) };
}

export function errorOf({ name, message, oldest, current }: Fault, values?: Packed): Error {
  if (name === 'Compacted') return new Compacted(oldest ?? 0);
  if (name === 'Overflow') return new Overflow(message);
  if (name === 'Unavailable') return new Unavailable(message);
  if (name !== 'Conflict') return Object.assign(new Error(message), { name });
  const [value] = values ? unpack(values) : [];
  return new Conflict(message.slice(0, message.lastIndexOf(': ')), current && value && { ...current, value });
}

const NOTHING = (): Packed => pack([]);
