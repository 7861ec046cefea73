/** `npm run simulate -- --seed S --minutes M`: one simulation, or many one after the other with `--seeds N`. */
import { parseArgs } from 'node:util';
import { habitsOf } from './habits/habits.ts';
import { simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    /** Only worlds whose users have this habit. */
    habit: { type: 'string' },
    minutes: { type: 'string', default: '60' },
    /** Each line of the history. */
    trace: { type: 'boolean', default: false },
    /** What the components say, too. */
    verbose: { type: 'boolean', default: false },
  },
});

const first = Number(values.seed);
let failed = 0;
let current = first;
process.on('uncaughtException', (error) => {
  console.log(`seed ${current}: FAILED, an error that nobody caught\n${error.stack}`);
  process.exit(1);
});
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  if (values.habit !== undefined && !habitsOf(seed).some((habit) => habit === values.habit)) continue;
  current = seed;
  const began = performance.now();
  const { hash, changes, problems, tail } = await simulate({ seed, minutes: Number(values.minutes), verbose: values.verbose, ...((values.trace || values.verbose) && { onLine: (line: string) => console.log(line) }) });
  console.log(`seed ${seed}: ${problems.length === 0 ? 'all held' : 'FAILED'}, ${changes} changes, ${((performance.now() - began) / 1000).toFixed(1)} s, history ${hash.slice(0, 16)}`);
  if (problems.length === 0) continue;
  failed++;
  console.log(tail.slice(-30).map((line) => `    ${line}`).join('\n'));
  for (const problem of problems) console.log(`  ${problem}`);
  console.log(`  again: npm run simulate -- --seed ${seed} --minutes ${values.minutes} --trace`);
}
process.exit(failed > 0 ? 1 : 0);
