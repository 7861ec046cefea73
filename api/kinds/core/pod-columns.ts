/** How pods look in tables: readiness, the status in one word, restarts. */
import type { RowCondition } from '../../kind.ts';
import type { Container, ContainerState, ContainerStatus, Pod } from '../../types/core.v1.ts';
import type { TypedColumn } from '../kind-rules.ts';
import { AGE, NAME, text, wide } from '../shared/columns.ts';
import { since } from '../shared/human-duration.ts';
import { isSidecar } from '../shared/pod-resources.ts';

export const podColumns: readonly TypedColumn<Pod>[] = [
  NAME,
  text('Ready', (pod) => {
    const { ready, total } = summarize(pod);
    return `${ready}/${total}`;
  }),
  text('Status', (pod) => summarize(pod).reason),
  text('Restarts', (pod, now) => {
    const { restarts, lastRestart } = summarize(pod);
    return restarts > 0 && lastRestart ? `${restarts} (${since(lastRestart, now)} ago)` : String(restarts);
  }),
  AGE,
  wide('IP', (pod) => pod.status?.podIPs?.[0]?.ip || '<none>'),
  wide('Node', (pod) => pod.spec.nodeName || '<none>'),
  wide('Nominated Node', (pod) => pod.status?.nominatedNodeName || '<none>'),
  wide('Readiness Gates', (pod) => {
    const gates = pod.spec.readinessGates ?? [];
    return gates.length === 0 ? '<none>' : `${gates.filter((gate) => isTrue(pod, gate.conditionType)).length}/${gates.length}`;
  }),
];

const ENDED: Readonly<Record<string, string>> = { Succeeded: 'The pod has completed successfully.', Failed: 'The pod failed.' };

export function podRowConditions({ status }: Pod): readonly RowCondition[] | undefined {
  const phase = status?.phase ?? '';
  const message = Object.hasOwn(ENDED, phase) ? ENDED[phase] : undefined;
  return message === undefined ? undefined : [{ type: 'Completed', status: 'True', reason: phase, message }];
}

interface Summary {
  reason: string;
  ready: number;
  total: number;
  restarts: number;
  /** '' when unknown. */
  lastRestart: string;
}

function summarize(pod: Pod): Summary {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar);
  const gated = pod.status?.conditions?.some((condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated');
  const reason = gated ? 'SchedulingGated' : pod.status?.reason || pod.status?.phase || '';
  const summary: Summary = { reason, ready: 0, total: (pod.spec.containers ?? []).length + sidecars.length, restarts: 0, lastRestart: '' };
  const sidecarRestarts: Summary = { ...summary };
  const initializing = countInit(pod, summary, sidecarRestarts);
  if (!initializing || isTrue(pod, 'Initialized')) {
    summary.restarts = sidecarRestarts.restarts;
    summary.lastRestart = sidecarRestarts.lastRestart;
    countMain(pod, summary);
  }
  if (pod.metadata?.deletionTimestamp) {
    const phase = pod.status?.phase;
    if (pod.status?.reason === 'NodeLost') summary.reason = 'Unknown';
    else if (phase !== 'Failed' && phase !== 'Succeeded') summary.reason = 'Terminating';
  }
  return summary;
}

/** Whether an init container is still to finish, which then says what the pod waits for. */
function countInit(pod: Pod, summary: Summary, sidecarRestarts: Summary): boolean {
  const containers = new Map((pod.spec.initContainers ?? []).map((container) => [container.name, container]));
  for (const [at, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const container: Container | undefined = containers.get(status.name);
    countRestarts(status, summary);
    if (container && isSidecar(container)) countRestarts(status, sidecarRestarts);
    if (status.state?.terminated?.exitCode === 0) continue;
    if (container && isSidecar(container) && status.started) {
      if (status.ready) summary.ready++;
      continue;
    }
    const waiting = status.state?.waiting?.reason;
    if (status.state?.terminated) summary.reason = `Init:${terminatedReason(status.state)}`;
    else if (waiting && waiting !== 'PodInitializing') summary.reason = `Init:${waiting}`;
    else summary.reason = `Init:${at}/${containers.size}`;
    return true;
  }
  return false;
}

function countMain(pod: Pod, summary: Summary): void {
  let running = false;
  let failure = '';
  for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
    countRestarts(status, summary);
    const state = status.state;
    if (state?.waiting?.reason) summary.reason = state.waiting.reason;
    else if (state?.terminated) {
      summary.reason = terminatedReason(state);
      if (state.terminated.exitCode !== 0) failure = summary.reason;
    } else if (status.ready && state?.running) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason !== 'Completed') return;
  if (running && isTrue(pod, 'Ready')) summary.reason = 'Running';
  else if (failure) summary.reason = failure;
  else if (running) summary.reason = 'NotReady';
}

function terminatedReason({ terminated }: ContainerState): string {
  return terminated?.reason || (terminated?.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated?.exitCode ?? 0}`);
}

function countRestarts(status: ContainerStatus, summary: Summary): void {
  summary.restarts += status.restartCount;
  const finished = status.lastState?.terminated?.finishedAt;
  if (finished && (!summary.lastRestart || Date.parse(finished) > Date.parse(summary.lastRestart))) summary.lastRestart = finished;
}

function isTrue(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
}
