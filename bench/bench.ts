/** Runs the measures named on the command line, or all; prints a table, and writes JSON with `--json FILE`. */
import { writeFileSync } from 'node:fs';
import { fuzzAtLength } from './fuzz.ts';
import { type Row, measures } from './measures.ts';
import { simulateAtLength } from './simulations.ts';
import { sustain } from './sustained.ts';

const words = process.argv.slice(2);
if (words[0] === 'fuzz') process.exit(await fuzzAtLength(words.slice(1)));
if (words[0] === 'simulate') process.exit(await simulateAtLength(words.slice(1)));
if (words[0] === 'sustained') process.exit(await sustain(words.slice(1)));
const at = words.indexOf('--json');
const file = at >= 0 ? words.splice(at, 2)[1] : undefined;
const names = words.length > 0 ? words : Object.keys(measures);
for (const name of names) if (!measures[name]) throw new Error(`there is no measure ${name}; there are ${Object.keys(measures).join(', ')}`);

const rows: Row[] = [];
for (const name of names) {
  console.error(`measuring ${name}…`);
  const made = await (measures[name] as () => Promise<Row[]>)();
  rows.push(...made);
  for (const row of made) console.log(line(row));
}
if (file) writeFileSync(file, JSON.stringify(rows, null, 2));
process.exit(0);

function line({ what, value, unit, ratio }: Row): string {
  const figure = value >= 100 ? value.toFixed(0) : value.toFixed(1);
  return `${what.padEnd(40)} ${figure.padStart(9)} ${unit.padEnd(12)}${ratio ? ` ${ratio.value.toFixed(2)} × ${ratio.to}` : ''}`;
}
