/** Names each request, so that a client's report and the server's records can be brought together. */
import type { Random } from '../../std/random.ts';
import { uuid } from '../../std/random.ts';
import type { Step } from './chain.ts';

const LIMIT = 64;

export function requestId(random: Random): Step {
  return (exchange) => {
    const sent = exchange.headers['audit-id'];
    exchange.id = typeof sent === 'string' && sent.length <= LIMIT && /^[-\w.]+$/.test(sent) ? sent : uuid(random);
  };
}
