/** The EndpointSlice controller: where the pods behind each Service can be reached, and in which state they are. */
import { endpointslices, nodes, pods, services } from '../api/resources.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../api/types/discovery.v1.ts';
import { parseKey } from '../client/cache.ts';
import { watch, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { canonical } from './deployment/template.ts';
import { HEADLESS, addressOf, hostnameOf, isHeadless, isIncluded, isSelecting, podMatters, podReference, podsBehind, portOn, serviceKey, servicesOf, triggerTime, TRIGGER_TIME, type Family, type StoredService } from './endpoints-of.ts';
import { isDeleting, ownerReference } from './owners.ts';
import { byNode, isReady, type StoredPod } from './pods.ts';
import { MANAGED_BY, SERVICE_NAME, reconcileSlices, type SliceGroup, type StoredSlice } from './slices.ts';

const MANAGER = 'endpointslice-controller.k8s.io';
const MAX_ENDPOINTS_PER_SLICE = 100;
const ZONE = 'topology.kubernetes.io/zone';

export interface EndpointSliceOptions {
  readonly maxPerSlice?: number;
}

export function endpointSliceController({ maxPerSlice = MAX_ENDPOINTS_PER_SLICE }: EndpointSliceOptions = {}): Controller {
  return { name: 'endpointslice-controller', component: 'endpoint-slice-controller', watches: WATCHES, reconcile: (key, view, moment) => reconcile(key, view, moment, maxPerSlice) };
}

const WATCHES = [
  watch({ resource: services, keys: (service) => [serviceKey(service)] }),
  watch({ resource: pods, indexes: { byNode }, keys: servicesOf, matters: podMatters }),
  watch({ resource: endpointslices, indexes: { byService }, keys: sliceKeys }),
  watch({
    resource: nodes,
    keys: (node, view) => new Set(view.of(pods).by('byNode', node.metadata.name).flatMap((pod) => servicesOf(pod, view))),
    matters: (before, after) => before.metadata.labels?.[ZONE] !== after.metadata.labels?.[ZONE],
  }),
];

/** Index: slices by their manager and the Service they are for. */
export function byService(slice: StoredSlice): readonly string[] {
  const { [SERVICE_NAME]: service, [MANAGED_BY]: manager } = slice.metadata.labels ?? {};
  return service && manager ? [`${manager}/${slice.metadata.namespace}/${service}`] : [];
}

function sliceKeys({ metadata }: StoredSlice): string[] {
  const { [SERVICE_NAME]: service, [MANAGED_BY]: manager } = metadata.labels ?? {};
  return service && manager === MANAGER ? [`${metadata.namespace}/${service}`] : [];
}

function reconcile(key: Key, view: View, { random }: Moment, limit: number): Outcome {
  const service = view.of(services).get(parseKey(key));
  // The slices of a Service that is gone are its dependents, and go with it.
  if (!service || !isSelecting(service) || isDeleting(service)) return { actions: [] };
  const existing = view.of(endpointslices).by('byService', `${MANAGER}/${key}`);
  const behind = podsBehind(service, view);
  const families = (service.spec?.ipFamilies ?? ['IPv4']) as readonly Family[];
  const groups = families.flatMap((family) => groupsOf(service, behind, family, view));
  const noted = existing.map(({ metadata }) => metadata.annotations?.[TRIGGER_TIME]).filter((text) => text !== undefined).sort().at(-1);
  const trigger = triggerTime(service, behind, noted);
  const actions = reconcileSlices(existing, groups, {
    service: service.metadata.name,
    namespace: service.metadata.namespace,
    owner: ownerReference(services, service),
    labels: labelsOf(service),
    annotations: trigger === undefined ? {} : { [TRIGGER_TIME]: trigger },
    random,
    limit,
    placeholders: families,
  });
  return { actions };
}

function labelsOf(service: StoredService): Record<string, string> {
  const { [SERVICE_NAME]: _, [MANAGED_BY]: __, [HEADLESS]: ___, ...labels } = service.metadata.labels ?? {};
  return { ...labels, ...(isHeadless(service) && { [HEADLESS]: '' }), [SERVICE_NAME]: service.metadata.name, [MANAGED_BY]: MANAGER };
}

/** Pods that give a named port different numbers end up in groups of their own. */
function groupsOf(service: StoredService, behind: readonly StoredPod[], family: Family, view: View): SliceGroup[] {
  const groups = new Map<string, { readonly ports: readonly EndpointPort[]; readonly endpoints: Endpoint[] }>();
  for (const pod of behind) {
    const endpoint = isIncluded(pod, true) ? endpointOf(service, pod, family, view) : undefined;
    if (!endpoint) continue;
    const ports = portsOf(service, pod);
    const text = canonical(ports);
    const group = groups.get(text);
    if (group) group.endpoints.push(endpoint);
    else groups.set(text, { ports, endpoints: [endpoint] });
  }
  return [...groups.values()].map((group) => ({ ...group, addressType: family as EndpointSlice['addressType'] }));
}

function portsOf(service: StoredService, pod: StoredPod): EndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = portOn(pod, port);
    const { name = '', protocol = 'TCP', appProtocol } = port;
    return number === undefined ? [] : [{ name, port: number, protocol, ...(appProtocol && { appProtocol }) }];
  });
}

function endpointOf(service: StoredService, pod: StoredPod, family: Family, view: View): Endpoint | undefined {
  const address = addressOf(pod, family);
  if (!address) return undefined;
  const { nodeName } = pod.spec ?? {};
  const node = nodeName ? view.of(nodes).get({ name: nodeName }) : undefined;
  const unready = service.spec?.publishNotReadyAddresses === true;
  // Where the node is unknown so is the zone. It is looked at again when the node appears.
  if (nodeName && !node && !unready) return undefined;
  const terminating = isDeleting(pod);
  const serving = isReady(pod);
  const ready = unready || (serving && !terminating);
  const hostname = hostnameOf(pod, service);
  const zone = node?.metadata.labels?.[ZONE];
  const hints = ready ? hintsOf(service, zone, nodeName) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    targetRef: podReference(pod),
    ...(hints && { hints }),
  };
}

function hintsOf(service: StoredService, zone: string | undefined, nodeName: string | undefined): Endpoint['hints'] | undefined {
  const forZones = zone ? { forZones: [{ name: zone }] } : undefined;
  switch (service.spec?.trafficDistribution) {
    case 'PreferClose':
    case 'PreferSameZone':
      return forZones;
    case 'PreferSameNode':
      return nodeName ? { ...forZones, forNodes: [{ name: nodeName }] } : forZones;
    default:
      return undefined;
  }
}

