/** API aggregation: an API server of another kind behind this one, over real sockets. */
import { connect as connect2 } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { ApiObject } from '../../api/kind.ts';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';
import { resourcesOf } from './legacy-discovery.ts';
import { mergeAggregated, mergeGroups } from './merge-discovery.ts';
import { mergeSwagger } from './merge-openapi.ts';
import { trustData } from './trust.ts';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headersDistinct'];
  readonly body: string;
  readonly vouched: boolean;
}

let server: TestServer;
let other: Server;
let otherPort = 0;
let healthy = true;
/** Whether it has documents of OpenAPI version 3. */
let isNew = true;
const asked: Asked[] = [];

beforeAll(async () => {
  const pki = await testPki();
  const { certPem, keyPem } = await pki.servingCertificate({ names: ['other.default.svc'], ips: [] });
  other = createServer({ cert: certPem, key: keyPem, requestCert: true, rejectUnauthorized: false, ca: pki.frontProxyCaPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      // The aggregator's own questions come when they come.
      if (request.headers['x-remote-user'] !== 'system:kube-aggregator') asked.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headersDistinct, body: Buffer.concat(chunks).toString(), vouched: (request.socket as TLSSocket).authorized });
      const say = (code: number, value: unknown): void => void response.writeHead(code, { 'Content-Type': 'application/json', 'X-Own': 'yes' }).end(JSON.stringify(value));
      const path = (request.url ?? '').split('?')[0];
      if (!healthy) return say(500, {});
      if (path === '/apis') return say(404, {});
      if (path === '/apis/far.example.com/v1') return say(200, { kind: 'APIResourceList', groupVersion: 'far.example.com/v1', resources: [{ name: 'stars', singularName: 'star', namespaced: true, kind: 'Star', verbs: ['get', 'list'] }] });
      if (path === '/openapi/v3' && !isNew) return say(404, {});
      if (path === '/openapi/v3') return say(200, { paths: { 'apis/far.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/far.example.com/v1?hash=AB' } } });
      if (path === '/openapi/v2') return say(200, { paths: { '/apis/far.example.com/v1/stars': { get: { schema: { $ref: '#/definitions/far.Star' } } }, '/version/': {} }, definitions: { 'far.Star': { type: 'object' }, unused: {} } });
      if (path?.includes('watched')) {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        response.write('{"type":"ADDED","object":{"kind":"Star","metadata":{"name":"a","resourceVersion":"7"}}}\n');
        return;
      }
      if (path?.endsWith('/moved')) return void response.writeHead(307, { Location: 'https://elsewhere.example.com/' }).end();
      if (path?.endsWith('/cut')) return void request.socket.destroy();
      if (path?.endsWith('/hop')) return void response.writeHead(200, { 'Content-Type': 'application/json', Connection: 'X-Hop', 'X-Hop': 'a', 'X-Stays': 'b' }).end('{}');
      say(request.method === 'POST' ? 201 : 200, { kind: 'Star', metadata: { name: path } });
    });
  });
  other.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    asked.push({ method: 'UPGRADE', url: request.url ?? '', headers: request.headersDistinct, body: '', vouched: (request.socket as TLSSocket).authorized });
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => other.listen(0, 'localhost', resolve));
  otherPort = (other.address() as AddressInfo).port;
  server = await openTestServer();
  await register('far.example.com');
});
afterAll(async () => {
  await server.close();
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});

const apiservices = { group: 'apiregistration.k8s.io', version: 'v1', resource: 'apiservices' };

async function register(group: string, service = 'other', more: object = {}): Promise<void> {
  const call = server.doors.direct.call;
  await call({ verb: 'create', group: '', version: 'v1', resource: 'services', namespace: 'default', body: { metadata: { name: 'other' }, spec: { type: 'ExternalName', externalName: 'localhost' } } }).catch(() => undefined);
  const spec = { group, version: 'v1', groupPriorityMinimum: 2000, versionPriority: 15, service: { namespace: 'default', name: service, port: otherPort }, caBundle: Buffer.from((await testPki()).caPem).toString('base64'), ...more };
  await call({ ...apiservices, verb: 'create', body: { metadata: { name: `v1.${group}` }, spec } });
  const abort = new AbortController();
  for await (const { object } of server.doors.direct.watch({ ...apiservices, verb: 'watch', query: { fieldSelector: `metadata.name=v1.${group}` }, signal: abort.signal })) {
    if ((object as { status?: { conditions?: unknown[] } }).status?.conditions?.length) break;
  }
  abort.abort();
}

