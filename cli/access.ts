/** What the flags about callers and their rights come to; files among them are read again when they change. */
import { readFileSync } from 'node:fs';
import type { AuthenticationSettings } from '../apiserver/auth/authentication.ts';
import { parseAbacPolicies } from '../apiserver/auth/authorization/abac.ts';
import { type AuthorizationMode, modesOf, parseAuthorizationConfig } from '../apiserver/auth/authorization/config.ts';
import { ALGORITHMS, type AuthenticationConfig, EVERYBODY, NOBODY, type IssuerConfig, parseAuthenticationConfig } from '../apiserver/auth/jwt/config.ts';
import { REQUEST_HEADERS } from '../apiserver/auth/request-header.ts';
import { DEFAULT_ISSUER } from '../apiserver/auth/service-account-tokens.ts';
import type { ApiServer, ApiServerOptions } from '../apiserver/server.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { type Clock, every, type Timer } from '../std/clock.ts';
import type { AccessFlags } from './access-flags.ts';
import type { Log } from './log.ts';

type AccessOptions = Pick<ApiServerOptions, 'authentication' | 'authorization' | 'serviceAccounts'>;

/** Throws a sentence that names the flag. */
export async function accessOptions(flags: AccessFlags): Promise<AccessOptions> {
  const { serviceAccountIssuer: issuers, apiAudiences: audiences, serviceAccountJwksUri: jwksUri, serviceAccountKeyFile: keyFiles } = flags;
  return {
    authentication: { ...authenticationOf(flags), ...(await tokenWebhookOf(flags)) },
    authorization: await authorizationOf(flags),
    serviceAccounts: { ...(issuers && { issuers }), ...(audiences && { audiences }), ...(jwksUri !== undefined && { jwksUri }), ...(keyFiles && { keyPems: keyFiles.map((one) => read('--service-account-key-file', one)) }) },
  };
}

function authenticationOf(flags: AccessFlags): AuthenticationSettings {
  const config = flags.authenticationConfig === undefined ? undefined : readAuthentication(flags);
  const plain = plainIssuer(flags);
  if (config && plain) throw new Error('authentication-config file and oidc-* flags are mutually exclusive');
  if (config?.anonymous && flags.anonymousAuth !== undefined) throw new Error('--anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file');
  const anonymous = config?.anonymous ?? (flags.anonymousAuth === false || allowsAll(flags) ? NOBODY : EVERYBODY);
  return {
    issuers: config?.issuers ?? (plain ? [plain] : []), anonymous,
    ...(flags.tokenAuthFile !== undefined && { staticTokens: read('--token-auth-file', flags.tokenAuthFile) }),
    ...(flags.clientCaFile !== undefined && { clientCaPem: read('--client-ca-file', flags.clientCaFile) }),
    ...requestHeaderOf(flags),
  };
}

/** Where everything is allowed, nobody comes in without a name, whatever --anonymous-auth says: as upstream. */
function allowsAll({ authorizationMode = [] }: AccessFlags): boolean {
  return authorizationMode.includes('AlwaysAllow');
}

const TOKEN_TTL_MS = 2 * 60_000;

async function tokenWebhookOf(flags: AccessFlags): Promise<Pick<AuthenticationSettings, 'webhook'>> {
  const { authenticationTokenWebhookConfigFile: kubeconfig, authenticationTokenWebhookVersion: version = 'v1beta1', authenticationTokenWebhookCacheTtl: ttlMs = TOKEN_TTL_MS } = flags;
  if (kubeconfig === undefined) return {};
  if (version !== 'v1' && version !== 'v1beta1') throw new Error(`unsupported webhook authenticator version ${JSON.stringify(version)}, supported versions are "v1", "v1beta1"`);
  return { webhook: { connection: await readKubeconfig(kubeconfig), version, ttlMs } };
}

function requestHeaderOf(flags: AccessFlags): Pick<AuthenticationSettings, 'requestHeader'> {
  const file = flags.requestheaderClientCaFile;
  const names = {
    allowedNames: flags.requestheaderAllowedNames ?? [],
    usernameHeaders: flags.requestheaderUsernameHeaders ?? REQUEST_HEADERS.usernameHeaders,
    uidHeaders: flags.requestheaderUidHeaders ?? REQUEST_HEADERS.uidHeaders,
    groupHeaders: flags.requestheaderGroupHeaders ?? REQUEST_HEADERS.groupHeaders,
    extraPrefixes: flags.requestheaderExtraHeadersPrefix ?? REQUEST_HEADERS.extraPrefixes,
  };
  if (file !== undefined) return { requestHeader: { caPem: read('--requestheader-client-ca-file', file), names } };
  const given = Object.entries(flags).find(([name, value]) => name.startsWith('requestheader') && value !== undefined);
  if (given) throw new Error('--requestheader-* flags need --requestheader-client-ca-file: the cluster\'s own proxy uses the usual headers');
  return {};
}

