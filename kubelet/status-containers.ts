/** The status of each container: its present state, the one before, and why it waits. */
import type { ContainerState, ContainerStatus } from '../api/types/core.v1.ts';
import { deepCopy } from '../std/deep.ts';
import { ANNOTATIONS, type ContainerKind, type ContainerStatusObject, type Spec, isSidecar, latest } from './pod.ts';
import { probeKey } from './plan.ts';
import { restartsAfter } from './restart.ts';
import type { Container } from './runtime/model.ts';
import type { StatusInput } from './status-input.ts';

export type ContainerStatusOut = ContainerStatus;

interface Group {
  readonly specs: readonly Spec[];
  readonly old: readonly ContainerStatusObject[];
  readonly kind: ContainerKind;
}

export function containerStatuses(input: StatusInput, group: Group): ContainerStatusOut[] {
  return group.specs.map((spec) => {
    const status = waitingOr(input, spec, group.kind, known(input, spec, group));
    return withProbes(input, spec, group, status);
  });
}

function known(input: StatusInput, spec: Spec, { old }: Group): ContainerStatusOut {
  const previous = old.find(({ name }) => name === spec.name);
  const [present, before] = input.runtime.containers.filter(({ name }) => name === spec.name);
  if (!present) return unseen(input, spec, previous);
  const status: ContainerStatusOut = {
    ...base(spec),
    restartCount: Math.max(restartCount(present), 0),
    image: present.image || spec.image || '',
    imageID: present.imageId,
    containerID: containerIdText(input, present),
    state: stateOf(input, present),
    ...(spec.resources && resourcesOf(spec)),
  };
  const wasOther = previous?.containerID !== status.containerID && previous?.state?.terminated !== undefined;
  const last = before ? stateOf(input, before) : wasOther ? previous?.state : previous?.lastState;
  return { ...status, lastState: last?.terminated ? { terminated: { ...last.terminated } } : {} };
}

/** The runtime knows nothing: either it was never started, or it was removed behind our back. */
function unseen(input: StatusInput, spec: Spec, previous: ContainerStatusObject | undefined): ContainerStatusOut {
  if (previous?.state?.terminated) return deepCopy(previous) as ContainerStatus;
  const status: ContainerStatusOut = {
    ...base(spec),
    restartCount: previous?.restartCount ?? 0,
    image: spec.image ?? '',
    imageID: '',
    state: { waiting: { reason: (input.pod.spec.initContainers ?? []).length > 0 ? 'PodInitializing' : 'ContainerCreating' } },
    lastState: previous?.lastState?.terminated ? { terminated: { ...previous.lastState.terminated } } : {},
  };
  if (!previous?.state?.running || status.lastState?.terminated) return status;
  const deleted = (input.pod.metadata as { deletionTimestamp?: string }).deletionTimestamp !== undefined;
  return { ...status, restartCount: status.restartCount + (deleted ? 0 : 1), lastState: { terminated: { ...LOST, startedAt: null as never, finishedAt: null as never } } };
}

const LOST = { exitCode: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was deleted.  The container used to be Running' };

/** A container that should be started, but could not be, waits and says why. */
function waitingOr(input: StatusInput, spec: Spec, kind: ContainerKind, status: ContainerStatusOut): ContainerStatusOut {
  const why = input.waiting.get(spec.name);
  const present = latest(input.runtime, spec.name);
  const { deletionTimestamp } = input.pod.metadata as { deletionTimestamp?: string };
  if (!why || deletionTimestamp !== undefined || input.isEnding || present?.state === 'running') return status;
  if (kind === 'init' && present?.state === 'exited' && present.exitCode === 0 && !isSidecar(spec)) return status;
  if (kind === 'ephemeral' && present) return status;
  if (present?.state === 'exited' && !restartsAfter(spec, input.pod, present.exitCode)) return status;
  const lastState = status.state?.terminated ? status.state : status.lastState;
  return { ...status, ...(lastState && { lastState }), state: { waiting: { reason: why.reason, ...(why.message && { message: why.message }) } } };
}

function withProbes({ probes }: StatusInput, spec: Spec, { kind, old }: Group, status: ContainerStatusOut): ContainerStatusOut {
  const id = status.containerID?.split('://')[1] ?? '';
  const running = status.state?.running !== undefined;
  const started = running && (!spec.startupProbe || probes.get(probeKey(id, 'startup')) === 'success');
  if (kind === 'ephemeral') return { ...status, ready: false };
  if (kind === 'init' && !isSidecar(spec)) return { ...status, started, ready: status.state?.terminated?.exitCode === 0 };
  const probed = probes.get(probeKey(id, 'readiness'));
  // What was ready before a restart of ours stays so until it is found not to be.
  const wasReady = probed === undefined && running && old.some(({ containerID, ready }) => ready && containerID === status.containerID);
  const ready = started && (!spec.readinessProbe || probed === 'success' || wasReady);
  return { ...status, started, ready };
}

/** An id with the name of its runtime: `containerd://…`. */
function containerIdText({ runtimeName }: StatusInput, { id }: Container): string {
  return `${runtimeName}://${id}`;
}

export function restartCount(container: Container): number {
  return Number(container.annotations[ANNOTATIONS.restartCount] ?? container.attempt);
}

function stateOf(input: StatusInput, container: Container): ContainerState {
  switch (container.state) {
    case 'running':
      return { running: { startedAt: timeText(container.startedAt) } };
    case 'exited':
      return {
        terminated: {
          exitCode: container.exitCode,
          ...(container.reason && { reason: container.reason }),
          ...(container.message && { message: container.message }),
          startedAt: timeText(container.startedAt),
          finishedAt: timeText(container.finishedAt),
          containerID: containerIdText(input, container),
        },
      };
    case 'created':
    case 'unknown':
      return { waiting: {} };
  }
}

function base(spec: Spec): Pick<ContainerStatus, 'name' | 'ready'> & Partial<ContainerStatus> {
  const mounts = (spec.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => ({
    name,
    mountPath,
    ...(readOnly && { readOnly, recursiveReadOnly: 'Disabled' }),
  }));
  return { name: spec.name, ready: false, ...(mounts.length > 0 && { volumeMounts: mounts }) };
}

function resourcesOf(spec: Spec): Partial<ContainerStatus> {
  const resources = deepCopy(spec.resources ?? {}) as NonNullable<ContainerStatus['resources']>;
  return { ...(resources.requests && { allocatedResources: resources.requests }), resources };
}

/** RFC 3339 to the second; what never happened has the runtime's zero. */
function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
