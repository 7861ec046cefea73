/** Why a Service cannot be reached: it selects nothing, nothing that is ready, or ports that are not there. */
import { matchesLabels, selectLabels } from '../../api/selectors.ts';
import type { Pod, Service, ServicePort } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { compiled } from '../../scheduler/terms.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { type Finding, count, names } from './finding.ts';
import type { Picture } from './picture.ts';
import { isReady, whyPods } from './pod.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';

export function whyService(picture: Picture, service: Stored<Service>): Finding {
  const { metadata, spec } = service;
  const name = `Service ${metadata.name}`;
  if (spec?.type === 'ExternalName') return { says: `${name} is only a name for ${spec.externalName}: whether that answers is not up to the cluster.` };
  const slices = picture.slices.filter(({ metadata: { labels } }) => (labels as Record<string, string> | undefined)?.[SERVICE_NAME] === metadata.name);
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  if (!spec?.selector || Object.keys(spec.selector).length === 0) {
    if (ready.length > 0) return { says: `${name} leads to ${count(ready.length, 'endpoint')} that somebody wrote by hand: it has no selector.` };
    return { says: `${name} leads nowhere: it has no selector, and nobody has written endpoints for it.`, change: [`give it a selector, or create an EndpointSlice with the label ${SERVICE_NAME}=${metadata.name}`] };
  }
  const here = picture.pods.filter((pod) => pod.metadata.namespace === metadata.namespace && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
  const selected = here.filter((pod) => matchesLabels(selectLabels(spec.selector as Record<string, string>), pod.metadata.labels));
  if (selected.length === 0) return selectsNothing(name, spec.selector, here);
  const because = [...(spec.ports ?? []).flatMap((port) => wrongPort(service, port, selected)), ...balancer(service), ...policies(picture, selected)];
  const waiting = selected.filter((pod) => !isReady(pod));
  if (waiting.length === selected.length && !spec.publishNotReadyAddresses) return { says: `${name} has no endpoints that are ready: none of the ${count(selected.length, 'pod')} that it selects is.`, because: [...because, ...whyPods(picture, waiting)] };
  if (ready.length === 0) because.push({ says: 'no endpoints have been written for it yet', change: ['see that the controllers run'] });
  const state = `${name} leads to ${count(ready.length, 'endpoint')} that ${ready.length === 1 ? 'is' : 'are'} ready`;
  if (because.length === 0 && waiting.length === 0) return { says: `${state}; nothing in the cluster's objects keeps it from being reached.` };
  return { says: `${state}${because.length > 0 ? ', but:' : '.'}`, because: [...because, ...whyPods(picture, waiting)] };
}

function selectsNothing(name: string, selector: Readonly<Record<string, string>>, pods: readonly Stored<Pod>[]): Finding {
  const wanted = Object.entries(selector);
  const text = wanted.map(([key, value]) => `${key}=${value}`).join(',');
  const near = pods
    .map((pod) => ({ pod, off: wanted.filter(([key, value]) => pod.metadata.labels?.[key] !== value) }))
    .filter(({ off, pod }) => off.length < wanted.length || off.some(([key]) => pod.metadata.labels?.[key] !== undefined))
    .sort((a, b) => a.off.length - b.off.length)[0];
  const says = `${name} leads nowhere: no pod in its namespace has the labels of its selector (${text}).`;
  if (!near) return { says, change: [pods.length === 0 ? 'run pods with these labels: there are none in the namespace' : 'correct spec.selector, or give the pods these labels'] };
  const has = near.off.map(([key, value]) => `${key}=${near.pod.metadata.labels?.[key] ?? '(nothing)'} instead of ${key}=${value}`);
  return { says, change: [`pod ${near.pod.metadata.name} comes closest: it has ${names(has)}; correct spec.selector, or the labels of the pods`] };
}

function wrongPort({ metadata }: Stored<Service>, port: DeepReadonly<ServicePort>, pods: readonly Stored<Pod>[]): Finding[] {
  const target = port.targetPort ?? port.port;
  const declared = (pod: Stored<Pod>) => [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')].flatMap(({ ports = [] }) => ports);
  const which = `port ${port.name ?? port.port}`;
  if (typeof target === 'string' && !/^\d+$/.test(target)) {
    const without = pods.filter((pod) => !declared(pod).some((one) => one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP')));
    if (without.length === 0) return [];
    const there = [...new Set(without.flatMap(declared).flatMap((one) => one.name ?? []))];
    const offer = there.length > 0 ? `they have ${names(there)}` : 'they have no ports with names';
    return [{ says: `${which} leads to a port called ${target}, which ${without.length === pods.length ? 'none' : `${without.length}`} of its pods ${without.length === pods.length ? 'has' : 'lack'} (${offer})`, change: [`kubectl edit service ${metadata.name} -n ${metadata.namespace}: set targetPort to a port that the containers have, or name that port ${target}`] }];
  }
  const ports = pods.flatMap(declared);
  if (ports.length === 0 || ports.some(({ containerPort }) => containerPort === Number(target))) return [];
  return [{ says: `${which} leads to ${target}, and the containers say that they listen on ${names([...new Set(ports.map(({ containerPort }) => String(containerPort)))])}`, change: [`unless they listen on ${target} all the same, set targetPort to one of these`] }];
}

function balancer({ spec, status }: Stored<Service>): Finding[] {
  if (spec?.type !== 'LoadBalancer' || status?.loadBalancer?.ingress?.length) return [];
  return [{ says: 'it has no address for the outside yet: no load balancer has taken it up', change: ['reach it by its cluster IP or node port meanwhile'] }];
}

function policies({ policies: all }: Picture, pods: readonly Stored<Pod>[]): Finding[] {
  const closing = all.filter(({ metadata, spec }) => (spec?.policyTypes ?? ['Ingress']).includes('Ingress') && pods.some((pod) => pod.metadata.namespace === metadata.namespace && matchesLabels(compiled(spec?.podSelector ?? {}), pod.metadata.labels)));
  if (closing.length === 0) return [];
  return [{ says: `NetworkPolicy ${names(closing.map(({ metadata }) => metadata.name))} lets only some reach its pods`, change: ['see that the policy allows where you come from'] }];
}
