/** From two looks at a node to what it and its containers use. Pure. */
import type { CpuUse, MemoryUse, Summary } from './summary.ts';

export interface Sample {
  readonly at: number;
  readonly summary: Summary;
}

/** Amounts as they are measured: billionths of a core, bytes. */
export interface Usage {
  readonly cpuNanoCores: number;
  readonly memoryBytes: number;
}

export interface Measured {
  readonly at: number;
  readonly windowMs: number;
}

export interface PodUsage extends Measured {
  readonly namespace: string;
  readonly name: string;
  readonly containers: readonly (Usage & { readonly name: string })[];
}

export interface NodeUsage extends Measured {
  readonly node: Usage | undefined;
  readonly pods: readonly PodUsage[];
}

interface Counter {
  readonly startTime?: string;
  readonly cpu?: CpuUse;
  readonly memory?: MemoryUse;
}

/**
 * A pod counts when all its containers do: half a pod would look idle. Without an earlier look containers count since their start,
 * and their node as the sum of them.
 */
export function usageOf(before: Sample | undefined, after: Sample): NodeUsage {
  const windowMs = before ? after.at - before.at : 0;
  const earlier = new Map(before?.summary.pods.map((pod) => [pod.podRef.uid, pod]));
  const pods = after.summary.pods.flatMap(({ podRef: { namespace, name, uid }, containers = [] }): PodUsage[] => {
    const known = earlier.get(uid)?.containers ?? [];
    const rates = containers.map((container) => ({ name: container.name, rate: before ? rate(known.find((one) => one.name === container.name), container) : rate(STARTING, container) }));
    const complete = rates.flatMap(({ name: container, rate: one }) => (one ? [{ name: container, cpuNanoCores: one.cpuNanoCores, memoryBytes: one.memoryBytes, windowMs: one.windowMs }] : []));
    if (complete.length === 0 || complete.length < containers.length) return [];
    const window = Math.min(...complete.map((one) => one.windowMs));
    return [{ namespace, name, at: after.at, windowMs: window, containers: complete.map(({ name: container, cpuNanoCores, memoryBytes }) => ({ name: container, cpuNanoCores, memoryBytes })) }];
  });
  const node = before ? rate(before.summary.node, after.summary.node) : { ...sum(pods), windowMs: Math.max(0, ...pods.map((pod) => pod.windowMs)) };
  return { at: after.at, windowMs: node?.windowMs ?? windowMs, node, pods };
}

/** What is known of a container that was never looked at. */
const STARTING: Counter = {};

function sum(pods: readonly PodUsage[]): Usage {
  const all = pods.flatMap(({ containers }) => containers);
  return { cpuNanoCores: all.reduce((total, { cpuNanoCores }) => total + cpuNanoCores, 0), memoryBytes: all.reduce((total, { memoryBytes }) => total + memoryBytes, 0) };
}

/** Since the last look, or since its start where that came later. */
function rate(before: Counter | undefined, after: Counter): (Usage & { readonly windowMs: number }) | undefined {
  const { cpu, memory, startTime } = after;
  if (cpu?.usageCoreNanoSeconds === undefined || memory?.workingSetBytes === undefined) return undefined;
  const end = Date.parse(cpu.time);
  const restarted = before !== undefined && (before.startTime !== startTime || (before.cpu?.usageCoreNanoSeconds ?? 0) > cpu.usageCoreNanoSeconds);
  const known = restarted ? undefined : before?.cpu;
  const begin = known ? Date.parse(known.time) : restarted && startTime ? Date.parse(startTime) : Number.NaN;
  if (!(end > begin)) return undefined;
  const spent = cpu.usageCoreNanoSeconds - (known?.usageCoreNanoSeconds ?? 0);
  return { cpuNanoCores: Math.round((spent / (end - begin)) * 1000), memoryBytes: memory.workingSetBytes, windowMs: end - begin };
}
