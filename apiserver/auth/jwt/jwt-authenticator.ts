/** Tokens of other issuers: verified by their keys, turned into users by configuration, remembered for a moment. */
import type { Clock } from '../../../std/clock.ts';
import type { UserInfo } from '../auth.ts';
import { userOf, type Claims } from './claims.ts';
import type { IssuerConfig } from './config.ts';
import { claimResolver, type ClaimResolver } from './distributed-claims.ts';
import { openProvider, type Provider } from './provider.ts';

export interface JwtAuthenticator {
  /** Undefined: not a token of these issuers. Throws with the reason when it is one and does not hold. */
  verify(token: string): Promise<UserInfo> | UserInfo | undefined;
  /** Other issuers from now on. */
  setIssuers(issuers: readonly IssuerConfig[]): void;
  /** Why tokens of an issuer cannot be verified (yet), by issuer. */
  problems(): readonly string[];
  close(): void;
}

/** Verified tokens that are remembered, and for how long. */
const REMEMBERED = 4096;
const REMEMBERED_MS = 10_000;
const LEEWAY_MS = 5 * 60_000;
/** No token of use is longer. */
const TOKEN_LIMIT = 64 * 1024;

interface Issuer {
  readonly config: IssuerConfig;
  readonly provider: Provider;
  /** Of groups that are kept elsewhere. */
  readonly resolver: ClaimResolver | undefined;
}

export function createJwtAuthenticator(issuers: readonly IssuerConfig[], clock: Clock): JwtAuthenticator {
  let known: ReadonlyMap<string, Issuer> = new Map();
  known = open(issuers);
  const remembered = new Map<string, { readonly user: UserInfo; readonly until: number }>();

  function open(configs: readonly IssuerConfig[]): Map<string, Issuer> {
    return new Map(configs.map((config) => [config.url, { config, provider: kept(config) ?? openProvider({ ...config, clock }), resolver: resolverOf(config) }]));
  }

  function resolverOf(config: IssuerConfig): ClaimResolver | undefined {
    if (!config.groups || !('claim' in config.groups)) return undefined;
    const verify = async (token: string, provider: Provider): Promise<Claims> => {
      const claims = await verifiedClaims(token, config, provider);
      checkClaims(claims, config, clock.now());
      return claims;
    };
    return claimResolver(config.groups.claim, config, { clock, verify });
  }

  /** Keys that are there stay while an issuer is only read otherwise: no token is refused meanwhile. */
  function kept({ url, discoveryUrl, ca }: IssuerConfig): Provider | undefined {
    const found = known.get(url);
    return found?.config.discoveryUrl === discoveryUrl && found?.config.ca === ca ? found?.provider : undefined;
  }

  function forgetOld(): void {
    // The oldest stand first.
    for (const [token, { until }] of remembered) {
      if (until > clock.now()) return;
      remembered.delete(token);
    }
  }

  async function verify(token: string, { config, provider, resolver }: Issuer): Promise<UserInfo> {
    const claims = await verifiedClaims(token, config, provider);
    const expires = checkClaims(claims, config, clock.now());
    const user = userOf(await expanded(claims, resolver), config);
    forgetOld();
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value as string);
    remembered.set(token, { user, until: Math.min(expires, clock.now() + REMEMBERED_MS) });
    return user;
  }

  return {
    verify(token) {
      if (known.size === 0 || token.length > TOKEN_LIMIT) return undefined;
      const found = remembered.get(token);
      if (found && found.until > clock.now()) return found.user;
      const issuer = known.get(claimedIssuer(token));
      return issuer && verify(token, issuer);
    },
    setIssuers(next) {
      const before = known;
      known = open(next);
      remembered.clear();
      const used = new Set([...known.values()].map(({ provider }) => provider));
      for (const { provider, resolver } of before.values()) {
        resolver?.close();
        if (!used.has(provider)) provider.close();
      }
    },
    problems: () => [...known.values()].flatMap(({ config, provider }) => (provider.problem === undefined ? [] : [`oidc: authenticator for issuer ${JSON.stringify(config.url)} is not healthy: ${provider.problem}`])),
    close() {
      for (const { provider, resolver } of known.values()) {
        resolver?.close();
        provider.close();
      }
    },
  };
}

async function expanded(claims: Claims, resolver: ClaimResolver | undefined): Promise<Claims> {
  try {
    return resolver ? await resolver.expand(claims) : claims;
  } catch (error) {
    throw new Error(`oidc: could not expand distributed claims: ${(error as Error).message}`, { cause: error });
  }
}

async function verifiedClaims(token: string, config: IssuerConfig, provider: Provider): Promise<Claims> {
  const { compactVerify, createLocalJWKSet, errors } = await import('jose');
  const attempt = async (): Promise<Claims> => {
    const set = provider.keys();
    if (!set) throw new Error('oidc: authenticator not initialized');
    const { payload } = await compactVerify(token, createLocalJWKSet(set), { algorithms: [...config.algorithms] });
    return JSON.parse(Buffer.from(payload).toString()) as Claims;
  };
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw told(error);
  }
  await provider.refresh();
  return attempt().catch((error: unknown) => {
    throw told(error);
  });
}

function told(error: unknown): Error {
  const { message, code } = error as Error & { code?: string };
  if (message === 'oidc: authenticator not initialized') return error as Error;
  const why = code === 'ERR_JWKS_NO_MATCHING_KEY' || code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' ? 'failed to verify signature: failed to verify id token signature' : `oidc: ${message}`;
  return new Error(`oidc: verify token: ${why}`, { cause: error });
}

/** When the token ends, in milliseconds. */
function checkClaims(claims: Claims, { audiences }: IssuerConfig, now: number): number {
  const given = Array.isArray(claims['aud']) ? (claims['aud'] as unknown[]) : [claims['aud']];
  if (!audiences.some((audience) => given.includes(audience))) throw new Error(`oidc: verify token: oidc: expected audience ${audiences.length === 1 ? JSON.stringify(audiences[0]) : `in [${[...audiences].sort().map((one) => JSON.stringify(one)).join(' ')}]`} got [${given.map((one) => JSON.stringify(one)).join(' ')}]`);
  const expires = Number(claims['exp']) * 1000;
  if (!(expires > now)) throw new Error(`oidc: verify token: oidc: token is expired (Token Expiry: ${Number.isFinite(expires) ? new Date(expires).toISOString() : 'none'})`);
  const begins = claims['nbf'];
  if (typeof begins === 'number' && begins * 1000 > now + LEEWAY_MS) throw new Error('oidc: verify token: oidc: current time before the nbf (not before) time');
  return expires;
}

function claimedIssuer(token: string): string {
  const parts = token.split('.');
  if (parts.length !== 3) return '';
  try {
    const { iss } = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString()) as { iss?: unknown };
    return typeof iss === 'string' ? iss : '';
  } catch {
    return '';
  }
}
