/** Why a node is refused, or a pod before any node is asked. */

/** A reason for which a node refuses. `lasting`: no pod that might be evicted would change it. */
export interface Refusal {
  readonly plugin: string;
  readonly reason: string;
  readonly lasting: boolean;
}

/** A reason for which no node needs to be asked. */
export interface Impossible {
  readonly impossible: string;
  readonly plugin: string;
}
