import type { ApiObject } from '../../api/kind.ts';
import type { ApiCall, Door } from '../../api/request.ts';
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
  await door.call({ group: '', version: 'v1', resource: 'serviceaccounts', namespace: 'default', verb: 'create', body: { metadata: { name: 'default' } } });
});
afterAll(async () => {
  await server.close();
  await store.close();
});

const pods = { group: '', version: 'v1', resource: 'pods', namespace: 'default' } as const;
const deployments = { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'default' } as const;
const budgets = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', namespace: 'default' } as const;
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
let count = 0;

async function newPod(status?: object): Promise<string> {
  const name = `p${count++}`;
  await door.call({ ...pods, verb: 'create', body: { metadata: { name, labels: { a: 'b' } }, spec: { ...template.spec, nodeName: 'n' } } });
  if (status) await door.call({ ...pods, verb: 'patch', name, subresource: 'status', patchType: 'application/merge-patch+json', body: { status } });
  return name;
}

const outcome = (call: ApiCall): Promise<unknown> => door.call(call).then(() => 'done', (error: unknown) => error);
const evict = (name: string, eviction: object, query: Record<string, string> = {}): Promise<unknown> =>
  outcome({ ...pods, verb: 'create', name, subresource: 'eviction', query, body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, ...eviction } });
const marks = async (name: string): Promise<string[]> =>
  (((await door.call({ ...pods, verb: 'get', name })) as ApiObject & { status?: { conditions?: { type: string }[] } }).status?.conditions ?? []).map(({ type }) => type);

test.each<[string, object, Record<string, string>, object | string, string[]]>([
  ['in another version', { apiVersion: 'policy/v1beta1' }, { dryRun: 'All' }, 'done', []],
  ['of another version of the pod', { deleteOptions: { preconditions: { resourceVersion: '1' } } }, {}, { code: 409, message: expect.stringContaining('on Pod "') as string }, []],
  ['of the store', { deleteOptions: { ignoreStoreReadErrorWithClusterBreakingPotential: true } }, {}, { code: 422, reason: 'Invalid' }, []],
  ['that is a dry run in two ways', { deleteOptions: { dryRun: ['x'] } }, { dryRun: 'All' }, { code: 500, message: 'Non-matching dry-run options in request and content: [All] and [x]' }, []],
  ['that cannot be, told when the pod is marked', { deleteOptions: { propagationPolicy: 'Bad' } }, {}, { code: 422 }, ['DisruptionTarget']],
])('an eviction %s', async (_, eviction, query, expected, marked) => {
  const name = await newPod();
  const answer = await evict(name, eviction, query);
  if (typeof expected === 'string') expect(answer).toBe(expected);
  else expect(answer).toMatchObject(expected);
  expect(await marks(name)).toEqual(marked);
});

test('an eviction from elsewhere', async () => {
  const name = await newPod();
  expect(await evict(name, { metadata: { name, namespace: 'other' } })).toMatchObject({ code: 400, message: 'the namespace of the provided object does not match the namespace sent on the request' });
});

test('the last pod that may go is told in the budget, in the name of the server', async () => {
  const name = await newPod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
  const made = (await door.call({ ...budgets, verb: 'create', body: { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { a: 'b' } } } } })) as ApiObject;
  const status = { observedGeneration: made.metadata.generation, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 };
  await door.call({ ...budgets, verb: 'patch', name: 'b', subresource: 'status', patchType: 'application/merge-patch+json', body: { status } });
  expect(await evict(name, {})).toBe('done');
  const budget = await door.call({ ...budgets, verb: 'get', name: 'b' });
  expect(budget).toMatchObject({ status: { disruptionsAllowed: 0, disruptedPods: { [name]: expect.any(String) as string }, conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', observedGeneration: 1 }] } });
  expect((budget as ApiObject).metadata.managedFields).toContainEqual(expect.objectContaining({ manager: 'kube-apiserver', operation: 'Update', subresource: 'status' }));
});

test.each<[string, object, object]>([
  ['of another object', { metadata: { name: 'web', uid: 'x' } }, { code: 409, message: expect.stringContaining('AdditionalErrorMsg: Precondition failed: UID in precondition: x, UID in object meta: ') as string }],
  ['of another namespace', { metadata: { name: 'web', namespace: 'other' } }, { code: 400, message: 'the namespace of the provided object does not match the namespace sent on the request' }],
])('a Scale %s is refused', async (_, scale, expected) => {
  await outcome({ ...deployments, verb: 'create', body: { metadata: { name: 'web' }, spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template } } });
  expect(await outcome({ ...deployments, verb: 'update', name: 'web', subresource: 'scale', body: { apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 }, ...scale } })).toMatchObject(expected);
});

