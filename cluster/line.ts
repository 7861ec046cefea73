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

/** A server as a line sees it. */
export interface Host {
  readonly door: Door;
  /** Aborted when the server dies. */
  readonly gone: AbortSignal;
}

/** A cut line refuses calls and ends watches at once; a call that is under way may have been carried out, but nobody hears of it. */
export class Line implements Door {
  readonly #host: () => Host | undefined;
  readonly #traffic: Traffic;
  #cut = new AbortController();

  constructor(host: () => Host | undefined, traffic: Traffic) {
    this.#host = host;
    this.#traffic = traffic;
  }

  get isCut(): boolean {
    return this.#cut.signal.aborted;
  }

  cut(): void {
    this.#traffic.passed++;
    this.#cut.abort();
  }

  mend(): void {
    this.#traffic.passed++;
    if (this.isCut) this.#cut = new AbortController();
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
    if (!host || this.isCut || host.gone.aborted) throw unreachable();
    return { door: host.door, loss: new Loss([this.#cut.signal, host.gone]) };
  }
}

/** Tells once when any of the signals is aborted. */
class Loss {
  onLost: () => void = () => undefined;
  readonly #signals: readonly AbortSignal[];
  readonly #tell = (): void => {
    this.forget();
    this.onLost();
  };

  constructor(signals: readonly AbortSignal[]) {
    this.#signals = signals;
    for (const signal of signals) signal.addEventListener('abort', this.#tell, { once: true });
  }

  forget(): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#tell);
  }
}

export function unreachable(): ApiError {
  return new ApiError({ code: 503, reason: 'ServiceUnavailable', message: 'no answer from the server: connection refused' });
}
