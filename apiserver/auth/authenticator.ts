/** Who asks: client certificate first, then the bearer token; nobody is system:anonymous. */
import type { PeerCertificate } from 'node:tls';
import type { Clock } from '../../std/clock.ts';
import type { ApiError } from '../../api/status.ts';
import type { Credentials, UserInfo } from './auth.ts';
import { ANONYMOUS } from './auth.ts';
import { bootstrapTokenUser } from './bootstrap-tokens.ts';
import { unauthorized } from './denial.ts';
import type { Reader } from './reader.ts';
import type { ServiceAccountTokens, VerifiedToken } from './service-account-tokens.ts';
import { parseStaticTokens } from './static-tokens.ts';

export interface AuthenticationOptions {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly tokens: ServiceAccountTokens;
  /** The text of a static token file: `token,user,uid,"group1,group2"` per line. */
  readonly staticTokens?: string;
}

export interface RequestAuthenticator {
  /** ANONYMOUS without credentials; throws `ApiError` 401 when there are some and nobody vouches for them. */
  authenticate(credentials: Credentials): Promise<UserInfo> | UserInfo;
  /** For TokenReview: the user of a bearer token for these audiences; throws with the reason when it does not hold. */
  authenticateToken(token: string, audiences: readonly string[]): Promise<VerifiedToken> | VerifiedToken;
  /** What a token is for when nobody says. */
  readonly audiences: readonly string[];
  /** By which tokens end; answers about users are dated by it. */
  readonly clock: Pick<Clock, 'now'>;
}

export function createAuthenticator({ reader, clock, tokens, staticTokens = '' }: AuthenticationOptions): RequestAuthenticator {
  const fixed = parseStaticTokens(staticTokens);

  function authenticateToken(token: string, audiences: readonly string[]): Promise<VerifiedToken> | VerifiedToken {
    const known = fixed.get(token) ?? bootstrapTokenUser(token, reader, clock.now());
    const own = audiences.filter((audience) => tokens.audiences.includes(audience));
    if (known && own.length > 0) return { user: withGroup(known), audiences: own };
    const verified = tokens.verify(token, audiences);
    return verified instanceof Promise ? verified.then(finish) : finish(verified);
  }

  return {
    audiences: tokens.audiences,
    clock,
    authenticateToken,
    authenticate({ certificate, authorization }) {
      if (certificate?.subject?.CN) return withGroup(certificateUser(certificate));
      const token = bearerToken(authorization);
      if (token === undefined) return ANONYMOUS;
      try {
        const answer = authenticateToken(token, tokens.audiences);
        return answer instanceof Promise ? answer.then(({ user }) => user, refuse) : answer.user;
      } catch (error) {
        return refuse(error);
      }
    },
  };
}

/** Why a token does not hold is nobody's business but the log's. */
function refuse(cause: unknown): never {
  const error: ApiError = unauthorized();
  error.cause = cause;
  throw error;
}

function finish(verified: VerifiedToken | undefined): VerifiedToken {
  if (!verified) throw new Error('invalid bearer token');
  return { ...verified, user: withGroup(verified.user) };
}

/** Undefined when the header is absent or of another scheme. */
export function bearerToken(authorization: string | undefined): string | undefined {
  const [scheme = '', token = ''] = (authorization ?? '').trim().split(' ');
  return scheme.toLowerCase() === 'bearer' && token !== '' ? token : undefined;
}

/** Common name → user, organizations → groups. */
export function certificateUser(certificate: Pick<PeerCertificate, 'subject' | 'fingerprint256'>): UserInfo {
  const subject = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  const name = Array.isArray(subject.CN) ? (subject.CN.at(-1) ?? '') : (subject.CN ?? '');
  const groups = subject.O === undefined ? [] : [subject.O].flat();
  const credential = `X509SHA256=${(certificate.fingerprint256 ?? '').replaceAll(':', '').toLowerCase()}`;
  return { name, groups, extra: { 'authentication.kubernetes.io/credential-id': [credential] } };
}

/** Everybody who is somebody is in system:authenticated. */
function withGroup(user: UserInfo): UserInfo {
  if (user.name === ANONYMOUS.name || user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}
