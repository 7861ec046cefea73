/** Conversion webhooks: one kind in two versions, through the API and over a socket to the webhook. */
import type { ApiObject } from '../../api/kind.ts';
import { openFakeWebhook, type FakeWebhook } from '../admission/webhooks/fake-webhook.ts';
import { openTestServer, type TestServer } from '../test-server.ts';

type Json = Record<string, unknown>;
interface Review {
  readonly apiVersion: string;
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: (ApiObject & { spec: Json })[] };
}

let server: TestServer;
let webhook: FakeWebhook;
/** What the webhook makes of an answer before it is sent. */
let spoil: (answer: { response: Json; apiVersion: string }) => unknown = (answer) => answer;

beforeAll(async () => {
  webhook = await openFakeWebhook({ names: ['hook.default.svc'] });
  webhook.replies.set('/convert', () => (response, asked) => {
    const { apiVersion, request } = asked as unknown as Review;
    const convertedObjects = request.objects.map((object) => convert(object, request.desiredAPIVersion));
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(spoil({ kind: 'ConversionReview', apiVersion, response: { uid: request.uid, convertedObjects, result: { status: 'Success' } } } as never)));
  });
  server = await openTestServer();
});
beforeEach(() => (spoil = (answer) => answer));
afterAll(async () => {
  await server.close();
  await webhook.close();
});

/** v1 has `hostPort: a:1`, v2 `host: a` and `port: "1"`. */
function convert(object: ApiObject & { spec: Json }, apiVersion: string): Json {
  const { hostPort = '', host = '', port = '', ...rest } = object.spec as Record<string, string>;
  const spec = apiVersion.endsWith('/v2') ? { ...rest, host: hostPort.split(':')[0], port: hostPort.split(':')[1] } : { ...rest, hostPort: `${host}:${port}` };
  return { ...object, apiVersion, spec, metadata: { ...object.metadata, labels: { ...object.metadata.labels, via: apiVersion.split('/')[1] } } };
}

const text = { type: 'string' };
function definition(plural: string, reviewVersions: string[] = ['v1']): Json {
  const version = (name: string, properties: Json, storage: boolean): Json => ({
    name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
    selectableFields: [], subresources: { status: {} },
  });
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural, kind: `Kind${plural}` },
      versions: [version('v1', { hostPort: text }, true), version('v2', { host: text, port: text, size: { type: 'integer', default: 3 } }, false)],
      conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: reviewVersions, clientConfig: { url: `${webhook.url}/convert`, caBundle: webhook.caBundle } } },
    },
  };
}

