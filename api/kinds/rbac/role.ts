/** Roles. */
import type { Role } from '../../types/rbac.v1.ts';
import { rulesFor } from '../kind-rules.ts';
import { checkPolicyRules, rbacName } from './policy-rules.ts';

export const role = rulesFor<Role>({
  updates: 'all, then changes',
  strategy: { createOnUpdate: true, validateName: rbacName, validate: (object) => checkPolicyRules(object.rules, true) },
});
