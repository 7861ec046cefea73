/**
 * Who may look at a component: the API server is asked who somebody is (TokenReview) and whether he may (SubjectAccessReview),
 * and which authorities of certificates to believe. Nothing is asked before somebody comes.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { configmaps } from '../../api/resources.ts';
import { ANONYMOUS, type UserInfo } from '../../apiserver/auth/auth.ts';
import { bearerToken, certificateUser } from '../../apiserver/auth/authenticator.ts';
import { webhookAuthorizer } from '../../apiserver/auth/authorization/webhook.ts';
import { denied, unauthorized } from '../../apiserver/auth/denial.ts';
import { requestHeaderUser, type RequestHeaderNames } from '../../apiserver/auth/request-header.ts';
import type { WebhookConnection } from '../../apiserver/auth/review-client.ts';
import { createTokenWebhook } from '../../apiserver/auth/token-webhook.ts';
import type { Client } from '../../client/client.ts';
import { openClient } from '../../client/open-client.ts';
import { openHttpDoor } from '../../client/http.ts';
import { type Connection, readKubeconfig } from '../../client/kubeconfig.ts';
import type { Clock } from '../../std/clock.ts';
import type { DiagnosticsFlags } from './flags.ts';

export interface AccessOptions {
  readonly flags: DiagnosticsFlags;
  /** The component's own, where no other is given. */
  readonly connection: Connection;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}

export interface Access {
  /** Throws 401 or 403. */
  check(request: IncomingMessage, path: string): Promise<void>;
  close(): Promise<void>;
}

const CONFIG = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
/** How old what the cluster said of its authorities may be when somebody shows a certificate. */
const AUTHORITIES_MS = 60_000;
const TTL_MS = 10_000;
const TIMEOUT_MS = 10_000;
export const ALWAYS_ALLOWED: readonly string[] = ['/healthz', '/readyz', '/livez'];

interface Authorities {
  readonly users: readonly X509Certificate[];
  readonly proxies: readonly X509Certificate[];
  readonly names: RequestHeaderNames;
}

export async function openAccess({ flags, connection, clock, log }: AccessOptions): Promise<Access> {
  const authentication = flags.authenticationKubeconfig === undefined ? connection : await readKubeconfig(flags.authenticationKubeconfig);
  const authorization = flags.authorizationKubeconfig === undefined ? connection : await readKubeconfig(flags.authorizationKubeconfig);
  const door = openHttpDoor({ ...authentication, clock });
  const tokens = createTokenWebhook({ connection: reviews(authentication, 'authentication.k8s.io/v1/tokenreviews'), version: 'v1', ttlMs: flags.authenticationTokenWebhookCacheTtl ?? TTL_MS }, clock);
  const authorizer = webhookAuthorizer({
    type: 'Webhook', name: 'delegated', connection: reviews(authorization, 'authorization.k8s.io/v1/subjectaccessreviews'), reviewVersion: 'v1', timeoutMs: TIMEOUT_MS, failurePolicy: 'NoOpinion', matchConditions: [],
    authorizedTtlMs: flags.authorizationWebhookCacheAuthorizedTtl ?? TTL_MS, unauthorizedTtlMs: flags.authorizationWebhookCacheUnauthorizedTtl ?? TTL_MS,
  }, clock);
  const authorities = followAuthorities({ flags, client: openClient(door, { userAgent: 'coracle' }), clock, log });

  const userOf = async (request: IncomingMessage): Promise<UserInfo> => {
    const shown = (request.socket as TLSSocket).getPeerX509Certificate?.();
    if (shown) {
      const { users, proxies, names } = await authorities();
      const user = certificateUser({ subject: (request.socket as TLSSocket).getPeerCertificate().subject, fingerprint256: shown.fingerprint256 });
      if (proxies.some((one) => isOf(shown, one, clock.now())) && (names.allowedNames.length === 0 || names.allowedNames.includes(user.name))) {
        const named = requestHeaderUser(request.rawHeaders, names);
        if (named) return named;
      }
      if (users.some((one) => isOf(shown, one, clock.now()))) return user;
    }
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) {
      if (shown) throw unauthorized();
      return ANONYMOUS;
    }
    const found = await tokens.verify(token, []).catch((error: unknown) => {
      log.warn({ error: String(error) }, 'the API server cannot be asked whose a token is');
      return undefined;
    });
    if (!found) throw unauthorized();
    return found.user;
  };
  return {
    async check(request, path) {
      const user = withGroup(await userOf(request));
      if (isAlwaysAllowed(flags, path)) return;
      const attributes = { user, verb: (request.method ?? 'GET').toLowerCase(), group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path };
      const { decision, reason, error } = await authorizer.authorize(attributes);
      if (error) log.warn({ error }, 'the API server cannot be asked who may look');
      if (decision !== 'allow') throw denied(attributes, reason);
    },
    async close() {
      tokens.close();
      authorizer.close();
      await door.close();
    },
  };
}

