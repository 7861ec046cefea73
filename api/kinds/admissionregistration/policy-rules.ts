/** The rules for admission policies and bindings. */
import { type FieldError, Path, duplicate, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import type {
  AuditAnnotation,
  MatchResources,
  NamedRuleWithOperations,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '../../types/admissionregistration.v1.ts';
import { dns1035Label, dnsSubdomain, pathSegment } from '../shared/formats.ts';
import { checkLabelSelector } from '../shared/label-selector.ts';
import { isDnsSubdomain, isQualifiedName } from '../shared/text-rules.ts';
import { ExpressionRules } from './expression-rules.ts';
import { RETURNS } from './expressions.ts';
import { checkRule } from './rule-rules.ts';
import { checkConditions } from './webhook-rules.ts';

const SPEC = Path.of('spec');
const FAILURE_POLICIES = ['Fail', 'Ignore'];
const MATCH_POLICIES = ['Equivalent', 'Exact'];
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge'];
const ACTIONS = ['Audit', 'Deny', 'Warn'];
const NOT_FOUND_ACTIONS = ['Deny', 'Allow'];
const ANNOTATIONS_LIMIT = 20;
const VALUE_LIMIT_BYTES = 5 * 1024;
const NOTHING_TO_DO = 'validations or auditAnnotations must contain at least one item';
const RESERVED = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);

export function validatePolicy({ metadata, spec }: ValidatingAdmissionPolicy): FieldError[] {
  const { validations = [], auditAnnotations = [] } = spec ?? {};
  const expressions = new ExpressionRules({ params: spec?.paramKind !== undefined, variables: (spec?.variables?.length ?? 0) > 0 });
  const errors = checkCommon(spec ?? {}, expressions);
  if (validations.length + auditAnnotations.length === 0) {
    return [...errors, required(SPEC.child('validations'), NOTHING_TO_DO), required(SPEC.child('auditAnnotations'), NOTHING_TO_DO)];
  }
  errors.push(...validations.flatMap((validation, at) => checkValidation(validation, SPEC.child('validations').index(at), expressions)));
  return [...errors, ...checkAnnotations(auditAnnotations, metadata.name ?? '', { path: SPEC.child('auditAnnotations'), expressions })];
}

export interface PolicySpec {
  readonly failurePolicy?: string;
  readonly paramKind?: ParamKind;
  readonly matchConstraints?: MatchResources;
  readonly matchConditions?: { name: string; expression: string }[];
  readonly variables?: { name: string; expression: string }[];
}

export function checkCommon(spec: PolicySpec, expressions: ExpressionRules): FieldError[] {
  const { failurePolicy: policy, paramKind, matchConstraints, variables = [] } = spec;
  const path = SPEC.child('failurePolicy');
  const errors: FieldError[] = [];
  if (policy === undefined) errors.push(required(path));
  else if (!FAILURE_POLICIES.includes(policy)) errors.push(notSupported(path, policy, FAILURE_POLICIES));
  if (paramKind) errors.push(...checkParamKind(paramKind, SPEC.child('paramKind')));
  const here = SPEC.child('matchConstraints');
  if (!matchConstraints) errors.push(required(here));
  else {
    errors.push(...checkMatch(matchConstraints, here));
    if (!matchConstraints.resourceRules?.length) errors.push(required(here.child('resourceRules')));
  }
  errors.push(...checkConditions(spec.matchConditions ?? [], SPEC.child('matchConditions'), { params: paramKind !== undefined }));
  for (const [at, { name, expression }] of variables.entries()) {
    const field = SPEC.child('variables').index(at);
    if (!name?.trim()) errors.push(required(field.child('name'), 'name is not specified'));
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || RESERVED.has(name)) errors.push(invalid(field.child('name'), name, 'must be a valid CEL identifier'));
    if (!expression?.trim()) errors.push(required(field.child('expression'), 'expression is not specified'));
    else errors.push(...expressions.variable(name, expression, field.child('expression')));
  }
  return errors;
}

