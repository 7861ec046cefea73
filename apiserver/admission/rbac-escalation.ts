/** Nobody writes a role or a binding that gives more than he has. Upstream's storage does this; here it is the last mutating step. */
import type { ClusterAuthorizer } from '../auth/authorizer.ts';
import { checkEscalation } from '../auth/escalation.ts';
import type { AdmissionPlugin } from './admission.ts';

const RESOURCES: readonly string[] = ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'];

export function rbacEscalation(authorizer: ClusterAuthorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    handles: ({ operation, kind, subresource, object }) =>
      kind.group === 'rbac.authorization.k8s.io' && RESOURCES.includes(kind.plural) && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE') && object !== undefined,
    mutate({ user, kind, namespace, name, object, old, operation }) {
      if (!object) return undefined;
      return checkEscalation({ user, resource: kind.plural, namespace, name: operation === 'CREATE' ? '' : name, object, old }, { rbac: authorizer.rbac, authorize: (attributes) => authorizer.authorize(attributes) });
    },
  };
}
