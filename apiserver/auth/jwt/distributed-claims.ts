/**
 * Groups that an issuer keeps elsewhere: its token names an endpoint, which answers with a token of its own that holds them.
 * Provenance: OpenID Connect Core 1.0, 5.6.2, and plugin/pkg/authenticator/token/oidc of apiserver v0.36.
 */
import type { Clock } from '../../../std/clock.ts';
import type { Claims } from './claims.ts';
import type { IssuerConfig } from './config.ts';
import { getText, openProvider, type Provider } from './provider.ts';

export interface ClaimResolver {
  /** The same claims with the one that is missing. Rejects where it is kept elsewhere and cannot be had. */
  expand(claims: Claims): Promise<Claims> | Claims;
  close(): void;
}

/** Verifies such a token by the keys of whoever says that he has made it. */
export type VerifyClaims = (token: string, provider: Provider) => Promise<Claims>;

/** Issuers of such tokens whose keys are kept; the oldest goes first. */
const ISSUERS_LIMIT = 16;
/** Questions to endpoints at a time. */
const LOOKUPS_LIMIT = 64;
const TOKEN_LIMIT = 64 * 1024;

interface Source {
  readonly endpoint?: string;
  readonly access_token?: string;
}

/** `claim` is the only one that may be kept elsewhere. */
export function claimResolver(claim: string, { ca }: Pick<IssuerConfig, 'ca'>, { clock, verify }: { readonly clock: Clock; readonly verify: VerifyClaims }): ClaimResolver {
  const providers = new Map<string, Provider>();
  let lookups = 0;

  function providerOf(url: string): Provider {
    const known = providers.get(url);
    if (known) return known;
    if (providers.size >= ISSUERS_LIMIT) {
      const [oldest, provider] = providers.entries().next().value as [string, Provider];
      provider.close();
      providers.delete(oldest);
    }
    const provider = openProvider({ url, discoveryUrl: undefined, ca, clock });
    providers.set(url, provider);
    return provider;
  }

  async function resolve(claims: Claims, { endpoint = '', access_token: accessToken }: Source): Promise<Claims> {
    if (lookups >= LOOKUPS_LIMIT) throw new Error(`while getting distributed claim ${JSON.stringify(claim)}: more than ${LOOKUPS_LIMIT} are being asked for`);
    lookups++;
    try {
      const token = await answerOf(endpoint, accessToken);
      const issuer = issuerOf(token, endpoint);
      const provider = providerOf(issuer);
      // Waits for its first keys.
      await provider.refresh();
      if (!provider.keys()) {
        // Whoever has no keys is not asked again and again in the background.
        provider.close();
        providers.delete(issuer);
        throw new Error(`verifying untrusted issuer ${issuer} failed: verifier not initialized for issuer: ${JSON.stringify(issuer)}`);
      }
      const found = await verify(token, provider).catch((error: Error) => {
        throw new Error(`verify distributed claim token: ${error.message}`, { cause: error });
      });
      if (found[claim] === undefined) throw new Error(`jwt returned by distributed claim endpoint ${JSON.stringify(endpoint)} did not contain claim: ${claim}`);
      return { ...claims, [claim]: found[claim] };
    } finally {
      lookups--;
    }
  }

  async function answerOf(endpoint: string, accessToken: string | undefined): Promise<string> {
    try {
      if (!endpoint.startsWith('https://')) throw new Error(`the endpoint ${JSON.stringify(endpoint)} is not of the scheme https`);
      const text = await getText(endpoint, { ca, clock, ...(accessToken && { token: accessToken }) });
      if (text.length > TOKEN_LIMIT) throw new Error('the answer is too large');
      return text.trim();
    } catch (error) {
      throw new Error(`while getting distributed claim ${JSON.stringify(claim)}: ${(error as Error).message}`, { cause: error });
    }
  }

  function issuerOf(token: string, endpoint: string): string {
    try {
      const { iss } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iss?: unknown };
      if (typeof iss === 'string' && iss.startsWith('https://')) return iss;
      throw new Error('it names no issuer of the scheme https');
    } catch (error) {
      throw new Error(`getting untrusted issuer from endpoint ${endpoint} failed for claim ${JSON.stringify(claim)}: ${(error as Error).message}`, { cause: error });
    }
  }

  return {
    expand(claims) {
      const { _claim_names: names, _claim_sources: sources } = claims;
      if (claims[claim] !== undefined || names === undefined) return claims;
      if (!isMap(names)) throw new Error('oidc: error parsing distributed claim names: it is no map of texts');
      if (sources === undefined) throw new Error('oidc: no claim sources');
      if (!isMap(sources)) throw new Error('oidc: could not parse claim sources: it is no map');
      const name = names[claim];
      if (name === undefined) return claims;
      const source = sources[String(name)];
      if (!isMap(source)) throw new Error(`id token _claim_names contained a source ${String(name)} missing in _claims_sources`);
      // One that carries the claims itself is left alone, as upstream leaves it.
      return source['endpoint'] ? resolve(claims, source as Source) : claims;
    },
    close() {
      for (const provider of providers.values()) provider.close();
      providers.clear();
    },
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
