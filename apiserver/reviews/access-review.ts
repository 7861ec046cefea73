/** SubjectAccessReview, its local and its self form: may somebody do something? */
import type { ApiObject } from '../../api/kind.ts';
import type { FieldError } from '../../api/field-error.ts';
import { Path, forbiddenField, invalid, required } from '../../api/field-error.ts';
import { labelKeyProblems, labelValueProblems, parseFieldSelector, parseLabelSelector } from '../../api/selectors.ts';
import { ApiError } from '../../api/status.ts';
import type { NonResourceAttributes, ResourceAttributes, SubjectAccessReviewSpec } from '../../api/types/authorization.v1.ts';
import { show } from '../../api/field-error.ts';
import type { Attributes, UserInfo } from '../auth/auth.ts';
import type { ReviewDependencies, ReviewRequest } from './review-request.ts';

export async function subjectAccessReview(request: ReviewRequest, dependencies: ReviewDependencies): Promise<ApiObject> {
  const spec = specOf(request);
  refuseIf([...specErrors(spec, subjectErrors(spec)), ...metadataErrors(request.object, ['managedFields'], 'must be empty')]);
  return answer(request.object, attributesOf(spec, userOf(spec)), dependencies);
}

export async function localSubjectAccessReview(request: ReviewRequest, dependencies: ReviewDependencies): Promise<ApiObject> {
  const spec = specOf(request);
  const errors = [...specErrors(spec, subjectErrors(spec)), ...metadataErrors(request.object, ['managedFields', 'namespace'], 'must be empty except for namespace')];
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes && (resourceAttributes.namespace ?? '') !== request.namespace) {
    errors.push(invalid(Path.of('spec', 'resourceAttributes', 'namespace'), resourceAttributes.namespace ?? '', 'must match metadata.namespace'));
  }
  if (nonResourceAttributes) errors.push(shownInvalid('nonResourceAttributes', nonResourceAttributes, 'disallowed on this kind of request'));
  refuseIf(errors);
  return answer(request.object, attributesOf(spec, userOf(spec)), dependencies);
}

export async function selfSubjectAccessReview(request: ReviewRequest, dependencies: ReviewDependencies): Promise<ApiObject> {
  const spec = specOf(request);
  refuseIf([...specErrors(spec, []), ...metadataErrors(request.object, ['managedFields'], 'must be empty')]);
  return answer(request.object, attributesOf(spec, request.user), dependencies);
}

function specOf({ object }: ReviewRequest): SubjectAccessReviewSpec {
  return (object['spec'] ?? {}) as SubjectAccessReviewSpec;
}

async function answer(object: ApiObject, { attributes, ignored }: Question, { authorizer }: ReviewDependencies): Promise<ApiObject> {
  const { decision, reason, error } = await authorizer.authorize(attributes);
  const problems = [error, ...ignored].filter(Boolean).join('; ');
  return {
    ...object,
    status: { allowed: decision === 'allow', ...(decision === 'deny' && { denied: true }), ...(reason && { reason }), ...(problems && { evaluationError: problems }) },
  };
}

interface Question {
  readonly attributes: Attributes;
  /** What could not be taken into account. */
  readonly ignored: readonly string[];
}

