import { VirtualClock } from '../../std/clock.ts';
import { AnswerCache } from './answer-cache.ts';

function open(limit = 10) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const cache = new AnswerCache<boolean>({ clock, limit, ttlMs: (allowed) => (allowed ? 300_000 : 30_000) });
  const ask = (key: string, answer: boolean) => cache.get(key, async () => {
    asked.push(key);
    return answer;
  });
  return { clock, asked, cache, ask };
}

test('an answer holds as long as such answers do', async () => {
  const { clock, asked, ask } = open();
  await ask('yes', true);
  await ask('no', false);
  await clock.advance(29_999);
  expect([await ask('yes', false), await ask('no', true)]).toEqual([true, false]);
  await clock.advance(2);
  expect(await ask('no', true)).toBe(true);
  await clock.advance(270_000);
  await ask('yes', true);
  expect(asked).toEqual(['yes', 'no', 'no', 'yes']);
});

test('who asks for what is being asked waits for that; what failed is asked again', async () => {
  const { cache } = open();
  let asked = 0;
  const fail = () => cache.get('k', async () => {
    asked++;
    throw new Error('away');
  });
  const answers = await Promise.allSettled([fail(), fail()]);
  expect([asked, answers.map(({ status }) => status)]).toEqual([1, ['rejected', 'rejected']]);
  expect(await cache.get('k', async () => true)).toBe(true);
});

test('there are never more than so many: what was not asked for longest goes', async () => {
  const { asked, cache, ask } = open(2);
  await ask('a', true);
  await ask('b', true);
  await ask('a', true);
  await ask('c', true);
  expect(cache.size).toBe(2);
  await ask('a', true);
  await ask('b', true);
  expect(asked).toEqual(['a', 'b', 'c', 'b']);
});
