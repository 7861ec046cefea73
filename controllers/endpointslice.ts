/** The EndpointSlice controller: where the pods behind each Service can be reached, and in which state they are. */
import { endpointslices, nodes, pods, services } from '../api/resources.ts';
import type { Endpoint, EndpointPort, EndpointSlice } from '../api/types/discovery.v1.ts';
import { parseKey } from '../client/cache.ts';
import { event, subject } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { canonical } from './deployment/template.ts';
import { HEADLESS, ZONE, addressOf, hostnameOf, isHeadless, isIncluded, isSelecting, podMatters, podReference, podsBehind, portOn, serviceKey, servicesOf, triggerTime, TRIGGER_TIME, type Family, type StoredService } from './endpoints-of.ts';
import { statusOf } from './node/taints.ts';
import { isDeleting, ownerReference } from './owners.ts';
import { byNode, isReady, type StoredPod } from './pods.ts';
import { MANAGED_BY, SERVICE_NAME, reconcileSlices, type SliceGroup, type StoredSlice } from './slices.ts';
import { shareOut, wantsHints } from './topology-hints.ts';

const MANAGER = 'endpointslice-controller.k8s.io';
const MAX_ENDPOINTS_PER_SLICE = 100;

export interface EndpointSliceOptions {
  readonly maxPerSlice?: number;
}

/** It remembers which Services have hints by their annotation: that they come and go is worth an event. */
export function endpointSliceController({ maxPerSlice = MAX_ENDPOINTS_PER_SLICE }: EndpointSliceOptions = {}): Controller {
  const hinted = new Set<Key>();
  return {
    name: 'endpointslice-controller',
    component: 'endpoint-slice-controller',
    rest: { baseMs: 1000, limitMs: 1_000_000 },
    watches: watchesWith(hinted),
    reconcile: (key, view, moment) => reconcile({ key, view, moment, limit: maxPerSlice, hinted }),
    onRefused,
  };
}

const watchesWith = (hinted: ReadonlySet<Key>): Controller['watches'] => [
  watch({ resource: services, keys: (service) => [serviceKey(service)] }),
  watch({ resource: pods, indexes: { byNode }, keys: servicesOf, matters: podMatters }),
  watch({ resource: endpointslices, indexes: { byService }, keys: sliceKeys }),
  watch({
    resource: nodes,
    keys: (node, view) => new Set([...view.of(pods).by('byNode', node.metadata.name).flatMap((pod) => servicesOf(pod, view)), ...hinted]),
    matters: (before, after) => before.metadata.labels?.[ZONE] !== after.metadata.labels?.[ZONE] || (hinted.size > 0 && statusOf(before, 'Ready') !== statusOf(after, 'Ready')),
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

interface Look {
  readonly key: Key;
  readonly view: View;
  readonly moment: Moment;
  readonly limit: number;
  readonly hinted: Set<Key>;
}

function reconcile({ key, view, moment: { random }, limit, hinted }: Look): Outcome {
  const service = view.of(services).get(parseKey(key));
  // The slices of a Service that is gone are its dependents, and go with it.
  if (!service || !isSelecting(service) || isDeleting(service)) {
    hinted.delete(key);
    return { actions: [] };
  }
  const existing = view.of(endpointslices).by('byService', `${MANAGER}/${key}`);
  const behind = podsBehind(service, view);
  const families = (service.spec?.ipFamilies ?? ['IPv4']) as readonly Family[];
  const plain = families.map((family) => groupsOf(service, behind, family, view));
  const { groups, said } = withHints({ service, key, plain, existing, view, hinted });
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
  return { actions: [...actions, ...said] };
}

interface Hinting {
  readonly service: StoredService;
  readonly key: Key;
  /** By family. */
  readonly plain: readonly (readonly SliceGroup[])[];
  readonly existing: readonly StoredSlice[];
  readonly view: View;
  readonly hinted: Set<Key>;
}

/** The groups with hints by zone where the Service's annotation asks for them, and what is to be said of that. */
function withHints({ service, key, plain, existing, view, hinted }: Hinting): { readonly groups: readonly SliceGroup[]; readonly said: readonly Action[] } {
  const about = subject(services, service);
  const had = hinted.delete(key);
  if (!wantsHints(service)) {
    const family = plain[0]?.[0]?.addressType ?? 'IPv4';
    return { groups: plain.flat(), said: had ? [event(about, 'Warning', 'TopologyAwareHintsDisabled', `Topology Aware Hints has been disabled, addressType: ${family}`)] : [] };
  }
  const said: Action[] = [];
  const groups = plain.flatMap((ofFamily, i): readonly SliceGroup[] => {
    const family = ofFamily[0]?.addressType ?? ((service.spec?.ipFamilies?.[i] ?? 'IPv4') as EndpointSlice['addressType']);
    const shared = shareOut(ofFamily.flatMap(({ endpoints }) => endpoints), existing.filter(({ addressType }) => addressType === family), view.of(nodes).list());
    if ('problem' in shared) {
      said.push(event(about, 'Warning', 'TopologyAwareHintsDisabled', `${shared.problem}, addressType: ${family}`));
      return ofFamily;
    }
    if (!had && !hinted.has(key)) said.push(event(about, 'Normal', 'TopologyAwareHintsEnabled', `Topology Aware Hints has been enabled, addressType: ${family}`));
    hinted.add(key);
    let at = 0;
    return ofFamily.map((group) => ({ ...group, endpoints: shared.endpoints.slice(at, (at += group.endpoints.length)) }));
  });
  return { groups, said };
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
  const hints = ready && !wantsHints(service) ? hintsOf(service, zone, nodeName) : undefined;
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

function onRefused(key: Key, action: Action, error: Error, view: View): readonly Action[] {
  const service = view.of(services).get(parseKey(key));
  if (!service || (action.do !== 'create' && action.do !== 'update' && action.do !== 'delete')) return [];
  const name = action.do === 'delete' ? `${action.key.name} ` : action.do === 'update' ? `${(action.object as { metadata: { name: string } }).metadata.name} ` : '';
  return [event(subject(services, service), 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${key}: failed to ${action.do} ${name}EndpointSlice for Service ${key}: ${error.message}`)];
}
