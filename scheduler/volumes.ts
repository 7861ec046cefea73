/** Claims and volumes: whether a pod's claims can be honoured at all, and on which nodes. Follows VolumeBinding, VolumeZone and VolumeRestrictions. */
import { compareQuantities, parseQuantity } from '../api/quantity.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../api/types/core.v1.ts';
import type { StorageClass } from '../api/types/storage.v1.ts';
import type { Stored } from '../client/client.ts';
import type { Impossible, Refusal } from './filters.ts';
import { matchesNodeSelector } from './node-affinity.ts';
import type { NodeFacts } from './snapshot.ts';
import { type Labels, compiled } from './terms.ts';

type Claim = Stored<PersistentVolumeClaim>;
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
const IN_USE: Refusal = { plugin: 'VolumeRestrictions', reason: 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod', lasting: false };

export class Volumes {
  readonly #claims = new Map<string, Claim>();
  readonly #volumes = new Map<string, Volume>();
  readonly #classes = new Map<string, Stored<StorageClass>>();
  /** Volumes given to claims whose binding is under way. */
  readonly #assumed = new Map<string, string>();
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

  claim(key: { readonly namespace: string; readonly name: string }): Claim | undefined {
    return this.#claims.get(keyOf(key));
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

  /** Undefined where the pod has no claims. */
  needs(pod: Stored<Pod>): VolumeNeeds | Impossible | undefined {
    const claims: Claim[] = [];
    for (const { name, ephemeral } of claimsOf(pod)) {
      const claim = this.#claims.get(`${pod.metadata.namespace}/${name}`);
      const why = claim ? unusable(claim) : ephemeral ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"` : `persistentvolumeclaim "${name}" not found`;
      if (why) return { impossible: why, plugin: 'VolumeBinding' };
      claims.push(claim as Claim);
    }
    if (claims.length === 0) return undefined;
    const bound = claims.filter(isBound);
    const open = claims.filter((claim) => !isBound(claim));
    if (!open.every((claim) => this.#waitsForPod(claim))) return { impossible: 'pod has unbound immediate PersistentVolumeClaims', plugin: 'VolumeBinding' };
    const lost = bound.find((claim) => !this.#volumes.has(claim.spec?.volumeName ?? ''));
    if (lost) return { impossible: `persistentvolume "${lost.spec?.volumeName}" not found`, plugin: 'VolumeZone' };
    const volumes = bound.map((claim) => this.#volumes.get(claim.spec?.volumeName ?? '') as Volume);
    const busy = claims.some((claim) => claim.spec?.accessModes?.includes('ReadWriteOncePod') && this.#users.has(keyOf(claim.metadata)));
    return {
      refusals: (node) => {
        if (busy) return [IN_USE];
        const here = volumes.every((volume) => reachable(volume, node));
        const found = open.length === 0 || this.#plan(open, node) !== undefined;
        if (!here || !found) return [...(here ? [] : [ELSEWHERE]), ...(found ? [] : [NO_VOLUME])];
        return volumes.every((volume) => inZone(volume.metadata.labels ?? {}, node.labels)) ? [] : [OTHER_ZONE];
      },
      plan: (node) => (open.length > 0 ? this.#plan(open, node) : undefined),
    };
  }

  #waitsForPod(claim: Claim): boolean {
    return !claim.spec?.volumeName && this.#classes.get(classOf(claim))?.volumeBindingMode === 'WaitForFirstConsumer';
  }

  /** The smallest volume that will do for each claim, smallest claims first; else provisioning. Undefined: the node cannot. */
  #plan(open: readonly Claim[], node: NodeFacts): VolumePlan | undefined {
    const matched: { claim: Claim; volume: Volume }[] = [];
    const provisioned: Claim[] = [];
    for (const claim of open.toSorted((a, b) => bySize(a.spec?.resources?.requests?.['storage'], b.spec?.resources?.requests?.['storage']))) {
      const selected = claim.metadata.annotations?.[SELECTED_NODE];
      if (selected !== undefined && selected !== node.name) return undefined;
      const volume = selected === undefined ? this.#matching(claim, node, matched) : undefined;
      if (volume) matched.push({ claim, volume });
      else if (this.#provisions(claim, node)) provisioned.push(claim);
      else return undefined;
    }
    return { matched, provisioned };
  }

  #matching(claim: Claim, node: NodeFacts, taken: readonly { readonly volume: Volume }[]): Volume | undefined {
    let best: Volume | undefined;
    for (const volume of this.#volumes.values()) {
      if (taken.some((one) => one.volume === volume) || !suits(volume, claim) || !reachable(volume, node)) continue;
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

/** The names of the claims that a pod uses, those made for it included. */
export function claimsOf({ metadata, spec }: Stored<Pod>): { readonly name: string; readonly ephemeral: boolean }[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }): { name: string; ephemeral: boolean }[] => {
    if (persistentVolumeClaim) return [{ name: persistentVolumeClaim.claimName, ephemeral: false }];
    return ephemeral ? [{ name: `${metadata.name}-${name}`, ephemeral: true }] : [];
  });
}

function unusable({ metadata, spec, status }: Claim): string | undefined {
  if (status?.phase === 'Lost') return `persistentvolumeclaim "${metadata.name}" bound to non-existent persistentvolume "${spec?.volumeName ?? ''}"`;
  return metadata.deletionTimestamp ? `persistentvolumeclaim "${metadata.name}" is being deleted` : undefined;
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

function reachable({ spec }: Volume, node: NodeFacts): boolean {
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
