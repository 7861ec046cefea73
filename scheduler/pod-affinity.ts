/** Affinity between pods: which nodes it forbids, and how it scores the others. Follows the framework's InterPodAffinity. */
import type { Demand } from './demand.ts';
import { FINE, type Obstacle } from './filters.ts';
import type { Refusal } from './refusal.ts';
import type { Memo } from './memo.ts';
import type { Snapshot } from './snapshot.ts';
import type { PodClass } from './tallies.ts';
import { allOf } from './terms.ts';
import type { Domains } from './topology.ts';

const MAX = 100;
const NOT_NEAR: readonly Refusal[] = [{ plugin: 'InterPodAffinity', reason: "node(s) didn't match pod affinity rules", lasting: true }];
const TOO_NEAR: readonly Refusal[] = [{ plugin: 'InterPodAffinity', reason: "node(s) didn't match pod anti-affinity rules", lasting: false }];
const KEPT_OUT: readonly Refusal[] = [{ plugin: 'InterPodAffinity', reason: "node(s) didn't satisfy existing pods anti-affinity rules", lasting: false }];

/** Counts of pods by domain. */
interface Spot {
  readonly domains: Domains;
  readonly sums: Int32Array;
}

/** Undefined where neither the pod nor the pods on nodes have anything to say. */
export function affinityObstacle(snapshot: Snapshot, demand: Demand, podClass: PodClass): Obstacle | undefined {
  const near = wanted(snapshot, demand, podClass);
  const far = demand.affinity.anti.map((term) => spot(snapshot, term.topologyKey, snapshot.counts(term)));
  const closed = snapshot.tallies.selecting(podClass).filter(({ kind }) => kind === 'anti').map(({ term, counts }) => spot(snapshot, term.topologyKey, counts));
  if (!near && far.length === 0 && closed.length === 0) return undefined;
  return (row) => {
    if (near && !near(row)) return NOT_NEAR;
    if (far.some((one) => at(one, row) > 0)) return TOO_NEAR;
    return closed.some((one) => at(one, row) > 0) ? KEPT_OUT : FINE;
  };
}

/** A domain of each term needs a pod that all terms select; the first pod of a group that selects itself needs only the keys. */
function wanted(snapshot: Snapshot, { affinity: { required } }: Demand, podClass: PodClass): ((row: number) => boolean) | undefined {
  if (required.length === 0) return undefined;
  const selection = allOf(required);
  const counts = snapshot.counts(selection);
  const spots = required.map(({ topologyKey }) => spot(snapshot, topologyKey, counts));
  const none = spots.every(({ sums }) => sums.every((sum) => sum === 0));
  const first = none && snapshot.tallies.matches(selection, podClass);
  return (row) => spots.every((one) => (first ? (one.domains.of[row] as number) >= 0 : at(one, row) > 0));
}

/** From 0 to 100 for each row of `rows`; undefined where no preference concerns the pod. */
export function affinityScores(snapshot: Snapshot, rows: Int32Array, count: number, { demand, podClass, memo }: { readonly demand: Demand; readonly podClass: PodClass; readonly memo: Memo }): Float64Array | undefined {
  const { hardPodAffinityWeight, ignorePreferredTermsOfExistingPods } = memo.ask.profile;
  if (ignorePreferredTermsOfExistingPods && demand.affinity.preferred.length === 0) return undefined;
  const attracting = snapshot.tallies
    .selecting(podClass)
    .map((carried) => ({ carried, weight: carried.kind === 'required' ? hardPodAffinityWeight : carried.weight }))
    .filter(({ carried: { kind }, weight }) => kind !== 'anti' && weight !== 0 && !(kind === 'preferred' && ignorePreferredTermsOfExistingPods));
  const weighted = [
    ...demand.affinity.preferred.map(({ term, weight }) => ({ weight, ...spot(snapshot, term.topologyKey, snapshot.counts(term)) })),
    ...attracting.map(({ carried: { term, counts }, weight }) => ({ weight, ...spot(snapshot, term.topologyKey, counts) })),
  ];
  if (weighted.length === 0) return undefined;
  const out = new Float64Array(count);
  for (const { weight, domains, sums } of weighted) {
    for (let i = 0; i < count; i++) {
      const domain = domains.of[rows[i] as number] as number;
      if (domain >= 0) out[i] = (out[i] as number) + weight * (sums[domain] as number);
    }
  }
  let least = Infinity;
  let most = -Infinity;
  for (const score of out) {
    if (score < least) least = score;
    if (score > most) most = score;
  }
  const span = most - least;
  for (let i = 0; i < count; i++) out[i] = span > 0 ? Math.trunc(MAX * (((out[i] as number) - least) / span)) : 0;
  return out;
}

function spot(snapshot: Snapshot, topologyKey: string, counts: Int32Array): Spot {
  const domains = snapshot.domains(topologyKey);
  return { domains, sums: domains.sums(counts, snapshot.rows) };
}

/** Pods in the domain of a row; none where its node lacks the key. */
function at({ domains, sums }: Spot, row: number): number {
  const domain = domains.of[row] as number;
  return domain >= 0 ? (sums[domain] as number) : 0;
}
