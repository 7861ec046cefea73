/** Against a plain map that is sorted when asked. */
import { seededRandom, below } from './random.ts';
import { SortedMap } from './sorted-map.ts';

function scan(map: SortedMap<number>, from: string, end: string, limit = Infinity): [string, number][] {
  const found: [string, number][] = [];
  map.scan(from, end, (key, value) => {
    found.push([key, value]);
    return found.length < limit;
  });
  return found;
}

test.each([1, 2, 3])('thousands of random operations leave what a plain map has (seed %d)', (seed) => {
  const random = seededRandom(seed);
  const map = new SortedMap<number>();
  const model = new Map<string, number>();
  const name = (): string => `k${below(random, 6_000)}`;
  for (let i = 0; i < 20_000; i++) {
    const key = name();
    if (below(random, 3) === 0) {
      expect(map.delete(key)).toBe(model.get(key));
      model.delete(key);
    } else {
      expect(map.set(key, i)).toBe(model.get(key));
      model.set(key, i);
    }
  }
  const sorted = [...model].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(map.size).toBe(model.size);
  expect(scan(map, '', '\uffff')).toEqual(sorted);
  for (let i = 0; i < 200; i++) {
    const [from, end] = [name(), name()];
    expect(map.get(from)).toBe(model.get(from));
    expect(map.rank(from)).toBe(sorted.filter(([key]) => key < from).length);
    expect(scan(map, from, end, 50)).toEqual(sorted.filter(([key]) => key >= from && key < end).slice(0, 50));
  }
  for (const [key] of sorted) map.delete(key);
  expect([map.size, map.get('k1'), map.rank('z'), scan(map, '', '\uffff')]).toEqual([0, undefined, 0, []]);
});

test('keys that come in order, or in the opposite order, are all found', () => {
  const keys = Array.from({ length: 5_000 }, (_, i) => String(i).padStart(5, '0'));
  for (const order of [keys, [...keys].reverse()]) {
    const map = new SortedMap<number>();
    for (const key of order) map.set(key, Number(key));
    expect(scan(map, '', '\uffff').map(([key]) => key)).toEqual(keys);
    expect(map.rank('02500')).toBe(2_500);
  }
});
