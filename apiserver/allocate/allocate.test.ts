import type { ApiObject } from '../../api/kind.ts';
import type { Door } from '../../api/request.ts';
import { seededRandom } from '../../std/random.ts';
import { VirtualClock } from '../../std/clock.ts';
import { openMemory } from '../storage/memory.ts';
import type { Store } from '../storage/store.ts';
import { createApiServer, type ApiServer } from '../server.ts';
import { ADMIN, testPki } from '../test-server.ts';
import { parseRange } from './ip-range.ts';
import { picks } from './pick.ts';
import { ADDRESSES, PORTS } from './reservations.ts';

interface Spec {
  clusterIP?: string;
  clusterIPs?: string[];
  type?: string;
  ports?: { port: number; protocol?: string; nodePort?: number; name?: string }[];
  [field: string]: unknown;
}
type Service = ApiObject & { spec: Spec };

const services = { group: '', version: 'v1', resource: 'services', namespace: 'default' } as const;
const store = openMemory();
let one: ApiServer;
let two: ApiServer;
beforeAll(async () => {
  const options = { store, pki: await testPki(), serviceRange: '10.96.0.0/24', nodePortRange: { from: 30_000, to: 30_199 } };
  one = createApiServer(options);
  two = createApiServer(options);
  await one.start();
  await two.start();
});
afterAll(async () => {
  await one.close();
  await two.close();
  await store.close();
});

const door = (server = one): Door => server.door(ADMIN);
const create = async (name: string, spec: Spec, server = one, query = {}): Promise<Service> =>
  (await door(server).call({ ...services, verb: 'create', query, body: { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } } })) as Service;
const remove = (name: string): Promise<unknown> => door().call({ ...services, verb: 'delete', name });
const reserved = async (prefix: string): Promise<string[]> => (await store.list(prefix)).entries.map(({ key }) => key.slice(prefix.length));
const refusal = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined, (error: unknown) => error);

test('two API servers never give out an address or a port twice', async () => {
  const made = await Promise.all(Array.from({ length: 60 }, (_, at) => create(`many-${at}`, { type: 'NodePort' }, at % 2 === 0 ? one : two)));
  const addresses = made.map(({ spec }) => spec.clusterIP);
  const ports = made.map(({ spec }) => spec.ports?.[0]?.nodePort);
  expect(new Set(addresses).size).toBe(60);
  expect(new Set(ports).size).toBe(60);
  expect(new Set(await reserved(ADDRESSES))).toEqual(new Set(addresses));
  expect(new Set(await reserved(PORTS))).toEqual(new Set(ports.map(String)));
  await Promise.all(made.map(({ metadata }) => remove(metadata.name ?? '')));
  expect([await reserved(ADDRESSES), await reserved(PORTS)]).toEqual([[], []]);
});

test('an address that is asked for is given once', async () => {
  expect((await create('asked', { clusterIP: '10.96.0.7' })).spec).toMatchObject({ clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] });
  expect(await refusal(create('again', { clusterIP: '10.96.0.7' }, two))).toMatchObject({ code: 422, message: expect.stringContaining('provided IP is already allocated') });
  expect(await refusal(create('outside', { clusterIP: '10.97.0.7' }))).toMatchObject({ code: 422, message: expect.stringContaining('failed to allocate IP 10.97.0.7: the provided network does not match the current range') });
  expect(await refusal(create('outside', { clusterIP: '10.97.0.7' }, one, { dryRun: 'All' }))).toMatchObject({ code: 422, message: expect.stringContaining('the provided IP (10.97.0.7) is not in the valid range. The range of valid IPs is 10.96.0.0/24') });
  await remove('asked');
  expect(await reserved(ADDRESSES)).toEqual([]);
});

test.each<[string, Spec]>([
  ['a headless Service', { clusterIP: 'None' }],
  ['an external name', { type: 'ExternalName', externalName: 'a.example.com', ports: [] }],
])('%s reserves nothing', async (_what, spec) => {
  await create('free', spec);
  expect([await reserved(ADDRESSES), await reserved(PORTS)]).toEqual([[], []]);
  await remove('free');
});

test('a dry run shows an address, and ports that no Service could have, and reserves none', async () => {
  expect((await create('dry', { type: 'NodePort' }, one, { dryRun: 'All' })).spec).toMatchObject({ clusterIP: expect.stringMatching(/^10\.96\.0\./), ports: [{ nodePort: 32_769 }] });
  expect((await create('dry', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }, one, { dryRun: 'All' })).spec).toMatchObject({ ports: [{ nodePort: 32_769 }], healthCheckNodePort: 32_770 });
  expect([await reserved(ADDRESSES), await reserved(PORTS)]).toEqual([[], []]);
});