test('through the collection a Binding binds whatever pod has the name', async () => {
  await door.call({ ...pods, verb: 'create', body: { metadata: { name: 'free' }, spec: template.spec } });
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'free', uid: 'x' }, target: { name: 'n' } };
  expect(await outcome({ ...pods, verb: 'create', name: 'free', subresource: 'binding', body: binding })).toMatchObject({ code: 409 });
  expect(await outcome({ ...pods, resource: 'bindings', verb: 'create', body: binding })).toBe('done');
});

test('what the server makes by itself is its own', async () => {
  const namespace = (await door.call({ group: '', version: 'v1', resource: 'namespaces', verb: 'get', name: 'default' })) as ApiObject;
  expect(namespace.metadata.managedFields).toMatchObject([{ manager: 'kube-apiserver', operation: 'Update', apiVersion: 'v1', fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:kubernetes.io/metadata.name': {} } } } }]);
});

test('a patch of a Scale may say which object it means', async () => {
  await door.call({ ...deployments, verb: 'create', body: { metadata: { name: 'meant' }, spec: { selector: { matchLabels: { a: 'b' } }, template } } });
  const patch = (uid: string): Promise<unknown> => outcome({ ...deployments, verb: 'patch', name: 'meant', subresource: 'scale', patchType: 'application/merge-patch+json', body: { metadata: { uid }, spec: { replicas: 2 } } });
  const { uid } = ((await door.call({ ...deployments, verb: 'get', name: 'meant' })) as ApiObject).metadata;
  expect(await patch('other')).toMatchObject({ code: 409, message: `Operation cannot be fulfilled on deployments/scale.apps "meant": Precondition failed: UID in precondition: other, UID in object meta: ${uid}` });
  expect(await patch(uid ?? '')).toBe('done');
});

test.each(['ephemeral-storage', 'example.com/thing'])('a pod that asks for nothing cannot be resized to ask for %s', async (resource) => {
  const name = await newPod();
  const body = { spec: { containers: [{ name: 'c', resources: { requests: { [resource]: '1' }, limits: { [resource]: '1' } } }] } };
  expect(await outcome({ ...pods, verb: 'patch', name, subresource: 'resize', patchType: 'application/strategic-merge-patch+json', body })).toMatchObject({ code: 422, message: expect.stringContaining('only cpu and memory resources are mutable') });
});

test('a token review shows no identity of its own', async () => {
  const review = await door.call({ group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews', verb: 'create', body: { metadata: { name: 'x', uid: 'z' }, spec: { token: 'abc' } } }) as ApiObject;
  expect(review.metadata).toMatchObject({ name: 'x' });
  expect(review.metadata.uid).toBeUndefined();
});

test('what is not stored keeps the version that it came with', async () => {
  const configmaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;
  const made = (query: Record<string, string>): Promise<unknown> => door.call({ ...configmaps, verb: 'create', query, body: { metadata: { name: 'versioned', resourceVersion: '5' } } }).catch((error: unknown) => error);
  expect(await made({ dryRun: 'All' })).toMatchObject({ metadata: { resourceVersion: '5' } });
  expect(await made({})).toMatchObject({ code: 500 });
});