/** Of the flags `--oidc-*`. Provenance of the defaults: pkg/kubeapiserver/options of v1.36. */
function plainIssuer(flags: AccessFlags): IssuerConfig | undefined {
  const { oidcIssuerUrl: url, oidcClientId: clientId, oidcUsernameClaim: claim = 'sub', oidcUsernamePrefix: given, oidcGroupsClaim: groups } = flags;
  if (url === undefined && clientId === undefined) return undefined;
  if (!url || !clientId) throw new Error('oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set');
  if (!url.startsWith('https://')) throw new Error(`--oidc-issuer-url ${JSON.stringify(url)}: URL scheme must be https`);
  const algorithms = flags.oidcSigningAlgs ?? ['RS256'];
  const unknown = algorithms.find((one) => !ALGORITHMS.includes(one));
  if (unknown) throw new Error(`oidc: unsupported signing alg: ${JSON.stringify(unknown)}`);
  const requiredClaims = (flags.oidcRequiredClaim ?? []).map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new Error(`--oidc-required-claim ${JSON.stringify(text)}: expected key=value`);
    return { claim: text.slice(0, at), value: text.slice(at + 1) };
  });
  const prefix = given === '-' ? '' : (given ?? (claim === 'email' ? '' : `${url}#`));
  return {
    url, discoveryUrl: undefined, ca: flags.oidcCaFile === undefined ? undefined : read('--oidc-ca-file', flags.oidcCaFile), audiences: [clientId], algorithms, requiredClaims,
    username: { claim, prefix }, groups: groups === undefined ? undefined : { claim: groups, prefix: flags.oidcGroupsPrefix ?? '' }, uid: undefined, extra: [], claimRules: [], userRules: [],
  };
}

async function authorizationOf(flags: AccessFlags): Promise<readonly AuthorizationMode[]> {
  const { authorizationConfig, authorizationMode, authorizationWebhookConfigFile: webhookFile, authorizationPolicyFile: policyFile } = flags;
  if (policyFile !== undefined && !authorizationMode?.includes('ABAC')) throw new Error('cannot specify --authorization-policy-file without mode ABAC');
  if (authorizationConfig !== undefined) {
    if (authorizationMode || webhookFile !== undefined) throw new Error('--authorization-config can not be specified when --authorization-mode or --authorization-webhook-* flags are defined');
    return readAuthorization(flags);
  }
  return modesOf({
    modes: authorizationMode ?? ['Node', 'RBAC'],
    ...(policyFile !== undefined && { policies: parseAbacPolicies(read('--authorization-policy-file', policyFile), policyFile) }),
    ...(webhookFile !== undefined && { webhook: await readKubeconfig(webhookFile) }),
    ...(flags.authorizationWebhookVersion !== undefined && { webhookVersion: flags.authorizationWebhookVersion }),
    ...(flags.authorizationWebhookCacheAuthorizedTtl !== undefined && { authorizedTtlMs: flags.authorizationWebhookCacheAuthorizedTtl }),
    ...(flags.authorizationWebhookCacheUnauthorizedTtl !== undefined && { unauthorizedTtlMs: flags.authorizationWebhookCacheUnauthorizedTtl }),
  });
}

function readAuthentication(flags: AccessFlags): AuthenticationConfig {
  const file = flags.authenticationConfig ?? '';
  const reserved = flags.serviceAccountIssuer ?? [DEFAULT_ISSUER];
  return named('--authentication-config', file, () => parseAuthenticationConfig(readFileSync(file, 'utf8'), reserved));
}

async function readAuthorization({ authorizationConfig: file = '' }: AccessFlags): Promise<AuthorizationMode[]> {
  try {
    return await parseAuthorizationConfig(readFileSync(file, 'utf8'), readKubeconfig);
  } catch (error) {
    throw new Error(`--authorization-config ${file}: ${(error as Error).message}`, { cause: error });
  }
}

const LOOK_MS = 5_000;

/** A file that has become bad changes nothing, and says so. */
export function followAccess(server: ApiServer, flags: AccessFlags, { clock, log }: { readonly clock: Clock; readonly log: Log }): { close(): void } {
  const timers: Timer[] = [];
  const follow = (file: string, apply: () => void | Promise<void>): void => {
    let last = readFileSync(file, 'utf8');
    timers.push(every(clock, LOOK_MS, async () => {
      const now = readFileSync(file, 'utf8');
      if (now === last) return;
      last = now;
      await apply();
      log.info({ file }, 'configuration read again');
    }, (error) => log.error({ file, error: String(error) }, 'configuration cannot be read; what was read before stays')));
  };
  if (flags.authenticationConfig !== undefined) {
    follow(flags.authenticationConfig, () => {
      const { issuers, anonymous = EVERYBODY } = authenticationOf(flags);
      server.authentication.jwt.setIssuers(issuers ?? []);
      server.authenticator.setAnonymous(anonymous);
    });
  }
  if (flags.authorizationConfig !== undefined) follow(flags.authorizationConfig, async () => server.authorizer.setModes(await readAuthorization(flags)));
  return { close: () => timers.forEach((timer) => timer.cancel()) };
}

function read(flag: string, file: string): string {
  return named(flag, file, () => readFileSync(file, 'utf8'));
}

function named<T>(flag: string, file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`${flag} ${file}: ${(error as Error).message}`, { cause: error });
  }
}
