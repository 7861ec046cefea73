/** Claims and volumes: whether a pod's claims can be honoured at all, and on which nodes. Follows VolumeBinding, VolumeZone and VolumeRestrictions. */
import { compareQuantities, parseQuantity } from '../api/quantity.ts';
import { matchesLabels } from '../api/selectors.ts';
import { matchesNodeSelector } from '../api/selectors/node-selector.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/types/core.v1.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment } from '../api/types/storage.v1.ts';
import type { Stored } from '../client/client.ts';
import { Attachments } from './attachments.ts';
import { conflicts } from './disks.ts';
import type { Impossible, Refusal } from './refusal.ts';
import type { NodeFacts } from './node-facts.ts';
import { type Labels, compiled } from './terms.ts';
import { claimsOf } from './pod-claims.ts';

export type Claim = Stored<PersistentVolumeClaim>;
type Volume = Stored<PersistentVolume>;

/** What must be written before the pod may be bound: these claims get these volumes, those are to be provisioned for the node. */
export interface VolumePlan {
  readonly matched: readonly { readonly claim: Claim; readonly volume: Volume }[];
  readonly provisioned: readonly Claim[];
}

export interface VolumeNeeds {
  /** The first that a node fails, all of VolumeBinding's reasons together. */
  refusals(node: NodeFacts): readonly Refusal[];
  /** Undefined where all claims are bound. */
  plan(node: NodeFacts): VolumePlan | undefined;
}

