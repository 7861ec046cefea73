/**
 * The scheduler's waist: a snapshot and pods in, placements or reasons out. Pure; the shell is `run.ts`.
 *
 * The snapshot (`snapshot.ts`) keeps nodes as columns of numbers and is updated incrementally by the shell; verdicts that
 * depend on a node's facts alone are memoised per pod signature (`memo.ts`), so that identical pods cost little more than one.
 */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Random } from '../std/random.ts';
import { type Demand, demandOf } from './demand.ts';
import { type Refusal, dynamicRefusals, portsFree, resourcesFit } from './filters.ts';
import { type Memo, Memos } from './memo.ts';
import { scores } from './score.ts';
import type { Snapshot } from './snapshot.ts';

export interface Moment {
  readonly now: number;
  readonly random: Random;
}

export type Decision =
  | { readonly pod: Stored<Pod>; readonly node: string }
  | { readonly pod: Stored<Pod>; readonly unschedulable: Unschedulable };

/** Why a pod fits nowhere. */
export interface Unschedulable {
  /** The one line that events and conditions show: `0/5 nodes are available: 2 Insufficient cpu, …` */
  readonly message: string;
  /** Names of the filters that refused it: which changes in the cluster may help. */
  readonly plugins: ReadonlySet<string>;
}

const memosOf = new WeakMap<Snapshot, Memos>();

/** Decides pod by pod in the given order; each placement is charged to the snapshot before the next pod is looked at. */
export function decide(snapshot: Snapshot, pods: readonly Stored<Pod>[], { random }: Moment): readonly Decision[] {
  let memos = memosOf.get(snapshot);
  if (!memos) memosOf.set(snapshot, (memos = new Memos()));
  const rows = new Int32Array(snapshot.rows);
  const decisions: Decision[] = [];
  for (const pod of pods) {
    const demand = demandOf(pod);
    const memo: Memo = memos.of(demand);
    const count: number = demand.unsupported.length > 0 ? 0 : feasible(snapshot, demand, memo, rows);
    if (count === 0) {
      decisions.push({ pod, unschedulable: explain(snapshot, demand, memo, pod.spec.preemptionPolicy === 'Never') });
      continue;
    }
    const row = count === 1 ? (rows[0] as number) : best(scores(snapshot, rows, count, demand, memo), rows, random);
    const node = snapshot.facts[row]?.name as string;
    snapshot.setPod(pod, node, demand);
    decisions.push({ pod, node });
  }
  return decisions;
}

/** Writes the rows of the nodes that take the pod to the front of `rows`. */
function feasible(snapshot: Snapshot, demand: Demand, memo: Memo, rows: Int32Array): number {
  let count = 0;
  const { facts } = snapshot;
  for (let row = 0; row < facts.length; row++) {
    const node = facts[row];
    if (!node || memo.refusal(snapshot, row, node, demand)) continue;
    if (!resourcesFit(snapshot, row, demand) || (demand.ports.length > 0 && !portsFree(snapshot, row, demand))) continue;
    rows[count++] = row;
  }
  return count;
}

/** The row with the highest score; among equals each is as likely. */
function best(totals: Float64Array, rows: Int32Array, random: Random): number {
  let top = -1;
  let chosen = 0;
  let equals = 0;
  for (let i = 0; i < totals.length; i++) {
    const total = totals[i] as number;
    if (total > top) {
      top = total;
      chosen = i;
      equals = 1;
    } else if (total === top && random.next() * ++equals < 1) {
      chosen = i;
    }
  }
  return rows[chosen] as number;
}

function explain(snapshot: Snapshot, demand: Demand, memo: Memo, neverPreempts: boolean): Unschedulable {
  const total = snapshot.nodeCount;
  if (demand.unsupported.length > 0) {
    return { message: `0/${total} nodes are available: this scheduler does not support ${demand.unsupported.join(', ')}.`, plugins: new Set() };
  }
  if (total === 0) return { message: 'no nodes available to schedule pods', plugins: new Set() };
  const reasons = new Map<string, number>();
  const plugins = new Set<string>();
  let hopeless = 0;
  snapshot.facts.forEach((node, row) => {
    if (!node) return;
    const fixed = memo.refusal(snapshot, row, node, demand);
    const refusals: readonly Refusal[] = fixed ? [fixed] : dynamicRefusals(snapshot, row, demand);
    for (const { reason, plugin } of refusals) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      plugins.add(plugin);
    }
    if (refusals.some(({ lasting }) => lasting)) hopeless++;
  });
  const available = `0/${total} nodes are available:`;
  const preemption = neverPreempts
    ? 'preemption: not eligible due to preemptionPolicy=Never.'
    : `no new claims to deallocate, preemption: ${available} ${histogram([
        ['No preemption victims found for incoming pod', total - hopeless],
        ['Preemption is not helpful for scheduling', hopeless],
      ])}.`;
  return { message: `${available} ${histogram(reasons)}. ${preemption}`, plugins };
}

/** `1 Too many pods, 2 Insufficient cpu`, in the order of the text. */
function histogram(counts: Iterable<readonly [string, number]>): string {
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
