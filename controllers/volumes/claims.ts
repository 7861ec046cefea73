/** What claims, volumes and classes say of each other. Pure. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types/core.v1.ts';
import type { StorageClass } from '../../api/types/storage.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { Cache } from '../../client/client.ts';

export type StoredClaim = Stored<PersistentVolumeClaim>;
export type StoredVolume = Stored<PersistentVolume>;
export type StoredClass = Stored<StorageClass>;

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
export const PROVISIONER = 'volume.kubernetes.io/storage-provisioner';
export const OLDER_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner';
const CLASS = 'volume.beta.kubernetes.io/storage-class';
const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'] as const;

export function annotation({ metadata }: { readonly metadata: object }, key: string): string | undefined {
  return (metadata as { readonly annotations?: Readonly<Record<string, string>> }).annotations?.[key];
}

/** '' where it has none. */
export function classOf(object: StoredClaim | StoredVolume): string {
  return annotation(object, CLASS) ?? object.spec?.storageClassName ?? '';
}

/** Whether somebody chose a class, be it none. */
export function hasClass(claim: StoredClaim): boolean {
  return annotation(claim, CLASS) !== undefined || claim.spec?.storageClassName !== undefined;
}

/** The newest of those marked; of two made at once the first by name. */
export function defaultClass(classes: readonly StoredClass[]): StoredClass | undefined {
  const marked = classes.filter((one) => DEFAULT_CLASS.some((key) => annotation(one, key) === 'true'));
  return marked.toSorted((a, b) => b.metadata.creationTimestamp.localeCompare(a.metadata.creationTimestamp) || a.metadata.name.localeCompare(b.metadata.name))[0];
}

/** Whether the volume is meant for this claim: by name, and by uid where it has one. */
export function isFor(volume: StoredVolume, { metadata }: StoredClaim): boolean {
  const ref = volume.spec?.claimRef;
  return ref !== undefined && ref.name === metadata.name && ref.namespace === metadata.namespace && (!ref.uid || ref.uid === metadata.uid);
}

export function claimKey(volume: StoredVolume): string | undefined {
  const ref = volume.spec?.claimRef;
  return ref && `${ref.namespace}/${ref.name}`;
}

/** Bound no sooner than a pod that uses it has been placed. */
export function waitsForConsumer(claim: StoredClaim, classes: Cache<StorageClass>): boolean {
  const name = classOf(claim);
  return name !== '' && classes.get({ name })?.volumeBindingMode === 'WaitForFirstConsumer';
}
