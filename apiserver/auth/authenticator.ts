/** Who asks: whom a proxy vouches for, then the client certificate, then the bearer token; nobody is system:anonymous. */
import type { PeerCertificate } from 'node:tls';
import { secrets } from '../../api/resources.ts';
import type { Clock } from '../../std/clock.ts';
import type { ApiError } from '../../api/status.ts';
import type { Credentials, UserInfo } from './auth.ts';
import { ANONYMOUS } from './auth.ts';
import { bootstrapTokenUser, isBootstrapToken } from './bootstrap-tokens.ts';
import { unauthorized } from './denial.ts';
import type { JwtAuthenticator } from './jwt/jwt-authenticator.ts';
import { EVERYBODY, type Anonymous } from './jwt/config.ts';
import type { Reader } from './reader.ts';
import type { TokenWebhook } from './token-webhook.ts';
import { requestHeaderUser, type RequestHeaderNames } from './request-header.ts';
import type { ServiceAccountTokens, VerifiedToken } from './service-account-tokens.ts';
import { parseStaticTokens } from './static-tokens.ts';

export interface AuthenticationOptions {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly tokens: ServiceAccountTokens;
  /** The text of a static token file: `token,user,uid,"group1,group2"` per line. */
  readonly staticTokens?: string;
  /** Issuers of other tokens. */
  readonly jwt?: JwtAuthenticator;
  /** Asked last of tokens. */
  readonly webhook?: TokenWebhook;
  /** Proxies that name their users in headers. */
  readonly proxy?: { readonly authorities: ReadonlySet<string>; readonly names: RequestHeaderNames };
  /** Fingerprints of the authorities of users' certificates; absent: all that the TLS layer trusts. */
  readonly authorities?: ReadonlySet<string>;
  readonly anonymous?: Anonymous;
  readonly look?: TokenLook | undefined;
}

/** Around each look at a caller's token. */
export type TokenLook = <T>(look: () => Promise<T> | T) => Promise<T> | T;

export interface RequestAuthenticator {
  /** ANONYMOUS without credentials; throws `ApiError` 401 when there are some and nobody vouches for them. */
  authenticate(credentials: Credentials): Promise<UserInfo> | UserInfo;
  /** For TokenReview: the user of a bearer token for these audiences; throws with the reason when it does not hold. */
  authenticateToken(token: string, audiences: readonly string[]): Promise<VerifiedToken> | VerifiedToken;
  /** What a token is for when nobody says. */
  readonly audiences: readonly string[];
  /** By which tokens end; answers about users are dated by it. */
  readonly clock: Pick<Clock, 'now'>;
  /** Who comes without credentials; undefined where he may not, wherever he goes. */
  readonly anonymous: UserInfo | undefined;
  /** Who may be anonymous, from now on. */
  setAnonymous(anonymous: Anonymous): void;
}

