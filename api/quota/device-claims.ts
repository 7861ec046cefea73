/** What a ResourceClaim takes of a quota: devices, by their class. Pure. */
import { quantityOf, type Quantity } from '../quantity.ts';
import type { ResourceClaim } from '../types/resource.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';

export const DEVICES_OF_CLASS = '.deviceclass.resource.k8s.io/devices';
/** As many as one claim can be given: what asks for all of a class is charged for so many. */
const MOST_DEVICES = 32;

interface Asked {
  readonly deviceClassName: string;
  readonly allocationMode?: string;
  readonly count?: number;
}

export function devicesOf({ spec }: DeepReadonly<ResourceClaim>): Record<string, Quantity> {
  const total = new Map<string, number>();
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    // Of alternatives the most expensive counts, for each class by itself.
    const worst = new Map<string, number>();
    for (const asked of exactly ? [exactly] : firstAvailable) worst.set(asked.deviceClassName, Math.max(worst.get(asked.deviceClassName) ?? 0, countOf(asked)));
    for (const [className, count] of worst) total.set(className, (total.get(className) ?? 0) + count);
  }
  return Object.fromEntries([...total].map(([className, count]) => [className + DEVICES_OF_CLASS, quantityOf(count)]));
}

function countOf({ allocationMode, count = 0 }: Asked): number {
  if (allocationMode === 'All') return MOST_DEVICES;
  return allocationMode === 'ExactCount' ? count : 0;
}
