/** Whether a node takes a pod as far as the node itself and its numbers go; in the scheduler framework's order, the first refusal counts. */
import { namedNodes, matchesLabels, matchesNodeSelector } from '../api/selectors/node-selector.ts';
import type { Demand } from './demand.ts';
import { Ports } from './ports.ts';
import type { Profile } from './profile.ts';
import type { Snapshot } from './snapshot.ts';
import type { NodeFacts } from './node-facts.ts';
import { UNSCHEDULABLE_TAINT, repels, tolerated } from './taints.ts';
import type { Refusal } from './refusal.ts';

/** What stands against a row on account of other pods or volumes: none, or the refusals of the first filter that has any. */
export type Obstacle = (row: number) => readonly Refusal[];

export const FINE: readonly Refusal[] = [];

const UNSCHEDULABLE: Refusal = { plugin: 'NodeUnschedulable', reason: 'node(s) were unschedulable', lasting: true };
const OTHER_NAME: Refusal = { plugin: 'NodeName', reason: "node(s) didn't match the requested node name", lasting: true };
const TAINTED: Refusal = { plugin: 'TaintToleration', reason: 'node(s) had untolerated taint(s)', lasting: true };
const NO_AFFINITY: Refusal = { plugin: 'NodeAffinity', reason: "node(s) didn't match Pod's node affinity/selector", lasting: true };
const NOT_ADDED: Refusal = { plugin: 'NodeAffinity', reason: "node(s) didn't match scheduler-enforced node affinity", lasting: true };
const NOT_NAMED: Refusal = { plugin: 'NodeAffinity', reason: "node(s) didn't satisfy plugin(s) [NodeAffinity]", lasting: true };
const PORT_TAKEN: readonly Refusal[] = [{ plugin: 'NodePorts', reason: "node(s) didn't have free ports for the requested pod ports", lasting: false }];
const TOO_MANY: Refusal = { plugin: 'NodeResourcesFit', reason: 'Too many pods', lasting: false };

/** What a node's facts alone say: they are memoised, one number each. */
export const STATIC_REFUSALS: readonly Refusal[] = [UNSCHEDULABLE, OTHER_NAME, TAINTED, NOT_ADDED, NO_AFFINITY, NOT_NAMED];
export const STATIC_LISTS: readonly (readonly Refusal[])[] = STATIC_REFUSALS.map((refusal) => [refusal]);

export interface StaticVerdict {
  readonly refusal: Refusal | undefined;
  readonly tolerates: boolean;
  /** By selector and required affinity. */
  readonly wants: boolean;
}

/** A demand as one profile looks at it. */
export interface Ask {
  readonly demand: Demand;
  readonly profile: Profile;
  /** The names outside of which no node needs to be looked at. */
  readonly named: ReadonlySet<string> | undefined;
}

export function askOf(demand: Demand, profile: Profile): Ask {
  const named = demand.required && profile.filters.has('NodeAffinity') ? namedNodes(demand.required) : undefined;
  return { demand, profile, named };
}

export function judgeFacts({ demand, profile, named }: Ask, node: NodeFacts): StaticVerdict {
  const { filters, addedAffinity } = profile;
  const tolerates = !repels(node.taints, demand.tolerations);
  const wants = matchesLabels(demand.nodeSelector, node.labels) && (!demand.required || matchesNodeSelector(demand.required, node.labels, node.name));
  const added = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const refusal = (): Refusal | undefined => {
    if (named && !named.has(node.name)) return NOT_NAMED;
    if (node.unschedulable && filters.has('NodeUnschedulable') && !tolerated(demand.tolerations, UNSCHEDULABLE_TAINT)) return UNSCHEDULABLE;
    if (demand.nodeName && demand.nodeName !== node.name && filters.has('NodeName')) return OTHER_NAME;
    if (!tolerates && filters.has('TaintToleration')) return TAINTED;
    if (!filters.has('NodeAffinity')) return undefined;
    if (added && !matchesNodeSelector(added, node.labels, node.name)) return NOT_ADDED;
    return wants ? undefined : NO_AFFINITY;
  };
  return { refusal: refusal(), tolerates, wants };
}

/** What comes to a node besides what is on it (1), or goes (-1). */
export interface Shift {
  readonly demand: Demand;
  readonly sign: 1 | -1;
}

