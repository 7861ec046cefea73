/** One further thread that answers requests, as the first thread sees it: it is started, asked, replaced when it fails, and ended. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { AuditBackend } from '../apiserver/audit/audit.ts';
import type { AuditEvent } from '../apiserver/audit/event.ts';
import { materialOf, type PkiMaterial } from '../apiserver/pki/lent-pki.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { Check } from '../apiserver/readiness.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { StoreHost } from '../apiserver/storage/remote-host.ts';
import type { NodeRequest } from '../apiserver/streaming/own-node.ts';
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
  /** So large a part of the connections is to go elsewhere. */
  | { readonly type: 'shed'; readonly share: number }
  /** As `stop`, unless something lasts here. */
  | { readonly type: 'retire' }
  | { readonly type: 'stop' };

/** From a thread. */
export type Word =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly why: string }
  | { readonly type: 'ask'; readonly id: number; readonly what: Question }
  | { readonly type: 'counted'; readonly id: number; readonly text: string }
  /** It does not retire now. */
  | { readonly type: 'stays' }
  | { readonly type: 'audit'; readonly event: AuditEvent };

export type Question = { readonly type: 'summary'; readonly node: string } | { readonly type: 'node'; readonly node: string; readonly request: NodeRequest } | { readonly type: 'check'; readonly name: string } | { readonly type: 'counted' };

export interface HandleOptions {
  readonly flags: ApiServerFlags;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly pki: Pki;
  readonly server: Pick<ApiServer, 'statistics'>;
  readonly audit: readonly AuditBackend[];
  readonly checks: readonly Check[];
  readonly clock: Clock;
  readonly log: Pick<Log, 'error'>;
  /** What runs in the thread; another one for tests. */
  readonly script?: URL;
}

const RETRY = { baseMs: 100, limitMs: 10_000 };
/** A thread that does not say so soon what it has counted is left out. */
const COUNT_LIMIT_MS = 1_000;

type Phase = 'starting' | 'ready' | 'ending';

export class ThreadHandle {
  readonly #options: HandleOptions;
  readonly #store: StoreHost | undefined;
  readonly #countedElsewhere: (asker: ThreadHandle) => Promise<string[]>;
  readonly #counting = new Map<number, (text: string) => void>();
  #counts = 0;
  #worker: Worker | undefined;
  #phase: Phase = 'starting';
  #ended: Promise<void> = Promise.resolve();
  #stays: (() => void) | undefined;

  constructor(options: HandleOptions, store: StoreHost | undefined, countedElsewhere: (asker: ThreadHandle) => Promise<string[]>) {
    this.#options = options;
    this.#store = store;
    this.#countedElsewhere = countedElsewhere;
  }

  /** Of the worker, undefined while there is none: for its utilization. */
  get performance(): Worker['performance'] | undefined {
    return this.#phase === 'ready' ? this.#worker?.performance : undefined;
  }

  /** Resolves when it answers requests. */
  async start(): Promise<void> {
    const { pki, log } = this.#options;
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const channel = this.#store && new MessageChannel();
    const lent = channel && this.#store?.lend(channel.port1);
    const worker = new Worker(this.#options.script ?? SCRIPT, {
      workerData: { ...this.#data(), ...(lent && channel && { store: channel.port2, marks: lent.marks }) } satisfies ThreadData, transferList: channel ? [channel.port2] : [], env: environment(),
    });
    this.#worker = worker;
    this.#ended = ended.promise;
    const renewed = pki.onRenewed(() => this.#tell({ type: 'pki', pki: materialOf(pki) }));
    worker.on('message', (word: Word) => {
      if (word.type === 'ready') {
        if (this.#phase === 'starting') this.#phase = 'ready';
        ready.resolve();
      } else if (word.type === 'failed') {
        ready.reject(new Error(word.why));
        void worker.terminate();
      } else this.#hear(word);
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
      // One that never was ready is the business of whoever started it.
      if (this.#phase === 'ready') void this.#startAgain();
    });
    this.tellNodes();
    await ready.promise;
  }

  tellNodes(): void {
    this.#tell({ type: 'nodes', names: [...this.#options.server.statistics.own.keys()] });
  }

  shed(share: number): void {
    this.#tell({ type: 'shed', share });
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
    this.#phase = 'ending';
    this.#tell({ type: 'stop' });
    await this.#ended;
  }

  /** Ends it if nothing lasts there; whether it did. */
  async retire(): Promise<boolean> {
    if (this.#phase !== 'ready') return false;
    this.#phase = 'ending';
    const stays = new Promise<boolean>((resolve) => (this.#stays = () => resolve(false)));
    this.#tell({ type: 'retire' });
    return Promise.race([stays, this.#ended.then(() => true)]);
  }

  #data(): ThreadData {
    const { pki, flags, dataDir, host, port, audit, checks } = this.#options;
    return { flags, dataDir, host, port, pki: materialOf(pki), audits: audit.length > 0, checks: checks.map(({ name }) => name) };
  }

  #tell(order: Order): void {
    this.#worker?.postMessage(order);
  }

  #hear(word: Exclude<Word, { type: 'ready' | 'failed' }>): void {
    switch (word.type) {
      case 'counted':
        return this.#counting.get(word.id)?.(word.text);
      case 'stays':
        this.#phase = 'ready';
        return this.#stays?.();
      case 'audit':
        for (const backend of this.#options.audit) backend.write(word.event);
        return;
      case 'ask': {
        const { id } = word;
        return void this.#answer(word.what).then(
          (value) => this.#tell({ type: 'told', id, value }),
          (error: unknown) => this.#tell({ type: 'refused', id, why: error instanceof Error ? error.message : String(error) }),
        );
      }
    }
  }

  async #answer(what: Question): Promise<unknown> {
    if (what.type === 'counted') return this.#countedElsewhere(this);
    if (what.type === 'check') return this.#options.checks.find(({ name }) => name === what.name)?.failing?.();
    const { statistics } = this.#options.server;
    const asked = what.type === 'node' ? statistics.asks(what.node) : undefined;
    if (asked && what.type === 'node') return asked(what.request);
    const summary = what.type === 'summary' ? statistics.own.get(what.node) : undefined;
    return summary ? summary() : Promise.reject(new Error(`node ${what.node} is not here`));
  }

  /** Its connections are gone with it; clients make new ones, to whoever listens. */
  async #startAgain(): Promise<void> {
    this.#phase = 'starting';
    for (let attempt = 0; this.#phase === 'starting'; attempt++) {
      await sleep(this.#options.clock, backoff(attempt, RETRY));
      if (this.#phase !== 'starting') return;
      try {
        return await this.start();
      } catch (error) {
        this.#options.log.error({ error: String(error) }, 'a server thread cannot be started; trying again');
      }
    }
  }
}

/** Where compiled code is kept does not pass on by itself. */
function environment(): NodeJS.ProcessEnv {
  const directory = getCompileCacheDir();
  return directory === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(directory) };
}

const SCRIPT = new URL(`./server-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
