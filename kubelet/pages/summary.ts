/** `/stats/summary`, with upstream's fields: what is not known is left out. Pure. */
import { microTimeText } from '../../client/time.ts';
import type { Disk, DiskUse, MeasuredContainer, MeasuredNode, MeasuredPod, Network, NetworkInterface, Use } from '../measure/measured.ts';
import { podUse } from './pod-use.ts';

export interface SummaryOptions {
  readonly onlyCpuAndMemory: boolean;
}

/** Readers make rates of these times: whole seconds would not do. */
const time = microTimeText;
/** The interface that a node or a pod is known by. */
const FIRST_INTERFACE = 'eth0';

export function summaryOf(node: MeasuredNode, { onlyCpuAndMemory }: SummaryOptions): object {
  const { name, at, startedAt, use, network, disk, images, processes } = node;
  const running = node.pods.filter(({ containers }) => containers.length > 0);
  const more = onlyCpuAndMemory ? {} : {
    ...(network && { network: networkOf(network) }),
    ...(disk && { fs: diskOf(disk) }),
    ...(images && { runtime: { imageFs: diskOf(images), containerFs: diskOf(images) } }),
    ...(processes && { rlimit: { time: time(at), maxpid: processes.limit, curproc: processes.running } }),
    ...swap(use, node.machine.swapBytes - (use.memory?.swapBytes ?? 0)),
  };
  return {
    node: {
      nodeName: name,
      ...(running.some(({ containers }) => containers.some(({ use: one }) => one.memory)) && { systemContainers: [podsAlone(node, running)] }),
      startTime: time(startedAt ?? at),
      ...cpuAndMemory(use),
      ...more,
    },
    pods: node.pods.map((pod) => podOf(pod, node, onlyCpuAndMemory)),
  };
}

function podOf(pod: MeasuredPod, { at, disk }: MeasuredNode, onlyCpuAndMemory: boolean): object {
  const { name, namespace, uid, startedAt, containers, network, volumes } = pod;
  const use = podUse(pod, at);
  const tasks = containers.flatMap(({ use: { tasks: one } }) => (one ? [one] : []));
  const ephemeral = containers.flatMap(({ layer, logs }) => [layer, logs].filter((one) => one !== undefined)).concat(volumes.filter(({ claim }) => !claim));
  const more = onlyCpuAndMemory ? {} : {
    ...(network && { network: networkOf(network) }),
    ...(volumes.length > 0 && { volume: volumes.map((volume) => ({ ...diskOf(volume), name: volume.name, ...(volume.claim && { pvcRef: volume.claim }) })) }),
    ...(disk && ephemeral.length > 0 && { 'ephemeral-storage': usedOf(disk, { usedBytes: sum(ephemeral, 'usedBytes'), inodesUsed: sum(ephemeral, 'inodesUsed') }) }),
    ...(tasks.length > 0 && { process_stats: { process_count: tasks.reduce((total, { processes }) => total + processes, 0) } }),
    ...swap(use),
  };
  return { podRef: { name, namespace, uid }, startTime: time(startedAt), containers: containers.map((one) => containerOf(one, disk, onlyCpuAndMemory)), ...cpuAndMemory(use), ...more };
}

function containerOf({ name, startedAt, use, layer, logs, limits }: MeasuredContainer, disk: Disk | undefined, onlyCpuAndMemory: boolean): object {
  const limit = limits?.memoryBytes ?? 0;
  const measured = limit > 0 && use.availableBytes === undefined ? { ...use, availableBytes: Math.max(0, limit - use.workingSetBytes) } : use;
  const more = onlyCpuAndMemory ? {} : { ...(layer && { rootfs: disk ? usedOf(disk, layer) : { time: time(use.at), ...layer } }), ...(logs && disk && { logs: usedOf(disk, logs) }), ...swap(use, limits?.swapBytes || undefined) };
  return { name, startTime: time(startedAt), ...cpuAndMemory(measured), ...more };
}

/** What all pods take together: upstream tells it of the control group that they share. */
function podsAlone({ at, startedAt, machine }: MeasuredNode, pods: readonly MeasuredPod[]): object {
  const all = pods.flatMap(({ sandbox, containers }) => (sandbox ? [...containers, sandbox] : containers));
  const use = podUse({ name: '', namespace: '', uid: '', startedAt: 0, containers: all, volumes: [] }, at);
  return { name: 'pods', startTime: time(Math.min(startedAt ?? at, at)), ...cpuAndMemory({ ...use, availableBytes: Math.max(0, machine.memoryBytes - use.workingSetBytes) }) };
}

function cpuAndMemory({ at, cpuNanoseconds, cpuNanoCores, workingSetBytes, availableBytes, memory }: Use): object {
  const fine = memory && { usageBytes: memory.usageBytes, rssBytes: memory.rssBytes, pageFaults: memory.faults, majorPageFaults: memory.majorFaults };
  return {
    cpu: { time: time(at), ...(cpuNanoCores !== undefined && { usageNanoCores: cpuNanoCores }), usageCoreNanoSeconds: cpuNanoseconds },
    memory: { time: time(at), ...(availableBytes !== undefined && { availableBytes }), workingSetBytes, ...fine },
  };
}

function swap({ at, memory }: Use, availableBytes?: number): object {
  return memory ? { swap: { time: time(at), ...(availableBytes !== undefined && { swapAvailableBytes: Math.max(0, availableBytes) }), swapUsageBytes: memory.swapBytes } } : {};
}

function networkOf({ at, interfaces }: Network): object {
  const texts = interfaces.map(interfaceOf);
  const first = interfaces.find(({ name }) => name === FIRST_INTERFACE) ?? interfaces[0];
  return { time: time(at), ...(first ? interfaceOf(first) : { name: '' }), interfaces: texts };
}

function interfaceOf({ name, received, sent }: NetworkInterface): object {
  return { name, rxBytes: received.bytes, rxErrors: received.errors, txBytes: sent.bytes, txErrors: sent.errors };
}

function diskOf({ at, availableBytes, capacityBytes, usedBytes, inodesFree, inodes, inodesUsed }: Omit<Disk, 'device'>): object {
  return { time: time(at), availableBytes, capacityBytes, usedBytes, inodesFree, inodes, inodesUsed };
}

function usedOf(disk: Disk, { usedBytes, inodesUsed }: DiskUse): object {
  return diskOf({ ...disk, usedBytes, inodesUsed });
}

function sum(all: readonly DiskUse[], key: keyof DiskUse): number {
  return all.reduce((total, one) => total + one[key], 0);
}
