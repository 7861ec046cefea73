/**
 * Changes out of etcd: one watch of its whole key space feeds all watchers; what they missed before is read by short-lived ones.
 *
 * The whole key space, because then each revision shows up as an event and its arrival says how far the feed is. etcd's own
 * progress notifications cannot say that: before 3.4.25 and 3.5.8 they may overtake events (etcd-io/etcd#15220).
 */
import type { IDuplexStream, IEvent, IWatchRequest, IWatchResponse, WatchClient } from 'etcd3';
import type { EventEmitter } from 'node:events';
import { backoff } from '../../std/backoff.ts';
import { sleep, type Clock } from '../../std/clock.ts';
import { Compacted, Unavailable, type Change } from './store.ts';
import type { Slice, WatchSource } from './watch-hub.ts';

export interface EtcdFeedOptions {
  readonly client: () => WatchClient;
  readonly clock: Clock;
  /** Of this store's keys within etcd. */
  readonly prefix: string;
  readonly publish: (changes: readonly Change[], revision: number) => void;
  /** The feed lost its place: history was compacted while etcd was away. */
  readonly lost: (error: Compacted) => void;
  /** The newest compaction that is known of; the feed may learn of one. */
  readonly compaction: { revision: number };
}

const RETRY = { baseMs: 50, limitMs: 2_000 };
/** A replay is read in slices of about this many changes. */
const SLICE_CHANGES = 5_000;
const ALL_KEYS = Buffer.from([0]);

type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>;

export class EtcdFeed implements WatchSource {
  readonly #options: EtcdFeedOptions;
  readonly #closing = new AbortController();
  #started: Promise<void> | undefined;
  #head = Infinity;

  constructor(options: EtcdFeedOptions) {
    this.#options = options;
  }

  /** The revision of the newest change that was published. */
  head(): number {
    return this.#head;
  }

  async read(prefix: string, after: number): Promise<Slice> {
    await this.start();
    const target = this.#head;
    const { revision: oldest } = this.#options.compaction;
    if (after < oldest) throw new Compacted(oldest);
    if (after >= target) return { changes: [], upTo: after };
    const changes: Change[] = [];
    let upTo = after;
    const wantsMore = (): boolean => upTo < target && changes.length < SLICE_CHANGES;
    for (let attempt = 0; wantsMore(); attempt++) {
      await this.#pause(attempt);
      await this.#follow(upTo + 1, (batch, revision) => {
        for (const change of batch) if (change.key.startsWith(prefix)) changes.push(change);
        upTo = revision;
        return wantsMore();
      });
    }
    return { changes, upTo };
  }

  /** Begins to feed; resolves when it is known from which revision on. */
  start(): Promise<void> {
    this.#started ??= new Promise((resolve) => void this.#run(resolve));
    return this.#started;
  }

  close(): void {
    this.#closing.abort();
  }

  /** Follows for as long as the store is open. Interruptions resume after the last change that arrived. */
  async #run(started: () => void): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      const next = this.#head === Infinity ? undefined : this.#head + 1;
      try {
        await this.#follow(next, (changes, revision) => {
          attempt = 0;
          this.#head = revision;
          started();
          this.#options.publish(changes, revision);
          return true;
        });
      } catch (error) {
        if (!(error instanceof Compacted)) throw error;
        this.#head = Infinity;
        this.#options.lost(error);
      }
      await this.#pause(attempt + 1);
    }
  }

  /**
   * One watch, from a revision or from now. The first call of `visit` for a watch from now tells where it begins, with no changes.
   * Resolves when the connection ends or `visit` says false; rejects with `Compacted` only.
   */
  async #follow(from: number | undefined, visit: (changes: readonly Change[], revision: number) => boolean): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) throw new Unavailable('the store is closed');
    let stream: WatchStream;
    try {
      stream = await this.#options.client().watch();
    } catch {
      return;
    }
    await new Promise<void>((resolve, reject) => {
      let over = false;
      /** The revision that the first event must have: each has one. */
      let next = from;
      const end = (error?: Error): void => {
        if (over) return;
        over = true;
        signal.removeEventListener('abort', cancel);
        // etcd3 takes a stream that is cancelled for a host that failed, and would close all other calls' connections.
        (stream as unknown as EventEmitter).removeAllListeners('error');
        stream.on('error', () => undefined);
        stream.cancel();
        if (error) reject(error);
        else resolve();
      };
      const cancel = (): void => end();
      signal.addEventListener('abort', cancel);
      stream.on('error', () => end());
      stream.on('end', () => end());
      stream.on('data', (response) => {
        if (over) return;
        const compacted = Number(response.compact_revision);
        if (compacted > 0) {
          this.#options.compaction.revision = Math.max(this.#options.compaction.revision, compacted);
          end(new Compacted(compacted));
        } else if (response.canceled) {
          end();
        } else if (response.created) {
          if (from === undefined && !visit([], Number(response.header.revision))) end();
        } else if (response.events.length > 0) {
          const first = Number(response.events[0]?.kv.mod_revision);
          const last = Number(response.events.at(-1)?.kv.mod_revision);
          // etcd lets a watch begin at the very revision that was compacted, though a deletion then is gone.
          if (next !== undefined && first > next) return end(new Compacted(first));
          next = undefined;
          if (!visit(this.#changes(response.events), last)) end();
        }
      });
      const start = from === undefined ? {} : { start_revision: from };
      stream.write({ create_request: { key: ALL_KEYS, range_end: ALL_KEYS, prev_kv: true, ...start } });
    });
  }

  #changes(events: readonly IEvent[]): Change[] {
    const { prefix } = this.#options;
    const changes: Change[] = [];
    for (const { type, kv, prev_kv: previous } of events) {
      const key = kv.key.toString();
      if (!key.startsWith(prefix)) continue;
      const deleted = type === 'Delete';
      changes.push({
        key: key.slice(prefix.length),
        revision: Number(kv.mod_revision),
        created: Number(deleted ? (previous?.create_revision ?? 0) : kv.create_revision),
        value: deleted ? undefined : kv.value,
        previous: previous?.value,
      });
    }
    return changes;
  }

  async #pause(attempt: number): Promise<void> {
    if (attempt > 0) await sleep(this.#options.clock, backoff(attempt - 1, RETRY), this.#closing.signal);
  }
}
