/** Lists of a Job's indexes: `0,3-5`. */
import { goQuote } from '../../go-quote.ts';

/** How many indexes the text names, or why it is malformed. */
export function countIndexes(text: string, completions: number): number | string {
  if (text === '') return 0;
  let total = 0;
  let last: number | undefined;
  for (const part of text.split(',')) {
    const range = parseRange(part, completions);
    if (typeof range === 'string') return range;
    const [from, to] = range;
    if (last !== undefined && last >= from) return `non-increasing order, previous: ${last}, current: ${from}`;
    total += to - from + 1;
    last = to;
  }
  return total;
}

/** The first index that both hold; what cannot be read is passed over. */
export function firstOverlap(one: string, other: string, completions: number): number | undefined {
  const read = (text: string): [number, number][] => text.split(',').map((part) => parseRange(part, completions)).filter((range) => typeof range !== 'string');
  const [left, right] = [read(one), read(other)];
  let [i, j] = [0, 0];
  for (let [a, b] = [left[i], right[j]]; a && b; [a, b] = [left[i], right[j]]) {
    if (a[0] <= b[1] && b[0] <= a[1]) return Math.max(a[0], b[0]);
    if (a[0] <= b[0]) i++;
    else j++;
  }
  return undefined;
}

function parseRange(text: string, completions: number): [number, number] | string {
  const limits = text.split('-');
  if (limits.length > 2) return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  for (const limit of limits) {
    if (!/^[+-]?[0-9]+$/.test(limit)) return `cannot convert string to integer for index: ${goQuote(limit)}`;
    if (Number(limit) >= completions) return `too large index: ${JSON.stringify(limit)}`;
  }
  const [from = 0, to = from] = limits.map(Number);
  return limits.length === 2 && from >= to ? `non-increasing order, previous: ${from}, current: ${to}` : [from, to];
}
