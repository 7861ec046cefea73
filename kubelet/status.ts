/** The kubelet's word on a pod: spec, runtime state and probe results → PodStatus, as upstream's kubelet writes it (v1.36). */
import type { PodStatus } from '../api/types/core.v1.ts';
import { podConditions } from './status-conditions.ts';
import { type ContainerStatusOut, containerStatuses } from './status-containers.ts';
import { podPhase } from './status-phase.ts';
import { type PodObject, ephemeralSpecs, isHostNetwork, isSidecar, isTerminalPhase } from './pod.ts';
import { qosClass } from './resources.ts';
import type { StatusInput } from './status-input.ts';

export function podStatus(input: StatusInput): PodStatus {
  const { pod, previous, failure } = input;
  const raw = {
    init: containerStatuses(input, { specs: pod.spec.initContainers ?? [], old: previous.initContainerStatuses ?? [], kind: 'init' }),
    main: containerStatuses(input, { specs: pod.spec.containers, old: previous.containerStatuses ?? [], kind: 'main' }),
    ephemeral: containerStatuses(input, { specs: ephemeralSpecs(pod), old: previous.ephemeralContainerStatuses ?? [], kind: 'ephemeral' }),
  };
  let phase = podPhase(pod, [...raw.main, ...raw.init], input.isEnding);
  if (!isTerminalPhase(phase) && isTerminalPhase(previous.phase)) phase = previous.phase as typeof phase;
  if (failure) phase = 'Failed';
  // Who waits for the end of a pod must not see it before its containers have ended.
  const isEarly = isTerminalPhase(phase) && !isTerminalPhase(previous.phase) && input.runtime.containers.some(({ state }) => state === 'running');
  if (isEarly) phase = (previous.phase ?? 'Pending') as typeof phase;
  const final = input.isFinished ? finished(input, raw) : raw;
  if (input.isFinished && !isTerminalPhase(phase)) phase = 'Failed';
  const kept = phase === previous.phase ? previous : undefined;
  const said = (isEarly ? undefined : failure) ?? kept;
  const ips = podIps(input);
  return {
    observedGeneration: (pod.metadata as { generation?: number }).generation ?? 0,
    phase,
    conditions: podConditions({ ...input, phase, init: final.init, main: final.main }),
    ...(said?.message && { message: said.message }),
    ...(said?.reason && { reason: said.reason }),
    ...(previous.nominatedNodeName && { nominatedNodeName: previous.nominatedNodeName }),
    ...(input.hostIps[0] && { hostIP: input.hostIps[0], hostIPs: input.hostIps.map((ip) => ({ ip })) }),
    ...(ips[0] && { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: previous.startTime ?? input.startTime,
    ...(final.init.length > 0 && { initContainerStatuses: final.init }),
    containerStatuses: byName(final.main),
    ...(final.ephemeral.length > 0 && { ephemeralContainerStatuses: byName(final.ephemeral) }),
    qosClass: qosClass(pod),
  };
}

/** Status of a pod that this node does not take: nothing was started. */
export function refusedStatus(input: { readonly pod: PodObject; readonly reason: string; readonly message: string; readonly now: string }): PodStatus {
  const { pod, reason, message, now } = input;
  return { observedGeneration: (pod.metadata as { generation?: number }).generation ?? 0, phase: 'Failed', reason, message, startTime: now, qosClass: qosClass(pod) };
}

interface All {
  readonly init: ContainerStatusOut[];
  readonly main: ContainerStatusOut[];
  readonly ephemeral: ContainerStatusOut[];
}

const LOST = { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' };

/** Everything has a terminated state; what never got one counts as failed, once its turn could have come. */
function finished({ pod }: StatusInput, all: All): All {
  const specs = pod.spec.initContainers ?? [];
  const lastSpec = specs.at(-1);
  const lastInit = all.init.at(-1);
  const initialized =
    !lastSpec ||
    all.main.some(hasBegun) ||
    (isSidecar(lastSpec) ? lastInit?.started === true : [lastInit?.state, lastInit?.lastState].some((state) => state?.terminated?.exitCode === 0));
  const begun = Math.max(all.init.findLastIndex(hasBegun), 0);
  return {
    init: all.init.map((status, i) => (i <= begun ? lost(status) : status)),
    main: initialized ? all.main.map(lost) : all.main,
    ephemeral: all.ephemeral,
  };
}

function lost(status: ContainerStatusOut): ContainerStatusOut {
  if (status.state?.terminated) return status;
  return { ...status, ready: false, started: false, state: { terminated: { ...LOST, startedAt: null as never, finishedAt: null as never } } };
}

function hasBegun({ state, lastState }: ContainerStatusOut): boolean {
  return state?.waiting === undefined || lastState?.terminated !== undefined;
}

function byName(statuses: readonly ContainerStatusOut[]): ContainerStatusOut[] {
  return statuses.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function podIps({ pod, runtime, hostIps, previous }: StatusInput): readonly string[] {
  if (isHostNetwork(pod)) return previous.podIPs?.length ? previous.podIPs.flatMap(({ ip }) => (ip ? [ip] : [])) : hostIps;
  const ready = runtime.sandboxes.find(({ state }) => state === 'ready');
  const ips = ready?.ips ?? runtime.sandboxes[0]?.ips ?? [];
  return ips.length > 0 ? ips : (previous.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
}
