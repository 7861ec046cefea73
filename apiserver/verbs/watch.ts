/**
 * GET with watch: the changes of a collection from a version on, as one observer with a selector sees them.
 *
 * The cache hands over events synchronously; what the transport does not take yet waits in a bounded queue, and a watcher
 * whose queue is full is ended: it resumes from its last version.
 */
import { ApiError } from '../../api/status.ts';
import type { Core } from '../core.ts';
import { deletedAt } from '../cache/cached-object.ts';
import { NotYet, type CacheEvent, type CachedObject, type CacheWatchSink, type Filter, type ResourceCache } from '../cache/cache.ts';
import type { Exchange, WatchAnswer, WatchHandle, WatchItem, WatchSink } from '../exchange.ts';
import { checkListOptions, parseListOptions, type ListOptions, type Selection } from '../request/list-options.ts';
import type { Resource } from '../registry/resource.ts';
import { expired, tooLarge, versionForOthers } from '../request/resource-version.ts';
import { Compacted } from '../storage/store.ts';
import type { Clock, Timer } from '../../std/clock.ts';
import { below } from '../../std/random.ts';
import { VERSION_WAIT_MS } from './get.ts';

/** Events that wait for a transport; a watcher that falls further behind is ended. */
export const QUEUE_LIMIT = 10_000;
/** A bookmark comes so long before a watch ends by itself. */
const FAREWELL_MS = 2_000;

export async function watch(core: Core, exchange: Exchange, resource: Resource): Promise<WatchAnswer> {
  const { route, query } = exchange;
  const options = parseListOptions(query, resource, route.name || undefined);
  checkListOptions(options, true);
  const start = await startOf(resource, options);
  const namespace = resource.kind.namespaced && route.namespace !== '' ? route.namespace : undefined;
  const lastsMs = options.timeoutSeconds ? Math.max(0, options.timeoutSeconds * 1000) : core.watchLastsMs + below(core.random, Math.max(1, core.watchLastsMs));
  return { type: 'watch', resource, start: (sink) => new Watching(core.clock, resource, { options, namespace, start, lastsMs }, sink) };
}

/** Where a watch begins: `initial` sends first what is there. */
interface Start {
  readonly revision: number | undefined;
  readonly initial: boolean;
  /** Whether the end of the initial events is marked. */
  readonly marked: boolean;
  /** It cannot begin: the cache does not come as far as it should. */
  readonly refused?: ApiError;
}

async function startOf(resource: Resource, options: ListOptions): Promise<Start> {
  try {
    return await startIn(resource, options);
  } catch (error) {
    if (!resource.isView || !(error instanceof ApiError) || error.code !== 500) throw error;
    // A webhook keeps the cache from being filled.
    throw new ApiError({ code: 429, reason: 'TooManyRequests', message: `storage is (re)initializing: failed to list ${resource.apiVersion}, Kind=${resource.kind.kind}: ${error.message}`, details: { retryAfterSeconds: 1 } });
  }
}

async function startIn({ cache }: Resource, options: ListOptions): Promise<Start> {
  const revision = versionForOthers(options.resourceVersion);
  const asked = options.sendInitialEvents;
  const initial = asked ?? revision === undefined;
  const marked = options.allowWatchBookmarks && (asked ?? revision === undefined);
  if (!initial) {
    await cache.ready();
    return { revision: revision ?? (options.resourceVersion === '0' ? undefined : cache.revision), initial, marked };
  }
  if (options.resourceVersion === '') {
    try {
      await cache.fresh();
    } catch (error) {
      if (error instanceof NotYet) return { revision: undefined, initial, marked, refused: tooLarge(error.revision, cache.revision) };
      throw error;
    }
  } else if (revision === undefined) await cache.ready();
  else {
    try {
      await cache.waitFor(revision, VERSION_WAIT_MS);
    } catch (error) {
      throw error instanceof NotYet ? tooLarge(revision, cache.revision) : error;
    }
  }
  return { revision: undefined, initial, marked };
}

interface Plan {
  readonly options: ListOptions;
  readonly namespace: string | undefined;
  readonly start: Start;
  readonly lastsMs: number;
}

class Watching implements WatchHandle, CacheWatchSink {
  readonly #plan: Plan;
  readonly #sink: WatchSink;
  readonly #resource: Resource;
  readonly #timers: Timer[] = [];
  /** What is there when it begins, and how much of it has gone out. */
  #initial: Initial | undefined;
  #initialAt = 0;
  /** What the transport does not take yet; `#head` is the first that waits. */
  #queue: WatchItem[] = [];
  #head = 0;
  #blocked = false;
  #ended = false;
  #revision = 0;
  #events: { close(): void } | undefined;

  constructor(clock: Clock, resource: Resource, plan: Plan, sink: WatchSink) {
    this.#resource = resource;
    this.#plan = plan;
    this.#sink = sink;
    sink.onReady = () => this.#drain();
    const { lastsMs, options } = plan;
    this.#timers.push(clock.after(lastsMs, () => this.#finish()));
    if (options.allowWatchBookmarks && lastsMs > FAREWELL_MS) {
      this.#timers.push(clock.after(lastsMs - FAREWELL_MS, () => this.bookmark(this.#resource.cache.revision)));
    }
    if (lastsMs !== 0) this.#begin();
  }

