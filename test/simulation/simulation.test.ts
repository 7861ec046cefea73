import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HABITS, habitsOf } from './habits/habits.ts';
import { simulate } from './simulate.ts';

/** More of them, and for longer, in the bench and with `npm run simulate -- --seeds 1000 --minutes 60`. */
const SEEDS = 50;
const MINUTES = 3;
const MAIN = join(import.meta.dirname, 'main.ts');
const OUTPUT_LIMIT = 8 * 1024 * 1024;
const run = promisify(execFile);

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
  const printed = execFileSync(process.execPath, [MAIN, '--seed', '3', '--minutes', '1'], { encoding: 'utf8' });
  expect(/history (\w+)/.exec(printed)?.[1]).toBe((await simulate({ seed: 3, minutes: 1 })).hash.slice(0, 16));
}, 120_000);

test('every habit occurs among the seeds that are tried', () => {
  const seen = new Set(Array.from({ length: SEEDS }, (_, i) => habitsOf(i + 1)).flat());
  expect([...seen].sort()).toEqual(Object.keys(HABITS).sort());
});

/** Histories are told outside the test's own process: several at a time, and without what a test runner costs them. */
const PROCESSES = 2;

test(`what must hold holds through ${SEEDS} histories`, async () => {
  const each = SEEDS / PROCESSES;
  const told = await Promise.all(Array.from({ length: PROCESSES }, (_, i) => histories(1 + i * each, each)));
  const lines = told.join('').trim().split('\n');
  expect(lines.filter((line) => !/^seed \d+: all held,/.test(line)).join('\n')).toBe('');
  expect(lines).toHaveLength(SEEDS);
}, 600_000);

/** What was said of each, also when some failed. */
async function histories(first: number, count: number): Promise<string> {
  const words = [MAIN, '--seed', String(first), '--seeds', String(count), '--minutes', String(MINUTES)];
  const told = await run(process.execPath, words, { maxBuffer: OUTPUT_LIMIT }).catch((error: { stdout?: string; stderr?: string }) => ({ stdout: `${error.stdout ?? ''}${error.stderr ?? ''}` || String(error) }));
  return told.stdout;
}
