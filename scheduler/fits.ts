/** Questions about a pod that place nothing: whether one node takes it, and which nodes do. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { openCase, refusalsAt } from './case.ts';
import { type Demand, demandOf } from './demand.ts';
import { memosFor } from './memo.ts';
import type { Profile } from './profile.ts';
import type { Snapshot } from './snapshot.ts';

export interface Asker {
  readonly pod: Stored<Pod>;
  readonly demand?: Demand;
}

/** Whether the node as it is now takes the pod: what happened to one node is asked before a refused pod is decided again. */
export function fits(snapshot: Snapshot, { pod, demand = demandOf(pod) }: Asker, node: string, profile: Profile): boolean {
  const row = snapshot.row(node);
  if (row === undefined || !snapshot.facts[row]) return false;
  const opened = openCase(snapshot, pod, demand, memosFor(snapshot).of(demand, profile));
  return !('impossible' in opened) && refusalsAt(snapshot, opened, row).length === 0;
}

/** The nodes that take the pod. */
export function candidates(snapshot: Snapshot, pod: Stored<Pod>, profile: Profile): string[] {
  const demand = demandOf(pod);
  const opened = openCase(snapshot, pod, demand, memosFor(snapshot).of(demand, profile));
  if ('impossible' in opened) return [];
  return snapshot.facts.flatMap((node, row) => (node && refusalsAt(snapshot, opened, row).length === 0 ? node.name : []));
}
