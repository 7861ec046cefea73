/** Whether a node is one that a pod insists on: its nodeSelector and required node affinity. */
import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../../api/types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { StoredNode } from './taints.ts';

export function fitsNode(spec: DeepReadonly<PodSpec>, node: StoredNode): boolean {
  const labels = node.metadata.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return !terms || terms.some((term) => matches(term, node));
}

/** A term that says nothing matches nothing. */
function matches({ matchExpressions = [], matchFields = [] }: DeepReadonly<NodeSelectorTerm>, node: StoredNode): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return matchExpressions.every((requirement) => holds(requirement, node.metadata.labels?.[requirement.key])) && matchFields.every((requirement) => requirement.key === 'metadata.name' && holds(requirement, node.metadata.name));
}

function holds({ operator, values = [] }: DeepReadonly<NodeSelectorRequirement>, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
