/** Compiled label selectors: what parsed texts and LabelSelector objects become. */
import { badRequest } from '../status.ts';
import type { LabelSelector } from '../types/meta.v1.ts';
import { labelKeyProblems, labelValueProblems } from './label-syntax.ts';

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

export interface Selector {
  /** All must hold; sorted by key. */
  readonly requirements: readonly LabelRequirement[];
  /** Matches no labels at all: an absent LabelSelector. */
  readonly nothing?: true;
}

export type Labels = Readonly<Record<string, string>> | undefined;

export const selectEverything: Selector = { requirements: [] };
export const selectNothing: Selector = { requirements: [], nothing: true };

/** A LabelSelector object; absent selects nothing, empty everything. A bad one is thrown as 400, like a bad text. */
export function compileLabelSelector(selector: LabelSelector | null | undefined): Selector {
  if (!selector) return selectNothing;
  const requirements = labelRequirements(selector.matchLabels ?? {}, true);
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const known = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
    if (!known) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    requirements.push(labelRequirement(key, known, values ?? []));
  }
  return selectorOf(requirements);
}

/** Labels that must all be there, as in `spec.selector` of a Service. Not validated. */
export function selectLabels(labels: Labels): Selector {
  return selectorOf(labelRequirements(labels ?? {}, false));
}

export function selectorOf(requirements: LabelRequirement[]): Selector {
  if (requirements.length === 0) return selectEverything;
  return { requirements: requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)) };
}

/** One requirement, or 400 with all that is wrong with it. */
export function labelRequirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const problems = labelKeyProblems(key).length > 0 ? [`key: Invalid value: ${JSON.stringify(key)}: ${labelKeyProblems(key).join('; ')}`] : [];
  const why = countProblem(operator, values.length);
  if (why) problems.push(`values: Invalid value: ${JSON.stringify(values)}: ${why}`);
  values.forEach((value, i) => {
    const shown = JSON.stringify(value);
    if ((operator === 'gt' || operator === 'lt') && int64(value) === undefined) {
      problems.push(`values[${i}]: Invalid value: ${shown}: for 'Gt', 'Lt' operators, the value must be an integer`);
    }
    const wrong = labelValueProblems(value);
    if (wrong.length > 0) problems.push(`values[${i}][${key}]: Invalid value: ${shown}: ${wrong.join('; ')}`);
  });
  if (problems.length === 0) return { key, operator, values };
  throw badRequest(problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
}

export function matchesLabels(selector: Selector, labels: Labels): boolean {
  if (selector.nothing) return false;
  for (const requirement of selector.requirements) if (!holds(requirement, labels)) return false;
  return true;
}

/** The one value that a selector allows for a label, where it says so: an index can be asked for it. */
export function exactLabel(selector: Selector, key: string): string | undefined {
  const requirement = selector.requirements.find((candidate) => candidate.key === key);
  if (!requirement || requirement.values.length !== 1) return undefined;
  return ['=', '==', 'in'].includes(requirement.operator) ? requirement.values[0] : undefined;
}

/** The text that parses to the same selector, as servers print it. */
export function formatSelector(selector: Selector): string {
  return selector.requirements.map(formatRequirement).join(',');
}

const OPERATORS: Readonly<Record<string, LabelOperator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' };

function labelRequirements(labels: Readonly<Record<string, string>>, validate: boolean): LabelRequirement[] {
  return Object.entries(labels).map(([key, value]) => {
    return validate ? labelRequirement(key, '=', [value]) : { key, operator: '=', values: [value] };
  });
}

function countProblem(operator: LabelOperator, count: number): string | undefined {
  switch (operator) {
    case 'in':
    case 'notin':
      return count === 0 ? "for 'in', 'notin' operators, values set can't be empty" : undefined;
    case '=':
    case '==':
    case '!=':
      return count !== 1 ? 'exact-match compatibility requires one single value' : undefined;
    case 'exists':
    case '!':
      return count !== 0 ? 'values set must be empty for exists and does not exist' : undefined;
    case 'gt':
    case 'lt':
      return count !== 1 ? "for 'Gt', 'Lt' operators, exactly one value is required" : undefined;
  }
}

function holds({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const found: unknown = labels?.[key];
  // Anything but a text is inherited from Object.prototype: `constructor` is a good label key.
  const label = typeof found === 'string' ? found : undefined;
  switch (operator) {
    case '=':
    case '==':
    case 'in':
      return label !== undefined && values.includes(label);
    case '!=':
    case 'notin':
      return label === undefined || !values.includes(label);
    case 'exists':
      return label !== undefined;
    case '!':
      return label === undefined;
    case 'gt':
    case 'lt': {
      const [left, right] = [int64(label ?? ''), int64(values[0] ?? '')];
      if (left === undefined || right === undefined) return false;
      return operator === 'gt' ? left > right : left < right;
    }
  }
}

const MAX_INT64 = 2n ** 63n - 1n;

function int64(text: string): bigint | undefined {
  if (!/^[-+]?[0-9]{1,64}$/.test(text)) return undefined;
  const number = BigInt(text.replace('+', ''));
  return number > MAX_INT64 || number < -MAX_INT64 - 1n ? undefined : number;
}

function formatRequirement({ key, operator, values }: LabelRequirement): string {
  const list = [...values].sort().join(',');
  switch (operator) {
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'in':
    case 'notin':
      return `${key} ${operator} (${list})`;
    case 'gt':
      return `${key}>${list}`;
    case 'lt':
      return `${key}<${list}`;
    default:
      return `${key}${operator}${list}`;
  }
}
