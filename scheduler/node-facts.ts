/** What filters read of a node besides its numbers. */
import type { Node, Taint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';

export interface NodeFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly DeepReadonly<Taint>[];
  readonly unschedulable: boolean;
  /** What its kubelet says that it can do. */
  readonly features: readonly string[];
}

export function factsOf({ metadata: { name, labels = {} }, spec, status }: Stored<Node>): NodeFacts {
  return { name, labels, taints: spec.taints ?? [], unschedulable: spec.unschedulable ?? false, features: status?.declaredFeatures ?? [] };
}
