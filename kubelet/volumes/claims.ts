/** Volumes by claim: the bound PersistentVolume, where it is a path of this node. */
import { persistentvolumeclaims, persistentvolumes } from '../../api/resources.ts';
import type { Client } from '../../client/client.ts';
import { prepareHostPath } from './host-path.ts';

/** The path on the host. */
export async function prepareClaim(client: Client, namespace: string, name: string): Promise<string> {
  const claim = await client.get(persistentvolumeclaims, { namespace, name });
  const volumeName = claim.spec?.volumeName;
  if (claim.status?.phase !== 'Bound' || !volumeName) throw new Error(`PVC ${namespace}/${name} is not bound`);
  const { spec } = await client.get(persistentvolumes, { name: volumeName });
  if (spec?.hostPath) {
    await prepareHostPath(spec.hostPath.path, spec.hostPath.type);
    return spec.hostPath.path;
  }
  if (spec?.local) {
    await prepareHostPath(spec.local.path, 'Directory');
    return spec.local.path;
  }
  const known = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity', 'persistentVolumeReclaimPolicy', 'storageClassName', 'volumeAttributesClassName', 'volumeMode']);
  throw new Error(`persistent volumes of type ${Object.keys(spec ?? {}).filter((key) => !known.has(key)).join(', ') || 'unknown'} are not supported`);
}
