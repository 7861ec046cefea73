/** A watch on an HTTP response: each event framed once per form, the same buffer for every watcher of that form. */
import type { ServerResponse } from 'node:http';
import { encodeWatchFrame } from '../api/codec/protobuf.ts';
import type { WatchEventType } from '../api/request.ts';
import type { Clock } from '../std/clock.ts';
import type { CacheEvent, CachedObject } from './cache/cache.ts';
import type { Exchange, WatchAnswer, WatchItem, WatchSink } from './exchange.ts';
import { eventDocument, type FormContext } from './forms/answer-document.ts';
import { encodeDocument } from './forms/encode.ts';
import { contentType, type Accepted } from './negotiate.ts';
import { writeHead, type Response } from './render.ts';
import type { Resource } from './resource.ts';

export function sendWatch(exchange: Exchange, response: Response, headers: Record<string, string | string[]>, answer: WatchAnswer, clock: Clock): Promise<void> {
  const accepted = exchange.accepted();
  headers['Content-Type'] = accepted.media === 'protobuf' ? `${contentType('protobuf')};stream=watch` : contentType(accepted.media);
  writeHead(response, 200, headers);
  (response as ServerResponse).flushHeaders();
  const out = response as ServerResponse;
  return new Promise((resolve) => {
    const framer = new Framer(exchange, answer.resource, accepted, clock);
    const chunks = new Chunks(out);
    const sink: WatchSink = {
      onReady: undefined,
      send(item) {
        const frame = framer.frame(item);
        answer.sent?.(lengthOf(frame));
        return chunks.add(frame);
      },
      end() {
        chunks.flush();
        out.end();
        resolve();
      },
    };
    const handle = answer.start(sink);
    out.on('drain', () => {
      chunks.drained();
      sink.onReady?.();
    });
    const close = (): void => {
      handle.close();
      resolve();
    };
    response.on('close', close);
    exchange.signal.addEventListener('abort', () => {
      handle.close();
      sink.end();
    }, { once: true });
  });
}

/** So much is gathered before it is written; what comes in one turn goes out in one piece. */
const CHUNK_BYTES = 64 * 1024;

/** One frame: a buffer that others share, or the parts of one that only this watcher gets. */
type Frame = Buffer | readonly Buffer[];

function lengthOf(frame: Frame): number {
  return Buffer.isBuffer(frame) ? frame.length : frame.reduce((sum, { length }) => sum + length, 0);
}

/** Gathers frames, since a write costs more than a copy. */
class Chunks {
  readonly #out: ServerResponse;
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Untrue only while the transport owes a `drain`. */
  #takes = true;

  constructor(out: ServerResponse) {
    this.#out = out;
  }

  /** Whether more is welcome. */
  add(frame: Frame): boolean {
    if (this.#parts.length === 0) queueMicrotask(() => this.flush());
    if (Buffer.isBuffer(frame)) this.#parts.push(frame);
    else this.#parts.push(...frame);
    this.#bytes += lengthOf(frame);
    if (this.#bytes >= CHUNK_BYTES) this.flush();
    return this.#takes;
  }

  drained(): void {
    this.#takes = true;
  }

  flush(): void {
    const [first] = this.#parts;
    if (!first) return;
    const whole = this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#takes = this.#out.write(whole);
  }
}

/** Frames by event, then by form and type; they go with the event. */
const framed = new WeakMap<CacheEvent, Map<string, Buffer>>();

class Framer {
  readonly #context: FormContext;
  readonly #resource: Resource;
  readonly #accepted: Accepted;
  readonly #form: string;
  #first = true;

  constructor(exchange: Exchange, resource: Resource, accepted: Accepted, clock: Clock) {
    this.#context = { accepted, query: exchange.query, now: clock.now() };
    this.#resource = resource;
    this.#accepted = accepted;
    this.#form = `${resource.apiVersion} ${accepted.media} ${accepted.as ?? ''} ${accepted.asVersion}`;
  }

  frame(item: WatchItem): Frame {
    if (item.type === 'ERROR') return this.#encode('ERROR', item.status);
    if (item.type === 'BOOKMARK') return this.#bookmark(item.revision, item.initialEventsEnd);
    // A Table differs from watcher to watcher: ages, included objects, columns in the first.
    if (this.#accepted.as === 'Table') return this.#object(item.type, item.object);
    if (!item.event) return this.#isStored ? [headOf(item.type), item.object.bytes, TAIL] : this.#object(item.type, item.object);
    let frames = framed.get(item.event);
    if (!frames) framed.set(item.event, (frames = new Map()));
    const form = `${item.type} ${this.#form}`;
    let frame = frames.get(form);
    if (!frame) frames.set(form, (frame = this.#object(item.type, item.object)));
    return frame;
  }

  /** Whether objects go out as the bytes that are stored. */
  get #isStored(): boolean {
    return this.#accepted.as === undefined && this.#accepted.media === 'json' && this.#resource.isHub;
  }

  #object(type: WatchEventType, object: CachedObject): Buffer {
    if (this.#isStored) return jsonFrame(type, object.bytes);
    const document = eventDocument(object.object as never, this.#resource, this.#context, this.#first);
    this.#first = false;
    return this.#encode(type, document);
  }

  #bookmark(revision: number, initialEventsEnd: boolean): Buffer {
    const metadata = { resourceVersion: String(revision), ...(initialEventsEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }) };
    const { kind, hubApiVersion, isHub, apiVersion } = this.#resource;
    const object = { kind: kind.kind, apiVersion: isHub ? hubApiVersion : apiVersion, metadata };
    if (this.#accepted.as === 'Table') {
      const document = eventDocument(object as never, this.#resource, this.#context, this.#first);
      this.#first = false;
      return this.#encode('BOOKMARK', document);
    }
    if (this.#accepted.as !== undefined) return this.#encode('BOOKMARK', { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${this.#accepted.asVersion}`, metadata });
    return this.#encode('BOOKMARK', object);
  }

  #encode(type: WatchEventType, document: object): Buffer {
    if (this.#accepted.media === 'protobuf') return encodeWatchFrame(type, encodeDocument(document, { media: 'protobuf', pretty: false }));
    return jsonFrame(type, Buffer.from(JSON.stringify(document)));
  }
}

const HEADS = new Map<WatchEventType, Buffer>();
const TAIL = Buffer.from('}\n');

function jsonFrame(type: WatchEventType, object: Buffer): Buffer {
  return Buffer.concat([headOf(type), object, TAIL]);
}

function headOf(type: WatchEventType): Buffer {
  let head = HEADS.get(type);
  if (!head) HEADS.set(type, (head = Buffer.from(`{"type":"${type}","object":`)));
  return head;
}
