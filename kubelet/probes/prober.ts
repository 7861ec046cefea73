/** Runs the probes of a pod's containers, each in its rhythm, and keeps what they found. */
import type { Clock, Timer } from '../../std/clock.ts';
import type { Random } from '../../std/random.ts';
import type { KubeletContext } from '../context.ts';
import { probeKey } from '../plan.ts';
import type { ProbeKind, ProbeResult } from '../situation.ts';
import { type PodObject, type PodRuntime, type PodStatusObject, type Spec, isSidecar, latest } from '../pod.ts';
import type { KubeletSeries, ProbeResultName } from '../metrics/series.ts';
import type { HollowRuntime } from '../runtime/hollow.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { probeExec } from './exec.ts';
import { probeGrpc } from './grpc.ts';
import { probeHttp } from './http.ts';
import type { ProbeOutcome } from './outcome.ts';
import { portNumber } from './target.ts';
import { probeTcp } from './tcp.ts';

export interface ProberOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly random: Random;
  readonly record: KubeletContext['record'];
  readonly series?: Pick<KubeletSeries, 'probed'> | undefined;
  /** No process is asked, but the simulated runtime. */
  readonly isSimulated: boolean;
  /** A result has changed. */
  readonly onChange: () => void;
}

interface Following {
  readonly pod: PodObject;
  readonly runtime: PodRuntime;
  readonly ip: string;
  /** As it was last written. */
  readonly status: PodStatusObject;
  /** The pod is being terminated: whether it is ready is still asked, so that nobody is sent to it who should not be; nothing else. */
  readonly isEnding?: boolean;
}

type ProbeSpec = NonNullable<Spec['livenessProbe']>;

interface Running {
  readonly timer: { current: Timer | undefined };
  stopped: boolean;
}

const ATTEMPTS = 3;

/** The probes of one pod. */
export class Prober {
  readonly #options: ProberOptions;
  readonly #results = new Map<string, ProbeResult>();
  readonly #running = new Map<string, Running>();
  #pod: PodObject | undefined;
  #ip = '';

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  get results(): ReadonlyMap<string, ProbeResult> {
    return this.#results;
  }

  /** Probes the containers that run, and no others. Who had started before a restart of ours has started. */
  follow({ pod, runtime, ip, status, isEnding = false }: Following): void {
    this.#pod = pod;
    this.#ip = ip;
    const wanted = new Set<string>();
    for (const spec of [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers]) {
      const container = latest(runtime, spec.name);
      if (container?.state !== 'running') continue;
      for (const kind of ['startup', 'liveness', 'readiness'] as const) {
        const probe = spec[`${kind}Probe`];
        if (!probe) continue;
        const key = probeKey(container.id, kind);
        wanted.add(key);
        if (kind === 'startup' && !this.#running.has(key) && hasStarted(status, container.id)) {
          this.#running.set(key, { timer: { current: undefined }, stopped: true });
          this.#results.set(key, 'success');
        }
        const running = this.#running.get(key);
        if (isEnding && kind !== 'readiness') halt(running);
        else if (!running) this.#begin({ spec, probe, kind, containerId: container.id, startedAt: container.startedAt });
      }
    }
    for (const [key, running] of this.#running) if (!wanted.has(key)) this.#end(key, running);
  }

  stop(): void {
    for (const [key, running] of this.#running) this.#end(key, running);
  }

  #end(key: string, running: Running): void {
    halt(running);
    this.#running.delete(key);
    this.#results.delete(key);
  }

  #begin(target: Target): void {
    const { probe, startedAt } = target;
    const { clock, random } = this.#options;
    const running: Running = { timer: { current: undefined }, stopped: false };
    this.#running.set(probeKey(target.containerId, target.kind), running);
    const periodMs = (probe.periodSeconds ?? 10) * 1000;
    const initialMs = startedAt + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now();
    let streak: { readonly result: string; readonly count: number } = { result: '', count: 0 };
    const arm = (delayMs: number): void => {
      if (!running.stopped) running.timer.current = clock.after(delayMs, () => void round());
    };
    const round = async (): Promise<void> => {
      if (!this.#mayRun(target)) return arm(Math.min(periodMs, BLOCKED_LOOK_MS));
      const outcome = await this.#attempt(target);
      if (running.stopped) return;
      const result = outcome === 'failure' ? 'failure' : 'success';
      streak = streak.result === result ? { result, count: streak.count + 1 } : { result, count: 1 };
      const threshold = result === 'failure' ? (probe.failureThreshold ?? 3) : (probe.successThreshold ?? 1);
      if (streak.count >= threshold) this.#set(target, result);
      // A startup probe has done its work once it succeeded; a container about to be killed is left alone.
      const isOver = streak.count >= threshold && ((target.kind === 'startup' && result === 'success') || (target.kind !== 'readiness' && result === 'failure'));
      if (!isOver) arm(periodMs);
    };
    // Probes that begin together, as after a restart, spread over a period.
    arm(Math.max(0, initialMs) + (initialMs < -periodMs ? random.next() * periodMs : 0));
  }

  #mayRun({ spec, kind, containerId }: Target): boolean {
    return kind === 'startup' || !spec.startupProbe || this.#results.get(probeKey(containerId, 'startup')) === 'success';
  }

