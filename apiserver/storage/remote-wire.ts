/** What passes between a store and those who use it from other threads: one message per turn of the event loop in each direction. */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { Compacted, Conflict, Overflow, Unavailable, type Change, type Entry, type ListOptions, type Page } from './store.ts';

/** What a thread asks in one turn. */
export interface Asked {
  /** `packWrites`; they are numbered on from `first`. */
  readonly writes?: { readonly first: number; readonly block: ArrayBuffer };
  readonly calls: readonly Call[];
}

export type Call =
  | { readonly type: 'get'; readonly id: number; readonly key: string; readonly revision: number | undefined }
  | { readonly type: 'list'; readonly id: number; readonly prefix: string; readonly options: ListOptions }
  | { readonly type: 'replay'; readonly id: number; readonly prefix: string; readonly after: number }
  | { readonly type: 'compact'; readonly id: number; readonly revision: number }
  | { readonly type: 'snapshot'; readonly id: number; readonly path: string }
  /** The feed begins, or begins anew. */
  | { readonly type: 'feed' }
  | { readonly type: 'close' };

/** What a thread hears in one turn. */
export interface Told {
  readonly feed: readonly Fed[];
  /** Writes that succeeded: number and revision by turns. */
  readonly written: Float64Array;
  readonly replies: readonly Reply[];
}

/** In the order in which it happened. */
export type Fed =
  /** `packChanges` of all that changed up to a revision. */
  | { readonly type: 'changes'; readonly block: SharedArrayBuffer; readonly revision: number }
  /** The feed stands at this revision and goes on from there. */
  | { readonly type: 'begins'; readonly revision: number }
  | { readonly type: 'ends'; readonly fault: Fault };

export type EntryHead = Omit<Entry, 'value'>;

export type Reply =
  | { readonly type: 'entry'; readonly id: number; readonly entry: EntryHead | undefined; readonly values: Packed }
  | { readonly type: 'page'; readonly id: number; readonly page: Omit<Page, 'entries' | 'release'>; readonly entries: readonly EntryHead[]; readonly values: Packed }
  | { readonly type: 'slice'; readonly id: number; readonly changes: readonly ChangeHead[]; readonly values: Packed; readonly upTo: number }
  | { readonly type: 'done'; readonly id: number }
  | { readonly type: 'failed'; readonly id: number; readonly isWrite: boolean; readonly fault: Fault; readonly values: Packed };

export interface ChangeHead {
  readonly key: string;
  readonly revision: number;
  readonly created: number;
}

/** Two numbers that both threads see: how far the store is, and up to where the thread has taken in what changed. */
export class Marks {
  readonly buffer: SharedArrayBuffer;
  readonly #marks: BigInt64Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#marks = new BigInt64Array(buffer);
  }

  get head(): number {
    return Number(Atomics.load(this.#marks, 0));
  }

  set head(revision: number) {
    Atomics.store(this.#marks, 0, BigInt(revision));
  }

  get seen(): number {
    return Number(Atomics.load(this.#marks, 1));
  }

  set seen(revision: number) {
    Atomics.store(this.#marks, 1, BigInt(revision));
  }
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

export function sliceOf(changes: readonly Change[]): { readonly changes: readonly ChangeHead[]; readonly values: Packed } {
  return { changes: changes.map(({ key, revision, created }) => ({ key, revision, created })), values: pack(changes.flatMap(({ value, previous }) => [value, previous])) };
}

export function changesOf(heads: readonly ChangeHead[], packed: Packed): Change[] {
  const values = unpack(packed);
  return heads.map((head, at) => ({ ...head, value: values[2 * at], previous: values[2 * at + 1] }));
}

/** What is packed changes hands. */
export function sendAsked(port: MessagePort, asked: Asked): void {
  port.postMessage(asked, asked.writes ? [asked.writes.block] : []);
}

export function sendTold(port: MessagePort, told: Told): void {
  const transferred: Transferable[] = [];
  for (const reply of told.replies) if ('values' in reply) transferred.push(reply.values.bytes);
  port.postMessage(told, transferred);
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
