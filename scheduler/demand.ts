/** What a pod asks of a node, taken once from its spec; pods that ask the same share one demand and its memoised results. */
import { milliValue, parseQuantity, value } from '../api/quantity.ts';
import type { Container, NodeSelector, Pod, PodSpec, PreferredSchedulingTerm, Toleration } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';

export interface Demand {
  /** Equal for pods that every filter and score treats the same. */
  readonly signature: string;
  /** cpu in thousandths, everything else in units (bytes). */
  readonly requests: ReadonlyMap<string, number>;
  /** As scoring counts them: containers without a request count as a small one. */
  readonly nonzeroCpu: number;
  readonly nonzeroMemory: number;
  readonly ports: readonly HostPort[];
  readonly nodeName: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly required: DeepReadonly<NodeSelector> | undefined;
  readonly preferred: readonly DeepReadonly<PreferredSchedulingTerm>[];
  readonly tolerations: readonly DeepReadonly<Toleration>[];
  /** Names of constraints that no filter here honours; such a pod is refused by name. */
  readonly unsupported: readonly string[];
}

export interface HostPort {
  readonly protocol: string;
  readonly ip: string;
  readonly port: number;
}

const DEFAULT_CPU_MILLI = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

type Spec = DeepReadonly<PodSpec>;
type Amounts = Map<string, number>;

export function demandOf(pod: Stored<Pod>): Demand {
  const spec = pod.spec;
  const requests = podRequests(spec);
  const nonzero = podRequests(spec, { cpu: DEFAULT_CPU_MILLI, memory: DEFAULT_MEMORY_BYTES });
  const affinity = spec.affinity?.nodeAffinity;
  const facts = {
    ports: hostPorts(spec),
    nodeName: spec.nodeName ?? '',
    nodeSelector: spec.nodeSelector ?? {},
    required: affinity?.requiredDuringSchedulingIgnoredDuringExecution,
    preferred: affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
    tolerations: spec.tolerations ?? [],
    unsupported: unsupportedIn(spec),
  };
  const amounts = { nonzeroCpu: nonzero.get('cpu') ?? 0, nonzeroMemory: nonzero.get('memory') ?? 0 };
  return { signature: JSON.stringify([facts, [...requests], amounts]), requests, ...amounts, ...facts };
}

/** Amount of a resource in the scheduler's units. */
export function amount(resource: string, quantity: string): number {
  const parsed = parseQuantity(quantity);
  if (!parsed) return 0;
  return resource === 'cpu' ? milliValue(parsed) : value(parsed);
}

/** Containers together, or the largest moment of the init containers, whichever is more; plus overhead. Pod-level requests win. */
function podRequests(spec: Spec, fallback: Readonly<Record<string, number>> = {}): Amounts {
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

function containerRequests(container: DeepReadonly<Container>, fallback: Readonly<Record<string, number>>): Amounts {
  const out: Amounts = new Map();
  for (const [resource, quantity] of Object.entries(container.resources?.requests ?? {})) {
    const units = amount(resource, quantity);
    if (units > 0) out.set(resource, units);
  }
  for (const [resource, units] of Object.entries(fallback)) if (!out.has(resource) && container.resources?.requests?.[resource] === undefined) out.set(resource, units);
  return out;
}

function add(to: Amounts, more: Amounts): void {
  for (const [resource, units] of more) to.set(resource, (to.get(resource) ?? 0) + units);
}

function raise(to: Amounts, at: Amounts): void {
  for (const [resource, units] of at) to.set(resource, Math.max(to.get(resource) ?? 0, units));
}

function hostPorts(spec: Spec): HostPort[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')];
  return containers.flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => (port.hostPort ?? 0) > 0)
      .map((port) => ({ protocol: port.protocol ?? 'TCP', ip: port.hostIP || '0.0.0.0', port: port.hostPort as number })),
  );
}

function unsupportedIn(spec: Spec): string[] {
  const out: string[] = [];
  if (spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length) out.push('spec.affinity.podAffinity');
  if (spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length) out.push('spec.affinity.podAntiAffinity');
  if (spec.topologySpreadConstraints?.some((c) => c.whenUnsatisfiable === 'DoNotSchedule')) out.push('spec.topologySpreadConstraints');
  if (spec.resourceClaims?.length) out.push('spec.resourceClaims');
  return out;
}
