import { NOW } from './fixtures.ts';
import { type Backoff, durationText, nextBackoff, waitBeforeRestart } from './restart.ts';

test('nextBackoff() doubles from 10 s to 5 min, and begins anew after twice that of good running', () => {
  let backoff: Backoff | undefined;
  const delays = Array.from({ length: 7 }, () => (backoff = nextBackoff(backoff, NOW, NOW)).delayMs / 1000);
  expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300]);
  expect(nextBackoff(backoff, NOW + 600_000, NOW).delayMs).toBe(300_000);
  expect(nextBackoff(backoff, NOW + 600_001, NOW).delayMs).toBe(10_000);
});

test('waitBeforeRestart() counts from the end of the container', () => {
  const backoff = { delayMs: 40_000, updatedAt: NOW - 100_000 };
  expect([waitBeforeRestart(undefined, NOW, NOW), waitBeforeRestart(backoff, NOW - 10_000, NOW), waitBeforeRestart(backoff, NOW - 50_000, NOW)]).toEqual([0, 30_000, 0]);
});

test('durationText() prints as Go does', () => {
  const rows: [number, string][] = [[0, '0s'], [250, '250ms'], [10_000, '10s'], [1500, '1.5s'], [80_000, '1m20s'], [300_000, '5m0s'], [3_661_000, '1h1m1s']];
  expect(rows.map(([ms]) => durationText(ms))).toEqual(rows.map(([, text]) => text));
});
