/** What must be true some time after all faults have ended: everything is as its owner wants it, and nothing is left over. */
import * as resources from '../../api/resources.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { Client, Stored } from '../../client/client.ts';
import { CLOCKWORK } from './auditor.ts';
import { devicesAllow, everything, leftovers, volumesAllow } from './leftovers.ts';
import { NODE_ROOM, podFacts, type Raw } from './picture.ts';
import { brokenTerm } from './terms.ts';
import type { Counter } from './users.ts';
import type { World } from './world.ts';

type AnyPod = Stored<Pod>;

export async function unconverged(client: Client, world: World, counter: Counter): Promise<string[]> {
  const problems: string[] = [];
  const say = (problem: string): void => void problems.push(problem);
  const { items: pods } = await client.list(resources.pods);
  const { items: nodes } = await client.list(resources.nodes);
  for (const node of nodes) {
    if (node.status?.conditions?.find(({ type }) => type === 'Ready')?.status !== 'True') say(`${node.metadata.name} is not Ready`);
    if ((node.spec.taints ?? []).length > 0) say(`${node.metadata.name} is tainted: ${JSON.stringify(node.spec.taints)}`);
  }
  const all = await everything(world);
  leftovers(all, world, say);
  const names = new Set(nodes.map(({ metadata }) => metadata.name));
  const placed = pods.filter((pod) => pod.spec.nodeName && !isOver(pod)).map((pod) => ({ pod: pod as unknown as Raw, node: pod.spec.nodeName as string }));
  const there = { sure: placed, present: placed, maybe: placed, staying: placed, nodes: nodes as unknown as Raw[] };
  for (const pod of pods) {
    const raw = pod as unknown as Raw;
    const { namespace, name } = pod.metadata;
    const text = `pod ${namespace}/${name}`;
    if (pod.spec.nodeName && !names.has(pod.spec.nodeName)) say(`${text} is on ${pod.spec.nodeName}, which is gone`);
    if (!pod.spec.nodeName && !isOver(pod) && hasRoom(pod, pods, [...names].filter((node) => volumesAllow(raw, node, all) && devicesAllow(raw, node, all) && brokenTerm(raw, node, there) === undefined))) say(`${text} is not placed: ${JSON.stringify(pod.status?.conditions)}`);
  }
  // What waits for room is not all there, and cannot be.
  const crowded = new Set(pods.filter((pod) => !pod.spec.nodeName && !isOver(pod)).map(({ metadata }) => `${metadata.namespace}/${metadata.labels?.['app']}`));
  await workloads({ client, pods, nodeCount: nodes.length, crowded, say });
  await endpoints(client, pods, say);
  await runtimes(world, pods, say);
  const { data } = await client.get(resources.configmaps, { namespace: 'default', name: 'counter' });
  const count = Number(data?.['count']);
  if (count < counter.acknowledged || count > counter.acknowledged + counter.unsure) say(`the counter is at ${count}, though ${counter.acknowledged} additions were acknowledged and ${counter.unsure} are unsure`);
  return problems;
}

function isOver({ status }: AnyPod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function hasRoom(pod: AnyPod, pods: readonly AnyPod[], nodes: readonly string[]): boolean {
  const wanted = podFacts(pod as unknown as Raw);
  const affinity = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]?.values;
  return (affinity ?? nodes).some((node) => {
    // Who is less important has to go, where it may be asked to.
    const stays = (one: AnyPod): boolean => pod.spec.preemptionPolicy === 'Never' || (one.spec.priority ?? 0) >= (pod.spec.priority ?? 0);
    const there = pods.filter((one) => one.spec.nodeName === node && !isOver(one) && stays(one)).map((one) => podFacts(one as unknown as Raw));
    const milliCpu = there.reduce((sum, one) => sum + one.milliCpu, wanted.milliCpu);
    return there.length < NODE_ROOM.pods && milliCpu <= NODE_ROOM.milliCpu;
  });
}

/** Pods whose containers end again and again, and those that a quota keeps out, are never all there. */
interface Looking {
  readonly client: Client;
  readonly pods: readonly AnyPod[];
  readonly nodeCount: number;
  readonly crowded: ReadonlySet<string>;
  readonly say: (problem: string) => void;
}

