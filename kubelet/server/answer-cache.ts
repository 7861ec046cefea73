/** Answers that hold for a while: so many at most, what was not asked for longest goes first; who asks for what is being asked waits for that. */
import type { Clock } from '../../std/clock.ts';

export interface AnswerCacheOptions<V> {
  readonly clock: Clock;
  readonly limit: number;
  /** How long an answer holds; 0 is not at all. */
  readonly ttlMs: (value: V) => number;
}

export class AnswerCache<V> {
  readonly #options: AnswerCacheOptions<V>;
  readonly #known = new Map<string, { readonly value: V; readonly until: number }>();
  readonly #asking = new Map<string, Promise<V>>();

  constructor(options: AnswerCacheOptions<V>) {
    this.#options = options;
  }

  get size(): number {
    return this.#known.size;
  }

  /** What `ask` rejects with is told and not kept. */
  async get(key: string, ask: () => Promise<V>): Promise<V> {
    const known = this.#known.get(key);
    if (known) {
      this.#known.delete(key);
      if (this.#options.clock.monotonic() < known.until) {
        this.#known.set(key, known);
        return known.value;
      }
    }
    let asking = this.#asking.get(key);
    if (!asking) {
      asking = this.#ask(key, ask).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #ask(key: string, ask: () => Promise<V>): Promise<V> {
    const { clock, limit, ttlMs } = this.#options;
    const value = await ask();
    const holds = ttlMs(value);
    if (holds <= 0) return value;
    this.#known.set(key, { value, until: clock.monotonic() + holds });
    if (this.#known.size > limit) this.#known.delete(this.#known.keys().next().value as string);
    return value;
  }
}
