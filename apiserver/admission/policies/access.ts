/** What `authorizer` answers inside expressions: the cluster's own authorizers, each question asked once per request. */
import type { CelAccess, CelAuthorizer, CelDecision } from '../../../api/cel/cel.ts';
import type { Decision, UserInfo } from '../../auth/auth.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';

export class AccessAnswers implements CelAuthorizer {
  readonly #authorizer: ClusterAuthorizer;
  readonly #user: UserInfo;
  readonly #known = new Map<string, CelDecision>();

  constructor(authorizer: ClusterAuthorizer, user: UserInfo) {
    this.#authorizer = authorizer;
    this.#user = user;
  }

  decide(question: CelAccess): CelDecision {
    const key = JSON.stringify(question);
    let known = this.#known.get(key);
    if (!known) this.#known.set(key, (known = this.#ask(question)));
    return known;
  }

  #ask({ verb, serviceAccount, path = '', group = '', version = '*', resource = '', subresource = '', namespace = '', name = '', fieldSelector }: CelAccess): CelDecision {
    const user = serviceAccount ? accountUser(serviceAccount) : this.#user;
    try {
      const answer: Decision = this.#authorizer.authorizeNow({
        user, verb, group, version: resource === '' ? '' : version, resource, subresource, namespace, name, path, ...(fieldSelector !== undefined && { fieldSelector }),
      });
      return { allowed: answer.decision === 'allow', reason: answer.reason };
    } catch (error) {
      return { allowed: false, error: (error as Error).message };
    }
  }
}

function accountUser({ namespace, name }: NonNullable<CelAccess['serviceAccount']>): UserInfo {
  return { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] };
}
