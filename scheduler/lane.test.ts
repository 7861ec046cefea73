import { ApiError } from '../api/status.ts';
import { VirtualClock } from '../std/clock.ts';
import { Lane } from './lane.ts';

const busy = (retryAfterSeconds: number): ApiError => new ApiError({ code: 429, reason: 'TooManyRequests', message: 'later', details: { retryAfterSeconds } });

test('Lane runs so many calls at a time, in the order of their coming', async () => {
  const lane = new Lane({ clock: new VirtualClock(), limit: 2, signal: new AbortController().signal });
  const begun: number[] = [];
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const all = ends.map(({ promise }, i) => lane.run(() => (begun.push(i), promise)));
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  ends[1]?.resolve();
  await all[1];
  expect(begun).toEqual([0, 1, 2]);
  for (const { resolve } of ends) resolve();
  await Promise.all(all);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('Lane asks again when the server had too much to do, after the pause that it names, but not for ever', async () => {
  const clock = new VirtualClock();
  const lane = new Lane({ clock, limit: 1, signal: new AbortController().signal });
  let calls = 0;
  const answer = lane.run(async () => {
    if (++calls < 3) throw busy(2);
    return 'done';
  });
  await clock.advance(1999);
  expect(calls).toBe(1);
  await clock.advance(1);
  expect(calls).toBe(2);
  await clock.advance(2000);
  expect(await answer).toBe('done');
  const hopeless = lane.run(async () => {
    throw busy(1);
  });
  const refused = expect(hopeless).rejects.toThrow('later');
  for (let i = 0; i < 20; i++) await clock.advance(1000);
  await refused;
});
