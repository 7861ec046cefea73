import { Ring } from './ring.ts';

test('Ring forgets its oldest element when it is full and hands it back', () => {
  const ring = new Ring<number>(3);
  const out = [1, 2, 3, 4, 5].map((n) => ring.push(n));
  expect(out).toEqual([undefined, undefined, undefined, 1, 2]);
  expect([ring.at(0), ring.at(1), ring.at(2), ring.at(3)]).toEqual([3, 4, 5, undefined]);
  expect(ring.size).toBe(3);
});

test('Ring.findFirst() finds the first element from which a condition holds', () => {
  const ring = new Ring<number>(4);
  for (const n of [1, 3, 5, 7, 9]) ring.push(n);
  expect([2, 5, 6, 9, 10].map((limit) => ring.findFirst((n) => n >= limit))).toEqual([0, 1, 2, 3, 4]);
});
