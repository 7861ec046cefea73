/** Ordered ranges, now or as they stood before: the present map with the changes since then undone on top of it. */
import type { SortedMap } from '../../std/sorted-map.ts';

/** What keys held at an earlier time, where that differs from now; undefined: the key did not exist. */
export type Past<V> = ReadonlyMap<string, V | undefined>;

export interface Range {
  /** First key, inclusive. */
  readonly from: string;
  /** Last key, exclusive. */
  readonly end: string;
}

/** Visits a range in order as it was in the past, until the visitor says false. */
export function scanPast<V>(now: SortedMap<V>, past: Past<V>, range: Range, visit: (key: string, value: V) => boolean): void {
  const altered = [...past.keys()].filter((key) => key >= range.from && key < range.end).sort(byKey);
  let next = 0;
  let going = true;
  /** Keys of the past that the present lacks, up to a place. */
  const flush = (before: string): void => {
    for (; going && next < altered.length && (altered[next] as string) < before; next++) {
      const key = altered[next] as string;
      const value = past.get(key);
      if (value !== undefined) going = visit(key, value);
    }
  };
  now.scan(range.from, range.end, (key, value) => {
    flush(key);
    if (!going || past.has(key)) return going;
    going = visit(key, value);
    return going;
  });
  flush(range.end);
}

/** How many keys the range had. */
export function countPast<V>(now: SortedMap<V>, past: Past<V>, range: Range): number {
  let count = range.end > range.from ? now.rank(range.end) - now.rank(range.from) : 0;
  for (const [key, was] of past) {
    if (key < range.from || key >= range.end) continue;
    if (was !== undefined) count++;
    if (now.get(key) !== undefined) count--;
  }
  return count;
}

/** The first key after all that begin with the prefix. */
export function prefixEnd(prefix: string): string {
  return prefix.length === 0 ? '\uffff' : prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/** The range of a prefix, begun later where `from` says so. */
export function prefixRange(prefix: string, from: string | undefined): Range {
  return { from: from !== undefined && from > prefix ? from : prefix, end: prefixEnd(prefix) };
}

function byKey(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
