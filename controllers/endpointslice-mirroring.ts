/** The mirroring controller: what somebody wrote into Endpoints by hand also stands in EndpointSlices. */
import { endpoints, endpointslices, services } from '../api/resources.ts';
import type { EndpointAddress, EndpointSubset, Endpoints } from '../api/types/core.v1.ts';
import type { Endpoint, EndpointPort } from '../api/types/discovery.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { event, remove, subject } from './actions.ts';
import { watch, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { canonical } from './deployment/template.ts';
import { HEADLESS, TRIGGER_TIME, familyOf, serviceKey, type Family } from './endpoints-of.ts';
import { byService } from './endpointslice.ts';
import { isDeleting, ownerReference } from './owners.ts';
import { MANAGED_BY, SERVICE_NAME, reconcileSlices, type SliceGroup, type StoredSlice } from './slices.ts';

const MANAGER = 'endpointslicemirroring-controller.k8s.io';
const MAX_ENDPOINTS_PER_SUBSET = 1000;
const SKIP = 'endpointslice.kubernetes.io/skip-mirror';
const LEADER = 'control-plane.alpha.kubernetes.io/leader';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

export const endpointSliceMirroringController: Controller = {
  name: 'endpointslice-mirroring-controller',
  account: 'endpointslicemirroring-controller',
  component: 'endpoint-slice-mirroring-controller',
  rest: { baseMs: 1000, limitMs: 100_000 },
  watches: [
    watch({ resource: endpoints, keys: (object) => [serviceKey(object)] }),
    watch({ resource: services, keys: (service) => [serviceKey(service)], matters: (a, b) => Boolean(a.spec?.selector) !== Boolean(b.spec?.selector) }),
    watch({ resource: endpointslices, indexes: { byService }, keys: sliceKeys }),
  ],
  reconcile,
};

function sliceKeys({ metadata }: StoredSlice): string[] {
  const { [SERVICE_NAME]: service, [MANAGED_BY]: manager } = metadata.labels ?? {};
  return service && manager === MANAGER ? [`${metadata.namespace}/${service}`] : [];
}

function reconcile(key: Key, view: View, { random }: Moment): Outcome {
  const existing = view.of(endpointslices).by('byService', `${MANAGER}/${key}`);
  const source = view.of(endpoints).get(parseKey(key));
  const service = view.of(services).get(parseKey(key));
  if (!source || !service || service.spec?.selector || isDeleting(source) || !isMirrored(source)) return { actions: existing.map((slice) => remove(endpointslices, slice)) };
  const { [SERVICE_NAME]: _, [MANAGED_BY]: __, [HEADLESS]: ___, ...labels } = source.metadata.labels ?? {};
  const { [LAST_APPLIED]: ____, [TRIGGER_TIME]: _____, ...annotations } = source.metadata.annotations ?? {};
  const actions = reconcileSlices(existing, groupsOf(source), {
    service: source.metadata.name,
    namespace: source.metadata.namespace,
    owner: ownerReference(endpoints, source),
    labels: { ...labels, [SERVICE_NAME]: source.metadata.name, [MANAGED_BY]: MANAGER },
    annotations,
    annotated: 'exactly',
    random,
    limit: MAX_ENDPOINTS_PER_SUBSET,
    placeholders: [],
  });
  const skipped = skippedOf(source);
  const message = `A max of ${MAX_ENDPOINTS_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset. ${skipped} addresses were skipped`;
  return { actions: [...(skipped > 0 ? [event(subject(endpoints, source), 'Warning', 'TooManyAddressesToMirror', message)] : []), ...actions] };
}

function isMirrored({ metadata }: Stored<Endpoints>): boolean {
  return metadata.labels?.[SKIP] !== 'true' && metadata.annotations?.[LEADER] === undefined;
}

function groupsOf(source: Stored<Endpoints>): SliceGroup[] {
  const groups = new Map<string, { readonly addressType: Family; readonly ports: readonly EndpointPort[]; readonly endpoints: Endpoint[] }>();
  for (const subset of source.subsets ?? []) {
    const ports = (subset.ports ?? []).map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({ name, port, protocol, ...(appProtocol && { appProtocol }) }));
    for (const endpoint of endpointsOf(subset)) {
      const addressType = familyOf(endpoint.addresses[0] ?? '');
      const text = addressType + canonical(ports);
      const group = groups.get(text);
      if (group) group.endpoints.push(endpoint);
      else groups.set(text, { addressType, ports, endpoints: [endpoint] });
    }
  }
  return [...groups.values()];
}

function skippedOf({ subsets = [] }: Stored<Endpoints>): number {
  return subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + Math.max(0, addresses.length + notReadyAddresses.length - MAX_ENDPOINTS_PER_SUBSET), 0);
}

function endpointsOf({ addresses = [], notReadyAddresses = [] }: DeepReadonly<EndpointSubset>): Endpoint[] {
  const all = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))];
  return all.slice(0, MAX_ENDPOINTS_PER_SUBSET);
}

function endpointOf({ ip, hostname, nodeName, targetRef }: DeepReadonly<EndpointAddress>, ready: boolean): Endpoint {
  return { addresses: [ip], conditions: { ready }, ...(hostname && { hostname }), ...(nodeName && { nodeName }), ...(targetRef && { targetRef }) };
}
