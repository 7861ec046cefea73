/** Time as an argument: the system's clock for real clusters, a virtual one that tests and simulations move by hand. */
import { Heap } from './heap.ts';

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never run backwards; only differences mean something. */
  monotonic(): number;
  after(delayMs: number, run: () => void): Timer;
}

/** The machine's own clock. Timers do not keep the process alive on their own when `unref` is asked for. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, Math.min(Math.max(0, delayMs), MAX_DELAY_MS));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Node turns longer delays into one millisecond. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Resolves after the delay, or at once when the signal is aborted (it never rejects: callers look at the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Runs again and again, `periodMs` after the previous run ended; a run that throws is handed to `onError`. */
export function every(clock: Clock, periodMs: number, run: () => void | Promise<void>, onError: (error: unknown) => void): Timer {
  let stopped = false;
  let timer: Timer;
  const arm = (): void => {
    timer = clock.after(periodMs, () => {
      Promise.resolve()
        .then(run)
        .catch(onError)
        .finally(() => {
          if (!stopped) arm();
        });
    });
  };
  arm();
  return {
    cancel() {
      stopped = true;
      timer.cancel();
    },
  };
}

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** A clock that stands still until it is told to move. Timers run in the order of their time, then of their making. */
export class VirtualClock implements Clock {
  readonly #pending = new Heap<Pending>((a, b) => a.at - b.at || a.order - b.order);
  #now: number;
  /** What the clock on the wall shows besides. */
  #shift = 0;
  #order = 0;

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  /** Whole milliseconds, as the system's. */
  now(): number {
    return Math.floor(this.#now + this.#shift);
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Pending = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run, cancelled: false };
    this.#pending.push(entry);
    return {
      cancel() {
        entry.cancelled = true;
      },
    };
  }

  /** When the next timer is due, in `monotonic` time, if there is one. */
  next(): number | undefined {
    this.#dropCancelled();
    return this.#pending.peek()?.at;
  }

  /** Moves to the next timer that is due by then and runs all of that moment. Without one it only moves, and says false. */
  step(byMs: number): boolean {
    const end = this.#now + Math.max(0, byMs);
    const next = this.next();
    if (next === undefined || next > end) {
      this.#now = end;
      return false;
    }
    this.#now = Math.max(this.#now, next);
    const due: Pending[] = [];
    for (let at = this.next(); at !== undefined && at <= this.#now; at = this.next()) due.push(this.#pending.pop() as Pending);
    for (const entry of due) if (!entry.cancelled) entry.run();
    return true;
  }

  /** Time passes and nothing runs, as on a machine that slept: what fell due meanwhile is due now. */
  leap(byMs: number): void {
    this.#now += byMs;
  }

  /** Somebody sets the clock on the wall, back or forth. `monotonic` and timers do not notice. */
  shift(byMs: number): void {
    this.#shift += byMs;
  }

  /** Moves time forward, runs what falls due on the way, and lets promises settle between any two timers. */
  async advance(byMs: number): Promise<void> {
    const end = this.#now + byMs;
    for (;;) {
      await settle();
      const next = this.next();
      if (next === undefined || next > end) break;
      this.#now = Math.max(this.#now, next);
      this.#pending.pop()?.run();
    }
    this.#now = end;
    await settle();
  }

  #dropCancelled(): void {
    while (this.#pending.peek()?.cancelled) this.#pending.pop();
  }
}

/** One turn of the event loop: promise callbacks and I/O that is ready get their chance. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
