/** What a pod asks for: its quality of service, and the limits of its control groups. */
import { podQos } from '../api/kinds/shared/pod-qos.ts';
import { milliValue, parseQuantity, value } from '../api/quantity.ts';
import { podAmounts } from '../api/quota/pod-amounts.ts';
import type { PodSpec } from '../api/types/core.v1.ts';
import type { PodObject, Spec } from './pod.ts';
import type { Resources } from './runtime/model.ts';

export type QosClass = 'BestEffort' | 'Burstable' | 'Guaranteed';

/** As the server says; otherwise as it would. */
export function qosClass({ spec, status }: PodObject): QosClass {
  return (status?.qosClass as QosClass | undefined) ?? podQos(spec as PodSpec);
}

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const SHARES_PER_CPU = 1024;
const QUOTA_PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;

export function containerResources(pod: PodObject, spec: Spec, nodeMemoryBytes: number): Resources {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const cpuRequest = milli(requests['cpu'] ?? limits['cpu']);
  const cpuLimit = milli(limits['cpu']);
  const memoryLimit = bytes(limits['memory']);
  return {
    cpuShares: Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((cpuRequest * SHARES_PER_CPU) / 1000))),
    ...(cpuLimit > 0 && { cpuPeriod: QUOTA_PERIOD_US, cpuQuota: Math.max(MIN_QUOTA_US, Math.floor((cpuLimit * QUOTA_PERIOD_US) / 1000)) }),
    ...(memoryLimit > 0 && { memoryLimitBytes: memoryLimit }),
    oomScoreAdjust: oomScore(pod, spec, nodeMemoryBytes),
  };
}

/** Who is killed first when the node is out of memory (upstream's pkg/kubelet/qos/policy.go). */
export function oomScore(pod: PodObject, spec: Spec, nodeMemoryBytes: number): number {
  if ((pod.spec.priority ?? 0) >= SYSTEM_PRIORITY) return -997;
  switch (qosClass(pod)) {
    case 'Guaranteed':
      return -997;
    case 'BestEffort':
      return 1000;
    case 'Burstable': {
      const request = bytes(spec.resources?.requests?.['memory']);
      const score = 1000 - Math.floor((1000 * request) / Math.max(1, nodeMemoryBytes));
      return score < 3 ? 3 : score === 1000 ? 999 : score;
    }
  }
}

const SYSTEM_PRIORITY = 2_000_000_000;

/** Each pod that comes is weighed against all those that are there: by its containers, which pods of one template share. */
const requested = new WeakMap<PodObject['spec']['containers'], { readonly spec: PodObject['spec']; readonly sum: ReadonlyMap<string, bigint> }>();

/** What scheduling counts, in billionths of a unit. */
export function podRequests({ spec }: Pick<PodObject, 'spec'>): ReadonlyMap<string, bigint> {
  const known = requested.get(spec.containers);
  const isSame = known && known.spec.initContainers === spec.initContainers && known.spec.overhead === spec.overhead && known.spec.resources === spec.resources;
  if (isSame) return known.sum;
  const amounts = podAmounts(spec as PodSpec, 'requests', { overhead: true });
  const sum = new Map(Object.entries(amounts).map(([name, { nano }]) => [name, nano]));
  requested.set(spec.containers, { spec, sum });
  return sum;
}

function milli(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity ? milliValue(quantity) : 0;
}

function bytes(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity ? value(quantity) : 0;
}
