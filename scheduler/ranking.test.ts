import { seededRandom } from '../std/random.ts';
import { Ranking } from './ranking.ts';

test('Ranking picks what a look at all rows would pick, and each of several equals', () => {
  const random = seededRandom(7);
  const rows = 37;
  const ranking = new Ranking();
  ranking.reset(rows);
  expect(ranking.pick(random)).toBeUndefined();
  const scores = new Map<number, number>();
  for (let i = 0; i < 2000; i++) {
    const row = Math.floor(random.next() * rows);
    const score = random.next() < 0.3 ? undefined : Math.floor(random.next() * 5);
    ranking.set(row, score);
    if (score === undefined) scores.delete(row);
    else scores.set(row, score);
    const top = Math.max(...scores.values());
    const best = [...scores].filter(([, one]) => one === top).map(([one]) => one);
    if (best.length === 0) expect(ranking.pick(random)).toBeUndefined();
    else expect(best).toContain(ranking.pick(random));
  }
  ranking.reset(4);
  for (const row of [0, 2, 3]) ranking.set(row, 9);
  ranking.set(1, 8);
  expect(new Set(Array.from({ length: 100 }, () => ranking.pick(random)))).toEqual(new Set([0, 2, 3]));
});
