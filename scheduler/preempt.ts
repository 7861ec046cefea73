/** Preemption: which node to clear for a pod that fits nowhere, and of which pods. Follows the framework's DefaultPreemption. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { type Random, below } from '../std/random.ts';
import { type Case, refusalsAt, reopened } from './case.ts';
import { memosFor } from './memo.ts';
import { type Shift, roomFor, roomRefusals } from './filters.ts';
import type { Placed, Snapshot } from './snapshot.ts';
import type { Preemption, Candidate, Cleared } from './candidate.ts';

export interface Attempt {
  readonly candidates: readonly Candidate[];
  /** Why nodes were of no use, with their number. */
  readonly reasons: ReadonlyMap<string, number>;
  /** What cannot be: nothing follows from it, but that there is no candidate is said otherwise. */
  readonly errors: readonly string[];
}

export const NEVER = 'not eligible due to preemptionPolicy=Never.';
const NO_VICTIMS = 'No preemption victims found for incoming pod';

/** Why the pod may not evict others at all. `helpful`: the nodes where evictions might help. */
export function ineligible(snapshot: Snapshot, { pod, demand }: Case, helpful: readonly number[]): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return NEVER;
  const nominated = snapshot.nominations.of(pod.metadata.uid) ?? pod.status?.nominatedNodeName;
  const row = nominated ? snapshot.row(nominated) : undefined;
  if (row === undefined || !helpful.includes(row)) return undefined;
  for (const other of snapshot.podsAt(row)) {
    if (other.demand.priority < demand.priority && isEndingByPreemption(other.pod)) return 'not eligible due to a terminating pod on the nominated node.';
  }
  return undefined;
}

