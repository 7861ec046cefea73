/**
 * Reviews: questions that are asked by creating an object, answered in its status and stored nowhere.
 *
 * Each handler is a function of the body (hub version, decoded and defaulted), who asks, and whom to ask. The core decodes,
 * runs admission, calls `review` and renders what comes back with 201; it adds managedFields as for other objects.
 */
import type { ApiObject } from '../../api/kind.ts';
import { badRequest } from '../../api/status.ts';
import type { UserInfo } from '../auth/auth.ts';
import { bearerToken } from '../auth/authenticator.ts';
import { localSubjectAccessReview, selfSubjectAccessReview, subjectAccessReview } from './access-review.ts';
import { selfSubjectRulesReview } from './rules-review.ts';
import type { ReviewRequest, ReviewDependencies } from './review-request.ts';

export type ReviewHandler = (request: ReviewRequest, dependencies: ReviewDependencies) => Promise<ApiObject>;

/** By plural: all of them are in authentication.k8s.io or authorization.k8s.io. */
export const reviews: Readonly<Record<string, ReviewHandler>> = {
  tokenreviews: tokenReview,
  selfsubjectreviews: selfSubjectReview,
  subjectaccessreviews: subjectAccessReview,
  localsubjectaccessreviews: localSubjectAccessReview,
  selfsubjectaccessreviews: selfSubjectAccessReview,
  selfsubjectrulesreviews: selfSubjectRulesReview,
};

/** A user as the API shows him. */
function shown({ name, uid, groups, extra }: UserInfo): Record<string, unknown> {
  return {
    ...(name && { username: name }),
    ...(uid && { uid }),
    ...(groups.length > 0 && { groups }),
    ...(extra && Object.keys(extra).length > 0 && { extra }),
  };
}

/** It is a new object in which nothing of the question is left. */
async function selfSubjectReview({ user, object: { apiVersion, kind } }: ReviewRequest, { authenticator }: ReviewDependencies): Promise<ApiObject> {
  const creationTimestamp = new Date(authenticator.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  return { apiVersion, kind, metadata: { creationTimestamp }, status: { userInfo: shown(user) } };
}

async function tokenReview({ object: asked }: ReviewRequest, { authenticator }: ReviewDependencies): Promise<ApiObject> {
  // A namespace is not refused here, and not shown either.
  const { namespace: _, ...metadata } = asked.metadata;
  const object: ApiObject = { ...asked, metadata };
  const { token, audiences } = (object['spec'] ?? {}) as { token?: string; audiences?: string[] };
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  const said = (object['status'] ?? {}) as { user?: object; audiences?: string[]; error?: string };
  // What the question said stays where the answer says nothing.
  const refused = (error = said.error): ApiObject => ({ ...object, status: { user: said.user ?? {}, ...(said.audiences?.length && { audiences: said.audiences }), ...(error && { error }) } });
  // It is read as a header would be, in which a blank ends a token.
  const bearer = bearerToken(`Bearer ${token}`);
  // Who shows nothing is nobody, where nobody may come.
  if (bearer === undefined) {
    const { anonymous } = authenticator;
    return anonymous ? { ...object, status: { ...(said.error && { error: said.error }), authenticated: true, user: shown(anonymous), audiences: audiences?.length ? audiences : authenticator.audiences } } : refused();
  }
  const wanted = audiences?.length ? audiences : authenticator.audiences;
  try {
    const verified = await authenticator.authenticateToken(bearer, wanted);
    return { ...object, status: { authenticated: true, user: shown(verified.user), audiences: verified.audiences } };
  } catch (error) {
    return refused((error as Error).message);
  }
}
