/** The watch cache of one resource: loaded from the store on first use, then kept by one watch of it. */
import { ApiError } from '../../api/status.ts';
import { backoff } from '../../std/backoff.ts';
import { every, type Clock, type Timer } from '../../std/clock.ts';
import { SortedMap } from '../../std/sorted-map.ts';
import type { Past } from '../storage/past.ts';
import { Compacted, type Change, type Store, type Watch } from '../storage/store.ts';
import { NotYet, type CachedObject, type CacheEvent, type CacheListOptions, type CachePage, type CacheWatchSink, type ResourceCache, type FieldHint } from './cache.ts';
import { Arena } from './arena.ts';
import { deletedAt, ingest, type Indexer, type PackedCached } from './cached-object.ts';
import { concerns, Dispatch, type Watcher } from './dispatch.ts';
import { difference, type Happened } from './difference.ts';
import { EventRing } from './event-ring.ts';
import { History } from './history.ts';
import { pageOf } from './page.ts';
import { FieldIndexes } from './field-index.ts';
import { loadPicture, type Picture } from './load.ts';
import { Upkeep } from './upkeep.ts';
import { spliceRevision } from '../../api/codec/encode.ts';

export interface CacheLimits {
  /** What the ring of recent events holds at most; older resumptions are `Compacted`. */
  readonly events: number;
  readonly bytes: number;
  readonly ageMs: number;
  readonly least: number;
  /** Watchers hear this often how far the cache is. */
  readonly bookmarkMs: number;
  /** How long `fresh` waits for the store's watch to deliver what the store has. */
  readonly freshMs: number;
}

export const CACHE_LIMITS: CacheLimits = {
  events: 16_384,
  bytes: 32 * 1024 * 1024,
  // As upstream's watch cache: DefaultEventsHistoryWindow and defaultLowerBoundCapacity.
  ageMs: 75_000,
  least: 100,
  bookmarkMs: 60_000,
  freshMs: 3_000,
};

export interface CacheOptions {
  readonly store: Store;
  /** All keys of the resource, `/registry/pods/`. */
  readonly prefix: string;
  /** `kindIndexer(kind)`. */
  readonly index: Indexer;
  readonly clock: Clock;
  readonly limits?: Partial<CacheLimits>;
  /** Nobody can resume from before this revision. */
  readonly since?: number;
  /** Of the store, for all its caches. */
  readonly history?: History;
  /** Hears of values that cannot be read (they are left out) and of interruptions (the cache recovers by itself). */
  readonly onFault?: (error: Error) => void;
}

/** The cache does nothing before it is asked for something. */
export function openCache(options: CacheOptions): ResourceCache {
  return new StoreCache(options);
}

const RETRY = { baseMs: 100, limitMs: 5_000 };
/** How much of the store's history a new cache takes in. */
const REPLAYED_REVISIONS = 1_000;

type Phase = 'idle' | 'loading' | 'live' | 'closed';

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

class StoreCache implements ResourceCache {
  readonly #options: CacheOptions;
  readonly #limits: CacheLimits;
  readonly #items = new SortedMap<PackedCached>();
  readonly #arena = new Arena();
  readonly #upkeep: Upkeep;
  readonly #indexes = new FieldIndexes();
  readonly #dispatch = new Dispatch();
  readonly #waiters = new Set<Waiter>();
  readonly #history: History;
  #readiness = Promise.withResolvers<void>();
  /** Undefined until the first complete picture. */
  #ring: EventRing | undefined;
  #phase: Phase = 'idle';
  /** Ready when everything up to here is in. */
  #readyAt = 0;
  #revision = 0;
  #sizeBytes = 0;
  #watch: Watch | undefined;
  #bookmarks: Timer | undefined;

  constructor(options: CacheOptions) {
    this.#options = options;
    this.#limits = { ...CACHE_LIMITS, ...options.limits };
    this.#history = options.history ?? new History();
    this.#upkeep = new Upkeep(this.#items, this.#arena, options.clock);
    this.#readiness.promise.catch(() => undefined);
  }

  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#items.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  ready(): Promise<void> {
    if (this.#phase === 'idle') void this.#load();
    return this.#readiness.promise;
  }

