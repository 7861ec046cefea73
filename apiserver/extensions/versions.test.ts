/** Custom resources in several versions without a webhook, each with a schema of its own, through a running server. */
import type { ApiObject } from '../../api/kind.ts';
import type { ApiCall, WatchEvent } from '../../api/request.ts';
import { ApiError } from '../../api/status.ts';
import { openTestServer, type TestServer } from '../test-server.ts';

type Json = ApiObject & Record<'spec' | 'status', Record<string, unknown>>;

const GROUP = 'versioned.example.com';
const crds = { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' } as const;
const MERGE = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

let it: TestServer;

const text = (standard?: string): object => ({ type: 'string', ...(standard !== undefined && { default: standard }) });
const version = (name: string, properties: object, more: object = {}): object => ({
  name, served: true, storage: false, ...more, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
});
const V1 = version('v1', { both: text(), first: text('one') }, { storage: true });
const V2 = version('v2', { both: text(), second: text('two') });
const V3 = version('v3', { both: text() });

const definition = (versions: readonly object[], more: object = {}): object => ({
  metadata: { name: `things.${GROUP}` }, spec: { group: GROUP, scope: 'Cluster', names: { plural: 'things', kind: 'Thing' }, versions, ...more },
});

async function call(request: ApiCall): Promise<Json> {
  return (await it.doors.direct.call(request)) as Json;
}

async function refusal(request: ApiCall): Promise<string> {
  const error: unknown = await call(request).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  return (error as ApiError).message;
}

beforeAll(async () => {
  it = await openTestServer();
  await call({ ...crds, verb: 'create', body: definition([V1, V2, V3]) });
  const controller = new AbortController();
  const watch = it.doors.direct.watch({ ...crds, verb: 'watch', query: { fieldSelector: `metadata.name=things.${GROUP}` }, signal: controller.signal }) as AsyncIterable<WatchEvent<Json>>;
  for await (const { object } of watch) {
    if ((object.status['conditions'] as { type: string; status: string }[] | null)?.some(({ type, status }) => type === 'Established' && status === 'True')) break;
  }
  controller.abort();
});
afterAll(() => it.close());

const things = (name: string): { group: string; version: string; resource: string } => ({ group: GROUP, version: name, resource: 'things' });
const thing = (apiVersion: string, name: string, spec: object): object => ({ apiVersion: `${GROUP}/${apiVersion}`, kind: 'Thing', metadata: { name }, spec });
const specs = async (name: string): Promise<unknown[]> => Promise.all(['v1', 'v2'].map(async (one) => (await call({ ...things(one), verb: 'get', name })).spec));

test('defaults are those of the version that is stored; others show what they have of it', async () => {
  const made = await call({ ...things('v1'), verb: 'create', body: thing('v1', 'a', { both: 'x' }) });
  expect(made.spec).toEqual({ both: 'x', first: 'one' });
  expect(await specs('a')).toEqual([{ both: 'x', first: 'one' }, { both: 'x' }]);
});

test('what only another version has is not kept, not even in the answer', async () => {
  const body = thing('v2', 'b', { both: 'x', second: 'mine' });
  expect((await call({ ...things('v2'), verb: 'create', body, query: { dryRun: 'All' } })).spec).toEqual({ both: 'x' });
  expect((await call({ ...things('v2'), verb: 'create', body })).spec).toEqual({ both: 'x' });
  expect(await specs('b')).toEqual([{ both: 'x', first: 'one' }, { both: 'x' }]);
});

test('a write in another version loses what that does not have, and a write that changes nothing is none', async () => {
  await call({ ...things('v1'), verb: 'create', body: thing('v1', 'c', { both: 'x', first: 'mine' }) });
  await call({ ...things('v2'), verb: 'patch', name: 'c', patchType: MERGE, body: { spec: { both: 'y' } } });
  expect(await specs('c')).toEqual([{ both: 'y', first: 'one' }, { both: 'y' }]);
  const { metadata } = await call({ ...things('v3'), verb: 'get', name: 'c' });
  expect((await call({ ...things('v3'), verb: 'patch', name: 'c', patchType: MERGE, body: {} })).metadata.resourceVersion).toBe(metadata.resourceVersion);
});

test('nobody owns anything once an object does not fit the version of a manager, and such an apply is refused', async () => {
  const managers = async (name: string): Promise<unknown> => (await call({ ...things('v1'), verb: 'get', name })).metadata.managedFields;
  await call({ ...things('v1'), verb: 'create', body: thing('v1', 'd', {}), query: { fieldManager: 'm' } });
  await call({ ...things('v2'), verb: 'patch', name: 'd', patchType: MERGE, body: { spec: { both: 'y' } }, query: { fieldManager: 'n' } });
  expect(await managers('d')).toBeUndefined();
  await call({ ...things('v2'), verb: 'patch', name: 'e', patchType: APPLY, body: thing('v2', 'e', { both: 'x' }), query: { fieldManager: 'm' } });
  const applied = { ...things('v1'), verb: 'patch', name: 'e', patchType: APPLY, body: thing('v1', 'e', { both: 'x' }), query: { fieldManager: 'n' } } as const;
  expect(await refusal(applied)).toBe('failed to convert old object: .spec.first: field not declared in schema');
});

test('a policy for another version is shown everything, and what it adds is kept as far as the stored version has it', async () => {
  const policies = { group: 'admissionregistration.k8s.io', version: 'v1' } as const;
  const expression = "[JSONPatch{op: 'add', path: '/spec/first', value: 'by ' + object.apiVersion + (has(object.spec.second) ? ' of two' : '')}, JSONPatch{op: 'add', path: '/spec/unknown', value: 'x'}]";
  const matchConstraints = { resourceRules: [{ apiGroups: [GROUP], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }] };
  const spec = { matchConstraints, mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }], reinvocationPolicy: 'Never' };
  await call({ ...policies, resource: 'mutatingadmissionpolicies', verb: 'create', body: { metadata: { name: 'p' }, spec } });
  await call({ ...policies, resource: 'mutatingadmissionpolicybindings', verb: 'create', body: { metadata: { name: 'p' }, spec: { policyName: 'p' } } });
  const made = async (name: string): Promise<unknown> => (await call({ ...things('v1'), verb: 'create', body: thing('v1', name, {}), query: { dryRun: 'All' } })).spec['first'];
  while ((await made('f')) === 'one');
  await call({ ...things('v2'), verb: 'create', body: thing('v2', 'f', { second: 'mine' }) });
  expect(await specs('f')).toEqual([{ first: `by ${GROUP}/v1 of two` }, {}]);
  expect((await call({ ...things('v1'), verb: 'create', body: thing('v1', 'g', {}) })).spec).toEqual({ first: `by ${GROUP}/v1` });
});

