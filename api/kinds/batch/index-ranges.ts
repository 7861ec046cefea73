/** Lists of a Job's indexes: `0,3-5`. */

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

function parseRange(text: string, completions: number): [number, number] | string {
  const limits = text.split('-');
  if (limits.length > 2) return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`;
  const bad = limits.find((limit) => !/^[+-]?[0-9]+$/.test(limit));
  if (bad !== undefined) return `cannot convert string to integer for index: ${JSON.stringify(bad)}`;
  const [from = 0, to = from] = limits.map(Number);
  for (const index of [from, to]) if (index >= completions) return `too large index: ${JSON.stringify(String(index))}`;
  if (limits.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`;
  return [from, to];
}
