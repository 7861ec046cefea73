/**
 * Which changes may help a pod that a filter refused: each filter's own view of nodes that come or change, of other pods and of the pod itself.
 *
 * Provenance: the queueing hints of the plugins in kube-scheduler v1.36. Who looks at other pods is told of all of them.
 */
import { matchesLabels as selects } from '../api/selectors.ts';
import { matchesLabels, matchesNodeSelector } from '../api/selectors/node-selector.ts';
import type { Node, Pod, TopologySpreadConstraint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { type DeepReadonly, deepEqual } from '../std/deep.ts';
import { type Demand, demandOf } from './demand.ts';
import { Ports } from './ports.ts';
import type { Profile } from './profile.ts';
import { amount } from './requests.ts';
import { type NodeFacts, factsOf } from './node-facts.ts';
import { UNSCHEDULABLE_TAINT, repels, tolerated } from './taints.ts';
import { type Labels, type PodKind, type Term, compiled } from './terms.ts';

/** Whether the change may help a pod that the filter refused. */
export type Hint = (demand: Demand, profile: Profile, pod: Stored<Pod>) => boolean;

/** What these filters say is not the same for all pods that ask the same of a node: they look at other pods, at volumes, at devices. */
export const APART: ReadonlySet<string> = new Set(['InterPodAffinity', 'PodTopologySpread', 'VolumeBinding', 'VolumeZone', 'VolumeRestrictions', 'NodeVolumeLimits', 'DynamicResources']);

const ALWAYS: Hint = () => true;

/** By filter; those that are absent do not look at nodes. `before` is undefined where the node is new. */
export function nodeHints(before: Stored<Node> | undefined, node: Stored<Node>): ReadonlyMap<string, Hint> {
  const [old, now] = [before && factsOf(before), factsOf(node)];
  const newly = (fits: (facts: NodeFacts, demand: Demand, profile: Profile) => boolean): Hint => (demand, profile) => fits(now, demand, profile) && !(old && fits(old, demand, profile));
  const hints = new Map<string, Hint>([
    ['NodeUnschedulable', newly(({ unschedulable }, { tolerations }) => !unschedulable || tolerated(tolerations, UNSCHEDULABLE_TAINT))],
    ['TaintToleration', newly(({ taints }, { tolerations }) => !repels(taints, tolerations))],
    ['NodeAffinity', newly(admits)],
    ['NodeResourcesFit', (demand) => holds(node, demand) && (!before || hasGrown(before, node, demand))],
    ['NodeDeclaredFeatures', newly(({ features }, demand) => demand.features.every((one) => features.includes(one)))],
  ]);
  const isRelabelled = !deepEqual(old?.labels, now.labels);
  const isRetainted = old !== undefined && (!deepEqual(old.taints, now.taints) || (old.unschedulable && !now.unschedulable));
  // Who looks at new nodes is told of changed taints as well, whatever they are.
  if (isRetainted) for (const filter of OF_NEW_NODES) hints.set(filter, ALWAYS);
  if (!before) for (const filter of ['NodeName', 'NodePorts']) hints.set(filter, ALWAYS);
  if (isRelabelled) for (const filter of ['VolumeBinding', 'VolumeZone', 'InterPodAffinity', 'DynamicResources']) hints.set(filter, ALWAYS);
  if (isRelabelled || isRetainted) hints.set('PodTopologySpread', ALWAYS);
  return hints;
}

const OF_NEW_NODES = ['NodeName', 'NodeAffinity', 'NodePorts', 'NodeResourcesFit', 'VolumeBinding', 'VolumeZone', 'InterPodAffinity', 'DynamicResources', 'NodeDeclaredFeatures'];

type NamespaceLabels = (namespace: string) => Labels;

/** Room is kept no more for a pod that waits: it counted for those that are no more important. */
export function withdrawnHints(pod: Stored<Pod>, labelsOf: NamespaceLabels): ReadonlyMap<string, Hint> {
  const { priority = 0 } = pod.spec;
  return new Map([...goneHints(pod, labelsOf)].map(([plugin, hint]): [string, Hint] => [plugin, (demand, profile, waiting) => (waiting.spec.priority ?? 0) <= priority && hint(demand, profile, waiting)]));
}

/** A pod that was on a node is gone. */
export function goneHints(gone: Stored<Pod>, labelsOf: NamespaceLabels): ReadonlyMap<string, Hint> {
  const { ports, claims, disks, affinity } = demandOf(gone);
  const kind = kindOf(gone);
  const hints = new Map<string, Hint>([
    ['NodeResourcesFit', ALWAYS],
    ['InterPodAffinity', (demand, _, pod) => allMatch(demand.affinity.anti, kind, labelsOf) || allMatch(affinity.anti, kindOf(pod), labelsOf)],
    ['PodTopologySpread', (_demand, _profile, pod) => isSpreadWith(pod, kind)],
  ]);
  const taken = new Ports();
  taken.count(ports, 1);
  if (ports.length > 0) hints.set('NodePorts', (demand) => !taken.free(demand.ports));
  if (claims.length > 0) hints.set('NodeVolumeLimits', ALWAYS);
  if (claims.length > 0 || disks) hints.set('VolumeRestrictions', (demand, _, { metadata }) => metadata.namespace === gone.metadata.namespace && ((disks && demand.disks) || demand.claims.some((claim) => claims.includes(claim))));
  return hints;
}

/** A pod came to a node, or has other labels than before. */
export function comeHints(before: Stored<Pod> | undefined, pod: Stored<Pod>, labelsOf: NamespaceLabels): ReadonlyMap<string, Hint> {
  const [old, now] = [before && kindOf(before), kindOf(pod)];
  const newly = (terms: readonly Term[], from: PodKind | undefined, to: PodKind | undefined): boolean => to !== undefined && allMatch(terms, to, labelsOf) && !(from && allMatch(terms, from, labelsOf));
  return new Map<string, Hint>([
    ['InterPodAffinity', ({ affinity }) => newly(affinity.required, old, now) || (old !== undefined && newly(affinity.anti, now, old))],
    ['PodTopologySpread', (_demand, _profile, waiting) => isSpreadWith(waiting, now) !== (old !== undefined && isSpreadWith(waiting, old))],
  ]);
}

/** A pod that waits changed itself. */
export function ownHints(before: Stored<Pod>, pod: Stored<Pod>): ReadonlyMap<string, Hint> {
  const hints = new Map<string, Hint>();
  const constraints = hardConstraints(pod);
  if (!deepEqual(before.metadata.labels, pod.metadata.labels)) {
    hints.set('InterPodAffinity', ALWAYS);
    const selectsNow = (labels: Labels) => constraints.map(({ labelSelector }) => selects(compiled(labelSelector), labels));
    if (constraints.length === 0 || !deepEqual(selectsNow(before.metadata.labels ?? {}), selectsNow(pod.metadata.labels ?? {}))) hints.set('PodTopologySpread', ALWAYS);
  }
  if (!deepEqual(before.spec.tolerations, pod.spec.tolerations)) {
    hints.set('TaintToleration', ALWAYS);
    if (tolerated(pod.spec.tolerations ?? [], UNSCHEDULABLE_TAINT)) hints.set('NodeUnschedulable', ALWAYS);
    if (constraints.some(({ nodeTaintsPolicy }) => nodeTaintsPolicy === 'Honor')) hints.set('PodTopologySpread', ALWAYS);
  }
  if (!deepEqual(before.spec, pod.spec)) {
    const [old, now] = [demandOf(before), demandOf(pod)];
    for (const [resource, units] of old.requests) if (units > (now.requests.get(resource) ?? 0)) hints.set('NodeResourcesFit', ALWAYS);
    if (!deepEqual(old.features, now.features)) hints.set('NodeDeclaredFeatures', ALWAYS);
  }
  if (!deepEqual(before.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses)) hints.set('DynamicResources', ALWAYS);
  return hints;
}

function kindOf({ metadata: { namespace, labels = {} } }: Stored<Pod>): PodKind {
  return { namespace, labels, terminating: false };
}

function allMatch(terms: readonly Term[], pod: PodKind, labelsOf: NamespaceLabels): boolean {
  return terms.length > 0 && terms.every((term) => term.matches(pod, labelsOf));
}

/** Whether the other counts in one of the pod's hard constraints. */
function isSpreadWith({ metadata, spec }: Stored<Pod>, other: PodKind): boolean {
  if (metadata.namespace !== other.namespace) return false;
  const constraints = hardConstraints({ spec });
  // Hard constraints of a profile are not known here: then everybody may count.
  return constraints.length === 0 || constraints.some(({ labelSelector }) => selects(compiled(labelSelector), other.labels));
}

function hardConstraints({ spec }: Pick<Stored<Pod>, 'spec'>): readonly DeepReadonly<TopologySpreadConstraint>[] {
  return spec.topologySpreadConstraints?.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule') ?? [];
}

function admits({ labels, name }: NodeFacts, { nodeSelector, required }: Demand, { addedAffinity }: Profile): boolean {
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return matchesLabels(nodeSelector, labels) && (!required || matchesNodeSelector(required, labels, name)) && (!added || matchesNodeSelector(added, labels, name));
}

/** Whether the node would take the pod if there were no others. */
function holds(node: Stored<Node>, { requests }: Demand): boolean {
  if (allocatable(node, 'pods') < 1) return false;
  for (const [resource, units] of requests) if (units > allocatable(node, resource)) return false;
  return true;
}

function hasGrown(before: Stored<Node>, node: Stored<Node>, { requests }: Demand): boolean {
  for (const resource of ['pods', ...requests.keys()]) if (allocatable(node, resource) > allocatable(before, resource)) return true;
  return false;
}

function allocatable({ status }: Stored<Node>, resource: string): number {
  const quantity = (status?.allocatable ?? status?.capacity)?.[resource];
  return quantity === undefined ? 0 : amount(resource, quantity);
}
