/** The phase of a pod, counted from the states of its containers (upstream's getPhase). */
import { type PodObject, isSidecar } from './pod.ts';
import { restartsAfter } from './restart.ts';
import type { ContainerStatusOut } from './status-containers.ts';

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export function podPhase(pod: PodObject, statuses: readonly ContainerStatusOut[], isEnding: boolean): Phase {
  const of = (name: string): ContainerStatusOut | undefined => statuses.find((status) => status.name === name);
  const init = countInit(pod, of);
  const all = { running: 0, waiting: 0, unknown: 0, stopped: 0, final: 0, succeeded: 0 };
  let pendingSidecars = 0;
  for (const { name } of (pod.spec.initContainers ?? []).filter(isSidecar)) {
    const { state, lastState, started } = of(name) ?? {};
    if (state?.running) {
      all.running++;
      if (!started) pendingSidecars++;
    } else if (state?.waiting) {
      if (lastState?.terminated) continue;
      pendingSidecars++;
      all.waiting++;
    } else if (!state?.terminated) {
      all.unknown++;
    }
  }
  for (const spec of pod.spec.containers) {
    const { state, lastState } = of(spec.name) ?? {};
    const ended = state?.terminated ?? (state?.waiting && lastState?.terminated);
    if (state?.running) all.running++;
    else if (ended) {
      all.stopped++;
      if (!restartsAfter(spec, pod, ended.exitCode)) all.final++;
      if (state?.terminated?.exitCode === 0) all.succeeded++;
    } else if (state?.waiting) all.waiting++;
    else all.unknown++;
  }
  const hasRun = pod.spec.containers.some(({ name }) => of(name)?.state?.running);
  if (init.failed > 0) return 'Failed';
  if (init.pending > 0 || (pendingSidecars > 0 && !hasRun) || all.waiting > 0) return 'Pending';
  if (all.running > 0 && all.unknown === 0) return 'Running';
  if (all.stopped === 0 || all.unknown > 0) return 'Pending';
  if (!isEnding && all.stopped !== all.final) return 'Running';
  return all.stopped === all.succeeded ? 'Succeeded' : 'Failed';
}

function countInit(pod: PodObject, of: (name: string) => ContainerStatusOut | undefined): { pending: number; failed: number } {
  let [pending, failed] = [0, 0];
  for (const spec of (pod.spec.initContainers ?? []).filter((spec) => !isSidecar(spec))) {
    const { state, lastState } = of(spec.name) ?? {};
    const ended = state?.terminated ?? (state?.waiting && lastState?.terminated);
    if (!ended) pending++;
    else if (ended.exitCode !== 0 && !restartsAfter(spec, pod, ended.exitCode)) failed++;
  }
  return { pending, failed };
}
