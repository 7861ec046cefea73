/** How long a client is willing to wait: the `timeout` parameter, a duration as Go writes them. */
import { badRequest } from '../api/status.ts';
import type { Query } from './exchange.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const DURATION = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/;

/** Never more than the server's own limit; 0 and less count as none. Throws 400. */
export function requestTimeoutMs(query: Query, limitMs: number): number {
  const text = query.get('timeout');
  if (text === null || text === '') return limitMs;
  if (!DURATION.test(text)) throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`);
  let total = 0;
  for (const [, amount = '0', unit = ''] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) total += Number(amount) * (UNIT_MS[unit] ?? 0);
  return text.startsWith('-') || total === 0 ? limitMs : Math.min(total, limitMs);
}
