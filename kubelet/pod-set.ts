/** The pods of this node: one worker each, admission before the first, and the removal of what no pod owns. */
import { join } from 'node:path';
import { pods as podsResource } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import { fitsNode } from '../api/selectors/node-selector.ts';
import { timeText } from '../client/time.ts';
import { backoff } from '../std/backoff.ts';
import { sleep } from '../std/clock.ts';
import { refuse } from './admit.ts';
import type { KubeletContext } from './context.ts';
import type { PressureType } from './eviction/thresholds.ts';
import type { LogFile } from './log-rotation.ts';
import { type PodObject, isTerminalPhase } from './pod.ts';
import { PodWorker } from './pod-worker.ts';
import { StatusWriter } from './status-writer.ts';
import { refusedStatus } from './status.ts';
import { restartCount } from './status-containers.ts';
import type { StatusInput } from './status-input.ts';

export interface PodSetOptions {
  /** Of the node, as they were when it was last seen. */
  readonly labels: () => Readonly<Record<string, string>>;
  /** Sees the node again. */
  readonly lookAgain: () => Promise<void>;
  /** What the node runs short of. */
  readonly pressures: () => readonly PressureType[];
}

/** What nobody owns gets this long to end. */
const ORPHAN_GRACE_SECONDS = 2;
const DELETE_RETRY = { baseMs: 500, limitMs: 30_000 };
const LOOK_RETRY = { baseMs: 500, limitMs: 10_000 };

export class PodSet {
  readonly #context: KubeletContext;
  readonly #options: PodSetOptions;
  readonly #workers = new Map<string, PodWorker>();
  /** Pods that were refused, by uid, as long as the API has them. */
  readonly #refused = new Set<string>();
  /** Of those, the ones that are being deleted. */
  readonly #leaving = new Set<string>();
  /** Pods that the node's labels did not fit, by uid, and whether the node was seen again since. */
  readonly #unfit = new Map<string, 'looking' | 'seen'>();
  readonly #known = new Map<string, PodObject>();
  readonly #onGone = (uid: string): void => void this.#workers.delete(uid);

  constructor(context: KubeletContext, options: PodSetOptions) {
    this.#context = context;
    this.#options = options;
  }

