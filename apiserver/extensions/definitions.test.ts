/** Custom resources from their definition to its end, through a running server. */
import type { ApiObject } from '../../api/kind.ts';
import type { ApiCall, Door, WatchEvent } from '../../api/request.ts';
import { ApiError } from '../../api/status.ts';
import { openMemory } from '../storage/memory.ts';
import { ADMIN, openTestServer, type TestServer } from '../test-server.ts';

let it: TestServer;
beforeAll(async () => {
  it = await openTestServer();
});
afterAll(() => it.close());

type Json = ApiObject & { items: ApiObject[]; spec: Record<string, unknown>; status: Record<string, unknown> };
const crds = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' } as const;
const anything = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
const v1 = { name: 'v1', served: true, storage: true, schema: anything };

interface Options {
  readonly versions?: readonly object[];
  readonly names?: object;
  readonly spec?: object;
}

function definition(group: string, { versions = [v1], names = { plural: 'things', kind: 'Thing' }, spec = {} }: Options = {}): object {
  const { plural } = names as { plural: string };
  return { metadata: { name: `${plural}.${group}` }, spec: { group, scope: 'Cluster', names, versions, ...spec } };
}

async function call(request: ApiCall, door: Door = it.doors.direct): Promise<Json> {
  return (await door.call(request)) as Json;
}

async function refusal(work: Promise<unknown>): Promise<ApiError['status']> {
  const error = await work.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  return (error as ApiError).status;
}

/** The first state of a definition that is as wanted. */
async function until(name: string, wanted: (event: WatchEvent<Json>) => boolean, door: Door = it.doors.direct): Promise<Json> {
  const controller = new AbortController();
  const watch = door.watch({ ...crds, verb: 'watch', query: { fieldSelector: `metadata.name=${name}` }, signal: controller.signal }) as AsyncIterable<WatchEvent<Json>>;
  try {
    for await (const event of watch) if (wanted(event)) return event.object;
  } finally {
    controller.abort();
  }
  throw new Error('the watch ended');
}

const has = (type: string, status: string) => ({ object }: WatchEvent<Json>): boolean =>
  ((object.status['conditions'] ?? []) as { type: string; status: string }[]).some((condition) => condition.type === type && condition.status === status);

async function serve(group: string, options: Options = {}, door: Door = it.doors.direct): Promise<{ group: string; version: string; resource: string }> {
  const body = definition(group, options) as { metadata: { name: string } };
  await call({ ...crds, verb: 'create', body }, door);
  await until(body.metadata.name, has('Established', 'True'), door);
  return { group, version: 'v1', resource: (options.names as { plural: string } | undefined)?.plural ?? 'things' };
}

test('who sees that a definition is established can use what it defines, and find it', async () => {
  const things = await serve('first.example.com', { versions: [{ ...v1, subresources: { status: {} } }] });
  const made = await call({ ...things, verb: 'create', body: { apiVersion: 'first.example.com/v1', kind: 'Thing', metadata: { name: 'a' }, spec: { x: 1 }, status: { y: 1 } } });
  expect(made).toMatchObject({ kind: 'Thing', metadata: { name: 'a', generation: 1 }, spec: { x: 1 } });
  expect(made).not.toHaveProperty('status');
  const { json } = await it.http('GET', '/apis/first.example.com/v1');
  expect((json() as unknown as { resources: { name: string }[] }).resources.map(({ name }) => name)).toEqual(['things', 'things/status']);
  expect((await it.http('GET', '/openapi/v3/apis/first.example.com/v1')).code).toBe(200);
});

test('a definition whose names are taken is not served until they are free', async () => {
  await serve('taken.example.com');
  await call({ ...crds, verb: 'create', body: definition('taken.example.com', { names: { plural: 'jars', kind: 'Thing' } }) });
  await until('jars.taken.example.com', has('NamesAccepted', 'False'));
  expect((await it.http('GET', '/apis/taken.example.com/v1/jars')).code).toBe(404);
  await call({ ...crds, verb: 'delete', name: 'things.taken.example.com' });
  await until('jars.taken.example.com', has('Established', 'True'));
  expect((await it.http('GET', '/apis/taken.example.com/v1/jars')).code).toBe(200);
});