  #set({ containerId, kind }: Target, result: ProbeResult): void {
    const key = probeKey(containerId, kind);
    if (this.#results.get(key) === result) return;
    this.#results.set(key, result);
    this.#options.onChange();
  }

  async #attempt(target: Target): Promise<'success' | 'failure' | 'warning'> {
    const { spec, kind } = target;
    const name = kind === 'startup' ? 'Startup' : kind === 'liveness' ? 'Liveness' : 'Readiness';
    const pod = this.#pod as PodObject;
    const { clock, series } = this.#options;
    const since = clock.monotonic();
    const { namespace, name: podName, uid } = pod.metadata;
    const counted = (result: ProbeResultName): void => series?.probed({ container: spec.name, namespace, pod: podName, uid, type: name }, result, (clock.monotonic() - since) / 1000);
    for (let attempt = 1; ; attempt++) {
      try {
        const { result, output } = await this.#run(target);
        counted(result === 'failure' ? 'failed' : 'successful');
        if (result === 'failure') this.#options.record(pod, { type: 'Warning', reason: 'Unhealthy', message: `${name} probe failed: ${output}` }, spec);
        if (result === 'warning') this.#options.record(pod, { type: 'Warning', reason: 'ProbeWarning', message: `${name} probe warning: ${output}` }, spec);
        return result;
      } catch (error) {
        if (attempt < ATTEMPTS) continue;
        counted('unknown');
        this.#options.record(pod, { type: 'Warning', reason: 'Unhealthy', message: `${name} probe errored and resulted in unknown state: ${(error as Error).message}` }, spec);
        return 'failure';
      }
    }
  }

  async #run({ spec, probe, kind, containerId }: Target): Promise<ProbeOutcome> {
    if (this.#options.isSimulated) return (this.#options.runtime as Partial<Pick<HollowRuntime, 'probe'>>).probe?.(containerId, kind) ?? { result: 'success', output: '' };
    const timeoutSeconds = probe.timeoutSeconds ?? 1;
    const timeoutMs = timeoutSeconds * 1000;
    if (probe.exec) return probeExec(this.#options.runtime, containerId, probe.exec.command ?? [], timeoutSeconds);
    if (probe.httpGet) {
      const { host, port, path = '/', scheme, httpHeaders = [] } = probe.httpGet;
      const where = { scheme: scheme === 'HTTPS' ? ('https' as const) : ('http' as const), host: host || this.#ip, port: portNumber(port, spec), path: path || '/' };
      return probeHttp({ ...where, headers: httpHeaders, timeoutMs });
    }
    if (probe.tcpSocket) return probeTcp(probe.tcpSocket.host || this.#ip, portNumber(probe.tcpSocket.port, spec), timeoutMs);
    if (probe.grpc) return probeGrpc({ host: this.#ip, port: probe.grpc.port, service: probe.grpc.service ?? '', timeoutMs, now: this.#options.clock.now() });
    throw new Error(`missing probe handler for ${spec.name}`);
  }
}

/** How soon a probe that waits for the startup probe looks again. */
const BLOCKED_LOOK_MS = 1000;

interface Target {
  readonly spec: Spec;
  readonly probe: ProbeSpec;
  readonly kind: ProbeKind;
  readonly containerId: string;
  readonly startedAt: number;
}

function hasStarted({ containerStatuses = [], initContainerStatuses = [] }: PodStatusObject, containerId: string): boolean {
  return [...containerStatuses, ...initContainerStatuses].some(({ containerID, started }) => started === true && containerID?.endsWith(`://${containerId}`) === true);
}

/** No more rounds; what was found out stands. */
function halt(running: Running | undefined): void {
  if (!running) return;
  running.stopped = true;
  running.timer.current?.cancel();
}
