/** A page of a cache as it is, or as it was. */
import type { SortedMap } from '../../std/sorted-map.ts';
import { countPast, prefixRange, scanPast, type Past } from '../storage/past.ts';
import type { CachedObject, CacheListOptions, CachePage } from './cache.ts';

interface PageOptions extends CacheListOptions {
  readonly prefix: string;
  readonly revision: number;
}

/** `past`: what stood in the place of what has changed since. */
export function pageOf(objects: SortedMap<CachedObject>, past: Past<CachedObject>, { prefix, revision, namespace, limit = Infinity, filter, from }: PageOptions): CachePage {
  const range = prefixRange(namespace === undefined ? prefix : `${prefix}${namespace}/`, from);
  const items: CachedObject[] = [];
  let next: string | undefined;
  scanPast(objects, past, range, (key, object) => {
    // A full page has a next one wherever anything is left, matching or not.
    if (items.length === limit) next = key;
    else if (!filter || filter(object)) items.push(object);
    return next === undefined;
  });
  const remaining = next === undefined ? 0 : countPast(objects, past, { from: next, end: range.end });
  return { items, revision, next, remaining };
}
