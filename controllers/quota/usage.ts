/** What an object uses of a quota. */
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, quantityOf, zeroQuantity, type Quantity } from '../../api/quantity.ts';
import type { PersistentVolumeClaim, PodSpec, ResourceQuota, Service } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { timeMs } from '../../client/time.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { isDone, type StoredPod } from '../pods.ts';

export type Amounts = ReadonlyMap<string, Quantity>;
export type Quota = Stored<ResourceQuota>;

export function sum(all: readonly Amounts[]): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  for (const amounts of all) for (const [name, amount] of amounts) total.set(name, addQuantities(total.get(name) ?? { ...zeroQuantity, format: amount.format }, amount));
  return total;
}

/** A pod that has ended, or should have, uses nothing but its place in the store. */
export function podUsage(pod: StoredPod, now: number): Amounts {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata;
  const usage = new Map<string, Quantity>([['count/pods', quantityOf(1)]]);
  const overdue = deletionTimestamp !== undefined && timeMs(deletionTimestamp) + deletionGracePeriodSeconds * 1000 < now;
  if (isDone(pod) || overdue || !pod.spec) return usage;
  usage.set('pods', quantityOf(1));
  for (const [name, amount] of podAmounts(pod.spec, 'requests')) {
    if (PLAIN.has(name) || name.startsWith('hugepages-')) usage.set(name, amount);
    usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podAmounts(pod.spec, 'limits')) usage.set(`limits.${name}`, amount);
  return usage;
}

const PLAIN = new Set(['cpu', 'memory', 'ephemeral-storage']);

function podAmounts(spec: DeepReadonly<PodSpec>, side: 'requests' | 'limits'): Map<string, Quantity> {
  let running: Amounts = new Map();
  let sidecars: Amounts = new Map();
  let starting: Amounts = new Map();
  for (const container of spec.containers) running = sum([running, parsed(container.resources?.[side])]);
  for (const container of spec.initContainers ?? []) {
    const own = parsed(container.resources?.[side]);
    if (container.restartPolicy === 'Always') {
      running = sum([running, own]);
      sidecars = sum([sidecars, own]);
      starting = larger(starting, sidecars);
    } else starting = larger(starting, sum([sidecars, own]));
  }
  const total = new Map([...larger(running, starting), ...parsed(spec.resources?.[side])]);
  const overhead = parsed(spec.overhead);
  return sum([total, side === 'requests' ? overhead : new Map([...overhead].filter(([name]) => total.has(name)))]);
}

function parsed(amounts: Readonly<Record<string, string>> | undefined): Amounts {
  return new Map(Object.entries(amounts ?? {}).map(([name, text]) => [name, parseQuantity(text) ?? zeroQuantity]));
}

function larger(a: Amounts, b: Amounts): Map<string, Quantity> {
  const result = new Map(a);
  for (const [name, amount] of b) if (compareQuantities(result.get(name) ?? zeroQuantity, amount) < 0) result.set(name, amount);
  return result;
}

export function serviceUsage({ spec }: Stored<Service>): Amounts {
  const ports = spec?.ports?.length ?? 0;
  const balanced = spec?.type === 'LoadBalancer';
  const nodePorts = spec?.type === 'NodePort' ? ports : balanced ? (spec.allocateLoadBalancerNodePorts === false ? (spec.ports ?? []).filter(({ nodePort }) => nodePort).length : ports) : 0;
  return new Map([['services', quantityOf(1)], ['count/services', quantityOf(1)], ['services.nodeports', quantityOf(nodePorts)], ['services.loadbalancers', quantityOf(balanced ? 1 : 0)]]);
}

export function claimUsage({ spec, status }: Stored<PersistentVolumeClaim>): Amounts {
  const asked = parseQuantity(spec?.resources?.requests?.['storage'] ?? '0') ?? zeroQuantity;
  const allocated = parseQuantity(status?.allocatedResources?.['storage'] ?? '0') ?? zeroQuantity;
  const storage = compareQuantities(allocated, asked) > 0 ? allocated : asked;
  const usage = new Map([['persistentvolumeclaims', quantityOf(1)], ['count/persistentvolumeclaims', quantityOf(1)], ['requests.storage', storage]]);
  if (spec?.storageClassName) {
    const suffix = `${spec.storageClassName}.storageclass.storage.k8s.io/`;
    usage.set(`${suffix}persistentvolumeclaims`, quantityOf(1));
    usage.set(`${suffix}requests.storage`, storage);
  }
  return usage;
}

/** Whether a quota with scopes is about this pod. */
export function inScope(quota: Quota, pod: StoredPod): boolean {
  const { scopes = [], scopeSelector } = quota.spec?.hard ? quota.spec : {};
  const selectors = [...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' as const, values: undefined })), ...(scopeSelector?.matchExpressions ?? [])];
  return selectors.every(({ scopeName, operator, values }) => matchesScope(pod, { scopeName, operator, values: values ?? [] }));
}

interface ScopeRequirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values: readonly string[];
}

function matchesScope(pod: StoredPod, { scopeName, operator, values }: ScopeRequirement): boolean {
  const ends = pod.spec?.activeDeadlineSeconds !== undefined;
  switch (scopeName) {
    case 'Terminating':
      return ends;
    case 'NotTerminating':
      return !ends;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass':
      return matchesClass(pod.spec?.priorityClassName, operator, values);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(pod);
    default:
      return false;
  }
}

function matchesClass(name: string | undefined, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return name !== undefined && values.includes(name);
    case 'NotIn':
      return name === undefined || !values.includes(name);
    case 'DoesNotExist':
      return !name;
    default:
      return Boolean(name);
  }
}

function isBestEffort({ spec }: StoredPod): boolean {
  return ![...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].some(({ resources }) => Object.keys({ ...resources?.requests, ...resources?.limits }).some((name) => name === 'cpu' || name === 'memory'));
}

function crossesNamespaces({ spec }: StoredPod): boolean {
  const terms = [spec?.affinity?.podAffinity, spec?.affinity?.podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some(({ namespaces, namespaceSelector }) => (namespaces ?? []).length > 0 || namespaceSelector !== undefined);
}

/** The amounts of what the quota limits, as texts. */
export function masked(total: Amounts, hard: Readonly<Record<string, string>>, known: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(Object.keys(hard).filter(known).map((name) => [name, formatQuantity(total.get(name) ?? zeroQuantity)]));
}
