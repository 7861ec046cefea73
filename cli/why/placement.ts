/** Why a pod has no node: asks the scheduler's own decision what each node says, and what it would decide were the pod different. */
import type { Pod, PodSpec, Taint, Toleration } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { openCase, refusalsAt } from '../../scheduler/case.ts';
import { decide } from '../../scheduler/decide.ts';
import { demandOf } from '../../scheduler/demand.ts';
import type { Refusal } from '../../scheduler/refusal.ts';
import { memosFor } from '../../scheduler/memo.ts';
import { DEFAULT_PROFILE } from '../../scheduler/profile.ts';
import { Snapshot } from '../../scheduler/snapshot.ts';
import { tolerated } from '../../scheduler/taints.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { seededRandom } from '../../std/random.ts';
import { type Finding, count, names } from './finding.ts';
import type { Picture } from './picture.ts';

const NAME = 'default-scheduler';

export function whyNotPlaced(picture: Picture, pod: Stored<Pod>): Finding {
  const name = `Pod ${pod.metadata.name}`;
  const gates = pod.spec.schedulingGates ?? [];
  if (gates.length > 0) {
    const held = names(gates.map((gate) => gate.name));
    return { says: `${name} is not to be placed yet: scheduling gates hold it back (${held}).`, change: [`whoever set ${held} takes it off spec.schedulingGates when the pod may start`] };
  }
  const scheduler = pod.spec.schedulerName ?? NAME;
  const condition = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduler !== NAME && !condition) return { says: `${name} waits for a scheduler called ${scheduler}, which has not looked at it.`, change: [`start that scheduler, or leave spec.schedulerName out for ${NAME}`] };
  if (picture.nodes.length === 0) return { says: `${name} is not placed: the cluster has no nodes.`, change: ['add a node'] };
  const [decision] = decide(snapshotOf(picture), [pod], moment(picture));
  if (decision && 'node' in decision) {
    const failed = condition?.reason === 'SchedulerError' ? ` What went wrong before: ${condition.message ?? ''}` : '';
    return { says: `${name} has no node yet, but ${decision.node} would take it now: the scheduler will come to it.${failed}` };
  }
  const snapshot = snapshotOf(picture);
  const demand = demandOf(pod);
  const opened = openCase(snapshot, pod, demand, memosFor(snapshot).of(demand, DEFAULT_PROFILE));
  const change = remedies(picture, pod);
  if ('impossible' in opened) return { says: `${name} fits nowhere: ${opened.impossible}.`, change };
  const groups = new Map<string, { readonly refusal: Refusal; readonly nodes: string[] }>();
  snapshot.facts.forEach((facts, row) => {
    for (const refusal of facts ? refusalsAt(snapshot, opened, row) : []) {
      const group = groups.get(refusal.reason);
      if (group) group.nodes.push(facts?.name as string);
      else groups.set(refusal.reason, { refusal, nodes: [facts?.name as string] });
    }
  });
  const because = [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length).map((group) => explained(picture, pod, snapshot, group));
  return { says: `${name} fits on none of ${count(snapshot.nodeCount, 'node')}:`, because, change };
}

function moment({ now }: Picture): { readonly now: number; readonly random: ReturnType<typeof seededRandom> } {
  return { now, random: seededRandom(1) };
}

/** What the scheduler would know. */
export function snapshotOf(picture: Picture): Snapshot {
  const snapshot = new Snapshot();
  for (const node of picture.nodes) snapshot.setNode(node);
  for (const { metadata } of picture.namespaces) snapshot.tallies.setNamespace(metadata.name, metadata.labels ?? {});
  for (const volume of picture.volumes) snapshot.volumes.setVolume(volume);
  for (const one of picture.classes) snapshot.volumes.setClass(one);
  for (const claim of picture.claims) snapshot.volumes.setClaim(claim);
  for (const budget of picture.budgets) snapshot.budgets.set(budget);
  for (const pod of picture.pods) {
    const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (pod.spec.nodeName && !isOver) snapshot.setPod(pod, pod.spec.nodeName);
  }
  return snapshot;
}

