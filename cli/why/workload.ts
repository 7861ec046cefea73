/** Why a Deployment or another owner of pods has fewer of them than it wants: refused creations, quotas, stuck rollouts, its pods. */
import type { Deployment, ReplicaSet } from '../../api/types/apps.v1.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { type Finding, count } from './finding.ts';
import { type Picture, eventsOf } from './picture.ts';
import { isReady, whyPods } from './pod.ts';

export function whyDeployment(picture: Picture, deployment: Stored<Deployment>): Finding {
  const { metadata, spec, status } = deployment;
  const name = `Deployment ${metadata.name}`;
  const wanted = spec?.replicas ?? 1;
  if (metadata.deletionTimestamp) return { says: `${name} is being deleted.` };
  if (wanted === 0) return { says: `${name} runs no pods because it is told to: spec.replicas is 0.`, change: [`kubectl scale deployment ${metadata.name} -n ${metadata.namespace} --replicas=1`] };
  const sets = picture.replicaSets.filter((set) => owns(metadata.uid, set.metadata));
  const pods = picture.pods.filter((pod) => sets.some((set) => owns(set.metadata.uid, pod.metadata)));
  const because: Finding[] = [];
  if (spec?.paused) because.push({ says: 'it is paused: changes of its template are not rolled out', change: [`kubectl rollout resume deployment/${metadata.name} -n ${metadata.namespace}`] });
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) because.push({ says: 'no controller has seen its latest change', change: ['see that the controllers run'] });
  for (const set of sets) because.push(...refusals(picture, set));
  const late = status?.conditions?.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded');
  if (late) because.push({ says: `its rollout made no progress for ${spec?.progressDeadlineSeconds ?? 600} s`, change: [`go back to what ran before: kubectl rollout undo deployment/${metadata.name} -n ${metadata.namespace}`] });
  because.push(...whyPods(picture, pods.filter((pod) => !isReady(pod))));
  return { says: summary(name, pods, wanted), ...(because.length > 0 && { because }) };
}

/** A ReplicaSet, StatefulSet, DaemonSet, Job or ReplicationController. */
export function whyOwner(picture: Picture, kind: string, { metadata, wanted }: { readonly metadata: Stored<object>['metadata']; readonly wanted: number }): Finding {
  const pods = picture.pods.filter((pod) => owns(metadata.uid, pod.metadata));
  const set = picture.replicaSets.find((one) => one.metadata.uid === metadata.uid);
  const refused = set ? refusals(picture, set) : failedCreations(picture, metadata.uid);
  const because = [...refused, ...whyPods(picture, pods.filter((pod) => !isReady(pod)))];
  return { says: summary(`${kind} ${metadata.name}`, pods, wanted), ...(because.length > 0 && { because }) };
}

function summary(name: string, pods: readonly Stored<Pod>[], wanted: number): string {
  const ready = pods.filter(isReady).length;
  if (ready >= wanted) return `${name} has all ${count(wanted, 'pod')} ready.`;
  const there = pods.length < wanted ? `, ${pods.length === 0 ? 'none is there' : `only ${pods.length} ${pods.length === 1 ? 'is' : 'are'} there`}` : '';
  return `${name} has ${ready} of ${count(wanted, 'pod')} ready${there}:`;
}

function owns(uid: string, metadata: object): boolean {
  return ((metadata as { readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean }[] }).ownerReferences ?? []).some((owner) => owner.uid === uid && owner.controller);
}

function refusals(picture: Picture, { metadata, spec, status }: Stored<ReplicaSet>): Finding[] {
  if ((status?.replicas ?? 0) >= (spec?.replicas ?? 0)) return [];
  const failure = status?.conditions?.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True');
  return failure ? [refused(picture, failure.message ?? '')] : failedCreations(picture, metadata.uid);
}

function failedCreations(picture: Picture, uid: string): Finding[] {
  const last = eventsOf(picture, uid).findLast(({ reason }) => reason === 'FailedCreate');
  return last ? [refused(picture, last.message ?? '')] : [];
}

/** What the API server said when the pod was to be made, and what to do about it. */
function refused({ quotas, namespace }: Picture, message: string): Finding {
  const says = `its pods are refused: ${message.replace(/^Error creating: /, '')}`;
  const quota = /exceeded quota: ([^,]+)/.exec(message)?.[1] ?? /failed quota: ([^:]+)/.exec(message)?.[1];
  if (quota) {
    const { hard = {}, used = {} } = quotas.find(({ metadata }) => metadata.name === quota)?.status ?? {};
    const full = Object.keys(hard).map((resource) => `${resource}: ${used[resource] ?? '0'} of ${hard[resource]}`);
    const missing = /must specify ([^;]+)/.exec(message)?.[1];
    return { says, change: [missing ? `give every container ${missing.replaceAll(',', ', ').replace(/ for: .*/, '')}` : `raise the quota (kubectl edit quota ${quota} -n ${namespace}${full.length > 0 ? `; used are ${full.join(', ')}` : ''}), delete what is not needed, or ask for less`] };
  }
  if (/serviceaccount .* not found/.test(message)) return { says, change: ['create the ServiceAccount, or correct spec.template.spec.serviceAccountName'] };
  if (/violates PodSecurity/.test(message)) return { says, change: [`meet the Pod Security level of the namespace, or change its label pod-security.kubernetes.io/enforce: kubectl label namespace ${namespace} --overwrite pod-security.kubernetes.io/enforce=baseline`] };
  if (/(maximum|minimum) .* usage per/.test(message)) return { says, change: [`keep to the LimitRange of the namespace: kubectl get limitrange -n ${namespace} -o yaml`] };
  if (/no PriorityClass with name/.test(message)) return { says, change: ['create the PriorityClass, or correct spec.template.spec.priorityClassName'] };
  if (/admission webhook|ValidatingAdmissionPolicy/.test(message)) return { says, change: ['meet what the webhook or policy asks for, or ask who runs it'] };
  return { says, change: ['correct spec.template accordingly'] };
}
