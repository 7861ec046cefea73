/** How long to wait before the next attempt: doubling from `baseMs` to `limitMs`, shortened at random by up to `jitter`. */
import type { Random } from './random.ts';

export interface BackoffOptions {
  readonly baseMs: number;
  readonly limitMs: number;
  /** 0: none; 0.5: between half and the whole. */
  readonly jitter?: number;
}

export function backoff(attempt: number, options: BackoffOptions, random?: Random): number {
  const full = Math.min(options.limitMs, options.baseMs * 2 ** Math.min(attempt, 52));
  const jitter = options.jitter ?? 0;
  return random && jitter > 0 ? full * (1 - jitter * random.next()) : full;
}
