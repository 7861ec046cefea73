/** Ends pods that take more of the node's disk than they may, and others when the node runs short; looks every ten seconds, as upstream. */
import { sleep, type Clock } from '../../std/clock.ts';
import type { EventText, Log } from '../context.ts';
import type { Measure } from '../measure/measure.ts';
import type { KubeletSeries } from '../metrics/series.ts';
import { type PodObject, podText } from '../pod.ts';
import type { StatusInput } from '../status-input.ts';
import { isCritical } from './critical.ts';
import { NO_PRESSURE, type Pressure, type Verdict, decidePressure, decideVictim } from './decide.ts';
import { type LocalUse, excess, isLimited } from './limits.ts';
import type { Observation } from './observe.ts';
import { type PressureType, SIGNALS, type Signal, type Threshold } from './thresholds.ts';

export interface EvictionOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly series?: Pick<KubeletSeries, 'evicted' | 'evictionStatsUsed'> | undefined;
  readonly record: (pod: PodObject, event: EventText) => void;
  readonly pods: EvictablePods;
  readonly recordNode: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  readonly nodeName: string;
  readonly thresholds: readonly Threshold[];
  readonly observe: () => Promise<Observation>;
  readonly localUse: (pods: readonly PodObject[]) => Promise<ReadonlyMap<string, LocalUse>>;
  /** All that pods use; asked for only when one of them has to go. */
  readonly measure: Measure;
  /** Gives back what takes disk and nobody uses. */
  readonly reclaim: () => Promise<void>;
}

export interface EvictablePods {
  /** Those that hold something of the node. */
  active(): readonly PodObject[];
  /** Whether that could be begun. */
  evict(uid: string, failure: NonNullable<StatusInput['failure']>, graceSeconds: number): boolean;
}

interface Sentence extends Pick<Verdict, 'pod' | 'message'> {
  readonly signal: string;
  readonly annotations?: Verdict['annotations'];
  readonly condition?: NonNullable<StatusInput['failure']>['condition'];
}

const LOOK_MS = 10_000;
const GRACE_SECONDS = 1;
const STATES: Readonly<Record<PressureType, readonly [without: string, within: string]>> = {
  MemoryPressure: ['NodeHasSufficientMemory', 'NodeHasInsufficientMemory'],
  DiskPressure: ['NodeHasNoDiskPressure', 'NodeHasDiskPressure'],
  PIDPressure: ['NodeHasSufficientPID', 'NodeHasInsufficientPID'],
};
/** Before the next look those that were evicted are waited for, for so long at most. */
const CLEANUP_MS = 30_000;
const CLEANUP_LOOK_MS = 1000;

export class Eviction {
  readonly #options: EvictionOptions;
  #pressure = NO_PRESSURE;

  constructor(options: EvictionOptions) {
    this.#options = options;
  }

  /** What the node says that it runs short of. */
  get conditions(): readonly PressureType[] {
    return this.#pressure.conditions;
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
    const { clock, thresholds, observe } = this.#options;
    const { observed, hasImageDisk } = await observe();
    const at = clock.now();
    const before = this.#pressure;
    this.#pressure = decidePressure({ now: at, thresholds, observed }, before);
    this.#tell(before);
    const evicted = await this.#lookAtLimits(hasImageDisk);
    return evicted.length > 0 ? evicted : this.#relieve(hasImageDisk, at);
  }

  async #lookAtLimits(hasImageDisk: boolean): Promise<readonly PodObject[]> {
    const { pods, localUse } = this.#options;
    const limited = pods.active().filter(isLimited);
    const uses = await localUse(limited);
    return limited.filter((pod) => {
      const use = uses.get(pod.metadata.uid);
      const found = use && excess({ pod, use, hasImageDisk });
      return found && this.#evict({ pod, ...found });
    });
  }

  /** What nobody uses goes first, then one pod. */
  async #relieve(hasImageDisk: boolean, at: number): Promise<readonly PodObject[]> {
    const { clock, log, thresholds, observe, recordNode, reclaim, pods, measure, series } = this.#options;
    const { shortages } = this.#pressure;
    const [first] = shortages;
    if (!first) return [];
    const { resource } = SIGNALS[first.signal];
    log.warn({ shortages }, 'the node runs short');
    recordNode('Warning', 'EvictionThresholdMet', `Attempting to reclaim ${resource}`);
    if (isReclaimable(first.signal, hasImageDisk)) {
      await reclaim().catch((error: unknown) => log.warn({ error: String(error) }, 'what nobody uses could not be given back'));
      const { observed } = await observe();
      if (decidePressure({ now: clock.now(), thresholds, observed }, NO_PRESSURE).shortages.length === 0) return [];
    }
    const measured = new Map((await measure()).pods.map((one) => [one.uid, one]));
    const candidates = pods.active().map((pod) => {
      const use = measured.get(pod.metadata.uid);
      return { pod, use: use && use.containers.length > 0 ? use : undefined };
    });
    const verdict = decideVictim({ shortages, candidates, hasImageDisk });
    if (!verdict) log.warn({}, 'no pod can be evicted');
    for (const { signal } of verdict ? shortages : []) series?.evictionStatsUsed(signal, (clock.now() - at) / 1000);
    // Who ends already is waited for as well: another one only goes if that was not enough.
    if (verdict) this.#evict({ ...verdict, condition: { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message: verdict.message } });
    return verdict ? [verdict.pod] : [];
  }

  #tell({ conditions: before }: Pressure): void {
    const { recordNode, nodeName } = this.#options;
    for (const [type, [without, within]] of Object.entries(STATES) as [PressureType, readonly [string, string]][]) {
      const is = this.conditions.includes(type);
      if (is !== before.includes(type)) recordNode('Normal', is ? within : without, `Node ${nodeName} status is now: ${is ? within : without}`);
    }
  }

  #evict({ pod, signal, message, annotations, condition }: Sentence): boolean {
    const { pods, record, log, series } = this.#options;
    if (isCritical(pod)) {
      log.warn({ pod: podText(pod), message }, 'a pod that is to be evicted goes on, for the system needs it');
      return false;
    }
    if (!pods.evict(pod.metadata.uid, { reason: 'Evicted', message, ...(condition && { condition }) }, GRACE_SECONDS)) return false;
    log.info({ pod: podText(pod), message }, 'a pod is evicted');
    record(pod, { type: 'Warning', reason: 'Evicted', message, ...(annotations && { annotations }) });
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

/** Unused images stand in the way of the disk that they are on. */
function isReclaimable(signal: Signal, hasImageDisk: boolean): boolean {
  return SIGNALS[signal].condition === 'DiskPressure' && (!hasImageDisk || signal.startsWith('imagefs'));
}
