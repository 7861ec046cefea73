/** What was started and must be stopped, the last first, within a limit. */
import { type Clock, sleep } from '../std/clock.ts';

interface Part {
  readonly name: string;
  readonly stop: () => void | Promise<void>;
  readonly limitMs: number;
}

/** A part that has not ended after this time, unless it was given another, is left behind: the process ends anyway. */
const PART_LIMIT_MS = 3_000;

export class Stopper {
  readonly #parts: Part[] = [];
  readonly #clock: Clock;
  #stopping: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(name: string, stop: () => void | Promise<void>, limitMs = PART_LIMIT_MS): void {
    this.#parts.push({ name, stop, limitMs });
  }

  stop(onError: (name: string, error: unknown) => void): Promise<void> {
    return (this.#stopping ??= this.#stop(onError));
  }

  async #stop(onError: (name: string, error: unknown) => void): Promise<void> {
    for (const { name, stop, limitMs } of this.#parts.reverse()) {
      const limit = new AbortController();
      const late = sleep(this.#clock, limitMs, limit.signal).then(() => {
        if (!limit.signal.aborted) onError(name, new Error(`did not stop within ${limitMs / 1000} s`));
      });
      try {
        await Promise.race([Promise.resolve(stop()), late]);
      } catch (error) {
        onError(name, error);
      } finally {
        limit.abort();
      }
    }
  }
}

/** Resolves on the first SIGTERM or SIGINT; a second one ends the process at once. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let told = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (told) process.exit(1);
        told = true;
        resolve(signal);
      });
    }
  });
}
