/** Who owns a StatefulSet's claims, and so with whom they go: persistentVolumeClaimRetentionPolicy. */
import { pods, statefulsets } from '../../api/resources.ts';
import type { OwnerReference } from '../../api/types/meta.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { ownerReference } from '../owners.ts';
import type { StoredPod } from '../pods.ts';
import type { StoredClaim, StoredStatefulSet } from './identity.ts';

type Reference = DeepReadonly<OwnerReference>;

/** Whether another object of the same name is the owner yet: it is gone, and the claim will go after it. */
export function isStale(claim: StoredClaim, owner: Stored<unknown>, kind: string): boolean {
  return (claim.metadata.ownerReferences ?? []).some((reference) => reference.kind === kind && reference.name === owner.metadata.name && reference.uid !== owner.metadata.uid);
}

/** The references that a claim should have; undefined where it has them, or is somebody else's. */
export function wantedOwners(set: StoredStatefulSet, pod: StoredPod, claim: StoredClaim, condemned: boolean): Reference[] | undefined {
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const known = claim.metadata.ownerReferences ?? [];
  if (isStale(claim, set, 'StatefulSet') || isStale(claim, pod, 'Pod')) return undefined;
  const ours = (reference: Reference): boolean => reference.uid === set.metadata.uid || reference.uid === pod.metadata.uid;
  const others = known.filter((reference) => !ours(reference));
  if (others.some(({ controller }) => controller)) return undefined;
  const byPod = whenScaled === 'Delete' && condemned;
  const bySet = whenDeleted === 'Delete' && !byPod;
  const wanted = [...others, ...(bySet ? [ownerReference(statefulsets, set)] : []), ...(byPod ? [ownerReference(pods, pod)] : [])];
  const same = wanted.length === known.length && wanted.every(({ uid }) => known.some((reference) => reference.uid === uid && (!ours(reference) || reference.controller === true)));
  return same ? undefined : wanted;
}
