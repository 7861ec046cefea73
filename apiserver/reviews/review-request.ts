/** What is asked of a review, and whom it may ask. */
import type { ApiObject } from '../../api/kind.ts';
import type { Authorizer, UserInfo } from '../auth/auth.ts';
import type { RequestAuthenticator } from '../auth/authenticator.ts';

export interface ReviewRequest {
  readonly user: UserInfo;
  /** '' but for LocalSubjectAccessReview. */
  readonly namespace: string;
  readonly object: ApiObject;
}

export interface ReviewDependencies {
  readonly authorizer: Authorizer;
  readonly authenticator: Pick<RequestAuthenticator, 'authenticateToken' | 'audiences' | 'clock' | 'anonymous'>;
}
