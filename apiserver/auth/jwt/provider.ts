/** The keys of an issuer: found through its discovery document, read again when a token names one that is not there. */
import type { JSONWebKeySet } from 'jose';
import { every, type Clock, type Timer } from '../../../std/clock.ts';
import { request as secureRequest } from '../../../std/secure-http.ts';
import { networkProblem } from '../../../std/network-problem.ts';
import { trusting } from '../../../std/trusting.ts';

export interface ProviderOptions {
  readonly url: string;
  /** Where the discovery document is, if not below the issuer's URL. */
  readonly discoveryUrl: string | undefined;
  readonly ca: string | undefined;
  readonly clock: Clock;
}

export interface Provider {
  /** Why there are no keys (yet); undefined: there are. */
  readonly problem: string | undefined;
  keys(): JSONWebKeySet | undefined;
  /** Reads the keys again, unless that was done a moment ago. */
  refresh(): Promise<void>;
  close(): void;
}

const INITIAL_RETRY_MS = 10_000;
/** Whoever sends tokens with unknown keys makes us ask no more often than this. */
const REFRESH_PAUSE_MS = 10_000;
const TIMEOUT_MS = 30_000;
const LIMIT_BYTES = 1024 * 1024;

export function openProvider({ url, discoveryUrl, ca, clock }: ProviderOptions): Provider {
  const wellKnown = discoveryUrl ?? `${url.replace(/\/$/, '')}/.well-known/openid-configuration`;
  let problem: string | undefined = `oidc: authenticator for issuer ${JSON.stringify(url)} is not initialized`;
  let jwksUri = '';
  let keys: JSONWebKeySet | undefined;
  let refreshing: Promise<void> | undefined;
  let refreshedAt = -Infinity;
  let timer: Timer | undefined;

  async function initialize(): Promise<void> {
    if (keys) return;
    try {
      const found = (await getJson(wellKnown, ca, clock)) as { issuer?: string; jwks_uri?: string };
      if (found.issuer !== url) throw new Error(`oidc: issuer URL provided to client (${JSON.stringify(url)}) did not match the issuer URL returned by provider (${JSON.stringify(found.issuer ?? '')})`);
      if (!found.jwks_uri) throw new Error('provider did not return JWKS URL');
      jwksUri = found.jwks_uri;
      await read();
      timer?.cancel();
    } catch (error) {
      problem = (error as Error).message;
    }
  }

  async function read(): Promise<void> {
    const set = (await getJson(jwksUri, ca, clock)) as JSONWebKeySet;
    if (!Array.isArray(set.keys)) throw new Error(`oidc: the keys at ${jwksUri} are no key set`);
    keys = set;
    problem = undefined;
    refreshedAt = clock.monotonic();
  }

  const first = initialize();
  timer = every(clock, INITIAL_RETRY_MS, initialize, () => undefined);
  return {
    get problem() {
      return problem;
    },
    keys: () => keys,
    async refresh() {
      await first;
      if (!keys || clock.monotonic() - refreshedAt < REFRESH_PAUSE_MS) return;
      refreshing ??= read().catch(() => undefined).finally(() => {
        refreshedAt = clock.monotonic();
        refreshing = undefined;
      });
      await refreshing;
    },
    close: () => timer?.cancel(),
  };
}

export interface GetOptions {
  readonly ca: string | undefined;
  readonly clock: Clock;
  readonly token?: string;
}

export async function getJson(url: string, ca: string | undefined, clock: Clock): Promise<unknown> {
  const text = await getText(url, { ca, clock });
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`oidc: failed to decode the answer of ${url}: ${(error as Error).message}`, { cause: error });
  }
}

/** Rejects with what went wrong, in upstream's words where it has some. */
export function getText(url: string, { ca, clock, token }: GetOptions): Promise<string> {
  const abort = new AbortController();
  const timer = clock.after(TIMEOUT_MS, () => abort.abort());
  return new Promise<string>((resolve, reject) => {
    const headers = { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
    const outgoing = secureRequest(url, { signal: abort.signal, agent: false, headers, ...trusting(ca) }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => ((size += chunk.length) > LIMIT_BYTES ? response.destroy(new Error(`the answer of ${url} is too large`)) : chunks.push(chunk)));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode !== 200) return reject(new Error(`${response.statusCode} ${response.statusMessage ?? ''}: ${body}`));
        resolve(body);
      });
    });
    outgoing.on('error', (error) => reject(new Error(`Get ${JSON.stringify(url)}: ${abort.signal.aborted ? 'context deadline exceeded' : networkProblem(error, clock.now())}`)));
    outgoing.end();
  }).finally(() => timer.cancel());
}
