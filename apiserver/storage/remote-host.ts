/** Lends a store of this thread to another thread: its calls, and one feed of all that changes. */
import type { MessagePort } from 'node:worker_threads';
import { faultOf, headOf, pack, packChanges, send, unpack, type Call, type WriteHead } from './remote-wire.ts';
import { Overflow, WATCH_BACKLOG_LIMIT, type Change, type Store, type Watch, type WatchSink } from './store.ts';

export interface Lent {
  /** Where the other thread sees how far the store is without asking. */
  readonly head: SharedArrayBuffer;
  close(): void;
}

/** The store must be this process's alone: what others write would not show in `head`. */
export async function lend(store: Store, port: MessagePort): Promise<Lent> {
  const lender = new Lender(store, port);
  await lender.open();
  return lender;
}

class Lender implements Lent {
  readonly head = new SharedArrayBuffer(8);
  readonly #head = new BigInt64Array(this.head);
  readonly #store: Store;
  readonly #port: MessagePort;
  #follower: Watch | undefined;
  #feed: Watch | undefined;
  /** Changes on their way to the other thread. */
  #unseen = 0;
  #written: { id: number; revision: number }[] = [];

  constructor(store: Store, port: MessagePort) {
    this.#store = store;
    this.#port = port;
  }

  async open(): Promise<void> {
    this.#show(await this.#store.revision());
    const follow = (after: number): void => {
      this.#follower = this.#store.watch('', after, {
        changes: (batch) => this.#show(batch.at(-1)?.revision ?? 0),
        progress: (revision) => this.#show(revision),
        ended: () => void this.#store.revision().then(follow, () => undefined),
      });
    };
    follow(Number(this.#head[0]));
    this.#port.on('message', (call: Call) => this.#hear(call));
  }

  close(): void {
    this.#follower?.close();
    this.#feed?.close();
    this.#port.close();
  }

  #show(revision: number): void {
    if (BigInt(revision) > (this.#head[0] ?? 0n)) Atomics.store(this.#head, 0, BigInt(revision));
  }

  #hear(call: Call): void {
    switch (call.type) {
      case 'write':
        return this.#write(call.writes, unpack(call.values));
      case 'seen':
        this.#unseen -= call.count;
        return;
      case 'feed':
        return void this.#startFeed();
      case 'close':
        return this.close();
      default:
        this.#answer(call).catch((error: unknown) => send(this.#port, { type: 'failed', id: call.id, ...faultOf(error) }));
    }
  }

  async #answer(call: Extract<Call, { id: number }>): Promise<void> {
    const { id } = call;
    switch (call.type) {
      case 'get': {
        const found = await this.#store.get(call.key, call.revision === undefined ? undefined : { revision: call.revision });
        return send(this.#port, { type: 'entry', id, entry: found && headOf(found), values: pack([found?.value]) });
      }
      case 'list': {
        const { entries, ...page } = await this.#store.list(call.prefix, call.options);
        return send(this.#port, { type: 'page', id, page, entries: entries.map(headOf), values: pack(entries.map(({ value }) => value)) });
      }
      case 'replay': {
        const { changes, upTo } = await replay(this.#store, call.prefix, call.after);
        return send(this.#port, { type: 'slice', id, ...packChanges(changes), upTo });
      }
      case 'compact':
        await this.#store.compact(call.revision);
        return send(this.#port, { type: 'done', id });
      case 'snapshot':
        await this.#store.snapshot(call.path);
        return send(this.#port, { type: 'done', id });
    }
  }

  #write(writes: readonly WriteHead[], values: readonly (Buffer | undefined)[]): void {
    for (const [at, { id, key, expected, options }] of writes.entries()) {
      this.#store.write(key, expected, values[at], options).then(
        (revision) => {
          // Writes of one batch are acknowledged together.
          if (this.#written.push({ id, revision }) === 1) queueMicrotask(() => send(this.#port, { type: 'written', outcomes: this.#written.splice(0) }));
        },
        (error: unknown) => send(this.#port, { type: 'failed', id, ...faultOf(error) }),
      );
    }
  }

  async #startFeed(): Promise<void> {
    this.#feed?.close();
    this.#unseen = 0;
    const revision = await this.#store.revision();
    send(this.#port, { type: 'fed', revision });
    let reached = revision;
    const feed: Watch = this.#store.watch('', revision, {
      changes: (batch) => {
        this.#unseen += batch.length;
        reached = batch.at(-1)?.revision ?? reached;
        send(this.#port, { type: 'changes', ...packChanges(batch), revision: reached });
        if (this.#unseen > WATCH_BACKLOG_LIMIT) throw new Overflow(`a thread fell more than ${WATCH_BACKLOG_LIMIT} changes behind`);
      },
      progress: () => undefined,
      ended: (error) => {
        if (this.#feed === feed) send(this.#port, { type: 'unfed', fault: faultOf(error).fault });
      },
    });
    this.#feed = feed;
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
