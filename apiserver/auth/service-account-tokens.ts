/**
 * ServiceAccount tokens: issued and verified here, bound to objects that must still be there each time one is shown.
 *
 * A signature is checked once and remembered (bounded); whether the account and the bound object still exist is asked of
 * the caches every time, so a deletion ends a token at once.
 */
import { createHash, createPrivateKey, createPublicKey, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { quoteList } from './rules.ts';
import { nodes, pods, secrets, serviceaccounts } from '../../api/resources.ts';
import type { ResourceRef } from '../../api/resources.ts';
import type { Clock } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import { uuid } from '../../std/random.ts';
import type { UserInfo } from './auth.ts';
import type { Secret } from '../../api/types/core.v1.ts';
import type { Reader, Stored } from './reader.ts';

export interface ObjectName {
  readonly name: string;
  readonly uid: string;
}

export interface IssueOptions {
  readonly namespace: string;
  readonly serviceAccount: ObjectName;
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  /** Tell of use after this time, while the token still holds. */
  readonly warnAfterSeconds?: number;
  readonly pod?: ObjectName;
  readonly secret?: ObjectName;
  /** The node alone binds the token; beside a pod it is only told. `uid` '' where the Node object is missing. */
  readonly node?: ObjectName;
}

export interface VerifiedToken {
  readonly user: UserInfo;
  /** Those of the token that were asked for. */
  readonly audiences: readonly string[];
}

export interface ServiceAccountTokens {
  readonly issuer: string;
  /** What a token is for when nobody says: this API server. */
  readonly audiences: readonly string[];
  issue(options: IssueOptions): Promise<string>;
  /** A token without end, for a Secret of type kubernetes.io/service-account-token, whose data it must be. */
  issueForSecret(options: { readonly namespace: string; readonly serviceAccount: ObjectName; readonly secretName: string }): Promise<string>;
  /** Undefined: not a token of this issuer, or for other audiences. Throws with the reason when it is one and does not hold. */
  verify(token: string, audiences: readonly string[]): Promise<VerifiedToken | undefined> | VerifiedToken | undefined;
  /** `/.well-known/openid-configuration`; `address` is host:port of the API server. */
  discovery(address: string): Record<string, unknown>;
  /** `/openid/v1/jwks` */
  jwks(): Record<string, unknown>;
}

export interface ServiceAccountSettings {
  /** The first issues; tokens of all are accepted. */
  readonly issuers?: readonly string[];
  /** Default: the first issuer. */
  readonly audiences?: readonly string[];
  /** Keys of other signers, in PEM: their tokens are accepted too. */
  readonly keyPems?: readonly string[];
  /** Where others find the keys; default: this server. */
  readonly jwksUri?: string;
}

export interface ServiceAccountTokensOptions extends ServiceAccountSettings {
  readonly privatePem: string;
  readonly publicPem: string;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of each Secret whose token was shown. */
  readonly onSecretToken?: (secret: Stored<Secret>) => void;
}

export const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local';
const LEGACY_ISSUER = 'kubernetes/serviceaccount';
/** Tokens whose signature is remembered; the oldest is forgotten. */
const REMEMBERED_LIMIT = 4096;
/** A clock that runs a little behind is forgiven, and an object may be under deletion for as long. */
const LEEWAY_MS = 60_000;
const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const CREDENTIAL = 'authentication.kubernetes.io/credential-id';

interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly 'kubernetes.io'?: {
    readonly namespace?: string;
    readonly serviceaccount?: Partial<ObjectName>;
    readonly pod?: Partial<ObjectName>;
    readonly secret?: Partial<ObjectName>;
    readonly node?: Partial<ObjectName>;
  };
  readonly 'kubernetes.io/serviceaccount/namespace'?: string;
  readonly 'kubernetes.io/serviceaccount/secret.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.name'?: string;
  readonly 'kubernetes.io/serviceaccount/service-account.uid'?: string;
}

