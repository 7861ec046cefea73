/** Durations as upstream's flags take them: `10s`, `1m30s`, `1.5h`, `-1s`. */
import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, 'μs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;

/** In milliseconds. */
export function duration(text: string): number {
  if (/^[+-]?0$/.test(text)) return 0;
  const negative = text.startsWith('-');
  const parts = text.replace(/^[+-]/, '');
  let total = 0;
  let end = 0;
  for (const match of parts.matchAll(PART)) {
    total += Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
    end = match.index + match[0].length;
  }
  if (end === 0 || end !== parts.length) throw new InvalidArgumentError('it must be a duration, like 10s or 1m30s.');
  return negative ? -total : total;
}
