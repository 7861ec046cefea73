/** What a server makes of a new pod before it is checked: status, gates, selectors, AppArmor fields. */
import type { AppArmorProfile, Pod, PodAffinityTerm, PodSpec } from '../../types/core.v1.ts';
import type { LabelSelector } from '../../types/meta.v1.ts';
import { dropGatedFields } from '../shared/gated-fields.ts';
import { APPARMOR_PREFIX } from '../shared/pod-annotation-rules.ts';
import { podQos } from '../shared/pod-qos.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { timestamp } from '../../timestamp.ts';

/** A class of service that comes along is believed, as upstream does. */
export function prepareNewPod(pod: Pod, now: number): void {
  const gated = (pod.spec.schedulingGates ?? []).length > 0;
  pod.status = { phase: 'Pending', ...(gated && { conditions: [gatedCondition(now)] }), qosClass: pod.status?.qosClass || podQos(pod.spec) };
  dropGatedFields(pod.spec);
  mergeLabelKeys(pod);
  copyAppArmorAnnotations(pod);
}

function gatedCondition(now: number): NonNullable<NonNullable<Pod['status']>['conditions']>[number] {
  const message = 'Scheduling is blocked due to non-empty scheduling gates';
  return { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message, lastProbeTime: null, lastTransitionTime: timestamp(now) } as never;
}

/** `matchLabelKeys` and `mismatchLabelKeys` become requirements with the pod's own labels. */
function mergeLabelKeys(pod: Pod): void {
  const { affinity, topologySpreadConstraints } = pod.spec;
  if (!affinity && !topologySpreadConstraints) return;
  const labels = pod.metadata?.labels ?? {};
  for (const term of affinityTerms(pod.spec)) {
    if (!term.labelSelector) continue;
    demand(term.labelSelector, term.matchLabelKeys ?? [], 'In', labels);
    demand(term.labelSelector, term.mismatchLabelKeys ?? [], 'NotIn', labels);
  }
  for (const constraint of topologySpreadConstraints ?? []) {
    if (constraint.labelSelector) demand(constraint.labelSelector, constraint.matchLabelKeys ?? [], 'In', labels);
  }
}

function affinityTerms(spec: PodSpec): PodAffinityTerm[] {
  return [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
  ]);
}

function demand(selector: LabelSelector, keys: readonly string[], operator: string, labels: Record<string, string>): void {
  const added = keys.flatMap((key) => (!Object.hasOwn(labels, key) ? [] : [{ key, operator, values: [labels[key] as string] }]));
  if (added.length > 0) selector.matchExpressions = [...(selector.matchExpressions ?? []), ...added];
}

function copyAppArmorAnnotations(pod: Pod): void {
  const annotations = pod.metadata?.annotations;
  if (!annotations || pod.spec.os?.name === 'windows') return;
  for (const container of [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])]) {
    const annotation = annotations[`${APPARMOR_PREFIX}${container.name}`];
    if (annotation === undefined || container.securityContext?.appArmorProfile) continue;
    const profile = appArmorProfile(annotation);
    if (profile && !semanticEqual(profile, pod.spec.securityContext?.appArmorProfile)) {
      container.securityContext = { ...container.securityContext, appArmorProfile: profile };
    }
  }
}

/** The field that an old annotation means; undefined where it means none. */
export function appArmorProfile(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const name = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : '';
  return name.trim() === name && name !== '' && name.length <= 4095 ? { type: 'Localhost', localhostProfile: name } : undefined;
}
