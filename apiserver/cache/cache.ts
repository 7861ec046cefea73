/**
 * The watch cache's contract: one ordered in-memory picture per resource, fed by one watch of the store.
 *
 * Bytes are the currency: an object is the JSON that was written, its resourceVersion spliced in; labels and selectable
 * fields stand beside the bytes so that lists and watches are filtered without parsing. The parsed form is made when asked for.
 */
import type { ApiObject } from '../../api/kind.ts';
import type { DeepReadonly } from '../../std/deep.ts';

export interface CachedObject {
  /** Storage key, `/registry/pods/default/a`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** JSON of the hub version, resourceVersion included. Never changed; made anew each time where it is kept in another form. */
  readonly bytes: Buffer;
  readonly sizeBytes: number;
  /** Copies what `bytes` has from a place on, and returns how much that is: for those who only copy them. */
  copy(target: Buffer, to: number, from: number): number;
  readonly labels: Readonly<Record<string, string>>;
  /** Selectable fields, `metadata.name` and `metadata.namespace` included. */
  readonly fields: Readonly<Record<string, string>>;
  /** Parsed on first use and frozen; may be dropped again under memory pressure. */
  readonly object: DeepReadonly<ApiObject>;
}

export type Filter = (object: CachedObject) => boolean;

export interface CacheEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** The new state; for DELETED the last one, its resourceVersion that of the deletion. */
  readonly object: CachedObject;
  /** The state before: selectors turn a change into ADDED or DELETED by it. */
  readonly previous: CachedObject | undefined;
}

export interface CachePage {
  readonly items: readonly CachedObject[];
  readonly revision: number;
  /** The first key of the next page; undefined when this was the last. */
  readonly next: string | undefined;
  /** How many keys follow; exact when no filter was given. */
  readonly remaining: number;
}

export interface CacheListOptions {
  readonly namespace?: string;
  readonly limit?: number;
  /** First key, inclusive. */
  readonly from?: string;
  readonly filter?: Filter;
  /** What the filter asks for exactly, where it does: others are not even looked at. Not for pages of a limit. */
  readonly hint?: FieldHint;
}

export interface CacheWatchSink {
  /** One framed event may go to many sinks: implementations keep what they derive from an event on a WeakMap keyed by it. */
  event(event: CacheEvent): void;
  /** Everything up to this revision was delivered. */
  bookmark(revision: number): void;
  /** The watch is over: too slow, or the cache lost its place. The client resumes from its last version. */
  ended(error: Error): void;
}

/** What a reader asks for exactly, so that he is not even woken for other objects; his own filter still decides. */
export interface FieldHint {
  /** A selectable field, `metadata.name` or `spec.nodeName`. */
  readonly field: string;
  readonly value: string;
}

export interface ResourceCache {
  /** Everything up to this revision is in. */
  readonly revision: number;
  readonly size: number;
  /** Of all objects' bytes. */
  readonly sizeBytes: number;
  /** Starts the cache where that has not happened yet, as `waitFor` and `fresh` also do; resolves when the first complete picture is there. */
  ready(): Promise<void>;
  /** Resolves when the cache has reached a revision; rejects with `NotYet` after the time. */
  waitFor(revision: number, timeoutMs: number): Promise<void>;
  /** Resolves when the cache has everything that was acknowledged before the call (asks the store for its revision). */
  fresh(): Promise<void>;
  get(key: string): CachedObject | undefined;
  list(options: CacheListOptions): CachePage;
  /** A page as of an older revision, for `continue` and `resourceVersionMatch=Exact`; throws `Compacted`. */
  listAt(revision: number, options: CacheListOptions): Promise<CachePage>;
  /** A page of what the store has now: for a cache that does not come up with it. */
  listStored(options: CacheListOptions): Promise<CachePage>;
  /** Events after a revision; throws `Compacted` when the ring no longer reaches back so far. The sink gets them synchronously, in order. */
  watch(after: number, namespace: string | undefined, sink: CacheWatchSink, hint?: FieldHint): { close(): void };
  /** Ends all watches and stops following the store. */
  close(): void;
}

/** A cache did not come as far as it should. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
  readonly revision: number;

  constructor(revision: number, current: number, options?: ErrorOptions) {
    super(`revision ${revision} was not reached in time; the cache is at ${current}`, options);
    this.revision = revision;
  }
}
