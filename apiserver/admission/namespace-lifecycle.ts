/** Nothing is created where there is no namespace or one that is going; three namespaces stay for ever. */
import { namespaces } from '../../api/resources.ts';
import { ApiError, notFound } from '../../api/status.ts';
import type { Namespace } from '../../api/types/core.v1.ts';
import type { Clock } from '../../std/clock.ts';
import type { Reader, Stored } from '../auth/reader.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';
import { isAbout, refused } from './refuse.ts';

const IMMORTAL: readonly string[] = ['default', 'kube-system', 'kube-public'];
/** For so long after its deletion a namespace is looked up past the cache, which may still show it active. */
const DISTRUST_MS = 30_000;
/** So many deletions are remembered; the oldest is forgotten. */
const DISTRUSTED_LIMIT = 100;

export function namespaceLifecycle({ reader, clock }: { readonly reader: Reader; readonly clock: Clock }): AdmissionPlugin {
  const deletedAt = new Map<string, number>();
  return {
    name: 'NamespaceLifecycle',
    handles: ({ operation, namespace, kind }) => operation !== 'CONNECT' && (namespace !== '' || (kind.group === '' && kind.plural === 'namespaces')),
    mutate(request) {
      if (request.kind.group === '' && request.kind.plural === 'namespaces') {
        if (request.operation !== 'DELETE') return undefined;
        if (IMMORTAL.includes(request.name)) throw refused(request, 'this namespace may not be deleted');
        deletedAt.delete(request.name);
        deletedAt.set(request.name, clock.now());
        if (deletedAt.size > DISTRUSTED_LIMIT) deletedAt.delete(deletedAt.keys().next().value as string);
        return undefined;
      }
      if (request.operation === 'DELETE' || isAbout(request, 'authorization.k8s.io/localsubjectaccessreviews')) return undefined;
      const cached = reader.get(namespaces, '', request.namespace);
      const distrusted = cached?.status?.phase !== 'Terminating' && clock.now() - (deletedAt.get(request.namespace) ?? -Infinity) < DISTRUST_MS;
      if (cached && !distrusted) return check(request, cached);
      return reader.getFresh(namespaces, '', request.namespace).then((fresh) => check(request, fresh));
    },
  };
}

function check(request: AdmissionRequest, namespace: Stored<Namespace> | undefined): void {
  if (!namespace) throw notFound({ group: '', resource: 'namespaces', name: request.namespace });
  if (request.operation !== 'CREATE' || namespace.status?.phase !== 'Terminating') return;
  const error = refused(request, `unable to create new content in namespace ${request.namespace} because it is being terminated`);
  const cause = { reason: 'NamespaceTerminating', message: `namespace ${request.namespace} is being terminated`, field: 'metadata.namespace' };
  const { code, reason, message, details } = error.status;
  throw new ApiError({ code, reason: reason ?? '', message: message ?? '', details: { ...details, causes: [cause] } });
}
