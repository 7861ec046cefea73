/** Further threads that answer requests at the port of this process's API server: each is an API server of its own over the same store. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { materialOf, type PkiMaterial } from '../apiserver/pki/lent-pki.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { lend } from '../apiserver/storage/remote-host.ts';
import type { Store } from '../apiserver/storage/store.ts';
import { backoff } from '../std/backoff.ts';
import { type Clock, sleep } from '../std/clock.ts';
import type { ApiServerFlags } from './flags.ts';
import type { Log } from './log.ts';

/** What a thread starts with. `store` and `head`: how it reaches the store of this thread; without them it opens its own. */
export interface ThreadData {
  readonly flags: ApiServerFlags;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly pki: PkiMaterial;
  readonly store?: MessagePort;
  readonly head?: SharedArrayBuffer;
}

/** To a thread. */
export type Order =
  | { readonly type: 'pki'; readonly pki: PkiMaterial }
  /** A node of this process has statistics. */
  | { readonly type: 'node'; readonly name: string }
  | { readonly type: 'told'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly id: number; readonly why: string }
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'stop' };

/** From a thread. */
export type Word =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly why: string }
  /** What a node of the first thread uses, or what all threads have counted. */
  | { readonly type: 'ask'; readonly id: number; readonly what: { readonly summary: string } | 'metrics' }
  | { readonly type: 'counted'; readonly id: number; readonly text: string };

export interface ThreadsOptions {
  readonly count: number;
  readonly flags: ApiServerFlags;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly pki: Pki;
  readonly server: ApiServer;
  /** Of this thread; undefined where each thread opens the store for itself. */
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY = { baseMs: 100, limitMs: 10_000 };

/** Resolves when all of them answer. */
export async function startThreads(options: ThreadsOptions): Promise<{ close(): Promise<void> }> {
  const threads = Array.from({ length: options.count }, () => new ServerThread(options));
  await Promise.all(threads.map((thread) => thread.start()));
  return { close: async () => void (await Promise.all(threads.map((thread) => thread.close()))) };
}

class ServerThread {
  readonly #options: ThreadsOptions;
  #worker: Worker | undefined;
  #closing = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ThreadsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { store, pki, flags, dataDir, host, port } = this.#options;
    const data: ThreadData = { flags, dataDir, host, port, pki: materialOf(pki) };
    const channel = store && new MessageChannel();
    const lent = store && channel ? await lend(store, channel.port1) : undefined;
    const worker = new Worker(new URL('./server-thread.ts', import.meta.url), {
      workerData: lent && channel ? { ...data, store: channel.port2, head: lent.head } : data, transferList: channel ? [channel.port2] : [],
    });
    this.#worker = worker;
    const renewed = pki.onRenewed(() => this.#tell({ type: 'pki', pki: materialOf(pki) }));
    const ready = Promise.withResolvers<void>();
    worker.on('message', (word: Word) => {
      if (word.type === 'ready') ready.resolve();
      else if (word.type === 'failed') ready.reject(new Error(word.why));
      else if (word.type === 'ask') void this.#answer(word);
    });
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    worker.on('error', (error) => {
      ready.reject(error);
      this.#options.log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a server thread has failed');
    });
    worker.on('exit', () => {
      ready.reject(new Error('a server thread has ended'));
      renewed.close();
      lent?.close();
      ended.resolve();
      if (!this.#closing) void this.#again();
    });
    await ready.promise;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#tell({ type: 'stop' });
    await this.#ended;
  }

  #tell(order: Order): void {
    this.#worker?.postMessage(order);
  }

  async #answer({ id }: Extract<Word, { type: 'ask' }>): Promise<void> {
    this.#tell({ type: 'refused', id, why: 'not known' });
  }

  /** Its connections are gone with it; clients make new ones, to whoever listens. */
  async #again(): Promise<void> {
    for (let attempt = 0; !this.#closing; attempt++) {
      await sleep(this.#options.clock, backoff(attempt, RETRY));
      if (this.#closing) return;
      try {
        return await this.start();
      } catch (error) {
        this.#options.log.error({ error: String(error) }, 'a server thread cannot be started; trying again');
      }
    }
  }
}
