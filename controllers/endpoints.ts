/** The Endpoints controller: the older form of what EndpointSlices say. */
import { endpoints, pods, services } from '../api/resources.ts';
import type { EndpointAddress, EndpointPort, EndpointSubset, Endpoints } from '../api/types/core.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { deepEqual, type DeepReadonly } from '../std/deep.ts';
import { create, event, remove, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Outcome, type View } from './controller.ts';
import { canonical } from './deployment/template.ts';
import { HEADLESS, TRIGGER_TIME, addressOf, familyOf, hostnameOf, isHeadless, isIncluded, isSelecting, podMatters, podReference, podsBehind, portOn, serviceKey, servicesOf, triggerTime, type Family, type StoredService } from './endpoints-of.ts';
import { isReady, type StoredPod } from './pods.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const MANAGER = 'endpoint-controller';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
/** More addresses are left out, the ready ones last. */
const MAX_ADDRESSES = 1000;

export const endpointsController: Controller = {
  name: 'endpoints-controller',
  account: 'endpoint-controller',
  watches: [
    watch({ resource: services, keys: (service) => [serviceKey(service)] }),
    watch({ resource: pods, keys: servicesOf, matters: podMatters }),
    // Hand-made Endpoints may come before their Service and are none of ours. What somebody edits stays until its Service or a pod changes, as upstream.
    watch({ resource: endpoints, keys: (object) => (object.metadata.labels?.[MANAGED_BY] === MANAGER ? [serviceKey(object)] : []), matters: () => false }),
  ],
  reconcile,
  onRefused,
};

function reconcile(key: Key, view: View): Outcome {
  const service = view.of(services).get(parseKey(key));
  const known = view.of(endpoints).get(parseKey(key));
  if (!service) return { actions: known ? [remove(endpoints, known)] : [] };
  if (!isSelecting(service)) return { actions: [] };
  const behind = podsBehind(service, view);
  const { subsets, truncated } = limited(repacked(service, behind));
  const { [HEADLESS]: _headless, ...own } = service.metadata.labels ?? {};
  const labels = { ...own, [MANAGED_BY]: MANAGER, ...(isHeadless(service) && { [HEADLESS]: '' }) };
  if (known && sameSubsets(known.subsets, subsets) && sameLabels(known, service) && truncated === (known.metadata.annotations?.[OVER_CAPACITY] !== undefined)) return { actions: [] };
  const { [TRIGGER_TIME]: noted, [OVER_CAPACITY]: _, ...kept } = known?.metadata.annotations ?? {};
  const trigger = triggerTime(service, behind, noted);
  const annotations = { ...kept, ...(trigger && { [TRIGGER_TIME]: trigger }), ...(truncated && { [OVER_CAPACITY]: 'truncated' }) };
  const { namespace, name } = service.metadata;
  const object = { ...known, metadata: { ...(known?.metadata ?? { name, namespace }), labels, annotations }, subsets };
  return { actions: [known ? update(endpoints, object as Endpoints) : create(endpoints, object as Endpoints)] };
}

function sameLabels({ metadata }: Stored<Endpoints>, service: StoredService): boolean {
  const { [MANAGED_BY]: manager, [HEADLESS]: _, ...labels } = metadata.labels ?? {};
  const { [HEADLESS]: __, ...wanted } = service.metadata.labels ?? {};
  return manager === MANAGER && deepEqual(labels, wanted);
}

type Side = 'ready' | 'unready';

