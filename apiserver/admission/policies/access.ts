/** What `authorizer` answers inside expressions: the cluster's own authorizers, each question asked once per request. */
import type { CelAccess, CelAuthorizer, CelDecision } from '../../../api/cel/cel.ts';
import type { Decision, UserInfo } from '../../auth/auth.ts';
import type { ClusterAuthorizer } from '../../auth/authorizer.ts';

/** An expression is evaluated at most so often: each time, one more answer may have had to be waited for. */
const ROUNDS_LIMIT = 16;

export class AccessAnswers implements CelAuthorizer {
  readonly #authorizer: ClusterAuthorizer;
  readonly #user: UserInfo;
  readonly #known = new Map<string, CelDecision>();
  readonly #awaited: Promise<void>[] = [];

  constructor(authorizer: ClusterAuthorizer, user: UserInfo) {
    this.#authorizer = authorizer;
    this.#user = user;
  }

  /** Runs what may ask, and again when an answer had to be waited for meanwhile: nothing waits inside an expression. */
  async answered<T>(run: () => T): Promise<T> {
    for (let round = 1; ; round++) {
      const result = run();
      if (this.#awaited.length === 0 || round >= ROUNDS_LIMIT) return result;
      await Promise.all(this.#awaited.splice(0));
    }
  }

  decide(question: CelAccess): CelDecision {
    const key = JSON.stringify(question);
    const known = this.#known.get(key);
    if (known) return known;
    const answer = this.#ask(question);
    if (answer instanceof Promise) {
      this.#awaited.push(answer.then((decision) => void this.#known.set(key, decision)));
      return { allowed: false, error: 'the answer is waited for' };
    }
    this.#known.set(key, answer);
    return answer;
  }

  #ask({ verb, serviceAccount, path = '', group = '', version = '*', resource = '', subresource = '', namespace = '', name = '', fieldSelector }: CelAccess): CelDecision | Promise<CelDecision> {
    const user = serviceAccount ? accountUser(serviceAccount) : this.#user;
    const told = ({ decision, reason, error }: Decision): CelDecision => ({ allowed: decision === 'allow', reason, ...(error && { error }) });
    const failed = (error: unknown): CelDecision => ({ allowed: false, error: (error as Error).message });
    try {
      const answer = this.#authorizer.authorize({
        user, verb, group, version: resource === '' ? '' : version, resource, subresource, namespace, name, path, ...(fieldSelector !== undefined && { fieldSelector }),
      });
      return answer instanceof Promise ? answer.then(told, failed) : told(answer);
    } catch (error) {
      return failed(error);
    }
  }
}

function accountUser({ namespace, name }: NonNullable<CelAccess['serviceAccount']>): UserInfo {
  return { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] };
}
