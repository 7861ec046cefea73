import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { seededRandom } from '../std/random.ts';
import type { Demand } from './demand.ts';
import { Tallies } from './tallies.ts';
import { type Selection, NO_AFFINITY } from './terms.ts';

const ROWS = 8;
const demand = { affinity: NO_AFFINITY } as Demand;
const pod = (namespace: string, labels: Record<string, string>): Stored<Pod> => ({ metadata: { namespace, labels } }) as unknown as Stored<Pod>;

function selecting(namespace: string, key: string, value: string, isHinted: boolean): Selection {
  return {
    signature: `${namespace} ${key} ${value} ${isHinted}`,
    looksAtNamespaces: false,
    within: isHinted ? { namespace, key, value } : undefined,
    matches: (one) => one.namespace === namespace && one.labels[key] === value,
  };
}

test('counts() says where the selected pods are, whichever came first and however they are found', () => {
  const random = seededRandom(5);
  const pick = (count: number): number => Math.floor(random.next() * count);
  const tallies = new Tallies(ROWS);
  const placed: { readonly namespace: string; readonly labels: Record<string, string>; readonly row: number }[] = [];
  const change = (): void => {
    if (placed.length > 0 && random.next() < 0.45) {
      const [gone] = placed.splice(pick(placed.length), 1) as [(typeof placed)[number]];
      return tallies.count(tallies.classOf(pod(gone.namespace, gone.labels)), demand, gone.row, -1);
    }
    // More keys than are indexed at once.
    const one = { namespace: `n${pick(2)}`, labels: { [`k${pick(20)}`]: `v${pick(2)}`, app: `a${pick(3)}` }, row: pick(ROWS) };
    placed.push(one);
    return tallies.count(tallies.classOf(pod(one.namespace, one.labels)), demand, one.row, 1);
  };
  for (let step = 0; step < 3_000; step++) {
    change();
    const key = random.next() < 0.5 ? 'app' : `k${pick(20)}`;
    const [namespace, value] = [`n${pick(2)}`, key === 'app' ? `a${pick(3)}` : `v${pick(2)}`];
    const expected = new Int32Array(ROWS);
    for (const one of placed) if (one.namespace === namespace && one.labels[key] === value) expected[one.row] = (expected[one.row] as number) + 1;
    for (const isHinted of [true, false]) expect([...tallies.counts(selecting(namespace, key, value, isHinted))]).toEqual([...expected]);
  }
});
