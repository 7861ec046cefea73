/** The rules for HorizontalPodAutoscalers. */
import { Named, type FieldError, Path, forbiddenField, invalid, notSupported, required } from '../../field-error.ts';
import { canonicalQuantity, parseQuantity } from '../../quantity.ts';
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingPolicy,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from '../../types/autoscaling.v2.ts';
import { pathSegment } from '../shared/formats.ts';
import { checkAmount, checkContainerResourceName, notNegative, positive } from '../shared/quantity-rules.ts';
import { isDnsLabel } from '../shared/text-rules.ts';

const SPEC = Path.of('spec');
const LONGEST_WINDOW_SECONDS = 3600;
const LONGEST_PERIOD_SECONDS = 1800;
const SELECT_POLICIES = ['Disabled', 'Max', 'Min'];
const POLICIES = ['Percent', 'Pods'];
const METRICS = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const FIELD_OF_TYPE: Readonly<Record<string, SourceField>> = {
  ContainerResource: 'containerResource', External: 'external', Object: 'object', Pods: 'pods', Resource: 'resource',
};

type SourceField = 'object' | 'external' | 'pods' | 'resource' | 'containerResource';

/** In the order in which upstream looks at them. */
const SOURCES: Readonly<Record<SourceField, (spec: MetricSpec, path: Path) => FieldError[]>> = {
  object({ object }, path) {
    if (!object) return [];
    return [
      ...checkReference(object.describedObject, path.child('describedObject'), true),
      ...checkMetric(object.metric, path.child('metric')),
      ...checkTarget(object.target, path.child('target')),
      ...needsValue(object.target, path.child('target'), 'must set either a target value or averageValue'),
    ];
  },
  external({ external }, path) {
    if (!external) return [];
    const { metric, target } = external;
    const here = path.child('target');
    const both = target.value !== undefined && target.averageValue !== undefined;
    return [
      ...checkMetric(metric, path.child('metric')),
      ...checkTarget(target, here),
      ...needsValue(target, here, 'must set either a target value for metric or a per-pod target'),
      ...(both ? [forbiddenField(here.child('value'), 'may not set both a target value for metric and a per-pod target')] : []),
    ];
  },
  pods({ pods }, path) {
    if (!pods) return [];
    const here = path.child('target');
    const missing = pods.target.averageValue === undefined;
    return [
      ...checkMetric(pods.metric, path.child('metric')),
      ...checkTarget(pods.target, here),
      ...(missing ? [required(here.child('averageValue'), 'must specify a positive target averageValue')] : []),
    ];
  },
  resource({ resource }, path) {
    if (!resource) return [];
    const named = resource.name ? [] : [required(path.child('name'), 'must specify a resource name')];
    return [...named, ...checkResourceTarget(resource.target, path.child('target'))];
  },
  containerResource({ containerResource: source }, path) {
    if (!source) return [];
    const name = path.child('name');
    const container = path.child('container');
    return [
      ...(source.name ? checkContainerResourceName(source.name, name) : [required(name, 'must specify a resource name')]),
      ...(source.container ? isDnsLabel(source.container, container) : [required(container, 'must specify a container')]),
      ...checkResourceTarget(source.target, path.child('target')),
    ];
  },
};

/** An old target with an unusual API version may keep it. */
export function validateAutoscaler({ spec }: HorizontalPodAutoscaler, old?: HorizontalPodAutoscaler): FieldError[] {
  if (!spec) return [];
  const { minReplicas, maxReplicas = 0, behavior } = spec;
  const least = SPEC.child('minReplicas');
  const most = SPEC.child('maxReplicas');
  const errors: FieldError[] = [];
  const fromZero = old?.spec?.minReplicas === 0;
  if (minReplicas !== undefined && minReplicas < (fromZero ? 0 : 1)) {
    errors.push(invalid(least, minReplicas, `must be greater than or equal to ${fromZero ? 0 : 1}`));
  }
  if (maxReplicas === 0) errors.push(required(most, 'must be set and greater than 0'));
  else if (maxReplicas < 0) errors.push(invalid(most, maxReplicas, 'must be greater than or equal to 1'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) errors.push(invalid(most, maxReplicas, 'must be greater than or equal to `minReplicas`'));
  const target = old?.spec?.scaleTargetRef;
  const keepsVersion = target !== undefined && versionWrong(target.apiVersion ?? '', false) !== undefined;
  errors.push(...checkReference(spec.scaleTargetRef, SPEC.child('scaleTargetRef'), spec.scaleTargetRef?.kind === 'ReplicationController', keepsVersion));
  errors.push(...checkMetrics(spec.metrics ?? [], minReplicas));
  for (const direction of ['scaleUp', 'scaleDown'] as const) {
    const rules = behavior?.[direction];
    if (rules) errors.push(...checkScaling(rules, SPEC.child('behavior', direction)));
  }
  return errors;
}

export function validateAutoscalerStatus({ status }: HorizontalPodAutoscaler): FieldError[] {
  const path = Path.of('status');
  return [...notNegative(status?.currentReplicas, path.child('currentReplicas')), ...notNegative(status?.desiredReplicas, path.child('desiredReplicas'))];
}

function checkReference(reference: CrossVersionObjectReference | undefined, path: Path, core: boolean, anyVersion = false): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['kind', 'name'] as const) {
    const value = reference?.[field];
    if (!value) errors.push(required(path.child(field)));
    else errors.push(...pathSegment(value, false).map((why) => invalid(path.child(field), value, why)));
  }
  const version = reference?.apiVersion ?? '';
  const why = anyVersion ? undefined : versionWrong(version, core);
  return why === undefined ? errors : [...errors, invalid(path.child('apiVersion'), version, why)];
}

