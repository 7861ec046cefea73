/** Lists under strategic merge: scalars unite, objects meet by their merge key, and the patch's order comes first. */
import { DIRECTIVE, elementKind, keyOf, unknownDirective, type Fields } from './items.ts';
import type { PatchMeta } from './patch-meta.ts';
import { isObject, mergeFailure } from './refusals.ts';

/** How two items with the same key become one. */
export type MergeObject = (original: Fields, patch: Fields, type: string | undefined) => Fields;

export function mergeList(original: unknown[], patch: unknown[], meta: PatchMeta, mergeObject: MergeObject): unknown[] {
  if (original.length === 0 && patch.length === 0) return original;
  if (elementKind([original, patch]) !== 'object') {
    return orderList([...new Set([...original, ...patch])], patch, original, undefined);
  }
  const { mergeKey } = meta;
  if (mergeKey === undefined) throw mergeFailure('cannot merge lists without merge key for struct');
  const { kept, changes } = obeyDirectives(original as Fields[], patch as Fields[], mergeKey);
  const merged: unknown[] = [...kept];
  for (const change of changes) {
    const value = keyOf(change, mergeKey);
    const at = merged.findIndex((item) => isObject(item) && item[mergeKey] === value);
    if (at < 0) merged.push(change);
    else merged[at] = mergeObject(merged[at] as Fields, change, meta.type);
  }
  return orderList(merged, changes, kept, mergeKey);
}

/** Items named by `order` come in its order, the others in that of `live`, interleaved as they were in `live` where that is known. */
export function orderList(merged: readonly unknown[], order: readonly unknown[], live: readonly unknown[], mergeKey: string | undefined): unknown[] {
  const identity = (item: unknown): unknown => (mergeKey === undefined ? item : keyOf(item, mergeKey));
  const rankOf = positions(order, identity);
  const liveRank = positions(live, identity);
  const byRank = (ranks: Map<unknown, number>) => (a: unknown, b: unknown) => (ranks.get(identity(a)) ?? 0) - (ranks.get(identity(b)) ?? 0);
  const named = merged.filter((item) => rankOf.has(identity(item))).sort(byRank(rankOf));
  const others = merged.filter((item) => !rankOf.has(identity(item))).sort(byRank(liveRank));
  const out: unknown[] = [];
  let at = 0;
  for (const item of named) {
    const rank = liveRank.get(identity(item));
    const before = (other: unknown): boolean => (liveRank.get(identity(other)) ?? Infinity) < (rank ?? -1);
    while (at < others.length && before(others[at])) out.push(others[at++]);
    out.push(item);
  }
  // A list that has grown by pushing has room for more, and what is merged is kept for long.
  return out.concat(others.slice(at));
}

function positions(items: readonly unknown[], identity: (item: unknown) => unknown): Map<unknown, number> {
  const ranks = new Map<unknown, number>();
  items.forEach((item, rank) => {
    const key = identity(item);
    if (!ranks.has(key)) ranks.set(key, rank);
  });
  return ranks;
}

function obeyDirectives(original: Fields[], patch: Fields[], mergeKey: string): { kept: Fields[]; changes: Fields[] } {
  let kept = original;
  let replace = false;
  const changes: Fields[] = [];
  for (const item of patch) {
    if (!Object.hasOwn(item, DIRECTIVE)) {
      changes.push(item);
      continue;
    }
    const directive = item[DIRECTIVE];
    if (directive === 'replace') replace = true;
    else if (directive === 'delete') {
      const value = keyOf(item, mergeKey);
      kept = kept.filter((candidate) => candidate[mergeKey] !== value);
    } else if (directive === 'merge') throw mergeFailure('merging lists cannot yet be specified in the patch');
    else throw unknownDirective(directive, item);
  }
  return replace ? { kept: changes, changes: [] } : { kept, changes };
}
