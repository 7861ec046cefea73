/** ClusterRoleBindings. */
import type { ClusterRoleBinding } from '../../types/rbac.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { checkBinding, checkRoleRefKept, defaultBinding, rbacName, subjectColumns } from './policy-rules.ts';

export const clusterrolebinding = rulesFor<ClusterRoleBinding>({
  updates: 'all, then changes',
  defaults: defaultBinding,
  strategy: {
    createOnUpdate: true,
    validateName: rbacName,
    validate: (object) => checkBinding(object, false),
    validateUpdate: checkRoleRefKept,
  },
  columns: [NAME, text('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`), AGE, ...subjectColumns<ClusterRoleBinding>()],
});
