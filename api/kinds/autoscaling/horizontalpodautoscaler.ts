/** HorizontalPodAutoscalers, stored as v2; v1 keeps what it has no fields for in annotations. */
import type { HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricStatus } from '../../types/autoscaling.v2.ts';
import { deepCopy } from '../../../std/deep.ts';
import { type KindRules, rulesFor } from '../kind-rules.ts';
import { canonicalQuantity } from '../../quantity.ts';
import type { ApiObject } from '../../kind.ts';
import { AGE, NAME, text } from '../shared/columns.ts';
import { splitStrategy } from '../shared/split-strategy.ts';
import { validateAutoscaler, validateAutoscalerStatus } from './hpa-rules.ts';
import { fromV1, toV1 } from './hpa-v1.ts';

const PERIOD_SECONDS = 15;
const ALL = { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS } as const;
export const CPU_TARGET_PERCENT = 80;

const hpa = rulesFor<HorizontalPodAutoscaler>({
  strategy: splitStrategy<HorizontalPodAutoscaler>({
    validate: (object) => validateAutoscaler(object),
    validateUpdate: validateAutoscaler,
    validateStatus: validateAutoscalerStatus,
  }),
  columns: [
    NAME,
    text('Reference', ({ spec }) => `${spec?.scaleTargetRef.kind ?? ''}/${spec?.scaleTargetRef.name ?? ''}`),
    text('Targets', ({ spec, status }) => showMetrics(spec?.metrics ?? [], status?.currentMetrics ?? [])),
    text('MinPods', ({ spec }) => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas))),
    text('MaxPods', ({ spec }) => spec?.maxReplicas ?? 0),
    text('Replicas', ({ status }) => status?.currentReplicas ?? 0),
    AGE,
  ],
});

export const horizontalpodautoscaler: KindRules = {
  ...hpa,
  strategy: { ...hpa.strategy, finish: finished },
  hub: 'v2',
  versions: {
    v2: { defaults: (object) => defaultV2(object as unknown as HorizontalPodAutoscaler) },
    v1: { defaults: defaultV1, toHub: fromV1, fromHub: toV1 },
  },
};

/** What came in version 1 is read from the store in version 2. What did not change may be the stored object's own. */
function finished(object: ApiObject): void {
  if (!object['spec']) return;
  object['spec'] = deepCopy(object['spec']);
  defaultV2(object as unknown as HorizontalPodAutoscaler);
}

function defaultV1(object: ApiObject): void {
  const spec = object['spec'] as { minReplicas?: number } | undefined;
  if (spec) spec.minReplicas ??= 1;
}

function defaultV2({ spec }: HorizontalPodAutoscaler): void {
  if (!spec) return;
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) {
    spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: CPU_TARGET_PERCENT } } }];
  }
  if (!spec.behavior) return;
  spec.behavior.scaleUp = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }, ALL],
    ...present(spec.behavior.scaleUp),
  };
  spec.behavior.scaleDown = { selectPolicy: 'Max', policies: [ALL], ...present(spec.behavior.scaleDown) };
}

function present(rules: HPAScalingRules | undefined): HPAScalingRules {
  return Object.fromEntries(Object.entries(rules ?? {}).filter(([, value]) => value !== undefined && value !== null));
}

const SHOWN = 2;

function showMetrics(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return '<none>';
  const all = specs.map((spec, at) => showMetric(spec, statuses[at]));
  const shown = all.slice(0, SHOWN).join(', ');
  return all.length > SHOWN ? `${shown} + ${all.length - SHOWN} more...` : shown;
}

const FIELDS = { External: 'external', Object: 'object', Pods: 'pods', Resource: 'resource', ContainerResource: 'containerResource' } as const;
const UNKNOWN = '<unknown>';

/** A status counts only where it is of the metric's own type. */
function showMetric(spec: MetricSpec, status: MetricStatus | undefined): string {
  const field = Object.hasOwn(FIELDS, spec.type) ? FIELDS[spec.type as keyof typeof FIELDS] : undefined;
  if (!field) return '<unknown type>';
  const target = spec[field]?.target;
  const current = status?.[field]?.current;
  if (field === 'resource' || field === 'containerResource') {
    const percent = (value: number | undefined, none: string): string => (value === undefined ? none : `${value}%`);
    const name = spec[field]?.name ?? '';
    if (target?.averageValue !== undefined) return `${name}: ${current ? amount(current.averageValue) : UNKNOWN}/${amount(target.averageValue)}`;
    return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(target?.averageUtilization, '<auto>')}`;
  }
  if (field === 'pods') return `${current ? amount(current.averageValue) : UNKNOWN}/${amount(target?.averageValue)}`;
  if (target?.averageValue !== undefined) return `${current?.averageValue === undefined ? UNKNOWN : amount(current.averageValue)}/${amount(target.averageValue)} (avg)`;
  return `${current ? amount(current.value) : UNKNOWN}/${amount(target?.value)}`;
}

function amount(quantity: string | undefined): string {
  return quantity === undefined ? '<nil>' : (canonicalQuantity(quantity) ?? quantity);
}
