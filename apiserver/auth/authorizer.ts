/** All authorizers in their order: system:masters, nodes, RBAC. The first that allows decides. */
import type { Attributes, Authorizer, Decision } from './auth.ts';
import { createNodeAuthorizer } from './node-authorizer.ts';
import type { RbacAuthorizer } from './rbac.ts';
import { createRbacAuthorizer } from './rbac.ts';
import type { Reader } from './reader.ts';

export interface ClusterAuthorizer extends Authorizer {
  authorize(attributes: Attributes): Decision;
  readonly rbac: RbacAuthorizer;
}

export function createAuthorizer(reader: Reader): ClusterAuthorizer {
  const nodes = createNodeAuthorizer(reader);
  const rbac = createRbacAuthorizer(reader);
  return {
    rbac,
    authorize(attributes) {
      if (attributes.user.groups.includes('system:masters')) return { decision: 'allow', reason: '' };
      const reasons: string[] = [];
      for (const authorizer of [nodes, rbac]) {
        const answer = authorizer.authorize(attributes) as Decision;
        if (answer.decision !== 'no-opinion') return answer;
        if (answer.reason) reasons.push(answer.reason);
      }
      return { decision: 'no-opinion', reason: reasons.join('\n') };
    },
    rulesFor(user, namespace) {
      const { resource, nonResource } = rbac.rulesFor(user, namespace);
      if (!user.groups.includes('system:masters')) return { resource, nonResource };
      return {
        resource: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, ...resource],
        nonResource: [{ verbs: ['*'], nonResourceURLs: ['*'] }, ...nonResource],
      };
    },
  };
}