function explained({ nodes }: Picture, pod: Stored<Pod>, snapshot: Snapshot, { refusal, nodes: refusing }: { readonly refusal: Refusal; readonly nodes: readonly string[] }): Finding {
  const who = `${count(refusing.length, 'node')} (${names(refusing)})`;
  const chosen = nodes.filter(({ metadata }) => refusing.includes(metadata.name));
  switch (refusal.plugin) {
    case 'NodeUnschedulable':
      return { says: `${who}: closed for new pods.`, change: refusing.slice(0, 1).map((name) => `kubectl uncordon ${name}`) };
    case 'TaintToleration': {
      const taints = [...new Set(chosen.flatMap(({ spec }) => untolerated(spec?.taints ?? [], pod.spec.tolerations ?? [])).map(textOf))];
      return { says: `${who}: tainted with ${names(taints)}, which the pod does not tolerate.`, change: taints.slice(0, 3).map((taint) => `give the pod a toleration of ${taint}, or take the taint away: kubectl taint node ${refusing[0]} ${taint}-`) };
    }
    case 'NodeAffinity':
      return { says: `${who}: not what the pod's node selector or affinity asks for${selectorOf(pod)}.` };
    case 'NodePorts':
      return { says: `${who}: a host port that the pod wants is taken (${names((pod.spec.containers ?? []).flatMap(({ ports = [] }) => ports.flatMap(({ hostPort }) => hostPort ?? [])).map(String))}).` };
    case 'NodeResourcesFit':
      return { says: `${who}: ${shortage(pod, snapshot, refusal, refusing)}.` };
    default:
      return { says: `${who}: ${refusal.reason.replace(/^node\(s\) /, '')}.` };
  }
}

function untolerated(taints: readonly DeepReadonly<Taint>[], tolerations: readonly DeepReadonly<Toleration>[]): DeepReadonly<Taint>[] {
  return taints.filter((taint) => taint.effect !== 'PreferNoSchedule' && !tolerated(tolerations, taint));
}