async function workloads({ client, pods, nodeCount, crowded, say }: Looking): Promise<void> {
  const isExcused = ({ namespace = '', name = '' }: { readonly namespace?: string; readonly name?: string }): boolean => namespace === 'blue' || crowded.has(`${namespace}/${name}`);
  const { items: sets } = await client.list(resources.replicasets);
  for (const set of sets) {
    const owner = set.metadata.ownerReferences?.[0];
    const mine = pods.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === set.metadata.uid && !metadata.deletionTimestamp);
    const limited = set.metadata.namespace === 'blue';
    const wanted = set.spec?.replicas ?? 0;
    if (owner && (mine.length > wanted || (mine.length < wanted && !limited))) say(`ReplicaSet ${set.metadata.namespace}/${set.metadata.name} has ${mine.length} of ${wanted} pods`);
  }
  const isCrashing = (template: { metadata?: { annotations?: Readonly<Record<string, string>> } } | undefined): boolean => template?.metadata?.annotations?.['coracle.dev/hollow-run'] !== undefined;
  for (const { metadata, spec, status } of (await client.list(resources.deployments)).items) {
    const text = `Deployment ${metadata.namespace}/${metadata.name}`;
    if (status?.observedGeneration !== metadata.generation) say(`${text}: generation ${metadata.generation} was not looked at: ${status?.observedGeneration}`);
    if (isExcused(metadata) || isCrashing(spec?.template)) continue;
    const { replicas = 1 } = spec ?? {};
    const found = [status?.replicas ?? 0, status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0];
    if (found.some((count) => count !== replicas)) say(`${text}: ${found.join('/')} pods, updated, available, of ${replicas}`);
  }
  for (const { metadata, spec, status } of (await client.list(resources.statefulsets)).items) {
    if (isExcused(metadata) || isCrashing(spec?.template)) continue;
    const found = [status?.replicas ?? 0, status?.readyReplicas ?? 0, status?.currentRevision === status?.updateRevision || isParted(spec?.updateStrategy) ? (spec?.replicas ?? 1) : -1];
    if (found.some((count) => count !== (spec?.replicas ?? 1))) say(`StatefulSet ${metadata.namespace}/${metadata.name}: ${found.join('/')} of ${spec?.replicas}`);
  }
  for (const { metadata, spec, status } of (await client.list(resources.daemonsets)).items) {
    if (isExcused(metadata) || isCrashing(spec?.template)) continue;
    const found = [status?.desiredNumberScheduled ?? 0, status?.updatedNumberScheduled ?? 0, status?.numberReady ?? 0];
    if (found.some((count) => count !== nodeCount)) say(`DaemonSet ${metadata.namespace}/${metadata.name}: ${found.join('/')} of ${nodeCount}: ${summary(pods, metadata)}`);
  }
  for (const { metadata, status } of (await client.list(resources.jobs)).items) {
    // What the clock starts is always under way.
    if (isExcused(metadata) || metadata.name.startsWith(CLOCKWORK)) continue;
    if (!status?.conditions?.some(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True')) say(`Job ${metadata.namespace}/${metadata.name} does not end: ${JSON.stringify(status)}`);
  }
}

/** Up to there it stays as it was. */
function isParted(strategy: { readonly rollingUpdate?: { readonly partition?: number } } | undefined): boolean {
  return (strategy?.rollingUpdate?.partition ?? 0) > 0;
}

/** The pods of a workload, as a failure is to tell of them. */
function summary(pods: readonly AnyPod[], { namespace, name }: { readonly namespace: string; readonly name: string }): string {
  const mine = pods.filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.['app'] === name);
  return mine.map(({ metadata, spec, status }) => `${metadata.name} on ${spec.nodeName ?? 'no node'} ${spec.containers[0]?.image} ${status?.phase} ${status?.reason ?? ''}`).join('; ');
}

async function endpoints(client: Client, pods: readonly AnyPod[], say: (problem: string) => void): Promise<void> {
  const { items: slices } = await client.list(resources.endpointslices);
  for (const { metadata, spec } of (await client.list(resources.services)).items) {
    const app = spec?.selector?.['app'];
    if (!app) continue;
    const ready = pods.filter((pod) => pod.metadata.namespace === metadata.namespace && pod.metadata.labels?.['app'] === app && pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'));
    const wanted = ready.map(({ status }) => status?.podIP ?? '').toSorted();
    const mine = slices.filter((slice) => slice.metadata.namespace === metadata.namespace && slice.metadata.labels?.['kubernetes.io/service-name'] === metadata.name);
    const found = mine.flatMap((slice) => (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready).flatMap(({ addresses }) => [...addresses])).toSorted();
    if (wanted.join() !== found.join()) say(`Service ${metadata.namespace}/${metadata.name} leads to ${found.join() || 'nobody'}, ready are ${wanted.join() || 'none'}`);
  }
}

/** What the API says runs, runs, and nothing else does. */
async function runtimes(world: World, pods: readonly AnyPod[], say: (problem: string) => void): Promise<void> {
  for (const node of world.nodes) {
    const { sandboxes, containers } = node.save();
    const ready = new Set(sandboxes.filter(({ sandbox }) => sandbox.state === 'ready').map(({ sandbox }) => sandbox.uid));
    const mine = pods.filter(({ spec }) => spec.nodeName === node.name);
    for (const uid of ready) if (!mine.some(({ metadata }) => metadata.uid === uid)) say(`${node.name} goes on running a pod that is no more: ${uid}`);
    for (const pod of mine) {
      const says = pod.status?.containerStatuses?.filter(({ state }) => state?.running).length ?? 0;
      const own = new Set(sandboxes.filter(({ sandbox }) => sandbox.uid === pod.metadata.uid).map(({ sandbox }) => sandbox.id));
      const runs = containers.filter(({ sandboxId, state }) => own.has(sandboxId) && state === 'running').length;
      if (says !== runs) say(`pod ${pod.metadata.namespace}/${pod.metadata.name}: ${says} containers run by its status, ${runs} by its node`);
    }
  }
}
