/** What an object takes of a quota, and which of a quota's resources and scopes concern it. Pure. */
import type { ApiObject } from '../kind.ts';
import type { Quantity } from '../quantity.ts';
import { compareQuantities, quantityOf, roundedToUnits } from '../quantity.ts';
import type { PersistentVolumeClaim, Pod, PodSpec, ResourceQuota, ScopedResourceSelectorRequirement, Service } from '../types/core.v1.ts';
import type { ResourceClaim } from '../types/resource.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { isExtendedResource, isNativeResource } from '../kinds/shared/resource-list.ts';
import type { Amounts } from './amounts.ts';
import { amountsOf, plus } from './amounts.ts';
import { CLASS_AS_RESOURCE, DEVICES_OF_CLASS, devicesOf, extendedResourcesOf, isClassResource, payerOf, type ClaimSurroundings } from './device-claims.ts';
import { podAmounts } from './pod-amounts.ts';

/** How one resource is counted. Objects are in their hub version. */
export interface Evaluator {
  /** Of the names in a quota, those that this resource takes from. */
  concerns(name: string): boolean;
  usage(object: DeepReadonly<ApiObject>, now: number): Amounts;
  /** Why the object may not stand under a quota on these names; undefined when it may. */
  missing?(object: DeepReadonly<ApiObject>, names: readonly string[]): string | undefined;
  inScope(object: DeepReadonly<ApiObject>, scope: DeepReadonly<ScopedResourceSelectorRequirement>): boolean;
}

const ONE = quantityOf(1);
/** Names of old under which some core resources are counted, besides `count/…`. */
const ALIASES: readonly string[] = ['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets'];

/** `around` is asked about claims of devices only. */
export function evaluatorOf(group: string, plural: string, around: ClaimSurroundings): Evaluator {
  if (group === '' && plural === 'pods') return PODS;
  if (group === '' && plural === 'services') return SERVICES;
  if (group === '' && plural === 'persistentvolumeclaims') return CLAIMS;
  if (group === 'resource.k8s.io' && plural === 'resourceclaims') return deviceClaims(around);
  const names = [`count/${group ? `${plural}.${group}` : plural}`, ...(group === '' && ALIASES.includes(plural) ? [plural] : [])];
  const usage = Object.fromEntries(names.map((name) => [name, ONE]));
  return { concerns: (name) => names.includes(name), usage: () => usage, inScope: () => false };
}

/** Both ways of writing scopes as one list. */
export function scopesOf({ spec }: DeepReadonly<ResourceQuota>): readonly DeepReadonly<ScopedResourceSelectorRequirement>[] {
  return [...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' as const })), ...(spec?.scopeSelector?.matchExpressions ?? [])];
}

const COMPUTE = ['cpu', 'memory', 'ephemeral-storage'];
const POD_NAMES = ['pods', 'count/pods', ...COMPUTE, ...COMPUTE.flatMap((name) => [`requests.${name}`, `limits.${name}`])];
/** Under a quota on these, every container must say how much it wants. */
const DEMANDED = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

const PODS: Evaluator = {
  concerns: (name) => POD_NAMES.includes(name) || name.startsWith('hugepages-') || name.startsWith('requests.hugepages-') || (name.startsWith('requests.') && (!isNativeResource(name) || name.startsWith(`requests.${CLASS_AS_RESOURCE}`))),
  usage: (object, now) => podUsage(object as unknown as DeepReadonly<Pod>, now),
  missing(object, names) {
    const { spec } = object as unknown as DeepReadonly<Pod>;
    if (!spec || Object.keys({ ...spec.resources?.requests, ...spec.resources?.limits }).length > 0) return undefined;
    const lacking = new Map<string, Set<string>>();
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
      const has = computed(amountsOf(container.resources?.requests), amountsOf(container.resources?.limits));
      for (const name of names) if (DEMANDED.includes(name) && !has[name]) lacking.set(name, (lacking.get(name) ?? new Set()).add(container.name));
    }
    if (lacking.size === 0) return undefined;
    return `must specify ${[...lacking.keys()].sort().map((name) => `${name} for: ${[...(lacking.get(name) ?? [])].sort().join(',')}`).join('; ')}`;
  },
  inScope(object, scope) {
    const { spec } = object as unknown as DeepReadonly<Pod>;
    if (!spec) return false;
    switch (scope.scopeName) {
      case 'Terminating':
        return isTerminating(spec);
      case 'NotTerminating':
        return !isTerminating(spec);
      case 'BestEffort':
        return isBestEffort(spec);
      case 'NotBestEffort':
        return !isBestEffort(spec);
      case 'PriorityClass':
        return selected(scope, spec.priorityClassName || undefined);
      case 'CrossNamespacePodAffinity':
        return looksElsewhere(spec);
      default:
        return false;
    }
  },
};

function podUsage({ metadata, spec, status }: DeepReadonly<Pod>, now: number): Amounts {
  const counted: Amounts = { 'count/pods': ONE };
  if (!spec || isOver({ metadata, status }, now)) return counted;
  const options = { overhead: true, ...(status && { status }) };
  return plus(counted, computed(podAmounts(spec, 'requests', options), podAmounts(spec, 'limits', options)));
}