  close(): void {
    this.#ended = true;
    this.#events?.close();
    for (const timer of this.#timers) timer.cancel();
    this.#queue = [];
    this.#initial = undefined;
  }

  event(event: CacheEvent): void {
    this.#revision = event.revision;
    const item = seenAs(event, this.#plan.options.selection.filter);
    if (item) this.#push(item);
  }

  bookmark(revision: number): void {
    if (!this.#plan.options.allowWatchBookmarks || revision < this.#revision) return;
    this.#push({ type: 'BOOKMARK', revision, initialEventsEnd: false });
  }

  ended(): void {
    this.#events = undefined;
    this.#finish();
  }

  #begin(): void {
    const { cache } = this.#resource;
    const { start, namespace, options } = this.#plan;
    const { hint } = options.selection;
    let after = start.revision ?? cache.revision;
    if (start.refused) {
      this.#queue.push({ type: 'ERROR', status: start.refused.status });
      this.#drain();
      return this.#finish();
    }
    if (start.initial) {
      const initial = initialItems(cache, namespace, options.selection);
      after = initial.revision;
      // All of it at once: these are references into the cache, and the bound on the queue is for what comes after.
      this.#initial = initial;
      if (start.marked) this.#queue.push(initial.end);
    }
    this.#revision = after;
    try {
      this.#events = cache.watch(after, namespace, this, hint);
    } catch (error) {
      if (!(error instanceof Compacted)) throw error;
      // Upstream watches Events past its caches.
      const { status } = this.#resource.kind.ttlSeconds === undefined ? expired(`too old resource version: ${after} (${cache.revision})`) : expired();
      this.#queue.push({ type: 'ERROR', status });
      this.#drain();
      return this.#finish();
    }
    if (this.#ended) return this.#events.close();
    this.#drain();
  }

  #push(item: WatchItem): void {
    if (this.#ended) return;
    if (this.#queue.length - this.#head >= QUEUE_LIMIT && this.#blocked) return this.#finish();
    this.#queue.push(item);
    if (!this.#blocked) this.#drain();
  }

  #drain(): void {
    this.#blocked = false;
    if (this.#initial && !this.#sendInitial(this.#initial)) {
      this.#blocked = true;
      return;
    }
    this.#initial = undefined;
    while (this.#head < this.#queue.length && !this.#ended) {
      const item = this.#queue[this.#head++] as WatchItem;
      if (this.#sink.send(item)) continue;
      this.#blocked = true;
      break;
    }
    if (this.#head === this.#queue.length || this.#head > QUEUE_LIMIT) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  /** False: the transport does not take all of it yet. */
  #sendInitial({ items, isShared }: Initial): boolean {
    if (isShared && this.#sink.sendAll && this.#initialAt < items.length) {
      this.#initialAt = this.#sink.sendAll(items, this.#initialAt);
      return this.#initialAt === items.length;
    }
    while (this.#initialAt < items.length) if (!this.#sink.send(items[this.#initialAt++] as WatchItem)) return false;
    return true;
  }

  #finish(): void {
    if (this.#ended) return;
    this.close();
    this.#sink.end();
  }
}

interface Initial {
  readonly revision: number;
  readonly items: readonly WatchItem[];
  /** Others are given the same. */
  readonly isShared: boolean;
  /** Marks their end. */
  readonly end: WatchItem;
}

/** Many begin at the same revision: those without a filter are given the very same items, as long as anybody needs them. */
const initials = new WeakMap<ResourceCache, Map<string, WeakRef<Initial>>>();
/** So many namespaces of a resource are remembered; then all are forgotten. */
const NAMESPACES_LIMIT = 1_000;

function initialItems(cache: ResourceCache, namespace: string | undefined, { filter, hint }: Pick<Selection, 'filter' | 'hint'>): Initial {
  let known = initials.get(cache);
  if (!known) initials.set(cache, (known = new Map()));
  const there = filter ? undefined : known.get(namespace ?? '')?.deref();
  if (there?.revision === cache.revision) return there;
  const { items, revision } = cache.list({ ...(namespace !== undefined && { namespace }), ...(filter && { filter }), ...(hint && { hint }) });
  const initial: Initial = {
    revision,
    items: items.map((object) => ({ type: 'ADDED', object, event: undefined })),
    isShared: !filter,
    end: { type: 'BOOKMARK', revision, initialEventsEnd: true },
  };
  if (filter) return initial;
  if (known.size >= NAMESPACES_LIMIT) known.clear();
  known.set(namespace ?? '', new WeakRef(initial));
  return initial;
}

/** What was made last: an event comes to all watchers one after the other, and most see the same. */
let last: WatchItem | undefined;

function itemOf(type: CacheEvent['type'], object: CachedObject, event: CacheEvent): WatchItem {
  if (last && 'event' in last && last.event === event && last.type === type) return last;
  return (last = { type, object, event });
}

/** What a change is to somebody who sees only what the filter lets through. */
function seenAs(event: CacheEvent, filter: Filter | undefined): WatchItem | undefined {
  const { type, object, previous } = event;
  if (!filter) return itemOf(type, object, event);
  const before = previous !== undefined && filter(previous);
  if (type === 'DELETED') return before || (previous === undefined && filter(object)) ? itemOf(type, object, event) : undefined;
  const now = filter(object);
  if (now) return itemOf(before ? 'MODIFIED' : 'ADDED', object, event);
  return before ? itemOf('DELETED', lastSeen(event), event) : undefined;
}

const lastSeenOf = new WeakMap<CacheEvent, CachedObject>();

/** The state that still matched, at the revision of the change that took it out. */
function lastSeen(event: CacheEvent): CachedObject {
  let object = lastSeenOf.get(event);
  if (!object) lastSeenOf.set(event, (object = deletedAt(event.previous as CachedObject, event.revision)));
  return object;
}
