/** What metrics say, in the form in which sizes are calculated from them. Amounts are in thousandths. */

export interface PodReading {
  readonly value: number;
  readonly timestampMs: number;
  readonly windowMs: number;
}

/** By the name of the pod. */
export type PodReadings = ReadonlyMap<string, PodReading>;

/** What came of asking for one metric. */
export type Reading =
  | { readonly kind: 'pods'; readonly pods: PodReadings }
  | { readonly kind: 'values'; readonly values: readonly number[] }
  | { readonly kind: 'error'; readonly message: string };