function textOf({ key, value, effect }: DeepReadonly<Taint>): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`;
}

function selectorOf({ spec }: Stored<Pod>): string {
  const labels = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const wanted = terms.map(({ matchExpressions = [], matchFields = [] }) => [...matchExpressions, ...matchFields].map(({ key, operator, values }) => [key, operator, values && `(${values.join(', ')})`].filter(Boolean).join(' ')).join(' and '));
  const all = [...labels, ...(wanted.length > 0 ? [wanted.join(' or ')] : [])];
  return all.length > 0 ? ` (${all.join(', ')})` : '';
}

function shortage(pod: Stored<Pod>, snapshot: Snapshot, { reason }: Refusal, refusing: readonly string[]): string {
  const resource = reason.replace(/^Insufficient /, '');
  if (resource === reason) return 'as many pods as the node takes are there';
  const { allocatable, requested } = snapshot.column(resource);
  const rows = refusing.map((name) => snapshot.row(name) as number);
  const most = Math.max(...rows.map((row) => (allocatable[row] as number) - (requested[row] as number)));
  const largest = Math.max(...rows.map((row) => allocatable[row] as number));
  const asked = demandOf(pod).requests.get(resource) ?? 0;
  const whole = asked > largest ? `; even an empty one has only ${amountText(resource, largest)}` : '';
  return `too little ${resource}: the pod asks for ${amountText(resource, asked)}, at most ${amountText(resource, Math.max(0, most))} is free${whole}`;
}

/** In the units that people write. */
export function amountText(resource: string, units: number): string {
  if (resource === 'cpu') return units % 1000 === 0 ? `${units / 1000}` : `${units}m`;
  if (resource !== 'memory' && resource !== 'ephemeral-storage' && !resource.startsWith('hugepages-')) return `${units}`;
  for (const [unit, size] of [['Gi', 1024 ** 3], ['Mi', 1024 ** 2], ['Ki', 1024]] as const) if (units >= size && (units / size) % 1 === 0) return `${units / size}${unit}`;
  return units >= 1024 ** 2 ? `${Math.floor(units / 1024 ** 2)}Mi` : `${units}`;
}

type Variant = readonly [what: string, change: (spec: DeepReadonly<PodSpec>) => DeepReadonly<PodSpec>];

/** The pod with less to ask for: where the scheduler would then place it, that is what keeps it out. */
const VARIANTS: readonly Variant[] = [
  ['without its node selector and required node affinity', (spec) => ({ ...spec, nodeSelector: {}, affinity: { ...spec.affinity, nodeAffinity: {} } })],
  ['without its required affinity to other pods', (spec) => ({ ...spec, affinity: { ...spec.affinity, podAffinity: {} } })],
  ['without its required anti-affinity to other pods', (spec) => ({ ...spec, affinity: { ...spec.affinity, podAntiAffinity: {} } })],
  ['without its topology spread constraints', (spec) => ({ ...spec, topologySpreadConstraints: [] })],
  ['without its host ports', (spec) => ({ ...spec, containers: spec.containers.map((one) => ({ ...one, ports: (one.ports ?? []).map((port) => ({ ...port, hostPort: 0 })) })) })],
];

function remedies(picture: Picture, pod: Stored<Pod>): string[] {
  const out: string[] = [];
  for (const [what, change] of VARIANTS) {
    const spec = change(pod.spec);
    const node = JSON.stringify(spec) === JSON.stringify(pod.spec) ? undefined : placeOf(picture, { ...pod, spec } as Stored<Pod>);
    if (node) out.push(`${what} it would go to ${node}`);
  }
  const smaller = smallerRequests(picture, pod);
  if (smaller) out.push(smaller);
  const [decision] = decide(snapshotOf(picture), [pod], moment(picture));
  const preemption = decision && !('node' in decision) ? decision.unschedulable.preemption : undefined;
  if (preemption) out.push(`the scheduler makes room on ${preemption.node} by evicting ${names(preemption.victims.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`))}, which is less important`);
  return out;
}

function placeOf(picture: Picture, pod: Stored<Pod>): string | undefined {
  const [decision] = decide(snapshotOf(picture), [pod], moment(picture));
  return decision && 'node' in decision ? decision.node : undefined;
}

/** The node that needs the smallest cut, and what the pod may ask for there. */
function smallerRequests(picture: Picture, pod: Stored<Pod>): string | undefined {
  const snapshot = snapshotOf(picture);
  const demand = demandOf(pod);
  const bare = { ...pod, spec: { ...pod.spec, resources: undefined, overhead: undefined, containers: pod.spec.containers.map((one) => ({ ...one, resources: {} })), initContainers: (pod.spec.initContainers ?? []).map((one) => ({ ...one, resources: {} })) } } as unknown as Stored<Pod>;
  const opened = openCase(snapshot, bare, demandOf(bare), memosFor(snapshot).of(demandOf(bare), DEFAULT_PROFILE));
  if ('impossible' in opened) return undefined;
  let best: { readonly node: string; readonly share: number; readonly cuts: readonly string[] } | undefined;
  snapshot.facts.forEach((facts, row) => {
    if (!facts || refusalsAt(snapshot, opened, row).length > 0) return;
    let share = 0;
    const cuts: string[] = [];
    for (const [resource, units] of demand.requests) {
      const { allocatable, requested } = snapshot.column(resource);
      const free = Math.max(0, (allocatable[row] as number) - (requested[row] as number));
      if (units <= free) continue;
      share = Math.max(share, 1 - free / units);
      cuts.push(free > 0 ? `at most ${amountText(resource, free)} ${resource}` : `no ${resource}`);
    }
    if (cuts.length > 0 && (!best || share < best.share)) best = { node: facts.name, share, cuts };
  });
  return best && `asking for ${best.cuts.join(' and ')} it would go to ${best.node}`;
}
