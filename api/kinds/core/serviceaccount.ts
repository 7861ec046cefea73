/** ServiceAccounts. */
import type { ServiceAccount } from '../../types/core.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME } from '../shared/columns.ts';

const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets';

export const serviceaccount = rulesFor<ServiceAccount>({
  updates: 'changes, then all',
  strategy: {
    prepareForCreate: onlyNames,
    prepareForUpdate: onlyNames,
    warnings(object, old) {
      if (old?.metadata.annotations?.[MOUNTABLE] !== undefined || object.metadata.annotations?.[MOUNTABLE] === undefined) return [];
      return [`metadata.annotations[${MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`];
    },
  },
  columns: [NAME, AGE],
});

/** Of a reference to a secret only the name means something. */
function onlyNames(object: ServiceAccount): void {
  if (object.secrets) object.secrets = object.secrets.map(({ name }) => (name ? { name } : {}));
}
