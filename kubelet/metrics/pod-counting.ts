/** Counts what becomes of one pod: how soon it runs, how long looking after it takes, which of its containers end. */
import type { Clock } from '../../std/clock.ts';
import { timeMs } from '../../client/time.ts';
import { type ContainerKind, type PodObject, type PodRuntime, type PodStatusObject, allSpecs } from '../pod.ts';
import type { KubeletSeries } from './series.ts';

export const CONTAINER_TYPES: Readonly<Record<ContainerKind, string>> = { init: 'init_container', main: 'container', ephemeral: 'ephemeral_container' };

export class PodCounting {
  readonly #series: KubeletSeries;
  readonly #clock: Clock;
  readonly #seenMs: number;
  #lookedAt: PodObject | undefined;
  /** Those that ran when they were last looked at. */
  #running: readonly string[] = [];
  /** Whether it was seen to wait: who runs already when the kubelet begins is not counted. */
  #isWaiting = false;

  constructor(series: KubeletSeries, clock: Clock) {
    this.#series = series;
    this.#clock = clock;
    this.#seenMs = clock.monotonic();
  }

  async look(pod: PodObject, run: () => Promise<void>): Promise<void> {
    const since = this.#clock.monotonic();
    const operation = this.#lookedAt === undefined ? 'create' : this.#lookedAt === pod ? 'sync' : 'update';
    if (operation === 'create') this.#series.podWorkerStarted((since - this.#seenMs) / 1000);
    this.#lookedAt = pod;
    try {
      await run();
    } finally {
      this.#series.podWorked(operation, (this.#clock.monotonic() - since) / 1000);
    }
  }

  async sandbox(handler: string, make: () => Promise<string>): Promise<string> {
    const since = this.#clock.monotonic();
    const counted = (failure?: string): void => {
      this.#series.sandboxStarted(handler, (this.#clock.monotonic() - since) / 1000, failure !== undefined);
      this.#series.containerStarted('pod_sandbox', failure);
    };
    try {
      const id = await make();
      counted();
      return id;
    } catch (error) {
      counted((error as { code?: string }).code ?? 'Unknown');
      throw error;
    }
  }

  saw(pod: PodObject, { containers }: PodRuntime, status: PodStatusObject): void {
    for (const { id, name, state, exitCode, reason } of containers) {
      if (state !== 'exited' || !this.#running.includes(id)) continue;
      const kind = allSpecs(pod).find(({ spec }) => spec.name === name)?.kind ?? 'main';
      this.#series.containerEnded(CONTAINER_TYPES[kind], exitCode, reason);
    }
    this.#running = containers.filter(({ state }) => state === 'running').map(({ id }) => id);
    if (status.phase === 'Pending') this.#isWaiting = true;
    if (status.phase !== 'Running' || !this.#isWaiting) return;
    this.#isWaiting = false;
    const now = this.#clock.now();
    const started = (status.conditions ?? []).find(({ type }) => type === 'Initialized')?.lastTransitionTime;
    const createdMs = timeMs(pod.metadata.creationTimestamp);
    const total = Math.max(0, now - createdMs);
    // What passed before the init containers were done is not the pod's own; pulls before that cannot be told apart.
    const own = (pod.spec.initContainers ?? []).length > 0 && started ? Math.max(0, now - timeMs(started)) : total;
    this.#series.podRunning((this.#clock.monotonic() - this.#seenMs) / 1000, total / 1000, own / 1000);
  }
}
