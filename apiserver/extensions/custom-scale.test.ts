/** The Scale of custom resources, and their numbers, through a running server. */
import type { ApiObject } from '../../api/kind.ts';
import type { WatchEvent } from '../../api/request.ts';
import { openTestServer, type TestServer } from '../test-server.ts';

const GROUP = 'scaled.example.com';
const crds = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' } as const;
const things = { group: GROUP, version: 'v1', resource: 'things' } as const;
const URL = `/apis/${GROUP}/v1/things`;

let it: TestServer;

beforeAll(async () => {
  it = await openTestServer();
  const subresources = { scale: { specReplicasPath: '.spec.a.replicas', statusReplicasPath: '.status.replicas' } };
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }, subresources }];
  await it.doors.direct.call({ ...crds, verb: 'create', body: { metadata: { name: `things.${GROUP}` }, spec: { group: GROUP, scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions } } });
  const controller = new AbortController();
  const watch = it.doors.direct.watch({ ...crds, verb: 'watch', query: { fieldSelector: `metadata.name=things.${GROUP}` }, signal: controller.signal }) as AsyncIterable<WatchEvent<ApiObject & { status?: { conditions?: { type: string; status: string }[] } }>>;
  for await (const { object } of watch) if (object.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) break;
  controller.abort();
  for (const [name, spec] of [['none', {}], ['one', { a: { replicas: 1 } }]] as const) await it.doors.direct.call({ ...things, verb: 'create', body: { apiVersion: `${GROUP}/v1`, kind: 'Thing', metadata: { name }, spec } });
});
afterAll(() => it.close());

const scale = (name: string, more: object): string => JSON.stringify({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name }, ...more });
const MERGE = 'application/merge-patch+json';

test.each([
  ['a patch that sets no replicas where there are none', 'PATCH', 'none', MERGE, '{"metadata":{"labels":{"a":"b"}}}', 400, 'the spec replicas field ".spec.a.replicas" cannot be empty'],
  ['a patch that sets them', 'PATCH', 'none', MERGE, '{"spec":{"replicas":4}}', 200, undefined],
  ['a patch that sets none where there are some', 'PATCH', 'one', MERGE, '{}', 200, undefined],
  ['a strategic patch', 'PATCH', 'one', 'application/strategic-merge-patch+json', '{}', 415, expect.stringContaining('accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml')],
  ['an apply that changes something, which upstream cannot', 'PATCH', 'one', 'application/apply-patch+yaml', scale('one', { spec: { replicas: 7 } }), 500, 'failed to convert new object (/one; autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an invalid group/version: autoscaling/v1'],
  ['an apply of what is there', 'PATCH', 'one', 'application/apply-patch+yaml', scale('one', { spec: { replicas: 1 } }), 200, undefined],
  ['the Scale of an object that was another', 'PUT', 'one', 'application/json', scale('one', { metadata: { name: 'one', uid: 'x' } }), 409, expect.stringContaining('UID in precondition: x')],
  ['another name, before it is known whether there is any', 'PUT', 'gone', 'application/json', scale('other', {}), 400, 'the name of the object (other) does not match the name on the URL (gone)'],
])('%s', async (_what, method, name, type, body, code, message) => {
  const answer = await it.http(method, `${URL}/${name}/scale?dryRun=All&fieldManager=x&force=${type.includes('apply')}`, { headers: { 'Content-Type': type }, body });
  expect([answer.code, answer.json().message]).toEqual([code, message]);
});

test('a manager in a version that the definition does not have makes an end of all ownership', async () => {
  const sent = [{ manager: 'm', operation: 'Update', apiVersion: `${GROUP}/v9`, fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:a': {} } } }];
  const answer = await it.http('PATCH', `${URL}/one`, { headers: { 'Content-Type': MERGE }, body: JSON.stringify({ metadata: { managedFields: sent }, spec: { b: 1 } }) });
  expect([answer.code, answer.json().metadata.managedFields]).toEqual([200, undefined]);
});

test('a Scale is shown as a table', async () => {
  const table = (await it.http('GET', `${URL}/one/scale`, { headers: { Accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' } })).json() as unknown as { columnDefinitions: { name: string }[]; rows: { cells: unknown[] }[] };
  expect([table.columnDefinitions.map(({ name }) => name), table.rows[0]?.cells.slice(0, 3)]).toEqual([['Name', 'Desired', 'Available', 'Age'], ['one', 1, 0]]);
});

test('whole numbers beyond 53 bits live through patches and selections', async () => {
  const headers = { 'Content-Type': 'application/json' };
  await it.http('POST', URL, { headers, body: `{"apiVersion":"${GROUP}/v1","kind":"Thing","metadata":{"name":"big"},"spec":{"n":9007199254740993}}` });
  const patched = await it.http('PATCH', `${URL}/big`, { headers: { 'Content-Type': MERGE }, body: '{"spec":{"other":1}}' });
  const read = await it.http('GET', `${URL}/big`);
  expect([patched, read].map(({ bytes }) => /"n":(\d+)/.exec(bytes.toString())?.[1])).toEqual(['9007199254740993', '9007199254740993']);
});
