/**
 * The scheduler's waist: a snapshot and pods in, placements or reasons out. Pure; the shell is `run.ts`.
 *
 * The snapshot (`snapshot.ts`) keeps nodes as columns of numbers and is updated incrementally by the shell; what depends on a
 * node alone is memoised per pod signature (`memo.ts`), so that identical pods cost little more than one. What depends on
 * other pods and on volumes stands against a row as an obstacle (`case.ts`).
 */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Random } from '../std/random.ts';
import { type Asked, type Case, leavesRoom, openCase, takes } from './case.ts';
import { type Demand, demandOf } from './demand.ts';
import { DeviceError, type DevicePlan } from './devices/devices.ts';
import { type Unschedulable, explain, explainImpossible } from './explain.ts';
import { type Memos, memosFor } from './memo.ts';
import { scores } from './score.ts';
import { DEFAULT_PROFILE, type Profile } from './profile.ts';
import type { Snapshot } from './snapshot.ts';
import type { NodeFacts } from './node-facts.ts';
import type { VolumePlan } from './volumes.ts';

export type { Unschedulable } from './explain.ts';

export interface Moment {
  readonly now: number;
  readonly random: Random;
  /** How pods that ask for this scheduler are looked at. */
  readonly profile?: Profile;
  /** What extenders say of the pods. */
  readonly asked?: Asked;
}

export type Decision =
  | { readonly pod: Stored<Pod>; readonly node: string; /** To be written before the pod is bound. */ readonly volumes?: VolumePlan; readonly devices?: DevicePlan }
  | { readonly pod: Stored<Pod>; readonly unschedulable: Unschedulable };

/** Decides pod by pod in the given order; each placement and nomination enters the snapshot before the next pod is looked at. */
export function decide(snapshot: Snapshot, pods: readonly Stored<Pod>[], moment: Moment): readonly Decision[] {
  const memos = memosFor(snapshot);
  const rows = memos.scratch(snapshot.rows);
  const decisions: Decision[] = [];
  for (const pod of pods) decisions.push(decideOne(snapshot, pod, memos, rows, moment));
  return decisions;
}

function decideOne(snapshot: Snapshot, pod: Stored<Pod>, memos: Memos, rows: Int32Array, moment: Moment): Decision {
  const { uid } = pod.metadata;
  const demand = demandOf(pod);
  // One whose binding had an unknown outcome may still be charged; what is being cleared for it is reserved for it again.
  if (snapshot.placed(uid)) {
    snapshot.removePod(uid);
    if (pod.status?.nominatedNodeName) snapshot.nominations.set(pod, demand, pod.status.nominatedNodeName);
  }
  const opened = openCase(snapshot, pod, demand, memos.of(demand, moment.profile ?? DEFAULT_PROFILE), moment.asked);
  if ('impossible' in opened) return refused(snapshot, pod, demand, explainImpossible(snapshot, opened, pod, moment.profile ?? DEFAULT_PROFILE));
  try {
    return place(snapshot, opened, rows, moment);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { pod, unschedulable: { message: error.message, plugins: new Set(), failed: true } };
  }
}

function place(snapshot: Snapshot, opened: Case, rows: Int32Array, moment: Moment): Decision {
  const { pod, demand } = opened;
  const row = choose(snapshot, opened, rows, moment.random);
  if (row === undefined) return refused(snapshot, pod, demand, explain(snapshot, opened, moment));
  const facts = snapshot.facts[row] as NodeFacts;
  const volumes = opened.volumes?.plan(facts);
  if (volumes) snapshot.volumes.assume(volumes);
  const devices = opened.devices?.plan(facts);
  if (devices) snapshot.devices.assume(devices);
  snapshot.setPod(pod, facts.name, demand);
  return { pod, node: facts.name, ...(volumes && { volumes }), ...(devices && { devices }) };
}

/** Keeps the room that is being cleared for it, or gives it up. */
function refused(snapshot: Snapshot, pod: Stored<Pod>, demand: Demand, unschedulable: Unschedulable): Decision {
  if (unschedulable.preemption) snapshot.nominations.set(pod, demand, unschedulable.preemption.node);
  else if (unschedulable.nominated === '') snapshot.nominations.remove(pod.metadata.uid);
  return { pod, unschedulable };
}

/** The row to place the pod on: the one that is being cleared for it, else the best of those that take it. */
function choose(snapshot: Snapshot, opened: Case, rows: Int32Array, random: Random): number | undefined {
  const { pod, memo } = opened;
  const nominated = snapshot.row(snapshot.nominations.of(pod.metadata.uid) ?? pod.status?.nominatedNodeName ?? '');
  if (nominated !== undefined && takes(opened, nominated) && leavesRoom(snapshot, opened, nominated)) return nominated;
  const contested = snapshot.nominations.size > 0;
  const share = memo.ask.profile.percentageOfNodesToScore;
  if (!contested && share === 0 && isPlain(snapshot, opened)) {
    const ranking = memo.ranking();
    if (ranking) return ranking.pick(random);
  }
  let count = 0;
  const total = snapshot.rows;
  const enough = share > 0 ? Math.max(NODES_LEAST, Math.ceil((snapshot.nodeCount * share) / 100)) : total;
  const offset = share > 0 ? Math.floor(random.next() * total) : 0;
  for (let i = 0; i < total && count < enough; i++) {
    const row = (offset + i) % total;
    if (takes(opened, row) && (!contested || leavesRoom(snapshot, opened, row))) rows[count++] = row;
  }
  if (count <= 1) return count === 1 ? (rows[0] as number) : undefined;
  return best(scores(snapshot, rows, count, opened), rows, random);
}

/** At least so many suitable nodes are compared, whatever percentage a profile asks for. */
const NODES_LEAST = 100;

/** Whether no other pod, volume or preference matters: the room on the nodes alone decides. */
function isPlain(snapshot: Snapshot, { pod, demand, podClass, obstacles, volumes, asked }: Case): boolean {
  if (obstacles.length > 0 || volumes || asked || demand.affinity.preferred.length > 0 || pod.spec.topologySpreadConstraints?.length) return false;
  return snapshot.tallies.selecting(podClass).length === 0 && snapshot.defaultSelectors.of(pod) === undefined;
}

/** The row with the highest score; among equals each is as likely. */
function best(totals: Float64Array, rows: Int32Array, random: Random): number {
  let top = -Infinity;
  let equals = 0;
  for (let i = 0; i < totals.length; i++) {
    const total = totals[i] as number;
    if (total > top) {
      top = total;
      equals = 1;
    } else if (total === top) {
      equals++;
    }
  }
  let skip = equals > 1 ? Math.floor(random.next() * equals) : 0;
  for (let i = 0; i < totals.length; i++) if (totals[i] === top && skip-- === 0) return rows[i] as number;
  return rows[0] as number;
}
