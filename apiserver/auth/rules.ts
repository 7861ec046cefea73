/** What a PolicyRule allows, covers and looks like in messages. Pure. */
import type { PolicyRule } from '../../api/types/rbac.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { Attributes } from './auth.ts';

export type Rule = DeepReadonly<PolicyRule>;

export function ruleAllows(attributes: Attributes, rule: Rule): boolean {
  if (!matches(rule.verbs, attributes.verb)) return false;
  if (attributes.resource === '') return rule.nonResourceURLs?.some((url) => urlMatches(url, attributes.path)) ?? false;
  return (
    matches(rule.apiGroups, attributes.group) &&
    (rule.resources?.some((resource) => resourceMatches(resource, attributes)) ?? false) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(attributes.name))
  );
}

function matches(allowed: readonly string[] | undefined, asked: string): boolean {
  return allowed !== undefined && (allowed.includes('*') || allowed.includes(asked));
}

function resourceMatches(allowed: string, { resource, subresource }: Attributes): boolean {
  if (allowed === '*') return true;
  if (subresource === '') return allowed === resource;
  return allowed === `${resource}/${subresource}` || allowed === `*/${subresource}`;
}

function urlMatches(allowed: string, path: string): boolean {
  return allowed === '*' || allowed === path || (allowed.endsWith('*') && path.startsWith(allowed.replace(/\*+$/, '')));
}

/** The parts of `wanted` that no single rule of `owned` grants, each with one verb, one group, one resource and one name. */
export function uncovered(owned: readonly Rule[], wanted: readonly Rule[]): Rule[] {
  return wanted.flatMap(breakDown).filter((part) => !owned.some((rule) => covers(rule, part)));
}

function breakDown(rule: Rule): Rule[] {
  const parts: Rule[] = [];
  for (const group of rule.apiGroups ?? []) {
    for (const resource of rule.resources ?? []) {
      for (const verb of rule.verbs) {
        const part = { apiGroups: [group], resources: [resource], verbs: [verb] };
        if (!rule.resourceNames?.length) parts.push(part);
        else for (const name of rule.resourceNames) parts.push({ ...part, resourceNames: [name] });
      }
    }
  }
  for (const url of rule.nonResourceURLs ?? []) for (const verb of rule.verbs) parts.push({ nonResourceURLs: [url], verbs: [verb] });
  return parts;
}

function covers(owner: Rule, part: Rule): boolean {
  return (
    (owner.verbs.includes('*') || part.verbs.every((verb) => owner.verbs.includes(verb))) &&
    (part.apiGroups ?? []).every((group) => matches(owner.apiGroups, group)) &&
    (part.resources ?? []).every((resource) => resourceCovered(owner.resources ?? [], resource)) &&
    (part.nonResourceURLs ?? []).every((url) => owner.nonResourceURLs?.some((allowed) => allowed === url || (allowed.endsWith('*') && url.startsWith(allowed.replace(/\*+$/, ''))))) &&
    (!owner.resourceNames?.length || (!!part.resourceNames?.length && part.resourceNames.every((name) => owner.resourceNames?.includes(name))))
  );
}

function resourceCovered(owned: readonly string[], resource: string): boolean {
  if (owned.includes('*') || owned.includes(resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && owned.includes(`*/${resource.slice(slash + 1)}`);
}

/** Joins the verbs of rules with one group and one resource that differ in nothing else; other rules stay as they are. */
export function compact(rules: readonly Rule[]): Rule[] {
  const joined = new Map<string, { rule: Rule; verbs: string[] }>();
  const out: { rule: Rule; verbs: string[] }[] = [];
  for (const rule of rules) {
    const simple = rule.apiGroups?.length === 1 && rule.resources?.length === 1 && !rule.nonResourceURLs?.length && (rule.resourceNames?.length ?? 0) <= 1;
    const key = JSON.stringify([rule.apiGroups, rule.resources, rule.resourceNames]);
    const known = simple ? joined.get(key) : undefined;
    if (known) known.verbs.push(...rule.verbs);
    else {
      const entry = { rule, verbs: [...rule.verbs] };
      out.push(entry);
      if (simple) joined.set(key, entry);
    }
  }
  return out.map(({ rule, verbs }) => ({ ...rule, verbs }));
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}` */
export function describeRule(rule: Rule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ];
  return `{${parts.flatMap(([name, values]) => (values?.length ? [`${name}:${quoteList(values)}`] : [])).join(', ')}}`;
}

/** `["a" "b"]`, as messages show lists of names. */
export function quoteList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