/** Patterns end in `*`. */
export function isAlwaysAllowed({ authorizationAlwaysAllowPaths = ALWAYS_ALLOWED }: DiagnosticsFlags, path: string): boolean {
  return authorizationAlwaysAllowPaths.some((pattern) => (pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern || path === `/${pattern}`));
}

function reviews({ server, ca, cert, key, token, tokenFile, serverName, insecureSkipTlsVerify }: Connection, path: string): WebhookConnection {
  const bearer = token ?? (tokenFile === undefined ? undefined : readFileSync(tokenFile, 'utf8').trim());
  return { server: `${server.replace(/\/+$/, '')}/apis/${path}`, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }), ...(bearer && { token: bearer }), ...(serverName && { serverName }), ...(insecureSkipTlsVerify && { insecureSkipTlsVerify }) };
}

interface Following {
  readonly flags: DiagnosticsFlags;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: AccessOptions['log'];
}

/** Of files, and of what the cluster publishes: asked for when somebody shows a certificate, and again when that is a while ago. */
function followAuthorities({ flags, client, clock, log }: Following): () => Promise<Authorities> {
  let known: { readonly at: number; readonly authorities: Authorities } | undefined;
  let asking: Promise<Authorities> | undefined;
  const ask = async (): Promise<Authorities> => {
    const both = flags.clientCaFile !== undefined && flags.requestheaderClientCaFile !== undefined;
    let published: Readonly<Record<string, string>> = {};
    try {
      if (!both && !flags.authenticationSkipLookup) published = (await client.get(configmaps, CONFIG)).data ?? {};
    } catch (error) {
      log.warn({ error: String(error) }, `the authorities of the cluster cannot be read from the ConfigMap ${CONFIG.name}`);
      if (known) return known.authorities;
      throw unauthorized();
    }
    const text = (file: string | undefined, name: string): string => (file === undefined ? (published[name] ?? '') : readFileSync(file, 'utf8'));
    const names = (field: string): string[] => JSON.parse(published[`requestheader-${field}`] ?? '[]') as string[];
    const own = flags.requestheaderClientCaFile !== undefined;
    const authorities: Authorities = {
      users: certificates(text(flags.clientCaFile, 'client-ca-file')),
      proxies: certificates(text(flags.requestheaderClientCaFile, 'requestheader-client-ca-file')),
      names: {
        allowedNames: own ? (flags.requestheaderAllowedNames ?? []) : names('allowed-names'),
        usernameHeaders: own ? (flags.requestheaderUsernameHeaders ?? ['x-remote-user']) : names('username-headers'),
        uidHeaders: own ? (flags.requestheaderUidHeaders ?? []) : names('uid-headers'),
        groupHeaders: own ? (flags.requestheaderGroupHeaders ?? ['x-remote-group']) : names('group-headers'),
        extraPrefixes: own ? (flags.requestheaderExtraHeadersPrefix ?? ['x-remote-extra-']) : names('extra-headers-prefix'),
      },
    };
    known = { at: clock.monotonic(), authorities };
    return authorities;
  };
  return () => {
    if (known && clock.monotonic() - known.at < AUTHORITIES_MS) return Promise.resolve(known.authorities);
    return (asking ??= ask().finally(() => (asking = undefined)));
  };
}

function certificates(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []).map((one) => new X509Certificate(one));
}

const CLIENT_USE = '1.3.6.1.5.5.7.3.2';

/** Signed by the authority itself, in time, and made for clients. */
function isOf(shown: X509Certificate, authority: X509Certificate, now: number): boolean {
  const inTime = (one: X509Certificate): boolean => Date.parse(one.validFrom) <= now && now <= Date.parse(one.validTo);
  return inTime(shown) && inTime(authority) && (shown.keyUsage?.includes(CLIENT_USE) ?? false) && shown.checkIssued(authority) && shown.verify(authority.publicKey);
}

function withGroup(user: UserInfo): UserInfo {
  return user === ANONYMOUS || user.groups.includes('system:authenticated') ? user : { ...user, groups: [...user.groups, 'system:authenticated'] };
}
