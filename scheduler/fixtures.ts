/** Nodes and pods for tests of the decision, and the decision's answer as one text per pod. */
import type { Node, NodeSpec, Pod, PodSpec, PodStatus } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { seededRandom } from '../std/random.ts';
import { type Decision, decide } from './decide.ts';
import { Snapshot } from './snapshot.ts';

export interface NodeInput extends NodeSpec {
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: string;
  readonly labels?: Record<string, string>;
  readonly images?: Record<string, number>;
}

export interface PodInput extends Partial<PodSpec> {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
  readonly owner?: { apiVersion: string; kind: string; name: string };
  readonly ending?: boolean;
  readonly cpu?: string;
  readonly memory?: string;
  readonly hostPort?: number;
  readonly image?: string;
  readonly status?: PodStatus;
}

export const NOW = Date.UTC(2026, 0, 1);
export const ZONE = 'topology.kubernetes.io/zone';
export const HOST = 'kubernetes.io/hostname';

/** Labelled with its own name as its host. */
export function node(name: string, { cpu = '4', memory = '8Gi', pods = '110', labels = {}, images = {}, ...spec }: NodeInput = {}): Stored<Node> {
  return {
    metadata: { name, namespace: '', uid: name, resourceVersion: '1', creationTimestamp: '', labels: { [HOST]: name, ...labels } },
    spec,
    status: { allocatable: { cpu, memory, pods }, images: Object.entries(images).map(([image, sizeBytes]) => ({ names: [image], sizeBytes })) },
  };
}

let serial = 0;

export function pod({ name, namespace = 'd', labels, owner, ending, cpu, memory, hostPort, image = 'i', status, ...spec }: PodInput = {}): Stored<Pod> {
  const uid = name ?? `u${++serial}`;
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) };
  const container = { name: 'c', image, resources: { requests }, ...(hostPort && { ports: [{ containerPort: 80, hostPort }] }) };
  const ownerReferences = owner && [{ ...owner, uid: owner.name, controller: true }];
  return {
    metadata: { name: uid, namespace, uid, resourceVersion: '1', creationTimestamp: '', ...(labels && { labels }), ...(ownerReferences && { ownerReferences }), ...(ending && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: { containers: [container], ...spec },
    ...(status && { status }),
  };
}

export function cluster(...nodes: readonly Stored<Node>[]): Snapshot {
  const snapshot = new Snapshot();
  for (const one of nodes) snapshot.setNode(one);
  return snapshot;
}

/** Nodes `a1 a2 b1 …` in zones `a b …`, and one called after no zone without the label. */
export function zones(names: string, input: NodeInput = {}): Snapshot {
  return cluster(...names.split(' ').map((name) => node(name, { ...input, labels: name.startsWith('-') ? {} : { [ZONE]: name[0] as string } })));
}

export function decided(snapshot: Snapshot, ...pods: readonly Stored<Pod>[]): readonly Decision[] {
  return decide(snapshot, pods, { now: NOW, random: seededRandom(1) });
}

/** The node of each pod, or why it has none. */
export function place(snapshot: Snapshot, ...pods: readonly Stored<Pod>[]): string[] {
  return decided(snapshot, ...pods).map((one) => ('node' in one ? one.node : one.unschedulable.message));
}

/** The reasons of the message alone, without how many nodes there are and what preemption has to say. */
export function reasons(message: string | undefined): string {
  return /available: (.*?)\. no new claims/.exec(message ?? '')?.[1] ?? `placed on ${message}`;
}
