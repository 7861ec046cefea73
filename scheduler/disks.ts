/** Disks that pods name themselves and that only one of them may use on a node. Follows the framework's VolumeRestrictions. */
import type { Pod, Volume } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';

type Disk = DeepReadonly<Volume>;

export function hasDisks({ spec }: Stored<Pod>): boolean {
  return spec.volumes?.some(isDisk) ?? false;
}

export function conflicts(pod: Stored<Pod>, others: Iterable<Stored<Pod>>): boolean {
  const disks = (pod.spec.volumes ?? []).filter(isDisk);
  if (disks.length === 0) return false;
  for (const { spec } of others) if (spec.volumes?.some((volume) => disks.some((disk) => isSame(disk, volume)))) return true;
  return false;
}

function isDisk({ gcePersistentDisk, awsElasticBlockStore, iscsi, rbd }: Disk): boolean {
  return Boolean(gcePersistentDisk ?? awsElasticBlockStore ?? iscsi ?? rbd);
}

/** Readers may share, but for AWS. */
function isSame(a: Disk, b: Disk): boolean {
  const writes = (one: { readonly readOnly?: boolean }, other: { readonly readOnly?: boolean }): boolean => !(one.readOnly && other.readOnly);
  if (a.gcePersistentDisk && b.gcePersistentDisk) return a.gcePersistentDisk.pdName === b.gcePersistentDisk.pdName && writes(a.gcePersistentDisk, b.gcePersistentDisk);
  if (a.awsElasticBlockStore && b.awsElasticBlockStore) return a.awsElasticBlockStore.volumeID === b.awsElasticBlockStore.volumeID;
  if (a.iscsi && b.iscsi) return a.iscsi.iqn === b.iscsi.iqn && writes(a.iscsi, b.iscsi);
  if (!a.rbd || !b.rbd) return false;
  const { rbd } = b;
  return (a.rbd.pool ?? 'rbd') === (rbd.pool ?? 'rbd') && a.rbd.image === rbd.image && a.rbd.monitors.some((monitor) => rbd.monitors.includes(monitor)) && writes(a.rbd, rbd);
}
