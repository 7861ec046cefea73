import { connect as connectH2 } from 'node:http2';
import type { ApiObject } from '../api/kind.ts';
import type { ApiCall, Door, WatchEvent } from '../api/request.ts';
import { ApiError } from '../api/status.ts';
import { ADMIN, openTestServer, testPki, type TestServer } from './test-server.ts';

let it: TestServer;
beforeAll(async () => {
  it = await openTestServer();
});
afterAll(() => it.close());

type Json = ApiObject & { items: ApiObject[] };
const configmaps = { group: '', version: 'v1', resource: 'configmaps', namespace: 'default' } as const;
const map = (name: string, data: Record<string, string> = {}): object => ({ metadata: { name }, data });

async function call(door: Door, request: ApiCall): Promise<Json> {
  return (await door.call(request)) as Json;
}

async function refusal(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

/** Events of a watch until one satisfies the condition. */
async function collect(door: Door, request: ApiCall, until: (event: WatchEvent<ApiObject>) => boolean): Promise<WatchEvent<ApiObject>[]> {
  const controller = new AbortController();
  const events: WatchEvent<ApiObject>[] = [];
  for await (const event of door.watch({ ...request, signal: controller.signal }) as AsyncIterable<WatchEvent<ApiObject>>) {
    events.push(event);
    if (until(event)) break;
  }
  controller.abort();
  return events;
}

describe.each(['direct', 'socket'] as const)('through the %s door', (which) => {
  const door = (): Door => it.doors[which];
  const unique = (name: string): string => `${name}-${which}`;

  test('an object lives: create, read, replace, patch, delete', async () => {
    const name = unique('life');
    const made = await call(door(), { ...configmaps, verb: 'create', body: map(name, { k: 'v' }) });
    expect(made).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'default', uid: expect.stringMatching(/^[0-9a-f-]{36}$/) }, data: { k: 'v' } });
    expect(await call(door(), { ...configmaps, verb: 'get', name })).toEqual(made);
    const replaced = await call(door(), { ...configmaps, verb: 'update', name, body: { ...made, data: { k: 'w' } } });
    expect(Number(replaced.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
    expect(replaced.metadata.uid).toBe(made.metadata.uid);
    const patched = await call(door(), { ...configmaps, verb: 'patch', name, patchType: 'application/merge-patch+json', body: { data: { more: 'x' } } });
    expect(patched['data']).toEqual({ k: 'w', more: 'x' });
    await call(door(), { ...configmaps, verb: 'delete', name });
    expect((await refusal(door().call({ ...configmaps, verb: 'get', name }))).status).toMatchObject({ code: 404, reason: 'NotFound', details: { name, kind: 'configmaps' } });
  });

  test('a stale update is a conflict, and one that changes nothing writes nothing', async () => {
    const name = unique('stale');
    const made = await call(door(), { ...configmaps, verb: 'create', body: map(name) });
    const same = await call(door(), { ...configmaps, verb: 'update', name, body: made });
    expect(same.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    await call(door(), { ...configmaps, verb: 'update', name, body: { ...made, data: { a: 'b' } } });
    expect(await refusal(door().call({ ...configmaps, verb: 'update', name, body: { ...made, data: { c: 'd' } } }))).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  test('a dry run shows what would be and leaves all as it was', async () => {
    const name = unique('dry');
    const shown = await call(door(), { ...configmaps, verb: 'create', query: { dryRun: 'All' }, body: map(name) });
    expect(shown.metadata).toMatchObject({ name, uid: expect.any(String) });
    expect(shown.metadata.resourceVersion).toBeUndefined();
    expect((await refusal(door().call({ ...configmaps, verb: 'get', name }))).code).toBe(404);
  });

  test('a watch replays from a version and shows what a selector lets through, as seen by its observer', async () => {
    const name = unique('seen');
    const labelled = (pick: string): object => ({ metadata: { name, labels: { pick } } });
    const before = await call(door(), { ...configmaps, verb: 'list' });
    for (const pick of ['me', 'no', 'me']) {
      await door().call({ ...configmaps, verb: 'patch', name, patchType: 'application/apply-patch+yaml', query: { fieldManager: 'test', force: 'true' }, body: { apiVersion: 'v1', kind: 'ConfigMap', ...labelled(pick) } });
    }
    await door().call({ ...configmaps, verb: 'delete', name });
    const query = { resourceVersion: before.metadata.resourceVersion ?? '', labelSelector: 'pick=me', fieldSelector: `metadata.name=${name}` };
    let gone = 0;
    const events = await collect(door(), { ...configmaps, verb: 'watch', query }, ({ type }) => type === 'DELETED' && ++gone === 2);
    expect(events.map(({ type, object }) => `${type} ${object.metadata.labels?.['pick']}`)).toEqual(['ADDED me', 'DELETED me', 'ADDED me', 'DELETED me']);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(versions.length);
  });

  test('initial events end with a bookmark that says so', async () => {
    const name = unique('first');
    await call(door(), { ...configmaps, verb: 'create', body: map(name) });
    const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true', fieldSelector: `metadata.name=${name}` };
    const events = await collect(door(), { ...configmaps, verb: 'watch', query }, ({ type }) => type === 'BOOKMARK');
    expect(events.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(events[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
  });

  test('pages are one snapshot, whatever is written in between', async () => {
    const at = { ...configmaps, namespace: 'kube-public' };
    const label = unique('page');
    for (const letter of ['a', 'b', 'c']) await door().call({ ...at, verb: 'create', body: { metadata: { name: unique(letter), labels: { set: label } } } });
    const query = { limit: '2', labelSelector: `set=${label}` };
    const first = await call(door(), { ...at, verb: 'list', query });
    await door().call({ ...at, verb: 'delete', name: unique('c') });
    await door().call({ ...at, verb: 'create', body: { metadata: { name: unique('d'), labels: { set: label } } } });
    const token = (first.metadata as { continue?: string }).continue ?? '';
    const second = await call(door(), { ...at, verb: 'list', query: { ...query, continue: token } });
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c'].map(unique));
  });
});

test('both doors show the same object', async () => {
  await it.doors.direct.call({ ...configmaps, verb: 'create', body: map('same', { k: 'v' }) });
  const direct = await it.doors.direct.call({ ...configmaps, verb: 'get', name: 'same' });
  expect(await it.doors.socket.call({ ...configmaps, verb: 'get', name: 'same' })).toEqual(direct);
  expect(Object.isFrozen(direct)).toBe(true);
});

test('writers of one object at the same time lose nothing', async () => {
  await it.doors.direct.call({ ...configmaps, verb: 'create', body: map('busy') });
  const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
  await Promise.all(keys.map((key) => it.doors.direct.call({ ...configmaps, verb: 'patch', name: 'busy', patchType: 'application/merge-patch+json', body: { data: { [key]: 'x' } } })));
  const after = await call(it.doors.direct, { ...configmaps, verb: 'get', name: 'busy' });
  expect(Object.keys(after['data'] as object).sort()).toEqual([...keys].sort());
});

test.each([
  { what: 'an unknown path', method: 'GET', path: '/boats', code: 404, type: 'text/plain; charset=utf-8' },
  { what: 'an unknown group', method: 'GET', path: '/apis/nowhere.example.org/v1/things', code: 404, type: 'text/plain; charset=utf-8' },
  { what: 'an unknown resource', method: 'GET', path: '/api/v1/boats', code: 404, type: 'application/json' },
  { what: 'what lies below a route', method: 'GET', path: '/version/x', code: 404, type: 'application/json' },
  { what: 'what lies below a page', method: 'GET', path: '/healthz/x', code: 404, type: 'text/plain; charset=utf-8' },
  { what: 'the issuer, with a slash', method: 'GET', path: '/.well-known/openid-configuration/', code: 200, type: 'application/json' },
  { what: 'a group without a name', method: 'GET', path: '/apis//v1', code: 404, type: 'text/plain; charset=utf-8' },
  { what: 'bindings of all namespaces', method: 'POST', path: '/api/v1/bindings', code: 404, type: 'application/json' },
  { what: 'an old watch of nothing', method: 'GET', path: '/api/v1/watch', anonymous: true, code: 500, type: 'text/plain; charset=utf-8' },
  { what: 'a method that a resource lacks', method: 'PUT', path: '/api/v1/namespaces/default/configmaps', code: 405, type: 'application/json' },
  { what: 'a form that is not served', method: 'GET', path: '/api/v1/namespaces', headers: { Accept: 'text/html' }, code: 406, type: 'application/json' },
  { what: 'a body in an unknown format', method: 'POST', path: '/api/v1/namespaces/default/configmaps', headers: { 'Content-Type': 'text/plain' }, body: 'x', code: 415, type: 'application/json' },
  { what: 'a type without a name', method: 'POST', path: '/api/v1/namespaces/default/configmaps', headers: { 'Content-Type': ';' }, body: '{}', code: 415, type: 'application/json' },
  { what: 'a patch of a subresource whose type is in capitals', method: 'PATCH', path: '/api/v1/namespaces/default/status', headers: { 'Content-Type': 'application/MERGE-patch+json' }, body: '{}', code: 415, type: 'application/json' },
  { what: 'a body that is no JSON', method: 'POST', path: '/api/v1/namespaces/default/configmaps', body: '{', code: 400, type: 'application/json' },
  { what: 'a body that is too large', method: 'POST', path: '/api/v1/namespaces/default/configmaps', body: Buffer.alloc(3 * 1024 * 1024 + 1, 0x20), code: 413, type: 'application/json' },
  { what: 'a bad escape in the path', method: 'GET', path: '/api/v1/namespaces/%zz', code: 400, type: 'text/plain; charset=utf-8' },
  { what: 'a token that nobody knows', method: 'GET', path: '/api/v1/namespaces', headers: { Authorization: 'Bearer nonsense' }, anonymous: true, code: 401, type: 'application/json' },
  { what: 'anonymous readers of objects', method: 'GET', path: '/api/v1/namespaces', anonymous: true, code: 403, type: 'application/json' },
  { what: 'anonymous askers for health', method: 'GET', path: '/readyz', anonymous: true, code: 200, type: 'text/plain; charset=utf-8' },
])('$what: $code', async ({ method, path, headers, body, anonymous, code, type }) => {
  const answer = await it.http(method, path, { headers: headers ?? {}, ...(body !== undefined && { body }), anonymous: anonymous ?? false });
  expect([answer.code, answer.headers['content-type']]).toEqual([code, type]);
  if (type === 'application/json' && code >= 400) expect(answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', code });
});

test('HTTP/2 and HTTP/1.1 answer on one port', async () => {
  const pki = await testPki();
  const { certPem, keyPem } = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const session = connectH2(`https://127.0.0.1:${it.port}`, { ca: pki.caPem, cert: certPem, key: keyPem });
  const stream = session.request({ ':path': '/api/v1/namespaces/default' });
  const status = new Promise<number>((resolve) => stream.on('response', (headers) => resolve(headers[':status'] ?? 0)));
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  session.close();
  expect(await status).toBe(200);
  expect(Buffer.concat(chunks)).toEqual((await it.http('GET', '/api/v1/namespaces/default')).bytes);
});

test('strict field validation refuses, by default it warns', async () => {
  const body = JSON.stringify({ ...map('field'), extra: 1 });
  const path = '/api/v1/namespaces/default/configmaps';
  expect((await it.http('POST', `${path}?fieldValidation=Strict`, { body })).code).toBe(400);
  const warned = await it.http('POST', path, { body });
  expect([warned.code, warned.headers['warning']]).toEqual([201, '299 - "unknown field \\"extra\\""']);
});

test('what a client may not do is refused through the direct door as well', async () => {
  const stranger = it.server.door({ name: 'stranger', groups: ['system:authenticated'] });
  expect(await refusal(stranger.call({ ...configmaps, verb: 'list' }))).toMatchObject({ code: 403, reason: 'Forbidden' });
  expect(await call(it.server.door(ADMIN), { ...configmaps, verb: 'list' })).toMatchObject({ kind: 'ConfigMapList' });
  await expect(it.server.door(ADMIN).call({ group: 'nobody.example.com', version: 'v1', resource: 'things', verb: 'list' })).rejects.toMatchObject({ code: 404, status: { reason: 'NotFound' } });
});

test('closing ends watches and frees the port', async () => {
  const own = await openTestServer();
  const watching = own.doors.socket.watch({ ...configmaps, verb: 'watch', query: { resourceVersion: '0' } })[Symbol.asyncIterator]();
  const first = watching.next();
  await own.doors.direct.call({ ...configmaps, verb: 'create', body: map('last') });
  await first;
  const rest = (async () => {
    while (!(await watching.next()).done);
  })();
  await own.close();
  await rest;
  await expect(own.http('GET', '/livez')).rejects.toThrow('ECONNREFUSED');
});

test.each([
  ['Status', 'v1', { status: {} }, 'Status in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal object into Go struct field Status.status of type string'],
  ['Status', 'v1', { status: 'Failure' }, 'Status in version "v1" cannot be handled as a ConfigMap: converting (v1.Status) to (core.ConfigMap): unknown conversion'],
  ['Deployment', 'apps/v1beta1', { data: 5, spec: { replicas: 'x' } }, 'Deployment in version "v1beta1" cannot be handled as a ConfigMap: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'],
  ['Boat', 'v1', { data: 5 }, 'Boat in version "v1" cannot be handled as a ConfigMap: no kind "Boat" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'],
])('a body that says it is a %s of %s is read as one', async (kind, apiVersion, fields, message) => {
  const answer = await it.http('POST', '/api/v1/namespaces/default/configmaps', { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ kind, apiVersion, ...fields }) });
  expect(answer.json()).toMatchObject({ code: 400, message });
});

test('unknown fields of YAML are told in the order of their names', async () => {
  const body = 'kind: ConfigMap\nmetadata: {name: unknown-fields}\nzoo: 1\nark: 2\n';
  const answer = await it.http('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', { headers: { 'Content-Type': 'application/yaml' }, body });
  expect(answer.headers['warning']).toBe('299 - "unknown field \\"ark\\"", 299 - "unknown field \\"zoo\\""');
});

test.each<[string, number[], string]>([
  ['no envelope', [0x7b, 0x7d], 'the object provided is unrecognized (must be of type ConfigMap): provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})'],
  ['an empty one', [0x6b, 0x38, 0x73, 0], 'the object provided is unrecognized (must be of type ConfigMap): empty body (6b387300)'],
  ['half of one', [0x6b, 0x38, 0x73, 0, 0x12, 5], 'the object provided is unrecognized (must be of type ConfigMap): unexpected EOF (6b3873001205)'],
  ['half of an object', [0x6b, 0x38, 0x73, 0, 0x12, 2, 0x0a, 5], 'ConfigMap in version "v1" cannot be handled as a ConfigMap: unexpected EOF'],
  ['a number for the metadata', [0x6b, 0x38, 0x73, 0, 0x12, 2, 0x08, 5], 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: wrong wireType = 0 for field ObjectMeta'],
  ['the end of what has not begun', [0x6b, 0x38, 0x73, 0, 0x12, 1, 0x0c], 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: ConfigMap: wiretype end group for non-group'],
  ['a field of no number', [0x6b, 0x38, 0x73, 0, 0x12, 1, 0x00], 'ConfigMap in version "v1" cannot be handled as a ConfigMap: proto: ConfigMap: illegal tag 0 (wire type 0)'],
  ['another kind', [0x6b, 0x38, 0x73, 0, 0x0a, 4, 0x12, 2, 0x58, 0x59], 'XY in version "v1" cannot be handled as a ConfigMap: no kind "XY" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'],
])('a body of protobuf with %s', async (_what, bytes, message) => {
  const answer = await it.http('POST', '/api/v1/namespaces/default/configmaps', { headers: { 'Content-Type': 'application/vnd.kubernetes.protobuf' }, body: Buffer.from(bytes) });
  expect(answer.json()).toMatchObject({ code: 400, message });
});

test('groups and unknown fields of protobuf are passed over, and an envelope need not say what is expected', async () => {
  const inner = [0x0a, 6, 0x0a, 4, ...Buffer.from('boat'), 0xa3, 0x38, 0x08, 5, 0xa4, 0x38, 0xc2, 0x3e, 1, 0x78];
  const body = Buffer.from([0x6b, 0x38, 0x73, 0, 0x12, inner.length, ...inner]);
  const answer = await it.http('POST', '/api/v1/namespaces/default/configmaps?dryRun=All', { headers: { 'Content-Type': 'application/vnd.kubernetes.protobuf' }, body });
  expect([answer.code, answer.json().metadata?.name]).toEqual([201, 'boat']);
});
