/** PersistentVolumeClaimResize: only a bound claim of a class that allows it may grow. */
import { compareQuantities, parseQuantity, zeroQuantity } from '../../api/quantity.ts';
import { storageclasses } from '../../api/resources.ts';
import type { PersistentVolumeClaim } from '../../api/types/core.v1.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { OLD_CLASS_ANNOTATION } from './default-storage-class.ts';
import { isAbout, refused } from './refuse.ts';

export function claimResize(reader: Reader): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (request) => request.operation === 'UPDATE' && isAbout(request, 'persistentvolumeclaims'),
    validate(request) {
      const claim = request.object as unknown as PersistentVolumeClaim;
      const old = request.old as unknown as PersistentVolumeClaim;
      if (compareQuantities(size(claim), size(old)) <= 0) return;
      if (old.status?.phase !== 'Bound') throw refused(request, 'Only bound persistent volume claims can be expanded');
      const name = classOf(claim);
      if (!name || name !== classOf(old) || !reader.get(storageclasses, '', name)?.allowVolumeExpansion) {
        throw refused(request, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
      }
    },
  };
}

function size(claim: PersistentVolumeClaim): typeof zeroQuantity {
  return parseQuantity(String(claim.spec?.resources?.requests?.['storage'] ?? '')) ?? zeroQuantity;
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[OLD_CLASS_ANNOTATION] ?? spec?.storageClassName ?? '';
}
