/**
 * Work of many that falls due again and again, such as writing to connections: it takes half of the event loop at most, so
 * that others get the other half, and whoever's turn has not come yet can gather more to do at once.
 */
import { systemClock, type Clock } from './clock.ts';

/** So much processor time at once; what is left waits for the next round. */
const ROUND_MS = 10;
/** Rounds this short need no pause after them. */
const FREE_MS = 1;
/** The time is looked at once for so many. */
const LOOK = 8;

export interface TurnsOptions {
  readonly clock?: Clock;
  /** Processor time of this thread: what others do on the machine makes no round longer. */
  readonly usedMs?: () => number;
}

export class Turns {
  readonly #clock: Clock;
  readonly #usedMs: () => number;
  #waiting: (() => void)[] = [];
  #head = 0;
  #isDue = false;
  #pausedUntil = 0;

  constructor({ clock = systemClock, usedMs = threadMs }: TurnsOptions = {}) {
    this.#clock = clock;
    this.#usedMs = usedMs;
  }

  /** Runs it soon, in the order of these calls: in this turn of the event loop, unless there is much to do. It must not throw. */
  add(run: () => void): void {
    this.#waiting.push(run);
    if (!this.#isDue) this.#arm();
  }

  #arm(): void {
    this.#isDue = true;
    const pauseMs = this.#pausedUntil - this.#clock.monotonic();
    if (pauseMs > 0) this.#clock.after(pauseMs, () => this.#round());
    else setImmediate(() => this.#round());
  }

  /** A pause follows that is as long as the round was. */
  #round(): void {
    const start = this.#usedMs();
    let tookMs = 0;
    for (let ran = 1; this.#head < this.#waiting.length && tookMs < ROUND_MS; ran++) {
      const run = this.#waiting[this.#head++] as () => void;
      run();
      if (ran % LOOK === 0) tookMs = this.#usedMs() - start;
    }
    tookMs = this.#usedMs() - start;
    this.#pausedUntil = tookMs < FREE_MS ? 0 : this.#clock.monotonic() + tookMs;
    this.#waiting = this.#waiting.slice(this.#head);
    this.#head = 0;
    this.#isDue = false;
    if (this.#waiting.length > 0) this.#arm();
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
