/** Lends a store of this thread to other threads: their calls, and one feed of all that changes, packed once for all of them. */
import type { MessagePort } from 'node:worker_threads';
import { vouch, withdraw } from '../written.ts';
import { packChanges, unpackWrites } from './remote-batch.ts';
import { faultOf, headOf, Marks, pack, sendTold, sliceOf, type Asked, type Call, type Fed, type Reply, type Told } from './remote-wire.ts';
import { Overflow, WATCH_BACKLOG_LIMIT, type Change, type Store, type Watch, type WatchSink } from './store.ts';

export interface StoreHost {
  /** The other end of the port is for `openRemote`. */
  lend(port: MessagePort): Lent;
  /** Takes the store back from all. */
  close(): void;
}

export interface Lent {
  /** Where the other thread sees how far the store is without asking. */
  readonly marks: SharedArrayBuffer;
  close(): void;
}

export interface HostOptions {
  /** A thread that is so many changes behind starts anew. */
  readonly backlogLimit?: number;
}

/** The store must be this process's alone: what others write would not show in time. */
export async function hostStore(store: Store, { backlogLimit = WATCH_BACKLOG_LIMIT }: HostOptions = {}): Promise<StoreHost> {
  const host = new Host(store, backlogLimit);
  await host.follow();
  return host;
}

class Host implements StoreHost {
  readonly store: Store;
  readonly #backlogLimit: number;
  readonly #lenders = new Set<Lender>();
  #watch: Watch | undefined;
  #closed = false;
  /** The newest change that was told. */
  head = 0;

  constructor(store: Store, backlogLimit: number) {
    this.store = store;
    this.#backlogLimit = backlogLimit;
  }

