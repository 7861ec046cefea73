/** How long a client is willing to wait: the `timeout` parameter, a duration as Go writes them. */
import { parseGoDuration } from '../../api/go-duration.ts';
import { badRequest } from '../../api/status.ts';
import type { Query } from '../exchange.ts';

/** Never more than the server's own limit; 0 and less count as none. Throws 400. */
export function requestTimeoutMs(query: Query, limitMs: number): number {
  const text = query.get('timeout');
  if (text === null || text === '') return limitMs;
  const nanos = parseGoDuration(text);
  if (typeof nanos === 'string') throw badRequest(`invalid timeout specified in the request URL - ${nanos}`);
  return nanos <= 0 ? limitMs : Math.min(nanos / 1e6, limitMs);
}
