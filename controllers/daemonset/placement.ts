/** On which nodes a DaemonSet's pods belong, and what such a pod is. */
import { fitsNode } from '../../api/selectors/node-selector.ts';
import type { DaemonSet } from '../../api/types/apps.v1.ts';
import type { Affinity, PodSpec, PodTemplateSpec, Toleration } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { areTolerated, taintsOf, type StoredNode } from '../node/taints.ts';
import type { StoredPod } from '../pods.ts';
import { REVISION_HASH } from '../revisions.ts';

export type StoredDaemonSet = Stored<DaemonSet>;

const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';
const GENERATION_LABEL = 'pod-template-generation';

/** `start`: a pod belongs there. `keep`: one that runs may stay. */
export function placement(set: StoredDaemonSet, node: StoredNode): { readonly start: boolean; readonly keep: boolean } {
  const spec = set.spec.template.spec as DeepReadonly<PodSpec>;
  if ((spec.nodeName && spec.nodeName !== node.metadata.name) || !fitsNode(spec, node.metadata.labels ?? {}, node.metadata.name)) return { start: false, keep: false };
  const tolerations = tolerationsOf(spec);
  const bears = (effects: readonly string[]): boolean => areTolerated(tolerations, taintsOf(node).filter(({ effect }) => effects.includes(effect)));
  const start = bears(['NoSchedule', 'NoExecute']);
  return { start, keep: start || bears(['NoExecute']) };
}

const ALWAYS: readonly (readonly [key: string, effect: 'NoExecute' | 'NoSchedule'])[] = [
  ['not-ready', 'NoExecute'], ['unreachable', 'NoExecute'], ['disk-pressure', 'NoSchedule'], ['memory-pressure', 'NoSchedule'], ['pid-pressure', 'NoSchedule'], ['unschedulable', 'NoSchedule'],
];

function tolerationsOf(spec: DeepReadonly<PodSpec>): DeepReadonly<Toleration>[] {
  const added = [...ALWAYS, ...(spec.hostNetwork ? [['network-unavailable', 'NoSchedule'] as const] : [])].map(([key, effect]): Toleration => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect }));
  const known = (spec.tolerations ?? []).map((toleration) => added.find((other) => same(toleration, other)) ?? toleration);
  return [...known, ...added.filter((toleration) => !known.includes(toleration))];
}

function same(a: DeepReadonly<Toleration>, b: Toleration): boolean {
  return a.key === b.key && a.effect === b.effect && (a.operator ?? 'Equal') === b.operator && !a.value;
}

/** The node that a pod is on, or is meant for. */
export function targetOf(pod: StoredPod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values?.[0];
}

export function isUpdated(set: StoredDaemonSet, pod: StoredPod, hash: string): boolean {
  const labels = pod.metadata.labels ?? {};
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  return labels[REVISION_HASH] === hash || (generation !== undefined && labels[GENERATION_LABEL] === generation);
}

export function templateFor(set: StoredDaemonSet, nodeName: string, hash: string): DeepReadonly<PodTemplateSpec> {
  const { template } = set.spec;
  const spec = template.spec as DeepReadonly<PodSpec>;
  const generation = set.metadata.annotations?.[GENERATION_ANNOTATION];
  const labels = { ...template.metadata?.labels, ...(generation && { [GENERATION_LABEL]: generation }), [REVISION_HASH]: hash };
  return { ...template, metadata: { ...template.metadata, labels }, spec: { ...spec, tolerations: tolerationsOf(spec), affinity: pinned(spec.affinity, nodeName) } };
}

function pinned(affinity: DeepReadonly<Affinity> | undefined, nodeName: string): DeepReadonly<Affinity> {
  const nodeSelectorTerms = [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }] }];
  return { ...affinity, nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
}
