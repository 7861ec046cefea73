import { connect, type ClientHttp2Session } from 'node:http2';
import { request as secureRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import type { WatchEvent } from '../../api/request.ts';
import { openCors } from '../chain/cors.ts';
import type { ServingOptions } from './serving.ts';
import { openMemory } from '../storage/memory.ts';
import type { Store } from '../storage/store.ts';
import { openTestServer, testPki, type TestServer } from '../test-server.ts';

async function withServer(serving: ServingOptions, use: (server: TestServer) => Promise<void>, store?: Store): Promise<void> {
  const server = await openTestServer({ serving, ...(store && { store }) });
  try {
    await use(server);
  } finally {
    await server.close();
  }
}

test.each<[string, string | undefined, boolean]>([
  ['https://a.example.com', 'https://a.example.com', true],
  ['https://a.example.com.evil.org', undefined, false],
  ['', undefined, false],
])('CORS: origin %j', async (origin, allowed, preflight) => {
  await withServer({ cors: openCors(['^https://[a-z]+\\.example\\.com$']) }, async ({ http }) => {
    const headers = origin === '' ? {} : { Origin: origin };
    const answer = await http('GET', '/version', { headers });
    expect([answer.code, answer.headers['access-control-allow-origin']]).toEqual([200, allowed]);
    const asked = await http('OPTIONS', '/api/v1/pods', { headers, anonymous: true });
    expect(asked.code === 204).toBe(preflight);
  });
});

test('a deadline is told with 504, also where the time is the request\'s own', async () => {
  const memory = openMemory();
  let hold: Promise<void> | undefined;
  const store: Store = { ...bound(memory), write: async (...parts) => (await hold, memory.write(...parts)) };
  const held = Promise.withResolvers<void>();
  await withServer({ requestTimeoutMs: 20 }, async ({ http }) => {
    hold = held.promise;
    const answer = await http('POST', '/api/v1/namespaces', { body: JSON.stringify({ metadata: { name: 'slow' } }) });
    expect([answer.code, answer.json()]).toEqual([504, expect.objectContaining({ reason: 'Timeout' })]);
    held.resolve();
    expect((await http('GET', '/api/v1/nodes?timeout=nonsense')).code).toBe(400);
    expect((await http('GET', '/api/v1/nodes?watch=true&timeoutSeconds=1&timeout=nonsense')).code).toBe(200);
  }, store);
  await memory.close();
});

function bound(store: Store): Store {
  return {
    revision: () => store.revision(), get: (...parts) => store.get(...parts), list: (...parts) => store.list(...parts), write: (...parts) => store.write(...parts),
    watch: (...parts) => store.watch(...parts), compact: (revision) => store.compact(revision), snapshot: (path) => store.snapshot(path), close: () => store.close(),
  };
}

test('a stop fails readiness first, goes on as before for a while, then ends watches', async () => {
  const server = await openTestServer({ serving: { shutdownDelayMs: 1_000 } });
  const ended = Promise.withResolvers<void>();
  const watching = (async () => {
    const events: WatchEvent[] = [];
    for await (const event of server.doors.socket.watch({ group: '', version: 'v1', resource: 'namespaces', verb: 'watch' })) events.push(event);
    ended.resolve();
    return events;
  })();
  while (server.server.meter.text().includes('apiserver_longrunning_requests{verb="WATCH"') === false) await new Promise((resolve) => setImmediate(resolve));
  const closing = server.close();
  const [ready, live, other] = [await server.http('GET', '/readyz'), await server.http('GET', '/livez'), await server.http('GET', '/api/v1/namespaces')];
  expect([ready.code, live.code, other.code]).toEqual([500, 200, 200]);
  expect(ready.bytes.toString()).toContain('[-]shutdown failed: reason withheld\n');
  await closing;
  await ended.promise;
  expect((await watching).length).toBeGreaterThan(0);
});

test('with Retry-After: during the end new requests are sent elsewhere, health still answers', async () => {
  const memory = openMemory();
  let hold: Promise<void> | undefined;
  const store: Store = { ...bound(memory), write: async (...parts) => (await hold, memory.write(...parts)) };
  const held = Promise.withResolvers<void>();
  const server = await openTestServer({ store, serving: { shutdownSendsRetryAfter: true } });
  hold = held.promise;
  const slow = server.http('POST', '/api/v1/namespaces', { body: JSON.stringify({ metadata: { name: 'slow' } }) });
  while (!server.server.meter.text().includes('apiserver_current_inflight_requests{request_kind="mutating"} 1')) await new Promise((resolve) => setImmediate(resolve));
  const closing = server.close();
  const refused = await server.http('GET', '/api/v1/nodes');
  expect([refused.code, refused.headers['retry-after'], refused.headers.connection, refused.bytes.toString()]).toEqual([429, '5', 'close', 'The apiserver is shutting down, please try again later.\n']);
  expect((await server.http('GET', '/livez')).code).toBe(200);
  held.resolve();
  expect((await slow).code).toBe(201);
  await closing;
  await memory.close();
});

async function http2(port: number): Promise<ClientHttp2Session> {
  const pki = await testPki();
  const admin = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
  return connect(`https://127.0.0.1:${port}`, { ca: pki.caPem, cert: admin.certPem, key: admin.keyPem });
}

test('goaway: the client is told to connect anew, and still gets its answer', async () => {
  await withServer({ goawayChance: 1, streamsPerConnection: 7 }, async ({ port }) => {
    const session = await http2(port);
    const away = new Promise((resolve) => session.once('goaway', resolve));
    const settings = new Promise<number | undefined>((resolve) => session.once('remoteSettings', ({ maxConcurrentStreams }) => resolve(maxConcurrentStreams)));
    const stream = session.request({ ':path': '/version' });
    const status = await new Promise((resolve) => stream.once('response', (headers) => resolve(headers[':status'])));
    stream.resume();
    await away;
    expect([status, await settings]).toEqual([200, 7]);
    session.close();
  });
});

test.each<[string, (port: number, ca: string) => Promise<number | undefined>, number]>([
  ['headers beyond a megabyte', (port, ca) => status(port, ca, { 'X-Long': 'x'.repeat(1024 * 1024) }), 431],
  ['a body beyond its limit', (port, ca) => status(port, ca, { 'Content-Length': String(64 * 1024 * 1024), 'Content-Type': 'application/json' }, 'POST'), 403],
  ['no HTTP at all', (port, ca) => raw(port, ca, 'GET / SMTP/1.0\r\n\r\n'), 400],
])('refuses %s', async (_what, ask, expected) => {
  await withServer({}, async ({ port }) => {
    expect(await ask(port, (await testPki()).caPem)).toBe(expected);
  });
});

function status(port: number, ca: string, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = secureRequest({ host: '127.0.0.1', port, ca, agent: false, path: '/api/v1/namespaces', method, headers }, (response) => {
      resolve(response.statusCode);
      response.destroy();
    });
    outgoing.on('error', reject);
    outgoing.flushHeaders();
  });
}

