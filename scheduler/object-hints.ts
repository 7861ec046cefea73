/**
 * Which changes of volumes, claims, classes and devices may help a pod that a filter refused. Whose removal is not named here helps nobody.
 *
 * Provenance: the queueing hints of the volume plugins and of DynamicResources in kube-scheduler v1.36.
 */
import { milliValue, parseQuantity } from '../api/quantity.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../api/types/core.v1.ts';
import type { DeviceClass, ResourceClaim } from '../api/types/resource.v1.ts';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass } from '../api/types/storage.v1.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual } from '../std/deep.ts';
import type { Hint } from './hints.ts';

export type Hints = ReadonlyMap<string, Hint>;
/** `before` is undefined where the object is new. */
export type HintsOf<T> = (object: Stored<T>, before: Stored<T> | undefined) => Hints;

const ALWAYS: Hint = () => true;
const NOBODY: Hints = new Map();
const ZONE_LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region', 'failure-domain.beta.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/region'];
const MIGRATED = 'storage.alpha.kubernetes.io/migrated-plugins';

export const claimHints: HintsOf<PersistentVolumeClaim> = ({ metadata }, before) => {
  const key = `${metadata.namespace}/${metadata.name}`;
  const uses: Hint = ({ claims }) => claims.includes(key);
  const filters = before ? ['VolumeBinding', 'VolumeZone'] : ['VolumeBinding', 'VolumeZone', 'VolumeRestrictions', 'NodeVolumeLimits'];
  return new Map(filters.map((filter) => [filter, uses]));
};

export const volumeHints: HintsOf<PersistentVolume> = (volume, before) => {
  const isMoved = !before || ZONE_LABELS.some((label) => before.metadata.labels?.[label] !== volume.metadata.labels?.[label]);
  return new Map([['VolumeBinding', ALWAYS], ...(isMoved ? ([['VolumeZone', ALWAYS]] as const) : [])]);
};

export const classHints: HintsOf<StorageClass> = (one, before) => {
  const hints = new Map<string, Hint>();
  if (!before || !deepEqual(before.allowedTopologies, one.allowedTopologies)) hints.set('VolumeBinding', ALWAYS);
  if (!before && one.volumeBindingMode === 'WaitForFirstConsumer') hints.set('VolumeZone', ALWAYS);
  return hints;
};

export const csiNodeHints: HintsOf<CSINode> = (node, before) => {
  const hints = new Map<string, Hint>();
  if (!before || before.metadata.annotations?.[MIGRATED] !== node.metadata.annotations?.[MIGRATED]) hints.set('VolumeBinding', ALWAYS);
  const limitOf = (of: Stored<CSINode> | undefined, driver: string): number => of?.spec.drivers.find(({ name }) => name === driver)?.allocatable?.count ?? 0;
  if (before && node.spec.drivers.some(({ name }) => limitOf(node, name) > limitOf(before, name))) hints.set('NodeVolumeLimits', ALWAYS);
  return hints;
};

export const driverHints: HintsOf<CSIDriver> = ({ metadata, spec }, before) => {
  if (!before?.spec.storageCapacity || spec.storageCapacity) return NOBODY;
  return new Map<string, Hint>([['VolumeBinding', (_demand, _profile, pod) => pod.spec.volumes?.some(({ csi }) => csi?.driver === metadata.name) ?? false]]);
};

export const capacityHints: HintsOf<CSIStorageCapacity> = (capacity, before) => {
  const [now, old] = [limitOf(capacity), before && limitOf(before)];
  return !before || (now !== undefined && (old === undefined || now > old)) ? new Map([['VolumeBinding', ALWAYS]]) : NOBODY;
};

/** A volume was taken off a node. */
export const detachedHints: Hints = new Map<string, Hint>([['NodeVolumeLimits', (_demand, _profile, pod) => pod.spec.volumes?.some(({ persistentVolumeClaim }) => persistentVolumeClaim) ?? false]]);

export const deviceClaimHints: HintsOf<ResourceClaim> = (claim, before) => {
  // What one gives up is there for all.
  if (before?.status?.allocation && !claim.status?.allocation) return new Map([['DynamicResources', ALWAYS]]);
  if (before && deepEqual(before.status, claim.status)) return NOBODY;
  const { namespace, name } = claim.metadata;
  return new Map<string, Hint>([
    ['DynamicResources', (_demand, _profile, { metadata, spec, status }) => {
      const own = [...(spec.resourceClaims ?? []), ...(status?.resourceClaimStatuses ?? [])].map(({ resourceClaimName }) => resourceClaimName);
      return metadata.namespace === namespace && own.includes(name);
    }],
  ]);
};

/** A class may stand in for a resource that nodes have too little of. */
export const deviceClassHints: HintsOf<DeviceClass> = ({ metadata, spec }) => {
  const names = [`deviceclass.resource.kubernetes.io/${metadata.name}`, ...(spec.extendedResourceName ? [spec.extendedResourceName] : [])];
  return new Map<string, Hint>([
    ['DynamicResources', ALWAYS],
    ['NodeResourcesFit', ({ requests }) => names.some((name) => (requests.get(name) ?? 0) > 0)],
  ]);
};

export const deviceHints: HintsOf<unknown> = () => new Map([['DynamicResources', ALWAYS]]);

function limitOf({ maximumVolumeSize, capacity }: Stored<CSIStorageCapacity>): number | undefined {
  const text = maximumVolumeSize ?? capacity;
  const parsed = text === undefined ? undefined : parseQuantity(text);
  return parsed && milliValue(parsed);
}
