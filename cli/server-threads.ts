/** Further threads that answer requests at the port of this process's API server: each is an API server of its own over the same store. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { AuditBackend } from '../apiserver/audit/audit.ts';
import type { AuditEvent } from '../apiserver/audit/event.ts';
import type { Companions } from '../apiserver/handlers.ts';
import { materialOf, type PkiMaterial } from '../apiserver/pki/lent-pki.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { Check } from '../apiserver/readiness.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { hostStore, type StoreHost } from '../apiserver/storage/remote-host.ts';
import type { Store } from '../apiserver/storage/store.ts';
import { backoff } from '../std/backoff.ts';
import { type Clock, sleep } from '../std/clock.ts';
import type { ApiServerFlags } from './flags.ts';
import type { Log } from './log.ts';

/** What a thread starts with. `store` and `marks`: how it reaches the store of the first thread; without them it opens its own. */
export interface ThreadData {
  readonly flags: ApiServerFlags;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly pki: PkiMaterial;
  /** The first thread keeps audit records. */
  readonly audits: boolean;
  /** By name: what must be well on the first thread for this one to be ready. */
  readonly checks: readonly string[];
  readonly store?: MessagePort;
  readonly marks?: SharedArrayBuffer;
}

/** To a thread. */
export type Order =
  | { readonly type: 'pki'; readonly pki: PkiMaterial }
  /** These nodes of the first thread can be asked what they use. */
  | { readonly type: 'nodes'; readonly names: readonly string[] }
  | { readonly type: 'told'; readonly id: number; readonly value: unknown }
  | { readonly type: 'refused'; readonly id: number; readonly why: string }
  | { readonly type: 'count'; readonly id: number }
  | { readonly type: 'stop' };

/** From a thread. */
export type Word =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'ask'; readonly id: number; readonly what: Question }
  | { readonly type: 'counted'; readonly id: number; readonly text: string }
  | { readonly type: 'audit'; readonly event: AuditEvent };

export type Question = { readonly type: 'summary'; readonly node: string } | { readonly type: 'check'; readonly name: string } | { readonly type: 'counted' };

export interface ThreadsOptions {
  readonly count: number;
  readonly flags: ApiServerFlags;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly pki: Pki;
  readonly server: ApiServer;
  readonly audit: readonly AuditBackend[];
  readonly checks: readonly Check[];
  /** Of this thread; undefined where each thread opens the store for itself. */
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY = { baseMs: 100, limitMs: 10_000 };
/** A thread that does not say so soon what it has counted is left out. */
const COUNT_LIMIT_MS = 1_000;

export class ServerThreads implements Companions {
  readonly #threads: ServerThread[] = [];
  #host: StoreHost | undefined;

  /** Resolves when all of them answer. */
  async start(options: ThreadsOptions): Promise<void> {
    const { statistics, meter } = options.server;
    const counted = async (asker: ServerThread): Promise<string[]> => [meter.text(), ...(await this.#countedBy((thread) => thread !== asker))];
    this.#host = options.store && (await hostStore(options.store));
    for (let i = 0; i < options.count; i++) this.#threads.push(new ServerThread(options, this.#host, counted));
    statistics.onProvided(() => this.#threads.forEach((thread) => thread.tellNodes()));
    await Promise.all(this.#threads.map((thread) => thread.start()));
  }

  readonly counted = (): Promise<readonly string[]> => this.#countedBy(() => true);

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
    this.#host?.close();
  }

  async #countedBy(isMeant: (thread: ServerThread) => boolean): Promise<string[]> {
    const texts = await Promise.all(this.#threads.filter(isMeant).map((thread) => thread.counted()));
    return texts.filter((text) => text !== undefined);
  }
}

class ServerThread {
  readonly #options: ThreadsOptions;
  readonly #host: StoreHost | undefined;
  readonly #countedElsewhere: (asker: ServerThread) => Promise<string[]>;
  readonly #counting = new Map<number, (text: string) => void>();
  #counts = 0;
  #worker: Worker | undefined;
  #isClosing = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: ThreadsOptions, host: StoreHost | undefined, countedElsewhere: (asker: ServerThread) => Promise<string[]>) {
    this.#options = options;
    this.#host = host;
    this.#countedElsewhere = countedElsewhere;
  }

  async start(): Promise<void> {
    const { pki, flags, dataDir, host, port, audit, checks, log } = this.#options;
    const data: ThreadData = { flags, dataDir, host, port, pki: materialOf(pki), audits: audit.length > 0, checks: checks.map(({ name }) => name) };
    const channel = this.#host && new MessageChannel();
    const lent = channel && this.#host?.lend(channel.port1);
    const worker = new Worker(new URL(`./server-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url), {
      workerData: lent && channel ? { ...data, store: channel.port2, marks: lent.marks } : data, transferList: channel ? [channel.port2] : [],
    });
    this.#worker = worker;
    const renewed = pki.onRenewed(() => this.#tell({ type: 'pki', pki: materialOf(pki) }));
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    worker.on('message', (word: Word) => {
      if (word.type === 'ready') ready.resolve();
      else if (word.type === 'failed') ready.reject(new Error(word.why));
      else this.#hear(word);
    });
    worker.on('error', (error) => {
      ready.reject(error);
      log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a server thread has failed');
    });
    worker.on('exit', () => {
      ready.reject(new Error('a server thread has ended'));
      renewed.close();
      lent?.close();
      ended.resolve();
      if (!this.#isClosing) void this.#startAgain();
    });
    this.tellNodes();
    await ready.promise;
  }

  tellNodes(): void {
    this.#tell({ type: 'nodes', names: [...this.#options.server.statistics.own.keys()] });
  }

  counted(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const id = ++this.#counts;
      const end = (text: string | undefined): void => {
        late.cancel();
        this.#counting.delete(id);
        resolve(text);
      };
      const late = this.#options.clock.after(COUNT_LIMIT_MS, () => end(undefined));
      this.#counting.set(id, end);
      this.#tell({ type: 'count', id });
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#tell({ type: 'stop' });
    await this.#ended;
  }

  #tell(order: Order): void {
    this.#worker?.postMessage(order);
  }

  #hear(word: Word): void {
    if (word.type === 'counted') this.#counting.get(word.id)?.(word.text);
    else if (word.type === 'audit') for (const backend of this.#options.audit) backend.write(word.event);
    else if (word.type === 'ask') {
      const { id } = word;
      this.#answer(word.what).then(
        (value) => this.#tell({ type: 'told', id, value }),
        (error: unknown) => this.#tell({ type: 'refused', id, why: error instanceof Error ? error.message : String(error) }),
      );
    }
  }

  async #answer(what: Question): Promise<unknown> {
    if (what.type === 'counted') return this.#countedElsewhere(this);
    if (what.type === 'check') return this.#options.checks.find(({ name }) => name === what.name)?.failing?.();
    const summary = this.#options.server.statistics.own.get(what.node);
    return summary ? summary() : Promise.reject(new Error(`node ${what.node} is not here`));
  }

  /** Its connections are gone with it; clients make new ones, to whoever listens. */
  async #startAgain(): Promise<void> {
    for (let attempt = 0; !this.#isClosing; attempt++) {
      await sleep(this.#options.clock, backoff(attempt, RETRY));
      if (this.#isClosing) return;
      try {
        return await this.start();
      } catch (error) {
        this.#options.log.error({ error: String(error) }, 'a server thread cannot be started; trying again');
      }
    }
  }
}
