/** The line from one client to the API server: it can be cut, it counts what is under way on it, and it outlives the server. */
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import { ApiError } from '../api/status.ts';

/** What passes on all lines of a cluster, so that one can tell when nothing does. */
export class Traffic {
  /** Moves with every call, answer and event. */
  passed = 0;
  /** Calls that wait for their answer. */
  readonly underWay = new Set<ApiCall>();
}

/** Something that ends once. Unlike an AbortSignal it bears thousands who want to hear of it. */
export class Ending {
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  on(listener: () => void): void {
    this.#listeners.add(listener);
  }

  off(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const all = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of all) listener();
  }
}

/** A server as a line sees it. */
export interface Host {
  readonly door: Door;
  /** The server dies. */
  readonly gone: Ending;
}

/** A cut line refuses calls and ends watches at once; a call that is under way may have been carried out, but nobody hears of it. */
export class Line implements Door {
  readonly #host: () => Host | undefined;
  readonly #traffic: Traffic;
  #cut = new Ending();

  constructor(host: () => Host | undefined, traffic: Traffic) {
    this.#host = host;
    this.#traffic = traffic;
  }

  get isCut(): boolean {
    return this.#cut.isOver;
  }

  cut(): void {
    this.#traffic.passed++;
    this.#cut.end();
  }

  mend(): void {
    this.#traffic.passed++;
    if (this.isCut) this.#cut = new Ending();
  }

  async call(call: ApiCall): Promise<unknown> {
    const { door, loss } = this.#open();
    const traffic = this.#traffic;
    traffic.passed++;
    traffic.underWay.add(call);
    const lost = Promise.withResolvers<never>();
    loss.onLost = () => lost.reject(unreachable());
    try {
      return await Promise.race([door.call(call), lost.promise]);
    } finally {
      loss.forget();
      traffic.underWay.delete(call);
      traffic.passed++;
    }
  }

  async *watch(call: ApiCall): AsyncGenerator<WatchEvent> {
    const { door, loss } = this.#open();
    const traffic = this.#traffic;
    const ending = new AbortController();
    const end = (): void => ending.abort();
    let isLost = false;
    loss.onLost = () => {
      isLost = true;
      end();
    };
    call.signal?.addEventListener('abort', end, { once: true });
    if (call.signal?.aborted) end();
    traffic.passed++;
    try {
      for await (const event of door.watch({ ...call, signal: ending.signal })) {
        if (isLost) break;
        traffic.passed++;
        yield event;
      }
    } finally {
      traffic.passed++;
      loss.forget();
      call.signal?.removeEventListener('abort', end);
    }
    if (isLost && !call.signal?.aborted) throw unreachable();
  }

  #open(): { readonly door: Door; readonly loss: Loss } {
    const host = this.#host();
    if (!host || this.isCut || host.gone.isOver) throw unreachable();
    return { door: host.door, loss: new Loss([this.#cut, host.gone]) };
  }
}

/** Tells once when any of them ends. */
class Loss {
  onLost: () => void = () => undefined;
  readonly #endings: readonly Ending[];
  readonly #tell = (): void => {
    this.forget();
    this.onLost();
  };

  constructor(endings: readonly Ending[]) {
    this.#endings = endings;
    for (const ending of endings) ending.on(this.#tell);
  }

  forget(): void {
    for (const ending of this.#endings) ending.off(this.#tell);
  }
}

export function unreachable(): ApiError {
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message: 'no answer from the server: connection refused' });
}
