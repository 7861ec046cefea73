/** Claims of devices: which are there and free, and what a pod's claims would get on a node. Follows the framework's DynamicResources. */
import { matchesNodeSelector } from '../../api/selectors/node-selector.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { AllocationResult, DeviceClass, ResourceClaim } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import { type Impossible, type Refusal } from '../filters.ts';
import type { NodeFacts } from '../snapshot.ts';
import { type Allocated, NotHere, allocate } from './allocate.ts';
import { type Amounts, amountsOf } from './capacity.ts';
import { type Pool, type Slice, poolsOf } from './pools.ts';
import { hasFailed, isPrepared } from './preparation.ts';

export type Claim = Stored<ResourceClaim>;

/** To be written before the pod is bound. */
export interface DevicePlan {
  /** In the order of the pod's claims; without an allocation where the claim has one. */
  readonly claims: readonly { readonly claim: Claim; readonly allocation: AllocationResult | undefined }[];
}

export interface DeviceNeeds {
  /** Throws where a claim or a class makes no sense. */
  refusals(node: NodeFacts): readonly Refusal[];
  plan(node: NodeFacts): DevicePlan;
  score(node: NodeFacts): number;
  /** An allocation that only this pod could use, and that keeps it from all of these nodes: it can be given up. */
  useless(nodes: readonly NodeFacts[]): Claim | undefined;
}

const PLUGIN = 'DynamicResources';
const ELSEWHERE: Refusal = { plugin: PLUGIN, reason: 'resourceclaim not available on the node', lasting: true };
const TOO_FEW: Refusal = { plugin: PLUGIN, reason: 'cannot allocate all claims', lasting: true };
/** So many pods may share a claim. */
const CONSUMERS_LIMIT = 256;

export class Devices {
  readonly #claims = new Map<string, Claim>();
  readonly #slices = new Map<string, Slice>();
  readonly #classes = new Map<string, Stored<DeviceClass>>();
  /** Allocations decided and not seen on the watch yet, by the uid of the claim. */
  readonly #pending = new Map<string, AllocationResult>();
  /** How many allocations hold a device: `driver/pool/device`. */
  readonly #taken = new Map<string, number>();
  /** What allocations hold of a device that several share; by that device, then one for each share. */
  readonly #shares = new Map<string, Amounts[]>();
  /** Uids of claims whose devices were not prepared in time. */
  readonly #late = new Set<string>();
  readonly #pools = new Map<string, { readonly node: NodeFacts; readonly pools: readonly Pool[] }>();

  setClaim(claim: Claim): void {
    this.#forgetClaim(claim);
    this.#claims.set(keyOf(claim.metadata), claim);
    if (claim.status?.allocation) this.#settle(claim.metadata.uid);
    else this.#late.delete(claim.metadata.uid);
    this.#hold(claim.status?.allocation as AllocationResult | undefined, 1);
  }

  removeClaim(claim: Claim): void {
    this.#forgetClaim(claim);
    this.#late.delete(claim.metadata.uid);
  }

  claim(key: { readonly namespace: string; readonly name: string }): Claim | undefined {
    return this.#claims.get(keyOf(key));
  }

  tooLate(uid: string): void {
    this.#late.add(uid);
  }

