/** What a pod asks for in numbers: cpu in thousandths, everything else in units (bytes). */
import { isPodLevelResource } from '../api/kinds/shared/resource-list.ts';
import { type Sums, podSum } from '../api/pod-sum.ts';
import { milliValue, parseQuantity, value } from '../api/quantity.ts';
import type { Container, ContainerStatus, Pod } from '../api/types/core.v1.ts';
import type { DeepReadonly } from '../std/deep.ts';

export type Amounts = Map<string, number>;

/** As scoring counts containers without a request of their own. */
export const SCORING_DEFAULTS: Readonly<Record<string, number>> = { cpu: 100, memory: 200 * 1024 * 1024 };

/** Amount of a resource in the scheduler's units. */
export function amount(resource: string, quantity: string): number {
  const known = amounts.get(quantity);
  if (known) return resource === 'cpu' ? known.milli : known.units;
  const parsed = parseQuantity(quantity);
  const both = parsed ? { milli: milliValue(parsed), units: value(parsed) } : { milli: 0, units: 0 };
  if (amounts.size >= AMOUNTS_LIMIT) amounts.clear();
  amounts.set(quantity, both);
  return resource === 'cpu' ? both.milli : both.units;
}

/** Anything that is not counted in every node's own fields. */
export function isScalar(resource: string): boolean {
  return resource !== 'cpu' && resource !== 'memory' && resource !== 'ephemeral-storage';
}

/**
 * Containers together, or the largest moment of the init containers, whichever is more; plus overhead. Pod-level requests win.
 * While a pod is resized in place, what it has and what it was promised count as well as what it asks for.
 */
export function podRequests({ spec, status }: DeepReadonly<Pod>, fallback: Readonly<Record<string, number>> = {}): Amounts {
  if (!spec) return new Map();
  const given = status?.containerStatuses?.some(({ resources }) => resources) || status?.initContainerStatuses?.some(({ resources }) => resources) ? status : undefined;
  const infeasible = given?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason === 'Infeasible';
  const effective = (container: DeepReadonly<Container>): Amounts => {
    const asked = containerRequests(container.resources?.requests, fallback);
    const actual = given && [...(given.containerStatuses ?? []), ...(given.initContainerStatuses ?? [])].find(({ name }) => name === container.name);
    return actual?.resources ? resized(asked, actual, { infeasible, fallback }) : asked;
  };
  const of = (container: DeepReadonly<Container>, lasts: boolean): Amounts => (lasts ? effective(container) : containerRequests(container.resources?.requests, fallback));
  const total = new Map(podSum(spec, of, SUMS));
  for (const [resource, quantity] of Object.entries(spec.resources?.requests ?? {})) {
    if (!isPodLevelResource(resource)) continue;
    const asked = amount(resource, quantity);
    const has = status?.resources ? Math.max(amount(resource, status.resources.requests?.[resource] ?? '0'), amount(resource, status.allocatedResources?.[resource] ?? '0')) : 0;
    total.set(resource, status?.resources && infeasible ? has : Math.max(asked, has));
  }
  for (const [resource, quantity] of Object.entries(spec.overhead ?? {})) total.set(resource, (total.get(resource) ?? 0) + amount(resource, quantity));
  return total;
}

export function sameAmounts(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  if (a.size !== b.size) return false;
  for (const [resource, units] of a) if (b.get(resource) !== units) return false;
  return true;
}

/** The same few texts come again and again. */
const amounts = new Map<string, { readonly milli: number; readonly units: number }>();
const AMOUNTS_LIMIT = 4096;

function containerRequests(requests: Readonly<Record<string, string>> | undefined, fallback: Readonly<Record<string, number>>): Amounts {
  const out: Amounts = new Map();
  for (const resource in requests) {
    const units = amount(resource, requests[resource] as string);
    if (units > 0) out.set(resource, units);
  }
  for (const resource in fallback) if (requests?.[resource] === undefined) out.set(resource, fallback[resource] as number);
  return out;
}

function resized(asked: Amounts, { resources, allocatedResources }: DeepReadonly<ContainerStatus>, { infeasible, fallback }: { readonly infeasible: boolean; readonly fallback: Readonly<Record<string, number>> }): Amounts {
  const out = infeasible ? containerRequests({ ...resources?.requests, ...allocatedResources }, fallback) : new Map(asked);
  raise(out, containerRequests(resources?.requests, {}));
  raise(out, containerRequests(allocatedResources, {}));
  return out;
}

/** None is changed: what is added to nothing is the same. */
const SUMS: Sums<Amounts> = {
  none: new Map(),
  plus(a, b) {
    if (a.size === 0 || b.size === 0) return a.size === 0 ? b : a;
    const sum = new Map(a);
    for (const [resource, units] of b) sum.set(resource, (sum.get(resource) ?? 0) + units);
    return sum;
  },
  largest(a, b) {
    if (a.size === 0 || b.size === 0) return a.size === 0 ? b : a;
    const most = new Map(a);
    raise(most, b);
    return most;
  },
};

function raise(to: Amounts, at: Amounts): void {
  for (const [resource, units] of at) to.set(resource, Math.max(to.get(resource) ?? 0, units));
}
