/** Which old pods of a DaemonSet go now, and which nodes get a second, new one beside the old. */
import { scaled } from '../deployment/plan.ts';
import { isDeleting } from '../owners.ts';
import { isAvailable, type StoredPod } from '../pods.ts';
import { isUpdated, placement, type StoredDaemonSet } from './placement.ts';
import type { StoredNode } from '../node/taints.ts';

export interface Rollout {
  readonly set: StoredDaemonSet;
  readonly nodes: readonly StoredNode[];
  readonly podsByNode: ReadonlyMap<string, readonly StoredPod[]>;
  readonly hash: string;
  readonly now: number;
}

export interface RolloutStep {
  readonly remove: readonly StoredPod[];
  readonly createOn: readonly string[];
}

export function surgeOf({ spec: { updateStrategy } }: StoredDaemonSet, desired: number): number {
  return updateStrategy?.type === 'RollingUpdate' ? scaled(updateStrategy.rollingUpdate?.maxSurge, desired, Math.ceil) : 0;
}

export function rolloutStep(rollout: Rollout): RolloutStep {
  const { set, nodes, podsByNode } = rollout;
  if (set.spec.updateStrategy?.type !== 'RollingUpdate') return { remove: [], createOn: [] };
  const wanted = nodes.filter((node) => placement(set, node).start);
  const surge = surgeOf(set, wanted.length);
  const unavailable = scaled(set.spec.updateStrategy.rollingUpdate?.maxUnavailable, wanted.length, Math.ceil);
  const places = new Map([...podsByNode, ...wanted.flatMap(({ metadata: { name } }) => (podsByNode.has(name) ? [] : [[name, []] as const]))]);
  return surge > 0 ? withSurge(rollout, { places, surge, desired: wanted.length }) : inPlace(rollout, places, wanted.length > 0 && unavailable === 0 ? 1 : unavailable);
}

type Places = ReadonlyMap<string, readonly StoredPod[]>;

interface Pair {
  readonly fresh: StoredPod | undefined;
  readonly old: StoredPod | undefined;
}

/** Undefined: more than one of a kind, which the main loop will sort out first. */
function pairOn({ set, hash }: Rollout, present: readonly StoredPod[]): Pair | undefined {
  const alive = present.filter((pod) => !isDeleting(pod));
  const fresh = alive.filter((pod) => isUpdated(set, pod, hash));
  const old = alive.filter((pod) => !isUpdated(set, pod, hash));
  return fresh.length > 1 || old.length > 1 ? undefined : { fresh: fresh[0], old: old[0] };
}

function inPlace(rollout: Rollout, places: Places, maxUnavailable: number): RolloutStep {
  const works = (pod: StoredPod): boolean => isAvailable(pod, rollout.set.spec.minReadySeconds ?? 0, rollout.now);
  let unavailable = 0;
  const broken: StoredPod[] = [];
  const candidates: StoredPod[] = [];
  for (const present of places.values()) {
    const pair = pairOn(rollout, present);
    if (!pair || Boolean(pair.fresh) === Boolean(pair.old)) unavailable++;
    else if (pair.fresh) unavailable += works(pair.fresh) ? 0 : 1;
    else if (pair.old && !works(pair.old)) {
      broken.push(pair.old);
      unavailable++;
    } else if (pair.old && unavailable < maxUnavailable) candidates.push(pair.old);
  }
  return { remove: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))], createOn: [] };
}

function withSurge(rollout: Rollout, { places, surge, desired }: { readonly places: Places; readonly surge: number; readonly desired: number }): RolloutStep {
  const { set, nodes } = rollout;
  const works = (pod: StoredPod): boolean => isAvailable(pod, set.spec.minReadySeconds ?? 0, rollout.now);
  const belongs = (name: string): boolean => nodes.some((node) => node.metadata.name === name && placement(set, node).start);
  const remove: StoredPod[] = [];
  const misplaced: StoredPod[] = [];
  const [urgent, candidates]: [string[], string[]] = [[], []];
  let surging = 0;
  let available = 0;
  for (const [name, present] of places) {
    const pair = pairOn(rollout, present);
    const shown = pair?.old ?? pair?.fresh;
    if (shown && works(shown)) available++;
    if (!pair) surging++;
    else if (pair.old && pair.fresh) {
      if (works(pair.fresh)) remove.push(pair.old);
      else surging++;
    } else if (pair.old && !works(pair.old)) {
      if (belongs(name)) urgent.push(name);
      else remove.push(pair.old);
    } else if (pair.old && !belongs(name)) misplaced.push(pair.old);
    else if (pair.old && surging < surge) candidates.push(name);
  }
  remove.push(...misplaced.slice(0, Math.max(0, available - desired)));
  return { remove, createOn: [...urgent, ...candidates.slice(0, Math.max(0, surge - surging))] };
}
