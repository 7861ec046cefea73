import { parseGoDuration } from './go-duration.ts';

test.each([
  ['1h30m', 5.4e12], ['1.5s', 1.5e9], ['.5s', 5e8], ['1.s', 1e9], ['-5ms', -5e6], ['+2us', 2000], ['0', 0], ['-0', 0], ['3µs', 3000],
  ['', 'time: invalid duration ""'], ['.s', 'time: invalid duration ".s"'], ['x', 'time: invalid duration "x"'], ['1', 'time: missing unit in duration "1"'],
  ['1h5', 'time: missing unit in duration "1h5"'], ['1q', 'time: unknown unit "q" in duration "1q"'], ['1h 5m', 'time: unknown unit "h " in duration "1h 5m"'],
  ['99999999999h', 'time: invalid duration "99999999999h"'],
])('parseGoDuration() reads %j as Go does', (text, read) => {
  expect(parseGoDuration(text)).toEqual(read === 0 ? expect.closeTo(0) : read);
});
