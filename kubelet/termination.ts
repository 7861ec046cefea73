/** How a pod ends: main containers first, then sidecars in reverse order, then the sandbox; each step once the one before is done. */
import type { Action, Situation, Termination } from './situation.ts';
import { isSidecar } from './pod.ts';

/** Processes get at least so long, even where none was wanted. */
export const MINIMUM_GRACE_SECONDS = 2;

export function planTermination({ pod, runtime, now, stopping }: Situation, { graceSeconds, startedAt, message }: Termination): readonly Action[] {
  const running = runtime.containers.filter(({ state }) => state === 'running' || state === 'unknown');
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const others = running.filter(({ name }) => !sidecars.includes(name));
  const lastSidecar = sidecars.findLast((name) => running.some((container) => container.name === name));
  const turn = others.length > 0 ? others : running.filter(({ name }) => name === lastSidecar);
  if (turn.length > 0) {
    const left = Math.max(MINIMUM_GRACE_SECONDS, Math.ceil(graceSeconds - (now - startedAt) / 1000));
    return turn
      .filter(({ id }) => left < (stopping.get(id) ?? Infinity))
      .map(({ id, name }) => ({ do: 'kill', containerId: id, name, message: message ?? `Stopping container ${name}`, reason: 'terminated', graceSeconds: left }));
  }
  const ready = runtime.sandboxes.filter(({ state }) => state === 'ready');
  if (ready.length > 0) return ready.map(({ id }) => ({ do: 'stopSandbox', sandboxId: id }));
  return [{ do: 'finish' }];
}
