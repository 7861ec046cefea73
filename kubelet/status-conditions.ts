/** The conditions of a pod that the kubelet owns; those of others are kept. */
import type { PodCondition } from '../api/types/core.v1.ts';
import { sandboxNeeded } from './plan.ts';
import { isSidecar, isTerminalPhase } from './pod.ts';
import type { ContainerStatusOut } from './status-containers.ts';
import type { PodConditionInput, StatusInput } from './status-input.ts';

export const KUBELET_CONDITIONS: readonly string[] = ['PodScheduled', 'PodReadyToStartContainers', 'Initialized', 'ContainersReady', 'Ready', 'DisruptionTarget', 'AllContainersRestarting'];

type Input = StatusInput & { readonly phase: string; readonly init: readonly ContainerStatusOut[]; readonly main: readonly ContainerStatusOut[] };

export function podConditions(input: Input): PodCondition[] {
  const { pod, previous, now, failure } = input;
  const foreign = (pod.status?.conditions ?? []).filter(({ type }) => !KUBELET_CONDITIONS.includes(type));
  // It is said when the pod is over, not while its containers still end.
  const disruption = failure?.condition && isTerminalPhase(input.phase) ? [failure.condition] : (previous.conditions ?? []).filter(({ type }) => type === 'DisruptionTarget') as PodConditionInput[];
  const ready = containersReady(input);
  const own: PodConditionInput[] = [
    ...disruption,
    { type: 'PodReadyToStartContainers', status: sandboxNeeded(pod, input.runtime) ? 'False' : 'True' },
    initialized(input),
    podReady(input, ready),
    { ...ready, type: 'ContainersReady' },
    { type: 'PodScheduled', status: 'True' },
  ];
  const generation = (pod.metadata as { generation?: number }).generation ?? 0;
  return [...foreign.map((condition) => ({ ...condition }) as PodCondition), ...own.map((condition) => dated(condition, previous.conditions ?? [], now, generation))];
}

/** The time of a condition is that of its last change. */
function dated(condition: PodConditionInput, previous: readonly { readonly type: string; readonly status: string; readonly lastTransitionTime?: string | undefined }[], now: string, observedGeneration: number): PodCondition {
  const old = previous.find(({ type }) => type === condition.type);
  const lastTransitionTime = old?.status === condition.status && old.lastTransitionTime ? old.lastTransitionTime : now;
  return { ...condition, ...(observedGeneration && { observedGeneration }), lastProbeTime: null as never, lastTransitionTime };
}

function initialized({ pod, phase, init, main }: Input): PodConditionInput {
  const specs = pod.spec.initContainers ?? [];
  const incomplete = specs.filter((spec) => {
    const status = init.find(({ name }) => name === spec.name);
    return !(isSidecar(spec) ? status?.started : status?.ready);
  });
  if (phase === 'Succeeded') return { type: 'Initialized', status: 'True', reason: 'PodCompleted' };
  const hasStarted = main.some(({ state }) => state?.running || state?.terminated);
  if (hasStarted || incomplete.length === 0) return { type: 'Initialized', status: 'True' };
  return { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: ${names(incomplete)}` };
}

function containersReady({ pod, phase, init, main }: Input): Omit<PodConditionInput, 'type'> {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' };
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const unready = [...init.filter(({ name }) => sidecars.includes(name)), ...main].filter(({ ready }) => !ready);
  if (unready.length === 0) return { status: 'True' };
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: ${names(unready)}` };
}

function podReady({ pod }: Input, containers: Omit<PodConditionInput, 'type'>): PodConditionInput {
  if (containers.status !== 'True') return { ...containers, type: 'Ready' };
  const missing = (pod.spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = (pod.status?.conditions ?? []).find(({ type }) => type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return condition.status === 'True' ? [] : [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (missing.length === 0) return { type: 'Ready', status: 'True' };
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') };
}

/** As Go prints a list of strings. */
function names(containers: readonly { readonly name: string }[]): string {
  return `[${containers.map(({ name }) => name).join(' ')}]`;
}
