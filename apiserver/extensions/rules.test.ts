/** Rules of custom resources in every verb that writes, through a running server. */
import type { ApiObject } from '../../api/kind.ts';
import type { ApiCall, WatchEvent } from '../../api/request.ts';
import { ApiError } from '../../api/status.ts';
import { openTestServer, type TestServer } from '../test-server.ts';

type Json = ApiObject & Record<'spec' | 'status', Record<string, unknown>>;

const GROUP = 'ruled.example.com';
const crds = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' } as const;
const things = { group: GROUP, version: 'v1', resource: 'things' } as const;
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

let it: TestServer;

const SCHEMA = {
  type: 'object',
  'x-kubernetes-validations': [
    { rule: "!self.metadata.name.startsWith('no-')", message: 'a bad name' },
    { rule: '!has(self.status) || !has(self.status.replicas) || self.status.replicas <= self.spec.max', message: 'more than max' },
  ],
  properties: {
    spec: {
      type: 'object',
      properties: {
        max: { type: 'integer', default: 5 },
        replicas: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self < 10', message: 'too many', reason: 'FieldValueForbidden' }] },
        any: { 'x-kubernetes-preserve-unknown-fields': true },
        fixed: { type: 'string', maxLength: 9, 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'is fixed' }] },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' } } },
  },
};

beforeAll(async () => {
  it = await openTestServer();
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' };
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SCHEMA }, subresources: { status: {}, scale } };
  const names = { plural: 'things', kind: 'Thing', shortNames: ['thg'], categories: ['all', 'examples'] };
  await call({ ...crds, verb: 'create', body: { metadata: { name: `things.${GROUP}` }, spec: { group: GROUP, scope: 'Cluster', names, versions: [version] } } });
  const controller = new AbortController();
  const watch = it.doors.direct.watch({ ...crds, verb: 'watch', query: { fieldSelector: `metadata.name=things.${GROUP}` }, signal: controller.signal }) as AsyncIterable<WatchEvent<Json>>;
  for await (const { object } of watch) {
    if ((object.status['conditions'] as { type: string; status: string }[] | null)?.some(({ type, status }) => type === 'Established' && status === 'True')) break;
  }
  controller.abort();
  await call({ ...things, verb: 'create', body: thing('a', { replicas: 1, fixed: 'x' }) });
});
afterAll(() => it.close());

function thing(name: string, spec: object): object {
  return { apiVersion: `${GROUP}/v1`, kind: 'Thing', metadata: { name }, spec };
}

async function call(request: ApiCall): Promise<Json> {
  return (await it.doors.direct.call(request)) as Json;
}

async function causes(request: ApiCall): Promise<string[]> {
  const error = await call(request).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  const { code, details } = (error as ApiError).status;
  expect(code).toBe(422);
  return (details?.causes ?? []).map(({ field, message, reason }) => `${reason} ${field}: ${message}`);
}

const UNCHECKED = 'FieldValueInvalid <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';
const patch = { ...things, verb: 'patch', name: 'a' } as const;

const CASES: readonly (readonly [what: string, request: ApiCall, causes: readonly string[]])[] = [
  ['create', { ...things, verb: 'create', body: thing('no-way', { replicas: 11 }) }, [
    'FieldValueInvalid <nil>: Invalid value: a bad name', 'FieldValueForbidden spec.replicas: Forbidden: too many',
  ]],
  ['merge patch', { ...patch, patchType: MERGE, body: { spec: { fixed: 'y' } } }, ['FieldValueInvalid spec.fixed: Invalid value: "y": is fixed']],
  ['JSON patch', { ...patch, patchType: 'application/json-patch+json', body: [{ op: 'replace', path: '/spec/replicas', value: 12 }] as never }, ['FieldValueForbidden spec.replicas: Forbidden: too many']],
  ['apply', { ...patch, patchType: APPLY, query: { fieldManager: 'm', force: 'true' }, body: thing('a', { replicas: 13 }) }, ['FieldValueForbidden spec.replicas: Forbidden: too many']],
  ['apply that creates', { ...patch, name: 'no-b', patchType: APPLY, query: { fieldManager: 'm' }, body: thing('no-b', {}) }, ['FieldValueInvalid <nil>: Invalid value: a bad name']],
  ['status', { ...patch, subresource: 'status', patchType: MERGE, body: { status: { replicas: 6 } } }, ['FieldValueInvalid <nil>: Invalid value: more than max']],
  ['scale', { ...patch, subresource: 'scale', patchType: MERGE, body: { spec: { replicas: 10 } } }, ['FieldValueForbidden spec.replicas: Forbidden: too many']],
  ['what a rule may not see', { ...things, verb: 'create', body: thing('no-way', { replicas: 'x' }) }, [
    'FieldValueTypeInvalid spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"',
    'FieldValueInvalid .spec.replicas: Invalid value: 0: .spec.replicas accessor error: x is of the type string, expected int64',
    UNCHECKED,
  ]],
  ['an object without a name', { ...things, verb: 'create', body: thing('', { replicas: 11 }) }, [
    'FieldValueRequired metadata.name: Required value: name or generateName is required',
    UNCHECKED,
  ]],
  ['an apply of a null that may not be', { ...patch, name: 'c', patchType: APPLY, query: { fieldManager: 'm' }, body: thing('c', { fixed: null }) }, [
    'FieldValueTypeInvalid spec.fixed: Invalid value: "null": spec.fixed in body must be of type string: "null"', UNCHECKED,
  ]],
];

