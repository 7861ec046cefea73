/** Further threads that answer requests at the port of this process's API server: as many as are asked for, or as many as there is work for. */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import type { Companions } from '../apiserver/handler-parts.ts';
import type { Listener } from '../apiserver/http/listen.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { hostStore, type StoreHost } from '../apiserver/storage/remote-host.ts';
import type { Store } from '../apiserver/storage/store.ts';
import { every, type Timer } from '../std/clock.ts';
import { type Bounds, LOOK_MS, type Look, ThreadBalance } from './thread-balance.ts';
import { type HandleOptions, ThreadHandle } from './thread-handle.ts';

export interface ThreadsOptions extends HandleOptions {
  readonly bounds: Bounds;
  readonly server: ApiServer;
  /** Of the first thread. */
  readonly listener: Pick<Listener, 'load' | 'shed'>;
  /** Of this thread; undefined where each thread opens the store for itself. */
  readonly store: Store | undefined;
  /** In place of what the event loops say; the first thread first. */
  readonly busy?: () => readonly number[];
}

export class ServerThreads implements Companions {
  readonly #threads: ThreadHandle[] = [];
  readonly #utilization = new Map<ThreadHandle | undefined, EventLoopUtilization>();
  #host: Promise<StoreHost> | undefined;
  #looks: Timer | undefined;
  #requests = 0;
  /** A thread is on its way, or out. */
  #isMoving = false;
  #isClosing = false;

  /** Resolves when the least number of them answers. */
  async start(options: ThreadsOptions): Promise<void> {
    const { bounds, server, clock, log } = options;
    server.statistics.onProvided(() => this.#threads.forEach((thread) => thread.tellNodes()));
    await Promise.all(Array.from({ length: bounds.least }, () => this.#add(options)));
    const balance = new ThreadBalance(bounds);
    this.#looks = every(clock, LOOK_MS, () => this.#look(options, balance), (error) => log.error({ error: String(error) }, 'server threads'));
  }

  readonly counted = (): Promise<readonly string[]> => this.#countedBy(() => true);

  get count(): number {
    return this.#threads.length;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#looks?.cancel();
    await Promise.all(this.#threads.map((thread) => thread.close()));
    (await this.#host)?.close();
  }

  async #add(options: ThreadsOptions): Promise<void> {
    const { store, server } = options;
    const host = store && (await (this.#host ??= hostStore(store)));
    const thread = new ThreadHandle(options, host, async (asker) => [server.meter.text(), ...(await this.#countedBy((thread) => thread !== asker))]);
    this.#threads.push(thread);
    try {
      await thread.start();
    } catch (error) {
      this.#threads.splice(this.#threads.indexOf(thread), 1);
      throw error;
    }
  }

  async #look(options: ThreadsOptions, balance: ThreadBalance): Promise<void> {
    const { listener } = options;
    const { connections, requests } = listener.load();
    const look: Look = { busy: (options.busy ?? this.#busy)(), isAsked: connections > 1 && requests - this.#requests > 1 };
    this.#requests = requests;
    // Whoever is on its way has had no chance yet to be busy.
    if (this.#isMoving || this.#isClosing) return;
    const move = balance.look(look);
    if (move?.type === 'shed') return move.from === 0 ? listener.shed(move.share) : this.#threads[move.from - 1]?.shed(move.share);
    if (move === undefined) return;
    this.#isMoving = true;
    try {
      if (move.type === 'start') await this.#add(options);
      else await this.#retireLast();
    } finally {
      this.#isMoving = false;
    }
  }

  async #retireLast(): Promise<void> {
    const last = this.#threads.at(-1);
    if (last && (await last.retire())) {
      this.#utilization.delete(last);
      this.#threads.splice(this.#threads.indexOf(last), 1);
    }
  }

  readonly #busy = (): number[] => {
    const first = this.#busySince(undefined, performance) ?? 0;
    // One that is not there to be compared is no reason to do anything.
    return [first, ...this.#threads.map((thread) => this.#busySince(thread, thread.performance) ?? first)];
  };

  #busySince(thread: ThreadHandle | undefined, source: Pick<typeof performance, 'eventLoopUtilization'> | undefined): number | undefined {
    const now = source?.eventLoopUtilization();
    const before = this.#utilization.get(thread);
    if (!now) return undefined;
    this.#utilization.set(thread, now);
    // One that was replaced counts anew.
    if (!before || now.active < before.active || now.idle < before.idle) return undefined;
    return performance.eventLoopUtilization(now, before).utilization;
  }

  async #countedBy(isMeant: (thread: ThreadHandle) => boolean): Promise<string[]> {
    const texts = await Promise.all(this.#threads.filter(isMeant).map((thread) => thread.counted()));
    return texts.filter((text) => text !== undefined);
  }
}
