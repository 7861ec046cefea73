/** How long to leave a thing alone that keeps failing: a second at first, then twice as long each time. */
const BASE_MS = 1000;
const LIMIT_MS = 15 * 60_000;
/** More are forgotten, oldest first: their next failure counts as the first. */
const MAX_REMEMBERED = 4096;

export class FailureBackoff {
  readonly #known = new Map<string, { delayMs: number; at: number }>();

  /** 0: go on, and this counts as another failure. Otherwise in how many milliseconds to ask again. */
  waitMs(key: string, now: number): number {
    const known = this.#known.get(key);
    if (known && now < known.at + known.delayMs) return known.at + known.delayMs - now;
    const rested = !known || now - known.at > 2 * LIMIT_MS;
    this.#known.delete(key);
    this.#known.set(key, { delayMs: rested ? BASE_MS : Math.min(2 * known.delayMs, LIMIT_MS), at: now });
    if (this.#known.size > MAX_REMEMBERED) for (const oldest of this.#known.keys()) return this.#forget(oldest);
    return 0;
  }

  #forget(key: string): 0 {
    this.#known.delete(key);
    return 0;
  }
}