async function define(plural: string, reviewVersions?: string[]): Promise<{ v1: (name?: string) => string; v2: (name?: string) => string }> {
  await server.doors.direct.call({ verb: 'create', group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', body: definition(plural, reviewVersions) });
  const path = (version: string) => (name = ''): string => `/apis/example.com/${version}/namespaces/default/${plural}${name && `/${name}`}`;
  while ((await server.http('GET', path('v2')())).code === 404) await new Promise((resolve) => setImmediate(resolve));
  return { v1: path('v1'), v2: path('v2') };
}

async function send(method: string, path: string, body: object, type = 'application/json'): Promise<ReturnType<Awaited<ReturnType<TestServer['http']>>['json']> & { code: number }> {
  const answer = await server.http(method, path, { headers: { 'Content-Type': type }, body: JSON.stringify(body) });
  return { ...answer.json(), code: answer.code };
}

const one = (plural: string, version: string, name: string, spec: object): object => ({ apiVersion: `example.com/${version}`, kind: `Kind${plural}`, metadata: { name }, spec });

test('an object is read and written in each version, stored in one, and keeps its metadata', async () => {
  const { v1, v2 } = await define('hosts');
  expect(await send('POST', v1(), one('hosts', 'v1', 'a', { hostPort: 'here:80' }))).toMatchObject({ code: 201, spec: { hostPort: 'here:80' } });
  const second = (await server.http('GET', v2('a'))).json();
  // Defaults come before a conversion, not after it.
  expect(second['spec']).toEqual({ host: 'here', port: '80' });
  expect(second).toMatchObject({ apiVersion: 'example.com/v2', metadata: { labels: { via: 'v2' } } });
  expect(await send('PUT', v2('a'), { ...second, spec: { host: 'there', port: '81' } })).toMatchObject({ code: 200, apiVersion: 'example.com/v2', spec: { host: 'there', port: '81' } });
  expect((await server.http('GET', v1('a'))).json()).toMatchObject({ spec: { hostPort: 'there:81' }, metadata: { uid: second.metadata.uid } });
  expect(await send('PATCH', v2('a'), { spec: { port: '82' } }, 'application/merge-patch+json')).toMatchObject({ code: 200, spec: { host: 'there', port: '82' } });
  expect(JSON.parse(String((await server.store.get('/registry/example.com/hosts/default/a'))?.value))).toMatchObject({ apiVersion: 'example.com/v1', spec: { hostPort: 'there:82' } });
  expect((await server.http('DELETE', v2('a'))).code).toBe(200);
  expect((await server.http('GET', v1('a'))).code).toBe(404);
});

test('a list is converted in one call, a watch as it goes, and what has the version already is not sent', async () => {
  const { v1, v2 } = await define('many');
  for (const name of ['a', 'b', 'c']) await send('POST', v1(), one('many', 'v1', name, { hostPort: `${name}:1` }));
  webhook.asked.length = 0;
  expect((await server.http('GET', v1())).json().items).toHaveLength(3);
  const list = (await server.http('GET', v2())).json();
  expect(list.items.map(({ spec }) => (spec as { host: string }).host)).toEqual(['a', 'b', 'c']);
  // The cache of v2 was opened before there were any, or is opened now: no object is asked about twice.
  const sent = webhook.asked.flatMap(({ review }) => (review as unknown as Review).request.objects.map(({ metadata }) => metadata.name));
  expect(new Set(sent).size).toBe(sent.length);
  const abort = new AbortController();
  const watch = server.doors.socket.watch({ verb: 'watch', group: 'example.com', version: 'v2', resource: 'many', namespace: 'default', query: { resourceVersion: list.metadata.resourceVersion as string }, signal: abort.signal });
  const next = watch[Symbol.asyncIterator]();
  await send('POST', v1(), one('many', 'v1', 'd', { hostPort: 'd:2' }));
  expect((await next.next()).value).toMatchObject({ type: 'ADDED', object: { apiVersion: 'example.com/v2', spec: { host: 'd' } } });
  await server.http('DELETE', v1('d'));
  expect((await next.next()).value).toMatchObject({ type: 'DELETED', object: { apiVersion: 'example.com/v2', spec: { host: 'd' } } });
  abort.abort();
});

test('after the storage version has changed, what was stored before is converted too', async () => {
  const { v1, v2 } = await define('moved');
  await send('POST', v1(), one('moved', 'v1', 'old', { hostPort: 'old:1' }));
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/moved.example.com';
  await send('PATCH', path, [{ op: 'replace', path: '/spec/versions/0/storage', value: false }, { op: 'replace', path: '/spec/versions/1/storage', value: true }], 'application/json-patch+json');
  const stored = async (name: string): Promise<string> => (JSON.parse(String((await server.store.get(`/registry/example.com/moved/default/${name}`))?.value)) as ApiObject).apiVersion;
  for (let i = 0; ; i++) {
    await send('POST', v2(), one('moved', 'v2', `new${i}`, { host: 'new', port: '2' }));
    if ((await stored(`new${i}`)) === 'example.com/v2') break;
  }
  expect((await server.http('GET', v2('old'))).json()).toMatchObject({ spec: { host: 'old' } });
  expect((await server.http('GET', v1('new0'))).json()).toMatchObject({ apiVersion: 'example.com/v1', spec: { hostPort: 'new:2' } });
  expect(await stored('old')).toBe('example.com/v1');
  await send('PUT', v2('old'), (await server.http('GET', v2('old'))).json());
  expect(await stored('old')).toBe('example.com/v2');
  // What is stored as it would be now is not written again.
  const before = await server.store.revision();
  await send('PUT', v1('old'), (await server.http('GET', v1('old'))).json());
  expect(await server.store.revision()).toBe(before);
});

test.each<[string, (answer: { response: Json; apiVersion: string }) => unknown, string]>([
  ['its own refusal', (a) => ({ ...a, response: { ...a.response, result: { status: 'Failure', message: 'no way' } } }), 'failed: no way'],
  ['a refusal without words', (a) => ({ ...a, response: { ...a.response, result: {} } }), "failed: response.result.status was '', not 'Success'"],
  ['another question', (a) => ({ ...a, response: { ...a.response, uid: 'x' } }), 'failed: expected response.uid='],
  ['another kind of answer', (a) => ({ ...a, kind: 'Other' }), 'failed: no kind "Other" is registered for version "apiextensions.k8s.io/v1"'],
  ['no answer', (a) => ({ ...a, response: null }), 'failed: no response provided'],
  ['too few objects', (a) => ({ ...a, response: { ...a.response, convertedObjects: [] } }), 'returned 0 objects, expected 1'],
  ['the wrong version', (a) => changed(a, (o) => ({ ...o, apiVersion: 'example.com/v3' })), 'returned invalid object at index 0: invalid groupVersion (expected example.com/v1, received example.com/v3)'],
  ['another name', (a) => changed(a, (o) => ({ ...o, metadata: { ...o.metadata, name: 'b' } })), 'returned invalid object: must have the same name: x != b'],
  ['a bad label', (a) => changed(a, (o) => ({ ...o, metadata: { ...o.metadata, labels: { a: '-' } } })), 'returned invalid metadata: metadata.labels: Invalid value: "-"'],
  ['no metadata', (a) => changed(a, (o) => ({ ...o, metadata: undefined })), 'returned invalid object: must have the same name: x != '],
])('a webhook that answers with %s is refused in its words', async (_what, made, why) => {
  const { v2 } = await refused;
  spoil = made;
  const answer = await send('POST', v2(), one('refused', 'v2', 'x', { host: 'a', port: '1' }));
  expect(answer).toMatchObject({ code: 500, status: 'Failure', message: expect.stringContaining(`conversion webhook for example.com/v2, Kind=Kindrefused ${why}`) });
  expect(await server.store.get('/registry/example.com/refused/default/x')).toBeUndefined();
  expect(await send('POST', `${v2()}?dryRun=All`, one('refused', 'v2', 'x', { host: 'a', port: '1' }))).toMatchObject({ code: 500, message: expect.stringContaining(why) });
});

let refused: ReturnType<typeof define>;
beforeAll(() => (refused = define('refused')));

function changed(answer: { response: Json }, change: (object: ApiObject) => object): object {
  return { ...answer, response: { ...answer.response, convertedObjects: (answer.response['convertedObjects'] as ApiObject[]).map(change) } };
}

test('a webhook that cannot convert what is stored refuses reads of that version at once, and only of that', async () => {
  const { v1, v2 } = await define('broken', ['v1beta1']);
  spoil = (answer) => ({ ...answer, response: { ...answer.response, result: { status: 'Failure', message: 'cannot' } } });
  await send('POST', v1(), one('broken', 'v1', 'a', { hostPort: 'a:1' }));
  expect((await server.http('GET', v1())).json().items).toHaveLength(1);
  for (const path of [v2(), v2('a')]) expect((await server.http('GET', path)).json()).toMatchObject({ code: 500, message: 'conversion webhook for example.com/v1, Kind=Kindbroken failed: cannot' });
  // What is not there need not be converted.
  expect((await server.http('GET', v2('none'))).code).toBe(404);
  spoil = (answer) => answer;
  let answer = await server.http('GET', v2('a'));
  for (; answer.code !== 200; answer = await server.http('GET', v2('a')));
  expect(answer.json()).toMatchObject({ spec: { host: 'a' } });
});

test('of many objects one that cannot be converted fails the lists that hold it, and begins of watches, and nothing else', async () => {
  const { v1, v2 } = await define('halfway');
  await send('POST', v1(), one('halfway', 'v1', 'a', { hostPort: 'a:1' }));
  expect((await server.http('GET', v2())).json().items).toHaveLength(1);
  const isBad = (answer: { response: Json }): boolean => (answer.response['convertedObjects'] as ApiObject[]).some(({ metadata }) => metadata.name === 'bad');
  spoil = (answer) => (isBad(answer) ? { ...answer, response: { ...answer.response, result: { status: 'Failure', message: 'not this one' } } } : answer);
  await send('POST', v1(), one('halfway', 'v1', 'bad', { hostPort: 'b:1' }));
  await send('POST', v1(), one('halfway', 'v1', 'c', { hostPort: 'c:1' }));
  expect((await server.http('GET', v2())).json()).toMatchObject({ code: 500, message: 'conversion webhook for example.com/v1, Kind=Kindhalfway failed: not this one' });
  expect((await server.http('GET', v2('c'))).json()).toMatchObject({ spec: { host: 'c' } });
  expect((await server.http('GET', `${v2()}?resourceVersion=0`)).json().items).toHaveLength(1);
  const abort = new AbortController();
  const watch = server.doors.socket.watch({ verb: 'watch', group: 'example.com', version: 'v2', resource: 'halfway', namespace: 'default', signal: abort.signal });
  expect((await watch[Symbol.asyncIterator]().next()).value).toMatchObject({ type: 'ERROR', object: { code: 504, message: expect.stringContaining('Too large resource version') } });
  abort.abort();
  spoil = (answer) => answer;
});

test.each([
  ['a list instead of an object', [], 'json: cannot unmarshal array into Go value of type map[string]interface {}'],
  ['nothing instead of an object', null, 'unexpected end of JSON input'],
  ['an object without a kind', { apiVersion: 'example.com/v1' }, `Object 'Kind' is missing in '{"apiVersion":"example.com/v1"}'`],
])('a webhook that answers with %s is refused as upstream reads it', async (_what, object, why) => {
  const { v2 } = await refused;
  spoil = (answer) => ({ ...answer, response: { ...answer.response, convertedObjects: [object] } });
  expect(await send('POST', v2(), one('refused', 'v2', 'y', { host: 'a', port: '1' }))).toMatchObject({ code: 500, message: why });
  spoil = (answer) => answer;
});

test('ownership is counted across versions: an apply in one conflicts with a manager of another', async () => {
  const { v1, v2 } = await define('owned');
  const apply = (path: string, version: string, spec: object, query: string): ReturnType<typeof send> => send('PATCH', `${path}?${query}`, one('owned', version, 'a', spec), 'application/apply-patch+yaml');
  expect(await apply(v2('a'), 'v2', { host: 'x', port: '9' }, 'fieldManager=first')).toMatchObject({ code: 201 });
  expect(await apply(v1('a'), 'v1', { hostPort: 'y:10' }, 'fieldManager=second')).toMatchObject({ code: 409, reason: 'Conflict', message: expect.stringContaining('conflicts with "first":') });
  const forced = await apply(v1('a'), 'v1', { hostPort: 'y:10' }, 'fieldManager=second&force=true');
  expect(forced).toMatchObject({ code: 200, spec: { hostPort: 'y:10' } });
  const managers = (forced.metadata.managedFields as { manager: string; apiVersion: string; fieldsV1: { 'f:spec'?: object } }[]).map(({ manager, apiVersion, fieldsV1 }) => [manager, apiVersion, Object.keys(fieldsV1['f:spec'] ?? {})]);
  expect(managers).toEqual([['second', 'example.com/v1', ['f:hostPort']]]);
  expect((await server.http('GET', v2('a'))).json()).toMatchObject({ spec: { host: 'y', port: '10' } });
});

test('a webhook is reached by its Service, at its endpoint', async () => {
  const { call } = server.doors.direct;
  const body = definition('served') as { spec: { conversion: { webhook: { clientConfig: object } } } };
  body.spec.conversion.webhook.clientConfig = { service: { namespace: 'default', name: 'hook', path: '/convert', port: webhook.port }, caBundle: webhook.caBundle };
  await call({ verb: 'create', group: '', version: 'v1', resource: 'services', namespace: 'default', body: { metadata: { name: 'hook' }, spec: { type: 'ExternalName', externalName: 'localhost' } } });
  await call({ verb: 'create', group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', body });
  const path = '/apis/example.com/v2/namespaces/default/served';
  while ((await server.http('GET', path)).code === 404) await new Promise((resolve) => setImmediate(resolve));
  expect(await send('POST', path, one('served', 'v2', 'a', { host: 'h', port: '1' }))).toMatchObject({ code: 201 });
  expect(JSON.parse(String((await server.store.get('/registry/example.com/served/default/a'))?.value))).toMatchObject({ spec: { hostPort: 'h:1' } });
});
