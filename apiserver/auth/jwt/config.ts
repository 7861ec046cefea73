/**
 * An AuthenticationConfiguration file: issuers of tokens, what their claims mean, and who may be anonymous where.
 * Provenance of the rules and their wording: pkg/apis/apiserver/validation of apiserver v0.36.
 */
import { X509Certificate } from 'node:crypto';
import { parseYaml } from '../../../api/codec/yaml.ts';
import type { CelProgram, CelType } from '../../../api/cel/cel.ts';
import { compile } from '../../../api/cel/compile.ts';

export interface Anonymous {
  readonly enabled: boolean;
  /** Paths at which somebody may be anonymous; none: everywhere. */
  readonly paths: readonly string[];
}

export const EVERYBODY: Anonymous = { enabled: true, paths: [] };
export const NOBODY: Anonymous = { enabled: false, paths: [] };

export interface AuthenticationConfig {
  readonly issuers: readonly IssuerConfig[];
  /** Undefined: the flag decides. */
  readonly anonymous: Anonymous | undefined;
}

export interface IssuerConfig {
  readonly url: string;
  readonly discoveryUrl: string | undefined;
  readonly ca: string | undefined;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  readonly username: Mapping;
  readonly groups: Mapping | undefined;
  readonly uid: Mapping | undefined;
  readonly extra: readonly { readonly key: string; readonly program: CelProgram }[];
  readonly requiredClaims: readonly { readonly claim: string; readonly value: string }[];
  readonly claimRules: readonly Rule[];
  readonly userRules: readonly Rule[];
}

export type Mapping = { readonly claim: string; readonly prefix: string } | { readonly program: CelProgram };

export interface Rule {
  readonly expression: string;
  readonly message: string;
  readonly program: CelProgram;
}

export const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'];
const VERSIONS = ['v1', 'v1beta1', 'v1alpha1'];
const ISSUERS_LIMIT = 64;

interface ClaimOrExpression {
  readonly claim?: string;
  readonly prefix?: string | null;
  readonly expression?: string;
}

interface Entry {
  readonly issuer?: {
    readonly url?: string; readonly discoveryURL?: string; readonly certificateAuthority?: string; readonly audiences?: readonly string[];
    readonly audienceMatchPolicy?: string; readonly egressSelectorType?: string;
  };
  readonly claimMappings?: { readonly username?: ClaimOrExpression; readonly groups?: ClaimOrExpression; readonly uid?: ClaimOrExpression; readonly extra?: readonly { readonly key?: string; readonly valueExpression?: string }[] };
  readonly claimValidationRules?: readonly { readonly claim?: string; readonly requiredValue?: string; readonly expression?: string; readonly message?: string }[];
  readonly userValidationRules?: readonly { readonly expression?: string; readonly message?: string }[];
}

interface File {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly jwt?: readonly Entry[];
  readonly anonymous?: { readonly enabled?: boolean; readonly conditions?: readonly { readonly path?: string }[] };
}

const shown = JSON.stringify;

/** `reserved` are the issuers of this server's own tokens. Throws with every mistake by its field's path. */
export function parseAuthenticationConfig(text: string, reserved: readonly string[]): AuthenticationConfig {
  const file = (parseYaml(text).value ?? {}) as File;
  if (file.kind !== 'AuthenticationConfiguration' || !VERSIONS.some((version) => file.apiVersion === `apiserver.config.k8s.io/${version}`)) {
    throw new Error(`expected an AuthenticationConfiguration of apiserver.config.k8s.io/v1, got ${file.kind ?? ''} of ${file.apiVersion ?? ''}`);
  }
  const problems = new Problems();
  const entries = file.jwt ?? [];
  if (entries.length > ISSUERS_LIMIT) problems.add('jwt', `Too many: ${entries.length}: must have at most ${ISSUERS_LIMIT} items`);
  const issuers = entries.map((entry, at) => issuerOf(entry, `jwt[${at}]`, reserved, problems));
  entries.forEach(({ issuer }, at) => {
    const repeated = (field: 'url' | 'discoveryURL'): boolean => !!issuer?.[field] && entries.slice(0, at).some((other) => other.issuer?.[field] === issuer[field]);
    for (const field of ['url', 'discoveryURL'] as const) if (repeated(field)) problems.add(`jwt[${at}].issuer.${field}`, `Duplicate value: ${shown(issuer?.[field])}`);
  });
  const { anonymous } = file;
  if (anonymous && !anonymous.enabled && anonymous.conditions?.length) problems.add('anonymous.conditions', `Invalid value: ${shown(anonymous.conditions)}: enabled should be set to true when conditions are defined`);
  problems.throwIfAny();
  return { issuers, anonymous: anonymous && { enabled: anonymous.enabled ?? false, paths: (anonymous.conditions ?? []).map(({ path = '' }) => path) } };
}

class Problems {
  readonly #all: string[] = [];

  add(path: string, why: string): undefined {
    this.#all.push(`${path}: ${why}`);
  }

