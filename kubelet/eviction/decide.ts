/** What a node runs short of, what it says of itself then, and whom it ends. Facts in, decisions out. Upstream's rules and words (pkg/kubelet/eviction, v1.36). Pure. */
import { compareQuantities, formatQuantity, parseQuantity, quantityOf, zeroQuantity } from '../../api/quantity.ts';
import type { MeasuredContainer } from '../measure/measured.ts';
import { podUse } from '../pages/pod-use.ts';
import type { PodObject } from '../pod.ts';
import { isCritical } from './critical.ts';
import { type Candidate, type RankInput, ranked } from './rank.ts';
import { type PressureType, SIGNALS, type Signal, TRANSITION_MS, type Threshold, thresholdAmount } from './thresholds.ts';

export type Observed = ReadonlyMap<Signal, { readonly available: number; readonly capacity: number }>;

export interface Shortage {
  readonly signal: Signal;
  readonly threshold: number;
  readonly available: number;
}

export interface Pressure {
  readonly conditions: readonly PressureType[];
  /** When each was last found. */
  readonly foundAt: ReadonlyMap<PressureType, number>;
  /** What is to be given back first stands first. */
  readonly shortages: readonly Shortage[];
}

export interface PressureFacts {
  readonly now: number;
  readonly thresholds: readonly Threshold[];
  /** What could not be seen is absent, and is no reason for anything. */
  readonly observed: Observed;
}

export const NO_PRESSURE: Pressure = { conditions: [], foundAt: new Map(), shortages: [] };

const TYPES: readonly PressureType[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure'];

export function decidePressure({ now, thresholds, observed }: PressureFacts, before: Pressure): Pressure {
  const shortages = thresholds
    .flatMap((threshold): Shortage[] => {
      const found = observed.get(threshold.signal);
      if (!found) return [];
      const amount = thresholdAmount(threshold, found.capacity);
      return found.available < amount ? [{ signal: threshold.signal, threshold: amount, available: found.available }] : [];
    })
    .toSorted((a, b) => Number(b.signal === 'memory.available') - Number(a.signal === 'memory.available'));
  const foundAt = new Map(before.foundAt);
  for (const { signal } of shortages) foundAt.set(SIGNALS[signal].condition, now);
  return { shortages, foundAt, conditions: TYPES.filter((type) => now - (foundAt.get(type) ?? -Infinity) < TRANSITION_MS) };
}

export interface Verdict {
  readonly pod: PodObject;
  readonly signal: Signal;
  readonly message: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface VictimFacts extends Pick<RankInput, 'hasImageDisk' | 'candidates'> {
  readonly shortages: readonly Shortage[];
}

/** One at a time; those that the system needs are passed over. */
export function decideVictim({ shortages, candidates, hasImageDisk }: VictimFacts): Verdict | undefined {
  const [first] = shortages;
  if (!first) return undefined;
  const victim = ranked({ candidates, signal: first.signal, hasImageDisk }).find(({ pod }) => !isCritical(pod));
  return victim && { pod: victim.pod, signal: first.signal, ...reasons(victim, first.signal, shortages) };
}

function reasons({ pod, use }: Candidate, signal: Signal, shortages: readonly Shortage[]): Pick<Verdict, 'message' | 'annotations'> {
  const { resource } = SIGNALS[signal];
  const told = shortages.find((one) => SIGNALS[one.signal].resource === resource);
  const base = `The node was low on resource: ${resource}. ${told ? `Threshold quantity: ${amountText(told.threshold, 'BinarySI')}, available: ${amountText(told.available, formatOf(told.signal))}. ` : ''}`;
  if (!use) return { message: base, annotations: {} };
  const specs = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const offenders = use.containers.flatMap((container) => {
    const spec = specs.find(({ name }) => name === container.name);
    const used = spec && usedBy(container, resource);
    const asked = parseQuantity(spec?.resources?.requests?.[resource] ?? '0') ?? zeroQuantity;
    if (used === undefined || compareQuantities(quantityOf(used), asked) <= 0) return [];
    return [{ name: container.name, used: amountText(used, 'BinarySI'), asked: formatQuantity(asked) }];
  });
  const ask = resource === 'memory' ? pod.spec.resources?.requests?.[resource] : undefined;
  const whole = ask === undefined ? undefined : { used: amountText(podUse(use, 0).workingSetBytes, 'BinarySI'), asked: formatQuantity(parseQuantity(ask) ?? zeroQuantity) };
  return {
    message: [
      base,
      ...(whole ? [`Pod ${pod.metadata.name} was using ${whole.used}, request is ${whole.asked}, has larger consumption of ${resource}. `] : []),
      ...offenders.map(({ name, used, asked }) => `Container ${name} was using ${used}, request is ${asked}, has larger consumption of ${resource}. `),
    ].join(''),
    annotations: {
      ...(whole && { offending_pod: pod.metadata.name, offending_pod_usage: whole.used }),
      offending_containers: offenders.map(({ name }) => name).join(','),
      offending_containers_usage: offenders.map(({ used }) => used).join(','),
      starved_resource: resource,
    },
  };
}

function usedBy({ use, layer, logs }: MeasuredContainer, resource: string): number | undefined {
  if (resource === 'memory') return use.workingSetBytes;
  return resource === 'ephemeral-storage' && layer && logs ? layer.usedBytes + logs.usedBytes : undefined;
}

function formatOf(signal: Signal): 'BinarySI' | 'DecimalSI' {
  return SIGNALS[signal].resource === 'inodes' || signal === 'pid.available' ? 'DecimalSI' : 'BinarySI';
}

function amountText(amount: number, format: 'BinarySI' | 'DecimalSI'): string {
  return formatQuantity(quantityOf(Math.trunc(amount), format));
}
