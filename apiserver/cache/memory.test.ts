/** How much memory many objects take, and that they stand in order however they came. */
import { systemClock } from '../../std/clock.ts';
import { openMemory } from '../storage/memory.ts';
import { kindIndexer } from './cached-object.ts';
import { openCache } from './resource-cache.ts';

const PREFIX = '/registry/pods/';

test('100,000 objects cost little more than their bytes', async () => {
  const store = openMemory();
  const cache = openCache({ store, prefix: PREFIX, index: kindIndexer({ namespaced: true }), clock: systemClock });
  const filler = 'x'.repeat(2_000);
  let bytes = 0;
  for (let n = 0; n < 100_000; n += 1_000) {
    const writes = Array.from({ length: 1_000 }, (_, i) => {
      // In an order that is not the keys'.
      const name = `${String(((n + i) * 7_919) % 100_000).padStart(6, '0')}`;
      const value = Buffer.from(
        JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { name, namespace: 'a', labels: { app: 'web' } }, spec: { nodeName: `n${i}` }, filler }),
      );
      bytes += value.length;
      return store.write(`${PREFIX}a/${name}`, 0, value);
    });
    await Promise.all(writes);
  }
  const before = process.memoryUsage();
  await cache.ready();
  const after = process.memoryUsage();
  expect(cache.size).toBe(100_000);
  const page = cache.list({});
  expect(page.items.every((item, i) => i === 0 || (page.items[i - 1]?.key ?? '') < item.key)).toBe(true);
  expect(after.external - before.external).toBeLessThan(bytes * 1.1);
  expect(after.heapUsed - before.heapUsed).toBeLessThan(bytes);
  cache.close();
  await store.close();
}, 60_000);
