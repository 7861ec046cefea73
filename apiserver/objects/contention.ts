/**
 * Many who change one object at the same time: who comes with an old version is not told at once, but in a line, one after the
 * other as the object changes. Of all who read and write again, each then meets one rival instead of all the others.
 *
 * Only answers wait, never a write; and only where several were refused within moments. Whoever is alone is told at once.
 */
import { isReason } from '../../api/status.ts';
import { systemClock, type Clock, type Timer } from '../../std/clock.ts';
import type { ResourceCache } from '../cache/cache.ts';
import type { Exchange } from '../exchange.ts';
import type { Resource } from '../registry/resource.ts';

/** Who was let go is given so long to come again before the next one is. */
const TRY_MS = 10;
/** Nobody waits longer. */
const WAIT_LIMIT_MS = 100;
/** Those who wait for one object, and for all of them; others are told at once. */
const LINE_LIMIT = 256;
const WAITING_LIMIT = 1_024;

export interface Contended {
  readonly exchange: Exchange;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

export class Contention {
  readonly #clock: Clock;
  /** By their cache: servers of one process have objects of the same names. */
  readonly #lines = new WeakMap<ResourceCache, Map<string, Line>>();
  #waiting = 0;

  /** The clock is that of the connections, whatever the cluster's own shows: who waits on a socket does so in real time. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Runs a change; a conflict that it ends with is thrown when it is this caller's turn to hear of it. */
  async orderly<T>(subject: Contended, change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } catch (error) {
      // Within the process nobody is in a hurry.
      if (isReason(error, 'Conflict') && subject.exchange.remoteAddress !== undefined) await this.turn(subject);
      throw error;
    }
  }

  /** Resolves when somebody who was refused may be told. */
  async turn({ resource, namespace, name, exchange }: Contended): Promise<void> {
    const key = resource.key(namespace, name);
    let lines = this.#lines.get(resource.cache);
    if (!lines) this.#lines.set(resource.cache, (lines = new Map()));
    const line = lines.get(key);
    if (!line) {
      const first = new Line(this.#clock, () => lines.delete(key));
      if (first.follow(resource.cache, namespace, name)) lines.set(key, first);
      return;
    }
    if (line.length >= LINE_LIMIT || this.#waiting >= WAITING_LIMIT) return;
    this.#waiting++;
    exchange.leaveSeat?.();
    await line.wait(exchange.signal);
    this.#waiting--;
  }
}

/** Those who wait for one object. It exists from the first conflict until nobody has waited for a while. */
class Line {
  readonly #clock: Clock;
  readonly #onEmpty: () => void;
  readonly #waiting = new Set<() => void>();
  #patience: Timer;
  #events: { close(): void } | undefined;

  constructor(clock: Clock, onEmpty: () => void) {
    this.#clock = clock;
    this.#onEmpty = onEmpty;
    this.#patience = clock.after(TRY_MS, () => this.#next());
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Each change of the object lets the next one go. False: that cannot be known now. */
  follow(cache: ResourceCache, namespace: string, name: string): boolean {
    try {
      this.#events = cache.watch(cache.revision, namespace === '' ? undefined : namespace, {
        event: () => this.#next(),
        bookmark: () => undefined,
        ended: () => this.#end(),
      }, { field: 'metadata.name', value: name });
      return true;
    } catch {
      this.#patience.cancel();
      return false;
    }
  }

  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.#waiting.delete(go);
        limit.cancel();
        signal.removeEventListener('abort', go);
        resolve();
      };
      const limit = this.#clock.after(WAIT_LIMIT_MS, go);
      signal.addEventListener('abort', go, { once: true });
      this.#waiting.add(go);
      if (signal.aborted) go();
    });
  }

  #next(): void {
    this.#patience.cancel();
    const [go] = this.#waiting;
    if (!go) return this.#end();
    go();
    this.#patience = this.#clock.after(TRY_MS, () => this.#next());
  }

  #end(): void {
    this.#patience.cancel();
    this.#events?.close();
    this.#events = undefined;
    this.#onEmpty();
    for (const go of this.#waiting) go();
  }
}