/** `rows`: the nodes where evictions might help. Leaves the snapshot as it was. */
export function preempt(snapshot: Snapshot, known: Case, rows: readonly number[], { random }: { readonly random: Random }): Attempt {
  const reasons = new Map<string, number>();
  if (!snapshot.hasBelow(known.demand.priority)) return { candidates: [], errors: [], reasons: rows.length > 0 ? reasons.set(NO_VICTIMS, rows.length) : reasons };
  const { candidatesLeast, candidatesPercentage } = known.memo.ask.profile;
  const enough = Math.min(rows.length, Math.max(candidatesLeast, Math.floor((rows.length * candidatesPercentage) / 100)));
  const offset = rows.length > 0 ? below(random, rows.length) : 0;
  const candidates: Candidate[] = [];
  const errors = new Set<string>();
  // What others than the filters said has no weight here.
  const filtered = known.asked ? reopened(snapshot, { ...known, asked: undefined }) : known;
  for (let i = 0; i < rows.length; i++) {
    const found = clear(snapshot, filtered, rows[(offset + i) % rows.length] as number);
    if ('node' in found) candidates.push(found);
    else if ('error' in found) errors.add(found.error);
    else for (const reason of found.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break;
  }
  return { candidates, reasons, errors: [...errors] };
}

/** The best of the candidates, with its victims as they are now. */
export function chosen(snapshot: Snapshot, candidates: readonly Candidate[]): Preemption | undefined {
  const best = gentlest(candidates);
  return best && { node: best.node, victims: best.victims.map((pod) => snapshot.placed(pod.metadata.uid)?.pod ?? pod) };
}

/** The fewest pods of a node that must go, sparing the important ones first and those under a budget before the others. */
function clear(snapshot: Snapshot, known: Case, row: number): Cleared {
  // Where only ports and numbers count, nobody needs to be moved to see what would be, and equal pods see the same.
  if (known.obstacles.length > 0) return clearRow(snapshot, known, row, rehearse);
  // Who is nominated there himself sees less in his way than the others.
  if (known.nominated !== undefined && known.nominated === snapshot.facts[row]?.name) return clearRow(snapshot, known, row, weigh);
  const [changes, contested, budgets, { priority }] = [snapshot.changes[row], snapshot.contested[row], snapshot.budgets.version, known.demand];
  const cleared = memosFor(snapshot).cleared(known.memo);
  const before = cleared[row];
  if (before && before.changes === changes && before.contested === contested && before.budgets === budgets && before.priority === priority) return before.outcome;
  const outcome = clearRow(snapshot, known, row, weigh);
  cleared[row] = { changes, contested, budgets, priority, outcome };
  return outcome;
}

function clearRow(snapshot: Snapshot, known: Case, row: number, look: (snapshot: Snapshot, known: Case, row: number, lesser: Placed[]) => Cleared): Cleared {
  const lesser: Placed[] = [];
  for (const placed of snapshot.podsAt(row)) if (placed.demand.priority < known.demand.priority) lesser.push(placed);
  return lesser.length === 0 ? NOBODY_LESSER : look(snapshot, known, row, lesser);
}

const NOBODY_LESSER: Cleared = { reasons: [NO_VICTIMS] };

function weigh(snapshot: Snapshot, known: Case, row: number, lesser: Placed[]): Cleared {
  const { ask } = known.memo;
  const name = snapshot.facts[row]?.name as string;
  const shifts: Shift[] = [...snapshot.nominations.before(name, known.pod.metadata.uid, known.demand.priority)];
  for (const { demand } of lesser) shifts.push({ demand, sign: -1 });
  if (!roomFor(snapshot, row, ask, shifts)) return { reasons: roomRefusals(snapshot, row, ask, shifts).map(({ reason }) => reason) };
  const { order, broken } = turns(snapshot, lesser);
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

function rehearse(snapshot: Snapshot, known: Case, row: number, lesser: Placed[]): Cleared {
  const gone = new Set(lesser);
  for (const placed of lesser) snapshot.remove(placed);
  try {
    const left = refusalsAt(snapshot, reopened(snapshot, known), row);
    if (left.length > 0) return { reasons: left.map(({ reason }) => reason) };
    const { order, broken } = turns(snapshot, lesser);
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
function turns(snapshot: Snapshot, lesser: Placed[]): { readonly order: readonly Placed[]; readonly broken: ReadonlySet<Stored<Pod>> } {
  if (lesser.length > 1) lesser.sort((a, b) => byImportance(a.pod, b.pod));
  const broken = snapshot.budgets.broken(lesser.map(({ pod }) => pod));
  return { order: broken.size === 0 ? lesser : [...lesser.filter(({ pod }) => broken.has(pod)), ...lesser.filter(({ pod }) => !broken.has(pod))], broken };
}

function candidate(node: string, lesser: readonly Placed[], gone: ReadonlySet<Placed>, broken: ReadonlySet<Stored<Pod>>): Cleared {
  const victims = lesser.filter((placed) => gone.has(placed)).map(({ pod }) => pod);
  if (victims.length === 0) return { error: `expected at least one victim pod on node ${JSON.stringify(node)}` };
  return candidateOf(node, victims, victims.filter((pod) => broken.has(pod)).length);
}

/** `victims`: the most important first. */
export function candidateOf(node: string, victims: readonly Stored<Pod>[], violations: number): Candidate {
  const highest = victims[0]?.spec.priority ?? 0;
  let sum = 0;
  let oldest = Infinity;
  for (const pod of victims) {
    const priority = pod.spec.priority ?? 0;
    sum += priority + 2 ** 31;
    if (priority === highest) oldest = Math.min(oldest, startOf(pod));
  }
  return { node, victims, violations, cost: [violations, highest, sum, victims.length, -oldest] };
}

/** The fewest broken budgets; the least important first victim; the least importance in sum; the fewest; those that started last. */
function gentlest(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (!best || isGentler(candidate, best)) best = candidate;
  return best;
}

function isGentler(a: Candidate, b: Candidate): boolean {
  for (const [i, cost] of a.cost.entries()) if (cost !== b.cost[i]) return cost < (b.cost[i] as number);
  return false;
}

/** By priority, then by age. */
function byImportance(a: Stored<Pod>, b: Stored<Pod>): number {
  return (b.spec.priority ?? 0) - (a.spec.priority ?? 0) || startOf(a) - startOf(b);
}

/** Who has not started starts now: after all the others. */
function startOf({ status }: Stored<Pod>): number {
  return status?.startTime ? Date.parse(status.startTime) : Number.MAX_SAFE_INTEGER;
}

export function isEndingByPreemption({ metadata, status }: Placed['pod']): boolean {
  if (!metadata.deletionTimestamp) return false;
  const condition = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}
