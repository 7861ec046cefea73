/** Preemption: which node to clear for a pod that fits nowhere, and of which pods. Follows the framework's DefaultPreemption. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { type Random, below } from '../std/random.ts';
import { type Case, refusalsAt, reopened } from './case.ts';
import { type Shift, roomFor, roomRefusals } from './filters.ts';
import type { Placed, Snapshot } from './snapshot.ts';

export interface Preemption {
  readonly node: string;
  /** The most important first; some may be ending already. */
  readonly victims: readonly Stored<Pod>[];
}

export interface Attempt {
  readonly preemption?: Preemption;
  /** Why nodes were of no use, with their number. */
  readonly reasons: ReadonlyMap<string, number>;
}

interface Candidate extends Preemption {
  readonly violations: number;
}

const NO_VICTIMS = 'No preemption victims found for incoming pod';

/** Why the pod may not evict others at all. `helpful`: the nodes where evictions might help. */
export function ineligible(snapshot: Snapshot, { pod, demand }: Case, helpful: readonly number[]): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = snapshot.nominations.of(pod.metadata.uid) ?? pod.status?.nominatedNodeName;
  const row = nominated ? snapshot.row(nominated) : undefined;
  if (row === undefined || !helpful.includes(row)) return undefined;
  for (const other of snapshot.podsAt(row)) {
    if (other.demand.priority < demand.priority && isEndingByPreemption(other.pod)) return 'not eligible due to a terminating pod on the nominated node.';
  }
  return undefined;
}

