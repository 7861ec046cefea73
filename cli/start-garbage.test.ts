import { VirtualClock } from '../std/clock.ts';
import { collectStartGarbage } from './start-garbage.ts';

test.each([
  ['is collected five seconds after a start', 0, 5_000],
  ['waits while there is much to do', 3, 8_000],
])('garbage %s', async (_what, busySeconds, wantedMs) => {
  const clock = new VirtualClock();
  let usedMs = 0;
  let collectedAt: number | undefined;
  const start = clock.now();
  collectStartGarbage(clock, { usedMs: () => usedMs, collect: () => (collectedAt ??= clock.now() - start) });
  await clock.advance(4_000);
  for (let i = 0; i < busySeconds; i++) {
    usedMs += 500;
    await clock.advance(1_000);
  }
  await clock.advance(10_000);
  expect(collectedAt).toBe(wantedMs);
});
