/** Taints and tolerations. */
import { tolerates } from '../api/tolerates.ts';
import type { Taint, Toleration } from '../api/types/core.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';

export const UNSCHEDULABLE_TAINT: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export function tolerated(tolerations: readonly DeepReadonly<Toleration>[], taint: DeepReadonly<Taint>): boolean {
  return tolerations.some((toleration) => tolerates(toleration, taint));
}

/** Whether some taint keeps pods without a matching toleration from being placed here. */
export function repels(taints: readonly DeepReadonly<Taint>[], tolerations: readonly DeepReadonly<Toleration>[]): boolean {
  return taints.some((taint) => taint.effect !== 'PreferNoSchedule' && !tolerated(tolerations, taint));
}

/** How many soft taints are not tolerated: fewer is better. */
export function reluctance(taints: readonly DeepReadonly<Taint>[], tolerations: readonly DeepReadonly<Toleration>[]): number {
  const soft = tolerations.filter((toleration) => !toleration.effect || toleration.effect === 'PreferNoSchedule');
  return taints.filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerated(soft, taint)).length;
}
