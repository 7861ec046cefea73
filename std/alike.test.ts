import { Alike } from './alike.ts';

test('of() gives what said the same before, and only that', () => {
  const alike = new Alike();
  const first = { a: [1, { b: 'c' }] };
  expect(alike.of(first)).toBe(first);
  expect(alike.of({ a: [1, { b: 'c' }] })).toBe(first);
  const other = { a: [1, { b: 'd' }] };
  expect(alike.of(other)).toBe(other);
});

test('what is not met again is forgotten', () => {
  const alike = new Alike();
  const first = ['first'];
  alike.of(first);
  for (let i = 0; i < 2_000; i++) alike.of([i]);
  expect(alike.of(['first'])).not.toBe(first);
});
