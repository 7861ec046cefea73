/** The quality-of-service class that a pod's requests and limits make. */
import { type Quantity, compareQuantities } from '../../quantity.ts';
import type { PodSpec, ResourceRequirements } from '../../types/core.v1.ts';
import { addTo, amount, type ResourceList } from './resource-list.ts';

const COUNTED = ['cpu', 'memory'] as const;

export function podQos(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const parts: (ResourceRequirements | undefined)[] = spec.resources
    ? [spec.resources]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => container.resources);
  const requests = new Map<string, Quantity>();
  const limits = new Map<string, Quantity>();
  let allLimited = true;
  for (const part of parts) {
    addTo(requests, counted(part?.requests));
    const limited = counted(part?.limits);
    addTo(limits, limited);
    // A pod with resources of its own but without limits is not held to this, as upstream does it.
    const skipped = spec.resources !== undefined && Object.keys(part?.limits ?? {}).length === 0;
    if (!skipped && Object.keys(limited).length < COUNTED.length) allLimited = false;
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort';
  const same = requests.size === limits.size && [...requests].every(([name, request]) => equals(limits.get(name), request));
  return allLimited && same ? 'Guaranteed' : 'Burstable';
}

function counted(list: ResourceList | undefined): ResourceList {
  const positive = COUNTED.filter((name) => amount(list, name).nano > 0n);
  return Object.fromEntries(positive.map((name) => [name, list?.[name] ?? '']));
}

function equals(a: Quantity | undefined, b: Quantity): boolean {
  return a !== undefined && compareQuantities(a, b) === 0;
}
