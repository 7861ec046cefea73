/** What a pod asks for in numbers: cpu in thousandths, everything else in units (bytes). */
import { milliValue, parseQuantity, value } from '../api/quantity.ts';
import type { Container, PodSpec } from '../api/types/core.v1.ts';
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

/** Containers together, or the largest moment of the init containers, whichever is more; plus overhead. Pod-level requests win. */
export function podRequests(spec: DeepReadonly<PodSpec>, fallback: Readonly<Record<string, number>> = {}): Amounts {
  const total: Amounts = new Map();
  for (const container of spec.containers) add(total, containerRequests(container, fallback));
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = containerRequests(container, fallback);
    if (container.restartPolicy === 'Always') {
      add(sidecars, own);
      add(total, own);
      raise(starting, sidecars);
    } else {
      const moment: Amounts = new Map(sidecars);
      add(moment, own);
      raise(starting, moment);
    }
  }
  raise(total, starting);
  for (const [resource, quantity] of Object.entries(spec.resources?.requests ?? {})) total.set(resource, amount(resource, quantity));
  for (const [resource, quantity] of Object.entries(spec.overhead ?? {})) total.set(resource, (total.get(resource) ?? 0) + amount(resource, quantity));
  return total;
}

/** The same few texts come again and again. */
const amounts = new Map<string, { readonly milli: number; readonly units: number }>();
const AMOUNTS_LIMIT = 4096;

function containerRequests(container: DeepReadonly<Container>, fallback: Readonly<Record<string, number>>): Amounts {
  const out: Amounts = new Map();
  const requests = container.resources?.requests;
  for (const resource in requests) {
    const units = amount(resource, requests[resource] as string);
    if (units > 0) out.set(resource, units);
  }
  for (const resource in fallback) if (requests?.[resource] === undefined) out.set(resource, fallback[resource] as number);
  return out;
}

function add(to: Amounts, more: Amounts): void {
  for (const [resource, units] of more) to.set(resource, (to.get(resource) ?? 0) + units);
}

function raise(to: Amounts, at: Amounts): void {
  for (const [resource, units] of at) to.set(resource, Math.max(to.get(resource) ?? 0, units));
}
