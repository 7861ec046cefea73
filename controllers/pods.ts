/** What controllers ask of pods: are they active, ready, available; and how one is made from a template. */
import type { Pod, PodTemplateSpec } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { timeMs } from '../client/time.ts';
import type { DeepReadonly } from '../std/deep.ts';
import type { OwnerReference } from '../api/types/meta.v1.ts';
import { isDeleting } from './owners.ts';

export type StoredPod = Stored<Pod>;

/** Index: pods by the node they are on. */
export function byNode(pod: StoredPod): readonly string[] {
  return pod.spec?.nodeName ? [pod.spec.nodeName] : [];
}

export function podKey({ metadata }: StoredPod): string {
  return `${metadata.namespace}/${metadata.name}`;
}

export function isActive(pod: StoredPod): boolean {
  return !isDone(pod) && !isDeleting(pod);
}

/** Succeeded or failed. */
export function isDone(pod: StoredPod): boolean {
  const { phase } = pod.status ?? {};
  return phase === 'Succeeded' || phase === 'Failed';
}

/** On its way out, with containers that may still run. */
export function isTerminating(pod: StoredPod): boolean {
  return !isDone(pod) && isDeleting(pod);
}

export function podCondition(pod: StoredPod, type: string): DeepReadonly<NonNullable<NonNullable<Pod['status']>['conditions']>[number]> | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

/** Asked again and again of thousands of pods; objects of caches never change. */
const readiness = new WeakMap<StoredPod, boolean>();

export function isReady(pod: StoredPod): boolean {
  let ready = readiness.get(pod);
  if (ready === undefined) readiness.set(pod, (ready = podCondition(pod, 'Ready')?.status === 'True'));
  return ready;
}

/** When it became ready; undefined while it is not. */
export function readySince(pod: StoredPod): number | undefined {
  const condition = podCondition(pod, 'Ready');
  return condition?.status === 'True' && condition.lastTransitionTime ? timeMs(condition.lastTransitionTime) : undefined;
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: StoredPod, minReadySeconds: number, now: number): boolean {
  if (!isReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= now;
}

/** In how many milliseconds the next of the ready pods becomes available. */
export function nextAvailability(pods: readonly StoredPod[], minReadySeconds: number, now: number): number | undefined {
  let next: number | undefined;
  for (const pod of pods) {
    const since = isReady(pod) ? readySince(pod) : undefined;
    if (since === undefined) continue;
    const left = since + minReadySeconds * 1000 - now;
    if (left > 0 && (next === undefined || left < next)) next = left;
  }
  return next;
}

export interface PodOptions {
  readonly namespace: string;
  readonly owner: OwnerReference;
  /** The beginning of its name; absent: the owner's. */
  readonly generateName?: string;
}

/** A pod as its owner's template wants it. The server names it: what admission says of a pod that it refuses names it as upstream's does. */
export function podFromTemplate(template: DeepReadonly<PodTemplateSpec>, options: PodOptions): Pod {
  const { namespace, owner, generateName = `${owner.name}-` } = options;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName,
      namespace,
      ...(labels && { labels: { ...labels } }),
      ...(annotations && { annotations: { ...annotations } }),
      ...(finalizers && { finalizers: [...finalizers] }),
      ownerReferences: [owner],
    },
    // The template is frozen and only read on its way to the server.
    spec: template.spec as NonNullable<Pod['spec']>,
  };
}
