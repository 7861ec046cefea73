/** Taints that a node's conditions bring about, and which pods bear which taints. */
import { tolerates } from '../../api/tolerates.ts';
import type { Node, Taint, Toleration } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';

export type StoredNode = Stored<Node>;
type AnyTaint = DeepReadonly<Taint>;

export const NOT_READY = 'node.kubernetes.io/not-ready';
export const UNREACHABLE = 'node.kubernetes.io/unreachable';
export const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

/** Condition, its status, and the taint that says it. */
const BY_CONDITION: readonly (readonly [type: string, status: string, taint: string])[] = [
  ['Ready', 'False', NOT_READY],
  ['Ready', 'Unknown', UNREACHABLE],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
];
const OURS = new Set([...BY_CONDITION.map(([, , key]) => key), UNSCHEDULABLE]);

export function taintsOf(node: StoredNode): readonly AnyTaint[] {
  return node.spec?.taints ?? [];
}

export function statusOf(node: StoredNode, type: string): string | undefined {
  return node.status?.conditions?.find((condition) => condition.type === type)?.status;
}

/** Keys of the taints that keep new pods away from a node in this state. */
export function noScheduleKeys(node: StoredNode): string[] {
  const keys = BY_CONDITION.filter(([type, status]) => statusOf(node, type) === status).map(([, , key]) => key);
  return node.spec?.unschedulable ? [...keys, UNSCHEDULABLE] : keys;
}

/** The taint that drives pods off a node in this state. */
export function noExecuteKey(node: StoredNode): string | undefined {
  const ready = statusOf(node, 'Ready');
  return ready === 'False' ? NOT_READY : ready === 'Unknown' ? UNREACHABLE : undefined;
}

/** The node's taints with those of ours as they should be; undefined where they are. */
export function wantedTaints(node: StoredNode, options: { readonly noExecute: string | undefined; readonly timeAdded: string; /** The taint of its creation stays for now. */ readonly isNewborn?: boolean }): AnyTaint[] | undefined {
  const wanted: AnyTaint[] = noScheduleKeys(node).map((key) => ({ key, effect: 'NoSchedule' }));
  if (options.noExecute) wanted.push({ key: options.noExecute, effect: 'NoExecute' });
  const same = (a: AnyTaint, b: AnyTaint): boolean => a.key === b.key && a.effect === b.effect;
  const known = taintsOf(node);
  const first = options.isNewborn && known.find(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule');
  if (first && !wanted.some((taint) => same(taint, first))) wanted.push(first);
  const kept = known.filter((taint) => !isOurs(taint) || wanted.some((other) => same(taint, other)));
  const added = wanted.filter((taint) => !known.some((other) => same(taint, other)));
  if (added.length === 0 && kept.length === known.length) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: options.timeAdded }))];
}

function isOurs({ key, effect }: AnyTaint): boolean {
  return effect === 'NoSchedule' ? OURS.has(key) : effect === 'NoExecute' && (key === NOT_READY || key === UNREACHABLE);
}

/** How long a pod may stay under these taints: 0 not at all, undefined for ever. */
export function toleratedMs(tolerations: readonly DeepReadonly<Toleration>[], taints: readonly AnyTaint[]): number | undefined {
  const used: DeepReadonly<Toleration>[] = [];
  for (const taint of taints) {
    const matching = tolerations.find((toleration) => tolerates(toleration, taint));
    if (!matching) return 0;
    used.push(matching);
  }
  const limits = used.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [Math.max(0, tolerationSeconds)]));
  return limits.length === 0 ? undefined : Math.min(...limits) * 1000;
}

/** Whether each taint is tolerated, for however long. */
export function areTolerated(tolerations: readonly DeepReadonly<Toleration>[], taints: readonly AnyTaint[]): boolean {
  return taints.every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}
