/** A simulated node: the node agent itself, over a runtime that runs nothing, on a machine that does not exist. */
import { nodes } from '../api/resources.ts';
import type { Client } from '../client/client.ts';
import { backoff } from '../std/backoff.ts';
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import type { Log } from './context.ts';
import type { Machine } from './machine.ts';
import type { PodObject } from './pod.ts';
import type { Kubelet } from './run.ts';
import type { KubeletOptions } from './options.ts';
import { startKubelet } from './run.ts';
import { HollowRuntime } from './runtime/hollow.ts';
import { saysReadiness, type HollowRules } from './runtime/hollow-behaviour.ts';

export interface HollowNodeOptions extends Pick<KubeletOptions, 'labels' | 'taints' | 'maxPods' | 'capacity' | 'recorder'> {
  readonly client: Client;
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What it says its address and the port of its server are. */
  readonly address: string;
  readonly port: number;
  /** How its containers behave that do not say it themselves. */
  readonly rules?: HollowRules;
  /** Its containers, where they outlive this agent. */
  readonly runtime?: HollowRuntime;
}

export interface HollowNode extends Kubelet {
  readonly runtime: HollowRuntime;
}

/** What a simulated node says of itself. */
export const HOLLOW_MACHINE: Machine = {
  cpus: 32,
  memoryBytes: 256 * 1024 ** 3,
  diskBytes: 1024 ** 4,
  machineId: 'hollow',
  systemUuid: 'hollow',
  bootId: 'hollow',
  kernelVersion: 'hollow',
  osImage: 'Coracle hollow node',
  architecture: 'amd64',
};

/** Twice in the time of a lease: of thousands of nodes in one process every heartbeat counts. */
const HEARTBEAT_MS = 20_000;

export async function startHollowNode(options: HollowNodeOptions): Promise<HollowNode> {
  const { client, name, clock, random, log, address, port, labels, taints, maxPods, capacity, recorder } = options;
  const runtime = options.runtime ?? new HollowRuntime({ clock, random, nodeName: name, ...(options.rules && { rules: options.rules }) });
  const kubelet = await startKubelet({
    client,
    runtime,
    nodeName: name,
    directory: '',
    clock,
    random,
    log,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    port,
    isSimulated: true,
    adapt: (pod) => withReadiness(pod, options.rules),
    heartbeatMs: HEARTBEAT_MS,
    machine: HOLLOW_MACHINE,
    ...(labels && { labels }),
    ...(taints && { taints }),
    ...(maxPods !== undefined && { maxPods }),
    ...(capacity && { capacity }),
    ...(recorder && { recorder }),
  });
  runtime.podCidr = podCidrOf(kubelet, options);
  return Object.assign(kubelet, { runtime });
}

/** Nodes whose pods' addresses nobody hands out are asked about more and more seldom: whatever comes later shows in the answer to a heartbeat. */
const CIDR_LOOK = { baseMs: 1_000, limitMs: 300_000 };

/** Ranges are handed out after the node is registered; the first pods may be faster. */
function podCidrOf(kubelet: Kubelet, { client, name, clock }: HollowNodeOptions): () => Promise<string | undefined> {
  let looked: { readonly untilMs: number; readonly cidr: Promise<string | undefined> } | undefined;
  let looks = 0;
  return async () => {
    const [known] = kubelet.podCidrs;
    if (known !== undefined) return known;
    const now = clock.monotonic();
    if (!looked || now >= looked.untilMs) looked = { untilMs: now + backoff(looks++, CIDR_LOOK), cidr: client.get(nodes, { name }).then(({ spec }) => spec.podCIDR, () => undefined) };
    return looked.cidr;
  };
}

/** What is said of its readiness is worth a probe, also where the pod has none. */
function withReadiness(pod: PodObject, rules: HollowRules | undefined): PodObject {
  const { namespace, labels = {}, annotations = {} } = pod.metadata;
  if (!saysReadiness({ namespace, labels, annotations }, rules)) return pod;
  const containers = pod.spec.containers.map((container) => ({ readinessProbe: { exec: {}, periodSeconds: 1 }, ...container }));
  return { ...pod, spec: { ...pod.spec, containers } } as PodObject;
}
