/**
 * How authenticators, authorizers and admission see objects: two small interfaces that the server core implements.
 *
 * `Reader` stands over the watch caches (`cache.ts`); the core makes it with a lookup from a resource's group and plural to
 * its `ResourceCache`. All of it is synchronous: it stands on every request's path. Objects are in their hub version,
 * frozen, `apiVersion` and `kind` set. A resource whose cache is not there (yet) has no objects.
 *
 * `Writer` writes past authentication, authorization and admission (but through defaults, validation, strategy and the
 * store's compare-and-swap), for what the server itself owns: bootstrap objects, quota usage.
 */
import type { ApiObject } from '../../api/kind.ts';
import type { ResourceRef } from '../../api/resources.ts';
import type { DeepReadonly } from '../../std/deep.ts';

/** A stored object: it has all the metadata that the server gives; `namespace` only where the kind is namespaced. */
export type Stored<T> = DeepReadonly<T> & {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly resourceVersion: string };
};

/** `object` and `previous` may be getters that parse when asked: listeners look at names and `fields` first. */
export interface ObjectChange<T> {
  readonly type: 'set' | 'deleted';
  readonly namespace: string;
  readonly name: string;
  /** The selectable fields, as the cache has them beside the bytes. */
  readonly fields: Readonly<Record<string, string>>;
  readonly object: Stored<T>;
  readonly previous: Stored<T> | undefined;
}

export interface Reader {
  /** `namespace` is '' for cluster-scoped resources. */
  get<T>(resource: ResourceRef<T>, namespace: string, name: string): Stored<T> | undefined;
  /** All of them, or those of one namespace. */
  list<T>(resource: ResourceRef<T>, namespace?: string): readonly Stored<T>[];
  /**
   * First every object that exists, as `set` without `previous` (at once when the cache is ready, else when it becomes so), then each
   * change, in order, synchronously with the cache's own turn: a `get` in the listener sees the change.
   */
  onChange<T>(resource: ResourceRef<T>, listener: (change: ObjectChange<T>) => void): { close(): void };
  /** Resolves when the cache has all that was acknowledged by any server when it was asked. `get` and `list` of a resource that nobody has asked for yet are empty. */
  upToDate(resource: ResourceRef<unknown>): Promise<void>;
  /** The newest acknowledged state, past the cache. For the rare case in which the cache may lag behind what the caller just wrote. */
  getFresh<T>(resource: ResourceRef<T>, namespace: string, name: string): Promise<Stored<T> | undefined>;
}

export interface OwnWrite {
  /** Who comes to own what changes; the server itself unless somebody else does it upstream. */
  readonly manager?: string;
  /** Nobody comes to own it. */
  readonly untracked?: boolean;
}

export interface Writer {
  /** Throws `ApiError` 409 AlreadyExists. */
  create<T>(resource: ResourceRef<T>, object: T | ApiObject, options?: Pick<OwnWrite, 'manager'>): Promise<Stored<T>>;
  /** Compare-and-swap on `metadata.resourceVersion`: throws `ApiError` 409 Conflict, 404 NotFound. */
  update<T>(resource: ResourceRef<T>, object: T | ApiObject, subresource?: 'status', options?: OwnWrite): Promise<Stored<T>>;
  /** Server-side apply to the status of what is there, with force. Throws `ApiError` 404 NotFound. */
  applyStatus<T>(resource: ResourceRef<T>, applied: ApiObject, manager: string): Promise<Stored<T>>;
  /** At once, whatever holds it. Compare-and-swap on `metadata.resourceVersion`: throws `ApiError` 409 Conflict. */
  remove<T>(resource: ResourceRef<T>, object: Stored<T>): Promise<void>;
}
