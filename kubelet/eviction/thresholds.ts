/** What of a node may run short, below which amounts it does, and what the node then says of itself. Upstream's names and defaults (v1.36). Pure. */
import { parseQuantity, value } from '../../api/quantity.ts';

export type PressureType = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';
export type Signal = keyof typeof SIGNALS;

/** The condition of the node, and what pods that are ended give back. */
export const SIGNALS = {
  'memory.available': { condition: 'MemoryPressure', resource: 'memory' },
  'nodefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' },
  'nodefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'imagefs.available': { condition: 'DiskPressure', resource: 'ephemeral-storage' },
  'imagefs.inodesFree': { condition: 'DiskPressure', resource: 'inodes' },
  'pid.available': { condition: 'PIDPressure', resource: 'pids' },
} as const satisfies Record<string, { readonly condition: PressureType; readonly resource: string }>;

/** Fewer than an amount, or than a share of all there is. */
export interface Threshold {
  readonly signal: Signal;
  readonly below: { readonly amount: number } | { readonly share: number };
}

/** Hard ones, as configurations say them. */
export const EVICTION_HARD: Readonly<Record<string, string>> = { 'memory.available': '100Mi', 'nodefs.available': '10%', 'nodefs.inodesFree': '5%', 'imagefs.available': '15%', 'imagefs.inodesFree': '5%' };
export const DEFAULT_THRESHOLDS: readonly Threshold[] = parseThresholds(EVICTION_HARD);
/** A node goes on saying that it runs short for so long after it does no more. */
export const TRANSITION_MS = 300_000;

/** What is to be below 0% or 100% never counts. */
export function parseThresholds(texts: Readonly<Record<string, string>>): readonly Threshold[] {
  return Object.entries(texts).flatMap(([signal, amount]): Threshold[] => {
    if (!Object.hasOwn(SIGNALS, signal)) throw new Error(`unsupported eviction signal ${signal}`);
    const share = /^(\d+(?:\.\d+)?)%$/.exec(amount)?.[1];
    if (share !== undefined) {
      // Upstream reckons with short numbers here, and messages tell what comes of it.
      const below = Math.fround(Math.fround(Number(share)) / 100);
      if (below > 1) throw new Error(`eviction percentage threshold ${signal} must be <= 100%: ${amount}`);
      return below === 0 || below === 1 ? [] : [{ signal: signal as Signal, below: { share: below } }];
    }
    const quantity = parseQuantity(amount);
    if (!quantity || quantity.nano <= 0n) throw new Error(`eviction threshold ${signal} must be positive: ${amount}`);
    return [{ signal: signal as Signal, below: { amount: value(quantity) } }];
  });
}

export function thresholdAmount({ below }: Threshold, capacity: number): number {
  return 'amount' in below ? below.amount : Math.trunc(capacity * below.share);
}
