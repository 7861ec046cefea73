/** How many requests are worked on at a time; more wait their turn, and too many are sent away to come back later. */
import { ApiError } from '../../api/status.ts';
import type { Exchange } from '../exchange.ts';
import type { Step } from './chain.ts';

export interface FlowLimits {
  /** Requests that read, and requests that write, which are worked on at the same time. */
  readonly reading: number;
  readonly writing: number;
  /** Of each sort, how many may wait. */
  readonly waiting: number;
}

export const FLOW_LIMITS: FlowLimits = { reading: 400, writing: 400, waiting: 4_000 };
const RETRY_AFTER_SECONDS = 1;

export interface FlowControl {
  readonly step: Step;
  /** Worked on now. */
  readonly inFlight: () => { readonly reading: number; readonly writing: number };
}

/** Requests that may last do not count, and superusers are never held up. */
export function flowControl(limits: FlowLimits = FLOW_LIMITS): FlowControl {
  const reading = new Lane(limits.reading, limits.waiting);
  const writing = new Lane(limits.writing, limits.waiting);
  return {
    inFlight: () => ({ reading: reading.active, writing: writing.active }),
    step(exchange) {
      if (exchange.longRunning || exchange.user.groups.includes('system:masters')) return undefined;
      const lane = exchange.method === 'GET' ? reading : writing;
      return lane.enter(exchange);
    },
  };
}

class Lane {
  readonly #limit: number;
  readonly #waitingLimit: number;
  readonly #waiting: (() => void)[] = [];
  active = 0;

  constructor(limit: number, waitingLimit: number) {
    this.#limit = limit;
    this.#waitingLimit = waitingLimit;
  }

  enter(exchange: Exchange): void | Promise<void> {
    if (this.active < this.#limit) {
      this.active++;
      exchange.after.push(() => this.#leave());
      return undefined;
    }
    if (this.#waiting.length >= this.#waitingLimit) throw tooMany();
    return new Promise((resolve) => {
      this.#waiting.push(() => {
        exchange.after.push(() => this.#leave());
        resolve();
      });
    });
  }

  /** The place goes to who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.active--;
  }
}

function tooMany(): ApiError {
  return new ApiError({
    code: 429, reason: 'TooManyRequests', message: 'too many requests, please try again later', details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
  });
}
