import { Cohort } from './cohort.ts';

/** Three steps each; what ran, in its order. */
async function walk(name: string, cohort: Cohort, ran: string[]): Promise<void> {
  await cohort.join();
  for (const step of [1, 2, 3]) {
    ran.push(`${name}${step}`);
    await undefined;
  }
}

test('those who come together go step by step together, those who come later by themselves', async () => {
  const cohort = new Cohort();
  const ran: string[] = [];
  const first = [walk('a', cohort, ran), walk('b', cohort, ran)];
  await Promise.all(first);
  await walk('c', cohort, ran);
  expect(ran).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'c1', 'c2', 'c3']);
});

test('nobody goes on in the step in which he came', async () => {
  const cohort = new Cohort();
  const ran: string[] = [];
  const walking = walk('a', cohort, ran);
  await Promise.resolve();
  expect(ran).toEqual([]);
  await walking;
});

test('of very many some go first, and all go', async () => {
  const cohort = new Cohort();
  const turns: number[] = [];
  let turn = 0;
  const counting = (): void => {
    turn++;
    if (turns.length < 150) setImmediate(counting);
  };
  setImmediate(counting);
  await Promise.all(Array.from({ length: 150 }, () => cohort.join().then(() => turns.push(turn))));
  expect(turns).toHaveLength(150);
  expect([...turns].sort((a, b) => a - b)).toEqual(turns);
  expect(new Set(turns).size).toBe(3);
});
