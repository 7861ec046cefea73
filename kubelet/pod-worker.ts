/** One pod on this node: observes, asks the plan, does what it says, reports; again after each change until the pod is gone. */
import { pods } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import { backoff } from '../std/backoff.ts';
import { deepEqual } from '../std/deep.ts';
import { timeMs, timeText } from '../client/time.ts';
import type { KubeletContext } from './context.ts';
import { ContainerStopper } from './container-stopper.ts';
import { NONE, including, without } from './few.ts';
import { errorText } from './images.ts';
import { PodCounting } from './metrics/pod-counting.ts';
import { NO_FILES } from './pod-files.ts';
import { interrupted } from './interrupted.ts';
import { plan } from './plan.ts';
import type { Action, Termination } from './situation.ts';
import { type PodObject, type PodRuntime, type PodStatusObject, allSpecs, hasProbes, isSidecarOf, isTerminalPhase, podText } from './pod.ts';
import { isMaterial } from './pod-update.ts';
import { Prober } from './probes/prober.ts';
import { DELETE_RETRY, FAILURE_RETRY, RENEW_MS, SANDBOX_RETRY, VOLUME_RETRY } from './pod-retries.ts';
import { prepareClaims } from './resource-claims.ts';
import { resize } from './resize.ts';
import { type Backoff, nextBackoff } from './restart.ts';
import { podFacts, sandboxConfigOf, startContainer } from './start-container.ts';
import { StartFailure } from './start-failure.ts';
import { restartCount } from './status-containers.ts';
import { podStatus } from './status.ts';
import type { StatusInput, Waiting } from './status-input.ts';
import { StatusWriter } from './status-writer.ts';
import { WakeTimer } from './wake-timer.ts';

/** `work`: until the runtime shows nothing more to do. `idle`: over, but the object stands. `gone`: nothing is left. */
type Phase = 'work' | 'idle' | 'gone';

export class PodWorker {
  readonly #context: KubeletContext;
  readonly #onGone: (uid: string) => void;
  readonly #writer: StatusWriter;
  readonly #startTime: string;
  readonly #timer: WakeTimer;
  readonly #counting: PodCounting | undefined;
  #pod: PodObject;
  /** As it was when its containers were last given the resources that it asks for. */
  #sized: PodObject['spec'] | undefined;
  // Most pods have no probes, and most of the time nothing of them is stopped, waits or has failed: what that takes is made when it does.
  #prober: Prober | undefined;
  #stopper: ContainerStopper | undefined;
  #waiting: ReadonlyMap<string, Waiting> = NONE;
  #backoffs: ReadonlyMap<string, Backoff> = NONE;
  #phase: Phase = 'work';
  #termination: Termination | undefined;
  #failure: StatusInput['failure'];
  #status: PodStatusObject;
  /** While something is being done about the pod. */
  #interrupt: AbortController | undefined;
  #isBegun = false;
  #isRunning = false;
  #isDirty = false;
  #renewAt = 0;

  constructor(context: KubeletContext, pod: PodObject, onGone: (uid: string) => void) {
    this.#context = context;
    this.#pod = pod;
    this.#status = pod.status ?? {};
    this.#onGone = onGone;
    this.#startTime = timeText(context.clock.now());
    this.#timer = new WakeTimer(context.clock, this);
    this.#writer = new StatusWriter(pod, context);
    this.#counting = context.series && new PodCounting(context.series, context.clock);
  }

  get pod(): PodObject {
    return this.#pod;
  }

  get status(): PodStatusObject {
    return this.#status;
  }

  /** Whether it still holds resources of the node. */
  get isActive(): boolean {
    return this.#phase === 'work';
  }

