/** `npm run bench -- simulate [SEEDS] [MINUTES]`: many histories of the whole cluster, one seed after the other, and what they found. */
import { simulate } from '../test/simulation/simulate.ts';

const SEEDS = 1_000;
const MINUTES = 5;

/** The exit code: whether everything held. */
export async function simulateAtLength([seeds = String(SEEDS), minutes = String(MINUTES)]: readonly string[]): Promise<number> {
  const began = performance.now();
  let [failed, changes] = [0, 0];
  for (let seed = 1; seed <= Number(seeds); seed++) {
    const outcome = await simulate({ seed, minutes: Number(minutes) });
    changes += outcome.changes;
    if (outcome.problems.length === 0) continue;
    failed++;
    console.log(`npm run simulate -- --seed ${seed} --minutes ${minutes} --trace`);
    for (const problem of outcome.problems) console.log(`  ${problem}`);
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`${seeds} seeds of ${minutes} minutes: ${failed} failed; ${changes} writes checked in ${seconds.toFixed(0)} s`);
  return failed === 0 ? 0 : 1;
}