  #forgetClaim({ metadata }: Claim): void {
    const known = this.#claims.get(keyOf(metadata));
    if (!known) return;
    this.#claims.delete(keyOf(metadata));
    this.#hold(known.status?.allocation as AllocationResult | undefined, -1);
  }

  setSlice(slice: Slice): void {
    this.#slices.set(slice.metadata.name, slice);
    this.#pools.clear();
  }

  removeSlice(name: string): void {
    this.#slices.delete(name);
    this.#pools.clear();
  }

  setClass(deviceClass: Stored<DeviceClass>): void {
    this.#classes.set(deviceClass.metadata.name, deviceClass);
  }

  removeClass(name: string): void {
    this.#classes.delete(name);
  }

  assume({ claims }: DevicePlan): void {
    for (const { claim, allocation } of claims) {
      if (!allocation || this.#pending.has(claim.metadata.uid)) continue;
      this.#pending.set(claim.metadata.uid, allocation);
      this.#hold(allocation, 1);
    }
  }

  /** The binding failed: what was assumed for it is free again. */
  forget({ claims }: DevicePlan): void {
    for (const { claim, allocation } of claims) if (allocation && this.#pending.get(claim.metadata.uid) === allocation) this.#settle(claim.metadata.uid);
  }

  /** A claim of the pod that is not there yet: until it is, the pod is not looked at. */
  absent(pod: Stored<Pod>): string | undefined {
    const found = this.#claimsOf(pod);
    return typeof found === 'string' ? found : undefined;
  }

  needs(pod: Stored<Pod>): DeviceNeeds | Impossible | undefined {
    const claims = this.#claimsOf(pod);
    if (typeof claims === 'string') return { impossible: claims, plugin: PLUGIN };
    if (claims.length === 0) return undefined;
    for (const claim of claims) {
      const impossible = this.#unusable(claim, pod);
      if (impossible) return { impossible, plugin: PLUGIN };
    }
    return new Needs({ pod, claims, isLate: ({ metadata }) => this.#late.has(metadata.uid) }, (open, node) => allocate(open, { node: node.name, pools: this.#poolsFor(node), classes: this.#classes, taken: (id) => (this.#taken.get(id) ?? 0) > 0, shares: (id) => this.#shares.get(id) ?? [] }));
  }

  #claimsOf(pod: Stored<Pod>): Claim[] | string {
    const { namespace, name } = pod.metadata;
    const claims: Claim[] = [];
    for (const one of pod.spec.resourceClaims ?? []) {
      const status = pod.status?.resourceClaimStatuses?.find((known) => known.name === one.name);
      if (one.resourceClaimName === undefined && !status) return `pod "${namespace}/${name}": ResourceClaim not created yet`;
      const claimName = one.resourceClaimName ?? status?.resourceClaimName;
      if (claimName === undefined) continue;
      const claim = this.#claims.get(`${namespace}/${claimName}`);
      if (!claim) return `resourceclaim.resource.k8s.io "${claimName}" not found`;
      if (claim.metadata.deletionTimestamp) return `resourceclaim "${claimName}" is being deleted`;
      if (one.resourceClaimName === undefined && !claim.metadata.ownerReferences?.some(({ uid, controller }) => controller && uid === pod.metadata.uid)) {
        return `ResourceClaim ${namespace}/${claimName} was not created for Pod ${namespace}/${name} (Pod is not owner)`;
      }
      claims.push(claim);
    }
    return claims;
  }

  #unusable(claim: Claim, pod: Stored<Pod>): string | undefined {
    const { metadata, spec, status } = claim;
    if (status?.allocation) {
      const reserved = status.reservedFor ?? [];
      return reserved.length >= CONSUMERS_LIMIT && !reserved.some(({ uid }) => uid === pod.metadata.uid) ? 'resourceclaim in use' : undefined;
    }
    if (this.#pending.has(metadata.uid)) return `resource claim ${metadata.namespace}/${metadata.name} is in the process of being allocated`;
    for (const { name, exactly, firstAvailable = [] } of spec.devices.requests) {
      if (!exactly && firstAvailable.length === 0) return `resource claim ${metadata.namespace}/${metadata.name}, request ${name}: unknown request type`;
      for (const [request, asked] of exactly ? [[name, exactly] as const] : firstAvailable.map((one) => [`${name}/${one.name}`, one] as const)) {
        if (!this.#classes.has(asked.deviceClassName)) return `request ${request}: device class ${asked.deviceClassName} does not exist`;
      }
    }
    return undefined;
  }

  #poolsFor(node: NodeFacts): readonly Pool[] {
    const known = this.#pools.get(node.name);
    if (known?.node === node) return known.pools;
    const pools = poolsOf(this.#slices.values(), node);
    this.#pools.set(node.name, { node, pools });
    return pools;
  }

  #settle(uid: string): void {
    this.#hold(this.#pending.get(uid), -1);
    this.#pending.delete(uid);
  }

  /** Who looks only, as an administrator, holds nothing. */
  #hold(allocation: AllocationResult | undefined, sign: 1 | -1): void {
    for (const { driver, pool, device, adminAccess, shareID, consumedCapacity } of allocation?.devices?.results ?? []) {
      if (adminAccess) continue;
      const id = `${driver}/${pool}/${device}`;
      if (shareID !== undefined) {
        this.#share(id, amountsOf(consumedCapacity), sign);
        continue;
      }
      const count = (this.#taken.get(id) ?? 0) + sign;
      if (count > 0) this.#taken.set(id, count);
      else this.#taken.delete(id);
    }
  }

  /** Shares are known by what they hold: one is as good as another of the same amounts. */
  #share(id: string, amounts: Amounts, sign: 1 | -1): void {
    const shares = this.#shares.get(id) ?? [];
    if (sign === 1) this.#shares.set(id, [...shares, amounts]);
    else {
      const at = shares.findIndex((one) => one.size === amounts.size && [...one].every(([name, { nano }]) => amounts.get(name)?.nano === nano));
      const rest = shares.filter((_, i) => i !== at);
      if (rest.length > 0) this.#shares.set(id, rest);
      else this.#shares.delete(id);
    }
  }
}

interface Wanted {
  readonly pod: Stored<Pod>;
  readonly claims: readonly Claim[];
  readonly isLate: (claim: Claim) => boolean;
}

class Needs implements DeviceNeeds {
  readonly #pod: Stored<Pod>;
  readonly #claims: readonly Claim[];
  readonly #isLate: (claim: Claim) => boolean;
  readonly #open: readonly Claim[];
  readonly #allocate: (open: readonly Claim[], node: NodeFacts) => Allocated[] | undefined;
  readonly #found = new Map<string, Allocated[] | Refusal>();

  constructor({ pod, claims, isLate }: Wanted, find: (open: readonly Claim[], node: NodeFacts) => Allocated[] | undefined) {
    this.#pod = pod;
    this.#claims = claims;
    this.#isLate = isLate;
    this.#open = claims.filter(({ status }) => !status?.allocation);
    this.#allocate = find;
  }

  refusals(node: NodeFacts): readonly Refusal[] {
    const found = this.#on(node);
    if (!Array.isArray(found)) return [found as Refusal];
    return this.#claims.some((claim) => this.#isLost(claim) || isElsewhere(claim, node)) ? [ELSEWHERE] : [];
  }

  plan(node: NodeFacts): DevicePlan {
    const found = this.#on(node) as Allocated[];
    return { claims: this.#claims.map((claim) => ({ claim, allocation: found[this.#open.indexOf(claim)]?.result })) };
  }

  score(node: NodeFacts): number {
    const found = this.#on(node);
    return Array.isArray(found) ? found.reduce((sum, { score }) => sum + score, 0) : 0;
  }

  useless(nodes: readonly NodeFacts[]): Claim | undefined {
    const isOwn = ({ status }: Claim): boolean => (status?.reservedFor ?? []).length <= 1 && (status?.reservedFor ?? []).every(({ uid }) => uid === this.#pod.metadata.uid);
    return this.#claims.find((claim) => isOwn(claim) && claim.status?.allocation && (this.#isLost(claim) || nodes.some((node) => isElsewhere(claim, node))));
  }

  /** Its devices cannot be prepared: others are needed. */
  #isLost(claim: Claim): boolean {
    return claim.status?.allocation !== undefined && (hasFailed(claim) || (this.#isLate(claim) && !isPrepared(claim)));
  }

  #on(node: NodeFacts): Allocated[] | Refusal {
    const known = this.#found.get(node.name);
    if (known) return known;
    const found = this.#open.length === 0 ? [] : this.#search(node);
    this.#found.set(node.name, found);
    return found;
  }

  #search(node: NodeFacts): Allocated[] | Refusal {
    try {
      return this.#allocate(this.#open, node) ?? TOO_FEW;
    } catch (error) {
      if (error instanceof NotHere) return { plugin: PLUGIN, reason: error.message, lasting: true };
      throw new DeviceError(`running "DynamicResources" filter plugin: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** A claim, class or expression that makes no sense: nothing can be decided. */
export class DeviceError extends Error {}

function isElsewhere({ status }: Claim, node: NodeFacts): boolean {
  const selector = status?.allocation?.nodeSelector;
  return selector !== undefined && !matchesNodeSelector(selector, node.labels, node.name);
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