  update(pod: PodObject): void {
    const before = this.#pod;
    this.#pod = pod;
    if (this.#termination?.reason !== 'gone') this.#writer.seen(pod);
    // The cache has it as well: one is enough.
    if (pod.status && deepEqual(pod.status, this.#status)) this.#status = pod.status;
    if (this.#isBegun && !isMaterial(before, pod, this.#status)) {
      if (this.#sized === before.spec) this.#sized = pod.spec;
      return;
    }
    this.#isBegun = true;
    this.#context.references.hold(pod);
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata as { deletionTimestamp?: string; deletionGracePeriodSeconds?: number };
    if (deletionTimestamp !== undefined) this.#terminate('deleted', deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30);
    this.#renewAt = 0;
    this.wake();
  }

  /** The API has no such pod any more. */
  gone(last: PodObject): void {
    const { deletionGracePeriodSeconds } = last.metadata as { deletionGracePeriodSeconds?: number };
    this.#terminate('gone', deletionGracePeriodSeconds ?? this.#termination?.graceSeconds ?? this.#pod.spec.terminationGracePeriodSeconds ?? 30);
    this.wake();
  }

  /** Ends the pod for the node's own reason; false where it ends for such a one already. */
  evict(failure: NonNullable<StatusInput['failure']>, graceSeconds: number): boolean {
    if (this.#failure) return false;
    this.#failure = failure;
    this.#terminate('evicted', graceSeconds);
    this.wake();
    return true;
  }

  /** Objects that the pod names have changed. */
  renew(): void {
    this.#renewAt = 0;
    this.#timer.retryNow('volumes');
    for (const [name, { reason }] of this.#waiting) if (reason === 'CreateContainerConfigError') this.#timer.retryNow(name);
    this.wake();
  }

  wake(): void {
    this.#isDirty = true;
    if (!this.#isRunning) void this.#run();
  }

  stop(): void {
    this.#phase = 'gone';
    this.#timer.cancel();
    this.#prober?.stop();
    this.#interrupt?.abort();
    this.#context.references.release(this.#pod.metadata.uid);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let failures = 0;
    while (this.#isDirty && this.#phase !== 'gone' && !this.#context.signal.aborted) {
      this.#isDirty = false;
      try {
        await (this.#counting?.look(this.#pod, () => this.#sync()) ?? this.#sync());
        failures = 0;
      } catch (error) {
        if (this.#context.signal.aborted) break;
        this.#context.log.warn({ pod: podText(this.#pod), error: errorText(error) }, 'a pod could not be synchronized');
        this.#timer.after(backoff(failures++, FAILURE_RETRY));
      }
    }
    this.#isRunning = false;
  }

  async #sync(): Promise<void> {
    const { observation, node, runtime: engine } = this.#context;
    const runtime = await observation.observe(this.#pod.metadata.uid);
    this.#checkTime();
    this.#probe(runtime);
    this.#report(runtime, false);
    await this.#renewVolumes(runtime);
    if (!this.#termination) this.#sized = await resize({ pod: this.#pod, before: this.#sized, containers: runtime, runtime: engine, nodeMemoryBytes: node.memoryBytes });
    const actions = plan({
      pod: this.#pod,
      runtime,
      now: this.#context.clock.now(),
      probes: this.#prober?.results ?? NONE,
      backoffs: this.#backoffs,
      stopping: this.#stopper?.graces ?? NONE,
      ...(this.#termination && { termination: this.#termination }),
    });
    if (actions.length === 0) return;
    this.#interrupt = new AbortController();
    if (await this.#act(actions, runtime, this.#interrupt.signal)) this.#isDirty = true;
    this.#interrupt = undefined;
  }

  #probe(runtime: PodRuntime): void {
    if (hasProbes(this.#pod)) this.#prober ??= new Prober({ ...this.#context, onChange: () => this.wake() });
    this.#prober?.follow({ pod: this.#pod, runtime, ip: podFacts(this.#context, this.#pod, runtime).podIps[0] ?? '', status: this.#status, isEnding: this.#termination !== undefined });
  }

  #terminate(reason: Termination['reason'], graceSeconds: number): void {
    const before = this.#termination;
    const ending = before?.reason === 'done' ? undefined : before;
    // Grace is only ever shortened, and who began to end goes on ending.
    const startedAt = ending?.startedAt ?? this.#context.clock.now();
    const grace = Math.min(ending?.graceSeconds ?? graceSeconds, graceSeconds);
    const strongest = before?.reason === 'gone' || (before?.reason === 'deleted' && reason !== 'gone') ? before.reason : reason;
    this.#termination = { reason: strongest, graceSeconds: grace, startedAt };
    if (this.#phase === 'idle' && (strongest === 'deleted' || strongest === 'gone')) this.#phase = 'work';
    this.#interrupt?.abort(new Error('the pod is being terminated'));
  }

  /** Deadlines, and phases from before a restart. */
  #checkTime(): void {
    if (this.#termination) return;
    const { activeDeadlineSeconds, terminationGracePeriodSeconds = 30 } = this.#pod.spec;
    if (isTerminalPhase(this.#pod.status?.phase)) return this.#terminate('done', terminationGracePeriodSeconds);
    if (activeDeadlineSeconds === undefined) return;
    const left = timeMs(this.#status.startTime ?? this.#startTime) + activeDeadlineSeconds * 1000 - this.#context.clock.now();
    if (left > 0) return this.#timer.after(left);
    this.#failure = { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' };
    this.#context.record(this.#pod, { type: 'Normal', ...this.#failure });
    this.#terminate('deadline', terminationGracePeriodSeconds);
  }

  #report(runtime: PodRuntime, isFinished: boolean): void {
    const { node, clock } = this.#context;
    this.#status = podStatus({
      pod: this.#pod,
      previous: this.#status,
      runtime,
      probes: this.#prober?.results ?? NONE,
      waiting: this.#waiting,
      hostIps: node.hostIps,
      runtimeName: node.runtimeName,
      startTime: this.#startTime,
      now: timeText(clock.now()),
      isEnding: this.#termination !== undefined,
      isFinished,
      ...(this.#failure && { failure: this.#failure }),
    }) as PodStatusObject;
    this.#counting?.saw(this.#pod, runtime, this.#status);
    if (this.#termination?.reason !== 'gone') this.#writer.put(this.#pod, this.#status as never);
  }

  async #renewVolumes(runtime: PodRuntime): Promise<void> {
    if (this.#termination || runtime.sandboxes.length === 0 || this.#context.clock.now() < this.#renewAt || this.#timer.isTooSoon('volumes')) return;
    await this.#prepareVolumes(runtime);
  }

  /** Whether all volumes are there. */
  async #prepareVolumes(runtime: PodRuntime): Promise<boolean> {
    const { references, files, clock } = this.#context;
    try {
      await references.known(this.#pod.metadata.uid);
      await files.prepare(this.#pod, podFacts(this.#context, this.#pod, runtime));
      this.#timer.succeeded('volumes');
      this.#renewAt = clock.now() + RENEW_MS;
      if (files !== NO_FILES && (this.#pod.spec.volumes ?? []).length > 0) this.#timer.after(RENEW_MS);
      return true;
    } catch (error) {
      this.#context.record(this.#pod, { type: 'Warning', reason: 'FailedMount', message: (error as Error).message });
      this.#timer.retryLater('volumes', backoff(this.#timer.failures('volumes'), VOLUME_RETRY));
      return false;
    }
  }

  /** Returns whether anything was done that changes what is to be observed. */
  async #act(actions: readonly Action[], runtime: PodRuntime, signal: AbortSignal): Promise<boolean> {
    let changed = false;
    let current = runtime;
    for (const action of actions) {
      if (action.do !== 'finish' && signal.aborted) return true;
      switch (action.do) {
        case 'end':
          this.#terminate('done', this.#pod.spec.terminationGracePeriodSeconds ?? 30);
          return true;
        case 'finish':
          await this.#finish(current);
          return false;
        case 'kill': {
          this.#stopper ??= new ContainerStopper(this.#context, () => this.wake());
          const stopped = this.#stopper.stop({ pod: this.#pod, action, runtime: current });
          // A pod that ends is looked at again when each container has ended; otherwise what follows needs it gone.
          if (this.#termination) continue;
          await Promise.race([stopped, interrupted(signal)]);
          current = await this.#context.observation.observe(this.#pod.metadata.uid);
          changed = true;
          continue;
        }
        case 'wait':
          if (this.#waiting.get(action.name)?.message !== action.message || this.#waiting.get(action.name)?.reason !== 'CrashLoopBackOff') {
            this.#event('Warning', 'BackOff', `Back-off restarting failed container ${action.name} in pod ${podText(this.#pod)}`, action.name);
          }
          this.#waiting = including(this.#waiting, action.name, { reason: 'CrashLoopBackOff', message: action.message });
          this.#timer.after(action.untilMs - this.#context.clock.now());
          this.#report(current, false);
          if (action.kind === 'init' && !isSidecarOf(this.#pod, action.name)) return changed;
          continue;
        case 'createSandbox': {
          const created = await this.#createSandbox(action.attempt, current, signal);
          if (!created) return changed;
          current = created;
          changed = true;
          continue;
        }
        case 'start': {
          const started = await this.#start(action, current, signal);
          if (started) {
            changed = true;
            current = await this.#context.observation.observe(this.#pod.metadata.uid);
          } else if (action.kind === 'init' && !isSidecarOf(this.#pod, action.name)) return changed;
          continue;
        }
        case 'stopSandbox':
          await this.#context.runtime.stopSandbox(action.sandboxId);
          changed = true;
          continue;
        case 'remove':
          await this.#removeContainer(action.containerId, current);
          changed = true;
          continue;
        case 'removeSandbox':
          await this.#context.runtime.removeSandbox(action.sandboxId);
          changed = true;
      }
    }
    return changed;
  }

  async #createSandbox(attempt: number, runtime: PodRuntime, signal: AbortSignal): Promise<PodRuntime | undefined> {
    const { runtime: engine, observation, runtimeHandler, sandboxGate } = this.#context;
    if (this.#timer.isTooSoon('sandbox') || this.#timer.isTooSoon('volumes')) return undefined;
    if (!(await this.#prepareVolumes(runtime)) || signal.aborted) return undefined;
    if (attempt > 0) this.#event('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    try {
      await prepareClaims(this.#context.client, this.#pod);
      const handler = await runtimeHandler(this.#pod);
      const make = (): Promise<string> => engine.runSandbox(sandboxConfigOf(this.#context, this.#pod, attempt, handler));
      const id = await sandboxGate.run(() => this.#counting?.sandbox(handler, make) ?? make());
      observation.note(this.#pod.metadata.uid, id);
      this.#timer.succeeded('sandbox');
      return await observation.observe(this.#pod.metadata.uid);
    } catch (error) {
      this.#event('Warning', error instanceof StartFailure ? error.reason : 'FailedCreatePodSandBox', `Failed to ${error instanceof StartFailure ? '' : 'create pod sandbox: '}${errorText(error)}`);
      this.#timer.retryLater('sandbox', backoff(this.#timer.failures('sandbox'), SANDBOX_RETRY));
      return undefined;
    }
  }

  async #removeContainer(id: string, { containers }: PodRuntime): Promise<void> {
    await this.#context.runtime.removeContainer(id);
    const removed = containers.find((container) => container.id === id);
    if (removed) await this.#context.files.removeRun({ pod: this.#pod, container: removed.name, restartCount: restartCount(removed) });
  }

  async #start({ name, kind }: Extract<Action, { do: 'start' }>, runtime: PodRuntime, signal: AbortSignal): Promise<boolean> {
    const context = this.#context;
    const spec = allSpecs(this.#pod).find((entry) => entry.kind === kind && entry.spec.name === name)?.spec;
    if (!spec || this.#timer.isTooSoon(name)) return false;
    const ended = runtime.containers.find((container) => container.name === name && container.state === 'exited');
    if (ended) this.#backoffs = including(this.#backoffs, name, nextBackoff(this.#backoffs.get(name), ended.finishedAt, context.clock.now()));
    try {
      await startContainer({ context, pod: this.#pod, spec, kind, runtime, signal });
      this.#waiting = without(this.#waiting, name);
      this.#timer.succeeded(name);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const failure = error instanceof StartFailure ? error : new StartFailure('CreateContainerError', errorText(error));
      this.#waiting = including(this.#waiting, name, { reason: failure.reason, message: failure.message });
      this.#timer.retryLater(name, failure.retryAfterMs);
      this.#report(await context.observation.observe(this.#pod.metadata.uid), false);
      return false;
    }
  }

  /** Everything has ended. Who was deleted is taken away; others stay as the API's record. */
  async #finish(runtime: PodRuntime): Promise<void> {
    const { files, references, observation, runtime: engine, client } = this.#context;
    const { uid, namespace, name } = this.#pod.metadata;
    const reason = this.#termination?.reason;
    this.#report(runtime, true);
    this.#prober?.stop();
    if (reason !== 'deleted' && reason !== 'gone') {
      await files.removeVolumes(uid);
      await this.#writer.flush();
      if (this.#termination?.reason === reason) this.#phase = 'idle';
      else this.#isDirty = true;
      return;
    }
    for (const { id } of runtime.sandboxes) await engine.removeSandbox(id);
    await observation.observe(uid);
    await this.#writer.flush();
    await files.remove({ uid, namespace, name });
    if (reason === 'deleted') {
      try {
        await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        if (!(error instanceof ApiError && (error.code === 404 || error.code === 409))) {
          this.#context.log.warn({ pod: podText(this.#pod), error: String(error) }, 'a pod could not be deleted');
          return this.#timer.retryLater('delete', backoff(this.#timer.failures('delete'), DELETE_RETRY));
        }
      }
    }
    references.release(uid);
    this.#phase = 'gone';
    this.#timer.cancel();
    this.#onGone(uid);
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    this.#context.record(this.#pod, { type, reason, message }, allSpecs(this.#pod).find(({ spec }) => spec.name === container)?.spec);
  }
}
