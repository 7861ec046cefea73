/**
 * What is to be written to a watch, as a chain of frames that watches with the same form and the same events share: its bytes
 * are put together once for all of them.
 */
import type { WatchItem } from '../exchange.ts';

/** Makes the bytes of one item: a whole buffer, or the parts of one. */
export type Frame = (item: WatchItem) => readonly Buffer[];

/** The beginning of all chains of one form. */
export class Runs {
  readonly #isChunked: boolean;
  /** The chain that began last. */
  #last: Run | undefined;
  /** Chains that begin with an item that many are shown, in the course of time. */
  readonly #known = new WeakMap<WatchItem, Run>();
  readonly #beginnings = new WeakMap<readonly WatchItem[], Beginning>();

  /** `isChunked`: in the framing of HTTP/1.1. */
  constructor(isChunked: boolean) {
    this.#isChunked = isChunked;
  }

  begin(item: WatchItem, frame: Frame): Run {
    if (this.#last?.item === item) return this.#last;
    const lasting = isLasting(item);
    const known = lasting ? this.#known.get(item) : undefined;
    if (known) return known;
    const run = new Run(undefined, item, frame(item), this.#isChunked);
    if (lasting) this.#known.set(item, run);
    else this.#last = run;
    return run;
  }

  /** What many watches are shown at their beginning, cut into the pieces in which it is written, once for all of them. */
  beginning(items: readonly WatchItem[]): Beginning {
    let beginning = this.#beginnings.get(items);
    if (!beginning) this.#beginnings.set(items, (beginning = new Beginning(this, items)));
    return beginning;
  }

  /** A chain was written: who begins anew has missed its first item. */
  forget(): void {
    this.#last = undefined;
  }
}

/** A chain is written when it is this long; what comes in one turn goes out in one piece. */
export const PIECE_BYTES = 64 * 1024;

export interface Piece {
  readonly run: Run;
  /** The first item that is not in it. */
  readonly to: number;
  /** Of each frame in it. */
  readonly sizes: readonly number[];
}

export class Beginning {
  readonly #runs: Runs;
  readonly #items: readonly WatchItem[];
  readonly #pieces = new Map<number, Piece>();

  constructor(runs: Runs, items: readonly WatchItem[]) {
    this.#runs = runs;
    this.#items = items;
  }

  /** The piece that begins with this item; made when the first watch comes to it. */
  from(at: number, frame: Frame): Piece {
    let piece = this.#pieces.get(at);
    if (piece) return piece;
    let run = this.#runs.begin(this.#items[at] as WatchItem, frame);
    const sizes = [run.frameBytes];
    let to = at + 1;
    for (; run.bytes < PIECE_BYTES && to < this.#items.length; to++) {
      run = run.followedBy(this.#items[to] as WatchItem, frame);
      sizes.push(run.frameBytes);
    }
    this.#pieces.set(at, (piece = { run, to, sizes }));
    return piece;
  }
}

export class Run {
  readonly item: WatchItem;
  /** Of all frames so far. */
  readonly bytes: number;
  /** Of the last frame. */
  readonly frameBytes: number;
  /** It began with what a watch is shown first. */
  readonly #isLasting: boolean;
  readonly #before: Run | undefined;
  readonly #parts: readonly Buffer[];
  readonly #isChunked: boolean;
  #next: Run | undefined;
  #whole: Buffer | undefined;

  constructor(before: Run | undefined, item: WatchItem, parts: readonly Buffer[], isChunked: boolean) {
    this.#before = before;
    this.item = item;
    this.#parts = parts;
    this.#isChunked = isChunked;
    this.#isLasting = before ? before.#isLasting : isLasting(item);
    let frameBytes = 0;
    for (const part of parts) frameBytes += part.length;
    this.frameBytes = frameBytes;
    this.bytes = (before?.bytes ?? 0) + frameBytes;
  }

  followedBy(item: WatchItem, frame: Frame): Run {
    if (this.#next?.item === item) return this.#next;
    return (this.#next = new Run(this, item, frame(item), this.#isChunked));
  }

  /** All frames so far, ready to be written. */
  whole(): Buffer {
    if (this.#whole) return this.#whole;
    const head = this.#isChunked ? `${this.bytes.toString(16)}\r\n` : '';
    const tail = this.#isChunked ? '\r\n' : '';
    const whole = Buffer.allocUnsafeSlow(head.length + this.bytes + tail.length);
    whole.write(head, 0, 'latin1');
    this.#fill(whole, head.length + this.bytes);
    whole.write(tail, head.length + this.bytes, 'latin1');
    return this.#keep(whole);
  }

  /** Frames stand before `end`, each after those before it. */
  #fill(whole: Buffer, end: number): void {
    const start = end - this.frameBytes;
    let to = start;
    for (const part of this.#parts) to += part.copy(whole, to);
    if (this.#before) this.#before.#fill(whole, start);
  }

  #keep(whole: Buffer): Buffer {
    if (!this.#isLasting) return (this.#whole = whole);
    if (keptBytes + whole.length > KEPT_LIMIT_BYTES) return whole;
    keptBytes += whole.length;
    gone.register(whole, whole.length);
    return (this.#whole = whole);
  }
}

/** What watches are shown at their beginning is kept for the next ones as long as anybody needs it, up to this. */
const KEPT_LIMIT_BYTES = 32 * 1024 * 1024;
let keptBytes = 0;
const gone = new FinalizationRegistry<number>((bytes) => (keptBytes -= bytes));

function isLasting(item: WatchItem): boolean {
  return 'event' in item && item.event === undefined;
}