test('a Service that is refused gives back what it had taken', async () => {
  expect(await refusal(create('Bad_Name', {}))).toMatchObject({ code: 422 });
  expect(await reserved(ADDRESSES)).toEqual([]);
});

test('changes of type take and give back; what is left out stays', async () => {
  const { spec } = await create('moves', { type: 'NodePort' });
  const put = async (next: Spec): Promise<Service> => (await door().call({ ...services, verb: 'update', name: 'moves', body: { metadata: { name: 'moves' }, spec: next } })) as Service;
  const kept = await put({ type: 'NodePort', ports: [{ port: 81 }] });
  expect([kept.spec.clusterIP, kept.spec.ports?.[0]?.nodePort]).toEqual([spec.clusterIP, spec.ports?.[0]?.nodePort]);
  await put({ type: 'ClusterIP', ports: [{ port: 81 }] });
  expect([await reserved(ADDRESSES), await reserved(PORTS)]).toEqual([[spec.clusterIP], []]);
  await door().call({ ...services, verb: 'patch', name: 'moves', patchType: 'application/merge-patch+json', body: { spec: { type: 'ExternalName', externalName: 'a.example.com', clusterIP: null, clusterIPs: null } } });
  expect(await reserved(ADDRESSES)).toEqual([]);
  await remove('moves');
});

test('what a Service has does not change into what another one has', async () => {
  await create('first', { type: 'NodePort', clusterIP: '10.96.0.11', ports: [{ port: 80, nodePort: 30_011 }] });
  await create('second', { type: 'NodePort', clusterIP: '10.96.0.12', ports: [{ port: 80, nodePort: 30_012 }] });
  const patch = (spec: Spec, query = {}): Promise<unknown> =>
    refusal(door().call({ ...services, verb: 'patch', name: 'second', query, patchType: 'application/merge-patch+json', body: { spec } }));
  expect(await patch({ clusterIP: '10.96.0.11' })).toMatchObject({ code: 422, message: expect.stringContaining('spec.clusterIPs[0]: Invalid value: ["10.96.0.11"]: may not change once set') });
  const taken = { code: 422, message: expect.stringContaining('spec.ports[0].nodePort: Invalid value: 30011: provided port is already allocated') };
  expect(await patch({ ports: [{ port: 80, nodePort: 30_011 }] })).toMatchObject(taken);
  expect(await patch({ ports: [{ port: 80, nodePort: 30_011 }] }, { dryRun: 'All' })).toMatchObject(taken);
  expect(await patch({ ports: [{ port: 80, nodePort: 30_012, name: 'a' }, { port: 81, nodePort: 30_012, name: 'b' }] })).toMatchObject({ code: 500, message: 'duplicate nodePort: {TCP 30012}' });
  await Promise.all(['first', 'second'].map(remove));
  expect([await reserved(ADDRESSES), await reserved(PORTS)]).toEqual([[], []]);
});

test('TCP and UDP of one port share one port on the nodes', async () => {
  const { spec } = await create('dns', { type: 'NodePort', ports: [{ name: 'a', port: 53, protocol: 'TCP' }, { name: 'b', port: 53, protocol: 'UDP' }] });
  expect(spec.ports?.[0]?.nodePort).toBe(spec.ports?.[1]?.nodePort);
  await remove('dns');
});

test('a start frees what a crash had left and reserves what a Service has', async () => {
  await create('lost', { clusterIP: '10.96.0.9' });
  const held = await store.get(`${ADDRESSES}10.96.0.9`);
  await store.write(`${ADDRESSES}10.96.0.9`, held?.revision ?? 0, undefined);
  await store.write(`${PORTS}30111`, 0, Buffer.from(JSON.stringify({ namespace: 'default', name: 'gone', since: '2020-01-01T00:00:00Z' })));
  const fresh = createApiServer({ store, pki: await testPki(), serviceRange: '10.96.0.0/24' });
  await fresh.start();
  expect([await reserved(ADDRESSES), await reserved(PORTS)]).toEqual([['10.96.0.9'], []]);
  await fresh.close();
  await remove('lost');
});

test('advertise() of a loopback address makes the Service alone: nobody else reaches such an endpoint', async () => {
  const lonely = createApiServer({ store: openMemory(), pki: await testPki(), serviceRange: '10.96.0.0/24' });
  await lonely.start();
  await lonely.advertise('127.0.0.1', 6443);
  expect(await door(lonely).call({ ...services, verb: 'get', name: 'kubernetes' })).toMatchObject({ spec: { clusterIP: '10.96.0.1' } });
  expect(await refusal(door(lonely).call({ group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'default', verb: 'get', name: 'kubernetes' }))).toMatchObject({ code: 404 });
  await lonely.close();
});

