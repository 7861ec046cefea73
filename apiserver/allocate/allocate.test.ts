import type { ApiObject } from '../../api/kind.ts';
import type { Door } from '../../api/request.ts';
import { seededRandom } from '../../std/random.ts';
import { openMemory } from '../storage/memory.ts';
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
  expect(await refusal(create('outside', { clusterIP: '10.97.0.7' }))).toMatchObject({ code: 422, message: expect.stringContaining('is not in the valid range') });
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

test('a dry run shows an address and reserves none', async () => {
  expect((await create('dry', { type: 'NodePort' }, one, { dryRun: 'All' })).spec).toMatchObject({ clusterIP: expect.stringMatching(/^10\.96\.0\./), ports: [{ nodePort: expect.any(Number) }] });
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

test('parseRange() leaves out the first and the last address', () => {
  const range = parseRange('10.96.0.0/16');
  expect([range.size, range.staticBand, range.at(0), range.at(range.size - 1)]).toEqual([65_534, 256, '10.96.0.1', '10.96.255.254']);
  expect(['10.96.0.0', '10.96.0.1', '10.96.255.254', '10.96.255.255', '10.97.0.1', 'x'].map((text) => range.indexOf(text))).toEqual([undefined, 0, 65_533, undefined, undefined, undefined]);
});

test.each(['10.96.0.0', '10.96.0.1/16', 'fd00::/64', '10.96.0.0/31'])('parseRange() refuses %s', (text) => {
  expect(() => parseRange(text)).toThrow('the Service range');
});
