import { VirtualClock } from '../../std/clock.ts';
import { SortedMap } from '../../std/sorted-map.ts';
import { Arena } from './arena.ts';
import { CachedEntry } from './cached-object.ts';
import { Upkeep } from './upkeep.ts';

const MANY = 64 * 1024 * 1024;

/** Pods of two makes, neighbours of which are of one, and what has no like. */
function filled(count: number) {
  const arena = new Arena();
  const items = new SortedMap<CachedEntry>();
  const texts = new Map<string, string>();
  const put = (key: string, revision: number, text: string): void => {
    texts.set(key, text);
    const entry = new CachedEntry({ key, namespace: 'a', revision, bytes: Buffer.from(text), labels: {}, fields: {} }, { arena });
    entry.keepIn(arena);
    items.set(key, entry)?.releaseFrom(arena);
  };
  const pod = (name: string, revision: number, ip: string): string =>
    JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(revision), name, labels: { app: name.slice(0, 3) } }, spec: { containers: [{ name: name.startsWith('web') ? 'main' : 'db', image: 'x'.repeat(900) }], ...(name.startsWith('db') && { priority: 7 }) }, status: { podIP: ip } });
  for (let i = 0; i < count; i++) put(`/p/web-${i}`, i + 1, pod(`web-${i}`, i + 1, `10.0.${i >> 8}.${i & 255}`));
  for (let i = 0; i < count; i++) put(`/p/db-${i}`, count + i + 1, pod(`db-${i}`, count + i + 1, `10.1.${i >> 8}.${i & 255}`));
  for (let i = 0; i < 50; i++) put(`/p/odd-${i}`, 2 * count + i + 1, `${i}`.repeat(700));
  const clock = new VirtualClock();
  return { arena, items, texts, put, pod, clock, upkeep: new Upkeep(items, arena, clock) };
}

function shown(items: SortedMap<CachedEntry>): Map<string, string> {
  const out = new Map<string, string>();
  items.scan('', '\uffff', (key, { bytes }) => (out.set(key, String(bytes)), true));
  return out;
}

const packed = (items: SortedMap<CachedEntry>): string[] => {
  const out: string[] = [];
  items.scan('', '\uffff', (key, { like }) => (like && out.push(key), true));
  return out;
};

const sorted = (texts: ReadonlyMap<string, string>): Map<string, string> => new Map([...texts].sort(([a], [b]) => (a < b ? -1 : 1)));

test('objects at rest take a part of their room, and say the same', async () => {
  const { arena, items, texts, clock, upkeep } = filled(2_000);
  const before = arena.slabBytes;
  const kept = items.get('/p/web-7')?.bytes;
  upkeep.after(20_000, MANY);
  await clock.advance(10_000);
  expect(packed(items)).toHaveLength(2 * 2_000 - 2);
  for (let i = 0; i < 100; i++) upkeep.after(20_000, MANY);
  expect(shown(items)).toEqual(sorted(texts));
  expect(arena.slabBytes).toBeLessThan(before / 8);
  // Who still has the old bytes reads what they were.
  expect(String(kept)).toBe(texts.get('/p/web-7'));
  const target = Buffer.alloc(2_000);
  const size = items.get('/p/web-9')?.copy(target, 5, 30) as number;
  expect(String(target.subarray(5, 5 + size))).toBe(texts.get('/p/web-9')?.slice(30));
});

test.each([
  ['a cache of little', 20_000, 1_024, 0],
  ['what was written lately', 10_500, MANY, 0],
  ['what was written long ago, when it has come to that', 16_000, MANY, 398],
])('%s', async (_what, revision, sizeBytes, expected) => {
  const { items, clock, upkeep } = filled(200);
  upkeep.after(revision, sizeBytes);
  await clock.advance(10_000);
  expect(packed(items)).toHaveLength(expected);
});

test('what is written again is as it is, and packed with its neighbours when it has come to rest', async () => {
  const { items, texts, put, pod, clock, upkeep } = filled(200);
  upkeep.after(20_000, MANY);
  await clock.advance(10_000);
  put('/p/web-50', 20_001, pod('web-50', 20_001, '10.9.9.9'));
  upkeep.after(26_000, MANY);
  await clock.advance(10_000);
  expect(items.get('/p/web-50')?.like).toBeUndefined();
  upkeep.after(40_000, MANY);
  await clock.advance(10_000);
  expect(items.get('/p/web-50')?.like).toBe(items.get('/p/web-49')?.like);
  expect(shown(items)).toEqual(sorted(texts));
});

test('nothing is done any more when the cache is closed', async () => {
  const { items, clock, upkeep } = filled(200);
  upkeep.after(20_000, MANY);
  upkeep.close();
  await clock.advance(10_000);
  expect(packed(items)).toEqual([]);
});