test('advertise() makes the kubernetes Service and its endpoints', async () => {
  await one.advertise('192.0.2.1', 6443);
  expect(await door().call({ ...services, verb: 'get', name: 'kubernetes' })).toMatchObject({ spec: { clusterIP: '10.96.0.1', ports: [{ port: 443, targetPort: 6443 }] } });
  const slices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices', namespace: 'default' };
  expect(await door().call({ ...slices, verb: 'get', name: 'kubernetes' })).toMatchObject({ endpoints: [{ addresses: ['192.0.2.1'] }], ports: [{ port: 6443 }] });
  await two.advertise('192.0.2.2', 6443);
  expect(await door(two).call({ ...slices, verb: 'get', name: 'kubernetes' })).toMatchObject({ endpoints: [{ addresses: ['192.0.2.1'] }, { addresses: ['192.0.2.2'] }] });
});

test('picks() draws from the upper band first, offers each free number once, and then the rest', () => {
  const drawn = [...picks({ size: 10, staticBand: 4, isFree: (index) => index !== 7 }, seededRandom(3))];
  expect(new Set(drawn.slice(0, 5))).toEqual(new Set([4, 5, 6, 8, 9]));
  expect(new Set(drawn.slice(5))).toEqual(new Set([0, 1, 2, 3]));
});

test.each<[string, number, number, string, string, string[], string[]]>([
  ['10.96.0.0/16', 65_534, 256, '10.96.0.1', '10.96.255.254', ['10.96.0.1', '10.96.255.254'], ['10.96.0.0', '10.96.255.255', '10.97.0.1', 'x', 'fd00::1']],
  ['fd00:10:96::/112', 65_535, 256, 'fd00:10:96::1', 'fd00:10:96::ffff', ['fd00:10:96::1', 'fd00:10:96:0::ffff'], ['fd00:10:96::', 'fd00:10:97::1', '10.96.0.1']],
])('parseRange(%s)', (text, size, staticBand, first, last, inside, outside) => {
  const range = parseRange(text);
  expect([range.size, range.staticBand, range.at(0), range.at(range.size - 1)]).toEqual([size, staticBand, first, last]);
  expect([inside.filter((address) => !range.contains(address)), outside.filter((address) => range.contains(address))]).toEqual([[], []]);
});

test('parseRange() gives out of a huge range what can be counted, and knows all of it', () => {
  const range = parseRange('fd00::/64');
  expect([range.size, range.contains('fd00::ffff:ffff:ffff:fffe'), range.contains('fd00:0:0:1::')]).toEqual([2 ** 40, true, false]);
});

test.each(['10.96.0.0', '10.96.0.1/16', 'fd00::/48', '10.96.0.0/31', '10.0.0.0/7'])('parseRange() refuses %s', (text) => {
  expect(() => parseRange(text)).toThrow('the Service range');
});

