/** The watch caches as authenticators, authorizers and admission see them. */
import { parseExact } from '../api/codec/json-text.ts';
import type { ApiObject } from '../api/kind.ts';
import type { ResourceRef } from '../api/resources.ts';
import { deepFreeze } from '../std/deep.ts';
import type { ObjectChange, Reader, Stored } from './auth/reader.ts';
import type { CacheEvent, CachedObject, CacheWatchSink, ResourceCache } from './cache/cache.ts';
import type { Registry } from './registry/registry.ts';
import type { Resource } from './registry/resource.ts';
import type { Store } from './storage/store.ts';

export function createReader(registry: Registry, store: Store): Reader {
  // As long as what is served stays the same.
  let known = new WeakMap<ResourceRef<unknown>, Resource>();
  registry.onChange(() => (known = new WeakMap()));
  const resourceOf = (ref: ResourceRef<unknown>): Resource | undefined => {
    const before = known.get(ref);
    if (before) return before;
    const resource = registry.hub(ref.group, ref.resource);
    if (!resource) return undefined;
    void resource.cache.ready().catch(() => undefined);
    known.set(ref, resource);
    return resource;
  };
  return {
    get<T>(ref: ResourceRef<T>, namespace: string, name: string) {
      const resource = resourceOf(ref);
      return resource?.cache.get(resource.key(namespace, name))?.object as Stored<T> | undefined;
    },
    list<T>(ref: ResourceRef<T>, namespace?: string) {
      const cache = resourceOf(ref)?.cache;
      // Most of what admission asks for is not there: no cluster has a limit for each namespace.
      if (!cache || cache.size === 0) return [];
      return cache.list(namespace === undefined ? {} : { namespace }).items.map(({ object }) => object as unknown as Stored<T>);
    },
    onChange<T>(ref: ResourceRef<T>, listener: (change: ObjectChange<T>) => void) {
      const resource = resourceOf(ref);
      return resource ? follow(resource.cache, (change) => listener(change as ObjectChange<T>)) : { close() {} };
    },
    async upToDate(ref) {
      await registry.hub(ref.group, ref.resource)?.cache.fresh();
    },
    async getFresh<T>(ref: ResourceRef<T>, namespace: string, name: string) {
      const resource = resourceOf(ref);
      const entry = resource && (await store.get(resource.key(namespace, name)));
      if (!resource || !entry) return undefined;
      const object = parseExact(resource.splice(entry.value, entry.revision).toString()) as ApiObject;
      return deepFreeze(object) as unknown as Stored<T>;
    },
  };
}

/** Replays what is there, then follows it until the cache is closed. What a listener cannot take is passed over: the next change reaches it. */
function follow(cache: ResourceCache, listener: (change: ObjectChange<unknown>) => void): { close(): void } {
  let closed = false;
  let watch: { close(): void } | undefined;
  const tell = (type: 'set' | 'deleted', object: CachedObject, previous: CachedObject | undefined): void => {
    try {
      listener(new LazyChange(type, object, previous));
    } catch {
      // A watch that throws would be ended, and what comes next be missed.
    }
  };
  const sink: CacheWatchSink = {
    event: ({ type, object, previous }: CacheEvent) => tell(type === 'DELETED' ? 'deleted' : 'set', object, previous),
    bookmark() {},
    ended() {
      watch = undefined;
    },
  };
  const start = async (): Promise<void> => {
    await cache.ready();
    if (closed) return;
    const { items, revision } = cache.list({});
    for (const object of items) tell('set', object, undefined);
    watch = cache.watch(revision, undefined, sink);
  };
  // A cache that is closed has nothing more to tell.
  start().catch(() => undefined);
  return {
    close() {
      closed = true;
      watch?.close();
    },
  };
}

class LazyChange implements ObjectChange<unknown> {
  readonly type: 'set' | 'deleted';
  readonly #object: CachedObject;
  readonly #previous: CachedObject | undefined;
  constructor(type: 'set' | 'deleted', object: CachedObject, previous: CachedObject | undefined) {
    this.type = type;
    this.#object = object;
    this.#previous = previous;
  }
  get namespace(): string {
    return this.#object.namespace;
  }
  get name(): string {
    return this.#object.name;
  }
  get fields(): Readonly<Record<string, string>> {
    return this.#object.fields;
  }
  get object(): Stored<unknown> {
    return this.#object.object as unknown as Stored<unknown>;
  }
  get previous(): Stored<unknown> | undefined {
    return this.#previous?.object as unknown as Stored<unknown> | undefined;
  }
}
