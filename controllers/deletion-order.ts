/**
 * Which of a ReplicaSet's pods go first when there are too many: those whose loss costs least.
 * The order of upstream's ActivePodsWithRanks (pkg/controller/controller_utils.go, v1.36).
 */
import { timeMs } from '../client/time.ts';
import { isActive, isReady, podCondition, type StoredPod } from './pods.ts';

/** The pods in the order in which they should go. `related` are the pods of all sibling sets: crowded nodes are relieved first. */
export function deletionOrder(pods: readonly StoredPod[], related: readonly StoredPod[], now: number): StoredPod[] {
  const crowd = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? '';
    if (isActive(pod)) crowd.set(node, (crowd.get(node) ?? 0) + 1);
  }
  const rankOf = (pod: StoredPod): number => crowd.get(pod.spec?.nodeName ?? '') ?? 0;
  return [...pods].sort((a, b) => compare(a, b, rankOf, now));
}

const PHASES: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function compare(a: StoredPod, b: StoredPod, rankOf: (pod: StoredPod) => number, now: number): number {
  const [readyA, readyB] = [isReady(a), isReady(b)];
  return (
    Number(Boolean(a.spec?.nodeName)) - Number(Boolean(b.spec?.nodeName)) ||
    phaseOf(a) - phaseOf(b) ||
    Number(readyA) - Number(readyB) ||
    costOf(a) - costOf(b) ||
    rankOf(b) - rankOf(a) ||
    (readyA && readyB ? byAge(a, b, readyText(a), readyText(b), now) : 0) ||
    restarts(b).regular - restarts(a).regular ||
    restarts(b).sidecars - restarts(a).sidecars ||
    byAge(a, b, a.metadata.creationTimestamp, b.metadata.creationTimestamp, now)
  );
}

function phaseOf(pod: StoredPod): number {
  return PHASES[pod.status?.phase ?? ''] ?? 0;
}

function readyText(pod: StoredPod): string | undefined {
  return podCondition(pod, 'Ready')?.lastTransitionTime;
}

const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const MAX_COST = 2 ** 31 - 1;

/** A 32-bit number without a plus or leading zeros; anything else counts as zero. */
function costOf(pod: StoredPod): number {
  const text = pod.metadata.annotations?.[DELETION_COST] ?? '';
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost > MAX_COST || cost < -MAX_COST - 1 ? 0 : cost;
}

/** Younger first, but ages of one order of magnitude are alike: among those the uid decides, so that not always the youngest goes. */
function byAge(a: StoredPod, b: StoredPod, timeA: string | undefined, timeB: string | undefined, now: number): number {
  if (timeA === timeB) return 0;
  if (!timeA || !timeB) return timeA ? 1 : -1;
  const difference = magnitude(now - timeMs(timeA)) - magnitude(now - timeMs(timeB));
  return difference || (a.metadata.uid < b.metadata.uid ? -1 : 1);
}

/** Upstream counts in nanoseconds. */
function magnitude(ageMs: number): number {
  return ageMs <= 0 ? -1 : Math.floor(Math.log2(ageMs * 1_000_000));
}

function restarts(pod: StoredPod): { readonly regular: number; readonly sidecars: number } {
  const sidecarNames = new Set((pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));
  let sidecars = 0;
  for (const { name, restartCount } of pod.status?.initContainerStatuses ?? []) if (sidecarNames.has(name)) sidecars = Math.max(sidecars, restartCount);
  return { regular: Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)), sidecars };
}
