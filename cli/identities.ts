/** Who the components of one process are when they use the in-process door. */
import type { UserInfo } from '../apiserver/auth/auth.ts';
import { identityOf } from './credentials.ts';

export function userOf(who: string): UserInfo {
  const { commonName, organizations } = identityOf(who);
  return { name: commonName, groups: [...organizations, 'system:authenticated'] };
}

/** Each controller acts as a ServiceAccount of its own. */
export function controllerUser(name: string): UserInfo {
  const namespace = 'kube-system';
  return { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] };
}
