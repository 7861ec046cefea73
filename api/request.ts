/** The vocabulary of one API call, shared by the server's in-process door and the client's transports. */

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export type PatchType =
  | 'application/json-patch+json'
  | 'application/merge-patch+json'
  | 'application/strategic-merge-patch+json'
  | 'application/apply-patch+yaml';

/** One call on a resource, before any transport gives it a form. */
export interface ApiCall extends GroupVersionResource {
  readonly verb: Verb;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** Query parameters under their HTTP names (`labelSelector`, `fieldManager`, `dryRun`, …). */
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly patchType?: PatchType;
  /** The caller reads metadata only: a transport may ask for PartialObjectMetadata and spare itself the rest. */
  readonly metadataOnly?: boolean;
  /** Gives up: the call rejects, a watch ends. */
  readonly signal?: AbortSignal;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export interface WatchEvent<T = unknown> {
  readonly type: WatchEventType;
  readonly object: T;
}

/**
 * A door to an API server. HTTP and in-process are two implementations.
 * A failed call throws `ApiError` (`api/status.ts`). Objects that come back are frozen and may be shared with others.
 */
export interface Door {
  call(call: ApiCall): Promise<unknown>;
  /** The events of one watch, in order, until the server ends it (return) or refuses it (throw). */
  watch(call: ApiCall): AsyncIterable<WatchEvent>;
}
