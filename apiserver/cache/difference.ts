/** What must have happened between two pictures of a resource, as events in the order of their revisions. */
import type { SortedMap } from '../../std/sorted-map.ts';
import type { CacheEvent } from './cache.ts';
import { deletedAt, type PackedCached } from './cached-object.ts';

/** An event of a cache that holds its own objects. */
export interface Happened extends CacheEvent {
  readonly object: PackedCached;
}

/** Deletions have no revision of their own any more: they carry that of the new picture. */
export function difference(old: SortedMap<PackedCached>, now: readonly PackedCached[], revision: number): Happened[] {
  const events: Happened[] = [];
  const standing = new Set<string>();
  for (const object of now) {
    standing.add(object.key);
    const previous = old.get(object.key);
    if (previous?.revision === object.revision) continue;
    events.push({ type: previous ? 'MODIFIED' : 'ADDED', revision: object.revision, object, previous });
  }
  events.sort((a, b) => a.revision - b.revision);
  old.scan('', '\uffff', (key, previous) => {
    if (!standing.has(key)) events.push({ type: 'DELETED', revision, object: deletedAt(previous, revision), previous });
    return true;
  });
  return events;
}