async function condition(group: string): Promise<unknown> {
  const found = (await server.doors.direct.call({ ...apiservices, verb: 'get', name: `v1.${group}` })) as ApiObject & { status: { conditions: object[] } };
  return found.status.conditions[0];
}

async function until<T>(look: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await look();
    if (good(value)) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a request is passed on in the name of its user, over a certificate that vouches for it', async () => {
  expect(await condition('far.example.com')).toMatchObject({ type: 'Available', status: 'True', reason: 'Passed', message: 'all checks passed' });
  asked.length = 0;
  const answer = await server.http('POST', '/apis/far.example.com/v1/namespaces/default/stars?dryRun=All', {
    headers: { 'Content-Type': 'application/json', 'X-Remote-User': 'somebody else', 'X-Remote-Extra-Level': '9', 'Impersonate-User': 'jane', 'Impersonate-Group': 'system:masters', 'Impersonate-Uid': 'u1', 'Impersonate-Extra-a%2fb': 'c' }, body: '{"kind":"Star"}',
  });
  expect([answer.code, answer.headers['x-own'], answer.json().metadata.name]).toEqual([201, 'yes', '/apis/far.example.com/v1/namespaces/default/stars']);
  expect(asked).toMatchObject([{ method: 'POST', url: '/apis/far.example.com/v1/namespaces/default/stars?dryRun=All', body: '{"kind":"Star"}', vouched: true }]);
  const { headers } = asked[0] as Asked;
  expect(headers).toMatchObject({ 'x-remote-user': ['jane'], 'x-remote-group': ['system:masters', 'system:authenticated'], 'x-remote-uid': ['u1'], 'x-remote-extra-a%2fb': ['c'] });
  expect(Object.keys(headers).filter((name) => /^(authorization|impersonate-.*|x-remote-extra-level)$/.test(name))).toEqual([]);
});

test('what a server behind this one may not do to clients', async () => {
  const get = async (path: string): ReturnType<TestServer['http']> => server.http('GET', `/apis/far.example.com/v1/${path}`);
  const moved = await get('moved');
  expect([moved.code, moved.headers['location'], moved.bytes.toString()]).toEqual([502, undefined, 'the backend attempted to redirect this request, which is not permitted']);
  const cut = await get('cut');
  expect([cut.code, cut.bytes.toString()]).toEqual([503, expect.stringMatching(/^error trying to reach service: (EOF|read: connection reset by peer)\n$/)]);
  const hop = await get('hop');
  expect([hop.code, hop.headers['x-hop'], hop.headers['x-stays']]).toEqual([200, undefined, 'b']);
  asked.length = 0;
  await server.http('GET', '/apis/far.example.com/v1/a%2Fb', { headers: { 'X-Forwarded-Proto': 'ftp', 'X-Forwarded-Host': 'evil' } });
  expect(asked).toMatchObject([{ url: '/apis/far.example.com/v1/a/b', headers: { 'x-forwarded-proto': ['https'], 'x-forwarded-host': [`localhost:${otherPort}`] } }]);
});

test('who may not is refused before anything is passed on', async () => {
  asked.length = 0;
  expect((await server.http('GET', '/apis/far.example.com/v1/stars', { headers: { 'Impersonate-User': 'jane' } })).json()).toMatchObject({ code: 403, message: expect.stringContaining('stars.far.example.com is forbidden: User "jane" cannot list') });
  expect(asked).toEqual([]);
});

test('a watch passes event by event, over HTTP/2 as well, and the connection is left when the client leaves', async () => {
  const { certPem, keyPem } = await (await testPki()).clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const session = connect2(`https://127.0.0.1:${server.port}`, { ca: (await testPki()).caPem, cert: certPem, key: keyPem });
  const stream = session.request({ ':path': '/apis/far.example.com/v1/watched?watch=true' });
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  expect(headers[':status']).toBe(200);
  const [chunk] = (await once(stream, 'data')) as [Buffer];
  expect(JSON.parse(chunk.toString())).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
  session.destroy();
});

