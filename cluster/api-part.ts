/** The API server of a cluster in a test, over a store that outlives it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followTokenSecrets } from '../apiserver/auth/token-secrets.ts';
import type { Listener } from '../apiserver/http/listen.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import { createApiServer, type ApiServer, type ApiServerOptions } from '../apiserver/server.ts';
import { openMemory } from '../apiserver/storage/memory.ts';
import type { AskNode } from '../apiserver/streaming/own-node.ts';
import type { Store } from '../apiserver/storage/store.ts';
import type { Random } from '../std/random.ts';
import { Ending, Line, type Host, type Traffic } from './line.ts';
import type { Switch, Who } from './part.ts';
import type { Clock } from '../std/clock.ts';

export interface ClusterLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface ApiPartOptions {
  readonly time: Clock;
  readonly random: Random;
  readonly pki: Pki;
  readonly log: ClusterLog;
  readonly traffic: Traffic;
  /** One that others use as well, and that outlives this part. Default: its own. */
  readonly store?: Store;
  /** In place of policies and webhooks that are called over the network. */
  readonly dynamicAdmission?: ApiServerOptions['dynamicAdmission'];
}

export interface Port {
  readonly port?: number;
  readonly host?: string;
}

interface Life {
  readonly server: ApiServer;
  readonly gone: Ending;
  readonly secrets: { close(): void };
}

export class ApiPart implements Switch {
  readonly #options: ApiPartOptions;
  #store: Store;
  /** Of the nodes, which have no ports that it could ask at. */
  readonly #summaries = new Map<string, { readonly summary: () => Promise<unknown>; readonly ask: AskNode | undefined }>();
  #life: Life | undefined;
  #starting: Promise<void> | undefined;
  #listener: Listener | undefined;
  #port: Port | undefined;

  constructor(options: ApiPartOptions, saved?: string) {
    this.#options = options;
    this.#store = this.#open(saved);
  }

  get isRunning(): boolean {
    return this.#starting !== undefined;
  }

  get store(): Store {
    return this.#store;
  }

  get server(): ApiServer | undefined {
    return this.#life?.server;
  }

  /** Of the port, once somebody asked for it. */
  get url(): string | undefined {
    return this.#port?.port ? `https://127.0.0.1:${this.#port.port}` : undefined;
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#begin().catch(async (error: unknown) => {
      await this.stop();
      throw error;
    }));
  }

  crash(): void {
    void this.stop();
  }

  async stop(): Promise<void> {
    const life = this.#life;
    this.#life = this.#starting = this.#listener = undefined;
    if (!life) return;
    life.gone.end();
    life.secrets.close();
    this.#options.traffic.passed++;
    await life.server.close();
  }

  /** Also the servers to come listen there. */
  async listen(port: Port = {}): Promise<string> {
    if (!this.url) {
      this.#port = { host: '127.0.0.1', port: 0, ...port };
      await this.start();
      if (!this.#listener) await this.#openPort();
    }
    return this.url as string;
  }

  /** What a node says of its use; servers to come ask too. */
  provide(node: string, summary: () => Promise<unknown>, ask?: AskNode): void {
    this.#summaries.set(node, { summary, ask });
    this.server?.statistics.provide(node, summary, ask);
  }

  openLine(who: Who): Line {
    return new Line(() => this.host(who), this.#options.traffic);
  }

  /** The server as somebody meets it; undefined while it does not run. */
  host({ user, groups = [], userAgent }: Who): Host | undefined {
    const life = this.#life;
    return life && { door: life.server.door({ name: user, groups: [...groups, 'system:authenticated'] }, { userAgent }), gone: life.gone };
  }

  async save(): Promise<string> {
    const directory = mkdtempSync(join(tmpdir(), 'coracle-snapshot-'));
    try {
      const file = join(directory, 'store');
      await this.#store.snapshot(file);
      return readFileSync(file, 'utf8');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  /** Only while it is stopped. */
  async replace(saved: string): Promise<void> {
    await this.#store.close();
    this.#store = this.#open(saved);
  }

  async close(): Promise<void> {
    await this.stop();
    if (!this.#options.store) await this.#store.close();
  }

  #open(saved: string | undefined): Store {
    const { time, store } = this.#options;
    if (store) return store;
    if (saved === undefined) return openMemory({ clock: time });
    const directory = mkdtempSync(join(tmpdir(), 'coracle-snapshot-'));
    try {
      const file = join(directory, 'store');
      writeFileSync(file, saved, { mode: 0o600 });
      return openMemory({ clock: time, from: file });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  async #begin(): Promise<void> {
    const { time, random, pki, log, dynamicAdmission } = this.#options;
    const server = createApiServer({
      store: this.#store,
      pki,
      clock: time,
      random,
      log: { info: (message) => log.info({}, message), error: (message, error) => log.error({ error: error instanceof Error ? error.stack : error }, message) },
      flowLimits: FLOW_LIMITS,
      ...(dynamicAdmission && { dynamicAdmission }),
    });
    const life: Life = { server, gone: new Ending(), secrets: followTokenSecrets({ ...server, caPem: pki.caPem, onError: (error) => log.warn({ error: String(error) }, 'cannot fill a token Secret') }) };
    this.#life = life;
    for (const [node, { summary, ask }] of this.#summaries) server.statistics.provide(node, summary, ask);
    await server.start();
    if (this.#port && this.#life === life) await this.#openPort();
  }

  async #openPort(): Promise<void> {
    const { server } = this.#life as Life;
    this.#listener = await server.listen({ host: '127.0.0.1', port: 0, ...this.#port });
    this.#port = { ...this.#port, port: this.#listener.port };
  }
}

/** Thousands of simulated nodes begin at once. */
const FLOW_LIMITS = { reading: 400, writing: 400, waiting: 100_000 };
