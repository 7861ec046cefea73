/** One request on its way through the chain, whichever door it came in by, and the answer it will get. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { ApiObject } from '../api/kind.ts';
import type { DeepReadonly } from '../std/deep.ts';
import type { CachedObject, CacheEvent } from './cache/cache.ts';
import type { Credentials, UserInfo } from './auth/auth.ts';
import type { Accepted, Offer } from './request/negotiate.ts';
import type { Resource } from './registry/resource.ts';
import type { Route } from './request/route.ts';

export interface Exchange {
  /** Given by the chain's first step; clients see it as Audit-Id. */
  id: string;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly uri: string;
  /** Of the connection; undefined within the process. */
  readonly remoteAddress: string | undefined;
  readonly route: Route;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  /** Node's flat list of names and values. */
  readonly rawHeaders: readonly string[];
  readonly credentials: Credentials;
  user: UserInfo;
  /** Aborted when the client leaves or the deadline passes. */
  readonly signal: AbortSignal;
  /** Texts for `Warning` headers. */
  readonly warnings: string[];
  readonly body: Body;
  /** The first call decides, by what the resource can be had as. */
  readonly accepted: (of?: Pick<Offer, 'custom' | 'tables'>) => Accepted;
  /** The form of errors. */
  readonly acceptedForErrors: () => Accepted;
  answer: Answer | undefined;
  /** Headers besides those that the answer's form brings. */
  readonly extraHeaders: Record<string, string>;
  /** Run when the request is over, whatever became of it. */
  readonly after: (() => void)[];
  /** Facts for the audit record, where one is kept. */
  auditAnnotations?: Map<string, string>;
  /** The audit record holds what was sent, and so what others have made of it. */
  auditsBodies?: boolean;
  /** What was read of the body, for the audit record. */
  said?: Said;
  /** How long it waited for its turn. */
  waitedMs?: number;
  /** Lets the next one in: nothing but waiting, and the answer, is left to do. */
  leaveSeat?: () => void;
  /** Of the span of this request, where it is traced: for calls to others that are part of it. */
  traceparent?: string;
  /** It may last: a watch, a log that is followed, a tunnel. */
  readonly longRunning: boolean;
  /** The connection itself, where the client asked to leave HTTP. */
  readonly upgrade: Upgrade | undefined;
}

/** What a request turned out to say, for its audit record. */
export interface Said {
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** What was read, with its defaults; only where the record holds what was sent. */
  readonly object?: unknown;
}

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export type Query = Pick<URLSearchParams, 'get' | 'has' | 'getAll'>;

/** What the client sent: bytes with their type, or a value handed over within the process. `soFar`: what somebody has read. */
export type Body =
  | { readonly form: 'bytes'; readonly contentType: string; readonly read: () => Promise<Buffer>; readonly stream: () => Readable; readonly soFar: () => Buffer | undefined }
  | { readonly form: 'value'; readonly contentType: string; readonly value: unknown };

export type Answer = ObjectAnswer | ListAnswer | WatchAnswer | DocumentAnswer | TextAnswer | StreamAnswer | TunnelAnswer;

/** One object of a resource. Either as it is stored, or made for this answer in the hub version. */
export interface ObjectAnswer {
  readonly type: 'object';
  readonly code: number;
  readonly resource: Resource;
  readonly object: StoredForm;
}

/** An object in its hub version: `bytes` are its JSON, `object` the parsed and frozen form, either made on demand. */
export interface StoredForm {
  readonly bytes: Buffer;
  readonly object: DeepReadonly<ApiObject>;
}

export interface ListAnswer {
  readonly type: 'list';
  readonly resource: Resource;
  readonly items: readonly CachedObject[];
  readonly revision: number;
  readonly continueToken: string | undefined;
  readonly remaining: number | undefined;
}

export interface WatchAnswer {
  readonly type: 'watch';
  readonly resource: Resource;
  /** Starts it; called once. */
  readonly start: (sink: WatchSink) => WatchHandle;
  /** Told of each event that goes out, with its size. */
  readonly sent?: (sizeBytes: number) => void;
}

export interface WatchHandle {
  close(): void;
}

/** What a transport makes of one watch. Items come in order; `false` asks to wait for `resume`. */
export interface WatchSink {
  send(item: WatchItem): boolean;
  /** The same for items that many watches are shown, from one of them on: returns the first that it did not take. Absent where each watch is on its own. */
  sendAll?: (items: readonly WatchItem[], from: number) => number;
  /** Called when a transport that had said `false` takes items again. */
  end(): void;
  onReady: (() => void) | undefined;
}

/** An event with the type that this watcher sees; `object` is what it is shown. */
export type WatchItem =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: CachedObject; readonly event: CacheEvent | undefined }
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly initialEventsEnd: boolean }
  | { readonly type: 'ERROR'; readonly status: object };

/** Any other object that has its version already: Status, Scale, reviews, discovery documents. */
export interface DocumentAnswer {
  readonly type: 'document';
  readonly code: number;
  readonly object: object;
  /** Ready bytes where they exist, by media type. */
  readonly bytes?: Buffer;
  readonly contentType?: string;
}

export interface TextAnswer {
  readonly type: 'text';
  readonly code: number;
  readonly text: string;
  readonly contentType?: string;
}

/** A body that is passed on as it comes (logs, proxied answers). */
export interface StreamAnswer {
  readonly type: 'stream';
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly stream: Readable;
}

/** The client's connection is joined to another server's: what passes is not looked at. */
export interface TunnelAnswer {
  readonly type: 'tunnel';
  /** Resolves when either side is done. */
  readonly join: (upgrade: Upgrade) => Promise<void>;
}
