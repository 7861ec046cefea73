import { Retention } from './retention.ts';

const DEFAULTS = { keepRevisions: 1_000, keepBytes: 1_600 };

test.each([
  ['what is young and little stays', [[0, 1, 10], [60_000, 2, 10]], 120_000, 0],
  ['what is older than the time goes', [[0, 1, 10], [60_000, 2, 10], [120_000, 3, 10]], 360_000, 2],
  ['what is more than so many revisions goes', [[0, 1_500, 10]], 1_000, 500],
  ['what is more than so many bytes goes, at once', [[0, 1, 100], [1, 2, 800], [2, 3, 800], [3, 4, 50]], 10, 1],
  ['one write of that size leaves itself', [[0, 1, 100], [1, 2, 5_000]], 10, 1],
] as const)('%s', (_what, notes, nowMs, horizon) => {
  const retention = new Retention({}, DEFAULTS);
  for (const [atMs, revision, bytes] of notes) retention.note(atMs, revision, bytes);
  expect(retention.horizon(nowMs, notes.at(-1)?.[1] ?? 0)).toBe(horizon);
});

test('horizon() moves on with what is written, and never back', () => {
  const retention = new Retention({ keepBytes: 1_600 }, DEFAULTS);
  const horizons = Array.from({ length: 100 }, (_, i) => {
    retention.note(i, i + 1, 100);
    return retention.horizon(i, i + 1);
  });
  for (const [i, horizon] of horizons.entries()) expect(Math.max(0, i + 1 - horizon)).toBeLessThanOrEqual(17);
  expect(horizons[99]).toBeLessThanOrEqual(84);
});