/** `rows`: the nodes where evictions might help. Leaves the snapshot as it was. */
export function preempt(snapshot: Snapshot, known: Case, rows: readonly number[], { now, random }: { readonly now: number; readonly random: Random }): Attempt {
  const reasons = new Map<string, number>();
  if (!snapshot.hasBelow(known.demand.priority)) return { reasons: rows.length > 0 ? reasons.set(NO_VICTIMS, rows.length) : reasons };
  const { candidatesLeast, candidatesPercentage } = known.memo.ask.profile;
  const enough = Math.min(rows.length, Math.max(candidatesLeast, Math.floor((rows.length * candidatesPercentage) / 100)));
  const offset = rows.length > 0 ? below(random, rows.length) : 0;
  const candidates: Candidate[] = [];
  for (let i = 0; i < rows.length; i++) {
    const found = clear(snapshot, known, rows[(offset + i) % rows.length] as number, now);
    if ('node' in found) candidates.push(found);
    else for (const reason of found.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break;
  }
  const preemption = gentlest(candidates, now);
  return { reasons, ...(preemption && { preemption }) };
}

/** The fewest pods of a node that must go, sparing the important ones first and those under a budget before the others. */
function clear(snapshot: Snapshot, known: Case, row: number, now: number): Candidate | { readonly reasons: readonly string[] } {
  const lesser: Placed[] = [];
  for (const placed of snapshot.podsAt(row)) if (placed.demand.priority < known.demand.priority) lesser.push(placed);
  if (lesser.length === 0) return { reasons: [NO_VICTIMS] };
  // Where only ports and numbers count, nobody needs to be moved to see what would be.
  return isAboutRoom(known) ? weigh(snapshot, known, row, { lesser, now }) : rehearse(snapshot, known, row, { lesser, now });
}

interface Lesser {
  readonly lesser: Placed[];
  readonly now: number;
}

function isAboutRoom({ obstacles }: Case): boolean {
  return obstacles.length === 0;
}

function weigh(snapshot: Snapshot, known: Case, row: number, { lesser, now }: Lesser): Candidate | { readonly reasons: readonly string[] } {
  const { ask } = known.memo;
  const name = snapshot.facts[row]?.name as string;
  const shifts: Shift[] = snapshot.nominations.before(name, known.pod.metadata.uid, known.demand.priority).map(({ demand }) => ({ demand, sign: 1 }));
  for (const { demand } of lesser) shifts.push({ demand, sign: -1 });
  if (!roomFor(snapshot, row, ask, shifts)) return { reasons: roomRefusals(snapshot, row, ask, shifts).map(({ reason }) => reason) };
  const { order, broken } = turns(snapshot, lesser, now);
  const gone = new Set<Placed>();
  for (const placed of order) {
    // Back again: its going and its coming cancel out.
    const at = shifts.findIndex(({ demand, sign }) => sign === -1 && demand === placed.demand);
    const [shift] = shifts.splice(at, 1) as [Shift];
    if (roomFor(snapshot, row, ask, shifts)) continue;
    shifts.push(shift);
    gone.add(placed);
  }
  return candidate(name, lesser, gone, broken);
}

function rehearse(snapshot: Snapshot, known: Case, row: number, { lesser, now }: Lesser): Candidate | { readonly reasons: readonly string[] } {
  const gone = new Set(lesser);
  for (const placed of lesser) snapshot.remove(placed);
  try {
    const left = refusalsAt(snapshot, reopened(snapshot, known), row);
    if (left.length > 0) return { reasons: left.map(({ reason }) => reason) };
    const { order, broken } = turns(snapshot, lesser, now);
    for (const placed of order) {
      snapshot.add(placed);
      if (refusalsAt(snapshot, reopened(snapshot, known), row).length === 0) gone.delete(placed);
      else snapshot.remove(placed);
    }
    return candidate(snapshot.facts[row]?.name as string, lesser, gone, broken);
  } finally {
    for (const placed of gone) snapshot.add(placed);
  }
}

/** Sorts the pods by importance, and says in which order they are spared. */
function turns(snapshot: Snapshot, lesser: Placed[], now: number): { readonly order: readonly Placed[]; readonly broken: ReadonlySet<Stored<Pod>> } {
  if (lesser.length > 1) lesser.sort((a, b) => byImportance(a.pod, b.pod, now));
  const broken = snapshot.budgets.broken(lesser.map(({ pod }) => pod));
  return { order: broken.size === 0 ? lesser : [...lesser.filter(({ pod }) => broken.has(pod)), ...lesser.filter(({ pod }) => !broken.has(pod))], broken };
}

function candidate(node: string, lesser: readonly Placed[], gone: ReadonlySet<Placed>, broken: ReadonlySet<Stored<Pod>>): Candidate {
  const victims = lesser.filter((placed) => gone.has(placed)).map(({ pod }) => pod);
  return { node, victims, violations: victims.filter((pod) => broken.has(pod)).length };
}

/** The fewest broken budgets; the least important first victim; the least importance in sum; the fewest; those that started last. */
function gentlest(candidates: readonly Candidate[], now: number): Candidate | undefined {
  const cost = [
    ({ violations }: Candidate) => violations,
    ({ victims: [first] }: Candidate) => first?.spec.priority ?? 0,
    ({ victims }: Candidate) => victims.reduce((sum, pod) => sum + (pod.spec.priority ?? 0) + 2 ** 31, 0),
    ({ victims }: Candidate) => victims.length,
    ({ victims }: Candidate) => -Math.min(...victims.filter((pod) => pod.spec.priority === victims[0]?.spec.priority).map((pod) => startOf(pod, now))),
  ];
  let best = candidates;
  for (const of of cost) {
    const least = Math.min(...best.map(of));
    best = best.filter((candidate) => of(candidate) === least);
  }
  return best[0];
}

/** By priority, then by age. */
function byImportance(a: Stored<Pod>, b: Stored<Pod>, now: number): number {
  return (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || startOf(a, now) - startOf(b, now);
}

function startOf({ status }: Stored<Pod>, now: number): number {
  return status?.startTime ? Date.parse(status.startTime) : now;
}

export function isEndingByPreemption({ metadata, status }: Placed['pod']): boolean {
  if (!metadata.deletionTimestamp) return false;
  const condition = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}
