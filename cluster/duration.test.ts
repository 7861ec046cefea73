import { milliseconds, type Duration } from './duration.ts';

const rows: [Duration, number][] = [
  [1500, 1500],
  ['7m', 420_000],
  ['1h30m', 5_400_000],
  ['250ms', 250],
  ['1.5s', 1500],
  ['2d', 172_800_000],
];
test.each(rows)('milliseconds(%j) is %d', (duration, ms) => {
  expect(milliseconds(duration)).toBe(ms);
});

test.each(['', '7', 'm', '7 m', '7x', '7m!', -1, Number.NaN])('milliseconds(%j) is refused', (duration) => {
  expect(() => milliseconds(duration)).toThrow(RangeError);
});
