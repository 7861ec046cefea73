/** Stops containers: preStop hook, then the runtime's signals, all within the grace; a shorter grace may follow a longer one. */
import type { KubeletContext } from './context.ts';
import { canRun, runHook } from './hooks.ts';
import { errorText } from './images.ts';
import type { Action } from './situation.ts';
import { type PodObject, type PodRuntime, allSpecs, podText } from './pod.ts';
import { podFacts } from './start-container.ts';
import { MINIMUM_GRACE_SECONDS } from './termination.ts';

export interface StopRequest {
  readonly pod: PodObject;
  readonly action: Extract<Action, { do: 'kill' }>;
  readonly runtime: PodRuntime;
}

/** Before a stop that failed is tried again. */
const RETRY_MS = 1000;

export class ContainerStopper {
  readonly #context: KubeletContext;
  readonly #onStopped: () => void;
  readonly #graces = new Map<string, number>();
  readonly #stopping = new Map<string, Promise<void>>();

  constructor(context: KubeletContext, onStopped: () => void) {
    this.#context = context;
    this.#onStopped = onStopped;
  }

  /** Containers that are being stopped, with their grace in seconds. */
  get graces(): ReadonlyMap<string, number> {
    return this.#graces;
  }

  /** Resolves when the container has ended, or could not be stopped. */
  stop({ pod, action, runtime }: StopRequest): Promise<void> {
    const { containerId: id, graceSeconds } = action;
    const running = this.#stopping.get(id);
    if (running) {
      if (graceSeconds >= (this.#graces.get(id) ?? 0)) return running;
      this.#graces.set(id, graceSeconds);
      return this.#signal(id, graceSeconds, pod);
    }
    this.#graces.set(id, graceSeconds);
    const stopping = this.#stop({ pod, action, runtime }).finally(() => {
      this.#graces.delete(id);
      this.#stopping.delete(id);
      this.#onStopped();
    });
    this.#stopping.set(id, stopping);
    return stopping;
  }

  async #stop({ pod, action, runtime }: StopRequest): Promise<void> {
    const { containerId, name, message, graceSeconds } = action;
    const { clock, record } = this.#context;
    const spec = allSpecs(pod).find((entry) => entry.spec.name === name)?.spec;
    record(pod, { type: 'Normal', reason: 'Killing', message }, spec);
    const began = clock.now();
    const handler = spec?.lifecycle?.preStop;
    if (handler && spec && graceSeconds > 0 && canRun(handler, this.#context)) {
      const ip = podFacts(this.#context, pod, runtime).podIps[0] ?? '';
      const hook = runHook({ runtime: this.#context.runtime, clock, handler, spec, containerId, ip, timeoutMs: graceSeconds * 1000 });
      await hook.catch(() => record(pod, { type: 'Warning', reason: 'FailedPreStopHook', message: 'PreStopHook failed' }, spec));
    }
    const left = Math.ceil((this.#graces.get(containerId) ?? graceSeconds) - (clock.now() - began) / 1000);
    await this.#signal(containerId, Math.max(MINIMUM_GRACE_SECONDS, left), pod);
  }

  async #signal(containerId: string, graceSeconds: number, pod: PodObject): Promise<void> {
    try {
      await this.#context.runtime.stopContainer(containerId, graceSeconds);
    } catch (error) {
      this.#context.log.warn({ pod: podText(pod), containerId, error: errorText(error) }, 'a container could not be stopped');
      await new Promise<void>((resolve) => this.#context.clock.after(RETRY_MS, resolve));
    }
  }
}
