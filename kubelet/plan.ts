/**
 * The kubelet's decision: the pod wanted, what the runtime has, what probes say and the time → what is to be done now.
 *
 * It is asked again after every change; each answer only holds for what it was given. Follows the order of upstream's
 * computePodActions (pkg/kubelet/kuberuntime/kuberuntime_manager.go, v1.36).
 */
import type { Container } from './runtime/model.ts';
import { ANNOTATIONS, type ContainerKind, type PodObject, type PodRuntime, type Spec, containerHash, ephemeralSpecs, isHostNetwork, isSidecar, latest, podText } from './pod.ts';
import { durationText, restartsAfter, waitBeforeRestart } from './restart.ts';
import type { Action, KillReason, ProbeKind, Situation } from './situation.ts';
import { planTermination } from './termination.ts';

export function probeKey(containerId: string, kind: ProbeKind): string {
  return `${containerId}/${kind}`;
}

const END: readonly Action[] = [{ do: 'end' }];

export function plan(situation: Situation): readonly Action[] {
  const { pod, runtime, termination } = situation;
  if (termination) return planTermination(situation, termination);
  const sandbox = runtime.sandboxes[0];
  const needed = sandboxNeeded(pod, runtime);
  if (needed) return withNewSandbox(situation, sandbox ? sandbox.attempt + 1 : 0);
  const starts: Action[] = ephemeralSpecs(pod).filter(({ name }) => !latest(runtime, name)).map(({ name }) => ({ do: 'start', kind: 'ephemeral', name }));
  const init = initActions(situation);
  if (init.failed) return END;
  if (!init.initialized) return [...starts, ...init.actions, ...removals(runtime)];
  const main = mainActions(situation);
  if (main.keep === 0 && main.actions.every((action) => action.do === 'kill')) return main.actions.length > 0 ? main.actions : END;
  // Kills come first; starts in the order of the specification, sidecars before main containers.
  const actions = [...init.actions, ...main.actions];
  return [...actions.filter((a) => a.do === 'kill'), ...starts, ...actions.filter((a) => a.do !== 'kill'), ...removals(runtime)];
}

/** Whether the pod has no sandbox to start containers in. */
export function sandboxNeeded(pod: PodObject, { sandboxes }: PodRuntime): boolean {
  const [newest] = sandboxes;
  if (!newest || newest.state !== 'ready') return true;
  if (sandboxes.filter(({ state }) => state === 'ready').length > 1) return true;
  return !isHostNetwork(pod) && newest.ips.length === 0;
}

function withNewSandbox({ pod, runtime }: Situation, attempt: number): readonly Action[] {
  const isAlive = (id: string): boolean => runtime.containers.some(({ sandboxId, state }) => sandboxId === id && state === 'running');
  const stops: Action[] = runtime.sandboxes.filter(({ id, state }) => state === 'ready' || isAlive(id)).map(({ id }) => ({ do: 'stopSandbox', sandboxId: id }));
  // Initialization begins anew: nothing must remind of the last time.
  const initNames = (pod.spec.initContainers ?? []).map(({ name }) => name);
  const purges: Action[] = runtime.containers.filter(({ name }) => initNames.includes(name)).map(({ id }) => ({ do: 'remove', containerId: id }));
  if (pod.spec.restartPolicy === 'Never' && attempt !== 0 && runtime.containers.length > 0) return END;
  const succeeded = (spec: Spec): boolean => {
    const last = latest(runtime, spec.name);
    return last?.state === 'exited' && last.exitCode === 0;
  };
  const runsOnce = (spec: Spec): boolean => (spec.restartPolicy ?? pod.spec.restartPolicy) === 'OnFailure';
  const wanted = pod.spec.containers.filter((spec) => !(runsOnce(spec) && succeeded(spec)));
  const wasInitialized = pod.spec.containers.some(({ name }) => latest(runtime, name));
  if (wanted.length === 0 && wasInitialized) return END;
  const [firstInit] = pod.spec.initContainers ?? [];
  const starts: Action[] = firstInit
    ? [{ do: 'start', kind: 'init', name: firstInit.name }]
    : wanted.map(({ name }) => ({ do: 'start', kind: 'main', name }));
  return [...stops, ...purges, { do: 'createSandbox', attempt }, ...starts];
}

