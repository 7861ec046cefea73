/** Which pods stand behind a Service, at which addresses and ports. */
import { pods, services } from '../api/resources.ts';
import { matchesLabels, selectLabels, type Selector } from '../api/selectors.ts';
import type { Service, ServicePort } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { timeMs } from '../client/time.ts';
import { deepEqual, type DeepReadonly } from '../std/deep.ts';
import type { View } from './controller.ts';
import { isDeleting } from './owners.ts';
import { isDone, isReady, readySince, type StoredPod } from './pods.ts';

export type StoredService = Stored<Service>;

/** Services that have endpoints made for them. */
export function isSelecting({ spec }: StoredService): boolean {
  return spec?.type !== 'ExternalName' && Object.keys(spec?.selector ?? {}).length > 0;
}

export function serviceKey({ metadata }: Stored<unknown>): string {
  return `${metadata.namespace}/${metadata.name}`;
}

const selectors = new WeakMap<object, Selector>();

export function selectorOfService({ spec }: StoredService): Selector {
  const labels = spec?.selector ?? {};
  let selector = selectors.get(labels);
  if (!selector) selectors.set(labels, (selector = selectLabels(labels)));
  return selector;
}

/** The Services whose selector matches a pod. */
export function servicesOf(pod: StoredPod, view: View): string[] {
  return view.of(services).list(pod.metadata.namespace).filter((service) => isSelecting(service) && matchesLabels(selectorOfService(service), pod.metadata.labels)).map(serviceKey);
}

export function podsBehind(service: StoredService, view: View): StoredPod[] {
  const selector = selectorOfService(service);
  return view.of(pods).list(service.metadata.namespace).filter((pod) => matchesLabels(selector, pod.metadata.labels));
}

/** Only what an endpoint is made of. */
export function podMatters(before: StoredPod, after: StoredPod): boolean {
  return !deepEqual(facts(before), facts(after));
}

function facts(pod: StoredPod): unknown {
  const { labels } = pod.metadata;
  return [labels, pod.status?.podIP, pod.status?.podIPs, isReady(pod), isDeleting(pod), isDone(pod), pod.spec?.nodeName, pod.spec?.hostname, pod.spec?.subdomain];
}

export function isIncluded(pod: StoredPod, includeEnding: boolean): boolean {
  return !isDone(pod) && Boolean(pod.status?.podIP || pod.status?.podIPs?.length) && (includeEnding || !isDeleting(pod));
}

export type Family = 'IPv4' | 'IPv6';

export function familyOf(address: string): Family {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

export function addressOf(pod: StoredPod, family: Family): string | undefined {
  const all = pod.status?.podIPs?.map(({ ip }) => ip) ?? [pod.status?.podIP];
  return all.find((ip) => ip !== undefined && familyOf(ip) === family);
}

/** The hostname under which DNS knows a pod of this Service. */
export function hostnameOf(pod: StoredPod, service: StoredService): string | undefined {
  return pod.spec?.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined;
}

/** The number of a Service's port on a pod; a name may mean another number on each. */
export function portOn(pod: StoredPod, port: DeepReadonly<ServicePort>): number | undefined {
  const { targetPort = port.port, protocol = 'TCP' } = port;
  if (typeof targetPort === 'number') return targetPort === 0 ? port.port : targetPort;
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    const found = container.ports?.find((candidate) => candidate.name === targetPort && (candidate.protocol ?? 'TCP') === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

export function isHeadless({ spec }: StoredService): boolean {
  return spec?.clusterIP === 'None' || !spec?.clusterIP;
}

export const ZONE = 'topology.kubernetes.io/zone';
export const HEADLESS = 'service.kubernetes.io/headless';
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

/** When the newest change happened that this picture shows, unless it was noted before. */
export function triggerTime(service: StoredService, behind: readonly StoredPod[], noted: string | undefined): string | undefined {
  const times = [timeMs(service.metadata.creationTimestamp), ...behind.map((pod) => readySince(pod) ?? 0)];
  const newest = Math.max(...times);
  if (noted !== undefined && timeMs(noted) >= newest) return undefined;
  return new Date(newest).toISOString().replace('.000Z', 'Z');
}

export function podReference(pod: StoredPod): { kind: string; namespace: string; name: string; uid: string } {
  const { namespace, name, uid } = pod.metadata;
  return { kind: 'Pod', namespace, name, uid };
}