/** Ports that have the same addresses share a subset. */
function repacked(service: StoredService, behind: readonly StoredPod[]): EndpointSubset[] {
  const byPort = new Map<string, { readonly port: EndpointPort | undefined; readonly ready: Map<string, EndpointAddress>; readonly unready: Map<string, EndpointAddress> }>();
  const put = (port: EndpointPort | undefined, side: Side, address: EndpointAddress): void => {
    const text = canonical(port ?? null);
    let entry = byPort.get(text);
    if (!entry) byPort.set(text, (entry = { port, ready: new Map(), unready: new Map() }));
    entry[side].set(`${address.ip} ${address.targetRef?.uid}`, address);
  };
  const { ports = [], publishNotReadyAddresses = false } = service.spec ?? {};
  for (const pod of behind) {
    const address = isIncluded(pod, publishNotReadyAddresses) ? endpointAddress(service, pod) : undefined;
    if (!address) continue;
    const side = publishNotReadyAddresses || isReady(pod) ? 'ready' : 'unready';
    if (ports.length === 0 && isHeadless(service)) put(undefined, side, address);
    for (const port of ports) {
      const number = portOn(pod, port);
      const { name, protocol = 'TCP', appProtocol } = port;
      if (number !== undefined) put({ ...(name && { name }), port: number, protocol, ...(appProtocol && { appProtocol }) }, side, address);
    }
  }
  const bySet = new Map<string, EndpointSubset & { ports: EndpointPort[] }>();
  for (const { port, ready, unready } of byPort.values()) {
    const text = `${[...ready.keys()].sort().join()}|${[...unready.keys()].sort().join()}`;
    const subset = bySet.get(text) ?? { ...(ready.size > 0 && { addresses: [...ready.values()] }), ...(unready.size > 0 && { notReadyAddresses: [...unready.values()] }), ports: [] };
    bySet.set(text, subset);
    if (port) subset.ports.push(port);
  }
  return sorted([...bySet.values()]);
}

function endpointAddress(service: StoredService, pod: StoredPod): EndpointAddress | undefined {
  const family = (service.spec?.ipFamilies?.[0] as Family | undefined) ?? familyOf(pod.status?.podIP ?? '');
  const ip = addressOf(pod, family);
  const hostname = hostnameOf(pod, service);
  const { nodeName } = pod.spec ?? {};
  return ip ? { ip, ...(nodeName && { nodeName }), targetRef: podReference(pod), ...(hostname && { hostname }) } : undefined;
}

function limited(subsets: EndpointSubset[]): { readonly subsets: EndpointSubset[]; readonly truncated: boolean } {
  const count = (side: 'addresses' | 'notReadyAddresses'): number => subsets.reduce((sum, subset) => sum + (subset[side]?.length ?? 0), 0);
  const [ready, unready] = [count('addresses'), count('notReadyAddresses')];
  if (ready + unready <= MAX_ADDRESSES) return { subsets, truncated: false };
  const cut = (side: 'addresses' | 'notReadyAddresses', most: number, total: number): EndpointSubset[] => {
    let room = most;
    return subsets.map((subset) => {
      const share = Math.min(room, Math.ceil(((subset[side]?.length ?? 0) / Math.max(1, total)) * most));
      room -= share;
      const { addresses, notReadyAddresses: _, ...rest } = subset;
      return side === 'addresses' ? { ...rest, addresses: (addresses ?? []).slice(0, share) } : { ...subset, notReadyAddresses: (subset.notReadyAddresses ?? []).slice(0, share) };
    });
  };
  return { subsets: ready > MAX_ADDRESSES ? cut('addresses', MAX_ADDRESSES, ready) : cut('notReadyAddresses', MAX_ADDRESSES - ready, unready), truncated: true };
}

function sameSubsets(known: DeepReadonly<EndpointSubset[]> | undefined, next: readonly EndpointSubset[]): boolean {
  return canonical(sorted((known ?? []) as EndpointSubset[])) === canonical(next);
}

/** One order for all that means the same; versions of pods do not count. */
function sorted(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const plain = (addresses: readonly EndpointAddress[]): EndpointAddress[] => order(addresses.map(({ targetRef, ...rest }) => {
    const { resourceVersion: _, ...reference } = targetRef ?? {};
    return { ...rest, ...(targetRef && { targetRef: reference }) };
  }));
  return order(subsets.map(({ addresses, notReadyAddresses, ports }) => ({
    ...(addresses?.length && { addresses: plain(addresses) }),
    ...(notReadyAddresses?.length && { notReadyAddresses: plain(notReadyAddresses) }),
    ...(ports?.length && { ports: order(ports) }),
  })));
}

function order<T>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1));
}

function onRefused(key: Key, action: Action, error: Error, view: View): readonly Action[] {
  const service = view.of(services).get(parseKey(key));
  if (!service || (action.do !== 'create' && action.do !== 'update')) return [];
  const about = { ...subject(endpoints, service), uid: '' };
  // What is not there yet has no namespace, as upstream has it: the event goes to the default one.
  const { namespace: _, ...unmade } = about;
  return [action.do === 'create'
    ? event(unmade, 'Warning', 'FailedToCreateEndpoint', `Failed to create endpoint for service ${key}: ${error.message}`)
    : event(about, 'Warning', 'FailedToUpdateEndpoint', `Failed to update endpoint ${key}: ${error.message}`)];
}