function userOf({ user = '', groups = [], uid, extra }: SubjectAccessReviewSpec): UserInfo {
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

function attributesOf(spec: SubjectAccessReviewSpec, user: UserInfo): Question {
  const asked = spec.resourceAttributes;
  if (!asked) {
    const { path = '', verb = '' } = spec.nonResourceAttributes ?? {};
    return { attributes: { user, verb, group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path }, ignored: [] };
  }
  const selector = fieldSelector(asked);
  const labels = labelSelector(asked);
  const { verb = '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '' } = asked;
  // An empty resource would mean a path: a name that no resource has stands for it.
  const attributes = { user, verb, group, version: version || '*', resource: resource || '\0', subresource, namespace, name, path: '', ...(selector.text && { fieldSelector: selector.text }), ...(labels.text && { labelSelector: labels.text }) };
  return { attributes, ignored: [selector.ignored, labels.ignored].filter(Boolean) };
}

interface Selected {
  readonly text: string;
  readonly ignored: string;
}

/** As it was written, where it can be read. */
function written(text: string, parse: (text: string) => unknown, field: string): Selected {
  try {
    parse(text);
    return { text, ignored: '' };
  } catch {
    return { text: '', ignored: `spec.resourceAttributes.${field} ignored due to parse error` };
  }
}

function fieldSelector({ fieldSelector: asked }: ResourceAttributes): Selected {
  if (!asked?.requirements?.length) return written(asked?.rawSelector ?? '', parseFieldSelector, 'fieldSelector');
  const terms = asked.requirements.flatMap(({ key, operator, values = [] }) => {
    if (values.length !== 1 || (operator !== 'In' && operator !== 'NotIn')) return [];
    return [`${key}${operator === 'In' ? '=' : '!='}${values[0]}`];
  });
  const part = terms.length > 0 ? 'partially ignored' : 'ignored';
  return { text: terms.join(','), ignored: terms.length < asked.requirements.length ? `spec.resourceAttributes.fieldSelector ${part} due to parse error` : '' };
}

const LABEL_TERMS: ReadonlyMap<string, (key: string, values: readonly string[]) => string> = new Map([
  ['In', (key, values) => `${key} in (${values.join(',')})`], ['NotIn', (key, values) => `${key} notin (${values.join(',')})`], ['Exists', (key) => key], ['DoesNotExist', (key) => `!${key}`],
]);

/** What authorizers cannot use is left out. */
function labelSelector({ labelSelector: asked }: ResourceAttributes): Selected {
  if (!asked?.requirements?.length) return written(asked?.rawSelector ?? '', parseLabelSelector, 'labelSelector');
  const terms = asked.requirements.flatMap(({ key, operator, values = [] }) => LABEL_TERMS.get(operator)?.(key, values) ?? []);
  const part = terms.length > 0 ? 'partially ignored' : 'ignored';
  return { text: terms.join(','), ignored: terms.length < asked.requirements.length ? `spec.resourceAttributes.labelSelector ${part} due to parse error` : '' };
}

function specErrors({ resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec, ofSubject: readonly FieldError[]): FieldError[] {
  const errors: FieldError[] = [];
  if (resourceAttributes && nonResourceAttributes) errors.push(shownInvalid('nonResourceAttributes', nonResourceAttributes, 'cannot be specified in combination with resourceAttributes'));
  if (!resourceAttributes && !nonResourceAttributes) {
    errors.push(invalid(Path.of('spec', 'resourceAttributes'), undefined, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'));
  }
  return [...errors, ...ofSubject, ...selectorErrors('fieldSelector', resourceAttributes), ...selectorErrors('labelSelector', resourceAttributes)];
}

function subjectErrors({ user, groups }: SubjectAccessReviewSpec): FieldError[] {
  return user || groups?.length ? [] : [invalid(Path.of('spec', 'user'), '', 'at least one of user or group must be specified')];
}

function metadataErrors({ metadata = {} }: ApiObject, allowed: readonly string[], why: string): FieldError[] {
  const present = Object.entries(metadata).filter(([field, value]) => !allowed.includes(field) && value !== null && value !== undefined);
  return present.length > 0 ? [{ type: 'FieldValueInvalid', field: 'metadata', message: `Invalid value: ${show(metadata)}: ${why}` }] : [];
}

function selectorErrors(which: 'fieldSelector' | 'labelSelector', attributes: ResourceAttributes | undefined): FieldError[] {
  const selector = attributes?.[which];
  if (!selector) return [];
  const at = Path.of('spec', 'resourceAttributes', which);
  const errors: FieldError[] = [];
  if (selector.rawSelector && selector.requirements?.length) errors.push(invalid(at.child('rawSelector'), selector.rawSelector, 'may not specified at the same time as requirements'));
  if (!selector.rawSelector && !selector.requirements?.length) errors.push(required(at.child('requirements'), `when ${at.text} is specified, requirements or rawSelector is required`));
  selector.requirements?.forEach(({ key, operator, values = [] }, index) => {
    const here = at.child('requirements').index(index);
    if (which === 'fieldSelector' && !key) errors.push(required(here.child('key'), 'must be specified'));
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) errors.push(required(here.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) errors.push(forbiddenField(here.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    if (which === 'labelSelector') for (const problem of labelKeyProblems(key)) errors.push(invalid(here.child('key'), key, problem));
    if (which === 'labelSelector') values.forEach((value, at2) => labelValueProblems(value).forEach((problem) => errors.push(invalid(here.child('values').index(at2), value, problem))));
  });
  return errors;
}

/** Go's names of the fields, as upstream prints them. */
function shownInvalid(field: string, { path = '', verb = '' }: NonResourceAttributes, why: string): FieldError {
  return { type: 'FieldValueInvalid', field: `spec.${field}`, message: `Invalid value: ${JSON.stringify({ Path: path, Verb: verb })}: ${why}` };
}

/** 422 as upstream has it here: without a kind and a name. */
function refuseIf(errors: readonly FieldError[]): void {
  if (errors.length === 0) return;
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  throw new ApiError({
    code: 422,
    reason: 'Invalid',
    message: `.authorization.k8s.io "" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: { group: 'authorization.k8s.io', causes: errors.map(({ type, field, message }) => ({ reason: type, message, field })) },
  });
}
