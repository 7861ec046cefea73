/** The order in which fields, keys, values and places stand in a set. Provenance: structured-merge-diff v6 fieldpath and value, where numbers come before texts. */

const KINDS = 'fkvi';

export function compareElements(a: string, b: string): number {
  const kind = a[0] ?? '';
  if (kind !== b[0]) return KINDS.indexOf(kind) - KINDS.indexOf(b[0] ?? '');
  if (kind === 'f') return compareText(a, b);
  const left: unknown = JSON.parse(a.slice(2));
  const right: unknown = JSON.parse(b.slice(2));
  return kind === 'k' ? compareKeys(left as object, right as object) : compareValues(left, right);
}

/** Keys stand in the order of their names. */
function compareKeys(left: object, right: object): number {
  const rights = Object.entries(right);
  for (const [at, [name, value]] of Object.entries(left).entries()) {
    const other = rights[at];
    if (!other) return 1;
    const order = compareText(name, other[0]) || compareValues(value, other[1]);
    if (order !== 0) return order;
  }
  return Object.keys(left).length - rights.length;
}

function compareValues(left: unknown, right: unknown): number {
  const rank = rankOf(left) - rankOf(right);
  if (rank !== 0) return rank;
  if (typeof left === 'number' || typeof left === 'boolean') return Number(left) - Number(right);
  if (typeof left === 'string') return compareText(left, right as string);
  // Lists and maps are seldom values of sets: any order will do that is always the same.
  return compareText(JSON.stringify(left), JSON.stringify(right));
}

function rankOf(value: unknown): number {
  if (value === null) return 5;
  if (Array.isArray(value)) return 3;
  return { number: 0, string: 1, boolean: 2 }[typeof value as string] ?? 4;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
