/** This node as the API shows it: labels, size, addresses, conditions. */
import type { Node, NodeAddress, NodeCondition, NodeStatus, Taint } from '../api/types/core.v1.ts';
import { isExtendedResource } from '../api/kinds/shared/resource-list.ts';
import type { DeepReadonly } from '../std/deep.ts';
import type { PressureType } from './eviction/thresholds.ts';
import type { Machine } from './machine.ts';
import type { Image } from './runtime/model.ts';

export interface NodeDescription {
  readonly name: string;
  readonly addresses: readonly NodeAddress[];
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly machine: Machine;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  readonly runtimeVersion: string;
}

export interface NodeHealth {
  readonly runtimeReady: boolean;
  readonly networkReady: boolean;
  readonly message: string;
  readonly images: readonly Image[];
  /** What it runs short of; nothing where that is not said. */
  readonly pressures?: readonly PressureType[];
}

interface Cause {
  readonly reason: string;
  readonly message: string;
}

/** The version that this kubelet speaks. */
export const KUBELET_VERSION = 'v1.36.3';
const IMAGES_LIMIT = 50;
const NAMES_LIMIT = 5;
const PRESSURES: readonly { readonly type: PressureType; readonly without: Cause; readonly within: Cause }[] = [
  { type: 'MemoryPressure', without: { reason: 'KubeletHasSufficientMemory', message: 'kubelet has sufficient memory available' }, within: { reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' } },
  { type: 'DiskPressure', without: { reason: 'KubeletHasNoDiskPressure', message: 'kubelet has no disk pressure' }, within: { reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' } },
  { type: 'PIDPressure', without: { reason: 'KubeletHasSufficientPID', message: 'kubelet has sufficient PID available' }, within: { reason: 'KubeletHasInsufficientPID', message: 'kubelet has insufficient PID available' } },
];
/** What the system itself takes, so that containers cannot have it all. */
const EVICTION_MEMORY_KIB = 100 * 1024;

export function capacityOf({ cpus, memoryBytes, diskBytes }: Machine, maxPods: number): { capacity: Record<string, string>; allocatable: Record<string, string> } {
  const memoryKib = Math.floor(memoryBytes / 1024);
  const base = { cpu: String(cpus), pods: String(maxPods), 'hugepages-1Gi': '0', 'hugepages-2Mi': '0' };
  return {
    capacity: { ...base, memory: `${memoryKib}Ki`, 'ephemeral-storage': `${Math.floor(diskBytes / 1024)}Ki` },
    allocatable: { ...base, memory: `${Math.max(0, memoryKib - EVICTION_MEMORY_KIB)}Ki`, 'ephemeral-storage': String(Math.floor(diskBytes * 0.9)) },
  };
}

export function nodeObject(node: NodeDescription): Node {
  const { architecture } = node.machine;
  const names = { arch: architecture, os: 'linux' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: {
        ...Object.fromEntries(Object.entries(names).flatMap(([key, value]) => [[`beta.kubernetes.io/${key}`, value], [`kubernetes.io/${key}`, value]])),
        'kubernetes.io/hostname': node.name,
        ...node.labels,
      },
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: { ...(node.taints.length > 0 && { taints: [...node.taints] }) },
  };
}

/** Conditions keep the time of their last change. */
export function nodeStatus(node: NodeDescription, health: NodeHealth, previous: readonly NodeCondition[], now: string): NodeStatus {
  return {
    addresses: [...node.addresses],
    capacity: { ...node.capacity },
    allocatable: { ...node.allocatable },
    conditions: conditions(health).map((condition) => {
      const old = previous.find(({ type }) => type === condition.type);
      const lastTransitionTime = old?.status === condition.status && old.lastTransitionTime ? old.lastTransitionTime : now;
      return { ...condition, lastHeartbeatTime: now, lastTransitionTime };
    }),
    daemonEndpoints: { kubeletEndpoint: { Port: node.port } },
    images: health.images
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, IMAGES_LIMIT)
      .map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, NAMES_LIMIT), sizeBytes }))
      .filter(({ names }) => names.length > 0),
    nodeInfo: {
      machineID: node.machine.machineId,
      systemUUID: node.machine.systemUuid,
      bootID: node.machine.bootId,
      kernelVersion: node.machine.kernelVersion,
      osImage: node.machine.osImage,
      containerRuntimeVersion: node.runtimeVersion,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: node.machine.architecture,
    } as NonNullable<NodeStatus['nodeInfo']>,
  };
}

/** What others have said that the node has (its capacity, by a patch of its status), as changes of what pods may have of it. Null: no longer there. */
export function advertised(node: NodeDescription, { capacity = {}, allocatable = {} }: DeepReadonly<NodeStatus>): Record<string, string | null> {
  const there = Object.entries(capacity).filter(([name, amount]) => node.capacity[name] === undefined && allocatable[name] !== amount);
  const gone = Object.keys(allocatable).filter((name) => capacity[name] === undefined && node.allocatable[name] === undefined && isExtendedResource(name));
  return Object.fromEntries([...there, ...gone.map((name) => [name, null] as const)]);
}

function conditions({ runtimeReady, networkReady, message, pressures = [] }: NodeHealth): NodeCondition[] {
  const ready = runtimeReady && networkReady;
  const problem = runtimeReady ? `container runtime network not ready: ${message}` : `container runtime is down: ${message}`;
  return [
    ...PRESSURES.map(({ type, without, within }): NodeCondition => (pressures.includes(type) ? { type, status: 'True', ...within } : { type, status: 'False', ...without })),
    ready
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: problem },
  ];
}
