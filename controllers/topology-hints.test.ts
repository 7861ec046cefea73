import { endpointslices, nodes, pods, services } from '../api/resources.ts';
import type { Endpoint, EndpointSlice } from '../api/types/discovery.v1.ts';
import { endpointSliceController } from './endpointslice.ts';
import { item, shown, viewOf, NOW, type Item } from './fake-view.ts';
import { shareOut } from './topology-hints.ts';
import { seededRandom } from '../std/random.ts';

interface NodeFacts { readonly zone?: string; readonly cpu?: string; readonly ready?: string; readonly labels?: Record<string, string> }
const node = (name: string, { zone, cpu = '4', ready = 'True', labels }: NodeFacts = {}) =>
  item(nodes, { metadata: { name, labels: { ...labels, ...(zone && { 'topology.kubernetes.io/zone': zone }) } }, spec: {}, status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready }] } });
const endpoint = (name: string, zone: string | undefined, ready = true): Endpoint => ({ addresses: [name], conditions: { ready, serving: ready, terminating: false }, ...(zone && { zone }) });
const even = [node('n1', { zone: 'a' }), node('n2', { zone: 'b' })].map(({ object }) => object);
const hints = (shared: ReturnType<typeof shareOut>) => ('problem' in shared ? shared.problem : shared.endpoints.map(({ hints: of }) => of?.forZones?.[0]?.name ?? '-').join(''));

const ROWS: [string, Endpoint[], Parameters<typeof shareOut>[2], string][] = [
  ['each in its own zone', [endpoint('1', 'a'), endpoint('2', 'b')], even, 'ab'],
  ['a zone with too many gives', [endpoint('1', 'a'), endpoint('2', 'a'), endpoint('3', 'a'), endpoint('4', 'b')], even, 'baab'],
  ['what is not ready has none', [endpoint('1', 'a'), endpoint('2', 'a', false), endpoint('3', 'b')], even, 'a-b'],
  ['larger zones get more', [endpoint('1', 'a'), endpoint('2', 'a'), endpoint('3', 'b'), endpoint('4', 'b')], [node('n1', { zone: 'a', cpu: '12' }), node('n2', { zone: 'b' })].map(({ object }) => object), 'aaab'],
  ['fewer endpoints than zones', [endpoint('1', 'a')], even, 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
  ['no fair share', [1, 2, 3, 4, 5].map((n) => endpoint(String(n), 'a')), even, 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (5 endpoints, 2 zones)'],
  ['one zone only', [endpoint('1', 'a')], even.slice(0, 1), 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'],
  ['a node without a zone', [endpoint('1', 'a')], [...even, node('n3').object], 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'],
  ['nodes of the control plane and nodes that are not ready do not count', [endpoint('1', 'a'), endpoint('2', 'b')], [...even, node('n3', { ready: 'False' }).object, node('n4', { labels: { 'node-role.kubernetes.io/control-plane': '' } }).object], 'ab'],
  ['an endpoint without a zone', [endpoint('1', 'a'), endpoint('2', undefined)], even, 'One or more endpoints do not have a zone specified'],
];
test.each(ROWS)('shareOut(): %s', (_, endpoints, all, expected) => {
  expect(hints(shareOut(endpoints, [], all))).toBe(expected);
});

test('shareOut() leaves slices alone that are the same and not too much for a zone', () => {
  const all = [endpoint('1', 'a'), endpoint('2', 'b')];
  const slice = (zones: string[]) => item(endpointslices, { metadata: { name: 's' }, addressType: 'IPv4', endpoints: all.map((one, i) => ({ ...one, hints: { forZones: [{ name: zones[i] ?? '' }] } })), ports: [] } as EndpointSlice).object;
  expect(hints(shareOut(all, [slice(['b', 'a'])], even))).toBe('ba');
  expect(hints(shareOut(all, [slice(['a', 'a'])], even))).toBe('ab');
  expect(hints(shareOut(all, [slice(['a', 'c'])], even))).toBe('ab');
});

test('that hints come and go is said once', () => {
  const controller = endpointSliceController();
  const service = (mode?: string) => item(services, { metadata: { name: 'web', ...(mode && { annotations: { 'service.kubernetes.io/topology-mode': mode } }) }, spec: { clusterIP: '10.0.0.1', ipFamilies: ['IPv4'], selector: { app: 'web' }, ports: [{ port: 80 }], trafficDistribution: 'PreferClose' } });
  const pod = (name: string, nodeName: string) => item(pods, { metadata: { name, labels: { app: 'web' } }, spec: { nodeName, containers: [] }, status: { phase: 'Running', podIP: `10.1.0.${name}`, podIPs: [{ ip: `10.1.0.${name}` }], conditions: [{ type: 'Ready', status: 'True' }] } });
  const said = (...items: Item[]) => shown(controller.reconcile('a/web', viewOf(controller, [node('n1', { zone: 'a' }), node('n2', { zone: 'b' }), ...items]), { now: NOW, random: seededRandom(1) }).actions).filter((line) => /Normal|Warning/.test(line));
  const both = [pod('1', 'n1'), pod('2', 'n2')];
  expect(said(service('Auto'), ...both)).toEqual(['Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4']);
  expect(said(service('Auto'), ...both)).toEqual([]);
  expect(said(service('Auto'), pod('1', 'n1'))).toEqual(['Warning TopologyAwareHintsDisabled: Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4']);
  expect(said(service('auto'), ...both)).toHaveLength(1);
  expect(said(service(), ...both)).toEqual(['Warning TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4']);
  expect(said(service(), ...both)).toEqual([]);
});