interface InitPlan {
  readonly actions: readonly Action[];
  readonly initialized: boolean;
  readonly failed: boolean;
}

/** Looks from the last init container back to the first that is known, since earlier ones may have been removed. */
function initActions(situation: Situation): InitPlan {
  const { pod, runtime } = situation;
  const specs = pod.spec.initContainers ?? [];
  if (specs.length === 0) return { actions: [], initialized: true, failed: false };
  const hasRun = pod.spec.containers.some(({ name }) => ['created', 'running'].includes(latest(runtime, name)?.state ?? ''));
  let initialized = hasRun;
  let passed = hasRun;
  const kills: Action[] = [];
  const starts = new Set<number>();
  for (let i = specs.length - 1; i >= 0; i--) {
    const spec = specs[i] as Spec;
    const last = latest(runtime, spec.name);
    if (!last) {
      if (passed && isSidecar(spec)) starts.add(i);
      continue;
    }
    if (passed && !isSidecar(spec)) continue;
    const step = initStep(situation, spec, last);
    if (step.is === 'failed') return { actions: [], initialized: false, failed: true };
    if (step.is === 'again' || step.is === 'doneAgain') starts.add(i);
    if (step.kill) kills.push(step.kill);
    if (step.is === 'done' || step.is === 'doneAgain') {
      if (i === specs.length - 1) initialized = true;
      else if (!passed) starts.add(i + 1);
    }
    passed = true;
  }
  if (!passed) starts.add(0);
  const ordered = [...starts].sort((a, b) => a - b).map((i) => startOrWait(situation, 'init', specs[i] as Spec));
  return { actions: [...kills, ...ordered], initialized, failed: false };
}

/** `done`: the next may start. `again`: it has to be started. `going`: it has to be waited for. */
interface InitStep {
  readonly is: 'done' | 'doneAgain' | 'again' | 'going' | 'failed';
  readonly kill?: Action;
}

function initStep(situation: Situation, spec: Spec, last: Container): InitStep {
  const { pod, probes } = situation;
  switch (last.state) {
    case 'created':
      return { is: 'again' };
    case 'running': {
      if (!isSidecar(spec)) return { is: 'going' };
      const startup = probes.get(probeKey(last.id, 'startup'));
      if (spec.startupProbe && startup !== 'success') {
        if (startup !== 'failure') return { is: 'going' };
        return { is: 'again', kill: kill(situation, spec, last, { message: `Init container ${spec.name} failed startup probe`, reason: 'startupProbe' }) };
      }
      if (isChanged(spec, last)) {
        return { is: 'doneAgain', kill: kill(situation, spec, last, { message: `Init container ${spec.name} definition changed`, reason: 'changed' }) };
      }
      if (spec.livenessProbe && probes.get(probeKey(last.id, 'liveness')) === 'failure') {
        return { is: 'doneAgain', kill: kill(situation, spec, last, { message: `Init container ${spec.name} failed liveness probe`, reason: 'livenessProbe' }) };
      }
      return { is: 'done' };
    }
    case 'exited':
      if (isSidecar(spec)) return { is: 'again' };
      if (last.exitCode === 0) return { is: 'done' };
      return { is: restartsAfter(spec, pod, last.exitCode) ? 'again' : 'failed' };
    case 'unknown':
      if (!isSidecar(spec) && (spec.restartPolicy ?? pod.spec.restartPolicy) === 'Never') return { is: 'failed' };
      return { is: 'again', kill: kill(situation, spec, last, { message: 'Init container is in "unknown" state, try killing it before restart', reason: 'unknown' }) };
  }
}

