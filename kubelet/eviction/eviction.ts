/** Ends pods that take more of the node's disk than they may; looks every ten seconds, as upstream. */
import { sleep, type Clock } from '../../std/clock.ts';
import type { EventText, Log } from '../context.ts';
import type { KubeletSeries } from '../metrics/series.ts';
import { type PodObject, podText } from '../pod.ts';
import type { StatusInput } from '../status-input.ts';
import { isCritical } from './critical.ts';
import { type LocalUse, excess, isLimited } from './limits.ts';

export interface EvictionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly series?: Pick<KubeletSeries, 'evicted'> | undefined;
  readonly record: (pod: PodObject, event: EventText) => void;
  readonly pods: EvictablePods;
  readonly localUse: (pods: readonly PodObject[]) => Promise<ReadonlyMap<string, LocalUse>>;
  /** Whether images have a disk of their own. */
  readonly hasImageDisk: () => Promise<boolean>;
}

export interface EvictablePods {
  /** Those that hold something of the node. */
  active(): readonly PodObject[];
  /** Whether that could be begun. */
  evict(uid: string, failure: NonNullable<StatusInput['failure']>, graceSeconds: number): boolean;
}

const LOOK_MS = 10_000;
const GRACE_SECONDS = 1;
/** Before the next look those that were evicted are waited for, for so long at most. */
const CLEANUP_MS = 30_000;
const CLEANUP_LOOK_MS = 1000;

export class Eviction {
  readonly #options: EvictionOptions;

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** Until the signal is aborted. */
  async run(): Promise<void> {
    const { clock, log, signal } = this.#options;
    while (!signal.aborted) {
      let evicted: readonly PodObject[] = [];
      try {
        evicted = await this.look();
      } catch (error) {
        if (!signal.aborted) log.warn({ error: String(error) }, 'whether pods are to be evicted could not be found out');
      }
      if (evicted.length > 0) await this.#awaitEnd(evicted);
      else await sleep(clock, LOOK_MS, signal);
    }
  }

  /** The pods that were told to end. */
  async look(): Promise<readonly PodObject[]> {
    return this.#lookAtLimits();
  }

  async #lookAtLimits(): Promise<readonly PodObject[]> {
    const { pods, localUse, hasImageDisk } = this.#options;
    const limited = pods.active().filter(isLimited);
    const uses = await localUse(limited);
    if (limited.length === 0) return [];
    const isApart = await hasImageDisk();
    return limited.filter((pod) => {
      const use = uses.get(pod.metadata.uid);
      const found = use && excess({ pod, use, hasImageDisk: isApart });
      return found && this.#evict(pod, found.signal, { reason: 'Evicted', message: found.message });
    });
  }

  #evict(pod: PodObject, signal: string, failure: NonNullable<StatusInput['failure']>): boolean {
    const { pods, record, log, series } = this.#options;
    if (isCritical(pod)) {
      log.warn({ pod: podText(pod), message: failure.message }, 'a pod that is to be evicted goes on, for the system needs it');
      return false;
    }
    if (!pods.evict(pod.metadata.uid, failure, GRACE_SECONDS)) return false;
    log.info({ pod: podText(pod), message: failure.message }, 'a pod is evicted');
    record(pod, { type: 'Warning', reason: failure.reason, message: failure.message });
    series?.evicted(signal);
    return true;
  }

  async #awaitEnd(evicted: readonly PodObject[]): Promise<void> {
    const { clock, pods, signal } = this.#options;
    const until = clock.monotonic() + CLEANUP_MS;
    const ids = new Set(evicted.map(({ metadata }) => metadata.uid));
    while (clock.monotonic() < until && !signal.aborted && pods.active().some(({ metadata }) => ids.has(metadata.uid))) await sleep(clock, CLEANUP_LOOK_MS, signal);
  }
}
