/** An audit policy: what is recorded of whose requests, and how much. Pure. Provenance: apiserver/pkg/audit/policy of v0.36. */
import type { UserInfo } from '../auth/auth.ts';
import type { Route } from '../request/route.ts';
import { fields, FLAG, listOf, shape, TEXT } from '../shape.ts';
import { jsYaml } from '../../std/js-yaml.ts';

export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof LEVELS)[number];
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof STAGES)[number];

export interface Policy {
  readonly rules: readonly Rule[];
  readonly omitStages: readonly Stage[];
  readonly omitManagedFields: boolean;
}

interface Rule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly { readonly group?: string; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[] }[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface Verdict {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/** The first rule that matches decides; where none does nothing is recorded. */
export function evaluate(policy: Policy, user: UserInfo | undefined, route: Route): Verdict {
  const rule = policy.rules.find((one) => matches(one, user, route));
  return {
    level: rule?.level ?? 'None', omitStages: new Set([...policy.omitStages, ...(rule?.omitStages ?? [])]), omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields,
  };
}

function matches(rule: Rule, user: UserInfo | undefined, route: Route): boolean {
  if (rule.users?.length && !rule.users.includes(user?.name ?? '\0')) return false;
  if (rule.userGroups?.length && !rule.userGroups.some((group) => user?.groups.includes(group))) return false;
  if (rule.verbs?.length && !rule.verbs.includes(route.verb)) return false;
  if (rule.namespaces?.length || rule.resources?.length) return matchesResource(rule, route);
  if (rule.nonResourceURLs?.length) return !route.isResource && rule.nonResourceURLs.some((url) => matchesPath(url, route.path));
  return true;
}

function matchesResource({ namespaces, resources }: Rule, route: Route): boolean {
  if (!route.isResource) return false;
  if (namespaces?.length && !namespaces.includes(route.namespace)) return false;
  if (!resources?.length) return true;
  return resources.some((row) => (row.group ?? '') === route.group && (!row.resources?.length || (matchesName(row.resourceNames, route.name) && row.resources.some((name) => names(name, route)))));
}

function matchesName(allowed: readonly string[] | undefined, name: string): boolean {
  return !allowed?.length || allowed.includes(name);
}

function names(pattern: string, { resource, subresource }: Route): boolean {
  if (pattern === '*' || pattern === (subresource ? `${resource}/${subresource}` : resource)) return true;
  if (subresource !== '' && pattern === `*/${subresource}`) return true;
  return pattern === `${resource}/*`;
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

const TEXTS = listOf(TEXT);
const RESOURCES = listOf(fields({ group: TEXT, resources: TEXTS, resourceNames: TEXTS }));
const RULE = { level: TEXT, users: TEXTS, userGroups: TEXTS, verbs: TEXTS, resources: RESOURCES, namespaces: TEXTS, nonResourceURLs: TEXTS, omitStages: TEXTS, omitManagedFields: FLAG };
const checkShape = shape(fields({ apiVersion: TEXT, kind: TEXT, metadata: {}, rules: listOf({ ...fields(RULE), type: 'object' }), omitStages: TEXTS, omitManagedFields: FLAG }));

/** Throws on a text that is no policy, telling the field. */
export function parsePolicy(text: string): Policy {
  const file = jsYaml().load(text) as Partial<Record<string, unknown>> | undefined;
  if (file?.['apiVersion'] !== 'audit.k8s.io/v1' || file['kind'] !== 'Policy') throw new Error('an audit policy must be a Policy of audit.k8s.io/v1');
  checkShape(file);
  const rules = (file['rules'] ?? []) as Rule[];
  if (rules.length === 0) throw new Error('loaded illegal policy with 0 rules');
  for (const [at, rule] of rules.entries()) checkRule(rule, `rules[${at}]`);
  const omitStages = (file['omitStages'] ?? []) as Stage[];
  checkStages(omitStages, 'omitStages');
  return { rules, omitStages, omitManagedFields: file['omitManagedFields'] === true };
}

function checkRule(rule: Rule, path: string): void {
  if (!LEVELS.includes(rule.level)) throw new Error(`${path}.level: ${!rule.level ? 'Required value' : `Unsupported value: ${JSON.stringify(rule.level)}: supported values: ${LEVELS.map((level) => JSON.stringify(level)).join(', ')}`}`);
  for (const [at, url] of (rule.nonResourceURLs ?? []).entries()) {
    if (url === '*') continue;
    if (!url.startsWith('/')) throw new Error(`${path}.nonResourceURLs[${at}]: Invalid value: ${JSON.stringify(url)}: non-resource URL rules must begin with a '/' character`);
    if (url.slice(0, -1).includes('*')) throw new Error(`${path}.nonResourceURLs[${at}]: Invalid value: ${JSON.stringify(url)}: non-resource URL wildcards '*' must be the final character of the rule`);
  }
  for (const row of rule.resources ?? []) {
    if (row.group?.includes('/')) throw new Error(`${path}.resources.group: Invalid value: ${JSON.stringify(row.group)}: a group is named without its version`);
    if (row.resourceNames?.length && !row.resources?.length) throw new Error(`${path}.resources.resourceNames: using resourceNames requires at least one resource`);
  }
  if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length)) throw new Error(`${path}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`);
  checkStages(rule.omitStages ?? [], `${path}.omitStages`);
}

function checkStages(stages: readonly Stage[], path: string): void {
  for (const [at, stage] of stages.entries()) {
    if (!STAGES.includes(stage)) throw new Error(`${path}[${at}]: Invalid value: ${JSON.stringify(stage)}: allowed stages are ${STAGES.join(',')}`);
  }
}
