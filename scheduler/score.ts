/** How well nodes suit a pod: the sum of the framework's scores, each from 0 to 100 times what its profile makes it weigh. */
import type { Case } from './case.ts';
import { affinityScores } from './pod-affinity.ts';
import { Scratch } from './scratch.ts';
import type { Snapshot } from './snapshot.ts';
import type { NodeFacts } from './node-facts.ts';
import { spreadScores } from './spread.ts';

const MAX = 100;

const totals = new Scratch(Float64Array);

/** The total of each row in `rows`, in that order; theirs until the next decision. */
export function scores(snapshot: Snapshot, rows: Int32Array, count: number, asking: Case): Float64Array {
  const { memo } = asking;
  const { weights } = memo.ask.profile;
  const out = totals.zeros(count);
  for (let i = 0; i < count; i++) out[i] = memo.room[rows[i] as number] as number;
  const { images } = memo;
  if (images) for (let i = 0; i < count; i++) out[i] = (out[i] as number) + weights.ImageLocality * (images[rows[i] as number] as number);
  if (memo.preferred > 0) addShare(out, rows, memo.preference, { weight: weights.NodeAffinity, reverse: false });
  if (memo.reluctant > 0) addShare(out, rows, memo.reluctance, { weight: weights.TaintToleration, reverse: true });
  if (weights.PodTopologySpread > 0) add(out, weights.PodTopologySpread, spreadScores(snapshot, rows, count, asking));
  if (weights.InterPodAffinity > 0) add(out, weights.InterPodAffinity, affinityScores(snapshot, rows, count, asking));
  const { devices } = asking;
  if (devices && weights.DynamicResources > 0) {
    const numbers = new Float64Array(snapshot.rows);
    for (let i = 0; i < count; i++) numbers[rows[i] as number] = devices.score(snapshot.facts[rows[i] as number] as NodeFacts);
    addShare(out, rows, numbers, { weight: weights.DynamicResources, reverse: false });
  }
  const asked = asking.asked?.scores;
  if (asked) for (let i = 0; i < count; i++) out[i] = (out[i] as number) + (asked.get(snapshot.facts[rows[i] as number]?.name ?? '') ?? 0);
  return out;
}

function add(out: Float64Array, weight: number, more: Float64Array | undefined): void {
  if (more) for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + weight * (more[i] as number);
}

/** Each number's share of the largest, or what is left of it. */
function addShare(out: Float64Array, rows: Int32Array, numbers: Float64Array, { weight, reverse }: { readonly weight: number; readonly reverse: boolean }): void {
  let most = 0;
  for (let i = 0; i < out.length; i++) most = Math.max(most, numbers[rows[i] as number] as number);
  for (let i = 0; i < out.length; i++) {
    const share = most > 0 ? Math.trunc((MAX * (numbers[rows[i] as number] as number)) / most) : 0;
    out[i] = (out[i] as number) + weight * (reverse ? MAX - share : share);
  }
}
