/** Claims of devices: which are there and free, and what a pod's claims would get on a node. Follows the framework's DynamicResources. */
import { matchesNodeSelector } from '../../api/selectors/node-selector.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { AllocationResult, DeviceClass, ResourceClaim } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Impossible, Refusal } from '../refusal.ts';
import type { NodeFacts } from '../node-facts.ts';
import { type Allocated, NotHere, allocate } from './allocate.ts';
import { type Amounts, amountsOf } from './capacity.ts';
import { type Requested, StandIns, claimMetadata, requestsOf, standsFor } from './extended.ts';
import { type Pool, type Slice, poolsOf } from './pools.ts';
import { hasFailed, isPrepared } from './preparation.ts';

export type Claim = Stored<ResourceClaim>;

/** To be written before the pod is bound. */
export interface DevicePlan {
  /** In the order of the pod's claims; without an allocation where the claim has one. */
  readonly claims: readonly { readonly claim: Claim; readonly allocation: AllocationResult | undefined }[];
  /** A claim that is to be made for the extended resources of the pod. */
  readonly extended?: { readonly uid: string; readonly claim: DeepReadonly<object>; readonly allocation: AllocationResult; readonly mappings: Requested['mappings'] };
}

/** What the pod asks for of a resource, and what a node has of it itself. */
export interface Amounted {
  readonly requests: ReadonlyMap<string, number>;
  readonly allocatable: (node: NodeFacts, resource: string) => number;
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
const STALE: Refusal = { plugin: PLUGIN, reason: 'cannot schedule extended resource claim', lasting: true };
const TOO_FEW: Refusal = { plugin: PLUGIN, reason: 'cannot allocate all claims', lasting: true };
/** So many pods may share a claim. */
const CONSUMERS_LIMIT = 256;

export class Devices {
  readonly #claims = new Map<string, Claim>();
  readonly #slices = new Map<string, Slice>();
  readonly #classes = new Map<string, Stored<DeviceClass>>();
  readonly #standIns = new StandIns();
  /** Claims for extended resources, by the uid of their pod. */
  readonly #ofPods = new Map<string, Claim>();
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
    const pod = standsFor(claim);
    if (pod === undefined) return;
    this.#ofPods.set(pod, claim);
    if (claim.status?.allocation) this.#settle(pendingFor(pod));
  }

  removeClaim(claim: Claim): void {
    this.#forgetClaim(claim);
    this.#late.delete(claim.metadata.uid);
    const pod = standsFor(claim);
    if (pod !== undefined) this.#ofPods.delete(pod);
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
    this.#standIns.set(deviceClass);
  }

  removeClass(name: string): void {
    this.#classes.delete(name);
    this.#standIns.remove(name);
  }

  /** Whether devices are given where a node has nothing of the resource itself. */
  standsIn(resource: string): boolean {
    return this.#standIns.classOf(resource) !== undefined;
  }

  /** Whether any resource of these is one that devices stand in for. */
  concern(requests: ReadonlyMap<string, number>): boolean {
    for (const [resource, units] of requests) if (units > 0 && this.standsIn(resource)) return true;
    return false;
  }

