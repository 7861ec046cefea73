import { packChanges, packWrites, unpackChanges, unpackWrites, type BatchedWrite } from './remote-batch.ts';
import type { Change } from './store.ts';

const text = (value: string): Buffer => Buffer.from(value);

test.each<[string, BatchedWrite]>([
  ['a creation', { key: '/registry/pods/d/a', expected: 0, value: text('{}'), options: undefined }],
  ['a large revision, an empty value', { key: '/a', expected: 2 ** 52 + 1, value: text(''), options: undefined }],
  ['a deletion', { key: '/a', expected: 7, value: undefined, options: undefined }],
  ['a key that is not ASCII', { key: '/registry/clusterroles/bücher-輪', expected: 1, value: text('é'), options: undefined }],
  ['one that goes by itself', { key: '/a', expected: 1, value: text('x'), options: { ttlSeconds: 0 } }],
  ['one that may be lost', { key: '/a', expected: 1, value: text('x'), options: { relaxed: true } }],
  ['both', { key: '/a', expected: 1, value: text('x'), options: { ttlSeconds: 15, relaxed: true } }],
])('a write comes out as it went in, between others: %s', (_name, write) => {
  const other: BatchedWrite = { key: '/registry/other', expected: 3, value: text('other'), options: undefined };
  expect(unpackWrites(packWrites([other, write, other]))).toEqual([other, write, other]);
});

test('changes come out as they went in, with the values of their writers where those are here', () => {
  const changes: Change[] = [
    { key: '/a', revision: 5, created: 5, value: text('new'), previous: undefined },
    { key: '/ü', revision: 6, created: 2, value: text('later'), previous: undefined },
    { key: '/c', revision: 7, created: 3, value: undefined, previous: text('last') },
  ];
  const block = packChanges(changes);
  expect(unpackChanges(block)).toEqual(changes);
  const mine = text('later');
  const seen = unpackChanges(block, (revision) => (revision === 6 || revision === 7 ? mine : undefined));
  expect(seen[1]?.value).toBe(mine);
  // A deletion has none, whoever made it.
  expect(seen[2]?.value).toBeUndefined();
});

test.each<[string, Buffer | undefined, number]>([
  ['is fetched once for a deletion', undefined, 1],
  ['not at all where a value replaced it', text('x'), 0],
])('a previous value that must be fetched %s', (_name, value, expected) => {
  let fetched = 0;
  packChanges([{ key: '/a', revision: 2, created: 1, value, get previous() { return (fetched++, text('y')); } }]);
  expect(fetched).toBe(expected);
});

test('nothing is packed into nothing', () => {
  expect([unpackWrites(packWrites([])), unpackChanges(packChanges([]))]).toEqual([[], []]);
});
