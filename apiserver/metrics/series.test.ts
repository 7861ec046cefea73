/** What a server counts about requests of all sorts, under the names that dashboards know. */
import { Meter } from '../../std/meter.ts';
import { openTestServer, type TestServer } from '../test-server.ts';
import { storageSize } from './storage-size.ts';

let server: TestServer;
const JSON_BODY = { 'content-type': 'application/json' };
const make = (path: string, object: object): Promise<{ code: number; json: () => object }> => server.http('POST', path, { headers: JSON_BODY, body: JSON.stringify(object) });

beforeAll(async () => {
  server = await openTestServer();
});
afterAll(() => server.close());

async function line(start: string): Promise<string | undefined> {
  const text = (await server.http('GET', '/metrics')).bytes.toString();
  return text.split('\n').find((one) => one.startsWith(start))?.slice(start.length).trim();
}

test('the store: lists, what they answered with, and what it told of', async () => {
  for (const name of ['a', 'b']) await make('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
  await server.http('GET', '/api/v1/configmaps');
  expect(Number(await line('apiserver_storage_list_total{group="",resource="configmaps"}'))).toBeGreaterThan(0);
  for (const what of ['fetched', 'evaluated', 'returned']) expect(Number(await line(`apiserver_storage_list_${what}_objects_total{group="",resource="configmaps"}`))).toBeGreaterThanOrEqual(0);
  const before = Number(await line('apiserver_storage_events_received_total{group="",resource="configmaps"}'));
  await make('/api/v1/namespaces/default/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } });
  await server.http('GET', '/api/v1/configmaps');
  expect(Number(await line('apiserver_storage_events_received_total{group="",resource="configmaps"}'))).toBe(before + 1);
});

test('how large the store is: what is known, also where it takes a while', async () => {
  const meter = new Meter();
  let bytes: number | Promise<number> | undefined;
  storageSize(meter, () => bytes);
  expect(meter.text()).toBe('');
  bytes = 4096;
  expect(meter.text()).toContain('apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 4096\n');
  bytes = Promise.resolve(8192);
  meter.text();
  await bytes;
  expect(meter.text()).toContain('{storage_cluster_id="etcd-0"} 8192\n');
});

test('authorizers and tokens: who decided, and what was known already', async () => {
  await make('/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'boat' } });
  const made = (await make('/api/v1/namespaces/default/serviceaccounts/boat/token', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} })).json() as { status: { token: string } };
  const ask = (token: string): Promise<{ code: number }> => server.http('GET', '/api', { anonymous: true, headers: { authorization: `Bearer ${token}` } });
  for (let i = 0; i < 3; i++) expect((await ask(made.status.token)).code).toBe(200);
  expect(await line('authentication_token_cache_request_total{status="miss"}')).toBe('1');
  expect(await line('authentication_token_cache_request_total{status="hit"}')).toBe('2');
  expect(await line('authentication_token_cache_fetch_total{status="ok"}')).toBe('1');
  expect(await line('authentication_token_cache_request_duration_seconds_count{status="hit"}')).toBe('2');
  expect(await line('authentication_token_cache_active_fetch_count{status="in_flight"}')).toBe('0');
  expect(await line('apiserver_authorization_decisions_total{type="RBAC",name="rbac",decision="allowed"}')).toBe('3');
});

test('who acts as somebody else, and what was asked for it', async () => {
  expect((await server.http('GET', '/api', { headers: { 'Impersonate-User': 'alice' } })).code).toBe(200);
  expect(await line('apiserver_impersonation_attempts_total{mode="user-info",decision="allowed"}')).toBe('1');
  // Once for the mode, and once for the name.
  expect(await line('apiserver_impersonation_authorization_attempts_total{mode="user-info",decision="allowed"}')).toBe('2');
  expect(await line('apiserver_impersonation_attempts_duration_seconds_count{mode="user-info",decision="allowed"}')).toBe('1');
});

test('rules of custom resources are timed, one look per object', async () => {
  const rules = [{ rule: 'self.size < 5' }];
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-validations': rules, properties: { size: { type: 'integer' } } } } } };
  await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'widgets.example.com' },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'widgets', kind: 'Widget' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
  });
  const widget = (name: string, size: number): Promise<{ code: number }> => make('/apis/example.com/v1/namespaces/default/widgets', { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec: { size } });
  while ((await widget('first', 1)).code === 404) await new Promise((resolve) => setImmediate(resolve));
  const before = Number(await line('apiserver_cel_evaluation_duration_seconds_count'));
  expect([(await widget('a', 7)).code, (await widget('b', 2)).code]).toEqual([422, 201]);
  expect(Number(await line('apiserver_cel_evaluation_duration_seconds_count'))).toBe(before + 2);
});

