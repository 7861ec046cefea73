/** Names each request, so that a client's report and the server's records can be brought together. */
import type { Random } from '../../std/random.ts';
import { uuid } from '../../std/random.ts';
import type { Step } from './chain.ts';

const LIMIT = 64;

/** A UUID whose last part counts: unique, and cheaper than drawing one for each request. */
export function requestId(random: Random): Step {
  const base = uuid(random).slice(0, 24);
  let count = 0;
  return (exchange) => {
    const sent = exchange.headers['audit-id'];
    if (typeof sent === 'string' && sent.length <= LIMIT && /^[-\w.]+$/.test(sent)) exchange.id = sent;
    else exchange.id = base + (++count).toString(16).padStart(12, '0');
  };
}
