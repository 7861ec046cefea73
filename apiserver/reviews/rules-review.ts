/** SelfSubjectRulesReview: what may I do in this namespace? */
import type { ApiObject } from '../../api/kind.ts';
import { badRequest } from '../../api/status.ts';
import { nodeOf } from '../auth/node-authorizer.ts';
import type { ReviewDependencies, ReviewRequest } from './review-request.ts';

export async function selfSubjectRulesReview({ user, object }: ReviewRequest, { authorizer }: ReviewDependencies): Promise<ApiObject> {
  const namespace = ((object['spec'] ?? {}) as { namespace?: string }).namespace ?? '';
  if (namespace === '') throw badRequest('no namespace on request');
  const { resource, nonResource, incomplete } = authorizer.rulesFor(user, namespace);
  // What a node may do depends on its pods and cannot be listed.
  const node = nodeOf(user) !== undefined;
  const problems = [...(node ? ['node authorizer does not support user rule resolution'] : []), ...(incomplete ? [incomplete] : [])];
  return {
    ...object,
    metadata: {},
    spec: {},
    status: {
      resourceRules: resource,
      nonResourceRules: nonResource,
      incomplete: problems.length > 0,
      ...(problems.length > 0 && { evaluationError: problems.length === 1 ? problems[0] : `[${problems.join(', ')}]` }),
    },
  };
}