  put(pod: PodObject): void {
    const { uid } = pod.metadata;
    this.#known.set(uid, pod);
    const worker = this.#workers.get(uid);
    if (worker) return worker.update(pod);
    if (this.#refused.has(uid)) return this.#deleteRefused(pod);
    const isNew = this.#context.observation.latest(uid).containers.length === 0 && (pod.metadata as { deletionTimestamp?: string }).deletionTimestamp === undefined;
    if (isNew && !isTerminalPhase(pod.status?.phase) && !this.#admit(pod)) return;
    const made = new PodWorker(this.#context, pod, this.#onGone);
    this.#workers.set(uid, made);
    made.update(pod);
  }

  gone(pod: PodObject): void {
    const { uid } = pod.metadata;
    this.#known.delete(uid);
    this.#refused.delete(uid);
    this.#unfit.delete(uid);
    this.#context.series?.forgetPod(pod.metadata.namespace, pod.metadata.name);
    this.#workers.get(uid)?.gone(pod);
  }

  wake(uid: string): void {
    this.#workers.get(uid)?.wake();
  }

  renew(uid: string): void {
    this.#workers.get(uid)?.renew();
  }

  stop(): void {
    for (const worker of this.#workers.values()) worker.stop();
  }

  find(namespace: string, name: string): PodObject | undefined {
    return this.pods().find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  }

  /** With the newest status, which the API may not have yet. */
  pods(): readonly PodObject[] {
    return [...this.#known.values()].map((pod) => ({ ...pod, status: this.#workers.get(pod.metadata.uid)?.status ?? pod.status }) as PodObject);
  }

  /** Those that hold something of the node. */
  active(): readonly PodObject[] {
    return [...this.#workers.values()].filter(({ isActive, status }) => isActive && !isTerminalPhase(status.phase)).map(({ pod }) => pod);
  }

  /** Ends a pod for the node's own reason; false where that has been begun already. */
  evict(uid: string, failure: NonNullable<StatusInput['failure']>, graceSeconds: number): boolean {
    return this.#workers.get(uid)?.evict(failure, graceSeconds) ?? false;
  }

  logFiles(): readonly LogFile[] {
    const { observation, files } = this.#context;
    return [...this.#known.values()].flatMap((pod) =>
      observation.latest(pod.metadata.uid).containers
        .filter(({ state }) => state === 'running')
        .map((container) => ({ containerId: container.id, path: join(files.logDirectory(pod.metadata), container.name, `${restartCount(container)}.log`) })),
    );
  }

  /** Sandboxes, containers, volumes and logs of pods that the API does not know. */
  async removeOrphans(): Promise<void> {
    const { observation, runtime, files, log } = this.#context;
    const owned = new Set([...this.#known.keys(), ...this.#workers.keys()]);
    for (const uid of observation.uids()) {
      if (owned.has(uid)) continue;
      log.info({ uid }, 'what is left of a pod that is no more is removed');
      this.#context.series?.orphaned();
      const { sandboxes, containers } = await observation.observe(uid);
      await Promise.all(containers.filter(({ state }) => state === 'running').map(({ id }) => runtime.stopContainer(id, ORPHAN_GRACE_SECONDS)));
      for (const { id } of sandboxes) {
        await runtime.stopSandbox(id);
        await runtime.removeSandbox(id);
      }
      await observation.observe(uid);
    }
    await files.removeOrphans(owned);
  }

  #admit(pod: PodObject): boolean {
    const { node, clock, record, isSimulated } = this.#context;
    const labels = this.#options.labels();
    if (!fitsNode(pod.spec, labels, node.name) && this.#unfit.get(pod.metadata.uid) !== 'seen') {
      if (!this.#unfit.has(pod.metadata.uid)) void this.#lookAgain(pod.metadata.uid);
      return false;
    }
    const others = this.active();
    const refusal = refuse({ pod, others, allocatable: node.allocatable, labels, nodeName: node.name, isSimulated, pressures: this.#options.pressures() });
    if (!refusal) {
      this.#context.series?.podAdmitted(pod.spec.containers.length);
      return true;
    }
    this.#context.series?.podRefused(refusal.reason);
    this.#refused.add(pod.metadata.uid);
    record(pod, { type: 'Warning', ...refusal });
    const status = refusedStatus({ pod, reason: refusal.reason, message: `Pod was rejected: ${refusal.message}`, now: timeText(clock.now()) });
    new StatusWriter(pod, this.#context).put(pod, status as never);
    return false;
  }

  /** The scheduler may have seen labels that this node has not heard of yet. */
  async #lookAgain(uid: string): Promise<void> {
    const { clock, log, signal } = this.#context;
    this.#unfit.set(uid, 'looking');
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#options.lookAgain();
        break;
      } catch (error) {
        log.warn({ error: String(error) }, 'the labels of this node could not be read');
        await sleep(clock, backoff(failures, LOOK_RETRY), signal);
      }
    }
    const pod = this.#known.get(uid);
    if (signal.aborted || !pod) return void this.#unfit.delete(uid);
    this.#unfit.set(uid, 'seen');
    this.put(pod);
  }

  /** Nothing of it was ever started: there is nothing to wait for. */
  #deleteRefused(pod: PodObject): void {
    const { deletionTimestamp } = pod.metadata as { deletionTimestamp?: string };
    if (deletionTimestamp === undefined || this.#leaving.has(pod.metadata.uid)) return;
    this.#leaving.add(pod.metadata.uid);
    void this.#deleteUntilGone(pod).finally(() => this.#leaving.delete(pod.metadata.uid));
  }

  async #deleteUntilGone({ metadata: { name, namespace, uid } }: PodObject): Promise<void> {
    const { client, clock, log, signal } = this.#context;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await client.delete(podsResource, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
        return;
      } catch (error) {
        if (error instanceof ApiError && (error.code === 404 || error.code === 409)) return;
        log.warn({ pod: `${namespace}/${name}`, error: String(error) }, 'a refused pod could not be deleted');
        await sleep(clock, backoff(failures, DELETE_RETRY), signal);
      }
    }
  }
}