  assume(plan: DevicePlan): void {
    for (const { uid, allocation } of allocationsOf(plan)) {
      if (this.#pending.has(uid)) continue;
      this.#pending.set(uid, allocation);
      this.#hold(allocation, 1);
    }
  }

  /** The binding failed: what was assumed for it is free again. */
  forget(plan: DevicePlan): void {
    for (const { uid, allocation } of allocationsOf(plan)) if (this.#pending.get(uid) === allocation) this.#settle(uid);
  }

  /** A claim of the pod that is not there yet: until it is, the pod is not looked at. */
  absent(pod: Stored<Pod>): string | undefined {
    const found = this.#claimsOf(pod);
    return typeof found === 'string' ? found : undefined;
  }

  needs(pod: Stored<Pod>, amounted?: Amounted): DeviceNeeds | Impossible | undefined {
    const claims = this.#claimsOf(pod);
    if (typeof claims === 'string') return { impossible: claims, plugin: PLUGIN };
    const extended = amounted && this.concern(amounted.requests) ? this.#extendedOf(pod, amounted) : undefined;
    if (claims.length === 0 && !extended) return undefined;
    for (const claim of claims) {
      const impossible = this.#unusable(claim, pod);
      if (impossible) return { impossible, plugin: PLUGIN };
    }
    return new Needs({ pod, claims, extended, isLate: ({ metadata }) => this.#late.has(metadata.uid) }, (open, node) => allocate(open, { node: node.name, pools: this.#poolsFor(node), classes: this.#classes, taken: (id) => (this.#taken.get(id) ?? 0) > 0, shares: (id) => this.#shares.get(id) ?? [] }));
  }

  #extendedOf(pod: Stored<Pod>, { requests, allocatable }: Amounted): Extended {
    const asked = [...requests].flatMap(([resource, units]) => (units > 0 ? [[resource, this.#standIns.classOf(resource)] as const] : [])).filter((one): one is readonly [string, string] => one[1] !== undefined);
    return {
      stale: this.#ofPods.get(pod.metadata.uid),
      on: (node) => {
        const classes = new Map(asked.filter(([resource]) => allocatable(node, resource) === 0));
        return classes.size === 0 ? undefined : requestsOf(pod, classes);
      },
    };
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

/** What is to be given for extended resources. */
interface Extended {
  /** Made for the pod before, when it was not bound. */
  readonly stale: Claim | undefined;
  /** Undefined where the node has all of them itself. */
  readonly on: (node: NodeFacts) => Requested | undefined;
}

interface Wanted {
  readonly extended: Extended | undefined;
  readonly pod: Stored<Pod>;
  readonly claims: readonly Claim[];
  readonly isLate: (claim: Claim) => boolean;
}

class Needs implements DeviceNeeds {
  readonly #pod: Stored<Pod>;
  readonly #claims: readonly Claim[];
  readonly #extended: Extended | undefined;
  readonly #isLate: (claim: Claim) => boolean;
  readonly #open: readonly Claim[];
  readonly #allocate: (open: readonly Claim[], node: NodeFacts) => Allocated[] | undefined;
  readonly #found = new Map<string, Allocated[] | Refusal>();

  constructor({ pod, claims, extended, isLate }: Wanted, find: (open: readonly Claim[], node: NodeFacts) => Allocated[] | undefined) {
    this.#pod = pod;
    this.#claims = claims;
    this.#extended = extended;
    this.#isLate = isLate;
    this.#open = claims.filter(({ status }) => !status?.allocation);
    this.#allocate = find;
  }

  refusals(node: NodeFacts): readonly Refusal[] {
    if (this.#extended?.stale) return [STALE];
    const found = this.#on(node);
    if (!Array.isArray(found)) return [found as Refusal];
    return this.#claims.some((claim) => this.#isLost(claim) || isElsewhere(claim, node)) ? [ELSEWHERE] : [];
  }

  plan(node: NodeFacts): DevicePlan {
    const found = this.#on(node) as Allocated[];
    const claims = this.#claims.map((claim) => ({ claim, allocation: found[this.#open.indexOf(claim)]?.result }));
    const requested = this.#extended?.on(node);
    if (!requested) return { claims };
    const claim = this.#extendedClaim(requested);
    return { claims, extended: { uid: claim.metadata.uid, claim: { metadata: claimMetadata(this.#pod), spec: claim.spec }, allocation: (found.at(-1) as Allocated).result, mappings: requested.mappings } };
  }

  score(node: NodeFacts): number {
    const found = this.#on(node);
    return Array.isArray(found) ? found.reduce((sum, { score }) => sum + score, 0) : 0;
  }

  useless(nodes: readonly NodeFacts[]): Claim | undefined {
    if (this.#extended?.stale) return this.#extended.stale;
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
    const requested = this.#extended?.on(node);
    const open = requested ? [...this.#open, this.#extendedClaim(requested)] : this.#open;
    const found = open.length === 0 ? [] : this.#search(open, node);
    this.#found.set(node.name, found);
    return found;
  }

  #extendedClaim({ requests }: Requested): Claim {
    const { namespace, uid } = this.#pod.metadata;
    return { metadata: { namespace, name: '<extended-resources>', uid: pendingFor(uid) }, spec: { devices: { requests } } } as unknown as Claim;
  }

  #search(open: readonly Claim[], node: NodeFacts): Allocated[] | Refusal {
    try {
      return this.#allocate(open, node) ?? TOO_FEW;
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

/** By what a claim is known that is not made yet. */
function pendingFor(podUid: string): string {
  return `extended resources of ${podUid}`;
}

function allocationsOf({ claims, extended }: DevicePlan): { readonly uid: string; readonly allocation: AllocationResult }[] {
  const given = claims.flatMap(({ claim, allocation }) => (allocation ? [{ uid: claim.metadata.uid, allocation }] : []));
  return extended ? [...given, extended] : given;
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
