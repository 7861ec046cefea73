/** The rules for a Job's specification, in Jobs and in the template of CronJobs. */
import { type FieldError, type Path, duplicate, invalid, notSupported, required, tooLong, tooMany } from '../../field-error.ts';
import type { JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicyRule } from '../../types/batch.v1.ts';
import { dnsSubdomain, regexWrong } from '../shared/formats.ts';
import { checkPodTemplate } from '../shared/pod-template-rules.ts';
import { notNegative } from '../shared/quantity-rules.ts';
import { isQualifiedName } from '../shared/text-rules.ts';
import { countIndexes } from './index-ranges.ts';

const COUNTS = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const;
const MODES = ['NonIndexed', 'Indexed'];
const MANAGER_LIMIT_BYTES = 63;

export function checkJobSpec(spec: JobSpec, path: Path): FieldError[] {
  const errors = COUNTS.flatMap((field) => notNegative(spec[field], path.child(field)));
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  }
  if (spec.managedBy !== undefined) errors.push(...checkManager(spec.managedBy, path.child('managedBy')));
  const mode = spec.completionMode ?? 'NonIndexed';
  if (!MODES.includes(mode)) errors.push(notSupported(path.child('completionMode'), mode, MODES));
  if (mode === 'Indexed') errors.push(...checkIndexed(spec, path));
  if (mode === 'NonIndexed') {
    for (const field of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
      if (spec[field] !== undefined) errors.push(invalid(path.child(field), spec[field], 'requires indexed completion mode'));
    }
  }
  if (spec.podFailurePolicy) errors.push(...checkFailurePolicy(spec, path.child('podFailurePolicy', 'rules')));
  if (spec.successPolicy) {
    if (mode === 'Indexed') errors.push(...checkSuccessPolicy(spec, path.child('successPolicy', 'rules')));
    else errors.push(invalid(path.child('successPolicy'), internalSuccess(spec), 'requires indexed completion mode'));
  }
  return [...errors, ...checkReplacement(spec, path.child('podReplacementPolicy')), ...checkPodTemplate(spec.template, path.child('template')), ...checkRestart(spec, path)];
}

const PARALLELISM_LIMIT = 100_000;
const FAILED_LIMIT = 100_000;
const MANY_COMPLETIONS = 100_000;
const LIMIT_FOR_MANY = 10_000;