test('what was counted of custom resources goes with their definition', async () => {
  const schema = { openAPIV3Schema: { type: 'object' } };
  const define = (): Promise<unknown> => make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'gadgets.gone.example.com' },
    spec: { group: 'gone.example.com', scope: 'Namespaced', names: { plural: 'gadgets', kind: 'Gadget' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
  });
  await define();
  const gadget = (): Promise<{ code: number }> => make('/apis/gone.example.com/v1/namespaces/default/gadgets', { apiVersion: 'gone.example.com/v1', kind: 'Gadget', metadata: { name: 'one' } });
  while ((await gadget()).code === 404) await new Promise((resolve) => setImmediate(resolve));
  const shown = async (): Promise<string[]> => (await server.http('GET', '/metrics')).bytes.toString().split('\n').filter((one) => one.includes('gone.example.com'));
  expect(await shown()).toEqual(expect.arrayContaining([expect.stringMatching(/^apiserver_request_total\{verb="POST"/), expect.stringMatching(/^etcd_requests_total\{operation="create"/)]));
  await server.http('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.gone.example.com');
  while ((await shown()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  // Its cells were kept by those who count: the new ones are shown.
  await define();
  while ((await gadget()).code === 404) await new Promise((resolve) => setImmediate(resolve));
  expect(await line('etcd_requests_total{operation="create",group="gone.example.com",resource="gadgets"}')).toBe('1');
});

test('pods are counted by what the level of their namespace said', async () => {
  await make('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'strict', labels: { 'pod-security.kubernetes.io/enforce': 'baseline', 'pod-security.kubernetes.io/warn': 'restricted' } } });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  for (const namespace of ['strict', 'default']) await make(`/api/v1/namespaces/${namespace}/serviceaccounts`, account);
  const pod = (name: string, more: object = {}): object => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...more } });
  expect((await make('/api/v1/namespaces/strict/pods', pod('a'))).code).toBe(201);
  expect((await make('/api/v1/namespaces/strict/pods', pod('b', { hostNetwork: true }))).code).toBe(403);
  expect((await make('/api/v1/namespaces/default/pods', pod('c', { hostNetwork: true }))).code).toBe(201);
  const of = (decision: string, level: string, mode: string): Promise<string | undefined> => line(`pod_security_evaluations_total{decision="${decision}",policy_level="${level}",policy_version="latest",mode="${mode}",request_operation="create",resource="pod",subresource=""}`);
  expect([await of('allow', 'baseline', 'enforce'), await of('deny', 'baseline', 'enforce'), await of('allow', 'privileged', 'enforce'), await of('deny', 'restricted', 'warn')]).toEqual(['1', '1', '1', '1']);
});

test('a watch that asks for what is there is timed until it has been shown', async () => {
  const controller = new AbortController();
  const call = { verb: 'watch', group: '', version: 'v1', resource: 'configmaps', namespace: 'default', query: { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' }, signal: controller.signal } as const;
  for await (const { type } of server.doors.direct.watch(call as never)) if (type === 'BOOKMARK') break;
  controller.abort();
  expect(await line('apiserver_watch_list_duration_seconds_count{group="",version="v1",resource="configmaps",scope="namespace"}')).toBe('1');
});

test('addresses of Services: in use, and left', async () => {
  const used = Number(await line('kube_apiserver_clusterip_allocator_allocated_ips{cidr="10.96.0.0/16"}'));
  await make('/api/v1/namespaces/default/services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } });
  await server.http('GET', '/apis/networking.k8s.io/v1/ipaddresses');
  expect(Number(await line('kube_apiserver_clusterip_allocator_allocated_ips{cidr="10.96.0.0/16"}'))).toBe(used + 1);
  expect(Number(await line('kube_apiserver_clusterip_allocator_available_ips{cidr="10.96.0.0/16"}'))).toBe(65_534 - used - 1);
});

test('conditions of webhooks: how long they took, and whom they kept out', async () => {
  const hook = (name: string, expression: string): object => ({
    apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration', metadata: { name },
    webhooks: [{ name: `${name}.example.com`, clientConfig: { url: 'https://127.0.0.1:1/x' }, failurePolicy: 'Ignore', sideEffects: 'None', admissionReviewVersions: ['v1'], matchConditions: [{ name: 'c', expression }], rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }] }],
  });
  await make('/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', hook('kept', "object.metadata.name == 'other'"));
  await server.http('GET', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations');
  expect((await make('/api/v1/namespaces/default/secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' } })).code).toBe(201);
  expect(await line('apiserver_admission_match_condition_exclusions_total{name="kept.example.com",kind="webhook",type="validate",operation="CREATE"}')).toBe('1');
  expect(await line('apiserver_admission_match_condition_evaluation_seconds_count{name="kept.example.com",kind="webhook",type="validating",operation="CREATE"}')).toBe('1');
});
