import type { ApiObject } from '../../api/kind.ts';
import type { Door } from '../../api/request.ts';
import { createApiServer, type ApiServer } from '../server.ts';
import { openMemory } from '../storage/memory.ts';
import { ADMIN, testPki } from '../test-server.ts';

const store = openMemory();
let server: ApiServer;
let door: Door;
beforeAll(async () => {
  server = createApiServer({ store, pki: await testPki() });
  await server.start();
  door = server.door(ADMIN);
});
afterAll(async () => {
  await server.close();
  await store.close();
});

const put = (at: { group: string; version: string; resource: string }, body: object): Promise<ApiObject> =>
  door.call({ ...at, namespace: 'default', verb: 'update', name: 'a', body: { metadata: { name: 'a' }, ...body } }) as Promise<ApiObject>;
const create = (at: { group: string; version: string; resource: string }, body: object): Promise<unknown> =>
  door.call({ ...at, namespace: 'default', verb: 'create', body: { metadata: { name: 'a' }, ...body } });

test('PUT of empty lists and maps is refused as what was sent, not as nothing', async () => {
  const daemonsets = { group: 'apps', version: 'v1', resource: 'daemonsets' };
  const template = (labels: object): object => ({ metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  const spec = { selector: { matchLabels: { app: 'web' } } };
  await create(daemonsets, { spec: { ...spec, template: template({ app: 'web' }) } });
  await expect(put(daemonsets, { spec: { ...spec, template: template({}) } })).rejects.toMatchObject({
    code: 422, message: expect.stringContaining('spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`'),
  });
});

test.each<[string, object, number]>([
  ['what is there', { podSelector: {}, policyTypes: ['Ingress'] }, 1],
  ['an empty list, which is never stored,', { podSelector: {}, policyTypes: ['Ingress'], ingress: [] }, 2],
  ['the same empty list again', { podSelector: {}, policyTypes: ['Ingress'], ingress: [] }, 3],
])('PUT of %s in a NetworkPolicy', async (_, spec, generation) => {
  const networkpolicies = { group: 'networking.k8s.io', version: 'v1', resource: 'networkpolicies' };
  if (generation === 1) await create(networkpolicies, { spec });
  expect((await put(networkpolicies, { spec })).metadata.generation).toBe(generation);
});

test('a field that is off makes a new generation and goes', async () => {
  const endpointslices = { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' };
  const slice = { addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }] };
  await create(endpointslices, slice);
  const endpoints = [{ addresses: ['192.0.2.1'], deprecatedTopology: { zone: 'a' } }];
  expect(await put(endpointslices, { ...slice, endpoints })).toMatchObject({ metadata: { generation: 2 }, endpoints: [{ addresses: ['192.0.2.1'], conditions: {} }] });
});

test('devices that others use are for namespaces that are marked', async () => {
  const resourceclaims = { group: 'resource.k8s.io', version: 'v1', resource: 'resourceclaims' };
  const claim = { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c', adminAccess: true } }] } } };
  await expect(create(resourceclaims, claim)).rejects.toMatchObject({
    code: 422,
    message: expect.stringContaining('spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace'),
  });
  const body = { metadata: { labels: { 'resource.kubernetes.io/admin-access': 'true' } } };
  await door.call({ group: '', version: 'v1', resource: 'namespaces', name: 'default', verb: 'patch', patchType: 'application/merge-patch+json', body });
  expect(await create(resourceclaims, claim)).toMatchObject(claim);
});

test('the generation of a DaemonSet that is no number cannot be read', async () => {
  const daemonsets = { group: 'apps', version: 'v1', resource: 'daemonsets' };
  const metadata = { name: 'b', annotations: { 'deprecated.daemonset.template.generation': 'x' } };
  await expect(create(daemonsets, { metadata })).rejects.toMatchObject({
    code: 400, message: 'DaemonSet in version "v1" cannot be handled as a DaemonSet: strconv.ParseInt: parsing "x": invalid syntax',
  });
});

test.each([
  ['application/merge-patch+json', 422, /^ "" is invalid: patch: Invalid value: "\{.*\}": strconv.ParseInt: parsing "x": invalid syntax$/],
  ['application/strategic-merge-patch+json', 500, /^strconv.ParseInt: parsing "x": invalid syntax$/],
  ['application/apply-patch+yaml', 500, /^failed to convert to unversioned \(\/c; apps\/v1, Kind=DaemonSet\): strconv.ParseInt: parsing "x": invalid syntax$/],
])('nor can it by %s', async (patchType, code, message) => {
  const daemonsets = { group: 'apps', version: 'v1', resource: 'daemonsets' };
  const spec = { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } };
  await create(daemonsets, { metadata: { name: 'c' }, spec }).catch(() => undefined);
  const body = { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'c', annotations: { 'deprecated.daemonset.template.generation': 'x' } } };
  const call = door.call({ ...daemonsets, namespace: 'default', name: 'c', verb: 'patch', patchType: patchType as never, body, query: { fieldManager: 'm', ...(patchType.includes('apply') && { force: 'true' }) } });
  await expect(call).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('PUT of what is not there reads its version, and goes by it no more', async () => {
  const leases = { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' };
  await expect(put(leases, { metadata: { name: 'a', resourceVersion: 'abc' } })).rejects.toMatchObject({ code: 500, message: 'strconv.ParseUint: parsing "abc": invalid syntax' });
  expect(await put(leases, { metadata: { name: 'a', resourceVersion: '7' } })).toMatchObject({ metadata: { name: 'a' } });
});

test('who takes the last finalizer of a deleted object away is answered with the version that it had', async () => {
  const configmaps = { group: '', version: 'v1', resource: 'configmaps' };
  await create(configmaps, { metadata: { name: 'a', finalizers: ['example.com/held'] } });
  const held = (await door.call({ ...configmaps, namespace: 'default', verb: 'delete', name: 'a' })) as ApiObject;
  expect((await put(configmaps, { data: { last: 'words' } })).metadata.resourceVersion).toBe(held.metadata.resourceVersion);
  await expect(door.call({ ...configmaps, namespace: 'default', verb: 'get', name: 'a' })).rejects.toMatchObject({ code: 404 });
});

test('what the server writes is owned by those who write it upstream', async () => {
  const owners = async (group: string, resource: string, name: string): Promise<string[]> => {
    const { metadata } = (await door.call({ group, version: 'v1', resource, verb: 'get', name })) as ApiObject;
    return ((metadata.managedFields ?? []) as { manager: string; operation: string; subresource?: string }[]).map(({ manager, operation, subresource = '' }) => `${manager} ${operation} ${subresource}`).sort();
  };
  const consumer = 'api-priority-and-fairness-config-consumer-v1 Apply status';
  expect(await owners('flowcontrol.apiserver.k8s.io', 'flowschemas', 'probes')).toEqual([consumer, 'api-priority-and-fairness-config-producer-v1 Update ']);
  const service = { metadata: { name: 'owned' }, spec: { ports: [{ port: 80 }] } };
  const { spec } = (await door.call({ group: '', version: 'v1', resource: 'services', namespace: 'default', verb: 'create', body: service })) as ApiObject & { spec: { clusterIP: string } };
  expect(await owners('networking.k8s.io', 'ipaddresses', spec.clusterIP)).toEqual(['kube-apiserver Update ']);
  expect(await owners('networking.k8s.io', 'servicecidrs', 'kubernetes')).toEqual(
    expect.arrayContaining(['kube-apiserver Update ', 'kube-controller-manager Update ', 'service-cidr-controller Apply status']),
  );
});
