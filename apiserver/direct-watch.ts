/** A watch within the process, read event by event. What comes before it is asked for waits here, in order. */
import type { WatchEvent } from '../api/request.ts';
import type { Exchange, WatchAnswer, WatchHandle, WatchItem, WatchSink } from './exchange.ts';
import { objectDocument } from './forms/answer-document.ts';
import type { Resource } from './registry/resource.ts';
import { PLAIN_JSON } from './request/negotiate.ts';

/** Items that a reader has not taken yet; a watch that falls further behind waits in its own bounded queue. */
const BUFFER = 64;

type Result = IteratorResult<WatchEvent, undefined>;

const OVER: Result = Object.freeze({ done: true, value: undefined });

export interface DirectWatchOptions {
  /** Resolves to an exchange whose answer is a watch. */
  readonly open: () => Promise<Exchange>;
  /** The watch is over. */
  readonly finish: (exchange: Exchange) => void;
  readonly signal: AbortSignal | undefined;
}

/** No generator: thousands of them wait, and a waiting generator keeps ten times as much. */
export class DirectWatch implements AsyncIterableIterator<WatchEvent, undefined>, WatchSink {
  onReady: (() => void) | undefined;
  readonly #options: DirectWatchOptions;
  readonly #buffer: WatchItem[] = [];
  #phase: 'new' | 'open' | 'over' = 'new';
  #exchange: Exchange | undefined;
  #resource: Resource | undefined;
  #handle: WatchHandle | undefined;
  /** The reader, who asks for one event at a time, waits. */
  #asker: ((result: Result) => void) | undefined;
  /** The watch was told to wait. */
  #isFull = false;
  readonly #abort = (): void => void this.return();

  constructor(options: DirectWatchOptions) {
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#phase === 'new') return this.#begin().then(() => this.next());
    if (this.#buffer.length === 0 && this.#isFull) {
      this.#isFull = false;
      this.onReady?.();
    }
    const item = this.#buffer.shift();
    if (item) return Promise.resolve({ done: false, value: this.#eventOf(item) });
    if (this.#phase === 'over') return this.return();
    return new Promise((resolve) => (this.#asker = resolve));
  }

  /** The reader wants no more. */
  return(): Promise<Result> {
    this.#close();
    this.#buffer.length = 0;
    return Promise.resolve(OVER);
  }

  send(item: WatchItem): boolean {
    if (this.#asker) this.#answer({ done: false, value: this.#eventOf(item) });
    else this.#buffer.push(item);
    this.#isFull = this.#buffer.length >= BUFFER;
    return !this.#isFull;
  }

  /** What waits here is still to be read. */
  end(): void {
    this.#phase = 'over';
    if (this.#asker) this.#close();
  }

  async #begin(): Promise<void> {
    const { open, signal } = this.#options;
    this.#phase = 'over';
    const exchange = await open();
    this.#phase = 'open';
    this.#exchange = exchange;
    if (signal?.aborted) return this.#close();
    signal?.addEventListener('abort', this.#abort, { once: true });
    const { resource, start } = exchange.answer as WatchAnswer;
    this.#resource = resource;
    this.#handle = start(this);
  }

  #close(): void {
    this.#phase = 'over';
    this.onReady = undefined;
    this.#options.signal?.removeEventListener('abort', this.#abort);
    this.#handle?.close();
    this.#handle = undefined;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange) this.#options.finish(exchange);
    this.#answer(OVER);
  }

  #answer(result: Result): void {
    const asker = this.#asker;
    this.#asker = undefined;
    asker?.(result);
  }

  #eventOf(item: WatchItem): WatchEvent {
    if (item.type === 'ERROR') return { type: 'ERROR', object: item.status };
    const resource = this.#resource as Resource;
    if (item.type !== 'BOOKMARK') return { type: item.type, object: objectDocument(item.object.object, resource, PLAIN) };
    const metadata = { resourceVersion: String(item.revision), ...(item.initialEventsEnd && { annotations: INITIAL_EVENTS_END }) };
    return { type: 'BOOKMARK', object: { kind: resource.kind.kind, apiVersion: resource.apiVersion, metadata } };
  }
}

const INITIAL_EVENTS_END = { 'k8s.io/initial-events-end': 'true' };
/** Neither the query nor the time matter to objects as they are. */
const PLAIN = { accepted: PLAIN_JSON, query: new URLSearchParams(), now: 0 };
