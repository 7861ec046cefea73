import { systemClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import { openMemory } from '../storage/memory.ts';
import { Arena } from './arena.ts';
import { CachedEntry, kindIndexer, type PackedCached } from './cached-object.ts';
import { openCache } from './resource-cache.ts';

const entry = (arena: Arena, text: string): CachedEntry => new CachedEntry({ key: '/a/b', namespace: 'a', revision: 1, bytes: Buffer.from(text), labels: {}, fields: {} }, { arena });

test('Arena keeps what it is given, small and large, and moving it changes nothing but its place', () => {
  const arena = new Arena();
  const texts = Array.from({ length: 4_000 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(1 + (i * 37) % (i % 40 === 0 ? 30_000 : 900)));
  const entries = texts.map((text) => entry(arena, text));
  for (const one of entries) one.keepIn(arena);
  const seen = entries.map(({ bytes }) => bytes);
  const full = arena.slabBytes;
  for (const [i, one] of entries.entries()) if (i % 4 > 0) one.releaseFrom(arena);
  expect(arena.isSparse).toBe(true);
  const left = entries.filter((_, i) => i % 4 === 0);
  for (const one of left) one.settleIn(arena);
  expect(left.map(({ bytes }) => String(bytes))).toEqual(texts.filter((_, i) => i % 4 === 0));
  // Who still holds the old bytes, of objects that stand or are gone, reads what they were.
  expect(seen.map(String)).toEqual(texts);
  expect([arena.isSparse, arena.slabBytes < full * 0.75]).toEqual([false, true]);
});

test('room that was given is filled in place, other bytes are copied', () => {
  const arena = new Arena();
  const room = arena.allocate(3);
  room.write('abc');
  const inPlace = new CachedEntry({ key: '/a', namespace: '', revision: 1, bytes: room, labels: {}, fields: {} }, { arena });
  expect(inPlace.place.slab.buffer.buffer).toBe(room.buffer);
  const other = Buffer.from('other');
  const copied = entry(arena, 'other');
  other.fill(0);
  expect([String(inPlace.bytes), String(copied.bytes), copied.place.at]).toEqual(['abc', 'other', 3]);
});

test('a cache of objects that change at random keeps little more than their bytes', async () => {
  const prefix = '/registry/configmaps/';
  const store = openMemory();
  const cache = openCache({ store, prefix, index: kindIndexer({ namespaced: true }), clock: systemClock, limits: { events: 10 } });
  await cache.ready();
  const random = seededRandom(7);
  const revisions = new Map<string, number>();
  const written = new Map<string, string>();
  for (let round = 0; round < 400; round++) {
    await Promise.all(Array.from({ length: 50 }, async () => {
      // Some are written often, some never again.
      const name = `n${Math.floor(1_000 * random.next() ** 3)}`;
      const key = `${prefix}a/${name}`;
      if (revisions.get(key) === -1) return;
      const expected = revisions.get(key) ?? 0;
      revisions.set(key, -1);
      const text = 'x'.repeat(Math.floor(random.next() * 3_000));
      const gone = expected > 0 && random.next() < 0.1;
      const revision = await store.write(key, expected, gone ? undefined : Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'a' }, data: { text } })));
      revisions.set(key, gone ? 0 : revision);
      if (gone) written.delete(key);
      else written.set(key, text);
    }));
  }
  await cache.fresh();
  const { items } = cache.list({});
  expect(new Map(items.map(({ key, bytes }) => [key, (JSON.parse(String(bytes)) as { data: { text: string } }).data.text]))).toEqual(new Map([...written].sort(([a], [b]) => (a < b ? -1 : 1))));
  expect(cache.sizeBytes).toBe(items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const slabs = new Set((items as readonly PackedCached[]).map(({ place }) => place.slab.buffer));
  expect([...slabs].reduce((sum, { length }) => sum + length, 0)).toBeLessThan(cache.sizeBytes * 1.25 + 512 * 1024);
  cache.close();
  await store.close();
});