test('a connection that leaves HTTP is joined to the other server, which is told the user', async () => {
  const { certPem, keyPem } = await (await testPki()).clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: (await testPki()).caPem, cert: certPem, key: keyPem, ALPNProtocols: ['http/1.1'] });
  asked.length = 0;
  socket.write('GET /apis/far.example.com/v1/namespaces/default/stars/a/shell HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Remote-User: liar\r\n\r\n');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await until(async () => text, (so) => so.includes('\r\n\r\n'));
  socket.write('echo');
  await until(async () => text, (so) => so.endsWith('echo'));
  expect(text).toMatch(/^HTTP\/1.1 101 Switching Protocols/);
  expect(asked[0]).toMatchObject({ method: 'UPGRADE', vouched: true, headers: { 'x-remote-user': ['admin'] } });
  socket.destroy();
});

test('what it serves is in both forms of discovery and in OpenAPI', async () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  type List = { items: { metadata: { name: string }; versions: { freshness: string; resources: { resource: string; responseKind: object }[] }[] }[] };
  const find = async (): Promise<List['items'][number] | undefined> => ((await server.http('GET', '/apis', { headers: { Accept: accept } })).json() as unknown as List).items.find(({ metadata }) => metadata.name === 'far.example.com');
  const group = await until(find, (found) => found?.versions[0]?.freshness === 'Current');
  expect(group?.versions).toMatchObject([{ version: 'v1', resources: [{ resource: 'stars', responseKind: { group: '', version: '', kind: 'Star' }, scope: 'Namespaced', singularResource: 'star' }] }]);
  expect(((await server.http('GET', '/apis')).json() as unknown as { groups: { name: string }[] }).groups.map(({ name }) => name)).toContain('far.example.com');
  expect((await server.http('GET', '/apis/far.example.com')).json()).toMatchObject({ kind: 'APIGroup', name: 'far.example.com', preferredVersion: { version: 'v1' } });
  expect((await server.http('GET', '/apis/far.example.com/v1')).json()).toMatchObject({ kind: 'APIResourceList' });
  const index = await until(async () => (await server.http('GET', '/openapi/v3')).json() as unknown as { paths: Record<string, unknown> }, ({ paths }) => 'apis/far.example.com/v1' in paths);
  expect(index.paths).toMatchObject({ 'apis/far.example.com/v1': { serverRelativeURL: '/openapi/v3/apis/far.example.com/v1?hash=AB' }, 'api/v1': {} });
  const { paths, definitions } = (await server.http('GET', '/openapi/v2')).json() as unknown as { paths: object; definitions: object };
  expect([Object.keys(paths).includes('/apis/far.example.com/v1/stars'), Object.keys(definitions).includes('far.Star'), Object.keys(definitions).includes('unused')]).toEqual([true, true, false]);
});

test('of one that has OpenAPI version 2 only a document of version 3 is made', async () => {
  isNew = false;
  await register('old.example.com');
  type Index = { paths: Record<string, { serverRelativeURL: string } | undefined> };
  const { paths } = await until(async () => (await server.http('GET', '/openapi/v3')).json() as unknown as Index, (index) => 'apis/old.example.com/v1' in index.paths);
  isNew = true;
  const url = paths['apis/old.example.com/v1']?.serverRelativeURL ?? '';
  expect(url).toMatch(/^\/openapi\/v3\/apis\/old\.example\.com\/v1\?hash=[0-9A-F]{64,}$/);
  const { code, json } = await server.http('GET', url);
  expect([code, json()]).toMatchObject([200, { openapi: '3.0.0', components: { schemas: { 'far.Star': { type: 'object' } } } }]);
});

