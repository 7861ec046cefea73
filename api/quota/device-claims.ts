/** What a ResourceClaim takes of a quota: devices, by their class. Pure. */
import type { Metadata } from '../kind.ts';
import { quantityOf, type Quantity } from '../quantity.ts';
import type { Pod } from '../types/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../types/resource.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { minus, withoutZeros, type Amounts } from './amounts.ts';

export const DEVICES_OF_CLASS = '.deviceclass.resource.k8s.io/devices';
/** As many as one claim can be given: what asks for all of a class is charged for so many. */
const MOST_DEVICES = 32;

/** What stands behind `requests.` in a quota on the devices of a class, and in a pod that asks for them without a claim. */
export const CLASS_AS_RESOURCE = 'deviceclass.resource.kubernetes.io/';
/** The claim stands in for a pod's extended resources, which the pod has paid for. */
const OF_EXTENDED_RESOURCES = 'resource.kubernetes.io/extended-resource-claim';

/** What is around a claim and matters for its price. */
export interface ClaimSurroundings {
  readonly classes: readonly DeepReadonly<DeviceClass>[];
  /** Of the claim's namespace. */
  readonly pod: (name: string) => DeepReadonly<Pod> | undefined;
  readonly claims: () => readonly DeepReadonly<ResourceClaim>[];
}

/** Whether claims take from a quota on this name, `requests.…`: a class stands for the resource. */
export function isClassResource(name: string, { classes }: ClaimSurroundings): boolean {
  if (!name.startsWith(REQUESTS)) return false;
  const resource = name.slice(REQUESTS.length);
  return classes.some(({ metadata, spec }) => resource === CLASS_AS_RESOURCE + metadata.name || resource === spec.extendedResourceName);
}

const REQUESTS = 'requests.';

/** The devices of a claim under the names of the extended resources that their classes stand for, but for what the claim's pod has paid. */
export function extendedResourcesOf(devices: Amounts, paid: Amounts, { classes }: ClaimSurroundings): Record<string, Quantity> {
  const out: Record<string, Quantity> = {};
  for (const [name, quantity] of Object.entries(devices)) {
    const className = name.slice(0, -DEVICES_OF_CLASS.length);
    if (className === '') continue;
    out[REQUESTS + CLASS_AS_RESOURCE + className] = quantity;
    const resource = classes.find(({ metadata }) => metadata.name === className)?.spec.extendedResourceName;
    if (resource) out[REQUESTS + resource] = quantity;
  }
  return withoutZeros(minus(out, paid));
}

/** The pod whose extended resources the claim stands in for: one claim alone does so. */
export function payerOf(claim: DeepReadonly<ResourceClaim>, { pod, claims }: ClaimSurroundings): DeepReadonly<Pod> | undefined {
  const owner = podOwnerOf(claim.metadata);
  const found = owner && pod(owner.name);
  if (!found || found.metadata.uid !== owner.uid) return undefined;
  const named = found.status?.extendedResourceClaimStatus;
  if (named) return named.resourceClaimName === claim.metadata.name ? found : undefined;
  const older = claims().some((other) => podOwnerOf(other.metadata)?.uid === owner.uid && comesBefore(other.metadata, claim.metadata));
  return older ? undefined : found;
}

type Claimed = DeepReadonly<Metadata>;

function podOwnerOf({ annotations, ownerReferences }: Claimed): { readonly name: string; readonly uid: string } | undefined {
  if (annotations?.[OF_EXTENDED_RESOURCES] !== 'true') return undefined;
  const owner = ownerReferences?.find(({ controller }) => controller);
  return owner?.kind === 'Pod' && owner.apiVersion === 'v1' ? owner : undefined;
}

function comesBefore(a: Claimed, b: Claimed): boolean {
  const [ours, theirs] = [a, b].map(({ creationTimestamp }) => Date.parse(creationTimestamp ?? '') || 0) as [number, number];
  return ours < theirs || (ours === theirs && (a.name ?? '') < (b.name ?? ''));
}

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
