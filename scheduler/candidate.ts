/** A node that could be cleared for a pod, and what that would cost. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';

export interface Preemption {
  readonly node: string;
  /** The most important first; some may be ending already. */
  readonly victims: readonly Stored<Pod>[];
}

export interface Candidate extends Preemption {
  readonly violations: number;
  /** What decides between candidates, in this order; the least wins. */
  readonly cost: readonly number[];
}

/** What came of a look at one row: how to clear it, or why it is of no use. */
export type Cleared = Candidate | { readonly reasons: readonly string[] } | { readonly error: string };