export function createAuthenticator(options: AuthenticationOptions): RequestAuthenticator {
  const { reader, clock, tokens, staticTokens = '', jwt, webhook, proxy, authorities, look = (run) => run() } = options;
  const fixed = parseStaticTokens(staticTokens);
  let anonymous = options.anonymous ?? EVERYBODY;

  function authenticateToken(token: string, audiences: readonly string[]): Promise<VerifiedToken> | VerifiedToken {
    const own = audiences.filter((audience) => tokens.audiences.includes(audience));
    const known = fixed.get(token);
    if (known && own.length > 0) return { user: withGroup(known), audiences: own };
    if (!isBootstrapToken(token) || own.length === 0) return byOthers(token, audiences, own);
    const vouched = (): UserInfo | undefined => bootstrapTokenUser(token, reader, clock.now());
    const answer = (user: UserInfo | undefined): Promise<VerifiedToken> | VerifiedToken => (user ? { user: withGroup(user), audiences: own } : byOthers(token, audiences, own));
    const user = vouched();
    return user ? answer(user) : reader.upToDate(secrets).then(() => answer(vouched()));
  }

  function byOthers(token: string, audiences: readonly string[], own: readonly string[]): Promise<VerifiedToken> | VerifiedToken {
    const verified = tokens.verify(token, audiences);
    const others = (found: VerifiedToken | undefined): Promise<VerifiedToken | undefined> | VerifiedToken | undefined => found ?? byIssuer(token, own) ?? webhook?.verify(token, audiences);
    if (verified instanceof Promise) return verified.then(others).then(finish);
    const other = others(verified);
    return other instanceof Promise ? other.then(finish) : finish(other);
  }

  /** Tokens of others are for this server. */
  function byIssuer(token: string, own: readonly string[]): Promise<VerifiedToken> | VerifiedToken | undefined {
    const user = own.length > 0 ? jwt?.verify(token) : undefined;
    return user instanceof Promise ? user.then((found) => ({ user: found, audiences: own })) : user && { user, audiences: own };
  }

  function proxied({ certificate, authority, rawHeaders }: Credentials): UserInfo | undefined {
    if (!proxy || !certificate || authority === undefined || !rawHeaders || !proxy.authorities.has(authority)) return undefined;
    const { allowedNames } = proxy.names;
    if (allowedNames.length > 0 && !allowedNames.includes(certificateUser(certificate).name)) return undefined;
    return requestHeaderUser(rawHeaders, proxy.names);
  }

  function nobody({ certificate, path }: Credentials): UserInfo {
    // A certificate that is nobody's is no reason to be taken for nobody.
    if (certificate?.subject?.CN) throw unauthorized();
    if (!anonymous.enabled || (anonymous.paths.length > 0 && !anonymous.paths.includes(path ?? ''))) throw unauthorized();
    return ANONYMOUS;
  }

  return {
    audiences: tokens.audiences,
    clock,
    authenticateToken,
    get anonymous() {
      return anonymous.enabled && anonymous.paths.length === 0 ? ANONYMOUS : undefined;
    },
    setAnonymous(next) {
      anonymous = next;
    },
    authenticate(credentials) {
      const { certificate, authority, authorization } = credentials;
      const named = proxied(credentials);
      if (named) return withGroup(named);
      if (certificate?.subject?.CN && (authority === undefined || !authorities || authorities.has(authority))) return userOf(certificate);
      const token = bearerToken(authorization);
      if (token === undefined) return nobody(credentials);
      try {
        const answer = look(() => authenticateToken(token, tokens.audiences));
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

/** The part of a subject that tells a user's uid. */
const UID_PART = '1.3.6.1.4.1.57683.2';

/** Common name → user, organizations → groups. Throws 401 on a uid that is none, or on several. */
export function certificateUser(certificate: Pick<PeerCertificate, 'subject' | 'fingerprint256'>): UserInfo {
  const subject = certificate.subject as { CN?: string | string[]; O?: string | string[]; [UID_PART]?: string | string[] };
  const uid = subject[UID_PART];
  if (uid !== undefined && (typeof uid !== 'string' || uid === '')) throw unauthorized();
  const name = Array.isArray(subject.CN) ? (subject.CN.at(-1) ?? '') : (subject.CN ?? '');
  const groups = subject.O === undefined ? [] : [subject.O].flat();
  const credential = `X509SHA256=${(certificate.fingerprint256 ?? '').replaceAll(':', '').toLowerCase()}`;
  return { name, groups, ...(uid !== undefined && { uid }), extra: { 'authentication.kubernetes.io/credential-id': [credential] } };
}

/** Users by the certificate of their connection, which shows the same one with each request. */
const users = new WeakMap<object, UserInfo>();

function userOf(certificate: Pick<PeerCertificate, 'subject' | 'fingerprint256'>): UserInfo {
  let user = users.get(certificate);
  if (!user) users.set(certificate, (user = withGroup(certificateUser(certificate))));
  return user;
}

/** Everybody who is somebody is in system:authenticated. */
function withGroup(user: UserInfo): UserInfo {
  if (user.name === ANONYMOUS.name || user.groups.includes('system:authenticated') || user.groups.includes('system:unauthenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}