test.each(CASES)('rules hold for %s', async (_what, request, expected) => {
  expect(await causes(request)).toEqual(expected);
});

test('an update is held to the rules with what was there before', async () => {
  const current = await call({ ...things, verb: 'get', name: 'a' });
  expect(await causes({ ...things, verb: 'update', name: 'a', body: { ...current, spec: { ...current.spec, fixed: 'z' } } })).toEqual(['FieldValueInvalid spec.fixed: Invalid value: "z": is fixed']);
  expect((await call({ ...things, verb: 'update', name: 'a', body: { ...current, spec: { ...current.spec, replicas: 2 } } })).spec).toMatchObject({ replicas: 2 });
});

test('what was wrong before a rule came is let through with a warning, until it is touched', async () => {
  await call({ ...things, verb: 'create', body: thing('old', { replicas: 3, max: 1 }) });
  const stricter = structuredClone(SCHEMA);
  stricter.properties.spec.properties.replicas['x-kubernetes-validations'] = [{ rule: 'self < 2', message: 'now too many', reason: 'FieldValueForbidden' }];
  const definition = await call({ ...crds, verb: 'get', name: `things.${GROUP}` });
  const [version] = definition.spec['versions'] as object[];
  await call({ ...crds, verb: 'patch', name: `things.${GROUP}`, patchType: MERGE, body: { spec: { versions: [{ ...version, schema: { openAPIV3Schema: stricter } }] } } });
  const labelled = await it.http('PATCH', `/apis/${GROUP}/v1/things/old`, { body: JSON.stringify({ metadata: { labels: { a: 'b' } } }), headers: { 'content-type': MERGE } });
  expect(labelled.code).toBe(200);
  expect(labelled.headers['warning']).toBe('299 - "spec.replicas: Forbidden: now too many"');
  expect(await causes({ ...patch, name: 'old', patchType: MERGE, body: { spec: { replicas: 4 } } })).toEqual(['FieldValueForbidden spec.replicas: Forbidden: now too many']);
});

test('short names and categories are in discovery', async () => {
  const { json } = await it.http('GET', `/apis/${GROUP}/v1`);
  const [first] = (json() as unknown as { resources: object[] }).resources;
  expect(first).toMatchObject({ name: 'things', shortNames: ['thg'], categories: ['all', 'examples'] });
});

test('a version that was stored cannot leave the definition', async () => {
  const definition = await call({ ...crds, verb: 'get', name: `things.${GROUP}` });
  const [version] = definition.spec['versions'] as object[];
  const next = { ...definition, spec: { ...definition.spec, versions: [{ ...version, name: 'v2' }] } };
  expect(await causes({ ...crds, verb: 'update', name: `things.${GROUP}`, body: next })).toEqual([expect.stringContaining('status.storedVersions[0]: Invalid value: "v1": missing from spec.versions;')]);
});

test('a null that no rule minds is not there any more', async () => {
  await call({ ...things, verb: 'create', body: thing('nothing', { any: 1 }) });
  const applied = await call({ ...patch, name: 'nothing', patchType: APPLY, query: { fieldManager: 'm', force: 'true' }, body: thing('nothing', { any: null }) });
  expect(applied.spec).toEqual({ max: 5 });
  expect((await call({ ...things, verb: 'get', name: 'nothing' })).spec).toEqual({ max: 5 });
});
