/** The clock of a simulation: moves from moment to moment, and lets everything come to rest between any two. */
import { VirtualClock, type Clock, type Timer } from '../../std/clock.ts';
import { Traffic } from '../../cluster/line.ts';

/** So many turns of the event loop without a call, an answer or an event: what is still under way waits for the clock. */
const QUIET_TURNS = 3;
/** A cluster that goes on for so long without time passing would go on for ever. */
const TURN_LIMIT = 20_000;

export class SimulationTime implements Clock {
  readonly traffic = new Traffic();
  readonly #clock: VirtualClock;
  readonly #startMs: number;

  constructor(startMs: number) {
    this.#startMs = startMs;
    this.#clock = new VirtualClock(startMs);
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

  /** How long the simulation has lasted. */
  get elapsedMs(): number {
    return this.#clock.monotonic() - this.#startMs;
  }

  shift(byMs: number): void {
    this.#clock.shift(byMs);
  }

  leap(byMs: number): void {
    this.#clock.leap(byMs);
  }

  async run(byMs: number): Promise<void> {
    const end = this.#clock.monotonic() + byMs;
    do await this.settle();
    while (this.#clock.step(end - this.#clock.monotonic()));
    await this.settle();
  }

  async settle(): Promise<void> {
    const { traffic } = this;
    let before = traffic.passed;
    let turns = 0;
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      while ((this.#clock.next() ?? Infinity) <= this.#clock.monotonic()) {
        this.#clock.step(0);
        quiet = -1;
      }
      if (traffic.passed !== before) quiet = -1;
      before = traffic.passed;
      if (turns++ > TURN_LIMIT) throw new Error('something goes on for ever without time passing');
    }
  }
}
