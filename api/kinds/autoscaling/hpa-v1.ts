/** HorizontalPodAutoscaler v1 to v2 and back. What v1 lacks it carries in annotations, in the forms that upstream gave them. */
import type { ApiObject } from '../../kind.ts';
import type * as v1 from '../../types/autoscaling.v1.ts';
import type * as v2 from '../../types/autoscaling.v2.ts';
import { BEHAVIOR, CONDITIONS, CURRENT_METRICS, METRICS, readAnnotation } from './old-annotations.ts';

const METRICS_NAME = 'autoscaling.alpha.kubernetes.io/metrics';
const CURRENT_METRICS_NAME = 'autoscaling.alpha.kubernetes.io/current-metrics';
const CONDITIONS_NAME = 'autoscaling.alpha.kubernetes.io/conditions';
const BEHAVIOR_NAME = 'autoscaling.alpha.kubernetes.io/behavior';
const DEFAULT_PERCENT = 80;
/** In upstream's types they are always there: what an apply leaves of an object may be without. */
const NEEDED = { scaleTargetRef: {}, maxReplicas: 0 };

export function fromV1(object: ApiObject): ApiObject {
  const { spec, status, metadata } = object as unknown as v1.HorizontalPodAutoscaler;
  const annotations = { ...metadata.annotations };
  const percent = spec?.targetCPUUtilizationPercentage;
  const others = ((readAnnotation(METRICS, annotations[METRICS_NAME]) ?? []) as OldMetric[]).map(metricFromV1);
  const metrics = [...others, ...(percent === undefined ? [] : [cpuMetric(percent)])];
  const behavior = lowerCased(readAnnotation(BEHAVIOR, annotations[BEHAVIOR_NAME])) as v2.HorizontalPodAutoscalerBehavior | undefined;
  const conditions = readAnnotation(CONDITIONS, annotations[CONDITIONS_NAME]);
  // The annotation knows more than the field.
  const known = readAnnotation(CURRENT_METRICS, annotations[CURRENT_METRICS_NAME]) as OldStatus[] | undefined;
  for (const name of [METRICS_NAME, CURRENT_METRICS_NAME, CONDITIONS_NAME, BEHAVIOR_NAME]) delete annotations[name];
  const { targetCPUUtilizationPercentage: _percent, ...sameSpec } = { ...NEEDED, ...spec } as Partial<v1.HorizontalPodAutoscalerSpec>;
  const { currentCPUUtilizationPercentage: current, ...sameStatus } = status ?? {};
  const ofCpu = current === undefined ? null : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }];
  const currentMetrics = known ? known.map(statusFromV1) : ofCpu;
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object, annotations),
    spec: { ...sameSpec, metrics: metrics.length > 0 ? metrics : [cpuMetric(DEFAULT_PERCENT)], ...(behavior && Object.keys(behavior).length > 0 && { behavior }) },
    ...((status || currentMetrics) && { status: { ...sameStatus, currentMetrics, ...(conditions !== undefined && { conditions }) } }),
  };
}

export function toV1(object: ApiObject): ApiObject {
  const { spec, status, metadata } = object as unknown as v2.HorizontalPodAutoscaler;
  const annotations = { ...metadata.annotations };
  const { metrics = [], behavior, ...sameSpec } = { ...NEEDED, ...spec } as Partial<v2.HorizontalPodAutoscalerSpec>;
  const { currentMetrics, conditions, currentReplicas, desiredReplicas, ...times }: Partial<v2.HorizontalPodAutoscalerStatus> = status ?? {};
  const percent = metrics.find(isCpuPercent)?.resource?.target.averageUtilization;
  const others = metrics.filter((metric) => !isCpuPercent(metric)).map(metricToV1);
  const current = currentMetrics?.find(({ resource }) => resource?.name === 'cpu')?.resource?.current.averageUtilization;
  if (others.length > 0) annotations[METRICS_NAME] = JSON.stringify(others);
  if (currentMetrics?.length) annotations[CURRENT_METRICS_NAME] = JSON.stringify(currentMetrics.map(statusToV1));
  if (behavior) annotations[BEHAVIOR_NAME] = JSON.stringify({ ScaleUp: internalRules(behavior.scaleUp), ScaleDown: internalRules(behavior.scaleDown) });
  if (conditions?.length) annotations[CONDITIONS_NAME] = JSON.stringify(conditions);
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(object, annotations),
    spec: { ...sameSpec, ...(percent !== undefined && { targetCPUUtilizationPercentage: percent }) },
    status: {
      ...times,
      currentReplicas: currentReplicas ?? 0,
      desiredReplicas: desiredReplicas ?? 0,
      ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
    },
  };
}

/** Metrics as v1 wrote them, target and source in one. */
interface OldMetric {
  type: string;
  object?: { target?: object; metricName?: string; targetValue?: string; selector?: object; averageValue?: string };
  pods?: { metricName?: string; targetAverageValue?: string; selector?: object };
  resource?: OldResource;
  containerResource?: OldResource & { container?: string };
  external?: { metricName?: string; metricSelector?: object; targetValue?: string; targetAverageValue?: string };
}

interface OldResource {
  name?: string;
  targetAverageUtilization?: number;
  targetAverageValue?: string;
}

