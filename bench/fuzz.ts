/** The long run of the fuzzer: `npm run bench -- fuzz [cases] [seed]`, a million cases unless told otherwise. Ends with 1 if it found something. */
import { fuzz } from '../test/fuzz/fuzz.ts';

const CASES = 1_000_000;
/** Each part has a server of its own, whose memory shows whether it grows. */
const PART = 50_000;
/** Of processor time for one answer: more would hang everybody behind it. */
const BUSY_LIMIT_MS = 1_000;

export async function fuzzAtLength([cases = String(CASES), first = '1']: readonly string[]): Promise<number> {
  let found = 0;
  const total = Number(cases);
  for (let done = 0, seed = Number(first); done < total; done += PART, seed++) {
    const { findings } = await fuzz({ seed, cases: Math.min(PART, total - done), busyLimitMs: BUSY_LIMIT_MS });
    for (const { what, request, answer } of findings) console.log(`${what}\n  ${request}\n  ${answer}`);
    found += findings.length;
    console.error(`${Math.min(done + PART, total)} cases, ${found} findings, ${Math.round(process.memoryUsage().heapUsed / 1e6)} MB of heap`);
  }
  return found === 0 ? 0 : 1;
}