function computed(requests: Amounts, limits: Amounts): Record<string, Quantity> {
  const out: Record<string, Quantity> = { pods: ONE };
  for (const name of COMPUTE) {
    if (requests[name]) out[name] = out[`requests.${name}`] = requests[name];
    if (limits[name]) out[`limits.${name}`] = limits[name];
  }
  for (const [name, quantity] of Object.entries(requests)) {
    if (name.startsWith('hugepages-')) out[name] = quantity;
    if (name.startsWith('hugepages-') || isExtendedResource(name) || name.startsWith(CLASS_AS_RESOURCE)) out[`requests.${name}`] = quantity;
  }
  return out;
}

/** Ended, or so long under deletion that nobody should pay for it. */
function isOver({ metadata, status }: Pick<DeepReadonly<Pod>, 'metadata'> & { readonly status: DeepReadonly<Pod>['status'] | undefined }, now: number): boolean {
  if (status?.phase === 'Failed' || status?.phase === 'Succeeded') return true;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return typeof deletionTimestamp === 'string' && deletionGracePeriodSeconds !== undefined && now > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

export function isTerminating({ activeDeadlineSeconds }: DeepReadonly<PodSpec>): boolean {
  return activeDeadlineSeconds !== undefined && activeDeadlineSeconds >= 0;
}

function isBestEffort(spec: DeepReadonly<PodSpec>): boolean {
  const holders = [...spec.containers, ...(spec.initContainers ?? []), spec];
  return !holders.some(({ resources }) => ['cpu', 'memory'].some((name) => [resources?.requests, resources?.limits].some((list) => (amountsOf(list)[name]?.nano ?? 0n) > 0n)));
}

function looksElsewhere({ affinity }: DeepReadonly<PodSpec>): boolean {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].some((side) =>
    [
      ...(side?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(side?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
    ].some(({ namespaces, namespaceSelector }) => (namespaces?.length ?? 0) > 0 || namespaceSelector !== undefined),
  );
}

function selected({ operator, values = [] }: DeepReadonly<ScopedResourceSelectorRequirement>, value: string | undefined): boolean {
  switch (operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    default:
      return false;
  }
}

const SERVICES: Evaluator = {
  concerns: (name) => ['services', 'count/services', 'services.nodeports', 'services.loadbalancers'].includes(name),
  inScope: () => false,
  usage(object) {
    const { spec } = object as unknown as DeepReadonly<Service>;
    const ports = spec?.ports ?? [];
    const balanced = spec?.type === 'LoadBalancer';
    const own = balanced && spec?.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports;
    return {
      services: ONE,
      'count/services': ONE,
      'services.nodeports': quantityOf(balanced || spec?.type === 'NodePort' ? own.length : 0),
      'services.loadbalancers': quantityOf(balanced ? 1 : 0),
    };
  },
};

/** While a volume grows, what it has grown to counts if that is more. In whole bytes. */
function claimedStorage(asked: Quantity | undefined, allocated: Quantity | undefined): Quantity | undefined {
  if (!asked) return undefined;
  return { ...roundedToUnits(allocated && compareQuantities(allocated, asked) > 0 ? allocated : asked), format: asked.format };
}

const CLASS_SUFFIX = '.storageclass.storage.k8s.io/';

const CLAIMS: Evaluator = {
  concerns: (name) => ['persistentvolumeclaims', 'count/persistentvolumeclaims', 'requests.storage'].includes(name) || name.endsWith(`${CLASS_SUFFIX}requests.storage`) || name.endsWith(`${CLASS_SUFFIX}persistentvolumeclaims`),
  inScope(object, scope) {
    const { spec, status } = object as unknown as DeepReadonly<PersistentVolumeClaim>;
    if (scope.scopeName !== 'VolumeAttributesClass') return false;
    const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter((name) => name);
    return names.length > 0 ? names.some((name) => selected(scope, name)) : selected(scope, undefined);
  },
  usage(object) {
    const { metadata, spec, status } = object as unknown as DeepReadonly<PersistentVolumeClaim>;
    const className = metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';
    const storage = claimedStorage(amountsOf(spec?.resources?.requests)['storage'], amountsOf(status?.allocatedResources)['storage']);
    return {
      persistentvolumeclaims: ONE,
      'count/persistentvolumeclaims': ONE,
      ...(className && { [`${className}${CLASS_SUFFIX}persistentvolumeclaims`]: ONE }),
      ...(storage && { 'requests.storage': storage }),
      ...(storage && className && { [`${className}${CLASS_SUFFIX}requests.storage`]: storage }),
    };
  },
};

const DEVICE_CLAIM_COUNT = 'count/resourceclaims.resource.k8s.io';

function deviceClaims(around: ClaimSurroundings): Evaluator {
  return {
    concerns: (name) => name === DEVICE_CLAIM_COUNT || name.endsWith(DEVICES_OF_CLASS) || isClassResource(name, around),
    inScope: () => false,
    usage(object, now) {
      const claim = object as unknown as DeepReadonly<ResourceClaim>;
      const devices = devicesOf(claim);
      const payer = payerOf(claim, around);
      return { [DEVICE_CLAIM_COUNT]: ONE, ...devices, ...extendedResourcesOf(devices, payer ? podUsage(payer, now) : {}, around) };
    },
  };
}
