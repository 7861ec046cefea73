/** Types of scheduling.v1, written by tools/facts/write-types.ts from the facts table. */
import type { ObjectMeta, TypeMeta } from './meta.v1.ts';

export interface PriorityClass extends TypeMeta {
  metadata: ObjectMeta;
  value: number;
  globalDefault?: boolean;
  description?: string;
  preemptionPolicy?: "Never" | "PreemptLowerPriority";
}