test('a deleted definition waits for its objects, whose finalizers hold it; then nothing is left of it', async () => {
  const things = await serve('going.example.com');
  const object = (name: string, finalizers: string[]): object => ({ apiVersion: 'going.example.com/v1', kind: 'Thing', metadata: { name, finalizers } });
  await call({ ...things, verb: 'create', body: object('free', []) });
  await call({ ...things, verb: 'create', body: object('held', ['example.com/hold']) });
  const deleted = await call({ ...crds, verb: 'delete', name: 'things.going.example.com' });
  expect(deleted.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io']);
  const gone = until('things.going.example.com', ({ type }) => type === 'DELETED');
  expect(await refusal(it.doors.direct.call({ ...things, verb: 'create', body: object('late', []) }))).toMatchObject({
    code: 403, message: 'things.going.example.com "late" is forbidden: create not allowed while custom resource definition is terminating',
  });
  await until('things.going.example.com', ({ object: { status } }) => JSON.stringify(status['conditions']).includes('InstanceDeletionInProgress'));
  await call({ ...things, verb: 'patch', name: 'held', patchType: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
  await gone;
  expect((await it.http('GET', '/apis/going.example.com/v1/things')).code).toBe(404);
  expect((await it.store.list('/registry/going.example.com/', {})).entries).toEqual([]);
});

test('of a path to a custom resource only the verb counts', async () => {
  await serve('paths.example.com', { spec: { scope: 'Namespaced' }, versions: [{ ...v1, subresources: { status: {} } }] });
  const at = (path: string): string => `/apis/paths.example.com/v1/${path}`;
  const rows: readonly (readonly [string, string, number, string])[] = [
    ['HEAD', 'namespaces/default/things', 200, ''],
    ['POST', 'things', 404, ''],
    ['GET', 'things/a', 404, ''],
    ['PUT', 'namespaces/default/things', 400, 'name must be provided'],
    ['OPTIONS', 'namespaces/default/things', 405, ' is not supported on resources of kind "things.paths.example.com"'],
    ['DELETE', 'namespaces/default/things/a/status', 405, 'delete is not supported on resources of kind "things.paths.example.com"'],
    ['GET', 'namespaces/default/things/a/status/more', 404, 'things.paths.example.com "a" not found'],
    ['GET', 'namespaces/default/things/a/other', 404, 'things.paths.example.com "a" not found'],
  ];
  for (const [method, path, code, message] of rows) {
    const answer = await it.http(method, at(path));
    expect([method, path, answer.code]).toEqual([method, path, code]);
    if (message) expect((answer.json() as { message?: string }).message).toBe(message);
  }
});

test('what was stored before shows as the changed schema has it', async () => {
  const schema = (properties: object): object => ({ ...v1, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } } });
  const things = await serve('changed.example.com', { versions: [schema({ a: { type: 'string' }, old: { type: 'string' } })] });
  await call({ ...things, verb: 'create', body: { apiVersion: 'changed.example.com/v1', kind: 'Thing', metadata: { name: 'a' }, spec: { a: 'x', old: 'y' } } });
  const name = 'things.changed.example.com';
  const patched = await call({
    ...crds, verb: 'patch', name, patchType: 'application/merge-patch+json', body: { spec: { versions: [schema({ a: { type: 'string' }, b: { type: 'string', default: 'later' } })] } },
  });
  await until(name, ({ object }) => Number(object.metadata.resourceVersion) >= Number(patched.metadata.resourceVersion));
  expect((await call({ ...things, verb: 'get', name: 'a' })).spec).toEqual({ a: 'x', b: 'later' });
  expect((await call({ ...things, verb: 'list' })).items.map((item) => item['spec'])).toEqual([{ a: 'x', b: 'later' }]);
});

test('versions show what their schemas have, and keep what the stored one has', async () => {
  const version = (name: string, fields: string[], more: object): object => ({
    name, served: true, storage: false, ...more, schema: { openAPIV3Schema: { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, { type: 'string' }])) } },
  });
  const things = await serve('versions.example.com', { versions: [version('v1', ['a', 'b'], { storage: true }), version('v1beta1', ['a', 'c'], { deprecated: true })] });
  const beta = { ...things, version: 'v1beta1' };
  const made = await call({ ...beta, verb: 'create', body: { apiVersion: 'versions.example.com/v1beta1', kind: 'Thing', metadata: { name: 'a' }, a: 'x', b: 'pruned', c: 'z' } });
  expect(made).toMatchObject({ apiVersion: 'versions.example.com/v1beta1', a: 'x' });
  expect(made['c']).toBeUndefined();
  const stable = await call({ ...things, verb: 'get', name: 'a' });
  expect([stable['a'], stable['b'], stable['c']]).toEqual(['x', undefined, undefined]);
  expect(await call({ ...beta, verb: 'get', name: 'a' })).toEqual(made);
});

test('what only a webhook that nobody reaches could convert is refused in its words, the storage version is served', async () => {
  const webhook = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { service: { name: 's', namespace: 'n' } } } };
  const things = await serve('hooked.example.com', { versions: [v1, { ...v1, name: 'v2', storage: false }], spec: { conversion: webhook } });
  await call({ ...things, verb: 'create', body: { apiVersion: 'hooked.example.com/v1', kind: 'Thing', metadata: { name: 'a' } } });
  const { code, message } = await refusal(it.doors.direct.call({ ...things, version: 'v2', verb: 'get', name: 'a' }));
  expect(code).toBe(500);
  expect(message).toContain('conversion webhook for hooked.example.com/v1, Kind=Thing failed: Post "https://s.n.svc:443/?timeout=30s"');
});

test('the status is written by its own path only, and does not move the generation', async () => {
  const things = await serve('status.example.com', { versions: [{ ...v1, subresources: { status: {} } }] });
  await call({ ...things, verb: 'create', body: { apiVersion: 'status.example.com/v1', kind: 'Thing', metadata: { name: 'a', labels: { l: '1' } }, spec: { x: 1 } } });
  const patch = { ...things, verb: 'patch', name: 'a', patchType: 'application/merge-patch+json' } as const;
  const main = await call({ ...patch, body: { spec: { x: 2 }, status: { y: 1 } } });
  expect([main.metadata.generation, main.status]).toEqual([2, undefined]);
  const status = await call({ ...patch, subresource: 'status', body: { metadata: { labels: { l: '2' } }, spec: { x: 3 }, status: { y: 2 } } });
  expect(status).toMatchObject({ metadata: { generation: 2, labels: { l: '1' } }, spec: { x: 2 }, status: { y: 2 } });
});

test('another API server over the same store serves it too', async () => {
  const store = openMemory();
  const [one, other] = await Promise.all([openTestServer({ store }), openTestServer({ store })]);
  try {
    await serve('shared.example.com', {}, one.doors.direct);
    const door = other.server.door(ADMIN);
    await until('things.shared.example.com', has('Established', 'True'), door);
    const made = await call({ group: 'shared.example.com', version: 'v1', resource: 'things', verb: 'create', body: { apiVersion: 'shared.example.com/v1', kind: 'Thing', metadata: { name: 'a' } } }, door);
    expect(made.kind).toBe('Thing');
  } finally {
    await Promise.all([one.close(), other.close()]);
    await store.close();
  }
});
