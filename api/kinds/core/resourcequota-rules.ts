/** The rules for ResourceQuotas. */
import { Named, type FieldError, Path, invalid, required } from '../../field-error.ts';
import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../../types/core.v1.ts';
import { IMMUTABLE_WORDS } from '../shared/object-meta.ts';
import { checkAmount, checkQuotaResourceName, isStandardQuotaResource } from '../shared/quantity-rules.ts';
import type { ResourceList } from '../shared/resource-list.ts';

const SPEC = Path.of('spec');
const SCOPES = SPEC.child('scopes');

export function validateQuota({ spec }: ResourceQuota): FieldError[] {
  if (!spec) return [];
  return [...checkList(spec.hard, SPEC.child('hard')), ...checkScopes(spec), ...checkSelector(spec)];
}

export function validateQuotaUpdate(object: ResourceQuota, old: ResourceQuota): FieldError[] {
  const scopes = new Set<string>(object.spec?.scopes ?? []);
  const before = new Set<string>(old.spec?.scopes ?? []);
  const same = scopes.size === before.size && [...scopes].every((scope) => before.has(scope));
  return [...validateQuota(object), ...(same ? [] : [invalid(SCOPES, object.spec?.scopes ?? null, IMMUTABLE_WORDS)])];
}

export function validateQuotaStatus({ status }: ResourceQuota): FieldError[] {
  return (['hard', 'used'] as const).flatMap((list) => checkList(status?.[list], Path.of('status', list)));
}

function checkList(list: ResourceList | undefined, path: Path): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, text]) => [...checkQuotaResourceName(name, path.key(name)), ...checkAmount(name, text, path.key(name))]);
}

const STANDARD = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity', 'VolumeAttributesClass'];
const OPPOSITES = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const;
const ONLY_EXISTS = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity'];

function checkScopes({ scopes = [], hard }: ResourceQuotaSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const scope of scopes) {
    if (!STANDARD.includes(scope)) errors.push(invalid(SCOPES, scopes, 'unsupported scope'));
    for (const name of unsuited(scope, hard)) if (name) errors.push(invalid(SCOPES, scopes, 'unsupported scope applied to resource'));
  }
  for (const [a, b] of OPPOSITES) if (scopes.includes(a) && scopes.includes(b)) errors.push(invalid(SCOPES, scopes, 'conflicting scopes'));
  return errors;
}

function checkSelector(spec: ResourceQuotaSpec): FieldError[] {
  const requirements = spec.scopeSelector?.matchExpressions ?? [];
  const path = SPEC.child('scopeSelector', 'matchExpressions');
  const errors = requirements.flatMap((requirement) => checkRequirement(requirement, spec, path));
  const scopes: string[] = requirements.map(({ scopeName }) => scopeName);
  for (const [a, b] of OPPOSITES) if (scopes.includes(a) && scopes.includes(b)) errors.push(invalid(path, spec.scopes ?? null, 'conflicting scopes'));
  return errors;
}

function checkRequirement({ scopeName, operator, values }: ScopedResourceSelectorRequirement, spec: ResourceQuotaSpec, path: Path): FieldError[] {
  const errors: FieldError[] = STANDARD.includes(scopeName) ? [] : [invalid(path.child('scopeName'), new Named(scopeName), 'unsupported scope')];
  const shown = { MatchExpressions: (spec.scopeSelector?.matchExpressions ?? []).map((one) => ({ ScopeName: one.scopeName, Operator: one.operator, Values: one.values ?? null })) };
  for (const name of unsuited(scopeName, spec.hard)) if (name) errors.push(invalid(path, shown, 'unsupported scope applied to resource'));
  if (ONLY_EXISTS.includes(scopeName) && (operator as string) !== 'Exists') {
    const names = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort'].map((name) => `ResourceQuotaScope${name}`).join(', ');
    errors.push(invalid(path.child('operator'), operator, `must be 'Exists' when scope is any of ${names} or ResourceQuotaScopeCrossNamespacePodAffinity`));
  }
  const count = values?.length ?? 0;
  const field = path.child('values');
  if (operator === 'In' || operator === 'NotIn') {
    return count > 0 ? errors : [...errors, required(field, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")];
  }
  if (operator === 'Exists' || operator === 'DoesNotExist') {
    const why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    return count === 0 ? errors : [...errors, invalid(field, values, why)];
  }
  return [...errors, invalid(path.child('operator'), new Named(operator), 'not a valid selector operator')];
}

const COMPUTE = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory'];

/** Resources of the quota that a scope says nothing of. */
function unsuited(scope: string, hard: ResourceList | undefined): string[] {
  return Object.keys(hard ?? {}).filter((name) => isStandardQuotaResource(name) && !suits(scope, name));
}

function suits(scope: string, name: string): boolean {
  if (scope === 'BestEffort') return name === 'pods';
  if (scope === 'VolumeAttributesClass') return name === 'persistentvolumeclaims' || name === 'requests.storage';
  return !STANDARD.includes(scope) || name === 'pods' || COMPUTE.includes(name);
}
