import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SortedMap } from '../../std/sorted-map.ts';
import { openMemory } from '../storage/memory.ts';
import { openSqlite } from '../storage/sqlite.ts';
import type { Store } from '../storage/store.ts';
import { Arena } from './arena.ts';
import { kindIndexer, ingest } from './cached-object.ts';
import { loadPicture } from './load.ts';

const PREFIX = '/registry/configmaps/';

const directory = mkdtempSync(join(tmpdir(), 'load-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The one hands out what it keeps, the other takes back the memory of what it has read. */
const STORES: readonly [string, () => Promise<Store>][] = [['memory', async () => openMemory()], ['sqlite', () => openSqlite({ path: join(directory, 'db') })]];

test.each(STORES)('loadPicture() keeps each object’s own bytes, small and large, and lets others have their turn: %s', async (_name, open) => {
  const store = await open();
  const values = Array.from({ length: 260 }, (_, i) => JSON.stringify({
    kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: String(i).padStart(3, '0'), namespace: 'a' }, data: { text: String.fromCharCode(97 + (i % 26)).repeat(i % 50 === 0 ? 20_000 : 10 * i) },
  }));
  for (const [i, value] of values.entries()) await store.write(`${PREFIX}a/${String(i).padStart(3, '0')}`, 0, Buffer.from(value));
  const index = kindIndexer({ namespaced: true });
  const arena = new Arena();
  let turns = 0;
  let over = false;
  const count = (): void => {
    turns++;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const { objects } = await loadPicture({ store, prefix: PREFIX, known: new SortedMap(), ingest: (entry) => ingest(entry, PREFIX, index, arena) });
  over = true;
  expect(objects.map(({ object }) => object)).toEqual(values.map((value, i) => {
    const { metadata, ...rest } = JSON.parse(value) as { metadata: object };
    return { ...rest, metadata: { ...metadata, resourceVersion: String(objects[i]?.revision) } };
  }));
  expect(turns).toBeGreaterThanOrEqual(2);
  expect((await store.list(PREFIX)).entries.map(({ value }) => String(value))).toEqual(values);
  await store.close();
});
