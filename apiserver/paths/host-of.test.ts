import { hostOf } from './host-of.ts';

test.each([
  [{ host: 'a:1' }, 'a:1'],
  [{ ':authority': 'b:2' }, 'b:2'],
  [{}, ''],
])('hostOf(%j)', (headers, expected) => {
  expect(hostOf(headers)).toBe(expected);
});
