/** Lists of resource amounts (`cpu: 100m`): which names have rules of their own. */
import { formatQuantity, parseQuantity, roundedToMilli, zeroQuantity } from '../../quantity.ts';
import type { Quantity } from '../../quantity.ts';

export type ResourceList = Record<string, string>;

export function amount(list: ResourceList | undefined, name: string): Quantity {
  const text = list && Object.hasOwn(list, name) ? list[name] : undefined;
  return (text === undefined ? undefined : parseQuantity(text)) ?? zeroQuantity;
}

/** Amounts finer than a thousandth are rounded up. */
export function roundUpToMilli(list: ResourceList | undefined): void {
  for (const name in list) {
    const quantity = parseQuantity(list[name] as string);
    if (quantity && quantity.nano % 1_000_000n !== 0n) list[name] = formatQuantity(roundedToMilli(quantity));
  }
}

export const HUGEPAGES_PREFIX = 'hugepages-';
const REQUESTS_PREFIX = 'requests.';

export function isHugePages(name: string): boolean {
  return name.startsWith(HUGEPAGES_PREFIX);
}

/** Without a prefix, or with one of Kubernetes itself. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith(REQUESTS_PREFIX);
}

/** Whether limits may exceed requests. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || isHugePages(name);
}
