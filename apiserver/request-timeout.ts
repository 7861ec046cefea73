/** How long a client is willing to wait: the `timeout` parameter, a duration as Go writes them. */
import { badRequest } from '../api/status.ts';
import type { Query } from './exchange.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Never more than the server's own limit; 0 and less count as none. Throws 400. */
export function requestTimeoutMs(query: Query, limitMs: number): number {
  const text = query.get('timeout');
  if (text === null || text === '') return limitMs;
  const total = parts(text);
  return text.startsWith('-') || total === 0 ? limitMs : Math.min(total, limitMs);
}

/** Sum of the amounts, without the sign. Throws 400, worded as Go's time.ParseDuration. */
function parts(text: string): number {
  let rest = text.replace(/^[-+]/, '');
  if (rest === '0') return 0;
  let total = 0;
  do {
    const [, amount = '', unit = ''] = /^(\d*\.?\d*)([^\d.]*)/.exec(rest) as RegExpExecArray;
    if (!/\d/.test(amount)) throw refused(`invalid duration ${JSON.stringify(text)}`);
    if (unit === '') throw refused(`missing unit in duration ${JSON.stringify(text)}`);
    const each = UNIT_MS[unit];
    if (each === undefined) throw refused(`unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    total += Number(amount) * each;
    rest = rest.slice(amount.length + unit.length);
  } while (rest !== '');
  return total;
}

function refused(why: string): Error {
  return badRequest(`invalid timeout specified in the request URL - time: ${why}`);
}
