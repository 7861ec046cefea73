/** DefaultStorageClass: a claim that names no class gets the default one, when there is one. */
import { storageclasses } from '../../api/resources.ts';
import type { PersistentVolumeClaim } from '../../api/types/core.v1.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { isAbout } from './refuse.ts';

const MARKS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];
export const OLD_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export function defaultStorageClass(reader: Reader): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: (request) => request.operation === 'CREATE' && isAbout(request, 'persistentvolumeclaims'),
    mutate(request) {
      const { metadata, spec } = request.object as unknown as PersistentVolumeClaim;
      if (!spec || spec.storageClassName !== undefined || metadata.annotations?.[OLD_CLASS_ANNOTATION] !== undefined) return;
      const marked = reader.list(storageclasses).filter(({ metadata: { annotations } }) => MARKS.some((mark) => annotations?.[mark] === 'true'));
      // The newest wins, then the first by name.
      marked.sort((a, b) => compare(b.metadata.creationTimestamp ?? '', a.metadata.creationTimestamp ?? '') || compare(a.metadata.name, b.metadata.name));
      if (marked[0]) spec.storageClassName = marked[0].metadata.name;
    },
  };
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
