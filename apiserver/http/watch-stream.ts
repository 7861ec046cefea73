/** A watch on an HTTP response or a WebSocket: each event framed once per form, the same buffer for every watcher of that form. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { encodeWatchFrame } from '../../api/codec/protobuf.ts';
import { parseRequestUri } from '../../api/go-url.ts';
import type { WatchEventType } from '../../api/request.ts';
import type { Clock } from '../../std/clock.ts';
import { Turns } from '../../std/turns.ts';
import type { CacheEvent, CachedObject } from '../cache/cache.ts';
import type { Exchange, Upgrade, WatchAnswer, WatchItem, WatchSink } from '../exchange.ts';
import { bookmarkObject } from '../forms/blank.ts';
import { eventDocument, type FormContext } from '../forms/answer-document.ts';
import { encodeDocument } from '../forms/encode.ts';
import { bodyOut } from './http2-messages.ts';
import { contentType, type Accepted } from '../request/negotiate.ts';
import { writeHead, type Response } from './response.ts';
import type { Resource } from '../registry/resource.ts';
import { BINARY, messageHead, openWebSocket, TEXT, type Choice } from './websocket.ts';
import { PIECE_BYTES, Runs, type Frame, type Run } from './watch-run.ts';

export function sendWatch(exchange: Exchange, response: Response, headers: Record<string, string | string[]>, answer: WatchAnswer, clock: Clock): Promise<void> {
  const accepted = exchange.accepted();
  headers['Content-Type'] = accepted.media === 'protobuf' ? `${contentType('protobuf')};stream=watch` : contentType(accepted.media);
  writeHead(response, 200, headers);
  response.flushHeaders();
  const out = bodyOut(response);
  const socket = chunkedSocket(out);
  const framer = new Framer(exchange, answer.resource, accepted, clock);
  const sending = new Sending(out, { framer, form: socket ? 'chunks' : 'bytes', socket }, answer.sent);
  return run(exchange, answer, { sending, source: response, end: () => out.end() });
}

/** The same over a WebSocket: a message for each event. */
export async function sendWatchMessages(exchange: Exchange, upgrade: Upgrade, answer: WatchAnswer, clock: Clock): Promise<void> {
  const opened = openWebSocket(upgrade, ofPages);
  if (!opened) return;
  const { socket } = opened;
  const framer = new Framer(exchange, answer.resource, exchange.accepted(), clock);
  const sending = new Sending(upgrade.socket, { framer, form: 'messages', socket: undefined }, answer.sent);
  await run(exchange, answer, { sending, source: upgrade.socket, end: () => socket.end(), left: socket.left });
}

/** Any one protocol will do. Who comes from no page that can be named is refused. Provenance: golang.org/x/net/websocket v0.49. */
const ofPages: Choice = (protocols, { headers: { origin } }) => {
  if (origin === undefined || typeof parseRequestUri(origin) === 'string') return 403;
  return protocols.length > 1 ? 400 : (protocols[0] ?? '');
};

interface Running {
  readonly sending: Sending;
  /** Closes when the client has gone. */
  readonly source: { on(event: 'close', listener: () => void): unknown };
  readonly end: () => void;
  /** The client has said that it wants no more. */
  readonly left?: AbortSignal;
}

