/** For whom a pod's volumes have tokens made: projected ones, and those that its CSI drivers ask for. */
import { csidrivers, persistentvolumeclaims, persistentvolumes } from '../../api/resources.ts';
import type { Pod } from '../../api/types/core.v1.ts';
import type { Reader, Stored } from '../auth/reader.ts';

/** '' is the API server itself. */
export function tokenAudiences(pod: Stored<Pod>, reader: Reader): ReadonlySet<string> {
  const audiences = new Set<string>();
  for (const volume of pod.spec?.volumes ?? []) {
    for (const { serviceAccountToken } of volume.projected?.sources ?? []) if (serviceAccountToken) audiences.add(serviceAccountToken.audience ?? '');
    const claim = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined);
    const driver = volume.csi?.driver ?? (claim === undefined ? undefined : driverOf(reader, pod.metadata.namespace, claim));
    if (driver === undefined) continue;
    for (const { audience } of reader.get(csidrivers, '', driver)?.spec.tokenRequests ?? []) audiences.add(audience ?? '');
  }
  return audiences;
}

function driverOf(reader: Reader, namespace: string, claim: string): string | undefined {
  const volume = reader.get(persistentvolumeclaims, namespace, claim)?.spec?.volumeName;
  return volume ? reader.get(persistentvolumes, '', volume)?.spec?.csi?.driver : undefined;
}
