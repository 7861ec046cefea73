/** Claims of devices before a pod starts, on a node whose devices are simulated: they must be there, allocated, and reserved for the pod. Words are upstream's. */
import { resourceclaims } from '../api/resources.ts';
import type { Client } from '../client/client.ts';
import type { PodObject } from './pod.ts';
import { StartFailure } from './start-failure.ts';

/** Rejects with what is missing. */
export async function prepareClaims(client: Client, pod: PodObject): Promise<void> {
  if ((pod.spec.resourceClaims ?? []).length === 0 && !pod.status?.extendedResourceClaimStatus) return;
  try {
    await checkClaims(client, pod);
  } catch (error) {
    throw new StartFailure('FailedPrepareDynamicResources', `prepare dynamic resources: prepare dynamic resources: ${(error as Error).message}`);
  }
}

async function checkClaims(client: Client, pod: PodObject): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  for (const { claimName, isOwn } of claimsOf(pod)) {
    const claim = await client.get(resourceclaims, { namespace, name: claimName }).catch((error: Error) => Promise.reject(new Error(`fetch ResourceClaim ${claimName}: ${error.message}`, { cause: error })));
    if (isOwn && !claim.metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid)) throw new Error(`ResourceClaim ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`);
    if (!claim.status?.reservedFor?.some((one) => one.uid === uid)) throw new Error(`pod ${name} (${uid}) is not allowed to use ResourceClaim ${claimName} (${claim.metadata.uid})`);
    if (!claim.status.allocation) throw new Error(`ResourceClaim ${claimName}: not allocated`);
  }
}

interface NamedClaim {
  readonly claimName: string;
  /** Made for this pod. */
  readonly isOwn: boolean;
}

function claimsOf({ metadata: { namespace, name }, spec, status }: PodObject): readonly NamedClaim[] {
  const named = (spec.resourceClaims ?? []).flatMap((one): NamedClaim[] => {
    if (one.resourceClaimName) return [{ claimName: one.resourceClaimName, isOwn: false }];
    const made = status?.resourceClaimStatuses?.find((known) => known.name === one.name);
    if (!made) throw new Error(`pod "${namespace}/${name}": ResourceClaim not created yet`);
    return made.resourceClaimName ? [{ claimName: made.resourceClaimName, isOwn: true }] : [];
  });
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName;
  return extended ? [...named, { claimName: extended, isOwn: false }] : named;
}
