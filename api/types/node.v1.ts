/** Types of node.v1, written by tools/facts/write-types.ts from the facts table. */
import type { Toleration } from './core.v1.ts';
import type { ObjectMeta, TypeMeta } from './meta.v1.ts';

export interface Overhead {
  podFixed?: Record<string, string>;
}

export interface RuntimeClass extends TypeMeta {
  metadata: ObjectMeta;
  handler: string;
  overhead?: Overhead;
  scheduling?: Scheduling;
}

export interface Scheduling {
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
}
