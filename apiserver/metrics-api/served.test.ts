import { openTestServer, type TestServer } from '../test-server.ts';
import type { Summary } from './summary.ts';

let open: TestServer | undefined;
afterEach(() => open?.close());

const APIS = '/apis/metrics.k8s.io/v1beta1';
const at = (agoMs: number) => new Date(Date.now() - agoMs).toISOString();
const summary = (): Summary => ({
  node: {},
  pods: [{ podRef: { namespace: 'default', name: 'p', uid: 'u' }, containers: [{ name: 'c', startTime: at(10_000), cpu: { time: at(0), usageCoreNanoSeconds: 1e9 }, memory: { time: at(0), workingSetBytes: 2048 } }] }],
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('it did not come about');
}

async function withNode(): Promise<TestServer> {
  const server = (open = await openTestServer());
  const { direct } = server.doors;
  const create = (group: string, version: string, resource: string, kind: string, object: object, namespace?: string) =>
    direct.call({ verb: 'create', group, version, resource, ...(namespace && { namespace }), body: { apiVersion: group ? `${group}/${version}` : version, kind, ...object } });
  await create('', 'v1', 'nodes', 'Node', { metadata: { name: 'n', labels: { zone: 'a' } } });
  await create('', 'v1', 'pods', 'Pod', { metadata: { name: 'p', labels: { app: 'web' } }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'x' }] } }, 'default').catch(() => undefined);
  return server;
}

test('the group is there with the first node that can be asked, and not before', async () => {
  const { http, server } = await withNode();
  expect((await http('GET', APIS)).code).toBe(404);
  server.statistics.provide('n', async () => summary());
  expect((await http('GET', APIS)).json()).toMatchObject({ resources: [{ name: 'nodes', kind: 'NodeMetrics' }, { name: 'pods', kind: 'PodMetrics', namespaced: true }] });
  expect((await http('GET', `${APIS}/nodes`)).json().items).toMatchObject([{ metadata: { name: 'n', labels: { zone: 'a' } }, usage: { cpu: expect.stringMatching(/^\d+n$/), memory: '2Ki' } }]);
  expect((await http('GET', `${APIS}/nodes/n`)).json()).toMatchObject({ kind: 'NodeMetrics', apiVersion: 'metrics.k8s.io/v1beta1' });
  expect((await http('GET', `${APIS}/nodes/other`)).json()).toMatchObject({ reason: 'NotFound', message: 'nodes.metrics.k8s.io "other" not found' });
  expect((await http('GET', `${APIS}/nodes?labelSelector=zone%3Db`)).json().items).toEqual([]);
  expect((await http('GET', `${APIS}/nodes?labelSelector=a,,b`)).code).toBe(400);
  expect((await http('DELETE', `${APIS}/nodes/n`)).code).toBe(405);
});

test('a metrics server that somebody installs takes the group over, and gives it back when it goes', async () => {
  const { http, server, doors } = await withNode();
  server.statistics.provide('n', async () => summary());
  const name = 'v1beta1.metrics.k8s.io';
  const one = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices', name } as const;
  await until(async () => (await http('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${name}`)).code === 200);
  const service = { spec: { service: { namespace: 'kube-system', name: 'metrics-server' }, insecureSkipTLSVerify: true } };
  await doors.direct.call({ ...one, verb: 'patch', patchType: 'application/merge-patch+json', body: service });
  await until(async () => (await http('GET', `${APIS}/nodes`)).code === 503);
  // It is not taken for one of our own that has nothing to stand for any more.
  expect((await http('GET', `/apis/apiregistration.k8s.io/v1/apiservices/${name}`)).code).toBe(200);
  await doors.direct.call({ ...one, verb: 'delete' });
  await until(async () => (await http('GET', `${APIS}/nodes`)).code === 200);
});

test('who defines these resources is asked instead of the nodes', async () => {
  const { http } = (open = await openTestServer());
  const json = (body: object) => ({ headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const names = { plural: 'pods', singular: 'podmetrics', kind: 'PodMetrics', listKind: 'PodMetricsList' };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const spec = { group: 'metrics.k8s.io', scope: 'Namespaced', names, versions: [{ name: 'v1beta1', served: true, storage: true, schema }] };
  const metadata = { name: 'pods.metrics.k8s.io', annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } };
  expect((await http('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', json({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata, spec }))).code).toBe(201);
  await until(async () => (await http('GET', `${APIS}/namespaces/default/pods`)).code === 200);
  const made = await http('POST', `${APIS}/namespaces/default/pods`, json({ apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics', metadata: { name: 'p' } }));
  expect(made.code).toBe(201);
  expect((await http('GET', `${APIS}/namespaces/default/pods`)).json().items).toMatchObject([{ metadata: { name: 'p' } }]);
});