function checkParamKind({ apiVersion, kind }: ParamKind, path: Path): FieldError[] {
  const here = path.child('apiVersion');
  const errors: FieldError[] = [];
  if (!apiVersion) errors.push(required(here));
  else errors.push(...checkGroupVersion(apiVersion, here));
  if (!kind) return [...errors, required(path.child('kind'))];
  const wrong = dns1035Label(kind.toLowerCase());
  return wrong.length > 0 ? [...errors, invalid(path.child('kind'), kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`)] : errors;
}

function checkGroupVersion(text: string, path: Path): FieldError[] {
  const parts = text.split('/');
  if (parts.length > 2) return [invalid(path, text, `unexpected GroupVersion string: ${text}`)];
  const version = parts.at(-1) ?? '';
  const group = parts.length === 2 ? (parts[0] ?? '') : '';
  const wrong = group === '' ? [] : dnsSubdomain(group);
  const errors = wrong.length > 0 ? [invalid(path, group, wrong.join(','))] : [];
  if (version === '') return [...errors, invalid(path, text, 'version must be specified')];
  const wrongVersion = dns1035Label(version);
  return wrongVersion.length > 0 ? [...errors, invalid(path, version, wrongVersion.join(','))] : errors;
}

function checkMatch(match: MatchResources | undefined, path: Path): FieldError[] {
  if (!match) return [];
  const policy: string | undefined = match.matchPolicy;
  const errors: FieldError[] = [];
  if (policy === undefined) errors.push(required(path.child('matchPolicy')));
  else if (!MATCH_POLICIES.includes(policy)) errors.push(notSupported(path.child('matchPolicy'), policy, MATCH_POLICIES));
  for (const field of ['namespaceSelector', 'objectSelector'] as const) errors.push(...checkLabelSelector(match[field], path.child(field)));
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    errors.push(...(match[field] ?? []).flatMap((rule, at) => checkNamedRule(rule, path.child(field).index(at))));
  }
  return errors;
}

function checkNamedRule(rule: NamedRuleWithOperations, path: Path): FieldError[] {
  const names = rule.resourceNames ?? [];
  const here = path.child('resourceNames');
  const errors = names.flatMap((name, at) => [
    ...pathSegment(name, false).map((why) => invalid(here.index(at), name, why)),
    ...(names.indexOf(name) < at ? [duplicate(here.index(at), name)] : []),
  ]);
  return [...errors, ...checkRule(rule, path)];
}

function checkValidation({ expression, message = '', messageExpression = '', reason }: Validation, path: Path, expressions: ExpressionRules): FieldError[] {
  const here = path.child('expression');
  const errors = expression?.trim() ? expressions.check(expression, RETURNS.condition, here) : [required(here, 'expression is not specified')];
  const empty = 'must be non-empty if specified';
  if (messageExpression !== '') {
    const field = path.child('messageExpression');
    if (messageExpression.trim()) errors.push(...expressions.check(messageExpression, RETURNS.message, field, { authorizer: false }));
    else errors.push(invalid(field, messageExpression, empty));
  }
  if (message !== '' && !message.trim()) errors.push(invalid(path.child('message'), message, empty));
  else if (/[\n\r]/.test(message.trim())) errors.push(invalid(path.child('message'), message, 'must not contain line breaks'));
  return reason === undefined || REASONS.includes(reason) ? errors : [...errors, notSupported(path.child('reason'), reason, REASONS)];
}

interface AnnotationContext {
  readonly path: Path;
  readonly expressions: ExpressionRules;
}

function checkAnnotations(annotations: readonly AuditAnnotation[], policy: string, { path, expressions }: AnnotationContext): FieldError[] {
  const errors = annotations.length > ANNOTATIONS_LIMIT ? [invalid(path, annotations.map(({ key = '', valueExpression = '' }) => ({ Key: key, ValueExpression: valueExpression })), `must not have more than ${ANNOTATIONS_LIMIT} auditAnnotations`)] : [];
  const keys = annotations.map(({ key }) => key);
  for (const [at, { key, valueExpression }] of annotations.entries()) {
    const here = path.index(at);
    if (policy === '') errors.push(invalid(here.child('key'), key, 'requires metadata.name be non-empty'));
    else errors.push(...isQualifiedName(`${policy}/${key}`, here.child('key')));
    const field = here.child('valueExpression');
    const trimmed = valueExpression?.trim() ?? '';
    if (trimmed === '') errors.push(required(field, 'valueExpression is not specified'));
    else if (trimmed.length > VALUE_LIMIT_BYTES) errors.push(required(field, `must not exceed ${VALUE_LIMIT_BYTES} bytes in length`));
    else errors.push(...expressions.check(trimmed, RETURNS.auditAnnotation, field, { shown: valueExpression }));
    if (keys.indexOf(key) < at) errors.push(duplicate(here.child('key'), key));
  }
  return errors;
}

export function validateBinding({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const { validationActions: actions = [] } = spec ?? {};
  const path = SPEC.child('validationActions');
  const errors = checkBinding(spec ?? {});
  for (const [at, action] of actions.entries()) {
    if (!ACTIONS.includes(action)) errors.push(notSupported(path.index(at), action, ACTIONS));
    if (actions.indexOf(action) < at) errors.push(duplicate(path.index(at), action));
  }
  if (actions.includes('Deny') && actions.includes('Warn')) {
    const why = 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
    errors.push(invalid(path, actions, why));
  }
  return actions.length === 0 ? [...errors, required(path, 'at least one validation action is required')] : errors;
}

export interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
}

export function checkBinding({ policyName, paramRef, matchResources }: BindingSpec): FieldError[] {
  const path = SPEC.child('policyName');
  return [
    ...(policyName ? isDnsSubdomain(policyName, path) : [required(path)]),
    ...(paramRef ? checkParamRef(paramRef, SPEC.child('paramRef')) : []),
    ...checkMatch(matchResources, SPEC.child('matchResources')),
  ];
}

function checkParamRef({ name, selector, parameterNotFoundAction: action }: ParamRef, path: Path): FieldError[] {
  const both = name && selector;
  const exclusive = 'name and selector are mutually exclusive';
  const errors = name ? pathSegment(name, false).map((why) => invalid(path.child('name'), name, why)) : [];
  if (both) errors.push(forbiddenField(path.child('name'), exclusive));
  errors.push(...checkLabelSelector(selector, path.child('selector')));
  if (both) errors.push(forbiddenField(path.child('selector'), exclusive));
  if (!name && !selector) errors.push(required(path, 'one of name or selector must be specified'));
  const here = path.child('parameterNotFoundAction');
  if (!action) return [...errors, required(here)];
  return NOT_FOUND_ACTIONS.includes(action) ? errors : [...errors, notSupported(here, action, NOT_FOUND_ACTIONS)];
}
