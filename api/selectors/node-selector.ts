/** Node selectors and affinity terms against the labels and the name of a node. */
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '../types/core.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';

type Labels = Readonly<Record<string, string>>;

/** Whether a node is one that a pod insists on. */
export function fitsNode(spec: DeepReadonly<Pick<PodSpec, 'nodeSelector' | 'affinity'>>, labels: Labels, name: string): boolean {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return matchesLabels(spec.nodeSelector ?? {}, labels) && (!required || matchesNodeSelector(required, labels, name));
}

/** Terms are alternatives; no term matches nothing. */
export function matchesNodeSelector(selector: DeepReadonly<NodeSelector>, labels: Labels, name: string): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, labels, name));
}

/** All requirements of a term hold; an empty term matches nothing. */
export function matchesTerm(term: DeepReadonly<NodeSelectorTerm>, labels: Labels, name: string): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return false;
  return expressions.every((r) => holds(r, own(labels, r.key))) && fields.every((r) => holds(r, r.key === 'metadata.name' ? name : undefined));
}

export function matchesLabels(wanted: Labels, labels: Labels): boolean {
  for (const key in wanted) if (own(labels, key) !== wanted[key]) return false;
  return true;
}

/** The names of nodes that the selector can match at all, where every term pins `metadata.name`. */
export function namedNodes(selector: DeepReadonly<NodeSelector>): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const term of selector.nodeSelectorTerms) {
    const pins = (term.matchFields ?? []).filter((r) => r.key === 'metadata.name' && r.operator === 'In');
    if (pins.length === 0) return undefined;
    const common = pins.map((r) => r.values ?? []).reduce((a, b) => a.filter((name) => b.includes(name)));
    for (const name of common) names.add(name);
  }
  return names;
}

function own(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function holds(requirement: DeepReadonly<NodeSelectorRequirement>, actual: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return actual !== undefined && values.includes(actual);
    case 'NotIn':
      return actual === undefined || !values.includes(actual);
    case 'Exists':
      return actual !== undefined;
    case 'DoesNotExist':
      return actual === undefined;
    case 'Gt':
      return compares(actual, values[0], (a, b) => a > b);
    case 'Lt':
      return compares(actual, values[0], (a, b) => a < b);
    default:
      return false;
  }
}

function compares(actual: string | undefined, wanted: string | undefined, by: (a: bigint, b: bigint) => boolean): boolean {
  const whole = /^[+-]?\d+$/;
  if (actual === undefined || wanted === undefined || !whole.test(actual) || !whole.test(wanted)) return false;
  return by(BigInt(actual), BigInt(wanted));
}
