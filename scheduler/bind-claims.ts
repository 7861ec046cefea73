/** Writes what a pod's claims of devices were given, and that the pod uses them, before it is bound. */
import { resourceclaims } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import { timeText } from '../client/time.ts';
import type { Clock } from '../std/clock.ts';
import type { Claim, DevicePlan } from './devices/devices.ts';

/** An allocated claim stays until its devices are free. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';
const ATTEMPTS = 5;

interface Tools {
  readonly client: Client;
  readonly clock: Clock;
}

/** Throws where a write is refused, or somebody else was faster. */
export async function bindClaims(tools: Tools, pod: Stored<Pod>, { claims }: DevicePlan): Promise<void> {
  for (const { claim, allocation } of claims) await bindClaim(tools, pod, claim, allocation);
}

async function bindClaim({ client, clock }: Tools, pod: Stored<Pod>, known: Claim, allocation: DevicePlan['claims'][number]['allocation']): Promise<void> {
  const { namespace, name } = known.metadata;
  const what = allocation ? 'allocation and reservation' : 'reservation';
  if (known.status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid) && !allocation) return;
  let claim = known;
  for (let attempt = 1; ; attempt++) {
    try {
      if (claim.metadata.deletionTimestamp) throw new Error(`claim ${name} got deleted in the meantime`);
      if (allocation && claim.status?.allocation) throw new Error(`claim ${name} got allocated elsewhere in the meantime`);
      if (!allocation && !claim.status?.allocation) throw new Error(`claim ${name} got deallocated elsewhere in the meantime`);
      if (allocation && !claim.metadata.finalizers?.includes(FINALIZER)) {
        claim = await client.update(resourceclaims, { ...claim, metadata: { ...claim.metadata, finalizers: [...(claim.metadata.finalizers ?? []), FINALIZER] } });
      }
      const reservedFor = [...(claim.status?.reservedFor ?? []), { resource: 'pods', name: pod.metadata.name, uid: pod.metadata.uid }];
      const given = allocation && { allocation: { ...allocation, allocationTimestamp: timeText(clock.now()) } };
      await client.update(resourceclaims, { ...claim, status: { ...claim.status, ...given, reservedFor } }, { subresource: 'status' });
      return;
    } catch (error) {
      if (!isReason(error, 'Conflict') || attempt === ATTEMPTS) throw new Error(`add ${what} to claim ${namespace}/${name}: ${(error as Error).message}`, { cause: error });
      claim = await client.get(resourceclaims, { namespace, name });
    }
  }
}

/** Gives up an allocation that nobody uses. */
export async function deallocate({ client }: Pick<Tools, 'client'>, claim: Claim): Promise<void> {
  const { allocation: _, reservedFor: __, devices: ___, ...status } = claim.status ?? {};
  await client.update(resourceclaims, { ...claim, status }, { subresource: 'status' });
}
