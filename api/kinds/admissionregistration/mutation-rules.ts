/** The rules for mutating admission policies. */
import { type FieldError, Path, invalid, notSupported, required } from '../../field-error.ts';
import type { MatchResources, MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutation } from '../../types/admissionregistration.v1.ts';
import { ExpressionRules } from './expression-rules.ts';
import { RETURNS } from './expressions.ts';
import { checkBinding, checkCommon } from './policy-rules.ts';

const SPEC = Path.of('spec');
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
const REINVOCATION = ['IfNeeded', 'Never'];
const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch'];
const OTHER = { ApplyConfiguration: 'jsonPatch', JSONPatch: 'applyConfiguration' } as const;
const OWN = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

export function validateMutatingPolicy({ spec }: MutatingAdmissionPolicy): FieldError[] {
  const { mutations = [], matchConstraints, reinvocationPolicy } = spec ?? {};
  const expressions = new ExpressionRules({ params: spec?.paramKind !== undefined, variables: true });
  const errors = checkCommon(spec ?? {}, expressions);
  errors.push(...checkOperations(matchConstraints, SPEC.child('matchConstraints')));
  if (mutations.length === 0) errors.push(required(SPEC.child('mutations'), 'mutations must contain at least one item'));
  errors.push(...mutations.flatMap((mutation, at) => checkMutation(mutation, SPEC.child('mutations').index(at), expressions)));
  const policy: string = reinvocationPolicy ?? '';
  const here = SPEC.child('reinvocationPolicy');
  if (policy === '') return [...errors, required(here)];
  return REINVOCATION.includes(policy) ? errors : [...errors, notSupported(here, policy, REINVOCATION)];
}

export function validateMutatingBinding({ spec }: MutatingAdmissionPolicyBinding): FieldError[] {
  return [...checkBinding(spec ?? {}), ...checkOperations(spec?.matchResources, SPEC.child('matchResources'))];
}

/** What goes cannot be changed, unless all operations are meant. */
function checkOperations(match: MatchResources | undefined, path: Path): FieldError[] {
  const operations = (match?.resourceRules ?? []).flatMap((rule) => rule.operations ?? []);
  const wrong = operations.filter((operation) => !OPERATIONS.includes(operation));
  return wrong.map((operation) => notSupported(path.child('resourceRules', 'operations'), operation, OPERATIONS));
}

function checkMutation(mutation: Mutation, path: Path, expressions: ExpressionRules): FieldError[] {
  const type = mutation.patchType as keyof typeof OWN | undefined;
  if (!type) return [required(path.child('patchType'))];
  if (!PATCH_TYPES.includes(type)) return [notSupported(path.child('patchType'), type, PATCH_TYPES)];
  const [own, other] = [OWN[type], OTHER[type]];
  const patch = mutation[own];
  const errors: FieldError[] = [];
  if (!patch) errors.push(required(path.child(own), `must be specified when patchType is ${type}`));
  else errors.push(...checkPatch(patch.expression?.trim() ?? '', own, { path: path.child(own, 'expression'), expressions }));
  return mutation[other] ? [...errors, invalid(path.child(other), `{${other}}`, `must not be specified when patchType is ${type}`)] : errors;
}

function checkPatch(expression: string, field: 'applyConfiguration' | 'jsonPatch', { path, expressions }: { readonly path: Path; readonly expressions: ExpressionRules }): FieldError[] {
  return expression === '' ? [required(path)] : expressions.check(expression, RETURNS[field], path, { patches: true });
}