function raw(port: number, ca: string, text: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = tlsConnect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] }, () => socket.write(text));
    socket.once('data', (data: Buffer) => {
      resolve(Number(/^HTTP\/1.1 (\d+)/.exec(data.toString())?.[1]));
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('health', () => {
  test.each<[string, number, string]>([
    ['/livez', 200, 'ok'],
    ['/readyz/shutdown', 200, 'ok'],
    ['/livez/etcd', 200, 'ok'],
    ['/readyz/poststarthook/rbac/bootstrap-roles', 200, 'ok'],
    ['/livez/shutdown', 404, '404 page not found\n'],
    ['/livez?exclude=etcd', 200, 'ok'],
    ['/livez?verbose&exclude=etcd&exclude=boats', 200, '[+]ping ok\n[+]log ok\n[+]loopback-serving-certificate ok\n[+]etcd excluded: ok\n'],
  ])('%s', async (path, code, start) => {
    await withServer({}, async ({ http }) => {
      const answer = await http('GET', path);
      expect([answer.code, answer.bytes.toString().slice(0, start.length)]).toEqual([code, start]);
      if (path.includes('boats')) expect(answer.bytes.toString()).toMatch(/\nwarn: some health checks cannot be excluded: no matches for "boats"\nlivez check passed\n$/);
    });
  });

  test('a store that does not answer is told', async () => {
    const memory = openMemory();
    let broken = false;
    const store: Store = { ...bound(memory), revision: () => (broken ? Promise.reject(new Error('no quorum')) : memory.revision()) };
    await withServer({}, async ({ http }) => {
      broken = true;
      const [ready, one] = [await http('GET', '/readyz?verbose'), await http('GET', '/readyz/etcd')];
      expect([ready.code, ready.bytes.toString().split('\n').filter((line) => line.startsWith('[-]'))]).toEqual([500, ['[-]etcd failed: reason withheld', '[-]etcd-readiness failed: reason withheld']]);
      expect([one.code, one.bytes.toString()]).toEqual([500, 'internal server error: no quorum\n']);
    }, store);
    await memory.close();
  });
});

describe('for those who look', () => {
  const form = (kind: string, version: string): Record<string, string> => ({ Accept: `application/json;as=${kind};v=${version};g=config.k8s.io` });
  test('/statusz and /flagz answer in text, and in the version that is named', async () => {
    const server = await openTestServer({ flags: { 'request-timeout': '60000' } });
    const text = async (path: string, headers = {}): Promise<string> => (await server.http('GET', path, { headers })).bytes.toString();
    expect(await text('/statusz')).toMatch(/^\napiserver statusz\nWarning: .*\n\nStarted: \w{3} \w{3} [ 123]\d \d\d:\d\d:\d\d UTC \d{4}\nUp: 0 hr 00 min \d\d sec\n/);
    expect(await text('/flagz', { Accept: '*/*' })).toMatch(/\nrequest-timeout=60000\n$/);
    expect(JSON.parse(await text('/flagz', form('Flagz', 'v1beta1')))).toEqual({ kind: 'Flagz', apiVersion: 'config.k8s.io/v1beta1', metadata: { name: 'apiserver' }, flags: { 'request-timeout': '60000' } });
    expect(JSON.parse(await text('/statusz', form('Statusz', 'v1alpha1')))).toMatchObject({ apiVersion: 'config.k8s.io/v1alpha1', emulationVersion: '1.36', paths: expect.arrayContaining(['/flagz', '/metrics', '/readyz']) });
    const refused = await server.http('GET', '/flagz', { headers: { Accept: 'application/json' } });
    expect([refused.code, refused.json()]).toEqual([406, expect.objectContaining({ reason: 'NotAcceptable' })]);
    await server.close();
  });

  test('/metrics/slis tells what health checks found', async () => {
    await withServer({}, async ({ http }) => {
      await http('GET', '/readyz');
      const text = (await http('GET', '/metrics/slis')).bytes.toString();
      expect(text).toContain('kubernetes_healthcheck{name="etcd",type="readyz"} 1\n');
      expect(text).toContain('kubernetes_healthchecks_total{name="ping",type="readyz",status="success"} 1\n');
    });
  });
});

test('a client that does not read its answer is let go when the time of its request is over', async () => {
  const memory = openMemory();
  const data = { text: 'x'.repeat(100_000) };
  for (let at = 0; at < 300; at++) await memory.write(`/registry/configmaps/default/c-${at}`, 0, Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: `c-${at}`, namespace: 'default' }, data })));
  await withServer({ requestTimeoutMs: 300 }, async ({ port, server }) => {
    const pki = await testPki();
    const admin = await pki.clientCertificate({ commonName: 'admin', organizations: ['system:masters'] });
    const socket = tlsConnect({ host: '127.0.0.1', port, ca: pki.caPem, cert: admin.certPem, key: admin.keyPem, ALPNProtocols: ['http/1.1'] });
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET /api/v1/configmaps HTTP/1.1\r\nHost: x\r\n\r\n');
    const counted = (): string[] => server.meter.text().split('\n').filter((line) => line.startsWith('apiserver_request_total{verb="LIST"') && line.includes('configmaps'));
    while (counted().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    expect(bytes).toBeLessThan(30_000_000);
  }, memory);
  await memory.close();
});

