/** StorageObjectInUseProtection: volumes and claims are born with the finalizer that keeps them while they are used. */
import type { AdmissionPlugin } from './admission.ts';
import { isAbout } from './refuse.ts';

export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (request) =>
    request.operation === 'CREATE' &&
    (isAbout(request, 'persistentvolumeclaims') || isAbout(request, 'persistentvolumes') || isAbout(request, 'storage.k8s.io/volumeattributesclasses')),
  mutate(request) {
    const metadata = request.object?.metadata;
    const finalizer = FINALIZERS[request.kind.plural];
    if (metadata && finalizer && !metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  },
};

const FINALIZERS: Readonly<Record<string, string>> = {
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  persistentvolumes: 'kubernetes.io/pv-protection',
  volumeattributesclasses: 'kubernetes.io/vac-protection',
};