test('a policy cannot make another version of a custom resource', async () => {
  const policies = { group: 'admissionregistration.k8s.io', version: 'v1' } as const;
  const matchConstraints = { resourceRules: [{ apiGroups: [GROUP], apiVersions: ['v1'], operations: ['CREATE'], resources: ['things'] }] };
  const matchConditions = [{ name: 'n', expression: "object.metadata.name == 'h'" }];
  const jsonPatch = { expression: "[JSONPatch{op: 'replace', path: '/apiVersion', value: 'x/v9'}]" };
  await call({ ...policies, resource: 'mutatingadmissionpolicies', verb: 'create', body: { metadata: { name: 'q' }, spec: { matchConstraints, matchConditions, mutations: [{ patchType: 'JSONPatch', jsonPatch }], reinvocationPolicy: 'Never' } } });
  await call({ ...policies, resource: 'mutatingadmissionpolicybindings', verb: 'create', body: { metadata: { name: 'q' }, spec: { policyName: 'q' } } });
  const made = (): Promise<string> => call({ ...things('v2'), verb: 'create', body: thing('v2', 'h', {}), query: { dryRun: 'All' } }).then(() => '', (error: ApiError) => error.message);
  let refused = await made();
  while (refused === '') refused = await made();
  expect(refused).toBe(`Internal error occurred: failed to convert object: x/v9, Kind=Thing is unstructured and is not suitable for converting to "${GROUP}/v2"`);
});

const COLOR = { selectableFields: [{ jsonPath: '.spec.both' }] };
const WITH_COLUMNS = 'may only be set when `version.schema.openAPIV3Schema` is not included';
const ALIKE = { both: text() };

test.each<[string, readonly object[], object, string]>([
  ['selectable fields of one version where the schemas are the same', [version('v1', ALIKE, { storage: true, ...COLOR }), version('v2', ALIKE)], {}, `spec.versions[0].selectableFields: Invalid value: "": ${WITH_COLUMNS}`],
  ['the same selectable fields where the schemas differ', [version('v1', ALIKE, { storage: true, ...COLOR }), { ...V2, ...COLOR }], {}, 'spec.selectableFields: Invalid value: "": may only be set when validations.schema is included'],
  ['defaults where unknown fields are kept', [V1], { preserveUnknownFields: true }, 'spec.preserveUnknownFields: Invalid value: true: must be false in order to use defaults in the schema'],
  [
    'authorities that are none', [V1, V2],
    { conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://127.0.0.1/', caBundle: 'aGk=' } } } },
    'spec.conversion.webhookClientConfig.caBundle: Invalid value: "aGk=": unable to load root certificates: unable to parse bytes as PEM block',
  ],
])('an update of a definition is refused with %s', async (_what, versions, more, words) => {
  const { metadata } = await call({ ...crds, verb: 'get', name: `things.${GROUP}` });
  const body = { ...definition(versions, more), metadata } as never as ApiObject;
  expect(await refusal({ ...crds, verb: 'update', name: `things.${GROUP}`, body, query: { dryRun: 'All' } })).toContain(words);
});