  waitFor(revision: number, timeoutMs: number): Promise<void> {
    if (this.#ring && revision <= this.#revision) return Promise.resolve();
    if (this.#phase === 'closed') return Promise.reject(closed());
    void this.ready();
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.after(timeoutMs, () => {
        this.#waiters.delete(waiter);
        reject(new NotYet(revision, this.#revision));
      });
      const waiter: Waiter = { revision, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  async fresh(): Promise<void> {
    const revision = await this.#options.store.revision();
    if (!this.#ring) await this.ready();
    if (revision > this.#revision) await this.waitFor(revision, this.#limits.freshMs);
  }

  get(key: string): CachedObject | undefined {
    return this.#items.get(key);
  }

  list(options: CacheListOptions): CachePage {
    const { namespace, limit, from, hint, filter } = options;
    const meant = hint && limit === undefined && from === undefined ? this.#meant(hint, namespace) : undefined;
    if (!meant) return this.#page(NOTHING_PAST, this.#revision, options);
    const items = meant.filter((object) => (namespace === undefined || object.namespace === namespace) && (!filter || filter(object)));
    return { items, revision: this.#revision, next: undefined, remaining: 0 };
  }

  /** The objects that a hint means, as far as that is known without a look at all of them: a name is in the key. */
  #meant(hint: FieldHint, namespace: string | undefined): readonly PackedCached[] | undefined {
    if (hint.field !== 'metadata.name') return this.#indexes.of(hint, this.#items);
    const named = this.#items.get(this.#options.prefix + (namespace === undefined ? hint.value : `${namespace}/${hint.value}`));
    return named || namespace !== undefined ? [named ?? []].flat() : undefined;
  }

  async listAt(revision: number, options: CacheListOptions): Promise<CachePage> {
    if (!this.#ring) await this.ready();
    if (revision > this.#revision) await this.waitFor(revision, this.#limits.freshMs);
    if (revision === this.#revision) return this.list(options);
    const oldest = this.#history.oldest(this.#options.clock.now());
    if (revision < oldest) throw new Compacted(oldest);
    if (this.#ring && revision >= this.#ring.floor) return this.#page(this.#ring.past(revision), revision, options);
    return this.#pageFromStore(revision, options);
  }

  async listStored(options: CacheListOptions): Promise<CachePage> {
    return this.#pageFromStore(await this.#options.store.revision(), options);
  }

  watch(after: number, namespace: string | undefined, sink: CacheWatchSink, hint?: FieldHint): { close(): void } {
    if (this.#phase === 'closed') throw closed();
    if (!this.#ring || after < this.#ring.floor) throw new Compacted(this.#ring?.floor ?? this.#revision);
    const watcher: Watcher = { namespace, hint, sink, after };
    this.#dispatch.add(watcher);
    this.#bookmarks ??= every(this.#options.clock, this.#limits.bookmarkMs, () => this.#sendBookmarks(), () => undefined);
    for (const event of this.#ring.after(after)) {
      if (!this.#dispatch.has(watcher)) break;
      if (concerns(watcher, event)) this.#hand(watcher, event);
    }
    return { close: () => this.#drop(watcher) };
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#watch?.close();
    this.#upkeep.close();
    const watchers = [...this.#dispatch];
    for (const watcher of watchers) {
      this.#drop(watcher);
      watcher.sink.ended(closed());
    }
    for (const waiter of this.#waiters) {
      waiter.timer.cancel();
      waiter.reject(closed());
    }
    this.#waiters.clear();
    this.#readiness.reject(closed());
  }

  /** Brings the picture up to date, by listing everything, and follows it from there. Tries until it works or the cache is closed. */
  async #load(): Promise<void> {
    this.#phase = 'loading';
    const { store, prefix, index, clock } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        const load = (at?: number): Promise<Picture> => loadPicture({ store, prefix, known: this.#items, ingest: (entry) => this.#read(() => ingest(entry, prefix, index, this.#arena)), at });
        const picture = this.#ring ? await load() : await this.#loadPast(load);
        if (this.#isClosed()) return;
        this.#take(picture.objects, picture.revision);
        return this.#follow();
      } catch (error) {
        this.#options.onFault?.(error as Error);
        if (error instanceof ApiError) this.#refuse(error);
      }
      await new Promise<void>((resolve) => void clock.after(backoff(attempt, RETRY), resolve));
      if (this.#isClosed()) return;
    }
  }

  /** What is stored cannot be shown, and callers are told why; it is tried again for those who come later. */
  #refuse(error: ApiError): void {
    if ((!this.#ring || this.#revision < this.#readyAt) && !this.#isClosed()) {
      this.#readiness.reject(error);
      this.#readiness = Promise.withResolvers<void>();
      this.#readiness.promise.catch(() => undefined);
    }
    for (const waiter of this.#waiters) {
      waiter.timer.cancel();
      waiter.reject(this.#ring ? new NotYet(waiter.revision, this.#revision, { cause: error }) : error);
    }
    this.#waiters.clear();
  }

  /** A first picture is taken a little in the past, and what came since is replayed: so watches resume across restarts of the server. */
  async #loadPast(load: (at?: number) => Promise<Picture>): Promise<Picture> {
    this.#readyAt = await this.#options.store.revision();
    const past = this.#readyAt - REPLAYED_REVISIONS;
    try {
      return await load(Math.min(this.#readyAt, Math.max(1, past, this.#options.since ?? 1)));
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
      return load();
    }
  }

  #take(objects: readonly PackedCached[], revision: number): void {
    if (this.#ring) {
      for (const event of difference(this.#items, objects, revision)) this.#apply(event);
    } else {
      for (const object of objects) this.#put(object);
      this.#ring = new EventRing(this.#limits, revision);
    }
    this.#advance(revision);
  }

  #follow(): void {
    this.#phase = 'live';
    if (this.#revision >= this.#readyAt) this.#readiness.resolve();
    let over = false;
    this.#watch = this.#options.store.watch(this.#options.prefix, this.#revision, {
      changes: (batch) => {
        for (const change of batch) if (!over) this.#change(change);
        if (!over) this.#advance(this.#revision);
      },
      progress: (revision) => {
        if (over) return;
        this.#ring?.expire(this.#options.clock.now());
        this.#advance(revision);
      },
      ended: (error) => {
        if (over || this.#isClosed()) return;
        over = true;
        this.#options.onFault?.(error);
        void this.#load();
      },
    });
  }

  #change(change: Change): void {
    const { key, revision, value } = change;
    const { prefix, index } = this.#options;
    const previous = this.#items.get(key);
    if (value) {
      const object = this.#read(() => ingest({ key, value, revision }, prefix, index, this.#arena));
      if (object) this.#apply({ type: previous ? 'MODIFIED' : 'ADDED', revision, object, previous });
    } else if (previous) {
      const object = deletedAt(previous, revision, change.previous && spliceRevision(change.previous, revision));
      this.#apply({ type: 'DELETED', revision, object, previous });
    }
  }

  #apply(event: Happened): void {
    if (event.type === 'DELETED') this.#forget(this.#items.delete(event.object.key), undefined);
    else this.#put(event.object);
    this.#revision = Math.max(this.#revision, event.revision);
    this.#ring?.push(event, this.#options.clock.now());
    this.#dispatch.of(event, (watcher) => {
      if (event.revision > watcher.after) this.#hand(watcher, event);
    });
  }

  #put(object: PackedCached): void {
    object.keepIn(this.#arena);
    this.#forget(this.#items.set(object.key, object), object);
    this.#sizeBytes += object.sizeBytes;
  }

  #forget(object: PackedCached | undefined, successor: PackedCached | undefined): void {
    object?.releaseFrom(this.#arena);
    this.#sizeBytes -= object?.sizeBytes ?? 0;
    this.#indexes.replace(object, successor);
  }

  #hand(watcher: Watcher, event: CacheEvent): void {
    try {
      watcher.sink.event(event);
    } catch (error) {
      if (this.#drop(watcher)) watcher.sink.ended(error as Error);
    }
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    this.#history.note(this.#options.clock.now(), this.#revision);
    if (this.#phase === 'live' && this.#revision >= this.#readyAt) this.#readiness.resolve();
    this.#upkeep.after(this.#revision, this.#sizeBytes);
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (waiter.revision > this.#revision) continue;
      this.#waiters.delete(waiter);
      waiter.timer.cancel();
      waiter.resolve();
    }
  }

  #page(past: Past<CachedObject>, revision: number, options: CacheListOptions): CachePage {
    return pageOf(this.#items, past, { ...options, prefix: this.#options.prefix, revision });
  }

  /** The ring no longer reaches back so far, but the store may. */
  async #pageFromStore(revision: number, options: CacheListOptions): Promise<CachePage> {
    const { store, prefix, index } = this.#options;
    const { namespace, limit = Infinity, filter } = options;
    const under = namespace === undefined ? prefix : `${prefix}${namespace}/`;
    const items: CachedObject[] = [];
    let from = options.from;
    for (;;) {
      const page = await store.list(under, { revision, limit: STORE_PAGE, ...(from !== undefined && { from }) });
      for (const [at, entry] of page.entries.entries()) {
        if (items.length === limit) return { items, revision, next: entry.key, remaining: page.count - at };
        const object = this.#read(() => ingest(entry, prefix, index));
        if (object && (!filter || filter(object))) items.push(object);
      }
      if (!page.more) return { items, revision, next: undefined, remaining: 0 };
      from = `${page.entries.at(-1)?.key}\0`;
    }
  }

  #sendBookmarks(): void {
    for (const watcher of this.#dispatch) watcher.sink.bookmark(this.#revision);
  }

  #drop(watcher: Watcher): boolean {
    const stood = this.#dispatch.delete(watcher);
    if (this.#dispatch.size === 0) {
      this.#bookmarks?.cancel();
      this.#bookmarks = undefined;
    }
    return stood;
  }

  /** A value that is not an object is reported and left out: one bad value must not take the resource away. */
  #read(run: () => PackedCached): PackedCached | undefined {
    try {
      return run();
    } catch (error) {
      this.#options.onFault?.(error as Error);
      return undefined;
    }
  }

  #isClosed(): boolean {
    return this.#phase === 'closed';
  }
}

const NOTHING_PAST: Past<CachedObject> = new Map();
const STORE_PAGE = 500;

function closed(): Error {
  return new Error('the cache is closed');
}
