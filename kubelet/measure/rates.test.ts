import { Rates } from './rates.ts';

test('a rate is what was used since the look before', () => {
  const rates = new Rates();
  const look = (at: number, seconds: number): number | undefined => {
    const rate = rates.of('c', { at, cpuNanoseconds: seconds * 1e9 });
    rates.turn();
    return rate;
  };
  expect(look(0, 1)).toBeUndefined();
  expect(look(10_000, 6)).toBe(5e8);
  // So soon after, the same is told.
  expect(look(10_100, 6.1)).toBe(5e8);
  expect(look(20_000, 6)).toBe(0);
  // It began anew.
  expect(look(30_000, 1)).toBeUndefined();
  expect(look(1_000_000, 2)).toBeUndefined();
});

test('what is not looked at any more is forgotten', () => {
  const rates = new Rates();
  rates.of('c', { at: 0, cpuNanoseconds: 0 });
  rates.turn();
  rates.turn();
  expect(rates.of('c', { at: 1000, cpuNanoseconds: 1 })).toBeUndefined();
});
