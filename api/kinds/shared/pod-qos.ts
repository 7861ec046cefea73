/** The quality-of-service class that a pod's requests and limits make. */
import type { PodSpec, ResourceRequirements } from '../../types/core.v1.ts';
import { amount } from './resource-list.ts';

const COUNTED = ['cpu', 'memory'] as const;

export function podQos(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const sums: Sums = { requests: { cpu: 0n, memory: 0n }, limits: { cpu: 0n, memory: 0n } };
  let allLimited = true;
  // A pod with resources of its own but without limits is not held to this, as upstream does it.
  if (spec.resources) allLimited = add(sums, spec.resources) || Object.keys(spec.resources.limits ?? {}).length === 0;
  else {
    for (const { resources } of spec.containers ?? []) if (!add(sums, resources)) allLimited = false;
    for (const { resources } of spec.initContainers ?? []) if (!add(sums, resources)) allLimited = false;
  }
  const { requests, limits } = sums;
  if (COUNTED.every((name) => requests[name] === 0n && limits[name] === 0n)) return 'BestEffort';
  return allLimited && COUNTED.every((name) => requests[name] === limits[name]) ? 'Guaranteed' : 'Burstable';
}

type Sum = Record<(typeof COUNTED)[number], bigint>;

interface Sums {
  readonly requests: Sum;
  readonly limits: Sum;
}

/** What is not positive does not count. Whether all that counts is limited. */
function add({ requests, limits }: Sums, resources: ResourceRequirements | undefined): boolean {
  let limited = true;
  for (const name of COUNTED) {
    const request = amount(resources?.requests, name).nano;
    const limit = amount(resources?.limits, name).nano;
    if (request > 0n) requests[name] += request;
    if (limit > 0n) limits[name] += limit;
    else limited = false;
  }
  return limited;
}
