import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { HABITS, habitsOf } from './habits/habits.ts';
import { simulate } from './simulate.ts';

/** More of them, and for longer, in the bench and with `npm run simulate -- --seeds 1000 --minutes 60`. */
const SEEDS = 50;
const MINUTES = 3;

test('a seed is one history: faults, users and components do the same again', async () => {
  const lines: string[][] = [[], []];
  const outcomes = [];
  for (const own of lines) outcomes.push(await simulate({ seed: 1, minutes: 4, onLine: (line) => own.push(line) }));
  const [first, again] = outcomes;
  expect(lines[1]).toEqual(lines[0]);
  expect(again?.hash).toBe(first?.hash);
  expect(first?.changes).toBeGreaterThan(500);
  expect((await simulate({ seed: 2, minutes: 1 })).hash).not.toBe(first?.hash);
}, 120_000);

test('another process tells the same history', async () => {
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, 'main.ts'), '--seed', '3', '--minutes', '1'], { encoding: 'utf8' });
  expect(/history (\w+)/.exec(printed)?.[1]).toBe((await simulate({ seed: 3, minutes: 1 })).hash.slice(0, 16));
}, 120_000);

test('every habit occurs among the seeds that are tried', () => {
  const seen = new Set(Array.from({ length: SEEDS }, (_, i) => habitsOf(i + 1)).flat());
  expect([...seen].sort()).toEqual(Object.keys(HABITS).sort());
});

test(`what must hold holds through ${SEEDS} histories`, async () => {
  const failures: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { problems } = await simulate({ seed, minutes: MINUTES });
    failures.push(...problems.map((problem) => `npm run simulate -- --seed ${seed} --minutes ${MINUTES}: ${problem}`));
  }
  expect(failures.join('\n')).toBe('');
}, 600_000);