export function openServiceAccountTokens(options: ServiceAccountTokensOptions): ServiceAccountTokens {
  const { reader, clock, random, issuers = [DEFAULT_ISSUER], jwksUri } = options;
  const issuer = issuers[0] ?? DEFAULT_ISSUER;
  const audiences = options.audiences ?? [issuer];
  const privateKey = createPrivateKey(options.privatePem);
  const keys = [options.publicPem, ...(options.keyPems ?? [])].map(signatureKey).filter(({ kid }, at, all) => all.findIndex((other) => other.kid === kid) === at);
  const { alg, kid } = keys[0] as SignatureKey;
  const verified = new Map<string, Claims>();

  async function sign(claims: Record<string, unknown>): Promise<string> {
    const { SignJWT } = await import('jose');
    return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(privateKey);
  }

  function remember(token: string, claims: Claims): void {
    if (verified.size >= REMEMBERED_LIMIT) verified.delete(verified.keys().next().value as string);
    verified.set(token, claims);
  }

  function accept(token: string, claims: Claims, asked: readonly string[]): VerifiedToken | undefined {
    if (claims.iss === LEGACY_ISSUER) return acceptLegacy(token, claims, asked);
    const given = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []);
    const common = asked.filter((audience) => given.includes(audience));
    if (common.length === 0) throw new Error(`[invalid bearer token, token audiences ${quoteList(given)} is invalid for the target audiences ${quoteList(asked)}]`);
    checkTime(claims, clock.now());
    return { user: boundUser(claims, reader, clock.now()), audiences: common };
  }

  function acceptLegacy(token: string, claims: Claims, asked: readonly string[]): VerifiedToken | undefined {
    const common = asked.filter((audience) => audiences.includes(audience));
    return common.length === 0 ? undefined : { user: legacyUser(token, claims, reader, options.onSecretToken), audiences: common };
  }

  async function verifyFirst(token: string, asked: readonly string[]): Promise<VerifiedToken | undefined> {
    const payload = await verifiedPayload(token, keys);
    if (!payload) throw new Error('invalid bearer token');
    const claims = JSON.parse(Buffer.from(payload).toString('utf8')) as Claims;
    remember(token, claims);
    // What a token is bound to may have come by another server, or lie in a cache that nobody has asked yet.
    await Promise.all(boundTo(claims).map((resource) => reader.upToDate(resource)));
    return accept(token, claims, asked);
  }

  return {
    issuer,
    audiences,
    issue: (wanted) => sign({ ...newClaims(wanted, Math.floor(clock.now() / 1000)), iss: issuer, jti: uuid(random) }),
    issueForSecret: ({ namespace, serviceAccount, secretName }) =>
      sign({
        iss: LEGACY_ISSUER,
        sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
        'kubernetes.io/serviceaccount/namespace': namespace,
        'kubernetes.io/serviceaccount/secret.name': secretName,
        'kubernetes.io/serviceaccount/service-account.name': serviceAccount.name,
        'kubernetes.io/serviceaccount/service-account.uid': serviceAccount.uid,
      }),
    verify(token, asked) {
      const known = verified.get(token);
      if (known) return accept(token, known, asked);
      const claimed = claimedIssuer(token);
      return claimed !== undefined && (issuers.includes(claimed) || claimed === LEGACY_ISSUER) ? verifyFirst(token, asked) : undefined;
    },
    discovery: (address) => ({
      issuer,
      jwks_uri: jwksUri ?? `https://${address}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.alg))].sort(),
    }),
    jwks: () => ({ keys: keys.map((one) => ({ use: 'sig', ...jwk(one.key), kid: one.kid, alg: one.alg })) }),
  };
}

interface SignatureKey {
  readonly key: KeyObject;
  readonly kid: string;
  readonly alg: string;
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };

/** Of a public key, or of the public half of a private one. */
function signatureKey(pem: string): SignatureKey {
  const key = createPublicKey(pem);
  const kid = createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64url');
  const alg = key.asymmetricKeyType === 'rsa' ? 'RS256' : CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (!alg) throw new Error(`keys of ServiceAccount tokens are of RSA or of a NIST curve, not ${key.asymmetricKeyType ?? 'unknown'}`);
  return { key, kid, alg };
}

/** The key that the token names is tried first; others may have signed without naming theirs so. */
async function verifiedPayload(token: string, keys: readonly SignatureKey[]): Promise<Uint8Array | undefined> {
  const { compactVerify, decodeProtectedHeader } = await import('jose');
  let named: string | undefined;
  try {
    ({ kid: named } = decodeProtectedHeader(token));
  } catch {
    return undefined;
  }
  for (const { key, alg } of [...keys].sort((a, b) => Number(b.kid === named) - Number(a.kid === named))) {
    try {
      return (await compactVerify(token, key, { algorithms: [alg] })).payload;
    } catch {
      // Another may have signed it.
    }
  }
  return undefined;
}

function newClaims(wanted: IssueOptions, now: number): Record<string, unknown> {
  const { namespace, serviceAccount, pod, secret, node } = wanted;
  return {
    aud: wanted.audiences,
    exp: now + wanted.expirationSeconds,
    iat: now,
    nbf: now,
    sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    'kubernetes.io': {
      namespace,
      serviceaccount: named(serviceAccount),
      ...(pod && { pod: named(pod) }),
      ...(secret && { secret: named(secret) }),
      ...(node && { node: named(node) }),
      ...(wanted.warnAfterSeconds !== undefined && { warnafter: now + wanted.warnAfterSeconds }),
    },
  };
}

function named({ name, uid }: ObjectName): Record<string, string> {
  return { name, ...(uid && { uid }) };
}

function jwk(key: KeyObject): Record<string, unknown> {
  return { ...key.export({ format: 'jwk' }) };
}

/** Who says to have made it, before any check; undefined when it is no JWT. */
function claimedIssuer(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    return (JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString('utf8')) as { iss?: string }).iss;
  } catch {
    return undefined;
  }
}

function checkTime({ exp, nbf, iat }: Claims, now: number): void {
  if (exp === undefined || now - LEEWAY_MS > exp * 1000) throw new Error('service account token has expired');
  if (nbf !== undefined && now + LEEWAY_MS < nbf * 1000) throw new Error('service account token is not valid yet');
  if (iat !== undefined && now + LEEWAY_MS < iat * 1000) throw new Error('service account token is issued in the future');
}

/** The kinds whose objects decide whether a token is good. */
function boundTo(claims: Claims): ResourceRef<unknown>[] {
  if (claims.iss === LEGACY_ISSUER) return [serviceaccounts, secrets];
  const { pod, secret, node } = claims['kubernetes.io'] ?? {};
  return [serviceaccounts, ...(secret ? [secrets] : []), ...(pod ? [pods] : []), ...(node && !pod ? [nodes] : [])];
}

/** The user behind claims whose account and bound object still exist. */
function boundUser(claims: Claims, reader: Reader, now: number): UserInfo {
  const { namespace = '', serviceaccount, pod, secret, node } = claims['kubernetes.io'] ?? {};
  const name = serviceaccount?.name ?? '';
  const alive = <T>(resource: ResourceRef<T>, inNamespace: string, ref: Partial<ObjectName>, missing: () => Error): void => {
    const { uid, deletionTimestamp } = (reader.get(resource, inNamespace, ref.name ?? '')?.metadata ?? {}) as { uid?: string; deletionTimestamp?: string };
    if (uid === undefined) throw missing();
    if (uid !== ref.uid) throw new Error(`${resource.kind} UID (${uid}) does not match claim (${ref.uid})`);
    if (deletionTimestamp && Date.parse(deletionTimestamp) < now - LEEWAY_MS) throw gone();
  };
  alive(serviceaccounts, namespace, serviceaccount ?? {}, () => new Error(`serviceaccounts ${JSON.stringify(name)} not found`));
  if (secret) alive(secrets, namespace, secret, gone);
  if (pod) alive(pods, namespace, pod, gone);
  if (node && !pod) alive(nodes, '', node, gone);
  const extra: Record<string, string[]> = {};
  if (claims.jti) extra[CREDENTIAL] = [`JTI=${claims.jti}`];
  for (const [kind, ref] of [['node', node], ['pod', pod]] as const) {
    if (!ref) continue;
    extra[`authentication.kubernetes.io/${kind}-name`] = [ref.name ?? ''];
    if (ref.uid) extra[`authentication.kubernetes.io/${kind}-uid`] = [ref.uid];
  }
  return { ...accountUser(namespace, name, serviceaccount?.uid ?? ''), extra };
}

function gone(): Error {
  return new Error('service account token has been invalidated');
}

function legacyUser(token: string, claims: Claims, reader: Reader, onUse?: (secret: Stored<Secret>) => void): UserInfo {
  const namespace = claims['kubernetes.io/serviceaccount/namespace'] ?? '';
  const name = claims['kubernetes.io/serviceaccount/service-account.name'] ?? '';
  const uid = claims['kubernetes.io/serviceaccount/service-account.uid'] ?? '';
  if (!namespace || !name || !uid || claims.sub !== `system:serviceaccount:${namespace}:${name}`) throw new Error('sub claim is invalid');
  const secret = reader.get(secrets, namespace, claims['kubernetes.io/serviceaccount/secret.name'] ?? '');
  if (!secret || secret.metadata.deletionTimestamp) throw new Error('Token has been invalidated');
  if (!same(Buffer.from(secret.data?.['token'] ?? '', 'base64'), Buffer.from(token))) throw new Error("Token does not match server's copy");
  const account = reader.get(serviceaccounts, namespace, name);
  if (!account) throw new Error(`serviceaccounts ${JSON.stringify(name)} not found`);
  if (account.metadata.deletionTimestamp) throw new Error(`ServiceAccount ${namespace}/${name} has been deleted`);
  if (account.metadata.uid !== uid) throw new Error(`ServiceAccount UID (${account.metadata.uid}) does not match claim (${uid})`);
  onUse?.(secret);
  if (secret.metadata.labels?.[INVALID_SINCE]) {
    throw new Error(`the token in secret ${namespace}/${secret.metadata.name} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${INVALID_SINCE}' label from the secret to temporarily allow use of this token`);
  }
  return accountUser(namespace, name, uid);
}

/** The user that a ServiceAccount is, without the group of all authenticated users. */
export function accountUser(namespace: string, name: string, uid: string): UserInfo {
  return { name: `system:serviceaccount:${namespace}:${name}`, uid, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] };
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
