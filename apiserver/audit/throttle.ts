/** How often something may be done: so many at once, and so many a second on average. */
import { sleep, type Clock } from '../../std/clock.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Resolves when it may be done, or at once when the signal is aborted. One waits at a time. */
export function throttle({ perSecond, burst }: Rate, clock: Clock): (signal: AbortSignal) => Promise<void> {
  let left = burst;
  let at = clock.monotonic();
  return async (signal) => {
    const now = clock.monotonic();
    left = Math.min(burst, left + ((now - at) / 1000) * perSecond);
    at = now;
    left--;
    if (left < 0) await sleep(clock, (-left / perSecond) * 1000, signal);
  };
}
