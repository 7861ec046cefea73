/** Which authorizers there are and in which order: an AuthorizationConfiguration file, or the plain list of modes. What is not supported is refused by name. */
import { parseYaml } from '../../../api/codec/yaml.ts';
import type { WebhookConnection } from '../review-client.ts';
import type { AbacPolicy } from './abac.ts';
import { compileMatchConditions, type MatchConditions } from './match-conditions.ts';

export interface WebhookMode {
  readonly type: 'Webhook';
  readonly name: string;
  readonly connection: WebhookConnection;
  /** 0: not kept. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  readonly timeoutMs: number;
  readonly reviewVersion: 'v1' | 'v1beta1';
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  readonly matchConditions: MatchConditions;
}

export interface AbacMode {
  readonly type: 'ABAC';
  readonly name: string;
  readonly policies: readonly AbacPolicy[];
}

export type AuthorizationMode = { readonly type: 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny'; readonly name: string } | AbacMode | WebhookMode;

export const DEFAULT_MODES: readonly AuthorizationMode[] = [{ type: 'Node', name: 'node' }, { type: 'RBAC', name: 'rbac' }];

export type ReadConnection = (kubeconfigFile: string) => Promise<WebhookConnection>;

const KNOWN = ['ABAC', 'AlwaysAllow', 'AlwaysDeny', 'Node', 'RBAC', 'Webhook'];
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];
const LIMITS = { timeoutMs: 30_000, conditions: 64 };
const DEFAULT_TTLS = { authorizedMs: 5 * 60_000, unauthorizedMs: 30_000 };

interface WebhookEntry {
  readonly authorizedTTL?: string;
  readonly cacheAuthorizedRequests?: boolean;
  readonly unauthorizedTTL?: string;
  readonly cacheUnauthorizedRequests?: boolean;
  readonly timeout?: string;
  readonly subjectAccessReviewVersion?: string;
  readonly matchConditionSubjectAccessReviewVersion?: string;
  readonly failurePolicy?: string;
  readonly connectionInfo?: { readonly type?: string; readonly kubeConfigFile?: string };
  readonly matchConditions?: readonly { readonly expression?: string }[];
}

interface Entry {
  readonly type?: string;
  readonly name?: string;
  readonly webhook?: WebhookEntry;
}

/** Throws with every mistake by its field's path. */
export async function parseAuthorizationConfig(text: string, readConnection: ReadConnection): Promise<AuthorizationMode[]> {
  const config = (parseYaml(text).value ?? {}) as { apiVersion?: string; kind?: string; authorizers?: readonly Entry[] };
  if (config.kind !== 'AuthorizationConfiguration' || !VERSIONS.some((version) => config.apiVersion === `apiserver.config.k8s.io/${version}`)) {
    throw new Error(`expected an AuthorizationConfiguration of apiserver.config.k8s.io/v1, got ${config.kind ?? ''} of ${config.apiVersion ?? ''}`);
  }
  const problems: string[] = [];
  const entries = config.authorizers ?? [];
  if (entries.length === 0) problems.push('authorizers: Required value: at least one authorization mode must be defined');
  const modes: AuthorizationMode[] = [];
  for (const [at, entry] of entries.entries()) {
    const mode = await modeOf(entry, { path: `authorizers[${at}]`, before: entries.slice(0, at), problems, readConnection });
    if (mode) modes.push(mode);
  }
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`);
  return modes;
}

interface Reading {
  readonly path: string;
  readonly before: readonly Entry[];
  readonly problems: string[];
  readonly readConnection: ReadConnection;
}

async function modeOf({ type = '', name = '', webhook }: Entry, { path, before, problems, readConnection }: Reading): Promise<AuthorizationMode | undefined> {
  const no = (field: string, why: string): undefined => void problems.push(`${path}.${field}: ${why}`);
  if (type === '') return no('type', 'Required value');
  if (!KNOWN.includes(type)) return no('type', `Unsupported value: ${JSON.stringify(type)}: supported values: ${KNOWN.map((one) => JSON.stringify(one)).join(', ')}`);
  // Its file is a flag beside --authorization-mode, which excludes this file.
  if (type === 'ABAC') return no('type', 'Invalid value: "ABAC": authorizer type ABAC is not allowed if it was not enabled at initial server startup');
  if (type !== 'Webhook' && before.some((one) => one.type === type)) return no('type', `Duplicate value: ${JSON.stringify(type)}`);
  if (name === '') no('name', 'Required value');
  else if (before.some((one) => one.name === name)) no('name', `Duplicate value: ${JSON.stringify(name)}`);
  else if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)) no('name', `Invalid value: ${JSON.stringify(name)}: authorizer name is invalid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`);
  if (type !== 'Webhook') {
    if (webhook) no('webhook', 'Invalid value: "non-null": may only be specified when type=Webhook');
    return { type: type as 'Node', name };
  }
  if (!webhook) return no('webhook', 'Required value: required when type=Webhook');
  return webhookOf(name, webhook, { path, problems, readConnection });
}

async function webhookOf(name: string, webhook: WebhookEntry, { path, problems, readConnection }: Omit<Reading, 'before'>): Promise<WebhookMode | undefined> {
  const no = (field: string, why: string): void => void problems.push(`${path}.${field}: ${why}`);
  const duration = (field: 'timeout' | 'authorizedTTL' | 'unauthorizedTTL', fallback?: number): number => {
    const given = webhook[field];
    const ms = given === undefined ? 0 : durationMs(given);
    if (ms === undefined) no(field, `Invalid value: ${JSON.stringify(given)}: time: invalid duration`);
    else if (ms < 0 && field !== 'timeout') no(field, `Invalid value: ${JSON.stringify(given)}: must be > 0s`);
    if (ms) return ms;
    if (fallback === undefined) no(field, 'Required value');
    return fallback ?? 0;
  };
  const timeoutMs = duration('timeout');
  if (timeoutMs > LIMITS.timeoutMs || timeoutMs < 0) no('timeout', `Invalid value: ${JSON.stringify(webhook.timeout)}: must be > 0s and <= 30s`);
  const authorizedTtlMs = duration('authorizedTTL', DEFAULT_TTLS.authorizedMs);
  const unauthorizedTtlMs = duration('unauthorizedTTL', DEFAULT_TTLS.unauthorizedMs);
  const choice = (field: string, value: string | undefined, of: readonly string[]): void => {
    if (!value) no(field, 'Required value');
    else if (!of.includes(value)) no(field, `Unsupported value: ${JSON.stringify(value)}: supported values: ${of.map((one) => JSON.stringify(one)).join(', ')}`);
  };
  choice('subjectAccessReviewVersion', webhook.subjectAccessReviewVersion, ['v1', 'v1beta1']);
  const expressions = (webhook.matchConditions ?? []).map(({ expression = '' }) => expression);
  if (webhook.matchConditionSubjectAccessReviewVersion) choice('matchConditionSubjectAccessReviewVersion', webhook.matchConditionSubjectAccessReviewVersion, ['v1']);
  else if (expressions.length > 0) no('matchConditionSubjectAccessReviewVersion', 'Required value: required if match conditions are specified');
  choice('failurePolicy', webhook.failurePolicy, ['NoOpinion', 'Deny']);
  const { type, kubeConfigFile } = webhook.connectionInfo ?? {};
  let connection: WebhookConnection = { server: '' };
  if (type === 'InClusterConfig') no('connectionInfo.type', 'Unsupported value: "InClusterConfig": this server is not started inside of a cluster; supported values: "KubeConfigFile"');
  else choice('connectionInfo.type', type, ['InClusterConfig', 'KubeConfigFile']);
  if (type === 'KubeConfigFile' && !kubeConfigFile) no('connectionInfo.kubeConfigFile', 'Required value');
  else if (type === 'KubeConfigFile' && kubeConfigFile) {
    if (!kubeConfigFile.startsWith('/')) no('connectionInfo.kubeConfigFile', `Invalid value: ${JSON.stringify(kubeConfigFile)}: must be an absolute path`);
    else connection = await readConnection(kubeConfigFile).catch((error: Error) => {
      no('connectionInfo.kubeConfigFile', `Invalid value: ${JSON.stringify(kubeConfigFile)}: error loading file: ${error.message}`);
      return connection;
    });
  }
  if (expressions.length > LIMITS.conditions) no('matchConditions', `Too many: ${expressions.length}: must have at most ${LIMITS.conditions} items`);
  return {
    type: 'Webhook', name, connection, timeoutMs, failurePolicy: webhook.failurePolicy as 'Deny', reviewVersion: webhook.subjectAccessReviewVersion as 'v1',
    authorizedTtlMs: webhook.cacheAuthorizedRequests === false ? 0 : authorizedTtlMs, unauthorizedTtlMs: webhook.cacheUnauthorizedRequests === false ? 0 : unauthorizedTtlMs,
    matchConditions: compileMatchConditions(expressions.slice(0, LIMITS.conditions), path, problems),
  };
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, 'µs': 1e-3, ns: 1e-6 };

/** `1m30s`; undefined: it is none. */
export function durationMs(text: string): number | undefined {
  const [, sign = '', rest = ''] = /^([-+]?)(.*)$/.exec(text) ?? [];
  if (rest === '0') return 0;
  let total = 0;
  let read = 0;
  for (const [whole, amount, unit] of rest.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * (UNITS[unit as string] as number);
    read += whole.length;
  }
  return rest !== '' && read === rest.length ? (sign === '-' ? -total : total) : undefined;
}

export interface ModeFlags {
  /** `Node,RBAC,Webhook` */
  readonly modes: readonly string[];
  /** Of ABAC. */
  readonly policies?: readonly AbacPolicy[];
  readonly webhook?: WebhookConnection;
  readonly webhookVersion?: string;
  readonly authorizedTtlMs?: number;
  readonly unauthorizedTtlMs?: number;
}

/** The plain flags: a webhook is asked for 30 seconds at most, with no opinion when it fails. */
export function modesOf({ modes, policies, webhook, webhookVersion = 'v1beta1', authorizedTtlMs = DEFAULT_TTLS.authorizedMs, unauthorizedTtlMs = DEFAULT_TTLS.unauthorizedMs }: ModeFlags): AuthorizationMode[] {
  return modes.map((type, at): AuthorizationMode => {
    if (!KNOWN.includes(type)) throw new Error(`authorization-mode ${JSON.stringify(type)} is not a valid mode`);
    if (modes.indexOf(type) < at) throw new Error(`authorization-mode ${JSON.stringify(modes)} has mode specified more than once`);
    if (type === 'ABAC') {
      if (!policies) throw new Error("authorization-mode ABAC's authorization policy file not passed");
      return { type, name: 'abac', policies };
    }
    if (type !== 'Webhook') return { type: type as 'Node', name: type.toLowerCase() };
    if (!webhook) throw new Error("authorization-mode Webhook's authorization config file not passed");
    if (webhookVersion !== 'v1' && webhookVersion !== 'v1beta1') throw new Error(`unsupported webhook authorizer version ${JSON.stringify(webhookVersion)}, supported versions are "v1", "v1beta1"`);
    return { type, name: 'default', connection: webhook, authorizedTtlMs, unauthorizedTtlMs, timeoutMs: LIMITS.timeoutMs, reviewVersion: webhookVersion, failurePolicy: 'NoOpinion', matchConditions: [] };
  });
}