test('admission is timed by plugin', async () => {
  await withServer({}, async ({ http, server }) => {
    await http('POST', '/api/v1/namespaces/missing/configmaps', { body: JSON.stringify({ metadata: { name: 'a' } }) });
    const text = server.meter.text();
    expect(text).toMatch(/^apiserver_admission_controller_admission_duration_seconds_count\{name="NamespaceLifecycle",type="admit",operation="CREATE",rejected="true"\} 1$/m);
    expect(text).toMatch(/^apiserver_admission_step_admission_duration_seconds_count\{type="admit",operation="CREATE",rejected="true"\} 1$/m);
  });
});

test('who comes and whether he may is counted', async () => {
  await withServer({}, async ({ http, server }) => {
    await http('GET', '/version', { anonymous: true, headers: { Authorization: 'Bearer nonsense' } });
    await http('GET', '/api/v1/secrets', { anonymous: true });
    await http('GET', '/api/v1/secrets');
    const text = server.meter.text();
    for (const line of ['authentication_attempts{result="error"} 1', 'authorization_attempts_total{result="no-opinion"} 1', 'authenticated_user_requests{username="admin"} 1', 'apiserver_client_certificate_expiration_seconds_count 1']) expect(text).toContain(`${line}\n`);
  });
});

test('a watch within the process counts for as long as it is read', async () => {
  await withServer({}, async ({ doors, server }) => {
    const lasting = (): string | undefined => /longrunning_requests\{verb="WATCH",group="",version="v1",resource="namespaces".*\} (\d)/.exec(server.meter.text())?.[1];
    const events = doors.direct.watch({ group: '', version: 'v1', resource: 'namespaces', verb: 'watch' })[Symbol.asyncIterator]();
    await events.next();
    const during = lasting();
    await events.return?.();
    expect([during, lasting()]).toEqual(['1', '0']);
  });
});
