/** Wrong requests by the thousand. A finding prints its seed and its case; `npm run bench -- fuzz` runs a million of them. */
import { fuzz } from './fuzz.ts';

const SEED = 36;
const CASES = 20_000;

test('20,000 wrong requests meet no fault of the server, and what is refused leaves nothing behind', async () => {
  const { findings, codes } = await fuzz({ seed: SEED, cases: CASES });
  expect(findings).toEqual([]);
  // The run was about something: many were taken, many refused, for several reasons.
  for (const code of [200, 201, 400, 404, 409, 415, 422]) expect(codes[code] ?? 0).toBeGreaterThan(20);
}, 300_000);