test('one that fails is told as such, answers 503, is stale in discovery, and holds up nobody', async () => {
  healthy = false;
  await register('ill.example.com');
  // It is asked again soon, and would be well.
  expect(await condition('ill.example.com')).toMatchObject({ status: 'False', reason: 'FailedDiscoveryCheck', message: expect.stringContaining(`bad status from https://localhost:${otherPort}/apis/ill.example.com/v1: 500`) });
  healthy = true;
  await register('gone.example.com', 'nothing');
  await register('strange.example.com', 'other', { caBundle: '' });
  expect(await condition('gone.example.com')).toMatchObject({ status: 'False', reason: 'ServiceNotFound', message: 'service/nothing in "default" is not present' });
  expect(await condition('strange.example.com')).toMatchObject({ status: 'False', reason: 'FailedDiscoveryCheck', message: expect.stringContaining('x509: certificate signed by unknown authority') });
  const answer = await server.http('GET', '/apis/gone.example.com/v1/stars');
  expect([answer.code, answer.bytes.toString(), answer.headers['content-type']]).toEqual([503, 'service unavailable\n', 'text/plain; charset=utf-8']);
  const list = (await server.http('GET', '/apis', { headers: { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } })).json();
  expect(list.items.find(({ metadata }) => metadata.name === 'gone.example.com')).toMatchObject({ versions: [{ version: 'v1', freshness: 'Stale', resources: [] }] });
  expect((await server.http('GET', '/apis/apps/v1')).code).toBe(200);
  const metrics = (await server.http('GET', '/metrics')).bytes.toString();
  expect(metrics).toContain('aggregator_unavailable_apiservice{name="v1.gone.example.com"} 1\n');
  expect(metrics).toContain('aggregator_unavailable_apiservice{name="v1.apps"} 0\n');
  expect(metrics).toContain('aggregator_unavailable_apiservice_total{name="v1.gone.example.com",reason="ServiceNotFound"} 1\n');
});

test('a group that is only named is listed, and answers with nothing', async () => {
  await server.doors.direct.call({ ...apiservices, verb: 'create', body: { metadata: { name: 'v1.named.example.com' }, spec: { group: 'named.example.com', version: 'v1', groupPriorityMinimum: 5, versionPriority: 5 } } });
  const names = async (): Promise<string[]> => ((await server.http('GET', '/apis')).json() as unknown as { groups: { name: string }[] }).groups.map(({ name }) => name);
  expect((await until(names, (all) => all.includes('named.example.com'))).at(-1)).toBe('named.example.com');
  expect((await server.http('GET', '/apis/named.example.com')).json()).toMatchObject({ kind: 'APIGroup', preferredVersion: { version: 'v1' } });
  expect((await server.http('GET', '/apis/named.example.com/v1')).code).toBe(404);
});

test('callers in this process get objects', async () => {
  const abort = new AbortController();
  for await (const event of server.doors.direct.watch({ verb: 'watch', group: 'far.example.com', version: 'v1', resource: 'watched', signal: abort.signal })) {
    expect(event).toEqual({ type: 'ADDED', object: { kind: 'Star', metadata: { name: 'a', resourceVersion: '7' } } });
    break;
  }
  abort.abort();
  await expect(server.doors.direct.call({ verb: 'get', group: 'gone.example.com', version: 'v1', resource: 'stars', name: 'a' })).rejects.toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
  expect(await server.doors.direct.call({ verb: 'get', group: 'far.example.com', version: 'v1', resource: 'stars', namespace: 'default', name: 'a' })).toMatchObject({ kind: 'Star', metadata: { name: '/apis/far.example.com/v1/namespaces/default/stars/a' } });
});

test('other servers find whom to believe in kube-system', async () => {
  const { data } = (await server.http('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')).json() as unknown as { data: Record<string, string> };
  const pki = await testPki();
  expect(data).toMatchObject({ 'requestheader-allowed-names': '["front-proxy-client"]', 'requestheader-username-headers': '["X-Remote-User"]', 'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]' });
  expect([data['client-ca-file']?.trim(), data['requestheader-client-ca-file']?.trim()]).toEqual([pki.caPem.trim(), pki.frontProxyCaPem.trim()]);
});

test('trustData() keeps what others have put in', () => {
  const own = { clientCaPem: block('b'), requestHeader: { caPem: block('c'), allowedNames: ['x'], usernameHeaders: ['U'], uidHeaders: [], groupHeaders: [], extraPrefixes: [] } };
  const data = trustData(own, { 'client-ca-file': block('a'), 'requestheader-allowed-names': '["y"]' });
  expect([data['client-ca-file'], data['requestheader-allowed-names']]).toEqual([`${block('a')}\n${block('b')}\n`, '["y","x"]']);
  expect(trustData(own, data)).toEqual(data);
});

