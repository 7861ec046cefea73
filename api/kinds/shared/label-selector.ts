/** What a LabelSelector in an object must look like. */
import { Named, type FieldError, type Path, forbiddenField, invalid, required } from '../../field-error.ts';
import { compileLabelSelector, formatSelector, matchesLabels } from '../../selectors.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../../types/meta.v1.ts';
import { labelValue } from './formats.ts';
import { checkLabelKey, checkLabels } from './object-meta.ts';

export interface SelectorRules {
  /** Values that older servers let in may stay. */
  readonly allowInvalidValues?: boolean;
}

export function checkLabelSelector(selector: LabelSelector | undefined, path: Path, rules: SelectorRules = {}): FieldError[] {
  if (!selector) return [];
  return [
    ...checkLabels(selector.matchLabels, path.child('matchLabels')),
    ...(selector.matchExpressions ?? []).flatMap((requirement, at) =>
      checkRequirement(requirement, path.child('matchExpressions').index(at), rules),
    ),
  ];
}

/** As messages show it: without what is empty. */
export function shownSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): object {
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => ({ key, operator, ...(values.length > 0 && { values }) }));
  return { ...(Object.keys(matchLabels).length > 0 && { matchLabels }), ...(expressions.length > 0 && { matchExpressions: expressions }) };
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions?.length ?? 0) === 0;
}

export function hasInvalidValues(selector: LabelSelector | undefined): boolean {
  return (selector?.matchExpressions ?? []).some((requirement) => (requirement.values ?? []).some((value) => labelValue(value).length > 0));
}

/** Whether labels satisfy a selector. An absent one selects nothing, an empty one everything, a malformed one nothing. */
export function selects(selector: LabelSelector | undefined, labels: Record<string, string> | undefined): boolean {
  try {
    return selector !== undefined && matchesLabels(compileLabelSelector(selector), labels);
  } catch {
    return false;
  }
}

/** No requirement can be made of it: an operator that is unknown, or values that do not go with it. */
export function isMalformed(selector: LabelSelector | undefined): boolean {
  try {
    compileLabelSelector(selector);
    return false;
  } catch {
    return true;
  }
}

/** As tables show it: `app=web,tier in (a,b)`. */
export function showSelector(selector: LabelSelector | undefined, malformed = '<error>'): string {
  try {
    return formatSelector(compileLabelSelector(selector));
  } catch {
    return malformed;
  }
}

function checkRequirement(requirement: LabelSelectorRequirement, path: Path, rules: SelectorRules): FieldError[] {
  const errors: FieldError[] = [];
  const values = requirement.values ?? [];
  const operator: string = requirement.operator;
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) {
      errors.push(forbiddenField(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    }
  } else errors.push(invalid(path.child('operator'), new Named(operator), 'not a valid selector operator'));
  errors.push(...checkLabelKey(requirement.key, path.child('key')));
  if (!rules.allowInvalidValues) {
    values.forEach((value, at) =>
      errors.push(...labelValue(value).map((why) => invalid(path.child('values').index(at), value, why))),
    );
  }
  return errors;
}
