/** Writes what a pod's claims of devices were given, and that the pod uses them, before it is bound; waits for devices that are to be prepared first. */
import { pods, resourceclaims } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { AllocationResult, ResourceClaim } from '../api/types/resource.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import { timeText } from '../client/time.ts';
import { type Clock, sleep } from '../std/clock.ts';
import { type Random, uuid } from '../std/random.ts';
import { standsFor } from './devices/extended.ts';
import { DeviceFailure, isPrepared } from './devices/preparation.ts';
import type { Claim, DevicePlan, Devices } from './devices/devices.ts';

/** An allocated claim stays until its devices are free. */
const FINALIZER = 'resource.kubernetes.io/delete-protection';
const ATTEMPTS = 5;

const PREPARED_POLL_MS = 5_000;

export interface BindClaimsTools {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly devices: Pick<Devices, 'claim' | 'tooLate'>;
  readonly signal: AbortSignal;
  /** How long the preparation of devices may take. */
  readonly timeoutMs: number;
  /** The pod has to wait for devices to be prepared. */
  readonly onWait: () => void;
}

/** What the claims of one pod are given: written before it is bound, and given up where it does not get there. */
export class Reservation {
  readonly #pod: Stored<Pod>;
  readonly #plan: DevicePlan;
  /** The claim that was made for extended resources. */
  #made: Claim | undefined;

  constructor(pod: Stored<Pod>, plan: DevicePlan) {
    this.#pod = pod;
    this.#plan = plan;
  }

  /** Throws where a write is refused, somebody else was faster, or a device cannot be prepared. */
  async write(tools: BindClaimsTools): Promise<void> {
    const written: Claim[] = [];
    for (const { claim, allocation } of this.#plan.claims) written.push(await bindClaim(tools, this.#pod, claim, allocation));
    if (this.#plan.extended) written.push(await this.#writeExtended(tools, this.#plan.extended));
    if (written.some(({ status }) => status?.allocation?.devices?.results?.some(({ bindingConditions }) => bindingConditions?.length))) await prepared(tools, written);
  }

  /** What was reserved is free for others. */
  async giveUp({ client }: Pick<BindClaimsTools, 'client'>): Promise<void> {
    if (this.#made) await remove(client, this.#made);
    for (const { claim: { metadata } } of this.#plan.claims) {
      const body = { metadata: { uid: metadata.uid }, status: { reservedFor: [{ $patch: 'delete', uid: this.#pod.metadata.uid }] } };
      await client.patch(resourceclaims, metadata, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' });
    }
  }

  async #writeExtended(tools: BindClaimsTools, { claim, allocation, mappings }: NonNullable<DevicePlan['extended']>): Promise<Claim> {
    const { metadata } = this.#pod;
    const created = await tools.client.create(resourceclaims, claim as ResourceClaim);
    this.#made = created;
    const bound = await bindClaim(tools, this.#pod, created, allocation);
    const status = { extendedResourceClaimStatus: { requestMappings: mappings, resourceClaimName: bound.metadata.name } };
    await tools.client.patch(pods, metadata, { type: 'application/strategic-merge-patch+json', body: { metadata: { uid: metadata.uid }, status } }, { subresource: 'status' });
    return bound;
  }
}

/** Waits until all devices are prepared. */
async function prepared({ clock, devices, signal, timeoutMs, onWait }: BindClaimsTools, claims: readonly Claim[]): Promise<void> {
  onWait();
  // What was written may not be seen on the watch yet.
  const latest = (claim: Claim): Claim => {
    const known = devices.claim(claim.metadata);
    return known?.metadata.uid === claim.metadata.uid && known.status?.allocation ? known : claim;
  };
  for (const end = clock.now() + timeoutMs; ; await sleep(clock, PREPARED_POLL_MS, signal)) {
    const current = claims.map(latest);
    if (current.every((claim) => isPrepared(claim))) return;
    if (!signal.aborted && clock.now() < end) continue;
    for (const { metadata } of current) devices.tooLate(metadata.uid);
    throw new DeviceFailure('device binding timeout: context deadline exceeded');
  }
}

/** Ids of shares, of chance. */
function named(random: Random, { devices, ...rest }: AllocationResult): AllocationResult {
  const results = devices?.results?.map((one) => (one.shareID === undefined ? one : { ...one, shareID: uuid(random) }));
  return { ...rest, devices: { ...devices, ...(results && { results }) } };
}

/** The claim as it was written. */
async function bindClaim({ client, clock, random }: BindClaimsTools, pod: Stored<Pod>, known: Claim, allocation: DevicePlan['claims'][number]['allocation']): Promise<Claim> {
  const { namespace, name } = known.metadata;
  const what = allocation ? 'allocation and reservation' : 'reservation';
  if (known.status?.reservedFor?.some(({ uid }) => uid === pod.metadata.uid) && !allocation) return known;
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
      const given = allocation && { allocation: { ...named(random, allocation), allocationTimestamp: timeText(clock.now()) } };
      return await client.update(resourceclaims, { ...claim, status: { ...claim.status, ...given, reservedFor } }, { subresource: 'status' });
    } catch (error) {
      if (!isReason(error, 'Conflict') || attempt === ATTEMPTS) throw new Error(`add ${what} to claim ${namespace}/${name}: ${(error as Error).message}`, { cause: error });
      claim = await client.get(resourceclaims, { namespace, name });
    }
  }
}

async function remove(client: Client, { metadata: { namespace, name } }: Claim): Promise<void> {
  const claim = await client.get(resourceclaims, { namespace, name });
  const { finalizers = [] } = claim.metadata;
  if (finalizers.includes(FINALIZER)) await client.update(resourceclaims, { ...claim, metadata: { ...claim.metadata, finalizers: finalizers.filter((one) => one !== FINALIZER) } });
  await client.delete(resourceclaims, { namespace, name });
}

/** Gives up an allocation that nobody uses. */
export async function deallocate({ client }: Pick<BindClaimsTools, 'client'>, claim: Claim): Promise<void> {
  if (standsFor(claim) !== undefined) return remove(client, claim);
  const { allocation: _, reservedFor: __, devices: ___, ...status } = claim.status ?? {};
  await client.update(resourceclaims, { ...claim, status }, { subresource: 'status' });
}
