/** The load balancer of bare metal: a Service of type LoadBalancer is reached at the addresses of the nodes, on its own ports. */
import { endpointslices, nodes, services } from '../api/resources.ts';
import type { Node, Service } from '../api/types/core.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual } from '../std/deep.ts';
import { event, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type View } from './controller.ts';
import { isDeleting } from './owners.ts';
import { statusOf } from './node/taints.ts';

type StoredService = Stored<Service>;
type StoredNode = Stored<Node>;

/** The class by which it can be asked for where there is another load balancer too. */
const OWN_CLASS = 'coracle.dev/nodes';
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers';
const SERVICE_NAME = 'kubernetes.io/service-name';

/** It remembers what it has said of which Service. */
export function serviceLoadBalancerController(): Controller {
  const said = new Map<string, string>();
  return {
    name: 'service-lb-controller',
    account: 'service-controller',
    watches: [
      // Ports that one gives up, another may have.
      watch({ resource: services, keys: (service, view) => (isOurs(service) || service.status?.loadBalancer?.ingress ? [keyOf(service), ...ours(view).filter((other) => sharesPort(service, other)).map(keyOf)] : []) }),
      watch({ resource: nodes, keys: (_, view) => ours(view).map(keyOf), matters: (before, after) => before.spec?.unschedulable !== after.spec?.unschedulable || isEligible(before) !== isEligible(after) || addressOf(before) !== addressOf(after) }),
      watch({
        resource: endpointslices,
        indexes: { bySliceService: ({ metadata }) => [`${metadata.namespace}/${metadata.labels?.[SERVICE_NAME] ?? ''}`] },
        keys: ({ metadata }, view) => {
          const service = view.of(services).get({ namespace: metadata.namespace, name: metadata.labels?.[SERVICE_NAME] ?? '' });
          return service && isOurs(service) && isLocal(service) ? [keyOf(service)] : [];
        },
      }),
    ],
    reconcile(key, view) {
      const service = view.of(services).get(parseKey(key));
      if (!service || isDeleting(service)) said.delete(key);
      if (!service || isDeleting(service)) return { actions: [] };
      const blocking = isOurs(service) ? ours(view).filter((other) => sharesPort(service, other) && isOlder(other, service)) : [];
      const ingress = isOurs(service) && blocking.length === 0 ? addresses(service, view).map((ip) => ({ ip, ipMode: 'VIP' })) : [];
      const actions: Action[] = [];
      const problem = blocking.length > 0 ? `ports are taken by ${blocking.map(keyOf).sort().join(', ')}` : '';
      if (problem && said.get(key) !== problem) actions.push(event(subject(services, service), 'Warning', 'PortConflict', problem));
      said.set(key, problem);
      const known = service.status?.loadBalancer?.ingress ?? [];
      // What others wrote into a Service that is none of ours stays.
      if (deepEqual(known, ingress) || (!isOurs(service) && service.spec?.type === 'LoadBalancer')) return { actions };
      const next = { ...service.status, loadBalancer: ingress.length > 0 ? { ingress } : {} };
      return { actions: [...actions, update(services, { ...service, status: next }, 'status')] };
    },
  };
}

function keyOf({ metadata }: StoredService): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function isOurs({ spec }: StoredService): boolean {
  return spec?.type === 'LoadBalancer' && (spec.loadBalancerClass === undefined || spec.loadBalancerClass === OWN_CLASS);
}

function ours(view: View): readonly StoredService[] {
  return view.of(services).list().filter(isOurs);
}

function isLocal({ spec }: StoredService): boolean {
  return spec?.externalTrafficPolicy === 'Local';
}

function sharesPort(a: StoredService, b: StoredService): boolean {
  if (a.metadata.uid === b.metadata.uid) return false;
  const ports = new Set((b.spec?.ports ?? []).map(({ port, protocol = 'TCP' }) => `${protocol} ${port}`));
  return (a.spec?.ports ?? []).some(({ port, protocol = 'TCP' }) => ports.has(`${protocol} ${port}`));
}

function isOlder(a: StoredService, b: StoredService): boolean {
  const [left, right] = [a.metadata, b.metadata].map(({ creationTimestamp, uid }) => `${creationTimestamp} ${uid}`) as [string, string];
  return left < right;
}

/** Of nodes that are ready, run containers and are not kept out; under the policy Local, of those with a ready endpoint. */
function addresses(service: StoredService, view: View): string[] {
  const holding = isLocal(service) ? nodesOf(service, view) : undefined;
  const chosen = view.of(nodes).list().filter((node) => isEligible(node) && (!holding || holding.has(node.metadata.name)));
  return [...new Set(chosen.map(addressOf).filter((address) => address !== undefined))].sort();
}

function nodesOf(service: StoredService, view: View): Set<string> {
  const slices = view.of(endpointslices).by('bySliceService', keyOf(service));
  return new Set(slices.flatMap(({ endpoints }) => (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false).map(({ nodeName }) => nodeName ?? '')));
}

/** A node without a container runtime has nothing that would answer. */
function isEligible(node: StoredNode): boolean {
  return statusOf(node, 'Ready') === 'True' && !isDeleting(node) && node.metadata.labels?.[EXCLUDED] === undefined && Boolean(node.status?.nodeInfo?.containerRuntimeVersion);
}

function addressOf({ status }: StoredNode): string | undefined {
  const of = (type: string): string | undefined => status?.addresses?.find((address) => address.type === type)?.address;
  return of('ExternalIP') ?? of('InternalIP');
}