function block(text: string): string {
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`;
}

test('groups stand by priority, versions by theirs, and this server\'s own keep their order', () => {
  const priorities = (group: string): readonly [number, number] => (group === 'apps' || group === 'batch' ? [17_000, 15] : [1000, 100]);
  const remote = (group: string, version: string, groupPriority: number, versionPriority: number): Parameters<typeof mergeGroups>[1][number] => ({ group, groupPriority, versionPriority, discovered: { version, resources: [], freshness: 'Current' } });
  const own = { groups: ['batch', 'apps', 'm.example.com'].map((name) => ({ name, versions: [{ groupVersion: `${name}/v1`, version: 'v1' }] })) };
  const merged = mergeGroups(own, [remote('a.io', 'v1', 1000, 1), remote('z.io', 'v1', 20_000, 1), remote('apps', 'v2', 1, 99), remote('m.example.com', 'v1beta1', 1, 100)], priorities) as { groups: { name: string; versions: { version: string }[] }[] };
  expect(merged.groups.map(({ name, versions }) => [name, ...versions.map(({ version }) => version)])).toEqual([['z.io', 'v1'], ['batch', 'v1'], ['apps', 'v2', 'v1'], ['a.io', 'v1'], ['m.example.com', 'v1', 'v1beta1']]);
  expect(mergeAggregated({ items: [] }, [], priorities)).toEqual({ items: [] });
});

test('resourcesOf() puts subresources below their resource', () => {
  expect(resourcesOf({ resources: [{ name: 'a/status', kind: 'A', verbs: ['get'] }, { name: 'a', kind: 'A', namespaced: true, verbs: [], shortNames: ['x'] }, { name: 'b/c', kind: 'C' }] })).toMatchObject([
    { resource: 'a', scope: 'Namespaced', shortNames: ['x'], subresources: [{ subresource: 'status', verbs: ['get'] }] },
    { resource: 'b', subresources: [{ subresource: 'c', responseKind: { kind: 'C' } }] },
  ]);
});

test('mergeSwagger() renames what differs under one name, and shares what does not', () => {
  const merged = mergeSwagger(
    { paths: { '/a': {} }, definitions: { Same: { type: 'object', description: 'x' }, Other: { type: 'string' } } },
    { paths: { '/apis/g/v1/x': { $ref: '#/definitions/Other' }, '/apis/h/v1': {} }, definitions: { Same: { type: 'object' }, Other: { type: 'object', items: { $ref: '#/definitions/Same' } } } },
    '/apis/g/v1',
  );
  expect(merged).toEqual({
    paths: { '/a': {}, '/apis/g/v1/x': { $ref: '#/definitions/Other_v2' } },
    definitions: { Same: { type: 'object', description: 'x' }, Other: { type: 'string' }, Other_v2: { type: 'object', items: { $ref: '#/definitions/Same' } } },
  });
});

test('what a definition stands behind comes back, and has its own priorities', async () => {
  const { call } = server.doors.direct;
  await call({ verb: 'create', group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions', body: {
    metadata: { name: 'x.near.example.com' }, spec: { group: 'near.example.com', scope: 'Cluster', names: { plural: 'x', kind: 'X' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
  } });
  const find = async (): Promise<ApiObject | undefined> => (await call({ ...apiservices, verb: 'get', name: 'v1.near.example.com' }).catch(() => undefined)) as ApiObject | undefined;
  const first = await until(find, (found) => found !== undefined);
  await call({ ...apiservices, verb: 'delete', name: 'v1.near.example.com' });
  await until(find, (found) => found !== undefined && found.metadata.uid !== first?.metadata.uid);
  await call({ ...apiservices, verb: 'patch', name: 'v1.near.example.com', patchType: 'application/merge-patch+json', body: { spec: { versionPriority: 7 } } });
  await until(find, (found) => (found as unknown as { spec: { versionPriority: number } }).spec.versionPriority === 100);
});
