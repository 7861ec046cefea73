/** When one more thread is worth its memory, which one has more than its share, and when one is no longer needed: decided from how busy each was. */

export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** What was seen since the last look. */
export interface Look {
  /** Share of the time in which each was busy: the first thread, then the others. */
  readonly busy: readonly number[];
  /** Whether the first thread has requests of several connections to answer: only those can go elsewhere. */
  readonly isAsked: boolean;
}

export type Move =
  | { readonly type: 'start' }
  /** The thread at this place of the look sends so large a part of its connections elsewhere. */
  | { readonly type: 'shed'; readonly from: number; readonly share: number }
  /** The last thread ends, if nothing of it is in use. */
  | { readonly type: 'retire' };

/** Every second: short against what a thread costs to start, long against one large request. */
export const LOOK_MS = 1_000;

/** Who is so busy makes its clients wait. */
const BUSY = 0.8;
/** For so many looks before another thread is started. */
const BUSY_LOOKS = 2;
/** A smaller difference is left as it is. */
const UNEVEN = 0.25;
/** After connections were sent away it takes so long until that shows; where it does not help, more and more. */
const PAUSE_LOOKS = 3;
const PAUSE_LIMIT_LOOKS = 60;
/** What the others can take over without being busy themselves. */
const QUIET = 0.1;
const SPARE = 0.5;
const QUIET_LOOKS = 300;

export class ThreadBalance {
  readonly #bounds: Bounds;
  #busyLooks = 0;
  #quietLooks = 0;
  #pause = 0;
  #nextPause = PAUSE_LOOKS;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  look({ busy, isAsked }: Look): Move | undefined {
    return this.#start(busy, isAsked) ?? this.#shed(busy) ?? this.#retire(busy);
  }

  #start(busy: readonly number[], isAsked: boolean): Move | undefined {
    const areBusy = isAsked && busy.every((share) => share > BUSY);
    this.#busyLooks = areBusy ? this.#busyLooks + 1 : 0;
    if (this.#busyLooks < BUSY_LOOKS || busy.length - 1 >= this.#bounds.most) return undefined;
    this.#busyLooks = 0;
    return { type: 'start' };
  }

  #shed(busy: readonly number[]): Move | undefined {
    const highest = Math.max(...busy);
    const difference = highest - Math.min(...busy);
    if (highest <= BUSY || difference <= UNEVEN) {
      this.#nextPause = PAUSE_LOOKS;
      this.#pause = 0;
      return undefined;
    }
    if (this.#pause > 0) return void this.#pause--;
    this.#pause = this.#nextPause;
    this.#nextPause = Math.min(PAUSE_LIMIT_LOOKS, this.#nextPause * 2);
    const mean = busy.reduce((sum, share) => sum + share, 0) / busy.length;
    // The system deals them anew among all: some of them come back.
    const comeBack = 1 / busy.length;
    return { type: 'shed', from: busy.indexOf(highest), share: Math.min(1, (1 - mean / highest) / (1 - comeBack)) };
  }

  #retire(busy: readonly number[]): Move | undefined {
    const isQuiet = busy.length - 1 > this.#bounds.least && (busy.at(-1) ?? 0) < QUIET && busy.every((share) => share < SPARE);
    this.#quietLooks = isQuiet ? this.#quietLooks + 1 : 0;
    if (this.#quietLooks < QUIET_LOOKS) return undefined;
    this.#quietLooks = 0;
    return { type: 'retire' };
  }
}
