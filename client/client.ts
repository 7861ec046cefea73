/**
 * The client waist: how every component talks to the API.
 *
 * `Client` gives typed calls over a door (`api/request.ts`): HTTP (`http.ts`) or in-process (handed over by the process's
 * entry point). What comes back is frozen and may be shared: copy (`std/deep.ts`) before changing. A refused call throws
 * `ApiError`. Watching with resumption and a cache is `informer.ts`; a work queue is `queue.ts`; leadership `leader.ts`.
 */
import type { ApiCall, PatchType, WatchEvent } from '../api/request.ts';
import type { ResourceRef } from '../api/resources.ts';
import type { DeepReadonly } from '../std/deep.ts';

/** An object as the server gave it. `namespace` is '' nowhere: on cluster-scoped kinds nobody asks for it. */
export type Stored<T> = DeepReadonly<T> & {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
};

export interface ListResult<T> {
  readonly items: readonly Stored<T>[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface Selection {
  /** Absent: all namespaces, or a cluster-scoped kind. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only metadata matters: a transport may spare itself the rest. */
  readonly metadataOnly?: boolean;
}

export interface WriteParameters {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface DeleteParameters extends WriteParameters {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

/** Names one object; `namespace` is absent for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string;
  readonly name: string;
}

/** Anything that is accepted as input: readonly or not. */
export type Input<T> = T | DeepReadonly<T>;

export interface Client {
  get<T>(resource: ResourceRef<T>, key: ObjectKey): Promise<Stored<T>>;
  list<T>(resource: ResourceRef<T>, selection?: Selection & { readonly limit?: number; readonly continue?: string; readonly resourceVersion?: string }): Promise<ListResult<T>>;
  watch<T>(
    resource: ResourceRef<T>,
    selection: Selection & { readonly resourceVersion?: string; readonly sendInitialEvents?: boolean; readonly timeoutSeconds?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<WatchEvent<Stored<T>>>;
  create<T>(resource: ResourceRef<T>, object: Input<T>, parameters?: WriteParameters): Promise<Stored<T>>;
  update<T>(resource: ResourceRef<T>, object: Input<T>, parameters?: WriteParameters & { readonly subresource?: string }): Promise<Stored<T>>;
  patch<T>(resource: ResourceRef<T>, key: ObjectKey, patch: Patch, parameters?: WriteParameters & { readonly subresource?: string }): Promise<Stored<T>>;
  /** Server-side apply. */
  apply<T>(resource: ResourceRef<T>, object: Input<T>, parameters: WriteParameters & { readonly fieldManager: string; readonly force?: boolean; readonly subresource?: string }): Promise<Stored<T>>;
  delete<T>(resource: ResourceRef<T>, key: ObjectKey, parameters?: DeleteParameters): Promise<void>;
  deleteCollection<T>(resource: ResourceRef<T>, selection: Selection, parameters?: DeleteParameters): Promise<void>;
  /** POST to a subresource that speaks another kind: binding, eviction, token. */
  post<T, R>(resource: ResourceRef<T>, key: ObjectKey, subresource: string, body: unknown, parameters?: WriteParameters): Promise<R>;
  /** Anything else, untyped. */
  call(call: ApiCall): Promise<unknown>;
}

export interface Patch {
  readonly type: Exclude<PatchType, 'application/apply-patch+yaml'>;
  readonly body: unknown;
}

/** A readonly, indexed picture of one resource, kept up to date. Everything it returns is frozen. */
export interface Cache<T> {
  get(key: ObjectKey): Stored<T> | undefined;
  list(namespace?: string): readonly Stored<T>[];
  /** Objects whose index function (given when the cache was made) returned this value. */
  by(index: string, value: string): readonly Stored<T>[];
  /** The resource version up to which the cache has seen everything. */
  readonly resourceVersion: string;
  readonly synced: boolean;
}

export type CacheEvent<T> =
  | { readonly type: 'added'; readonly object: Stored<T> }
  | { readonly type: 'updated'; readonly object: Stored<T>; readonly previous: Stored<T> }
  | { readonly type: 'deleted'; readonly object: Stored<T> };

export interface Informer<T> {
  readonly cache: Cache<T>;
  /** Called in order, after the cache has changed. Existing objects are replayed as `added`. */
  subscribe(listener: (event: CacheEvent<T>) => void): () => void;
  /** One name means one function; asking again for the same changes nothing. */
  addIndexes(indexes: NonNullable<InformerOptions<T>['indexes']>): void;
  /** Resolves when the first complete picture is there. */
  synced(): Promise<void>;
  stop(): void;
}

export interface InformerOptions<T> extends Selection {
  readonly indexes?: Readonly<Record<string, (object: Stored<T>) => readonly string[]>>;
}
