import { ThreadBalance, type Bounds, type Look, type Move } from './thread-balance.ts';

const AUTO: Bounds = { least: 0, most: 2 };

/** What is done at each of so many looks that are alike; `.` for nothing. */
function moves(balance: ThreadBalance, looks: number, busy: readonly number[], isAsked = true): string {
  const look: Look = { busy, isAsked };
  const told = (move: Move | undefined): string => (move === undefined ? '.' : move.type === 'shed' ? `${move.from}:${move.share.toFixed(2)} ` : move.type);
  return Array.from({ length: looks }, () => told(balance.look(look))).join('');
}

test.each<[string, Bounds, readonly number[], boolean, string]>([
  ['whoever is busy for a while gets help', AUTO, [0.9], true, '.start.start'],
  ['not who is busy with something else', AUTO, [1], false, '....'],
  ['nor who has room', AUTO, [0.79], true, '....'],
  ['a second thread when the first two are busy', AUTO, [0.9, 0.9], true, '.start.start'],
  ['not while one of them has room', AUTO, [0.9, 0.7], true, '....'],
  ['no more than there are cores for', AUTO, [1, 1, 1], true, '....'],
  ['a number that is given is kept', { least: 1, most: 1 }, [1, 1], true, '....'],
])('%s', (_name, bounds, busy, isAsked, expected) => {
  expect(moves(new ThreadBalance(bounds), 4, busy, isAsked)).toBe(expected);
});

test('one busy look alone, and one between quiet ones, starts nothing', () => {
  const balance = new ThreadBalance(AUTO);
  for (let i = 0; i < 5; i++) expect([moves(balance, 1, [1]), moves(balance, 1, [0.2])]).toEqual(['.', '.']);
});

test('who is busier than another sends connections there, in longer and longer pauses while that does not help', () => {
  const balance = new ThreadBalance({ least: 2, most: 2 });
  expect(moves(balance, 13, [0.5, 1, 0.2])).toBe('1:0.65 ...1:0.65 ......1:0.65 .');
  expect(moves(balance, 1, [0.6, 0.7, 0.6])).toBe('.');
  // It did help: the next time begins as the first.
  expect(moves(balance, 5, [1, 0.5, 0.5])).toBe('0:0.50 ...0:0.50 ');
});

test('a thread that has just come gets its part of all connections', () => {
  expect(moves(new ThreadBalance(AUTO), 1, [1, 0])).toBe('0:1.00 ');
  expect(moves(new ThreadBalance(AUTO), 1, [1, 1, 0])).toBe('0:0.50 ');
});

test('a thread that nobody needs for five minutes is told to end, the last one first; those asked for stay', () => {
  const balance = new ThreadBalance(AUTO);
  expect(moves(balance, 600, [0.1, 0.2, 0.01])).toBe(`${'.'.repeat(299)}retire${'.'.repeat(299)}retire`);
  expect(moves(balance, 299, [0.1, 0.01])).not.toContain('retire');
  expect(moves(balance, 1, [0.6, 0.01])).toBe('.');
  expect(moves(balance, 299, [0.1, 0.01])).not.toContain('retire');
  expect(moves(new ThreadBalance({ least: 1, most: 1 }), 400, [0, 0])).not.toContain('retire');
});
