/** How fast pods may be driven off nodes: when much of a zone is down at once, the fault is likelier here than there. */
import { statusOf, type StoredNode } from './taints.ts';

export interface EvictionRates {
  /** Nodes per second, per zone. */
  readonly evictionRate: number;
  readonly secondaryEvictionRate: number;
  readonly unhealthyZoneThreshold: number;
  /** Zones up to this size evict nothing while most of their nodes are down. */
  readonly largeClusterSize: number;
}

export function zoneOf({ metadata: { labels } }: StoredNode): string {
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}

/** Nodes per second that may be tainted in a zone now. With no node ready anywhere: none. */
export function evictionRate(node: StoredNode, all: readonly StoredNode[], rates: EvictionRates): number {
  const counted = all.filter(({ metadata }) => metadata.labels?.['node.kubernetes.io/exclude-disruption'] === undefined);
  if (!counted.some(isReady)) return 0;
  const zone = counted.filter((other) => zoneOf(other) === zoneOf(node));
  const down = zone.filter((other) => !isReady(other)).length;
  if (down <= 2 || down / zone.length < rates.unhealthyZoneThreshold || down === zone.length) return rates.evictionRate;
  return zone.length > rates.largeClusterSize ? rates.secondaryEvictionRate : 0;
}

export function isReady(node: StoredNode): boolean {
  return statusOf(node, 'Ready') === 'True';
}

/** One node at a time per zone, at the zone's rate. */
export class EvictionPace {
  readonly #next = new Map<string, number>();

  /** 0: now, and the turn is taken. Otherwise in how many milliseconds to ask again. */
  take(zone: string, rate: number, now: number, recheckMs: number): number {
    if (rate <= 0) return recheckMs;
    const next = this.#next.get(zone) ?? 0;
    if (now < next) return Math.min(next - now, recheckMs);
    this.#next.set(zone, now + 1000 / rate);
    return 0;
  }
}
