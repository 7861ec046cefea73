/** Durations as Go writes them (`1h30m`, `1.5s`, `-5ms`), and what Go says of those that are none. Provenance: time.ParseDuration. */

const UNIT_NANOS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, 'µs': 1e3, 'μs': 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };
const LARGEST_NANOS = 2 ** 63;

/** Nanoseconds, or why there are none. */
export function parseGoDuration(text: string): number | string {
  const shown = JSON.stringify(text);
  let rest = text.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  if (rest === '') return `time: invalid duration ${shown}`;
  let nanos = 0;
  while (rest !== '') {
    const amount = /^(?:\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (amount === undefined) return `time: invalid duration ${shown}`;
    rest = rest.slice(amount.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? '';
    if (unit === '') return `time: missing unit in duration ${shown}`;
    const each = Object.hasOwn(UNIT_NANOS, unit) ? UNIT_NANOS[unit] : undefined;
    if (each === undefined) return `time: unknown unit ${JSON.stringify(unit)} in duration ${shown}`;
    rest = rest.slice(unit.length);
    nanos += Number(amount) * each;
    if (nanos >= LARGEST_NANOS) return `time: invalid duration ${shown}`;
  }
  return text.startsWith('-') ? -nanos : nanos;
}
