import { endpoints, endpointslices, nodes, pods, services } from '../api/resources.ts';
import type { Endpoints, Pod, Service } from '../api/types/core.v1.ts';
import type { EndpointSlice } from '../api/types/discovery.v1.ts';
import type { Action } from './controller.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring.ts';
import { endpointSliceController } from './endpointslice.ts';
import { item, reconciled, shown, viewOf, type Item } from './fake-view.ts';
import { seededRandom } from '../std/random.ts';

const service = (spec: Partial<NonNullable<Service['spec']>> = {}, metadata: object = {}) =>
  item(services, { metadata: { name: 'web', ...metadata }, spec: { clusterIP: '10.0.0.1', ipFamilies: ['IPv4'], selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }], ...spec } });

interface PodSpec {
  readonly ip?: string;
  readonly ready?: boolean;
  readonly ending?: boolean;
  readonly phase?: NonNullable<Pod['status']>['phase'];
  readonly front?: number;
  readonly hostname?: string;
  readonly node?: string;
}
const pod = (name: string, { ip = `10.1.0.${name.charCodeAt(0)}`, ready = true, ending, phase = 'Running', front, hostname, node = 'n1' }: PodSpec = {}) =>
  item(pods, {
    metadata: { name, labels: { app: 'web' }, ...(ending && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: { nodeName: node, containers: [{ name: 'c', ...(front && { ports: [{ name: 'front', containerPort: front }] }) }], ...(hostname && { hostname, subdomain: 'web' }) },
    status: { phase, ...(ip && { podIP: ip, podIPs: [{ ip }] }), conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T01:00:00Z' }] },
  });
const node = (name = 'n1') => item(nodes, { metadata: { name, labels: { 'topology.kubernetes.io/zone': 'z' } }, spec: {} });

const objects = <T>(actions: readonly Action[]): T[] => actions.flatMap((action) => (action.do === 'create' || action.do === 'update' ? [action.object as T] : []));
const subsetsOf = (...items: Item[]) => objects<Endpoints>(reconciled(endpointsController, 'a/web', items).actions)[0]?.subsets;
const slicesOf = (...items: Item[]) => objects<EndpointSlice>(reconciled(endpointSliceController(), 'a/web', [node(), ...items]).actions);
/** What was written, as it would come back. */
const again = (slice: EndpointSlice) => item(endpointslices, slice);
const address = (name: string) => expect.objectContaining({ ip: `10.1.0.${name.charCodeAt(0)}`, nodeName: 'n1', targetRef: { kind: 'Pod', namespace: 'a', name, uid: `uid-${name}` } });
const bare = service({ selector: undefined as never });
const hand = (metadata: object = {}) => item(endpoints, { metadata: { name: 'web', ...metadata }, subsets: [{ addresses: [{ ip: '192.0.2.1', hostname: 'h' }, { ip: 'fd00::1' }], notReadyAddresses: [{ ip: '192.0.2.2' }], ports: [{ name: 'db', port: 5432, protocol: 'TCP' }] }] });
const mirror = (...items: Item[]) => reconciled(endpointSliceMirroringController, 'a/web', items).actions;

describe('endpointsController', () => {
  test('tells ready pods from others, and leaves out those that ended, are ending or have no address', () => {
    const all = [service(), pod('a'), pod('b', { ready: false }), pod('c', { ending: true }), pod('d', { phase: 'Succeeded' }), pod('e', { ip: '' })];
    expect(subsetsOf(...all)).toEqual([{ addresses: [address('a')], notReadyAddresses: [address('b')], ports: [{ port: 8080, protocol: 'TCP' }] }]);
    expect(subsetsOf(service({ publishNotReadyAddresses: true }), ...all.slice(1))).toEqual([{ addresses: [address('a'), address('b'), address('c')], ports: [{ port: 8080, protocol: 'TCP' }] }]);
  });

  test('gathers ports with the same addresses in one subset', () => {
    const ports = [{ name: 'http', port: 80, targetPort: 'front' }, { name: 'dns', port: 53, targetPort: 5353, protocol: 'UDP' as const }];
    expect(subsetsOf(service({ ports }), pod('a', { front: 1000 }), pod('b', { front: 2000 }), pod('c'))).toEqual([
      { addresses: [address('a'), address('b'), address('c')], ports: [{ name: 'dns', port: 5353, protocol: 'UDP' }] },
      { addresses: [address('a')], ports: [{ name: 'http', port: 1000, protocol: 'TCP' }] },
      { addresses: [address('b')], ports: [{ name: 'http', port: 2000, protocol: 'TCP' }] },
    ]);
    expect(subsetsOf(service({ ports: [{ name: 'a', port: 1 }, { name: 'b', port: 2 }] }), pod('a'))?.map(({ ports: found }) => found?.length)).toEqual([2]);
  });

  test('what somebody edits stays until something else changes; what is deleted comes back', () => {
    const [spec] = endpointsController.watches.filter(({ resource }) => resource === endpoints) as unknown as { matters: (a: unknown, b: unknown) => boolean }[];
    expect(spec?.matters({}, { subsets: [] })).toBe(false);
  });

  test('a label that says headless is ours to give', () => {
    expect(objects<Endpoints>(reconciled(endpointsController, 'a/web', [service({}, { labels: { 'service.kubernetes.io/headless': 'x' } }), pod('a')]).actions)[0]?.metadata.labels).toEqual({ 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' });
  });

  test('writes nothing when nothing changed, whatever the order', () => {
    const [object] = objects<Endpoints>(reconciled(endpointsController, 'a/web', [service({}, { labels: { x: 'y' } }), pod('a'), pod('b')]).actions);
    expect(object?.metadata).toMatchObject({ labels: { x: 'y', 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }, annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T01:00:00Z' } });
    const [subset] = object?.subsets ?? [];
    const known = item(endpoints, { ...(object as Endpoints), subsets: [{ ...subset, addresses: (subset?.addresses ?? []).toReversed() }] });
    expect(reconciled(endpointsController, 'a/web', [service({}, { labels: { x: 'y' } }), pod('b'), pod('a'), known]).actions).toEqual([]);
    expect(reconciled(endpointsController, 'a/web', [service(), pod('b'), pod('a'), known]).actions).toHaveLength(1);
  });

  test('a headless Service without ports has addresses all the same; hostnames go with their subdomain', () => {
    expect(subsetsOf(service({ clusterIP: 'None', ports: [] }), pod('a', { hostname: 'h' }))).toEqual([{ addresses: [expect.objectContaining({ hostname: 'h' })] }]);
  });

  test('more than 1000 addresses are cut, the unready first', () => {
    const many = Array.from({ length: 1100 }, (_, i) => pod(`p${i}`, { ip: `10.2.${i >> 8}.${i & 255}`, ready: i < 700 }));
    const [object] = objects<Endpoints>(reconciled(endpointsController, 'a/web', [service(), ...many]).actions);
    expect(object?.metadata.annotations).toMatchObject({ 'endpoints.kubernetes.io/over-capacity': 'truncated' });
    expect(object?.subsets?.map(({ addresses, notReadyAddresses }) => [addresses?.length, notReadyAddresses?.length])).toEqual([[700, 300]]);
  });

  test('they go with their Service, and without a selector there are none', () => {
    const known = item(endpoints, { metadata: { name: 'web' } });
    expect(shown(reconciled(endpointsController, 'a/web', [known]).actions)).toEqual(['delete endpoints a/web']);
    expect(reconciled(endpointsController, 'a/web', [service({ selector: {} }), known, pod('a')]).actions).toEqual([]);
  });
});

describe('endpointSliceController', () => {
  const CONDITIONS: [string, PodSpec, boolean, object | undefined][] = [
    ['ready', {}, false, { ready: true, serving: true, terminating: false }],
    ['not ready', { ready: false }, false, { ready: false, serving: false, terminating: false }],
    ['ending', { ending: true }, false, { ready: false, serving: true, terminating: true }],
    ['ending, published', { ending: true }, true, { ready: true, serving: true, terminating: true }],
    ['not ready, published', { ready: false }, true, { ready: true, serving: false, terminating: false }],
    ['ended', { phase: 'Failed' }, true, undefined],
    ['on a node that is not there', { node: 'gone' }, false, undefined],
  ];
  test.each(CONDITIONS)('conditions: %s', (_, spec, publishNotReadyAddresses, expected) => {
    expect(slicesOf(service({ publishNotReadyAddresses }), pod('a', spec))[0]?.endpoints.map(({ conditions }) => conditions)).toEqual(expected ? [expected] : []);
  });

  test('a slice names its Service, its manager and the zone of each endpoint', () => {
    const [slice] = slicesOf(service({ clusterIP: 'None', trafficDistribution: 'PreferSameNode' }, { labels: { tier: 'x' } }), pod('a', { hostname: 'h' }));
    expect(slice).toMatchObject({
      metadata: {
        generateName: 'web-',
        labels: { tier: 'x', 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io', 'service.kubernetes.io/headless': '' },
        ownerReferences: [{ kind: 'Service', name: 'web', controller: true, blockOwnerDeletion: true }],
      },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.1.0.97'], hostname: 'h', nodeName: 'n1', zone: 'z', targetRef: { kind: 'Pod', name: 'a' }, hints: { forZones: [{ name: 'z' }], forNodes: [{ name: 'n1' }] } }],
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    });
    expect(slice?.metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
    expect(slicesOf(service({ clusterIP: 'None', trafficDistribution: 'PreferSameNode' }, { labels: { tier: 'x' } }), pod('a', { hostname: 'h' }), again(slice as EndpointSlice))).toEqual([]);
  });

  test('without endpoints there is an empty slice, and the next endpoint takes it over', () => {
    const [empty] = slicesOf(service());
    expect(empty).toMatchObject({ endpoints: [], ports: [] });
    expect(slicesOf(service(), again(empty as EndpointSlice))).toEqual([]);
    const lines = shown(reconciled(endpointSliceController(), 'a/web', [node(), service(), pod('a'), again(empty as EndpointSlice)]).actions);
    expect(lines).toEqual([`update endpointslices a/${empty?.metadata.name}`]);
  });

  test('100 endpoints to a slice; one that goes changes one slice, one that comes fills the gap', () => {
    const many = Array.from({ length: 250 }, (_, i) => pod(`p${i}`, { ip: `10.2.${i >> 8}.${i & 255}` }));
    const slices = slicesOf(service(), ...many);
    expect(slices.map((slice) => slice.endpoints.length)).toEqual([100, 100, 50]);
    const stored = slices.map(again);
    const fewer = slicesOf(service(), ...stored, ...many.slice(1));
    expect(fewer.map((slice) => [slice.metadata.name, slice.endpoints.length])).toEqual([[slices[0]?.metadata.name, 99]]);
    const replaced = slicesOf(service(), ...stored, ...many.slice(1), pod('x'));
    expect(replaced.map((slice) => [slice.metadata.name, slice.endpoints.length])).toEqual([[slices[0]?.metadata.name, 100]]);
    const more = slicesOf(service(), ...stored, ...many, pod('x'));
    expect(more.map((slice) => [slice.metadata.name, slice.endpoints.length])).toEqual([[slices[2]?.metadata.name, 51]]);
  });

  test('a slice that is refused is told of on the Service', () => {
    const controller = endpointSliceController();
    const view = viewOf(controller, [node(), service(), pod('a')]);
    const [making] = reconciled(controller, 'a/web', [node(), service(), pod('a')]).actions;
    expect(shown(controller.onRefused?.('a/web', making as Action, new Error('no'), view, { now: 0, random: seededRandom(1) }) ?? [])).toEqual([
      'Warning FailedToUpdateEndpointSlices: Error updating Endpoint Slices for Service a/web: failed to create EndpointSlice for Service a/web: no',
    ]);
  });

  test('two families make two kinds of slices', () => {
    const both = item(pods, { ...pod('a').object, status: { ...pod('a').object.status, podIPs: [{ ip: '10.1.0.1' }, { ip: 'fd00::1' }] } });
    expect(slicesOf(service({ ipFamilies: ['IPv4', 'IPv6'] }), both).map(({ addressType, endpoints: [first] }) => [addressType, first?.addresses])).toEqual([['IPv4', ['10.1.0.1']], ['IPv6', ['fd00::1']]]);
  });
});

describe('endpointSliceMirroringController', () => {
  test('addresses beyond a thousand are not mirrored, which is said', () => {
    const many = item(endpoints, { metadata: { name: 'web' }, subsets: [{ addresses: Array.from({ length: 1002 }, (_, i) => ({ ip: `10.3.${i >> 8}.${i & 255}` })), ports: [{ port: 80 }] }] });
    expect(shown(mirror(bare, many))[0]).toBe('Warning TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped');
  });

  test('each family of hand-made Endpoints has its slice', () => {
    const slices = objects<EndpointSlice>(mirror(bare, hand({ labels: { team: 'a' } })));
    expect(slices).toMatchObject([
      { metadata: { labels: { team: 'a', 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' } }, addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: true }, hostname: 'h' }, { addresses: ['192.0.2.2'], conditions: { ready: false } }], ports: [{ name: 'db', port: 5432 }] },
      { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] },
    ]);
    expect(mirror(bare, hand({ labels: { team: 'a' } }), ...slices.map(again))).toEqual([]);
    const noted = slices.map((slice) => again({ ...slice, metadata: { ...slice.metadata, annotations: { old: 'note' } } }));
    expect(objects<EndpointSlice>(mirror(bare, hand({ labels: { team: 'a' }, annotations: { new: 'note' } }), ...noted)).map(({ metadata }) => metadata?.annotations)).toEqual(slices.map(() => ({ new: 'note' })));
    expect(shown(mirror(bare, ...slices.map(again)))).toEqual(slices.map(({ metadata }) => `delete endpointslices a/${metadata.name}`));
  });

  test.each([
    ['a selector', service(), hand()],
    ['a skip label', bare, hand({ labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } })],
    ['a leader record', bare, hand({ annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } })],
  ])('with %s there is no mirror', (_, owner, source) => {
    expect(mirror(owner, source)).toEqual([]);
  });
});

test('the name of a slice is no longer than a label may be', () => {
  const name = 'w'.repeat(63);
  const [slice] = objects<EndpointSlice>(reconciled(endpointSliceController(), `a/${name}`, [node(), service({}, { name }), pod('a')]).actions);
  expect(slice?.metadata).toMatchObject({ generateName: `${name}-`, name: expect.stringMatching(/^w{58}[a-z0-9]{5}$/) });
});
