/** What an autoscaler does with a scale and its metrics: a size, a status, events. Pure; the shell asks and carries out. */
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricStatus } from '../../api/types/autoscaling.v2.ts';
import type { Stored } from '../../client/client.ts';
import { timeText } from '../../client/time.ts';
import { parseQuantity } from '../../api/quantity.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { StoredPod } from '../pods.ts';
import { emptyHistory, limit, type History } from './limits.ts';
import { propose } from './propose.ts';
import type { Reading } from './readings.ts';

export type StoredAutoscaler = Stored<HorizontalPodAutoscaler>;
export type Status = DeepReadonly<HorizontalPodAutoscalerStatus>;

export interface Scale {
  readonly metadata: object;
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas?: number; readonly selector?: string };
}

export interface Settings {
  readonly syncPeriodMs: number;
  readonly downscaleStabilizationMs: number;
  readonly tolerance: number;
  readonly cpuInitializationMs: number;
  readonly initialReadinessDelayMs: number;
}

export interface Warning {
  readonly reason: string;
  readonly message: string;
}

export interface Decision {
  /** Absent: the size stays. */
  readonly size?: { readonly replicas: number; readonly reason: string };
  readonly status: Status;
  readonly warnings: readonly Warning[];
  readonly history: History;
}

export interface Inputs {
  readonly hpa: StoredAutoscaler;
  readonly scale: Scale;
  /** One for each metric; asked for only where `needsMetrics`. */
  readonly readings: readonly Reading[];
  readonly pods: readonly StoredPod[];
  /** Why the pods cannot be told apart from others', where that is so. */
  readonly selection: SelectionProblem | undefined;
  readonly history: History | undefined;
  readonly settings: Settings;
  readonly now: number;
}

export interface SelectionProblem {
  readonly event: Warning;
  readonly condition: Warning;
}

const DEFAULT_MIN = 1;

/** Whether the size follows from metrics, and not from the bounds alone. */
export function needsMetrics({ spec }: StoredAutoscaler, current: number): boolean {
  return current !== 0 && current <= spec.maxReplicas && current >= (spec.minReplicas ?? DEFAULT_MIN);
}

