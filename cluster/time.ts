/** The clock of a cluster in a test: it stands still until the test moves it, and everything that falls due on the way gets its turn. */
import { sleep, systemClock, VirtualClock, type Clock, type Timer } from '../std/clock.ts';
import { milliseconds, type Duration } from './duration.ts';
import type { Traffic } from './line.ts';

/** The clock that every part of a cluster goes by. */
export interface ClusterClock extends Clock {
  readonly isFake: boolean;
  /** Moves time on, moment by moment, letting the cluster come to rest between any two. A real clock is waited for. */
  advance(by: Duration): Promise<void>;
}

/** So many turns of the event loop in a row without anything passing mean that nothing is queued. */
const QUIET_TURNS = 4;
/** Calls that have no answer after so long are waiting for the clock, or for good. */
const STUCK_MS = 10_000;

export class ClusterTime implements ClusterClock {
  readonly isFake: boolean;
  readonly #traffic: Traffic;
  #clock: Clock;

  constructor(traffic: Traffic, options: { readonly fake: boolean; readonly startMs: number }) {
    this.#traffic = traffic;
    this.isFake = options.fake;
    this.#clock = options.fake ? new VirtualClock(options.startMs) : systemClock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#clock.after(delayMs, run);
  }

  /** Time as it was at a snapshot. Timers of before are forgotten: who set them has stopped. */
  reset(startMs: number): void {
    if (this.isFake) this.#clock = new VirtualClock(startMs);
  }

  async advance(by: Duration): Promise<void> {
    const ms = milliseconds(by);
    if (!(this.#clock instanceof VirtualClock)) return sleep(this.#clock, ms);
    const end = this.#clock.monotonic() + ms;
    do await this.settled();
    while (this.#clock.step(end - this.#clock.monotonic()));
    await this.settled();
  }

  /** Moves to the next timer that is due within a time; false where there is none. */
  async toNext(withinMs: number): Promise<boolean> {
    await this.settled();
    if (!(this.#clock instanceof VirtualClock)) {
      await sleep(this.#clock, Math.min(withinMs, POLL_MS));
      return true;
    }
    const moved = this.#clock.step(withinMs);
    await this.settled();
    return moved;
  }

  /** Resolves when nothing is queued, under way or due now. */
  async settled(): Promise<void> {
    const traffic = this.#traffic;
    const stuckAt = systemClock.monotonic() + STUCK_MS;
    let before = -1;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await turn();
      while (this.#clock instanceof VirtualClock && this.#isDue(this.#clock)) {
        this.#clock.step(0);
        quiet = -1;
      }
      if (traffic.passed === before && traffic.underWay.size === 0) continue;
      before = traffic.passed;
      quiet = -1;
      if (systemClock.monotonic() > stuckAt) throw new Error(this.#stuck());
    }
  }

  #isDue(clock: VirtualClock): boolean {
    return (clock.next() ?? Infinity) <= clock.monotonic();
  }

  #stuck(): string {
    const calls = [...this.#traffic.underWay].slice(0, 5).map(({ verb, resource, namespace, name }) => [verb, resource, namespace, name].filter(Boolean).join(' '));
    return `the cluster does not come to rest${calls.length > 0 ? `; no answer yet to: ${calls.join(', ')}` : ': its parts go on writing'}`;
  }
}

/** How often a condition is looked at in real time. */
const POLL_MS = 10;

/** One turn of the event loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
