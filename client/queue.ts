/**
 * The work queue: keys that wait to be worked on, each at most once, none worked on twice at the same time.
 *
 * It needs no limit of its own: a key is there once, and there are as many keys as objects in the caches that feed it.
 * A key that is added while it is worked on is worked on again afterwards. Failed work is repeated with per-key back-off.
 */
import { backoff } from '../std/backoff.ts';
import type { Clock, Timer } from '../std/clock.ts';
import type { QueueSeries } from './queue-series.ts';

export interface QueueOptions {
  readonly clock: Clock;
  /** `again`: nothing was done, and former failures still count. */
  readonly work: (key: string) => Promise<'again' | void>;
  /** How many keys at a time. */
  readonly workers?: number;
  /** Counts what happens. */
  readonly series?: QueueSeries;
  readonly onError?: (key: string, error: unknown, failures: number) => void;
  /** How long failed work rests; `KEY_BACKOFF` where nothing is said. */
  readonly rest?: Rest;
}

/** The first rest after a failure, which doubles with each further one in a row, and the longest. */
export interface Rest {
  readonly baseMs: number;
  readonly limitMs: number;
}

/** 5 ms, doubling, to 1000 s: client-go's item back-off. */
export const KEY_BACKOFF: Rest = { baseMs: 5, limitMs: 1_000_000 };

export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #workers: number;
  /** In the order of their adding; a Set forgets nothing and holds nothing twice. */
  readonly #waiting = new Set<string>();
  /** Keys at work. True: added again meanwhile. */
  readonly #running = new Map<string, boolean>();
  readonly #delayed = new Map<string, { readonly at: number; readonly timer: Timer }>();
  readonly #failures = new Map<string, number>();
  readonly #idle: (() => void)[] = [];
  #scheduled = false;
  #stopped = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#workers = options.workers ?? 1;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** How many keys wait, are delayed or at work. */
  get pending(): number {
    return this.#waiting.size + this.#running.size + this.#delayed.size;
  }

  add(key: string): void {
    if (this.#stopped) return;
    if (this.#running.has(key)) this.#running.set(key, true);
    else this.#waiting.add(key);
    this.#options.series?.added(key, this.#waiting.size);
    this.#schedule();
  }

  /** Of several delays for one key the shortest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    if (delayMs <= 0) return this.add(key);
    const { clock } = this.#options;
    const at = clock.now() + delayMs;
    const known = this.#delayed.get(key);
    if (known && known.at <= at) return;
    known?.timer.cancel();
    const timer = clock.after(delayMs, () => {
      this.#delayed.delete(key);
      this.add(key);
    });
    this.#delayed.set(key, { at, timer });
  }

  /** Adds a key later, the more often in a row the later. */
  retry(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.series?.retried();
    this.addAfter(key, backoff(failures, this.#options.rest ?? KEY_BACKOFF));
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next failure is a first one again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Takes nothing up any more; resolves when the last work has ended. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#waiting.clear();
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    return this.#running.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Work starts in a turn of its own, so that what adds several keys, or one several times, is never interrupted. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      for (const key of this.#waiting) {
        if (this.#running.size >= this.#workers) return;
        this.#waiting.delete(key);
        void this.#run(key);
      }
    });
  }

  async #run(key: string): Promise<void> {
    this.#running.set(key, false);
    this.#options.series?.started(key, this.#waiting.size);
    try {
      if ((await this.#options.work(key)) !== 'again') this.forget(key);
    } catch (error) {
      this.#options.onError?.(key, error, this.failures(key));
      this.retry(key);
    }
    this.#options.series?.ended(key);
    const again = this.#running.get(key);
    this.#running.delete(key);
    if (again) this.add(key);
    if (this.#stopped && this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#waiting.size > 0) this.#schedule();
  }
}