export function decide(inputs: Inputs): Decision {
  const { hpa, scale, now } = inputs;
  const current = scale.spec?.replicas ?? 0;
  const min = hpa.spec.minReplicas ?? DEFAULT_MIN;
  const history = inputs.history ?? { ...emptyHistory, recommendations: [{ replicas: current, at: now }] };
  const base = withCondition(hpa.status ?? NO_STATUS, ['AbleToScale', 'True', 'SucceededGetScale', "the HPA controller was able to get the target's current scale"], now);
  if (current === 0) {
    const status = withCondition(base, ['ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero'], now);
    return { status: sized(status, 0, 0, []), warnings: [], history };
  }
  const bound = current > hpa.spec.maxReplicas
    ? { replicas: hpa.spec.maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' }
    : current < min ? { replicas: min, reason: 'Current number of replicas below Spec.MinReplicas' } : undefined;
  if (bound) return { size: bound, status: sized(base, current, bound.replicas, []), warnings: [], history };
  return byMetrics(inputs, { base, current, min, history });
}

interface Started {
  readonly base: Status;
  readonly current: number;
  readonly min: number;
  readonly history: History;
}

function byMetrics(inputs: Inputs, { base, current, min, history }: Started): Decision {
  const { hpa, now, settings } = inputs;
  const measured = measure(inputs, current);
  const warnings = [...measured.warnings];
  let status = base;
  if (measured.condition) status = withCondition(status, measured.condition, now);
  if (measured.replicas === undefined) {
    warnings.push({ reason: 'FailedComputeMetricsReplicas', message: measured.error ?? '' });
    return { status: sized(status, current, status.desiredReplicas, measured.statuses), warnings, history };
  }
  const { replicas: recommended, metric } = measured;
  const reason = recommended > current ? `${recommended > 0 ? metric : ''} above target` : recommended < current ? 'All metrics below target' : '';
  const limits = limit({ behavior: hpa.spec.behavior, history, current, recommended, min, max: hpa.spec.maxReplicas, stabilizationMs: settings.downscaleStabilizationMs, now });
  status = withCondition(status, ['AbleToScale', 'True', limits.able.reason, limits.able.message], now);
  status = withCondition(status, ['ScalingLimited', limits.limited.status, limits.limited.reason, limits.limited.message], now);
  const size = limits.replicas === current ? undefined : { replicas: limits.replicas, reason };
  return { ...(size && { size }), status: sized(status, current, limits.replicas, measured.statuses), warnings, history: limits.history };
}

interface Measured {
  /** Absent: nothing can be said. */
  readonly replicas?: number;
  readonly metric: string;
  readonly statuses: readonly DeepReadonly<MetricStatus>[];
  readonly warnings: readonly Warning[];
  readonly condition: ConditionRow | undefined;
  readonly error?: string;
}

function measure(inputs: Inputs, current: number): Measured {
  const { hpa, scale, readings, pods, selection, settings, now } = inputs;
  if (selection) {
    const condition: ConditionRow = ['ScalingActive', 'False', selection.condition.reason, selection.condition.message];
    return { metric: '', statuses: [], warnings: [selection.event], condition, error: selection.event.message };
  }
  const specs = hpa.spec.metrics ?? [];
  const statusReplicas = scale.status?.replicas ?? 0;
  const { cpuInitializationMs, initialReadinessDelayMs } = settings;
  const situation = { pods, currentReplicas: current, tolerances: tolerancesOf(hpa, settings.tolerance), now, cpuInitializationMs, initialReadinessDelayMs };
  const proposals = specs.map((spec, index) => propose(spec, readings[index] ?? { kind: 'error', message: 'it was not read' }, { namespace: hpa.metadata.namespace, statusReplicas, situation }));
  let replicas = 0;
  let metric = '';
  for (const proposal of proposals) {
    if ('failed' in proposal || (replicas !== 0 && proposal.replicas <= replicas)) continue;
    replicas = proposal.replicas;
    metric = proposal.metric;
  }
  const failures = proposals.flatMap((proposal) => ('failed' in proposal ? [proposal.failed] : []));
  const warnings = failures.map(({ reason, message }) => ({ reason, message }));
  const statuses = proposals.map((proposal) => ('failed' in proposal ? { type: '' } : proposal.status));
  const [first] = failures;
  const error = first && `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first.within}`;
  if (first && error && (failures.length >= specs.length || replicas < current)) {
    return { metric, statuses, warnings, error, condition: ['ScalingActive', 'False', first.reason, `the HPA was unable to compute the replica count: ${first.message}`] };
  }
  const condition: ConditionRow = ['ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${metric}`];
  return { replicas, metric, statuses, warnings, condition };
}

function tolerancesOf({ spec: { behavior } }: StoredAutoscaler, tolerance: number): { readonly down: number; readonly up: number } {
  return { down: share(behavior?.scaleDown?.tolerance) ?? tolerance, up: share(behavior?.scaleUp?.tolerance) ?? tolerance };
}

function share(text: string | undefined): number | undefined {
  const quantity = text === undefined ? undefined : parseQuantity(text);
  return quantity && Number(quantity.nano) / 1e9;
}

export const NO_STATUS: Status = { desiredReplicas: 0, currentMetrics: [] };

export type ConditionRow = readonly [type: string, status: 'True' | 'False', reason: string, message: string];

export function withCondition(status: Status, [type, value, reason, message]: ConditionRow, now: number): Status {
  const conditions = status.conditions ?? [];
  const old = conditions.find((condition) => condition.type === type);
  const next: DeepReadonly<HorizontalPodAutoscalerCondition> = {
    type,
    status: value,
    ...((old?.status !== value || old.lastTransitionTime) && { lastTransitionTime: old?.status === value && old.lastTransitionTime ? old.lastTransitionTime : timeText(now) }),
    reason,
    message,
  };
  return { ...status, conditions: old ? conditions.map((condition) => (condition === old ? next : condition)) : [...conditions, next] };
}

function sized(status: Status, currentReplicas: number, desiredReplicas: number, currentMetrics: readonly DeepReadonly<MetricStatus>[]): Status {
  const { lastScaleTime, conditions } = status;
  return { ...(lastScaleTime && { lastScaleTime }), ...(currentReplicas > 0 && { currentReplicas }), desiredReplicas, currentMetrics: currentMetrics.length > 0 ? currentMetrics : (null as never), ...(conditions && { conditions }) };
}