function checkIndexed(spec: JobSpec, path: Path): FieldError[] {
  const { completions, parallelism, maxFailedIndexes: failed } = spec;
  const errors: FieldError[] = completions === undefined ? [required(path.child('completions'), 'when completion mode is Indexed')] : [];
  const tooHigh = (field: 'parallelism' | 'maxFailedIndexes', why: string): void => {
    errors.push(invalid(path.child(field), spec[field], `must be less than or equal to ${why}`));
  };
  if ((parallelism ?? 0) > PARALLELISM_LIMIT) tooHigh('parallelism', `${PARALLELISM_LIMIT} when completion mode is Indexed`);
  if (completions !== undefined && failed !== undefined && failed > completions) tooHigh('maxFailedIndexes', 'completions');
  if ((failed ?? 0) > FAILED_LIMIT) tooHigh('maxFailedIndexes', String(FAILED_LIMIT));
  if ((completions ?? 0) <= MANY_COMPLETIONS || spec.backoffLimitPerIndex === undefined) return errors;
  const why = `${LIMIT_FOR_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (failed === undefined) errors.push(required(path.child('maxFailedIndexes'), `must be specified when completions is above ${MANY_COMPLETIONS}`));
  if ((parallelism ?? 0) > LIMIT_FOR_MANY) tooHigh('parallelism', why);
  if ((failed ?? 0) > LIMIT_FOR_MANY) tooHigh('maxFailedIndexes', why);
  return errors;
}

const HTTP_PATH = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

function checkManager(text: string, path: Path): FieldError[] {
  const long = text.length > MANAGER_LIMIT_BYTES ? [tooLong(path, MANAGER_LIMIT_BYTES)] : [];
  if (text === '') return [required(path), ...long];
  const slash = text.indexOf('/');
  const [host, rest] = [text.slice(0, Math.max(slash, 0)), text.slice(slash + 1)];
  if (host === '' || rest === '') return [invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")'), ...long];
  const errors = dnsSubdomain(host).map((why) => invalid(path, host, why));
  if (!new RegExp(`^${HTTP_PATH}$`).test(rest)) errors.push(invalid(path, rest, regexWrong('Invalid path', HTTP_PATH)));
  return [...errors, ...long];
}

const RULES_LIMIT = 20;
const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

function checkFailurePolicy(spec: JobSpec, path: Path): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const pod = spec.template?.spec;
  const containers = [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].map(({ name }) => name);
  const errors: FieldError[] = rules.length > RULES_LIMIT ? [tooMany(path, rules.length, RULES_LIMIT)] : [];
  return [...errors, ...rules.flatMap((rule, at) => checkFailureRule(rule, spec, containers, path.index(at)))];
}

function checkFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, containers: readonly string[], path: Path): FieldError[] {
  const action = path.child('action');
  const conditions = rule.onPodConditions ?? [];
  const errors: FieldError[] = [];
  if (!rule.action) errors.push(required(action, validValues(ACTIONS)));
  else if (rule.action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) errors.push(invalid(action, rule.action, 'requires the backoffLimitPerIndex to be set'));
  } else if (!ACTIONS.includes(rule.action)) errors.push(notSupported(action, rule.action, ACTIONS));
  if (rule.onExitCodes) errors.push(...checkExitCodes(rule.onExitCodes, containers, path.child('onExitCodes')));
  errors.push(...checkConditions(conditions, path.child('onPodConditions')));
  const why = rule.onExitCodes
    ? conditions.length > 0 && 'specifying both OnExitCodes and OnPodConditions is not supported'
    : conditions.length === 0 && 'specifying one of OnExitCodes and OnPodConditions is required';
  return why ? [...errors, { type: 'FieldValueInvalid', field: path.text, message: `Invalid value: ${why}` }] : errors;
}

const STATUSES = ['False', 'True', 'Unknown'];

function checkConditions(patterns: readonly { type: string; status?: string }[], path: Path): FieldError[] {
  const errors: FieldError[] = patterns.length > RULES_LIMIT ? [tooMany(path, patterns.length, RULES_LIMIT)] : [];
  for (const [at, { type, status }] of patterns.entries()) {
    const here = path.index(at);
    errors.push(...isQualifiedName(type, here.child('type')));
    if (!status) errors.push(required(here.child('status'), validValues(STATUSES)));
    else if (!STATUSES.includes(status)) errors.push(notSupported(here.child('status'), status, STATUSES));
  }
  return errors;
}

const OPERATORS = ['In', 'NotIn'];
const EXIT_CODES_LIMIT = 255;

function checkExitCodes(codes: PodFailurePolicyOnExitCodesRequirement, containers: readonly string[], path: Path): FieldError[] {
  const operator: string = codes.operator;
  const values = codes.values ?? [];
  const field = path.child('values');
  const errors: FieldError[] = [];
  if (!operator) errors.push(required(path.child('operator'), validValues(OPERATORS)));
  else if (!OPERATORS.includes(operator)) errors.push(notSupported(path.child('operator'), operator, OPERATORS));
  if (codes.containerName !== undefined && !containers.includes(codes.containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    errors.push(invalid(path.child('containerName'), codes.containerName, why));
  }
  if (values.length === 0) errors.push(invalid(field, codes.values, 'at least one value is required'));
  else if (values.length > EXIT_CODES_LIMIT) errors.push(tooMany(field, values.length, EXIT_CODES_LIMIT));
  for (const [at, value] of values.entries()) {
    if (operator === 'In' && value === 0) errors.push(invalid(field.index(at), value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < at) errors.push(duplicate(field.index(at), value));
  }
  const ordered = values.every((value, at) => at === 0 || (values[at - 1] ?? 0) <= value);
  return ordered ? errors : [...errors, invalid(field, values, 'must be ordered')];
}

const INDEXES_LIMIT_BYTES = 64 * 1024;

function checkSuccessPolicy(spec: JobSpec, path: Path): FieldError[] {
  const rules = spec.successPolicy?.rules ?? [];
  const errors: FieldError[] = [];
  if (rules.length === 0) errors.push(required(path, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > RULES_LIMIT) errors.push(tooMany(path, rules.length, RULES_LIMIT));
  return [...errors, ...rules.flatMap((rule, at) => checkSuccessRule(rule, spec.completions ?? 0, path.index(at)))];
}

function checkSuccessRule({ succeededCount: count, succeededIndexes: indexes }: SuccessPolicyRule, completions: number, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  let total = 0;
  if (count === undefined && indexes === undefined) errors.push(required(path, 'at least one of succeededCount or succeededIndexes must be specified'));
  if (indexes !== undefined) {
    const field = path.child('succeededIndexes');
    if (indexes.length > INDEXES_LIMIT_BYTES) errors.push(tooLong(field, INDEXES_LIMIT_BYTES));
    const counted = countIndexes(indexes, completions);
    if (typeof counted === 'string') errors.push(invalid(field, indexes, `error parsing succeededIndexes: ${counted}`));
    else total = counted;
  }
  if (count === undefined) return errors;
  const field = path.child('succeededCount');
  errors.push(...notNegative(count, field));
  const most = (limit: number, what: string): void => {
    if (count > limit) errors.push(invalid(field, count, `must be less than or equal to ${limit} (the number of ${what})`));
  };
  most(completions, 'specified completions');
  if (indexes !== undefined) most(total, 'indexes in the specified succeededIndexes field');
  return errors;
}

function checkReplacement({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, path: Path): FieldError[] {
  const allowed = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return policy === undefined || allowed.includes(policy) ? [] : [notSupported(path, policy, allowed)];
}

function checkRestart(spec: JobSpec, path: Path): FieldError[] {
  const policy: string = spec.template?.spec?.restartPolicy ?? '';
  const field = path.child('template', 'spec', 'restartPolicy');
  if (policy === '' || policy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(field, policy, ['OnFailure', 'Never'])];
  if (!spec.podFailurePolicy || policy === 'Never') return [];
  return [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')];
}

function internalSuccess(spec: JobSpec): unknown {
  const rules = spec.successPolicy?.rules?.map(({ succeededIndexes, succeededCount }) => ({
    SucceededIndexes: succeededIndexes ?? null,
    SucceededCount: succeededCount ?? null,
  }));
  return { Rules: rules ?? null };
}

function validValues(values: readonly string[]): string {
  return `valid values: [${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
