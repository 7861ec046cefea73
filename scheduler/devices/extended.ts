/** Extended resources that classes of devices stand in for: which devices a pod's containers are to get, as a claim would ask. Follows extendeddynamicresources.go of kube-scheduler v1.36. */
import type { Container, ContainerExtendedResourceRequest, Pod } from '../../api/types/core.v1.ts';
import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../api/types/resource.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { DeepReadonly } from '../../std/deep.ts';

/** Each class stands in for the resource of this name besides the one that it names itself. */
const IMPLICIT = 'deviceclass.resource.kubernetes.io/';
const MARK = 'resource.kubernetes.io/extended-resource-claim';

export interface Requested {
  readonly requests: readonly DeviceRequest[];
  /** Which request serves which container. */
  readonly mappings: readonly ContainerExtendedResourceRequest[];
}

export class StandIns {
  readonly #classes = new Map<string, Stored<DeviceClass>>();
  #byResource: ReadonlyMap<string, string> | undefined;

  set(one: Stored<DeviceClass>): void {
    this.#classes.set(one.metadata.name, one);
    this.#byResource = undefined;
  }

  remove(name: string): void {
    this.#classes.delete(name);
    this.#byResource = undefined;
  }

  /** The name of the class whose devices are given for the resource: of several the newest. */
  classOf(resource: string): string | undefined {
    if (this.#classes.size === 0 || !resource.includes('/')) return undefined;
    if (resource.startsWith(IMPLICIT)) return this.#classes.has(resource.slice(IMPLICIT.length)) ? resource.slice(IMPLICIT.length) : undefined;
    this.#byResource ??= this.#index();
    return this.#byResource.get(resource);
  }

  #index(): Map<string, string> {
    const newestLast = [...this.#classes.values()].sort((a, b) => compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || compare(b.metadata.name, a.metadata.name));
    return new Map(newestLast.flatMap(({ metadata, spec }) => (spec.extendedResourceName ? [[spec.extendedResourceName, metadata.name] as const] : [])));
  }
}

/** The pod for which the claim was made, where it stands for extended resources. */
export function standsFor({ metadata: { annotations, ownerReferences = [] } }: Stored<ResourceClaim>): string | undefined {
  return annotations?.[MARK] === 'true' ? ownerReferences.find(({ controller }) => controller)?.uid : undefined;
}

export function claimMetadata({ metadata: { namespace, name, uid } }: Stored<Pod>): object {
  return {
    namespace,
    generateName: `${name}-extended-resources-`,
    annotations: { [MARK]: 'true' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
  };
}

/** Containers that end before others begin use what those get later, and beyond that share what the greediest of them needs. */
export function requestsOf({ spec }: Stored<Pod>, classes: ReadonlyMap<string, string>): Requested {
  const initial = spec.initContainers ?? [];
  const containers = [...initial, ...spec.containers];
  const isShortLived = (i: number): boolean => i < initial.length && containers[i]?.restartPolicy !== 'Always';
  const requests: DeviceRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const [resource, className] of [...classes].sort(([a], [b]) => compare(a, b))) {
    const long = containers.map((container, i) => (isShortLived(i) ? NOTHING : requestOf(container, { index: i, resource, className, later: [] })));
    const short = containers.map((container, i) => (isShortLived(i) ? requestOf(container, { index: i, resource, className, later: long.slice(i) }) : NOTHING));
    const own = short.flatMap(({ request }) => request ?? []);
    const greediest = own.reduce<DeviceRequest | undefined>((most, one) => (most && countOf(most) >= countOf(one) ? most : one), undefined);
    const names = new Set(own.map(({ name }) => name));
    const shared = short.flatMap(({ uses }) => uses).map((one) => (greediest && names.has(one.requestName) ? { ...one, requestName: greediest.name } : one));
    requests.push(...(greediest ? [greediest] : []), ...long.flatMap(({ request }) => request ?? []));
    mappings.push(...long.flatMap(({ uses }) => uses), ...shared);
  }
  return { requests: requests.sort((a, b) => compare(a.name, b.name)), mappings };
}

interface OfContainer {
  readonly request: DeviceRequest | undefined;
  readonly uses: readonly ContainerExtendedResourceRequest[];
}

const NOTHING: OfContainer = { request: undefined, uses: [] };

function requestOf({ name, resources }: DeepReadonly<Container>, { index, resource, className, later }: { readonly index: number; readonly resource: string; readonly className: string; readonly later: readonly OfContainer[] }): OfContainer {
  const asked = resources?.requests ?? {};
  const count = Number(asked[resource] ?? 0);
  if (!Number.isSafeInteger(count) || count <= 0) return NOTHING;
  const uses: ContainerExtendedResourceRequest[] = [];
  let sum = 0;
  for (const { request } of later) {
    if (!request) continue;
    sum += countOf(request);
    uses.push({ containerName: name, resourceName: resource, requestName: request.name });
    if (sum >= count) return { request: undefined, uses };
  }
  const requestName = `container-${index}-request-${Object.keys(asked).sort().indexOf(resource)}`;
  uses.push({ containerName: name, resourceName: resource, requestName });
  return { request: { name: requestName, exactly: { deviceClassName: className, allocationMode: 'ExactCount', count: count - sum } }, uses };
}

function countOf({ exactly }: DeviceRequest): number {
  return exactly?.count ?? 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