/** Resolves when the last of it was handed over, or nobody is left to read. */
function run({ signal }: Exchange, answer: WatchAnswer, { sending, source, end, left }: Running): Promise<void> {
  return new Promise((resolve) => {
    const sink: WatchSink = {
      onReady: undefined,
      send: (item) => sending.add(item),
      sendAll: (items, from) => sending.addAll(items, from),
      end() {
        sending.flush();
        end();
        resolve();
      },
    };
    const handle = answer.start(sink);
    sending.onDrained(() => sink.onReady?.());
    const leave = (): void => {
      handle.close();
      resolve();
    };
    source.on('close', leave);
    left?.addEventListener('abort', leave, { once: true });
    const stop = (): void => {
      handle.close();
      sink.end();
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** All watches of the process share the time of its one event loop. */
const turns = new Turns();

/** What frames are wrapped in: nothing, chunks of HTTP/1.1, or messages of a WebSocket. */
type Form = 'bytes' | 'chunks' | 'messages';

/** Gathers frames, since a write costs more than a copy. */
class Sending {
  readonly #out: Writable;
  readonly #frame: Frame;
  readonly #sent: ((sizeBytes: number) => void) | undefined;
  readonly #runs: Runs;
  /** Where frames go out ready made, past the response; undefined where only the response knows how. */
  readonly #socket: Socket | undefined;
  /** What is to be written. */
  #run: Run | undefined;
  #isDue = false;
  /** Untrue only while the transport owes a `drain`. */
  #takes = true;

  constructor(out: Writable, { framer, form, socket }: { readonly framer: Framer; readonly form: Form; readonly socket: Socket | undefined }, sent: ((sizeBytes: number) => void) | undefined) {
    this.#out = out;
    this.#frame = form === 'messages' ? (item) => framer.message(item) : (item) => framer.frame(item);
    this.#sent = sent;
    this.#socket = socket;
    this.#runs = framer.runs(form);
  }

  /** Whether more is welcome. */
  add(item: WatchItem): boolean {
    const run = (this.#run = this.#run ? this.#run.followedBy(item, this.#frame) : this.#runs.begin(item, this.#frame));
    this.#sent?.(run.frameBytes);
    this.#gather(run);
    return this.#takes;
  }

  /** Items that other watches are shown as well; returns how far it came. */
  addAll(items: readonly WatchItem[], from: number): number {
    this.flush();
    const beginning = this.#runs.beginning(items);
    let at = from;
    while (at < items.length && this.#takes) {
      const { run, to, sizes } = beginning.from(at, this.#frame);
      if (this.#sent) for (const size of sizes) this.#sent(size);
      this.#gather((this.#run = run));
      at = to;
    }
    return at;
  }

  #gather({ bytes }: Run): void {
    if (bytes >= PIECE_BYTES) this.flush();
    else if (!this.#isDue) {
      this.#isDue = true;
      turns.add(this.#due);
    }
  }

  onDrained(ready: () => void): void {
    const from = this.#socket ?? this.#out;
    const drained = (): void => {
      this.#takes = true;
      ready();
    };
    from.on('drain', drained);
    this.#out.once('close', () => from.off('drain', drained));
  }

  flush(): void {
    const run = this.#run;
    if (!run) return;
    this.#run = undefined;
    this.#runs.forget();
    if (this.#out.destroyed || this.#socket?.destroyed) return;
    this.#takes = (this.#socket ?? this.#out).write(run.whole());
  }

  readonly #due = (): void => {
    this.#isDue = false;
    this.flush();
  };
}

/** The socket, where the response is an HTTP/1.1 one whose body goes in chunks and whose turn on the connection has come. */
function chunkedSocket(out: ServerResponse): Socket | undefined {
  const { chunkedEncoding, _hasBody: hasBody } = out as unknown as { readonly chunkedEncoding?: boolean; readonly _hasBody?: boolean };
  return chunkedEncoding === true && hasBody === true && out.socket ? out.socket : undefined;
}

/** Frames by event, then by form and type; they go with the event. */
const framed = new WeakMap<CacheEvent, Map<string, readonly Buffer[]>>();
/** Chains of frames by resource, then by form. */
const shared = new WeakMap<Resource, Map<string, Runs>>();

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

  /** What this watch has in common with others. A Table differs from watcher to watcher: ages, included objects, columns in the first. */
  runs(form: Form): Runs {
    const isChunked = form === 'chunks';
    if (this.#accepted.as === 'Table') return new Runs(isChunked);
    let forms = shared.get(this.#resource);
    if (!forms) shared.set(this.#resource, (forms = new Map()));
    const name = `${form} ${this.#form}`;
    let runs = forms.get(name);
    if (!runs) forms.set(name, (runs = new Runs(isChunked)));
    return runs;
  }

  /** As one message, whose size no other prefix tells. */
  message(item: WatchItem): readonly Buffer[] {
    const isText = this.#accepted.media !== 'protobuf';
    const parts = isText ? this.frame(item) : this.frame(item).map((frame) => frame.subarray(FRAME_PREFIX_BYTES));
    let size = 0;
    for (const { length } of parts) size += length;
    return [messageHead(isText ? TEXT : BINARY, size), ...parts];
  }

  frame(item: WatchItem): readonly Buffer[] {
    if (item.type === 'ERROR') return [this.#encode('ERROR', item.status)];
    if (item.type === 'BOOKMARK') return [this.#bookmark(item.revision, item.initialEventsEnd)];
    if (this.#isStored) return [headOf(item.type), item.object.bytes, TAIL];
    if (this.#accepted.as === 'Table' || !item.event) return [this.#object(item.type, item.object)];
    let frames = framed.get(item.event);
    if (!frames) framed.set(item.event, (frames = new Map()));
    const form = `${item.type} ${this.#form}`;
    let frame = frames.get(form);
    if (!frame) frames.set(form, (frame = [this.#object(item.type, item.object)]));
    return frame;
  }

  /** Whether objects go out as the bytes that are stored. */
  get #isStored(): boolean {
    return this.#accepted.as === undefined && this.#accepted.media === 'json' && this.#resource.isHub;
  }

  #object(type: WatchEventType, object: CachedObject): Buffer {
    const document = eventDocument(object.object as never, this.#resource, this.#context, this.#first);
    this.#first = false;
    return this.#encode(type, document);
  }

  #bookmark(revision: number, initialEventsEnd: boolean): Buffer {
    const metadata = { resourceVersion: String(revision), ...(initialEventsEnd && { annotations: { 'k8s.io/initial-events-end': 'true' } }) };
    const object = bookmarkObject(this.#resource, metadata);
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

/** Frames of protobuf begin with their length. */
const FRAME_PREFIX_BYTES = 4;
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
