/** Calls to the server in an orderly way: so many at a time, and again after a pause where the server had too much to do. */
import { ApiError } from '../api/status.ts';
import { type Clock, sleep } from '../std/clock.ts';
import { Gate } from '../std/gate.ts';

/** Tries in all, as client-go has it, and the pause where the server names none. */
const ATTEMPTS = 10;
const PAUSE_MS = 1_000;

export interface LaneOptions {
  readonly clock: Clock;
  readonly limit: number;
  readonly signal: AbortSignal;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #gate: Gate;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#gate = new Gate(options.limit);
  }

  /** In the order of their coming. */
  run<T>(call: () => Promise<T>): Promise<T> {
    return this.#gate.run(() => this.#persist(call));
  }

  async #persist<T>(call: () => Promise<T>): Promise<T> {
    const { clock, signal } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 429 || attempt === ATTEMPTS || signal.aborted) throw error;
        const seconds = error.status.details?.retryAfterSeconds;
        await sleep(clock, seconds ? seconds * 1000 : PAUSE_MS, signal);
      }
    }
  }
}
