/** Without priority and fairness: so many requests of each sort are worked on at a time, what exceeds them is sent away. */
import { laneOf, TooManyRequests, type FlowLimits, type InFlight } from '../flow/flow-control.ts';
import type { Step } from './chain.ts';

const RETRY_AFTER_SECONDS = 1;

export interface MaxInFlight {
  readonly step: Step;
  inFlight(): InFlight;
}

/** Requests that may last do not count, and superusers are never held up. A limit of 0 is none. */
export function maxInFlight(limits: FlowLimits): MaxInFlight {
  const now = { reading: 0, writing: 0 };
  return {
    inFlight: () => now,
    step(exchange) {
      if (exchange.longRunning || exchange.user.groups.includes('system:masters')) return;
      const lane = laneOf(exchange);
      if (limits[lane] > 0 && now[lane] >= limits[lane]) throw new TooManyRequests(RETRY_AFTER_SECONDS);
      now[lane]++;
      exchange.after.push(() => now[lane]--);
    },
  };
}
