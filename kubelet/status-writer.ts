/** Writes the status of one pod: the newest word only, one write at a time, again and again until the server has it. */
import { pods } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { PodStatus } from '../api/types/core.v1.ts';
import { reaches } from '../client/cache.ts';
import type { Client } from '../client/client.ts';
import { trimmed } from '../client/trimmed.ts';
import { backoff } from '../std/backoff.ts';
import { sleep, type Clock } from '../std/clock.ts';
import { deepEqual } from '../std/deep.ts';
import type { KubeletSeries } from './metrics/series.ts';
import { type PodObject, isTerminalPhase } from './pod.ts';

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  readonly signal: AbortSignal;
  readonly series?: Pick<KubeletSeries, 'statusWritten'> | undefined;
}

const RETRY = { baseMs: 200, limitMs: 10_000 };
/** Lists that the server merges by key: what is to go must be said to go. */
const REPLACED = ['podIPs', 'hostIPs'] as const;

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  #pod: PodObject;
  #wanted: PodStatus | undefined;
  #written: PodStatus | undefined;
  /** Of the object after our last word. */
  #version = '';
  #writing: Promise<void> | undefined;
  #isGone = false;

  constructor(pod: PodObject, options: StatusWriterOptions) {
    this.#pod = pod;
    this.#written = pod.status as PodStatus | undefined;
    this.#options = options;
  }

  /** Never waits. */
  put(pod: PodObject, status: PodStatus): void {
    this.#pod = pod;
    if (deepEqual(status, this.#wanted)) return;
    this.#wanted = status;
    if (!deepEqual(status, this.#written)) this.#writing ??= this.#write();
  }

  /** The pod as the server has it. Somebody else's word about what is ours (that of a controller that took this node for dead) is overwritten. */
  seen(pod: PodObject): void {
    this.#pod = pod;
    const said = this.#written;
    if (!said || this.#writing || !reaches(pod.metadata.resourceVersion, this.#version)) return;
    const stands = (pod.status ?? {}) as PodStatus;
    if (isTerminalPhase(stands.phase)) return;
    const isOurs = stands.phase === said.phase && (said.conditions ?? []).every(({ type, status }) => (stands.conditions ?? []).some((one) => one.type === type && one.status === status));
    if (isOurs) return;
    this.#written = stands;
    // Who has not said anything yet will.
    if (this.#wanted !== undefined) this.#writing = this.#write();
  }

  /** Resolves when the last word is written, or the pod is no more. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    const { client, clock, log, signal, series } = this.#options;
    let failures = 0;
    // What changes again before anybody else has had a turn need not be told.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const since = clock.monotonic();
    while (this.#wanted && !deepEqual(this.#wanted, this.#written) && !signal.aborted && !this.#isGone) {
      const status = this.#wanted;
      const { name, namespace, uid } = this.#pod.metadata;
      try {
        const body = { metadata: { uid }, status: patchOf(status, this.#written ?? this.#pod.status ?? {}) };
        const { metadata, status: stands } = trimmed(await client.patch(pods, { namespace, name }, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' }));
        // What the server has is what caches have: one is enough.
        this.#written = deepEqual(stands, status) ? (stands as PodStatus) : status;
        if (this.#wanted === status) this.#wanted = this.#written;
        this.#version = metadata.resourceVersion;
        failures = 0;
        series?.statusWritten((clock.monotonic() - since) / 1000);
      } catch (error) {
        if (error instanceof ApiError && (error.code === 404 || error.code === 409)) {
          this.#isGone = true;
          break;
        }
        log.warn({ pod: `${namespace}/${name}`, error: String(error) }, 'the status of a pod could not be written');
        await sleep(clock, backoff(failures++, RETRY), signal);
      }
    }
    this.#writing = undefined;
    // What others said in the meantime may have come before the answer.
    if (!this.#isGone && !signal.aborted) this.seen(this.#pod);
  }
}

/** The whole status; what was there before and is no more is taken away by name. */
function patchOf(status: PodStatus, before: object): Record<string, unknown> {
  const patch: Record<string, unknown> = { ...status };
  for (const key of Object.keys(before)) if (!(key in status) && OWNED.includes(key)) patch[key] = null;
  // Conditions are merged by type: a reason that is over has to be taken away by name, too.
  patch['conditions'] = (status.conditions ?? []).map((condition) => {
    const old = (before as PodStatus).conditions?.find(({ type }) => type === condition.type);
    return { ...(old?.reason && { reason: null }), ...(old?.message && { message: null }), ...condition };
  });
  for (const key of REPLACED) {
    const old = (before as PodStatus)[key];
    if (old && status[key] && !deepEqual(old, status[key])) patch[key] = [...status[key], { $patch: 'replace' }];
  }
  return patch;
}

const OWNED = ['message', 'reason', 'podIP', 'podIPs', 'initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'];
