/** The pod garbage collector: pods that no kubelet will ever finish, and ended ones beyond a limit. */
import { nodes, pods } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { patch, remove, together } from './actions.ts';
import { watch, type Action, type Controller, type Outcome, type View } from './controller.ts';
import { disruption } from './disruption-target.ts';
import { OUT_OF_SERVICE, taintsOf, type StoredNode } from './node/taints.ts';
import { isReady } from './node/zones.ts';
import { isDeleting } from './owners.ts';
import { byNode, isDone, podKey, type StoredPod } from './pods.ts';

export interface PodGcOptions {
  /** More ended pods than this are deleted, oldest first; 0: never. */
  readonly terminatedPodThreshold?: number;
}

const DEFAULT_THRESHOLD = 12_500;
/** How long a node may be missing before its pods are given up. */
const QUARANTINE_MS = 40_000;
/** How long a pod without a node may take to go by itself; its time of deletion has no fractions. */
const UNSCHEDULED_MS = 2000;
/** The key under which the number of ended pods is looked at. */
const ENDED = 'ended';

/** It remembers since when a node has been missing. */
export function podGcController({ terminatedPodThreshold = DEFAULT_THRESHOLD }: PodGcOptions = {}): Controller {
  const missing = new Map<string, number>();
  return {
    name: 'pod-garbage-collector-controller',
    account: 'pod-garbage-collector',
    watches: [
      watch({
        resource: pods,
        indexes: { byNode, byEnd },
        keys: (pod) => (isDone(pod) ? [podKey(pod), ENDED] : [podKey(pod)]),
        matters: (a, b) => isDone(a) !== isDone(b) || isDeleting(a) !== isDeleting(b) || a.spec?.nodeName !== b.spec?.nodeName,
      }),
      watch({ resource: nodes, keys: (node, view) => view.of(pods).by('byNode', node.metadata.name).map(podKey), matters: (a, b) => isReady(a) !== isReady(b) || isOutOfService(a) !== isOutOfService(b) }),
    ],
    reconcile(key, view, { now }) {
      if (key === ENDED) return { actions: surplus(view, terminatedPodThreshold) };
      const pod = view.of(pods).get(parseKey(key));
      if (!pod) return { actions: [] };
      const nodeName = pod.spec?.nodeName;
      if (!nodeName) return unscheduled(pod, now);
      const node = view.of(nodes).get({ name: nodeName });
      if (node) {
        missing.delete(nodeName);
        return { actions: isDeleting(pod) && !isReady(node) && isOutOfService(node) ? forced(pod) : [] };
      }
      const since = missing.get(nodeName) ?? now;
      missing.set(nodeName, since);
      if (now < since + QUARANTINE_MS) return { actions: [], requeueAfterMs: since + QUARANTINE_MS - now };
      const marked = isDone(pod) ? [] : disruption(pod, 'DeletionByPodGC', 'PodGC: node no longer exists', now, 'Failed');
      return { actions: [...marked, remove(pods, pod, { gracePeriodSeconds: 0 })] };
    },
  };
}

function isOutOfService(node: StoredNode): boolean {
  return taintsOf(node).some(({ key }) => key === OUT_OF_SERVICE);
}

function byEnd(pod: StoredPod): readonly string[] {
  return isDone(pod) ? [ENDED] : [];
}

/** Most are gone by the next write; what is left is held by finalizers. */
function unscheduled(pod: StoredPod, now: number): Outcome {
  if (!isDeleting(pod)) return { actions: [] };
  const waitMs = Date.parse(pod.metadata.deletionTimestamp as string) + UNSCHEDULED_MS - now;
  return waitMs > 0 ? { actions: [], requeueAfterMs: waitMs } : { actions: forced(pod) };
}

function forced(pod: StoredPod): Action[] {
  const { uid, generation } = pod.metadata;
  const status = { phase: 'Failed', ...(generation !== undefined && { observedGeneration: generation }) };
  return [...(isDone(pod) ? [] : [patch(pods, pod.metadata, { metadata: { uid }, status }, 'status')]), remove(pods, pod, { gracePeriodSeconds: 0 })];
}

function surplus(view: View, threshold: number): Action[] {
  const ended = view.of(pods).by('byEnd', ENDED);
  if (threshold === 0 || ended.length <= threshold) return [];
  const sorted = [...ended].sort((a, b) => Number(isEvicted(b)) - Number(isEvicted(a)) || (age(a) < age(b) ? -1 : 1));
  return together(sorted.slice(0, ended.length - threshold).map((pod) => [remove(pods, pod, { gracePeriodSeconds: 0 })]));
}

function age({ metadata }: StoredPod): string {
  return `${metadata.creationTimestamp} ${metadata.name}`;
}

function isEvicted({ status }: StoredPod): boolean {
  return status?.phase === 'Failed' && status.reason === 'Evicted';
}
