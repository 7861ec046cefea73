/** ClusterRoles: rules of their own, or those of other ClusterRoles put together. */
import { type FieldError, Path, invalid, required } from '../../field-error.ts';
import type { ClusterRole } from '../../types/rbac.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { checkLabelSelector, isMalformed } from '../shared/label-selector.ts';
import { checkPolicyRules, rbacName } from './policy-rules.ts';

export const clusterrole = rulesFor<ClusterRole>({
  updates: 'all, then changes',
  strategy: {
    createOnUpdate: true,
    validateName: rbacName,
    validate: (object) => [...checkPolicyRules(object.rules, false), ...checkAggregation(object)],
  },
});

function checkAggregation({ aggregationRule }: ClusterRole): FieldError[] {
  if (!aggregationRule) return [];
  const path = Path.of('aggregationRule', 'clusterRoleSelectors');
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) return [required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil')];
  return selectors.flatMap((selector, at) => [
    ...checkLabelSelector(selector, path.index(at)),
    ...(isMalformed(selector) ? [invalid(path.index(at), null, 'invalid label selector.')] : []),
  ]);
}
