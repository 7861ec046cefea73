/** Whether a node takes a pod, filter by filter in the scheduler framework's order; the first refusal counts. */
import { namedNodes, matchesLabels, matchesNodeSelector } from './node-affinity.ts';
import type { Demand } from './demand.ts';
import { ANY_ADDRESS_OF_PORT, type NodeFacts, type Snapshot, portKey } from './snapshot.ts';
import { UNSCHEDULABLE_TAINT, repels, tolerated } from './taints.ts';

/** A reason for which a node refuses. `lasting`: no pod that might be evicted would change it. */
export interface Refusal {
  readonly plugin: string;
  readonly reason: string;
  readonly lasting: boolean;
}

/** Filters that depend on the node's facts alone, so that their verdict is memoised. Undefined: the node takes the pod. */
export type StaticFilter = (demand: Demand, node: NodeFacts) => Refusal | undefined;

const UNSCHEDULABLE: Refusal = { plugin: 'NodeUnschedulable', reason: 'node(s) were unschedulable', lasting: true };
const OTHER_NAME: Refusal = { plugin: 'NodeName', reason: "node(s) didn't match the requested node name", lasting: true };
const TAINTED: Refusal = { plugin: 'TaintToleration', reason: 'node(s) had untolerated taint(s)', lasting: true };
const NO_AFFINITY: Refusal = { plugin: 'NodeAffinity', reason: "node(s) didn't match Pod's node affinity/selector", lasting: true };
const NOT_NAMED: Refusal = { plugin: 'NodeAffinity', reason: "node(s) didn't satisfy plugin(s) [NodeAffinity]", lasting: true };
const PORT_TAKEN: Refusal = { plugin: 'NodePorts', reason: "node(s) didn't have free ports for the requested pod ports", lasting: false };
const TOO_MANY: Refusal = { plugin: 'NodeResourcesFit', reason: 'Too many pods', lasting: false };

export const STATIC_REFUSALS: readonly Refusal[] = [UNSCHEDULABLE, OTHER_NAME, TAINTED, NO_AFFINITY, NOT_NAMED];

export const staticFilters: readonly StaticFilter[] = [
  (demand, node) => {
    const names = demand.required && namedNodes(demand.required);
    return names && !names.has(node.name) ? NOT_NAMED : undefined;
  },
  (demand, node) => (node.unschedulable && !tolerated(demand.tolerations, UNSCHEDULABLE_TAINT) ? UNSCHEDULABLE : undefined),
  (demand, node) => (demand.nodeName && demand.nodeName !== node.name ? OTHER_NAME : undefined),
  (demand, node) => (repels(node.taints, demand.tolerations) ? TAINTED : undefined),
  (demand, node) => {
    const selected = matchesLabels(demand.nodeSelector, node.labels);
    return selected && (!demand.required || matchesNodeSelector(demand.required, node.labels, node.name)) ? undefined : NO_AFFINITY;
  },
];

export function portsFree(snapshot: Snapshot, row: number, demand: Demand): boolean {
  const taken = snapshot.ports[row];
  if (!taken) return true;
  return demand.ports.every(({ protocol, ip, port }) => {
    if (ip === '0.0.0.0' || ip === '::') return !taken.has(portKey(protocol, ANY_ADDRESS_OF_PORT, port));
    return !taken.has(portKey(protocol, ip, port)) && !taken.has(portKey(protocol, '0.0.0.0', port));
  });
}

/** Whether the numbers fit; the hot loop of every decision. */
export function resourcesFit(snapshot: Snapshot, row: number, demand: Demand): boolean {
  if ((snapshot.pods[row] as number) + 1 > (snapshot.podLimit[row] as number)) return false;
  for (const [resource, units] of demand.requests) {
    const column = snapshot.column(resource);
    if (units > 0 && units > (column.allocatable[row] as number) - (column.requested[row] as number)) return false;
  }
  return true;
}

/** Every reason of the filters that depend on other pods, for a node that passed the static ones. */
export function dynamicRefusals(snapshot: Snapshot, row: number, demand: Demand): readonly Refusal[] {
  if (!portsFree(snapshot, row, demand)) return [PORT_TAKEN];
  const out: Refusal[] = [];
  if ((snapshot.pods[row] as number) + 1 > (snapshot.podLimit[row] as number)) out.push(TOO_MANY);
  for (const [resource, units] of demand.requests) {
    const { allocatable, requested } = snapshot.column(resource);
    const capacity = allocatable[row] as number;
    if (units > 0 && units > capacity - (requested[row] as number)) {
      out.push({ plugin: 'NodeResourcesFit', reason: `Insufficient ${resource}`, lasting: units > capacity });
    }
  }
  return out;
}
