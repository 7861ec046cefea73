/** The rules for mutating admission policies. */
import { type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { MutatingAdmissionPolicy, Mutation } from '../../types/admissionregistration.v1.ts';
import { checkCommon } from './policy-rules.ts';

const SPEC = Path.of('spec');
const OPERATIONS = ['CREATE', 'UPDATE'];
const REINVOCATION = ['IfNeeded', 'Never'];
const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch'];
const OTHER = { ApplyConfiguration: 'jsonPatch', JSONPatch: 'applyConfiguration' } as const;
const OWN = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

export function validateMutatingPolicy({ spec }: MutatingAdmissionPolicy): FieldError[] {
  const { mutations = [], matchConstraints, reinvocationPolicy } = spec ?? {};
  const errors = checkCommon(spec ?? {});
  const operations = (matchConstraints?.resourceRules ?? []).flatMap((rule) => rule.operations ?? []);
  const path = SPEC.child('matchConstraints', 'resourceRules', 'operations');
  errors.push(...operations.filter((operation) => !OPERATIONS.includes(operation)).map((operation) => notSupported(path, operation, OPERATIONS)));
  if (mutations.length === 0) errors.push(required(SPEC.child('mutations'), 'mutations must contain at least one item'));
  errors.push(...mutations.flatMap((mutation, at) => checkMutation(mutation, SPEC.child('mutations').index(at))));
  const policy: string = reinvocationPolicy ?? '';
  const here = SPEC.child('reinvocationPolicy');
  if (policy === '') return [...errors, required(here)];
  return REINVOCATION.includes(policy) ? errors : [...errors, notSupported(here, policy, REINVOCATION)];
}

function checkMutation(mutation: Mutation, path: Path): FieldError[] {
  const type = mutation.patchType as keyof typeof OWN | undefined;
  if (!type) return [required(path.child('patchType'))];
  if (!PATCH_TYPES.includes(type)) return [notSupported(path.child('patchType'), type, PATCH_TYPES)];
  const [own, other] = [OWN[type], OTHER[type]];
  const patch = mutation[own];
  const errors: FieldError[] = [];
  if (!patch) errors.push(required(path.child(own), `must be specified when patchType is ${type}`));
  else if (!patch.expression?.trim()) errors.push(required(path.child(own, 'expression'), 'expression is not specified'));
  return mutation[other] ? [...errors, invalid(path.child(other), `{${other}}`, `must not be specified when patchType is ${type}`)] : errors;
}
