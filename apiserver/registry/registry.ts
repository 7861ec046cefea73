/** Everything that is served: built-in kinds and custom ones, by group, version and resource; one cache per place in the store. */
import type { Kind, KindVersion } from '../../api/kind.ts';
import type { Clock, Timer } from '../../std/clock.ts';
import type { ResourceCache } from '../cache/cache.ts';
import { kindIndexer } from '../cache/cached-object.ts';
import { History } from '../cache/history.ts';
import { openCache } from '../cache/resource-cache.ts';
import { Resource, storagePrefix } from './resource.ts';
import type { Store } from '../storage/store.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly onFault: (error: Error) => void;
}

const RETIRE_MS = 1_000;

export class Registry {
  readonly #options: RegistryOptions;
  readonly #caches = new Map<string, ResourceCache>();
  readonly #history = new History();
  /** group → version → plural → resource */
  readonly #resources = new Map<string, Map<string, Map<string, Resource>>>();
  readonly #retiring = new Map<ResourceCache, Timer>();
  readonly #kinds = new Set<Kind>();
  /** The first kind of each place in the store. */
  readonly #owners = new Map<string, Kind>();
  readonly #listeners = new Set<() => void>();
  readonly #goneListeners = new Set<(kind: Kind) => void>();

  constructor(options: RegistryOptions, kinds: readonly Kind[]) {
    this.#options = options;
    for (const kind of kinds) this.#insert(kind);
  }

  /** In the order in which they came: discovery's order. */
  get kinds(): readonly Kind[] {
    return [...this.#kinds];
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(group)?.get(version)?.get(plural);
  }

  /** The resource in its hub version. */
  hub(group: string, plural: string): Resource | undefined {
    for (const byPlural of this.#resources.get(group)?.values() ?? []) {
      const resource = byPlural.get(plural);
      if (resource) return this.find(group, resource.kind.hub, plural) ?? resource;
    }
    return undefined;
  }

  /** By kind instead of plural, as owner references and scale targets name things. */
  ofKind(group: string, kind: string): Resource | undefined {
    for (const row of this.#kinds) if (row.group === group && row.kind === kind) return this.hub(group, row.plural);
    return undefined;
  }

  hasGroup(group: string): boolean {
    return this.#resources.has(group);
  }

  /** All of a group's kinds come from definitions. */
  isCustomGroup(group: string): boolean {
    for (const row of this.#kinds) if (row.group === group && row.custom === undefined) return false;
    return this.hasGroup(group);
  }

  hasVersion(group: string, version: string): boolean {
    return this.#resources.get(group)?.has(version) ?? false;
  }

  /** Adds a row, or replaces the one of the same group and plural. */
  add(kind: Kind): void {
    for (const old of this.#kinds) if (old.group === kind.group && old.plural === kind.plural) this.#delete(old);
    this.#insert(kind);
    for (const listener of this.#listeners) listener();
  }

  remove(kind: Kind): void {
    this.#delete(kind);
    for (const listener of this.#listeners) listener();
  }

  /** What is said of a kind has changed, and nothing else. */
  touched(): void {
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Told once nothing of a kind that was removed is in use any more, and none has come in its place. */
  onGone(listener: (kind: Kind) => void): void {
    this.#goneListeners.add(listener);
  }

  close(): void {
    for (const cache of this.#caches.values()) cache.close();
    for (const [cache, timer] of this.#retiring) {
      timer.cancel();
      cache.close();
    }
  }

  #insert(kind: Kind): void {
    this.#kinds.add(kind);
    const prefix = storagePrefix(kind);
    if (!this.#owners.has(prefix)) this.#owners.set(prefix, kind);
    let versions = this.#resources.get(kind.group);
    if (!versions) this.#resources.set(kind.group, (versions = new Map()));
    for (const version of kind.versions) {
      let plurals = versions.get(version.version);
      if (!plurals) versions.set(version.version, (plurals = new Map()));
      plurals.set(kind.plural, new Resource(kind, version, this.#cache(kind, version), this.#owners.get(prefix)));
    }
  }

  #delete(kind: Kind): void {
    this.#kinds.delete(kind);
    const versions = this.#resources.get(kind.group);
    for (const { version } of kind.versions) {
      versions?.get(version)?.delete(kind.plural);
      if (versions?.get(version)?.size === 0) versions.delete(version);
    }
    if (versions?.size === 0) this.#resources.delete(kind.group);
    for (const prefix of new Set(kind.versions.map((version) => storagePrefix(kind, version)))) {
      const cache = this.#caches.get(prefix);
      this.#caches.delete(prefix);
      if (cache) this.#retire(cache, kind);
    }
    this.#owners.delete(storagePrefix(kind));
  }

  /** Requests under way finish with the row they began with; watches end then, and begin anew with what is served now. */
  #retire(cache: ResourceCache, kind: Kind): void {
    const timer = this.#options.clock.after(RETIRE_MS, () => {
      this.#retiring.delete(cache);
      cache.close();
      if (!this.hub(kind.group, kind.plural)) for (const listener of this.#goneListeners) listener(kind);
    });
    this.#retiring.set(cache, timer);
  }

  /** Two kinds that are views of one place in the store share its cache; the first one's fields are indexed. */
  #cache(kind: Kind, version: KindVersion): ResourceCache {
    const prefix = storagePrefix(kind, version);
    let cache = this.#caches.get(prefix);
    if (!cache) {
      const { store, clock, onFault } = this.#options;
      cache = openCache({ store, clock, history: this.#history, since: kind.definedAt ?? 1, prefix, index: kindIndexer({ ...kind, ...version.own, ...(version.place !== undefined && { stored: () => false }) }), onFault });
      this.#caches.set(prefix, cache);
    }
    return cache;
  }
}
