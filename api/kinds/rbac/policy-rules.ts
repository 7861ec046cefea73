/** The rules for what RBAC objects may say. */
import { type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { PolicyRule, RoleRef, Subject } from '../../types/rbac.v1.ts';
import type { TypedColumn } from '../kind-rules.ts';
import { wide } from '../shared/columns.ts';
import { nameIsPathSegment } from '../shared/names.ts';
import { semanticEqual } from '../shared/semantic-equal.ts';
import { isDnsSubdomain } from '../shared/text-rules.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** Names need only fit into a path, whether generated or not. */
export const rbacName = (name: string): string[] => nameIsPathSegment(name, false);

export function checkPolicyRules(rules: readonly PolicyRule[] | null | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap((rule, at) => {
    const path = Path.of('rules').index(at);
    const errors: FieldError[] = rule.verbs?.length ? [] : [required(path.child('verbs'), 'verbs must contain at least one value')];
    const urls = rule.nonResourceURLs ?? [];
    if (urls.length > 0) {
      const field = path.child('nonResourceURLs');
      if (namespaced) errors.push(invalid(field, urls, 'namespaced rules cannot apply to non-resource URLs'));
      if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
        errors.push(invalid(field, urls, 'rules cannot apply to both regular resources and non-resource URLs'));
      }
      return errors;
    }
    if (!rule.apiGroups?.length) errors.push(required(path.child('apiGroups'), 'resource rules must supply at least one api group'));
    if (!rule.resources?.length) errors.push(required(path.child('resources'), 'resource rules must supply at least one resource'));
    return errors;
  });
}

interface Binding {
  roleRef: RoleRef;
  subjects?: Subject[];
}

export function checkBinding({ roleRef, subjects }: Binding, namespaced: boolean): FieldError[] {
  const path = Path.of('roleRef');
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  const errors: FieldError[] = [];
  if (roleRef.apiGroup !== RBAC_GROUP) errors.push(notSupported(path.child('apiGroup'), roleRef.apiGroup, [RBAC_GROUP], 'plain'));
  if (!kinds.includes(roleRef.kind)) errors.push(notSupported(path.child('kind'), roleRef.kind, kinds, 'plain'));
  if (!roleRef.name) errors.push(required(path.child('name')));
  else errors.push(...rbacName(roleRef.name).map((why) => invalid(path.child('name'), roleRef.name, why)));
  return [...errors, ...(subjects ?? []).flatMap((subject, at) => checkSubject(subject, namespaced, Path.of('subjects').index(at)))];
}

export function checkRoleRefKept({ roleRef }: Binding, old: Binding): FieldError[] {
  if (semanticEqual(roleRef, old.roleRef)) return [];
  const shown = { APIGroup: roleRef.apiGroup, Kind: roleRef.kind, Name: roleRef.name };
  return [invalid(Path.of('roleRef'), shown, 'cannot change roleRef')];
}

export function defaultBinding({ roleRef, subjects }: Binding): void {
  roleRef.apiGroup ||= RBAC_GROUP;
  for (const subject of subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= RBAC_GROUP;
}

export function subjectColumns<T extends Binding>(): TypedColumn<T>[] {
  const named = (kind: string) => (object: T) =>
    (object.subjects ?? [])
      .filter((subject) => subject.kind === kind)
      .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace ?? ''}/${subject.name}` : subject.name))
      .join(', ');
  return [wide('Users', named('User')), wide('Groups', named('Group')), wide('ServiceAccounts', named('ServiceAccount'))];
}

const SUBJECT_KINDS = ['ServiceAccount', 'User', 'Group'];

function checkSubject({ kind, name, apiGroup = '', namespace }: Subject, namespaced: boolean, path: Path): FieldError[] {
  const errors: FieldError[] = name ? [] : [required(path.child('name'))];
  if (!SUBJECT_KINDS.includes(kind)) return [...errors, notSupported(path.child('kind'), kind, SUBJECT_KINDS, 'plain')];
  if (kind !== 'ServiceAccount') {
    return apiGroup === RBAC_GROUP ? errors : [...errors, notSupported(path.child('apiGroup'), apiGroup, [RBAC_GROUP], 'plain')];
  }
  if (name) errors.push(...isDnsSubdomain(name, path.child('name')));
  if (apiGroup) errors.push(notSupported(path.child('apiGroup'), apiGroup, [''], 'plain'));
  if (!namespaced && !namespace) errors.push(required(path.child('namespace')));
  return errors;
}