const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
const ZONE_KEYS = ['failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];
const GA_KEYS: Readonly<Record<string, string>> = { [ZONE_KEYS[0] as string]: ZONE_KEYS[2] as string, [ZONE_KEYS[1] as string]: ZONE_KEYS[3] as string };

const ELSEWHERE: Refusal = { plugin: 'VolumeBinding', reason: "node(s) didn't match PersistentVolume's node affinity", lasting: true };
const NO_VOLUME: Refusal = { plugin: 'VolumeBinding', reason: "node(s) didn't find available persistent volumes to bind", lasting: true };
const OTHER_ZONE: Refusal = { plugin: 'VolumeZone', reason: 'node(s) had no available volume zone', lasting: true };
const NO_SPACE: Refusal = { plugin: 'VolumeBinding', reason: 'node(s) did not have enough free storage', lasting: true };
const DISK_IN_USE: Refusal = { plugin: 'VolumeRestrictions', reason: 'node(s) had no available disk', lasting: false };
const TOO_MANY: Refusal = { plugin: 'NodeVolumeLimits', reason: 'node(s) exceed max volume count', lasting: false };
const IN_USE: Refusal = { plugin: 'VolumeRestrictions', reason: 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod', lasting: false };

export class Volumes {
  readonly #claims = new Map<string, Claim>();
  readonly #volumes = new Map<string, Volume>();
  readonly #classes = new Map<string, Stored<StorageClass>>();
  /** Volumes given to claims whose binding is under way. */
  readonly #assumed = new Map<string, string>();
  readonly #drivers = new Map<string, Stored<CSIDriver>>();
  readonly #capacities = new Map<string, Stored<CSIStorageCapacity>>();
  readonly #attachments = new Attachments((claim) => this.#handleOf(claim));
  /** Pods on nodes by the claims they use. */
  readonly #users = new Map<string, number>();

  setClaim(claim: Claim): void {
    this.#claims.set(keyOf(claim.metadata), claim);
  }

  removeClaim({ metadata }: Claim): void {
    this.#claims.delete(keyOf(metadata));
  }

  setVolume(volume: Volume): void {
    this.#volumes.set(volume.metadata.name, volume);
    if (volume.spec?.claimRef) this.#assumed.delete(volume.metadata.name);
  }

  removeVolume(name: string): void {
    this.#volumes.delete(name);
    this.#assumed.delete(name);
  }

  setClass(storageClass: Stored<StorageClass>): void {
    this.#classes.set(storageClass.metadata.name, storageClass);
  }

  removeClass(name: string): void {
    this.#classes.delete(name);
  }

  setDriver(driver: Stored<CSIDriver>): void {
    this.#drivers.set(driver.metadata.name, driver);
  }

  removeDriver(name: string): void {
    this.#drivers.delete(name);
  }

  setCapacity(capacity: Stored<CSIStorageCapacity>): void {
    this.#capacities.set(keyOf(capacity.metadata), capacity);
  }

  removeCapacity({ metadata }: Stored<CSIStorageCapacity>): void {
    this.#capacities.delete(keyOf(metadata));
  }

  setNodeLimits(node: Stored<CSINode>): void {
    this.#attachments.setLimits(node);
  }

  removeNodeLimits(node: string): void {
    this.#attachments.removeLimits(node);
  }

  setAttachment(attachment: Stored<VolumeAttachment>): void {
    this.#attachments.set(attachment, this.#volumes.get(attachment.spec.source.persistentVolumeName ?? ''));
  }

  removeAttachment(attachment: Stored<VolumeAttachment>): void {
    this.#attachments.remove(attachment);
  }

  claim(key: { readonly namespace: string; readonly name: string }): Claim | undefined {
    return this.#claims.get(keyOf(key));
  }

  volume(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  assume({ matched }: VolumePlan): void {
    for (const { claim, volume } of matched) this.#assumed.set(volume.metadata.name, keyOf(claim.metadata));
  }

  forget({ matched }: VolumePlan): void {
    for (const { volume } of matched) this.#assumed.delete(volume.metadata.name);
  }

  /** A pod that uses these claims came to a node (1) or left it (-1). */
  use(claims: readonly string[], sign: 1 | -1): void {
    for (const claim of claims) {
      const users = (this.#users.get(claim) ?? 0) + sign;
      if (users > 0) this.#users.set(claim, users);
      else this.#users.delete(claim);
    }
  }

  /** `podsOn`: who is on a node. */
  needs(pod: Stored<Pod>, filters: ReadonlySet<string>, podsOn: (node: string) => Iterable<Stored<Pod>>): VolumeNeeds | Impossible {
    const claims: Claim[] = [];
    for (const { name, ephemeral } of claimsOf(pod)) {
      const claim = this.#claims.get(`${pod.metadata.namespace}/${name}`);
      const why = claim ? (unusable(claim) ?? (ephemeral && !isOf(claim, pod) ? `PVC ${claim.metadata.namespace}/${name} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)` : undefined)) : ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : `persistentvolumeclaim "${name}" not found`;
      if (why && filters.has('VolumeBinding')) return { impossible: why, plugin: 'VolumeBinding' };
      if (claim) claims.push(claim);
    }
    const bound = claims.filter(isBound);
    const open = claims.filter((claim) => !isBound(claim));
    if (filters.has('VolumeBinding') && !open.every((claim) => this.#waitsForPod(claim))) return { impossible: 'pod has unbound immediate PersistentVolumeClaims', plugin: 'VolumeBinding' };
    const lost = bound.find((claim) => !this.#volumes.has(claim.spec?.volumeName ?? ''));
    if (lost) return { impossible: `persistentvolume "${lost.spec?.volumeName}" not found`, plugin: 'VolumeZone' };
    const volumes = bound.map((claim) => this.#volumes.get(claim.spec?.volumeName ?? '') as Volume);
    const alone = claims.filter((claim) => claim.spec?.accessModes?.includes('ReadWriteOncePod'));
    const steps: readonly (readonly [plugin: string, refuse: (node: NodeFacts) => readonly Refusal[]])[] = [
      ['VolumeRestrictions', ({ name }) => (conflicts(pod, podsOn(name)) ? [DISK_IN_USE] : alone.some((claim) => this.#users.has(keyOf(claim.metadata))) ? [IN_USE] : [])],
      ['NodeVolumeLimits', ({ name }) => (this.#attachments.exceed(name, claims, podsOn) ? [TOO_MANY] : [])],
      ['VolumeBinding', (node) => this.#cannotBind(volumes, open, node)],
      ['VolumeZone', (node) => (volumes.every((volume) => inZone(volume.metadata.labels ?? {}, node.labels)) ? [] : [OTHER_ZONE])],
    ];
    const asked = steps.filter(([plugin]) => filters.has(plugin));
    return {
      refusals: (node) => {
        for (const [, refuse] of asked) {
          const refusals = refuse(node);
          if (refusals.length > 0) return refusals;
        }
        return [];
      },
      plan: (node) => {
        const plan = open.length > 0 ? this.#plan(open, node) : undefined;
        return plan && 'matched' in plan ? plan : undefined;
      },
    };
  }

  #cannotBind(volumes: readonly Volume[], open: readonly Claim[], node: NodeFacts): readonly Refusal[] {
    const here = volumes.every((volume) => isReachable(volume, node));
    const plan = this.#plan(open, node);
    return [...(here ? [] : [ELSEWHERE]), ...('matched' in plan ? [] : [plan])];
  }

  /** What a claim's volume is called by the driver that attaches it. */
  #handleOf(key: string): { readonly driver: string; readonly handle: string } | undefined {
    const claim = this.#claims.get(key);
    const source = this.#volumes.get(claim?.spec?.volumeName ?? '')?.spec?.csi;
    if (source) return { driver: source.driver, handle: source.volumeHandle };
    // One that is not there yet will be a volume of its own.
    const provisioner = claim && !claim.spec?.volumeName ? this.#classes.get(classOf(claim))?.provisioner : undefined;
    return provisioner ? { driver: provisioner, handle: `claim ${key}` } : undefined;
  }

  #waitsForPod(claim: Claim): boolean {
    return !claim.spec?.volumeName && this.#classes.get(classOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer';
  }

  /** The smallest volume that will do for each claim, smallest claims first; else provisioning. Or why the node cannot. */
  #plan(open: readonly Claim[], node: NodeFacts): VolumePlan | Refusal {
    const matched: { claim: Claim; volume: Volume }[] = [];
    const provisioned: Claim[] = [];
    for (const claim of open.toSorted((a, b) => bySize(a.spec?.resources?.requests?.['storage'], b.spec?.resources?.requests?.['storage']))) {
      const selected = claim.metadata.annotations?.[SELECTED_NODE];
      if (selected !== undefined && selected !== node.name) return NO_VOLUME;
      const volume = selected === undefined ? this.#matching(claim, node, matched) : undefined;
      if (volume) matched.push({ claim, volume });
      else provisioned.push(claim);
    }
    for (const claim of provisioned) {
      if (!this.#provisions(claim, node)) return NO_VOLUME;
      if (!this.#hasSpace(claim, node)) return NO_SPACE;
    }
    return { matched, provisioned };
  }

  /** Drivers that tell how much room they have say so by node. */
  #hasSpace(claim: Claim, { labels }: NodeFacts): boolean {
    const className = classOf(claim);
    const driver = this.#drivers.get(this.#classes.get(className)?.provisioner ?? '');
    const wanted = claim.spec?.resources?.requests?.['storage'];
    if (!driver?.spec.storageCapacity || wanted === undefined) return true;
    for (const { storageClassName, nodeTopology, capacity, maximumVolumeSize } of this.#capacities.values()) {
      const most = maximumVolumeSize ?? capacity;
      if (storageClassName === className && most !== undefined && bySize(most, wanted) >= 0 && nodeTopology && matchesLabels(compiled(nodeTopology), labels)) return true;
    }
    return false;
  }

  #matching(claim: Claim, node: NodeFacts, taken: readonly { readonly volume: Volume }[]): Volume | undefined {
    let best: Volume | undefined;
    for (const volume of this.#volumes.values()) {
      if (taken.some((one) => one.volume === volume) || !suits(volume, claim) || !isReachable(volume, node)) continue;
      const assumed = this.#assumed.get(volume.metadata.name);
      if (assumed !== undefined && assumed !== keyOf(claim.metadata)) continue;
      if (volume.spec?.claimRef) return volume;
      if (!best || bySize(volume.spec?.capacity?.['storage'], best.spec?.capacity?.['storage']) < 0) best = volume;
    }
    return best;
  }

  #provisions(claim: Claim, node: NodeFacts): boolean {
    const storageClass = this.#classes.get(classOf(claim));
    if (!storageClass?.provisioner || storageClass.provisioner === NO_PROVISIONER) return false;
    const { allowedTopologies = [] } = storageClass;
    const allows = ({ matchLabelExpressions = [] }: (typeof allowedTopologies)[number]): boolean => matchLabelExpressions.every(({ key, values }) => values.includes(node.labels[key] ?? ''));
    return allowedTopologies.length === 0 || allowedTopologies.some(allows);
  }
}

function unusable({ metadata, spec, status }: Claim): string | undefined {
  if (status?.phase === 'Lost') return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${spec?.volumeName ?? ''}"`;
  return metadata.deletionTimestamp ? `persistentvolumeclaim "${metadata.name}" is being deleted` : undefined;
}

function isOf({ metadata }: Claim, pod: Stored<Pod>): boolean {
  return metadata.ownerReferences?.some(({ controller, uid }) => controller && uid === pod.metadata.uid) ?? false;
}

export function isBound({ metadata, spec }: Claim): boolean {
  return Boolean(spec?.volumeName) && metadata.annotations?.[BIND_COMPLETED] !== undefined;
}

function suits({ metadata, spec, status }: Volume, claim: Claim): boolean {
  const wanted = claim.spec;
  if (metadata.deletionTimestamp || status?.phase !== 'Available' || (spec?.storageClassName ?? '') !== classOf(claim)) return false;
  const { claimRef } = spec ?? {};
  if (claimRef && !(claimRef.namespace === claim.metadata.namespace && claimRef.name === claim.metadata.name && (!claimRef.uid || claimRef.uid === claim.metadata.uid))) return false;
  if ((spec?.volumeMode ?? 'Filesystem') !== (wanted?.volumeMode ?? 'Filesystem')) return false;
  if (bySize(spec?.capacity?.['storage'], wanted?.resources?.requests?.['storage']) < 0) return false;
  if (wanted?.selector && !matchesLabels(compiled(wanted.selector), metadata.labels)) return false;
  return (wanted?.accessModes ?? []).every((mode) => spec?.accessModes?.includes(mode));
}

export function isReachable({ spec }: Volume, node: NodeFacts): boolean {
  const required = spec?.nodeAffinity?.required;
  return !required || matchesNodeSelector(required, node.labels, '');
}

/** A node without any such label has no zones to speak of. */
function inZone(volume: Labels, node: Labels): boolean {
  if (!ZONE_KEYS.some((key) => node[key] !== undefined)) return true;
  return ZONE_KEYS.every((key) => volume[key] === undefined || volume[key].split('__').includes(node[key] ?? node[GA_KEYS[key] ?? ''] ?? ''));
}

function classOf({ metadata, spec }: Claim): string {
  return metadata.annotations?.[CLASS_ANNOTATION] ?? spec?.storageClassName ?? '';
}

function bySize(a: string | undefined, b: string | undefined): number {
  const [left, right] = [parseQuantity(a ?? '0'), parseQuantity(b ?? '0')];
  return left && right ? compareQuantities(left, right) : 0;
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
