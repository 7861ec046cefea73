/** Hints by zone for Services that ask for them by annotation: endpoints are shared out as the zones share the nodes' CPUs. */
import { milliValue, parseQuantity, zeroQuantity } from '../api/quantity.ts';
import type { Endpoint } from '../api/types/discovery.v1.ts';
import { deepEqual } from '../std/deep.ts';
import { ZONE, type StoredService } from './endpoints-of.ts';
import { statusOf, type StoredNode } from './node/taints.ts';
import type { StoredSlice } from './slices.ts';

/** How much more than its share an endpoint may have to bear. */
const OVERLOAD = 0.2;
const NOT_COUNTED = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

export function wantsHints({ metadata: { annotations = {} } }: StoredService): boolean {
  const mode = annotations['service.kubernetes.io/topology-aware-hints'] ?? annotations['service.kubernetes.io/topology-mode'];
  return mode === 'Auto' || mode === 'auto';
}

export type Shared = { readonly endpoints: readonly Endpoint[] } | { /** Why there can be no hints. */ readonly problem: string };

/** The endpoints with their hints. Slices that need not change keep those that they have while no zone gets too much. */
export function shareOut(endpoints: readonly Endpoint[], existing: readonly StoredSlice[], nodes: readonly StoredNode[]): Shared {
  const ready = endpoints.filter(isReady);
  const shares = sharesOf(ready.length, zoneRatios(nodes));
  if (typeof shares === 'string') return { problem: shares };
  const hinted = new Map<Endpoint, string>();
  const counts = new Map<string, number>();
  const take = (endpoint: Endpoint, zone: string): void => {
    hinted.set(endpoint, zone);
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  };
  for (const kept of keptHints(ready, existing, { shares, counts })) for (const [endpoint, zone] of kept) take(endpoint, zone);
  const fresh = ready.filter((endpoint) => !hinted.has(endpoint));
  if (fresh.some(({ zone }) => !zone)) return { problem: 'One or more endpoints do not have a zone specified' };
  for (const endpoint of fresh) take(endpoint, endpoint.zone ?? '');
  if (counts.size === 0) return { problem: 'No hints allocated for zones' };
  const { giving, receiving } = balance(shares, counts);
  for (const endpoint of fresh) {
    const from = endpoint.zone ?? '';
    const to = [...receiving.keys()].find((zone) => (receiving.get(zone) ?? 0) > 0);
    if (to === undefined || !(giving.get(from) ?? 0)) continue;
    giving.set(from, (giving.get(from) ?? 0) - 1);
    receiving.set(to, (receiving.get(to) ?? 0) - 1);
    hinted.set(endpoint, to);
  }
  return { endpoints: endpoints.map((endpoint) => (hinted.has(endpoint) ? { ...endpoint, hints: { forZones: [{ name: hinted.get(endpoint) ?? '' }] } } : endpoint)) };
}

function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready === true;
}

/** The part of the CPUs that is in each zone; undefined where the nodes do not tell, or there is one zone only. */
function zoneRatios(nodes: readonly StoredNode[]): ReadonlyMap<string, number> | undefined {
  const byZone = new Map<string, number>();
  for (const node of nodes) {
    const labels = node.metadata.labels ?? {};
    if (NOT_COUNTED.some((label) => label in labels) || statusOf(node, 'Ready') !== 'True') continue;
    const cpu = milliValue(parseQuantity(node.status?.allocatable?.['cpu'] ?? '') ?? zeroQuantity);
    const zone = labels[ZONE];
    if (!zone || cpu === 0) return undefined;
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu);
  }
  const total = [...byZone.values()].reduce((sum, cpu) => sum + cpu, 0);
  return byZone.size < 2 ? undefined : new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total]));
}

interface Share {
  readonly desired: number;
  readonly most: number;
}

/** What each zone should have, or why that cannot be. */
function sharesOf(count: number, ratios: ReadonlyMap<string, number> | undefined): ReadonlyMap<string, Share> | string {
  if (!ratios) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const counted = `(${count} endpoints, ${ratios.size} zones)`;
  if (ratios.size > count) return `Insufficient number of endpoints ${counted}`;
  const least = new Map([...ratios].map(([zone, ratio]) => [zone, Math.ceil((ratio * count) / (1 + OVERLOAD))]));
  const spare = count - [...least.values()].reduce((sum, one) => sum + one, 0);
  if (spare < 0) return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counted}`;
  return new Map([...ratios].map(([zone, ratio]) => {
    const minimum = least.get(zone) ?? 0;
    return [zone, { desired: Math.max(ratio * count, minimum), most: minimum + spare }];
  }));
}

interface Taken {
  readonly shares: ReadonlyMap<string, Share>;
  /** Grows while what is kept is taken. */
  readonly counts: ReadonlyMap<string, number>;
}

/** By slice: the hints of its endpoints, where all of it can stay as it is. */
function* keptHints(ready: readonly Endpoint[], existing: readonly StoredSlice[], { shares, counts }: Taken): Generator<ReadonlyMap<Endpoint, string>> {
  const byAddress = new Map(ready.map((endpoint) => [endpoint.addresses[0], endpoint]));
  for (const slice of existing) {
    const kept = new Map<Endpoint, string>();
    const byZone = new Map<string, number>();
    for (const known of slice.endpoints ?? []) {
      const { hints, ...plain } = known as Endpoint;
      if (!isReady(plain)) continue;
      const same = byAddress.get(plain.addresses[0]);
      const zone = hints?.forZones?.[0]?.name;
      if (!same || !deepEqual(same, plain) || zone === undefined) break;
      kept.set(same, zone);
      byZone.set(zone, (byZone.get(zone) ?? 0) + 1);
    }
    const isWhole = kept.size === (slice.endpoints ?? []).filter((endpoint) => isReady(endpoint as Endpoint)).length;
    const fits = [...byZone].every(([zone, more]) => (counts.get(zone) ?? 0) + more <= (shares.get(zone)?.most ?? -1));
    if (isWhole && fits) yield kept;
  }
}

/** How many endpoints each zone with too many gives, and each with too few receives: the largest differences first. */
function balance(shares: ReadonlyMap<string, Share>, counts: ReadonlyMap<string, number>): { readonly giving: Map<string, number>; readonly receiving: Map<string, number> } {
  const over = new Map<string, number>();
  const under = new Map<string, number>();
  for (const [zone, { desired }] of shares) {
    const difference = (counts.get(zone) ?? 0) - desired;
    if (difference > 0) over.set(zone, difference);
    else if (difference < 0) under.set(zone, -difference);
  }
  const giving = new Map<string, number>();
  const receiving = new Map<string, number>();
  for (;;) {
    const [from, give] = most(over);
    const [to, need] = most(under);
    if (give < 0.5 || need < 0.5 || (give < 1 && need < 1)) return { giving, receiving };
    giving.set(from, (giving.get(from) ?? 0) + 1);
    receiving.set(to, (receiving.get(to) ?? 0) + 1);
    over.set(from, give - 1);
    under.set(to, need - 1);
  }
}

function most(amounts: ReadonlyMap<string, number>): [zone: string, amount: number] {
  let found: [string, number] = ['', 0];
  for (const [zone, amount] of amounts) if (amount > found[1]) found = [zone, amount];
  return found;
}
