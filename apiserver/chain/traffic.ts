/** Counts requests by what they were about and how they ended. */
import type { Exchange } from '../exchange.ts';
import { codeOf } from './audit.ts';
import type { Step } from './chain.ts';

export interface Traffic {
  readonly step: Step;
  counts(): Iterable<{ readonly labels: Record<string, string>; readonly count: number }>;
  inFlight(): { readonly reading: number; readonly writing: number };
}

/** Combinations that are kept apart; what comes after them is counted as `other`. */
const SERIES_LIMIT = 5_000;

export function countTraffic(inFlight: Traffic['inFlight']): Traffic {
  const counts = new Map<string, number>();
  const count = (exchange: Exchange): void => {
    const { verb, group, version, resource, subresource } = exchange.route;
    let key = `${verb} ${group} ${version} ${resource} ${subresource} ${codeOf(exchange)}`;
    if (!counts.has(key) && counts.size >= SERIES_LIMIT) key = 'other     ';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  return {
    inFlight,
    step(exchange) {
      exchange.after.push(() => count(exchange));
    },
    *counts() {
      for (const [key, total] of counts) {
        const [verb = '', group = '', version = '', resource = '', subresource = '', code = ''] = key.split(' ');
        yield { labels: { verb: verb.toUpperCase(), group, version, resource, subresource, code }, count: total };
      }
    },
  };
}