describe('ServiceCIDR objects', () => {
  const cidrs = { group: 'networking.k8s.io', version: 'v1', resource: 'servicecidrs' } as const;
  const clock = new VirtualClock();
  let own: ApiServer;
  let memory: Store;
  beforeAll(async () => {
    memory = openMemory({ clock });
    own = createApiServer({ store: memory, pki: await testPki(), serviceRange: '10.100.0.0/30', clock });
    const started = own.start();
    for (let at = 0; at < 10; at++) await clock.advance(10);
    await started;
  });
  afterAll(async () => {
    await own.close();
    await memory.close();
  });
  const get = async (name: string): Promise<ApiObject & { status?: { conditions?: { status: string; reason: string }[] } }> => (await door(own).call({ ...cidrs, verb: 'get', name })) as never;
  const make = (name: string): Promise<Service> => {
    const pending = create(name, {}, own);
    return Promise.all([pending, clock.advance(50)]).then(([made]) => made);
  };

  test('a second range widens the first; it stays while addresses need it, and goes when none does', async () => {
    expect(await get('kubernetes')).toMatchObject({ metadata: { finalizers: ['networking.k8s.io/service-cidr-finalizer'] }, spec: { cidrs: ['10.100.0.0/30'] }, status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    expect([(await make('a')).spec.clusterIP, (await make('b')).spec.clusterIP].sort()).toEqual(['10.100.0.1', '10.100.0.2']);
    expect(await refusal(make('c'))).toMatchObject({ code: 500, message: expect.stringContaining('range is full') });
    await door(own).call({ ...cidrs, verb: 'create', body: { metadata: { name: 'more' }, spec: { cidrs: ['10.100.1.0/30'] } } });
    await clock.advance(100);
    expect(await get('more')).toMatchObject({ metadata: { finalizers: ['networking.k8s.io/service-cidr-finalizer'] }, status: { conditions: [{ status: 'True' }] } });
    expect((await make('c')).spec.clusterIP).toMatch(/^10\.100\.1\./);
    await door(own).call({ ...cidrs, verb: 'delete', name: 'more' });
    await clock.advance(30_000);
    expect((await get('more')).status?.conditions).toEqual([expect.objectContaining({ status: 'False', reason: 'Terminating' })]);
    expect(await refusal(make('d'))).toMatchObject({ code: 500 });
    await door(own).call({ ...services, verb: 'delete', name: 'c' });
    await clock.advance(30_000);
    expect(await refusal(get('more'))).toMatchObject({ code: 404 });
  });
});

describe('two families', () => {
  const ranges = '10.96.0.0/24,fd00:96::/120';
  let dual: ApiServer;
  let memory: Store;
  beforeAll(async () => {
    memory = openMemory();
    dual = createApiServer({ store: memory, pki: await testPki(), serviceRange: ranges });
    await dual.start();
  });
  afterAll(async () => {
    await dual.close();
    await memory.close();
  });
  const addresses = async (): Promise<string[]> => (await memory.list(ADDRESSES)).entries.map(({ key }) => key.slice(ADDRESSES.length));
  const patch = async (name: string, spec: object): Promise<Service> =>
    (await door(dual).call({ ...services, verb: 'patch', name, patchType: 'application/merge-patch+json', body: { spec } })) as Service;

  test.each<[string, Spec, string[], string]>([
    ['one family by default', {}, ['IPv4'], 'SingleStack'],
    ['the family that is asked for', { ipFamilies: ['IPv6'] }, ['IPv6'], 'SingleStack'],
    ['both where they are preferred', { ipFamilyPolicy: 'PreferDualStack' }, ['IPv4', 'IPv6'], 'PreferDualStack'],
    ['both in the order that is asked for', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, ['IPv6', 'IPv4'], 'RequireDualStack'],
    ['those of the addresses that are asked for', { ipFamilyPolicy: 'PreferDualStack', clusterIP: 'fd00:96::7', clusterIPs: ['fd00:96::7', '10.96.0.7'] }, ['IPv6', 'IPv4'], 'PreferDualStack'],
  ])('a Service gets %s', async (_what, spec, families, policy) => {
    const made = await create('s', spec, dual);
    expect(made.spec).toMatchObject({ ipFamilies: families, ipFamilyPolicy: policy });
    expect((made.spec.clusterIPs ?? []).map((address) => (address.includes(':') ? 'IPv6' : 'IPv4'))).toEqual(families);
    expect(made.spec.clusterIP).toBe(made.spec.clusterIPs?.[0]);
    expect(await addresses()).toEqual([...(made.spec.clusterIPs ?? [])].sort());
    await door(dual).call({ ...services, verb: 'delete', name: 's' });
    expect(await addresses()).toEqual([]);
  });

  test('a Service takes a second family and gives it back', async () => {
    const { spec } = await create('grows', {}, dual);
    const both = await patch('grows', { ipFamilyPolicy: 'PreferDualStack' });
    expect(both.spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], clusterIPs: [spec.clusterIP, expect.stringMatching(/^fd00:96::/)] });
    expect(await addresses()).toHaveLength(2);
    expect(await refusal(patch('grows', { clusterIPs: [spec.clusterIP], ipFamilies: ['IPv4'] }))).toMatchObject({ code: 422, message: expect.stringContaining("must be 'SingleStack' to release the secondary cluster IP") });
    expect((await patch('grows', { ipFamilyPolicy: 'SingleStack' })).spec.clusterIPs).toEqual([spec.clusterIP]);
    expect(await addresses()).toEqual([spec.clusterIP]);
  });

  test('an IPAddress tells its family', async () => {
    const { spec } = await create('six', { ipFamilies: ['IPv6'] }, dual);
    const address = await door(dual).call({ group: 'networking.k8s.io', version: 'v1', resource: 'ipaddresses', verb: 'get', name: spec.clusterIP ?? '' });
    expect(address).toMatchObject({ metadata: { labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv6' } }, spec: { parentRef: { resource: 'services', name: 'six' } } });
  });
});

test('ports for health checks are given out of the same range, once', async () => {
  const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' };
  const [a, b] = [await create('lb-a', spec), await create('lb-b', spec, two)];
  const ports = [a, b].flatMap((made) => [made.spec['healthCheckNodePort'], made.spec.ports?.[0]?.nodePort]);
  expect([new Set(ports).size, ports.every((port) => Number(port) >= 30_000)]).toEqual([4, true]);
  expect(await refusal(create('lb-c', { ...spec, healthCheckNodePort: a.spec['healthCheckNodePort'] }))).toMatchObject({ code: 500, message: expect.stringContaining('failed to allocate requested HealthCheck NodePort') });
  await remove('lb-a');
  await remove('lb-b');
  expect(await reserved(PORTS)).toEqual([]);
});
