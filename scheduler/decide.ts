/**
 * The scheduler's waist: a snapshot and pods in, placements or reasons out. Pure; the shell is `scheduler/run.ts`.
 *
 * The snapshot keeps nodes as columns (typed arrays, bitsets) and is updated incrementally by the shell: `assume` before a
 * bind, `forget` when it is refused. Results are memoised per pod signature, so identical pods cost little more than one.
 */
import type { Node } from '../api/types/core.v1.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Random } from '../std/random.ts';

export interface Moment {
  readonly now: number;
  readonly random: Random;
}

export type Decision =
  | { readonly pod: Stored<Pod>; readonly node: string }
  | { readonly pod: Stored<Pod>; readonly unschedulable: Unschedulable };

/** Why a pod fits nowhere: reasons counted over nodes, and the one line that events and conditions show. */
export interface Unschedulable {
  /** `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s). …` */
  readonly message: string;
  /** Names of the filters that refused it: which changes in the cluster may help. */
  readonly plugins: readonly string[];
}

/** All that decisions depend on. The one writer is the scheduler's shell. */
export interface Snapshot {
  readonly nodeCount: number;
  setNode(node: Stored<Node>): void;
  removeNode(name: string): void;
  /** A pod that occupies a node: bound, or assumed to be. Replaces what was known of the same uid. */
  setPod(pod: Stored<Pod>, node: string): void;
  removePod(uid: string): void;
}

/** Decides pod by pod in the given order; each placement is assumed in the snapshot before the next pod is looked at. */
export type Decide = (snapshot: Snapshot, pods: readonly Stored<Pod>[], moment: Moment) => readonly Decision[];
