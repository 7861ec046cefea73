/** SelfSubjectRulesReview: what may I do in this namespace? */
import type { ApiObject } from '../../api/kind.ts';
import { badRequest } from '../../api/status.ts';
import { nodeOf } from '../auth/node-authorizer.ts';
import type { ReviewDependencies, ReviewRequest } from './review.ts';

export async function selfSubjectRulesReview({ user, object }: ReviewRequest, { authorizer }: ReviewDependencies): Promise<ApiObject> {
  const namespace = ((object['spec'] ?? {}) as { namespace?: string }).namespace ?? '';
  if (namespace === '') throw badRequest('no namespace on request');
  const { resource, nonResource } = authorizer.rulesFor(user, namespace);
  // What a node may do depends on its pods and cannot be listed.
  const node = nodeOf(user) !== undefined;
  return {
    ...object,
    metadata: {},
    spec: {},
    status: {
      resourceRules: resource,
      nonResourceRules: nonResource,
      incomplete: node,
      ...(node && { evaluationError: 'node authorizer does not support user rule resolution' }),
    },
  };
}
