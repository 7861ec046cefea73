/** Which names a definition gets, and the conditions that say so. Provenance: apiextensions-apiserver pkg/controller/{status,establish,apiapproval} of v0.36. */
import { goQuote } from '../../api/go-quote.ts';
import { deepEqual, type DeepReadonly } from '../../std/deep.ts';
import { findCondition, isEquivalent, isTrue, setCondition, type Condition } from '../../api/kinds/apiextensions/definition-conditions.ts';
import { caBundleProblem } from '../../api/kinds/shared/ca-bundle.ts';
import { approvalOf, approvalWords, APPROVED } from '../../api/kinds/apiextensions/definition-rules.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../api/types/apiextensions.v1.ts';

export interface TakenNames {
  /** Plurals, singulars, short names. */
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** The names that the other definitions of a group have got. */
export function takenNames(others: readonly DeepReadonly<Pick<CustomResourceDefinition, 'status'>>[]): TakenNames {
  const names = others.map(({ status }) => status?.acceptedNames).filter((one) => one !== undefined);
  const given = (text: string | undefined): string[] => (text ? [text] : []);
  return {
    resources: new Set(names.flatMap(({ plural, singular, shortNames }) => [...given(plural), ...given(singular), ...(shortNames ?? [])])),
    kinds: new Set(names.flatMap(({ kind, listKind }) => [...given(kind), ...given(listKind)])),
  };
}

/** Brings names and conditions up to date, in place; returns whether anything changed. */
export function settleNames(definition: CustomResourceDefinition, taken: TakenNames, nowMs: number): boolean {
  const { accepted, condition } = acceptNames(definition, taken);
  const before = definition.status?.acceptedNames;
  let changed = !isEquivalent(condition, findCondition(definition, 'NamesAccepted')) || !deepEqual(before, accepted);
  if (changed) {
    setCondition(definition, condition, nowMs);
    (definition.status as NonNullable<CustomResourceDefinition['status']>).acceptedNames = accepted;
  }
  const established = establishment(definition);
  if (established) setCondition(definition, established, nowMs);
  const approval = approvalCondition(definition);
  if (approval) setCondition(definition, approval, nowMs);
  changed = changed || established !== undefined || approval !== undefined;
  return changed;
}

interface Accepted {
  readonly accepted: CustomResourceDefinitionNames;
  readonly condition: Condition;
}

function acceptNames({ spec, status }: CustomResourceDefinition, taken: TakenNames): Accepted {
  const wanted = spec.names;
  const had = status?.acceptedNames ?? { plural: '', kind: '' };
  const accepted: CustomResourceDefinitionNames = { ...had };
  let condition: Condition = { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  const refuse = (reason: string, names: readonly string[]): void => {
    const texts = names.map((name) => `${goQuote(name)} is already in use`);
    condition = { type: 'NamesAccepted', status: 'False', reason, message: texts.length > 1 ? `[${texts.join(', ')}]` : (texts[0] ?? '') };
  };
  const one = (field: 'plural' | 'singular' | 'kind' | 'listKind', reason: string, used: ReadonlySet<string>): void => {
    const name = wanted[field] ?? '';
    if (name !== (had[field] ?? '') && used.has(name)) refuse(reason, [name]);
    else accepted[field] = name;
  };
  one('plural', 'PluralConflict', taken.resources);
  one('singular', 'SingularConflict', taken.resources);
  const clashing = (wanted.shortNames ?? []).filter((name) => !had.shortNames?.includes(name) && taken.resources.has(name));
  if (clashing.length > 0) refuse('ShortNamesConflict', clashing);
  else set(accepted, 'shortNames', wanted.shortNames);
  one('kind', 'KindConflict', taken.kinds);
  one('listKind', 'ListKindConflict', taken.kinds);
  set(accepted, 'categories', wanted.categories);
  for (const field of ['singular', 'listKind'] as const) if (!accepted[field]) delete accepted[field];
  return { accepted, condition };
}

function set(names: CustomResourceDefinitionNames, field: 'shortNames' | 'categories', value: string[] | undefined): void {
  if (value && value.length > 0) names[field] = value;
  else delete names[field];
}

/** Once established, always: only names that were never got keep a definition from being served. */
function establishment(definition: CustomResourceDefinition): Condition | undefined {
  if (isTrue(definition, 'Established')) return undefined;
  const bundle = definition.spec.conversion?.webhook?.clientConfig?.caBundle ?? '';
  const condition: Condition = isTrue(definition, 'NamesAccepted')
    ? caBundleProblem(bundle) !== undefined
      ? { type: 'Established', status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' }
      : { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
    : { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  return isEquivalent(condition, findCondition(definition, 'Established')) ? undefined : condition;
}

const APPROVAL_REASONS = { missing: 'MissingAnnotation', invalid: 'InvalidAnnotation', unapproved: 'UnapprovedAnnotation', approved: 'ApprovedAnnotation' } as const;

function approvalCondition(definition: CustomResourceDefinition): Condition | undefined {
  const approval = approvalOf(definition);
  if (!approval) return undefined;
  const condition: Condition = {
    type: 'KubernetesAPIApprovalPolicyConformant', status: approval === 'approved' ? 'True' : 'False', reason: APPROVAL_REASONS[approval],
    message: approvalWords(approval, definition.metadata.annotations?.[APPROVED] ?? ''),
  };
  return isEquivalent(condition, findCondition(definition, condition.type)) ? undefined : condition;
}
