/** The store of another thread: its owner lends it over a port, so that several API servers of one process share it. */
import type { MessagePort } from 'node:worker_threads';
import { backoff } from '../../std/backoff.ts';
import { sleep, systemClock, type Clock } from '../../std/clock.ts';
import { errorOf, pack, send, unpack, unpackChanges, type Call, type Reply, type WriteHead } from './remote-wire.ts';
import { Unavailable, type Entry, type ListOptions, type Page, type Store, type Watch, type WatchSink, type WriteOptions } from './store.ts';
import { checkValue } from './value.ts';
import { WatchHub, type Slice, type WatchSource } from './watch-hub.ts';

export interface RemoteOptions {
  readonly port: MessagePort;
  /** Of `lend`. */
  readonly head: SharedArrayBuffer;
  readonly clock?: Clock;
}

export async function openRemote(options: RemoteOptions): Promise<Store> {
  const store = new RemoteStore(options);
  await store.open();
  return store;
}

/** More calls than this do not wait: callers are told that the store is too slow for them. */
const CALL_LIMIT = 100_000;
const RETRY = { baseMs: 10, limitMs: 1_000 };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

class RemoteStore implements Store, WatchSource {
  readonly #port: MessagePort;
  readonly #shared: BigInt64Array;
  readonly #clock: Clock;
  readonly #hub: WatchHub;
  readonly #waiting = new Map<number, Waiting>();
  readonly #fed = Promise.withResolvers<void>();
  #queue: { head: WriteHead; value: Buffer | undefined }[] = [];
  #calls = 0;
  /** The newest change that was published here. */
  #head = Infinity;
  #losses = 0;
  #closed = false;

  constructor({ port, head, clock = systemClock }: RemoteOptions) {
    this.#port = port;
    this.#shared = new BigInt64Array(head);
    this.#clock = clock;
    this.#hub = new WatchHub({ source: this, clock });
    port.on('message', (reply: Reply) => this.#hear(reply));
    port.on('close', () => this.#end());
  }

  open(): Promise<void> {
    send(this.#port, { type: 'feed' });
    return this.#fed.promise;
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return Number(Atomics.load(this.#shared, 0));
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
    return this.#call((id) => ({ type: 'get', id, key, revision: options?.revision }));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Page> {
    return this.#call((id) => ({ type: 'list', id, prefix, options }));
  }

  async write(key: string, expected: number, value: Buffer | undefined, options?: WriteOptions): Promise<number> {
    checkValue(key, value);
    return new Promise((resolve, reject) => {
      const id = this.#wait({ resolve, reject });
      if (this.#queue.push({ head: { id, key, expected, options }, value }) === 1) queueMicrotask(() => this.#sendWrites());
    });
  }

  watch(prefix: string, after: number, sink: WatchSink): Watch {
    this.#checkOpen();
    return this.#hub.watch(prefix, after, sink);
  }

  async compact(revision: number): Promise<void> {
    return this.#call((id) => ({ type: 'compact', id, revision }));
  }

  async snapshot(path: string): Promise<void> {
    return this.#call((id) => ({ type: 'snapshot', id, path }));
  }

  /** Gives the store back; its owner goes on using it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    send(this.#port, { type: 'close' });
    this.#end();
    this.#port.close();
  }

  head(): number {
    return this.#head;
  }

  read(prefix: string, after: number): Promise<Slice> {
    return this.#call((id) => ({ type: 'replay', id, prefix, after }));
  }

  #call<T>(make: (id: number) => Call): Promise<T> {
    return new Promise((resolve, reject) => send(this.#port, make(this.#wait({ resolve, reject }))));
  }

  #wait(waiting: Waiting): number {
    this.#checkOpen();
    if (this.#waiting.size >= CALL_LIMIT) throw new Unavailable(`${CALL_LIMIT} calls wait for the store`);
    this.#waiting.set(++this.#calls, waiting);
    return this.#calls;
  }

  #sendWrites(): void {
    const queued = this.#queue.splice(0);
    if (!this.#closed) send(this.#port, { type: 'write', writes: queued.map(({ head }) => head), values: pack(queued.map(({ value }) => value)) });
  }

  #hear(reply: Reply): void {
    switch (reply.type) {
      case 'changes': {
        this.#head = reply.revision;
        this.#hub.publish(unpackChanges(reply.changes, reply.values), reply.revision);
        return send(this.#port, { type: 'seen', count: reply.changes.length });
      }
      case 'fed':
        this.#head = reply.revision;
        return this.#fed.resolve();
      case 'unfed':
        return void this.#feedAgain(errorOf(reply.fault));
      case 'written':
        for (const { id, revision } of reply.outcomes) this.#take(id)?.resolve(revision as never);
        return;
      case 'failed':
        return this.#take(reply.id)?.reject(errorOf(reply.fault, reply.values));
      case 'entry': {
        const [value] = unpack(reply.values);
        return this.#take(reply.id)?.resolve((reply.entry && { ...reply.entry, value }) as never);
      }
      case 'page': {
        const values = unpack(reply.values);
        return this.#take(reply.id)?.resolve({ ...reply.page, entries: reply.entries.map((entry, at) => ({ ...entry, value: values[at] })) } as never);
      }
      case 'slice':
        return this.#take(reply.id)?.resolve({ changes: unpackChanges(reply.changes, reply.values), upTo: reply.upTo } as never);
      case 'done':
        return this.#take(reply.id)?.resolve(undefined as never);
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** Watchers resume from where they were; what they missed is read for them. */
  async #feedAgain(error: Error): Promise<void> {
    this.#head = Infinity;
    this.#hub.end(error);
    await sleep(this.#clock, backoff(this.#losses++, RETRY));
    if (!this.#closed) send(this.#port, { type: 'feed' });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const gone = new Unavailable('the store is closed');
    for (const { reject } of this.#waiting.values()) reject(gone);
    this.#waiting.clear();
    this.#hub.end(gone);
  }

  #checkOpen(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}