function mainActions(situation: Situation): { readonly actions: readonly Action[]; readonly keep: number } {
  const { pod, runtime } = situation;
  const actions: Action[] = [];
  let keep = 0;
  for (const spec of pod.spec.containers) {
    const last = latest(runtime, spec.name);
    if (last?.state !== 'running') {
      if (last?.state === 'unknown') {
        actions.push(kill(situation, spec, last, { message: 'Container is in "unknown" state, try killing it before restart', reason: 'unknown' }));
      }
      if (!last || last.state !== 'exited' || restartsAfter(spec, pod, last.exitCode)) actions.push(startOrWait(situation, 'main', spec));
      continue;
    }
    const fault = faultOf(situation, spec, last);
    if (!fault) {
      keep++;
      continue;
    }
    const restarts = fault.reason === 'changed' || (spec.restartPolicy ?? pod.spec.restartPolicy) !== 'Never';
    actions.push(kill(situation, spec, last, { ...fault, message: restarts ? `${fault.message}, will be restarted` : fault.message }));
    if (restarts) actions.push({ do: 'start', kind: 'main', name: spec.name });
  }
  return { actions, keep };
}

function faultOf({ probes }: Situation, spec: Spec, last: Container): { message: string; reason: KillReason } | undefined {
  if (isChanged(spec, last)) return { message: `Container ${spec.name} definition changed`, reason: 'changed' };
  if (probes.get(probeKey(last.id, 'liveness')) === 'failure') return { message: `Container ${spec.name} failed liveness probe`, reason: 'livenessProbe' };
  if (probes.get(probeKey(last.id, 'startup')) === 'failure') return { message: `Container ${spec.name} failed startup probe`, reason: 'startupProbe' };
  return undefined;
}

function isChanged(spec: Spec, container: Container): boolean {
  const hash = container.annotations[ANNOTATIONS.hash];
  return hash !== undefined && hash !== containerHash(spec);
}

function kill({ pod }: Situation, spec: Spec, { id }: Container, why: { readonly message: string; readonly reason: KillReason }): Action {
  const probe = why.reason === 'livenessProbe' ? spec.livenessProbe : why.reason === 'startupProbe' ? spec.startupProbe : undefined;
  const graceSeconds = probe?.terminationGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return { do: 'kill', containerId: id, name: spec.name, graceSeconds, ...why };
}

function startOrWait({ pod, runtime, now, backoffs }: Situation, kind: ContainerKind, spec: Spec): Action {
  const ended = runtime.containers.find(({ name, state }) => name === spec.name && state === 'exited');
  const backoff = backoffs.get(spec.name);
  const waitMs = ended ? waitBeforeRestart(backoff, ended.finishedAt, now) : 0;
  if (waitMs === 0) return { do: 'start', kind, name: spec.name };
  const message = `back-off ${durationText(backoff?.delayMs ?? 0)} restarting failed container=${spec.name} pod=${podText(pod)}`;
  return { do: 'wait', kind, name: spec.name, message, untilMs: now + waitMs };
}

/** Of each container that has ended, the last one is kept besides the present one: its logs may be asked for. Old sandboxes go with the last of theirs. */
function removals({ containers, sandboxes }: PodRuntime): Action[] {
  const seen = new Map<string, number>();
  const surplus = containers.filter(({ name, state }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count > KEPT_PER_NAME && state === 'exited';
  });
  const empty = sandboxes.slice(1).filter(({ id, state }) => state === 'notready' && !containers.some(({ sandboxId }) => sandboxId === id));
  return [
    ...surplus.map(({ id }): Action => ({ do: 'remove', containerId: id })),
    ...empty.map(({ id }): Action => ({ do: 'removeSandbox', sandboxId: id })),
  ];
}

/** The present one, and the one before. */
const KEPT_PER_NAME = 2;
