/** The rules for FlowSchemas. */
import { type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../../types/flowcontrol.v1.ts';
import { dnsLabel, dnsSubdomain } from '../shared/formats.ts';
import { mandatorySchema } from './mandatory.ts';

const SPEC = Path.of('spec');
const LAST_PRECEDENCE = 10_000;
const METHODS = ['ByNamespace', 'ByUser'];
const SUBJECTS = ['Group', 'ServiceAccount', 'User'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const SUBJECT_FIELDS = { serviceAccount: 'ServiceAccount', user: 'User', group: 'Group' } as const;

export function validateFlowSchema({ metadata, spec }: FlowSchema): FieldError[] {
  const precedence = spec?.matchingPrecedence ?? 0;
  const path = SPEC.child('matchingPrecedence');
  const errors: FieldError[] = [];
  if (precedence <= 0) errors.push(invalid(path, precedence, 'must be a positive value'));
  if (precedence > LAST_PRECEDENCE) errors.push(invalid(path, precedence, `must not be greater than ${LAST_PRECEDENCE}`));
  if (precedence === 1 && metadata.name !== 'exempt') errors.push(invalid(path, precedence, "only the schema named 'exempt' may have matchingPrecedence 1"));
  const method: string | undefined = spec?.distinguisherMethod?.type;
  if (method !== undefined && !METHODS.includes(method)) errors.push(notSupported(SPEC.child('distinguisherMethod', 'type'), { Type: method }, METHODS));
  const level = spec?.priorityLevelConfiguration?.name;
  const here = SPEC.child('priorityLevelConfiguration', 'name');
  if (level) errors.push(...dnsSubdomain(level).map((why) => invalid(here, level, why)));
  else errors.push(required(here, 'must reference a priority level'));
  return [...errors, ...(spec?.rules ?? []).flatMap((rule, at) => checkRule(rule, SPEC.child('rules').index(at))), ...mandatorySchema(metadata.name ?? '', spec)];
}

function checkRule(rule: PolicyRulesWithSubjects, path: Path): FieldError[] {
  const { subjects, resourceRules, nonResourceRules } = { subjects: rule.subjects ?? [], resourceRules: rule.resourceRules ?? [], nonResourceRules: rule.nonResourceRules ?? [] };
  const errors = subjects.flatMap((subject, at) => checkSubject(subject, path.child('subjects').index(at)));
  if (subjects.length === 0) errors.push(required(path.child('subjects'), 'subjects must contain at least one value'));
  if (resourceRules.length + nonResourceRules.length === 0) errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'));
  errors.push(...resourceRules.flatMap((one, at) => checkResourceRule(one, path.child('resourceRules').index(at))));
  return [...errors, ...nonResourceRules.flatMap((one, at) => checkUrlRule(one, path.child('nonResourceRules').index(at)))];
}

function checkSubject(subject: Subject, path: Path): FieldError[] {
  const kind: string = subject.kind;
  if (!SUBJECTS.includes(kind)) return [notSupported(path.child('kind'), kind, SUBJECTS)];
  const errors: FieldError[] = [];
  for (const [field, needed] of Object.entries(SUBJECT_FIELDS) as [keyof typeof SUBJECT_FIELDS, string][]) {
    const here = path.child(field);
    if (kind !== needed && subject[field]) errors.push(forbiddenField(here, `${field} is forbidden when subject kind is not '${needed}'`));
    if (kind !== needed) continue;
    if (!subject[field]) errors.unshift(required(here, `${field} is required when subject kind is '${needed}'`));
    else if (!subject[field].name) errors.unshift(required(here.child('name')));
  }
  return subject.serviceAccount && kind === 'ServiceAccount' ? [...checkAccount(subject.serviceAccount, path.child('serviceAccount')), ...errors] : errors;
}

function checkAccount({ name, namespace }: { name: string; namespace: string }, path: Path): FieldError[] {
  const errors = name && name !== '*' ? dnsSubdomain(name).map((why) => invalid(path.child('name'), name, why)) : [];
  if (!namespace) return [...errors, required(path.child('namespace'), 'must specify namespace for service account')];
  return [...errors, ...dnsLabel(namespace).map((why) => invalid(path.child('namespace'), namespace, why))];
}

function checkResourceRule(rule: ResourcePolicyRule, path: Path): FieldError[] {
  const { verbs, apiGroups, resources, clusterScope } = rule;
  const namespaces = rule.namespaces ?? [];
  const errors = [
    ...checkVerbs(verbs, path.child('verbs')),
    ...checkStar(apiGroups, 'resource rules must supply at least one api group', 'api groups', path.child('apiGroups')),
    ...checkStar(resources, 'resource rules must supply at least one resource', 'resources', path.child('resources')),
  ];
  const here = path.child('namespaces');
  const why = 'resource rules that are not cluster scoped must supply at least one namespace';
  if (namespaces.length === 0) return clusterScope ? errors : [...errors, required(here, why)];
  if (namespaces.includes('*')) return [...errors, ...checkStar(namespaces, why, 'namespaces', here)];
  const wrong = namespaces.flatMap((name, at) =>
    dnsLabel(name).map((reason) => invalid(here.index(at), name, `each member of this list must be '*' or a DNS-1123 label; ${reason}`)),
  );
  return [...errors, ...wrong];
}

function checkUrlRule({ verbs, nonResourceURLs }: NonResourcePolicyRule, path: Path): FieldError[] {
  const urls = nonResourceURLs ?? [];
  const here = path.child('nonResourceURLs');
  const errors = [...checkVerbs(verbs, path.child('verbs')), ...checkStar(urls, 'nonResourceURLs must contain at least one value', 'non-resource URLs', here)];
  return urls.includes('*') ? errors : [...errors, ...urls.flatMap((url, at) => checkUrl(url, here.index(at)))];
}

function checkUrl(url: string, path: Path): FieldError[] {
  if (url === '') return [invalid(path, url, 'must not be empty')];
  if (url === '/') return [];
  if (!url.startsWith('/')) return [invalid(path, url, 'must start with slash')];
  if (url.includes(' ')) return [invalid(path, url, 'must not contain white-space')];
  if (url.includes('//')) return [invalid(path, url, 'must not contain double slash')];
  const star = url.indexOf('*');
  return star >= 0 && !/^[^*]*\/\*$/.test(url) ? [invalid(path, url, 'wildcard can only do suffix matching')] : [];
}

function checkVerbs(verbs: readonly string[] | null, path: Path): FieldError[] {
  const errors = checkStar(verbs, 'verbs must contain at least one value', 'verbs', path);
  if (!verbs || errors.length > 0 || verbs.includes('*') || verbs.every((verb) => VERBS.includes(verb))) return errors;
  return [notSupported(path, verbs, VERBS)];
}

function checkStar(list: readonly string[] | null, none: string, what: string, path: Path): FieldError[] {
  if (!list?.length) return [required(path, none)];
  return list.length > 1 && list.includes('*') ? [invalid(path, list, `if '*' is present, must not specify other ${what}`)] : [];
}