function metricFromV1({ type, object, pods, resource, containerResource, external }: OldMetric): v2.MetricSpec {
  const identifier = (name: string | undefined, selector: object | undefined): object => ({ name: name ?? '', ...(selector && { selector }) });
  const ofResource = (old: OldResource): object => {
    const target = defined({
      type: old.targetAverageUtilization === undefined ? 'AverageValue' : 'Utilization',
      averageValue: old.targetAverageValue,
      averageUtilization: old.targetAverageUtilization,
    });
    return { name: old.name ?? '', target };
  };
  return defined({
    type,
    object: object && {
      describedObject: object.target ?? {},
      target: defined({ type: object.averageValue === undefined ? 'Value' : 'AverageValue', value: object.targetValue ?? '0', averageValue: object.averageValue }),
      metric: identifier(object.metricName, object.selector),
    },
    pods: pods && { metric: identifier(pods.metricName, pods.selector), target: { type: 'AverageValue', averageValue: pods.targetAverageValue ?? '0' } },
    resource: resource && ofResource(resource),
    containerResource: containerResource && { ...ofResource(containerResource), container: containerResource.container ?? '' },
    external: external && {
      metric: identifier(external.metricName, external.metricSelector),
      target: defined({
        type: external.targetValue === undefined ? 'AverageValue' : 'Value',
        value: external.targetValue,
        averageValue: external.targetAverageValue,
      }),
    },
  }) as unknown as v2.MetricSpec;
}

function metricToV1({ type, object, pods, resource, containerResource, external }: v2.MetricSpec): OldMetric {
  const ofResource = (source: v2.ResourceMetricSource): OldResource =>
    defined({ name: source.name, targetAverageUtilization: source.target.averageUtilization, targetAverageValue: source.target.averageValue }) as OldResource;
  return defined({
    type,
    object: object && defined({
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    }),
    pods: pods && defined({ metricName: pods.metric.name, targetAverageValue: pods.target.averageValue ?? '0', selector: pods.metric.selector }),
    resource: resource && ofResource(resource),
    containerResource: containerResource && { ...ofResource(containerResource), container: containerResource.container },
    external: external && defined({
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    }),
  }) as unknown as OldMetric;
}

function statusToV1({ type, object, pods, resource, containerResource, external }: v2.MetricStatus): object {
  const ofResource = (source: v2.ResourceMetricStatus): object =>
    defined({ name: source.name, currentAverageUtilization: source.current.averageUtilization, currentAverageValue: source.current.averageValue ?? '0' });
  return defined({
    type,
    object: object && defined({
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    }),
    pods: pods && defined({ metricName: pods.metric.name, currentAverageValue: pods.current.averageValue ?? '0', selector: pods.metric.selector }),
    resource: resource && ofResource(resource),
    containerResource: containerResource && { ...ofResource(containerResource), container: containerResource.container },
    external: external && defined({
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? '0',
      currentAverageValue: external.current.averageValue,
    }),
  });
}

interface OldStatus {
  type: string;
  object?: { target?: object; metricName?: string; currentValue?: string; selector?: object; averageValue?: string };
  pods?: { metricName?: string; currentAverageValue?: string; selector?: object };
  resource?: OldCurrent;
  containerResource?: OldCurrent & { container?: string };
  external?: { metricName?: string; metricSelector?: object; currentValue?: string; currentAverageValue?: string };
}

interface OldCurrent {
  name?: string;
  currentAverageUtilization?: number;
  currentAverageValue?: string;
}

function statusFromV1({ type, object, pods, resource, containerResource, external }: OldStatus): v2.MetricStatus {
  const identifier = (name = '', selector?: object): object => ({ name, ...(selector && { selector }) });
  const ofResource = ({ name = '', currentAverageUtilization, currentAverageValue = '0' }: OldCurrent): object => ({
    name, current: defined({ averageValue: currentAverageValue, averageUtilization: currentAverageUtilization }),
  });
  return defined({
    type,
    object: object && {
      metric: identifier(object.metricName, object.selector),
      current: defined({ value: object.currentValue ?? '0', averageValue: object.averageValue }),
      describedObject: object.target ?? {},
    },
    pods: pods && { metric: identifier(pods.metricName, pods.selector), current: { averageValue: pods.currentAverageValue ?? '0' } },
    resource: resource && ofResource(resource),
    containerResource: containerResource && { ...ofResource(containerResource), container: containerResource.container ?? '' },
    external: external && {
      metric: identifier(external.metricName, external.metricSelector),
      current: defined({ value: external.currentValue ?? '0', averageValue: external.currentAverageValue }),
    },
  }) as unknown as v2.MetricStatus;
}

function cpuMetric(averageUtilization: number): v2.MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function isCpuPercent({ type, resource }: v2.MetricSpec): boolean {
  return type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined;
}

function internalRules(rules: v2.HPAScalingRules | undefined): object | null {
  if (!rules) return null;
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
    SelectPolicy: rules.selectPolicy ?? null,
    Policies: (rules.policies ?? []).map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })),
    Tolerance: rules.tolerance ?? null,
  };
}

function withAnnotations(object: ApiObject, annotations: Record<string, string>): ApiObject['metadata'] {
  const { annotations: _before, ...metadata } = object.metadata;
  return { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) };
}

/** The behavior's annotation has Go's names; nulls are absent fields. */
function lowerCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerCased);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(entries.map(([key, field]) => [key.charAt(0).toLowerCase() + key.slice(1), lowerCased(field)]));
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