  lend(port: MessagePort): Lent {
    const lender = new Lender(this, port);
    this.#lenders.add(lender);
    return lender;
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    for (const lender of this.#lenders) lender.close();
  }

  forget(lender: Lender): void {
    this.#lenders.delete(lender);
  }

  get isFollowing(): boolean {
    return this.#watch !== undefined;
  }

  /** Whoever is to see a write hears of it before its writer does. */
  reach(revision: number): void {
    if (revision <= this.head) return;
    this.head = revision;
    for (const lender of this.#lenders) lender.show(revision);
  }

  async follow(): Promise<void> {
    const revision = await this.store.revision();
    if (this.#closed) return;
    this.reach(revision);
    this.#watch = this.store.watch('', revision, {
      changes: (batch) => this.#spread(batch),
      progress: (at) => this.reach(at),
      ended: (error) => this.#lose(error),
    });
    for (const lender of this.#lenders) lender.feedAsAsked();
  }

  #spread(batch: readonly Change[]): void {
    const revision = batch.at(-1)?.revision ?? this.head;
    const fed = [...this.#lenders].filter((lender) => lender.isFed);
    if (fed.length > 0) {
      const block = packChanges(batch);
      for (const lender of fed) lender.feed(block, revision, this.#backlogLimit);
    }
    this.reach(revision);
  }

  #lose(error: Error): void {
    this.#watch = undefined;
    for (const lender of this.#lenders) lender.unfeed(error);
    // A store that cannot tell where it stands is closed or will say so to its callers.
    if (!this.#closed) void this.follow().catch(() => undefined);
  }
}

class Lender implements Lent {
  readonly #marks = new Marks();
  readonly #host: Host;
  readonly #port: MessagePort;
  /** `asked`: as soon as the host itself is fed. */
  #feeding: 'no' | 'asked' | 'yes' = 'no';
  #feed: Fed[] = [];
  #written: number[] = [];
  #replies: Reply[] = [];
  #isTelling = false;
  #closed = false;

  constructor(host: Host, port: MessagePort) {
    this.#host = host;
    this.#port = port;
    this.#marks.head = host.head;
    port.on('message', (asked: Asked) => this.#hear(asked));
    port.on('close', () => this.close());
  }

  get marks(): SharedArrayBuffer {
    return this.#marks.buffer;
  }

  get isFed(): boolean {
    return this.#feeding === 'yes';
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#feeding = 'no';
    this.#host.forget(this);
    this.#port.close();
  }

  show(revision: number): void {
    this.#marks.head = revision;
  }

  feed(block: SharedArrayBuffer, revision: number, backlogLimit: number): void {
    this.#feed.push({ type: 'changes', block, revision });
    this.#tellSoon();
    if (revision - this.#marks.seen > backlogLimit) this.unfeed(new Overflow(`a thread fell more than ${backlogLimit} changes behind`));
  }

  unfeed(error: Error): void {
    if (!this.isFed) return;
    this.#feeding = 'no';
    this.#feed.push({ type: 'ends', fault: faultOf(error).fault });
    this.#tellSoon();
  }

  feedAsAsked(): void {
    if (this.#feeding !== 'asked') return;
    this.#feeding = 'yes';
    const { head } = this.#host;
    this.#marks.seen = head;
    this.#feed.push({ type: 'begins', revision: head });
    this.#tellSoon();
  }

  #hear({ writes, calls }: Asked): void {
    if (writes) this.#write(writes.first, writes.block);
    for (const call of calls) this.#take(call);
  }

  #take(call: Call): void {
    if (call.type === 'close') return this.close();
    if (call.type === 'feed') {
      this.#feeding = 'asked';
      if (this.#host.isFollowing) this.feedAsAsked();
      return;
    }
    this.#answer(call).then(
      (reply) => this.#reply(reply),
      (error: unknown) => this.#reply({ type: 'failed', id: call.id, isWrite: false, ...faultOf(error) }),
    );
  }

  async #answer(call: Extract<Call, { id: number }>): Promise<Reply> {
    const { id } = call;
    const { store } = this.#host;
    switch (call.type) {
      case 'get': {
        const found = await store.get(call.key, call.revision === undefined ? undefined : { revision: call.revision });
        return { type: 'entry', id, entry: found && headOf(found), values: pack([found?.value]) };
      }
      case 'list': {
        const { entries, release, ...page } = await store.list(call.prefix, call.options);
        const heads = entries.map(headOf);
        const values = pack(entries.map(({ value }) => value));
        release?.();
        return { type: 'page', id, page, entries: heads, values };
      }
      case 'replay': {
        const { changes, upTo } = await replay(store, call.prefix, call.after);
        return { type: 'slice', id, ...sliceOf(changes), upTo };
      }
      case 'compact':
        await store.compact(call.revision);
        return { type: 'done', id };
      case 'snapshot':
        await store.snapshot(call.path);
        return { type: 'done', id };
    }
  }

  #write(first: number, block: ArrayBuffer): void {
    for (const [at, { key, expected, value, options }] of unpackWrites(block).entries()) {
      const id = first + at;
      // It was encoded by a server of this process: the caches of this thread need not look into it.
      if (value) vouch(value);
      this.#host.store.write(key, expected, value, options).then(
        (revision) => {
          if (value) withdraw(value);
          this.#host.reach(revision);
          this.#written.push(id, revision);
          this.#tellSoon();
        },
        (error: unknown) => {
          if (value) withdraw(value);
          this.#reply({ type: 'failed', id, isWrite: true, ...faultOf(error) });
        },
      );
    }
  }

  #reply(reply: Reply): void {
    this.#replies.push(reply);
    this.#tellSoon();
  }

  /** A batch of the store, and who is to hear what became of his writes in it, is one message. */
  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setImmediate(() => {
      this.#isTelling = false;
      if (this.#closed) return;
      const told: Told = { feed: this.#feed, written: Float64Array.from(this.#written), replies: this.#replies };
      this.#feed = [];
      this.#written = [];
      this.#replies = [];
      sendTold(this.#port, told);
    });
  }
}

/** The first slice of what a watch would deliver. */
function replay(store: Store, prefix: string, after: number): Promise<{ readonly changes: readonly Change[]; readonly upTo: number }> {
  return new Promise((resolve, reject) => {
    const changes: Change[] = [];
    let upTo = after;
    let told = false;
    const reached = (revision: number): void => {
      upTo = revision;
      if (told) return;
      told = true;
      // A batch and how far it reaches come one after the other in one turn.
      queueMicrotask(() => {
        watch.close();
        resolve({ changes, upTo });
      });
    };
    const sink: WatchSink = {
      changes(batch) {
        changes.push(...batch);
        reached(batch.at(-1)?.revision ?? upTo);
      },
      progress: reached,
      ended: reject,
    };
    const watch = store.watch(prefix, after, sink);
  });
}
