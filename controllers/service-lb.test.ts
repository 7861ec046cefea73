import { endpointslices, nodes, services } from '../api/resources.ts';
import type { ServiceSpec } from '../api/types/core.v1.ts';
import { item, reconciled, shown, type Item } from './fake-view.ts';
import { serviceLoadBalancerController } from './service-lb.ts';

const node = (name: string, { ready = 'True', labels = {}, external, runtime = 'containerd://1' }: { ready?: string; labels?: Record<string, string>; external?: string; runtime?: string } = {}) =>
  item(nodes, {
    metadata: { name, namespace: '', labels }, spec: {},
    status: { conditions: [{ type: 'Ready', status: ready }], nodeInfo: { containerRuntimeVersion: runtime }, addresses: [{ type: 'InternalIP', address: `10.0.0.${name.charCodeAt(0)}` }, ...(external ? [{ type: 'ExternalIP', address: external }] : [])] },
  } as never);
const service = (name: string, spec: Partial<ServiceSpec> = {}, ingress: string[] = [], created = '2026-01-01T00:00:00Z') =>
  item(services, { metadata: { name, creationTimestamp: created }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec }, status: { loadBalancer: ingress.length > 0 ? { ingress: ingress.map((ip) => ({ ip, ipMode: 'VIP' })) } : {} } });
const slice = (name: string, nodeName: string, ready = true) => item(endpointslices, { metadata: { name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.1.0.1'], nodeName, conditions: { ready } }] } as never);

const addresses = (key: string, ...items: Item[]) => {
  const action = reconciled(serviceLoadBalancerController(), key, items).actions.find(({ do: what }) => what === 'update');
  const status = action?.do === 'update' ? (action.object as { status: { loadBalancer: { ingress?: { ip: string }[] } } }).status : undefined;
  return status && (status.loadBalancer.ingress ?? []).map(({ ip }) => ip);
};

test.each<[string, Item[], string[] | undefined]>([
  ['all nodes that can answer', [service('web'), node('a'), node('b', { external: '1.2.3.4' }), node('c', { ready: 'Unknown' }), node('d', { runtime: '' }), node('e', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } })], ['1.2.3.4', '10.0.0.97']],
  ['nothing new', [service('web', {}, ['10.0.0.97']), node('a')], undefined],
  ['another class is none of ours', [service('web', { loadBalancerClass: 'example.com/x' }), node('a')], undefined],
  ['our own class', [service('web', { loadBalancerClass: 'coracle.dev/nodes' }), node('a')], ['10.0.0.97']],
  ['no load balancer any more', [service('web', { type: 'ClusterIP' }, ['10.0.0.97']), node('a')], []],
  ['only nodes with an endpoint', [service('web', { externalTrafficPolicy: 'Local' }), node('a'), node('b'), slice('web', 'b')], ['10.0.0.98']],
  ['no endpoint is ready', [service('web', { externalTrafficPolicy: 'Local' }, ['10.0.0.98']), node('b'), slice('web', 'b', false)], []],
  ['the last node has gone', [service('web', {}, ['10.0.0.97'])], []],
  ['an older one has the port', [service('web'), service('first', {}, ['10.0.0.97'], '2025-01-01T00:00:00Z'), node('a')], undefined],
  ['another port is free', [service('web', { ports: [{ port: 81 }] }), service('first', {}, [], '2025-01-01T00:00:00Z'), node('a')], ['10.0.0.97']],
])('%s', (_, items, expected) => {
  expect(addresses('a/web', ...items)).toEqual(expected);
});

test('who has the port is said once', () => {
  const controller = serviceLoadBalancerController();
  const items = [service('web'), service('first', {}, [], '2025-01-01T00:00:00Z'), node('a')];
  expect(shown(reconciled(controller, 'a/web', items).actions)).toEqual(['Warning PortConflict: ports are taken by a/first']);
  expect(reconciled(controller, 'a/web', items).actions).toEqual([]);
});
