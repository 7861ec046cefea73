/** DefaultIngressClass: an Ingress that names no class gets the default one, when there is one. */
import { ingressclasses } from '../../api/resources.ts';
import type { Ingress } from '../../api/types/networking.v1.ts';
import type { Reader } from '../auth/reader.ts';
import type { AdmissionPlugin } from './admission.ts';
import { compare } from './default-storage-class.ts';
import { isAbout } from './refuse.ts';

export function defaultIngressClass(reader: Reader): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: (request) => request.operation === 'CREATE' && isAbout(request, 'networking.k8s.io/ingresses'),
    mutate(request) {
      const ingress = request.object as unknown as Ingress;
      if (ingress.spec?.ingressClassName !== undefined || ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
      const marked = reader.list(ingressclasses).filter(({ metadata }) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true');
      // The newest wins, then the first by name.
      marked.sort((a, b) => compare(b.metadata.creationTimestamp ?? '', a.metadata.creationTimestamp ?? '') || compare(a.metadata.name, b.metadata.name));
      if (marked[0]) (ingress.spec ??= {}).ingressClassName = marked[0].metadata.name;
    },
  };
}
