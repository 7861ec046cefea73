import { SortedMap } from '../../std/sorted-map.ts';
import { openMemory } from '../storage/memory.ts';
import { Arena } from './arena.ts';
import { kindIndexer, ingest } from './cached-object.ts';
import { loadPicture } from './load.ts';

const PREFIX = '/registry/configmaps/';

test('loadPicture() keeps each object’s own bytes, small and large, and lets others have their turn', async () => {
  const store = openMemory();
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
  await store.close();
});