/** Whether ports and numbers fit. */
export function roomFor(snapshot: Snapshot, row: number, ask: Ask, shifts: readonly Shift[] = []): boolean {
  const { demand, profile } = ask;
  if (profile.filters.has('NodeResourcesFit')) {
    let pods = (snapshot.pods[row] as number) + 1;
    for (const { sign } of shifts) pods += sign;
    if (pods > (snapshot.podLimit[row] as number)) return false;
    for (const [resource, units] of demand.requests) {
      if (units > 0 && units > left(snapshot, row, resource, shifts) && !ignored(ask, resource) && !delegated(snapshot, row, resource)) return false;
    }
  }
  return demand.ports.length === 0 || !profile.filters.has('NodePorts') || portsFree(snapshot, row, demand, shifts);
}

/** Why ports or numbers do not fit: the same list wherever the reasons are the same. */
export function roomRefusals(snapshot: Snapshot, row: number, ask: Ask, shifts: readonly Shift[] = []): readonly Refusal[] {
  const { demand, profile } = ask;
  if (demand.ports.length > 0 && profile.filters.has('NodePorts') && !portsFree(snapshot, row, demand, shifts)) return PORT_TAKEN;
  const out: Refusal[] = [];
  if (!profile.filters.has('NodeResourcesFit')) return out;
  if (shifts.reduce((sum, { sign }) => sum + sign, (snapshot.pods[row] as number) + 1) > (snapshot.podLimit[row] as number)) out.push(TOO_MANY);
  for (const [resource, units] of demand.requests) {
    const capacity = snapshot.column(resource).allocatable[row] as number;
    if (units > 0 && units > left(snapshot, row, resource, shifts) && !ignored(ask, resource) && !delegated(snapshot, row, resource)) out.push(tooLittle(resource, units > capacity));
  }
  return shared(out);
}

function left(snapshot: Snapshot, row: number, resource: string, shifts: readonly Shift[]): number {
  const { allocatable, requested } = snapshot.column(resource);
  let units = (allocatable[row] as number) - (requested[row] as number);
  for (const { demand, sign } of shifts) units -= sign * (demand.requests.get(resource) ?? 0);
  return units;
}

function portsFree(snapshot: Snapshot, row: number, { ports }: Demand, shifts: readonly Shift[]): boolean {
  const here = snapshot.ports[row];
  if (shifts.every(({ demand }) => demand.ports.length === 0)) return here?.free(ports) ?? true;
  const changed = here ?? new Ports();
  for (const { demand, sign } of shifts) changed.count(demand.ports, sign);
  const free = changed.free(ports);
  for (const { demand, sign } of shifts) changed.count(demand.ports, sign === 1 ? -1 : 1);
  return free;
}

/** A node that has nothing of the resource itself may have devices for it. */
function delegated(snapshot: Snapshot, row: number, resource: string): boolean {
  return snapshot.column(resource).allocatable[row] === 0 && snapshot.devices.standsIn(resource);
}

/** Extended resources that the profile leaves to others. */
function ignored({ profile: { ignoredResources, ignoredResourceGroups } }: Ask, resource: string): boolean {
  if (ignoredResources.length === 0 && ignoredResourceGroups.length === 0) return false;
  if (!resource.includes('/') || resource.includes('kubernetes.io/')) return false;
  return ignoredResources.includes(resource) || ignoredResourceGroups.includes(resource.slice(0, resource.indexOf('/')));
}

const combinations: (readonly Refusal[])[] = [];
const COMBINATIONS_LIMIT = 64;

function shared(refusals: readonly Refusal[]): readonly Refusal[] {
  if (refusals.length === 0) return FINE;
  for (const known of combinations) if (known.length === refusals.length && known.every((one, i) => one === refusals[i])) return known;
  if (combinations.length >= COMBINATIONS_LIMIT) combinations.shift();
  combinations.push(refusals);
  return refusals;
}

/** One object for each answer, so that answers can be counted by identity. */
const insufficient = new Map<string, readonly [Refusal, Refusal]>();
const RESOURCE_NAMES_LIMIT = 256;

function tooLittle(resource: string, lasting: boolean): Refusal {
  let both = insufficient.get(resource);
  if (!both) {
    const of = (ever: boolean): Refusal => ({ plugin: 'NodeResourcesFit', reason: `Insufficient ${resource}`, lasting: ever });
    if (insufficient.size >= RESOURCE_NAMES_LIMIT) insufficient.clear();
    insufficient.set(resource, (both = [of(false), of(true)]));
  }
  return both[lasting ? 1 : 0];
}
