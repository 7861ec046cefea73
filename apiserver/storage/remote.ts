/** The store of another thread: its owner lends it over a port, so that several API servers of one process share it. */
import type { MessagePort } from 'node:worker_threads';
import { backoff } from '../../std/backoff.ts';
import { sleep, systemClock, type Clock } from '../../std/clock.ts';
import { soundly } from '../written.ts';
import { packWrites, unpackChanges, type BatchedWrite } from './remote-batch.ts';
import { changesOf, errorOf, Marks, sendAsked, unpack, type Call, type Fed, type Reply, type Told } from './remote-wire.ts';
import { Unavailable, type Entry, type ListOptions, type Page, type Store, type Watch, type WatchSink, type WriteOptions } from './store.ts';
import { checkValue } from './value.ts';
import { WatchHub, type Slice, type WatchSource } from './watch-hub.ts';

export interface RemoteOptions {
  readonly port: MessagePort;
  /** Of what `lend` returned. */
  readonly marks: SharedArrayBuffer;
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
  /** Of a write: its value comes back among the changes. */
  readonly value?: Buffer | undefined;
}

class RemoteStore implements Store, WatchSource {
  readonly #port: MessagePort;
  readonly #marks: Marks;
  readonly #clock: Clock;
  readonly #hub: WatchHub;
  readonly #waiting = new Map<number, Waiting>();
  readonly #fed = Promise.withResolvers<void>();
  #calls: Call[] = [];
  #isAsking = false;
  #numbers = 0;
  /** Of writes those that wait for their turn; numbers of their own, as they go in blocks. */
  #queue: BatchedWrite[] = [];
  readonly #writing = new Map<number, Waiting>();
  #writes = 0;
  /** The newest change that was published here. */
  #head = Infinity;
  #losses = 0;
  #closed = false;

  constructor({ port, marks, clock = systemClock }: RemoteOptions) {
    this.#port = port;
    this.#marks = new Marks(marks);
    this.#clock = clock;
    this.#hub = new WatchHub({ source: this, clock });
    port.on('message', (told: Told) => this.#hear(told));
    port.on('close', () => this.#end());
  }

  open(): Promise<void> {
    this.#ask({ type: 'feed' });
    return this.#fed.promise;
  }

  async revision(): Promise<number> {
    this.#checkOpen();
    return this.#marks.head;
  }

  async get(key: string, options?: { readonly revision?: number }): Promise<Entry | undefined> {
    return this.#call((id) => ({ type: 'get', id, key, revision: options?.revision }));
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Page> {
    return this.#call((id) => ({ type: 'list', id, prefix, options }));
  }

  write(key: string, expected: number, value: Buffer | undefined, options?: WriteOptions): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      checkValue(key, value);
      this.#checkRoom();
      this.#writing.set(++this.#writes, { resolve, reject, value });
      this.#queue.push({ key, expected, value, options });
      this.#askSoon();
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
    this.#ask({ type: 'close' });
    this.#askNow();
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
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      this.#checkRoom();
      this.#waiting.set(++this.#numbers, { resolve, reject });
      this.#ask(make(this.#numbers));
    });
  }

  #ask(call: Call): void {
    this.#calls.push(call);
    this.#askSoon();
  }

  /** All that is asked in one turn goes together. */
  #askSoon(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    setImmediate(() => this.#askNow());
  }

  #askNow(): void {
    this.#isAsking = false;
    const calls = this.#calls;
    const queue = this.#queue;
    if (this.#closed || calls.length + queue.length === 0) return;
    this.#calls = [];
    this.#queue = [];
    sendAsked(this.#port, { calls, ...(queue.length > 0 && { writes: { first: this.#writes - queue.length + 1, block: packWrites(queue) } }) });
  }

  #hear({ feed, written, replies }: Told): void {
    const own = new Map<number, Buffer>();
    for (let at = 0; at < written.length; at += 2) {
      const value = this.#writing.get(written[at] as number)?.value;
      if (value) own.set(written[at + 1] as number, value);
    }
    for (const fed of feed) this.#feed(fed, own);
    for (let at = 0; at < written.length; at += 2) take(this.#writing, written[at] as number)?.resolve(written[at + 1] as never);
    for (const reply of replies) this.#take(reply);
  }

  #feed(fed: Fed, own: ReadonlyMap<number, Buffer>): void {
    switch (fed.type) {
      case 'changes': {
        const { block, revision } = fed;
        this.#head = revision;
        // Encoded by servers of this process, all of them: nobody need look into what nobody asks for.
        soundly(() => this.#hub.publish(unpackChanges(block, (at) => own.get(at)), revision));
        this.#marks.seen = revision;
        return;
      }
      case 'begins':
        this.#head = fed.revision;
        this.#losses = 0;
        return this.#fed.resolve();
      case 'ends':
        return void this.#feedAgain(errorOf(fed.fault));
    }
  }

  #take(reply: Reply): void {
    switch (reply.type) {
      case 'failed':
        return take(reply.isWrite ? this.#writing : this.#waiting, reply.id)?.reject(errorOf(reply.fault, reply.values));
      case 'entry': {
        const [value] = unpack(reply.values);
        return take(this.#waiting, reply.id)?.resolve((reply.entry && { ...reply.entry, value }) as never);
      }
      case 'page': {
        const values = unpack(reply.values);
        return take(this.#waiting, reply.id)?.resolve({ ...reply.page, entries: reply.entries.map((entry, at) => ({ ...entry, value: values[at] })) } as never);
      }
      case 'slice':
        return take(this.#waiting, reply.id)?.resolve({ changes: changesOf(reply.changes, reply.values), upTo: reply.upTo } as never);
      case 'done':
        return take(this.#waiting, reply.id)?.resolve(undefined as never);
    }
  }

  /** Watchers resume from where they were; what they missed is read for them. */
  async #feedAgain(error: Error): Promise<void> {
    this.#head = Infinity;
    this.#hub.end(error);
    await sleep(this.#clock, backoff(this.#losses++, RETRY));
    if (!this.#closed) this.#ask({ type: 'feed' });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    const gone = new Unavailable('the store is closed');
    for (const waiting of [this.#waiting, this.#writing]) {
      for (const { reject } of waiting.values()) reject(gone);
      waiting.clear();
    }
    this.#hub.end(gone);
  }

  #checkRoom(): void {
    if (this.#waiting.size + this.#writing.size >= CALL_LIMIT) throw new Unavailable(`${CALL_LIMIT} calls wait for the store`);
  }

  #checkOpen(): void {
    if (this.#closed) throw new Unavailable('the store is closed');
  }
}

function take(waiting: Map<number, Waiting>, id: number): Waiting | undefined {
  const found = waiting.get(id);
  waiting.delete(id);
  return found;
}
