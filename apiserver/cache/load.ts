/** Reads everything under a prefix page by page, as of one revision. */
import type { SortedMap } from '../../std/sorted-map.ts';
import type { Entry, Store } from '../storage/store.ts';
import type { CachedObject } from './cache.ts';

export interface Picture {
  readonly objects: readonly CachedObject[];
  readonly revision: number;
}

export interface LoadOptions {
  readonly store: Store;
  readonly prefix: string;
  /** Objects whose revision has not moved are taken from here. */
  readonly known: SortedMap<CachedObject>;
  /** Undefined: leave this one out. */
  readonly ingest: (entry: Entry) => CachedObject | undefined;
  /** The picture of this revision. Default: the newest. */
  readonly at?: number | undefined;
}

const LOAD_PAGE = 500;

export async function loadPicture({ store, prefix, known, ingest, at }: LoadOptions): Promise<Picture> {
  const objects: CachedObject[] = [];
  let page = await store.list(prefix, { limit: LOAD_PAGE, ...(at !== undefined && { revision: at }) });
  const { revision } = page;
  for (;;) {
    for (const entry of page.entries) {
      const old = known.get(entry.key);
      const object = old?.revision === entry.revision ? old : ingest(entry);
      if (object) objects.push(object);
    }
    const last = page.entries.at(-1);
    if (!page.more || !last) return { objects, revision };
    page = await store.list(prefix, { limit: LOAD_PAGE, from: `${last.key}\0`, revision });
  }
}
