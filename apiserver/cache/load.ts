/** Reads everything under a prefix page by page, as of one revision. */
import { setImmediate as turn } from 'node:timers/promises';
import type { SortedMap } from '../../std/sorted-map.ts';
import type { Entry, Store } from '../storage/store.ts';
import type { PackedCached } from './cached-object.ts';

export interface Picture {
  readonly objects: readonly PackedCached[];
  readonly revision: number;
}

export interface LoadOptions {
  readonly store: Store;
  readonly prefix: string;
  /** Objects whose revision has not moved are taken from here. */
  readonly known: SortedMap<PackedCached>;
  /** Undefined: leave this one out. */
  readonly ingest: (entry: Entry) => PackedCached | undefined;
  /** The picture of this revision. Default: the newest. */
  readonly at?: number | undefined;
}

const LOAD_PAGE = 500;
/** So many objects are taken in before others have their turn: a server answers while it loads. */
const TURN = 100;

export async function loadPicture({ store, prefix, known, ingest, at }: LoadOptions): Promise<Picture> {
  const objects: PackedCached[] = [];
  let page = await store.list(prefix, { limit: LOAD_PAGE, ...(at !== undefined && { revision: at }) });
  const { revision } = page;
  for (;;) {
    for (const [at, entry] of page.entries.entries()) {
      const old = known.get(entry.key);
      const object = old?.revision === entry.revision ? old : ingest(entry);
      if (object) objects.push(object);
      if (at % TURN === TURN - 1) await turn();
    }
    page.release?.();
    const last = page.entries.at(-1);
    if (!page.more || !last) return { objects, revision };
    page = await store.list(prefix, { limit: LOAD_PAGE, from: `${last.key}\0`, revision });
  }
}
