/** What can happen on the way between a component and the API server, and between the API server and its store. */
import { ApiError } from '../../api/status.ts';
import type { ApiCall, Door, WatchEvent } from '../../api/request.ts';
import { Overflow, Unavailable, type Change, type Store, type WatchSink } from '../../apiserver/storage/store.ts';
import { unreachable } from '../../cluster/line.ts';
import { sleep, type Clock } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';

/** Shares are of 1. A delay is never longer than the leader election's margin, or a leader could write after its term. */
export interface Weather {
  /** Calls that do not arrive. */
  readonly refuse: number;
  /** Calls that are carried out, and whose answer does not arrive. */
  readonly lose: number;
  /** Updates that find somebody else was faster. */
  readonly conflict: number;
  /** Calls that are held up on their way, by at most `delayMs`. */
  readonly delay: number;
  readonly delayMs: number;
}

export const FAIR: Weather = { refuse: 0, lose: 0, conflict: 0, delay: 0, delayMs: 0 };
export const MAX_DELAY_MS = 3_000;
export const MAX_STALL_MS = 5_000;
export const MAX_STORE_STALL_MS = 3_000;

/** The weather over one component, which changes. */
export class Sky {
  weather: Weather = FAIR;
  /** Events of watches wait until then: of all, or of some kinds only, so that what is seen never was. */
  stalledUntil = 0;
  stalls: (resource: string) => boolean = () => true;
  /** Watches that want to go on where they were are told that it is too late. */
  expired = false;
  readonly watches = new Set<AbortController>();

  clear(): void {
    this.weather = FAIR;
    this.expired = false;
    this.stalledUntil = 0;
  }

  dropWatches(): void {
    for (const watch of this.watches) watch.abort();
  }
}

export interface Hearing {
  /** The server said that this was written. */
  acknowledged(call: ApiCall, answer: unknown): void;
  /** It may have been written; the component was not told. */
  lost(call: ApiCall): void;
  /** It was not written; the component cannot know. */
  refused(call: ApiCall): void;
}

export interface FaultyDoorOptions {
  readonly sky: Sky;
  readonly clock: Clock;
  readonly random: Random;
  readonly hearing: Hearing;
}

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

export function faultyDoor(door: Door, { sky, clock, random, hearing }: FaultyDoorOptions): Door {
  return {
    async call(call) {
      const { refuse, lose, conflict, delay, delayMs } = sky.weather;
      const isWrite = WRITES.has(call.verb);
      if (random.next() < delay) await sleep(clock, random.next() * delayMs);
      if (random.next() < refuse) {
        if (isWrite) hearing.refused(call);
        throw unreachable();
      }
      if (random.next() < conflict && isVersioned(call)) throw new ApiError({ code: 409, reason: 'Conflict', message: 'simulated: the object has been modified' });
      const loses = random.next() < lose;
      try {
        const answer = await door.call(call);
        if (isWrite) hearing.acknowledged(call, answer);
        if (!loses) return answer;
      } catch (error) {
        if (isWrite && error instanceof ApiError && error.code >= 500) hearing.lost(call);
        throw error;
      }
      if (isWrite) hearing.lost(call);
      throw unreachable();
    },
    async *watch(call): AsyncGenerator<WatchEvent> {
      if (random.next() < sky.weather.refuse) throw unreachable();
      if (sky.expired && call.query?.['resourceVersion'] !== undefined && random.next() < 0.5) {
        throw new ApiError({ code: 410, reason: 'Expired', message: 'simulated: too old resource version' });
      }
      const ending = new AbortController();
      const end = (): void => ending.abort();
      call.signal?.addEventListener('abort', end, { once: true });
      if (call.signal?.aborted) end();
      sky.watches.add(ending);
      try {
        for await (const event of door.watch({ ...call, signal: ending.signal })) {
          while (sky.stalls(call.resource) && sky.stalledUntil > clock.monotonic() && !ending.signal.aborted) await sleep(clock, sky.stalledUntil - clock.monotonic(), ending.signal);
          if (ending.signal.aborted) return;
          yield event;
        }
      } finally {
        sky.watches.delete(ending);
        call.signal?.removeEventListener('abort', end);
      }
    },
  };
}

/** Only who names a version, or replaces the whole, can be too late. */
function isVersioned({ verb, body, subresource }: ApiCall): boolean {
  if (verb === 'update') return subresource !== 'scale';
  return verb === 'patch' && (body as { metadata?: { resourceVersion?: string } } | undefined)?.metadata?.resourceVersion !== undefined;
}

/** The weather over the store: `delay` and `conflict` do not occur there. */
export class FaultyStore implements Store {
  weather: Weather = FAIR;
  /** Called once, when a write stands and nobody has been told yet. */
  onWritten: (() => void) | undefined;
  readonly #store: Store;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #sinks = new Set<WatchSink>();
  /** What watches say waits until then. */
  #stalledUntil = 0;

  constructor(store: Store, random: Random, clock: Clock) {
    this.#store = store;
    this.#random = random;
    this.#clock = clock;
  }

  /** Its watches are late, though what they say comes in order. */
  stall(forMs: number): void {
    this.#stalledUntil = this.#clock.monotonic() + forMs;
  }

  revision: Store['revision'] = () => this.#store.revision();
  get: Store['get'] = (key, options) => this.#store.get(key, options);
  list: Store['list'] = (prefix, options) => this.#store.list(prefix, options);
  compact: Store['compact'] = (revision) => this.#store.compact(revision);
  snapshot: Store['snapshot'] = (path) => this.#store.snapshot(path);
  close: Store['close'] = () => this.#store.close();

  write: Store['write'] = async (key, expected, value, options) => {
    const { refuse, lose } = this.weather;
    if (this.#random.next() < refuse) throw new Unavailable('simulated: the store takes no writes');
    const loses = this.#random.next() < lose;
    const revision = await this.#store.write(key, expected, value, options);
    const { onWritten } = this;
    this.onWritten = undefined;
    onWritten?.();
    if (loses) throw new Unavailable('simulated: the answer of the store was lost');
    return revision;
  };

  watch: Store['watch'] = (prefix, after, sink) => {
    let over = false;
    let waiting: (() => void)[] = [];
    const inTime = (say: () => void): void => {
      if (over) return;
      const leftMs = this.#stalledUntil - this.#clock.monotonic();
      if (leftMs <= 0 && waiting.length === 0) return say();
      waiting.push(say);
      if (waiting.length > 1) return;
      this.#clock.after(Math.max(0, leftMs), () => {
        const all = waiting;
        waiting = [];
        for (const one of all) if (!over) one();
      });
    };
    const own: WatchSink = {
      changes: (batch: readonly Change[]) => inTime(() => sink.changes(batch)),
      progress: (revision) => inTime(() => sink.progress(revision)),
      ended: (error) => {
        if (over) return;
        over = true;
        this.#sinks.delete(own);
        sink.ended(error);
      },
    };
    this.#sinks.add(own);
    const watch = this.#store.watch(prefix, after, own);
    return {
      close: () => {
        over = true;
        this.#sinks.delete(own);
        watch.close();
      },
    };
  };

  /** Some watchers could not keep up. */
  dropWatches(): void {
    const ending = [...this.#sinks].filter(() => this.#random.next() < 0.5);
    for (const sink of ending) sink.ended(new Overflow('simulated'));
  }
}