function versionWrong(version: string, core: boolean): string | undefined {
  const slashes = version.split('/').length - 1;
  if (slashes > 1) return `unexpected GroupVersion string: ${version}`;
  return core || (slashes === 1 && !version.startsWith('/')) ? undefined : 'apiVersion must specify API group';
}

function checkMetrics(metrics: readonly MetricSpec[], minReplicas: number | undefined): FieldError[] {
  const path = SPEC.child('metrics');
  const errors = metrics.flatMap((metric, at) => checkMetricSpec(metric, path.index(at)));
  const wakes = metrics.some(({ type }) => type === 'Object' || type === 'External');
  if (minReplicas !== 0 || wakes) return errors;
  return [...errors, forbiddenField(path, 'must specify at least one Object or External metric to support scaling to zero replicas')];
}

function checkMetricSpec(spec: MetricSpec, path: Path): FieldError[] {
  const type: string = spec.type;
  const wrongType = METRICS.includes(type) ? [] : [notSupported(path.child('type'), type, METRICS)];
  const errors = [...(type ? [] : [required(path.child('type'), 'must specify a metric source type')]), ...wrongType];
  const given = (Object.keys(SOURCES) as SourceField[]).filter((field) => spec[field] !== undefined);
  const [first] = given;
  if (first) errors.push(...SOURCES[first](spec, path.child(first)));
  const expected = Object.hasOwn(FIELD_OF_TYPE, type) ? FIELD_OF_TYPE[type] : undefined;
  if (!expected) errors.push(...wrongType);
  else if (spec[expected] === undefined) errors.push(required(path.child(expected), 'must populate information for the given metric source'));
  if (given.length === 1) return errors;
  const others = given.filter((field) => field !== expected);
  return [...errors, ...others.map((field) => forbiddenField(path.child(field), 'must populate the given metric source only'))];
}

function needsValue({ value, averageValue }: MetricTarget, path: Path, why: string): FieldError[] {
  return value === undefined && averageValue === undefined ? [required(path.child('averageValue'), why)] : [];
}

function checkResourceTarget(target: MetricTarget, path: Path): FieldError[] {
  const { averageUtilization: share, averageValue: value } = target;
  const errors = checkTarget(target, path);
  if (share === undefined && value === undefined) errors.push(required(path.child('averageUtilization'), 'must set either a target raw value or a target utilization'));
  if (share !== undefined && value !== undefined) errors.push(forbiddenField(path.child('averageValue'), 'may not set both a target raw value and a target utilization'));
  return errors;
}

function checkTarget(target: MetricTarget, path: Path): FieldError[] {
  const type: string = target.type;
  const errors: FieldError[] = type ? [] : [required(path.child('type'), 'must specify a metric target type')];
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) errors.push(invalid(path.child('type'), new Named(type), 'must be either Utilization, Value, or AverageValue'));
  for (const field of ['value', 'averageValue'] as const) {
    const text = target[field];
    const quantity = text === undefined ? undefined : parseQuantity(text);
    if (text !== undefined && quantity && quantity.nano <= 0n) errors.push(invalid(path.child(field), canonicalQuantity(text), 'must be positive'));
  }
  const share = target.averageUtilization;
  return share !== undefined && share < 1 ? [...errors, invalid(path.child('averageUtilization'), share, 'must be greater than 0')] : errors;
}

function checkMetric({ name }: MetricIdentifier, path: Path): FieldError[] {
  const here = path.child('name');
  return name ? pathSegment(name, false).map((why) => invalid(here, name, why)) : [required(here, 'must specify a metric name')];
}

function checkScaling(rules: HPAScalingRules, path: Path): FieldError[] {
  const { stabilizationWindowSeconds: window = 0, selectPolicy, policies = [], tolerance } = rules;
  const here = path.child('stabilizationWindowSeconds');
  const errors: FieldError[] = [];
  if (window < 0) errors.push(invalid(here, window, 'must be greater than or equal to zero'));
  if (window > LONGEST_WINDOW_SECONDS) errors.push(invalid(here, window, `must be less than or equal to ${LONGEST_WINDOW_SECONDS}`));
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) {
    errors.push(notSupported(path.child('selectPolicy'), selectPolicy, SELECT_POLICIES));
  }
  if (policies.length === 0) errors.push(required(path.child('policies'), 'must specify at least one Policy'));
  errors.push(...policies.flatMap((policy, at) => checkPolicy(policy, path.child('policies').index(at))));
  return tolerance === undefined ? errors : [...errors, ...checkAmount('', tolerance, path.child('tolerance'))];
}

function checkPolicy({ type, value, periodSeconds }: HPAScalingPolicy, path: Path): FieldError[] {
  const here = path.child('periodSeconds');
  const tooLong = periodSeconds > LONGEST_PERIOD_SECONDS;
  return [
    ...(POLICIES.includes(type) ? [] : [notSupported(path.child('type'), type, POLICIES)]),
    ...positive(value, path.child('value')),
    ...positive(periodSeconds, here),
    ...(tooLong ? [invalid(here, periodSeconds, `must be less than or equal to ${LONGEST_PERIOD_SECONDS}`)] : []),
  ];
}