  throwIfAny(): void {
    if (this.#all.length > 0) throw new Error(this.#all.length === 1 ? this.#all[0] : `[${this.#all.join(', ')}]`);
  }
}

function issuerOf(entry: Entry, path: string, reserved: readonly string[], problems: Problems): IssuerConfig {
  const { url = '', discoveryURL, certificateAuthority, audiences = [], audienceMatchPolicy = '', egressSelectorType } = entry.issuer ?? {};
  const at = `${path}.issuer`;
  if (url === '') problems.add(`${at}.url`, 'Required value');
  else checkUrl(url, `${at}.url`, reserved, problems);
  if (discoveryURL) {
    if (bare(url) === bare(discoveryURL)) problems.add(`${at}.discoveryURL`, `Invalid value: ${shown(discoveryURL)}: discoveryURL must be different from URL`);
    checkUrl(discoveryURL, `${at}.discoveryURL`, [], problems);
  }
  checkAudiences(audiences, audienceMatchPolicy, at, problems);
  if (certificateAuthority && !isCertificate(certificateAuthority)) problems.add(`${at}.certificateAuthority`, 'Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates');
  if (egressSelectorType) problems.add(`${at}.egressSelectorType`, `Invalid value: ${shown(egressSelectorType)}: egress selectors are not supported by this server`);
  const { requiredClaims, claimRules } = claimRulesOf(entry.claimValidationRules ?? [], `${path}.claimValidationRules`, problems);
  const { username = {}, groups = {}, uid = {}, extra = [] } = entry.claimMappings ?? {};
  const maps = `${path}.claimMappings`;
  const usernameMapping = mappingOf(username, `${maps}.username`, { required: true, problems });
  const extraPrograms = extraOf(extra, `${maps}.extra`, problems);
  checkEmail(username.expression ?? '', [...extra.map(({ valueExpression = '' }) => valueExpression), ...claimRules.map(({ expression }) => expression)], `${maps}.username.expression`, problems);
  return {
    url, discoveryUrl: discoveryURL || undefined, ca: certificateAuthority || undefined, audiences, algorithms: ALGORITHMS, requiredClaims, claimRules, extra: extraPrograms,
    username: usernameMapping ?? { claim: '', prefix: '' },
    groups: mappingOf(groups, `${maps}.groups`, { required: false, problems }),
    uid: mappingOf({ prefix: '', ...uid }, `${maps}.uid`, { required: false, problems }),
    userRules: userRulesOf(entry.userValidationRules ?? [], `${path}.userValidationRules`, problems),
  };
}

function bare(url: string): string {
  return url.replace(/\/+$/, '');
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function checkUrl(text: string, path: string, reserved: readonly string[], problems: Problems): void {
  const no = (why: string): void => problems.add(path, `Invalid value: ${shown(text)}: ${why}`);
  if (reserved.includes(text)) no(`URL must not overlap with disallowed issuers: [${[...reserved].sort().join(' ')}]`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return no(/^[a-z][-+.a-z0-9]*:/i.test(text) ? 'parse failed' : 'URL scheme must be https');
  }
  if (url.protocol !== 'https:') no('URL scheme must be https');
  if (url.username || url.password) no('URL must not contain a username or password');
  if (url.search) no('URL must not contain a query');
  if (url.hash) no('URL must not contain a fragment');
}

function checkAudiences(audiences: readonly string[], policy: string, at: string, problems: Problems): void {
  if (audiences.length === 0) return problems.add(`${at}.audiences`, `Required value: at least one ${at}.audiences is required`);
  audiences.forEach((audience, i) => {
    if (audience === '') problems.add(`${at}.audiences[${i}]`, 'Required value');
    if (audiences.indexOf(audience) < i) problems.add(`${at}.audiences[${i}]`, `Duplicate value: ${shown(audience)}`);
  });
  const no = (why: string): void => problems.add(`${at}.audienceMatchPolicy`, `Invalid value: ${shown(policy)}: ${why}`);
  if (audiences.length > 1 && policy !== 'MatchAny') no('audienceMatchPolicy must be MatchAny for multiple audiences');
  if (audiences.length === 1 && policy !== '' && policy !== 'MatchAny') no('audienceMatchPolicy must be empty or MatchAny for single audience');
}

const text: CelType = { kind: 'string' };
const CLAIMS = { claims: { kind: 'map', of: { kind: 'dyn' } } as CelType };
const USER_FIELDS: Readonly<Record<string, CelType>> = { username: text, uid: text, groups: { kind: 'list', of: text }, extra: { kind: 'map', of: { kind: 'list', of: text } } };
const USER = { user: { kind: 'object', name: 'kubernetes.UserInfo', field: (name) => (Object.hasOwn(USER_FIELDS, name) ? USER_FIELDS[name] : undefined) } as CelType };

interface Compiling {
  readonly variables: Readonly<Record<string, CelType>>;
  readonly bool?: boolean;
  readonly problems: Problems;
}

function compiled(expression: string, path: string, { variables, bool = false, problems }: Compiling): CelProgram | undefined {
  const made = compile(expression, { variables, ...(bool && { result: { kind: 'bool' } }) });
  if ('program' in made) return made.program;
  return problems.add(path, `Invalid value: ${shown(expression)}: ${made.stage === 'result' ? 'must evaluate to bool' : `compilation failed: ${made.errors.join('\n')}`}`);
}

function mappingOf({ claim = '', prefix, expression = '' }: ClaimOrExpression, path: string, { required, problems }: { readonly required: boolean; readonly problems: Problems }): Mapping | undefined {
  if (claim && expression) return problems.add(path, 'Invalid value: "": claim and expression can\'t both be set');
  if (!claim && !expression) return required ? problems.add(path, 'Required value: claim or expression is required') : undefined;
  if (expression) {
    if (prefix) problems.add(`${path}.prefix`, `Invalid value: ${shown(prefix)}: may not be specified when expression is set`);
    const program = compiled(expression, `${path}.expression`, { variables: CLAIMS, problems });
    return program && { program };
  }
  if (prefix === undefined || prefix === null) return problems.add(`${path}.prefix`, 'Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing');
  return { claim, prefix };
}

const DOMAIN_PATH = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[-A-Za-z0-9/_.~!$&'()*+,;=:%]+$/;

function extraOf(extra: readonly { readonly key?: string; readonly valueExpression?: string }[], path: string, problems: Problems): IssuerConfig['extra'] {
  return extra.flatMap(({ key = '', valueExpression = '' }, at) => {
    const here = `${path}[${at}]`;
    const no = (why: string): void => problems.add(`${here}.key`, `Invalid value: ${shown(key)}: ${why}`);
    if (key === '') problems.add(`${here}.key`, 'Required value');
    else if (!DOMAIN_PATH.test(key.toLowerCase())) no('must be a domain-prefixed path (such as "acme.io/foo")');
    if (key !== key.toLowerCase()) no('must be lowercase');
    if (/^([^/]*\.)?(k8s|kubernetes)\.io\//.test(key)) no('k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use');
    if (extra.findIndex((other) => other.key === key) < at) problems.add(`${here}.key`, `Duplicate value: ${shown(key)}`);
    if (valueExpression === '') return problems.add(`${here}.valueExpression`, 'Required value') ?? [];
    const program = compiled(valueExpression, `${here}.valueExpression`, { variables: CLAIMS, problems });
    return program ? [{ key, program }] : [];
  });
}

function claimRulesOf(rules: NonNullable<Entry['claimValidationRules']>, path: string, problems: Problems): Pick<IssuerConfig, 'requiredClaims' | 'claimRules'> {
  const requiredClaims: { claim: string; value: string }[] = [];
  const claimRules: Rule[] = [];
  rules.forEach(({ claim = '', requiredValue = '', expression = '', message = '' }, at) => {
    const here = `${path}[${at}]`;
    const repeated = (field: 'claim' | 'expression', value: string): boolean => rules.findIndex((other) => other[field] === value) < at;
    if (claim && expression) problems.add(here, `Invalid value: ${shown(claim)}: claim and expression can't both be set`);
    else if (!claim && !expression) problems.add(here, 'Required value: claim or expression is required');
    else if (claim) {
      if (message) problems.add(`${here}.message`, `Invalid value: ${shown(message)}: may not be specified when claim is set`);
      if (repeated('claim', claim)) problems.add(`${here}.claim`, `Duplicate value: ${shown(claim)}`);
      requiredClaims.push({ claim, value: requiredValue });
    } else {
      if (requiredValue) problems.add(`${here}.requiredValue`, `Invalid value: ${shown(requiredValue)}: may not be specified when expression is set`);
      if (repeated('expression', expression)) return problems.add(`${here}.expression`, `Duplicate value: ${shown(expression)}`);
      const program = compiled(expression, `${here}.expression`, { variables: CLAIMS, bool: true, problems });
      if (program) claimRules.push({ expression, message, program });
    }
  });
  return { requiredClaims, claimRules };
}

function userRulesOf(rules: NonNullable<Entry['userValidationRules']>, path: string, problems: Problems): Rule[] {
  return rules.flatMap(({ expression = '', message = '' }, at) => {
    const here = `${path}[${at}].expression`;
    if (expression === '') return problems.add(here, 'Required value') ?? [];
    if (rules.findIndex((other) => other.expression === expression) < at) return problems.add(here, `Duplicate value: ${shown(expression)}`) ?? [];
    const program = compiled(expression, here, { variables: USER, bool: true, problems });
    return program ? [{ expression, message, program }] : [];
  });
}

/** An address that nobody has verified must not become a name. */
function checkEmail(username: string, others: readonly string[], path: string, problems: Problems): void {
  const reads = (expression: string, claim: string): boolean => new RegExp(`\\bclaims\\s*\\.\\s*\\??\\s*${claim}\\b`).test(expression);
  if (!reads(username, 'email') || [username, ...others].some((expression) => reads(expression, 'email_verified'))) return;
  problems.add(path, `Invalid value: ${shown(username)}: claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression`);
}
