import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, VirtualClock } from '../../std/clock.ts';
import { parseRoute } from '../request/route.ts';
import { openMemory } from '../storage/memory.ts';
import { openTestServer, type TestServer } from '../test-server.ts';
import type { AuditEvent } from './event.ts';
import { legacyLine } from './legacy-line.ts';
import { openLogFile } from './log-file.ts';
import { evaluate, parsePolicy } from './policy.ts';
import { throttle } from './throttle.ts';
import { truncating } from './truncate.ts';
import { openWebhook, readWebhookFile } from './webhook.ts';

const policy = (rules: string, rest = ''): string => `apiVersion: audit.k8s.io/v1\nkind: Policy\n${rest}rules:\n${rules}`;
const event = (auditID: string): AuditEvent => ({ kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID, stage: 'ResponseComplete', requestURI: '/', verb: 'get', user: {}, requestReceivedTimestamp: '', stageTimestamp: '' });

describe('evaluate()', () => {
  const alice = { name: 'alice', groups: ['ops', 'system:authenticated'] };
  const at = (method: string, path: string): ReturnType<typeof parseRoute> => parseRoute(method, path, { watch: false });
  const pod = at('GET', '/api/v1/namespaces/default/pods/a');
  test.each<[string, string, ReturnType<typeof at>, string]>([
    ['users', '[{level: Metadata, users: [alice]}]', pod, 'Metadata'],
    ['other users', '[{level: Metadata, users: [bob]}]', pod, 'None'],
    ['users and groups together', '[{level: Metadata, users: [alice], userGroups: [dev]}]', pod, 'None'],
    ['groups', '[{level: Request, userGroups: [ops]}]', pod, 'Request'],
    ['verbs', '[{level: None, verbs: [get]}, {level: Metadata}]', pod, 'None'],
    ['a resource of the core group', '[{level: Request, resources: [{resources: [pods]}]}]', pod, 'Request'],
    ['not its subresource', '[{level: Request, resources: [{resources: [pods]}]}]', at('GET', '/api/v1/namespaces/default/pods/a/log'), 'None'],
    ['a subresource', '[{level: Request, resources: [{resources: [pods/log]}]}]', at('GET', '/api/v1/namespaces/default/pods/a/log'), 'Request'],
    ['a subresource of all', '[{level: Request, resources: [{resources: ["*/log"]}]}]', at('GET', '/api/v1/namespaces/default/pods/a/log'), 'Request'],
    ['all of a resource', '[{level: Request, resources: [{resources: ["pods/*"]}]}]', at('GET', '/api/v1/namespaces/default/pods/a/log'), 'Request'],
    ['names', '[{level: Request, resources: [{resources: [pods], resourceNames: [b]}]}]', pod, 'None'],
    ['a group without resources', '[{level: Request, resources: [{group: apps}]}]', at('GET', '/apis/apps/v1/deployments'), 'Request'],
    ['another group', '[{level: Request, resources: [{group: apps}]}]', pod, 'None'],
    ['namespaces', '[{level: Request, namespaces: [kube-system]}]', pod, 'None'],
    ['no namespace', '[{level: Request, namespaces: [""]}]', at('GET', '/api/v1/nodes/a'), 'Request'],
    ['paths', '[{level: Metadata, nonResourceURLs: ["/healthz*"]}]', at('GET', '/healthz/etcd'), 'Metadata'],
    ['resources are no paths', '[{level: Metadata, nonResourceURLs: ["*"]}]', pod, 'None'],
    ['the first that matches', '[{level: None, users: [bob]}, {level: Request, verbs: [get]}, {level: Metadata}]', pod, 'Request'],
  ])('matches %s', (_what, rules, route, expected) => {
    expect(evaluate(parsePolicy(policy(`  ${rules}`)), alice, route).level).toBe(expected);
  });

  test('stages that are left out add up; managers are left out as the rule says, else as the policy', () => {
    const parsed = parsePolicy(policy('- {level: Metadata, verbs: [get], omitStages: [ResponseStarted], omitManagedFields: false}\n- {level: Request}\n', 'omitStages: [RequestReceived]\nomitManagedFields: true\n'));
    const get = evaluate(parsed, alice, pod);
    expect([[...get.omitStages], get.omitManagedFields]).toEqual([['RequestReceived', 'ResponseStarted'], false]);
    expect(evaluate(parsed, alice, at('PUT', '/api/v1/nodes/a')).omitManagedFields).toBe(true);
  });
});

test.each([
  ['kind: Policy\nrules: [{level: None}]', 'must be a Policy of audit.k8s.io/v1'],
  [policy(''), 'loaded illegal policy with 0 rules'],
  [policy('- {level: Loud}'), 'rules[0].level: Unsupported value: "Loud"'],
  [policy('- {}'), 'rules[0].level: Required value'],
  [policy('- {level: None, colour: red}'), 'unknown field "rules[0].colour"'],
  [policy('- {level: None, users: alice}'), 'rules[0].users: must be array'],
  [policy('- {level: None, resources: [{group: "", resource: [pods]}]}'), 'unknown field "rules[0].resources[0].resource"'],
  [policy('- '), 'rules[0]: must be object'],
  [policy('- {level: None, nonResourceURLs: ["a"]}'), "must begin with a '/' character"],
  [policy('- {level: None, nonResourceURLs: ["/a*b"]}'), "must be the final character"],
  [policy('- {level: None, namespaces: [a], nonResourceURLs: ["/a"]}'), 'rules cannot apply to both'],
  [policy('- {level: None, resources: [{group: apps/v1}]}'), 'a group is named without its version'],
  [policy('- {level: None, resources: [{resourceNames: [a]}]}'), 'requires at least one resource'],
  [policy('- {level: None, omitStages: [Never]}'), 'allowed stages are RequestReceived,'],
])('parsePolicy() refuses %j', (text, why) => {
  expect(() => parsePolicy(text)).toThrow(why);
});

describe('records of a server', () => {
  const events: AuditEvent[] = [];
  let server: TestServer;
  beforeAll(async () => {
    const rules = [
      '- {level: None, users: ["system:apiserver"]}', '- {level: Metadata, resources: [{resources: [secrets]}]}', '- {level: RequestResponse, resources: [{resources: [configmaps]}]}', '- {level: Metadata, resources: [{resources: [pods]}]}',
      '- {level: Metadata, nonResourceURLs: ["/version"]}', '- {level: Metadata, verbs: [watch]}', '',
    ];
    server = await openTestServer({ audit: { policy: parsePolicy(policy(rules.join('\n'), 'omitManagedFields: true\n')), backends: [{ write: (one) => void events.push(structuredClone(one)), close: () => Promise.resolve() }] } });
  });
  afterAll(() => server.close());
  beforeEach(() => void events.splice(0));
  const of = (stage: string): AuditEvent[] => events.filter((one) => one.stage === stage);

  test('Metadata has who, what and the outcome, never a secret', async () => {
    const secret = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, stringData: { key: 'very-secret' } };
    const answer = await server.http('POST', '/api/v1/namespaces/default/secrets?fieldManager=me', { body: JSON.stringify(secret), headers: { 'User-Agent': 'tester/1', 'X-Forwarded-For': '10.1.2.3' } });
    expect(events).toEqual([expect.objectContaining({ stage: 'RequestReceived' }), expect.objectContaining({ stage: 'ResponseComplete' })]);
    expect(events[1]).toEqual({
      kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', auditID: answer.headers['audit-id'], stage: 'ResponseComplete', requestURI: '/api/v1/namespaces/default/secrets?fieldManager=me',
      verb: 'create', user: { username: 'admin', groups: ['system:masters', 'system:authenticated'], extra: expect.anything() }, sourceIPs: ['10.1.2.3', '127.0.0.1'], userAgent: 'tester/1',
      objectRef: { resource: 'secrets', namespace: 'default', name: 's', apiVersion: 'v1' }, responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/), stageTimestamp: expect.any(String),
      annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
    });
    expect(JSON.stringify(events)).not.toContain('very-secret');
  });

  test('what was read is recorded, not what was sent, and nothing of what could not be read', async () => {
    const post = (body: object, query = ''): Promise<unknown> => server.http('POST', `/api/v1/namespaces/default/configmaps${query}`, { body: JSON.stringify(body) });
    await post({ metadata: { name: 'd' }, data: {} });
    await post({ metadata: { name: 'e' }, bogus: 1 }, '?fieldValidation=Strict');
    const [read, unread] = of('ResponseComplete');
    expect(read).toMatchObject({ objectRef: { name: 'd' }, requestObject: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'd' } } });
    expect(read?.requestObject).not.toHaveProperty('metadata.namespace');
    expect(unread).not.toHaveProperty('requestObject');
    expect(unread?.objectRef).not.toHaveProperty('name');
  });

  test('a watch that is refused has been answered all the same', async () => {
    await server.http('GET', '/api/v1/namespaces/default/configmaps?watch=1&resourceVersion=x');
    expect(events.map(({ stage, responseStatus }) => [stage, (responseStatus as { code?: number } | undefined)?.code])).toEqual([['RequestReceived', undefined], ['ResponseStarted', 500], ['ResponseComplete', 500]]);
  });

  test('RequestResponse has both bodies, without managers when so wanted; a refusal is told', async () => {
    await server.http('POST', '/api/v1/namespaces/default/configmaps', { body: JSON.stringify({ metadata: { name: 'c' }, data: { a: 'b' } }) });
    const [made] = of('ResponseComplete');
    expect(made).toMatchObject({ requestObject: { metadata: { name: 'c' }, data: { a: 'b' } }, responseObject: { kind: 'ConfigMap', metadata: { name: 'c', resourceVersion: expect.any(String) } } });
    expect(JSON.stringify(made)).not.toContain('managedFields');
    await server.http('GET', '/api/v1/namespaces/default/configmaps/c', { headers: { 'Impersonate-User': 'nobody' } });
    expect(of('ResponseComplete')[1]).toMatchObject({
      user: { username: 'admin' }, impersonatedUser: { username: 'nobody' }, responseStatus: { code: 403, reason: 'Forbidden', status: 'Failure' }, annotations: { 'authorization.k8s.io/decision': 'forbid' },
    });
  });

  test('admission tells what it decided by', async () => {
    const labels = { 'pod-security.kubernetes.io/audit': 'restricted' };
    await server.http('POST', '/api/v1/namespaces', { body: JSON.stringify({ metadata: { name: 'audited', labels } }) });
    await server.http('POST', '/api/v1/namespaces/audited/serviceaccounts', { body: JSON.stringify({ metadata: { name: 'default' } }) });
    await server.http('POST', '/api/v1/namespaces/audited/pods', { body: JSON.stringify({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }) });
    expect(of('ResponseComplete').at(-1)).toMatchObject({
      objectRef: { resource: 'pods' },
      annotations: { 'pod-security.kubernetes.io/enforce-policy': 'privileged:latest', 'pod-security.kubernetes.io/audit-violations': expect.stringMatching(/^would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false/) },
    });
  });

  test('a watch is recorded when it starts; whom nobody vouches for, too', async () => {
    const stop = new AbortController();
    const watch = server.doors.socket.watch({ group: '', version: 'v1', resource: 'namespaces', verb: 'watch', signal: stop.signal });
    await watch[Symbol.asyncIterator]().next();
    stop.abort();
    expect(of('ResponseStarted')[0]).toMatchObject({ verb: 'watch', responseStatus: { code: 200 } });
    await server.http('GET', '/version', { anonymous: true, headers: { Authorization: 'Bearer nonsense' } });
    expect(of('ResponseStarted')[1]).toMatchObject({ user: {}, requestURI: '/version', responseStatus: { code: 401, reason: 'Unauthorized' } });
  });
});

describe('openLogFile()', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'audit-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('writes one line per record, in order, and turns the file over', async () => {
    const clock = new VirtualClock();
    const path = join(folder, 'audit.log');
    writeFileSync(join(folder, 'audit-2020-01-01T00-00-00.000.log'), 'old\n');
    writeFileSync(join(folder, 'audit-extra.log'), 'not ours\n');
    const log = openLogFile({ path, maxSize: 1, maxAge: 30, maxBackups: 1, clock, onLost: () => undefined });
    for (let at = 0; at < 3; at++) log.write({ ...event(String(at)), userAgent: 'x'.repeat(600 * 1024) });
    await log.close();
    const ids = (file: string): string[] => readFileSync(join(folder, file), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as AuditEvent).auditID);
    expect(ids('audit.log')).toEqual(['2']);
    expect(readdirSync(folder).sort()).toEqual(['audit-2026-01-01T00-00-00.000.log', 'audit-extra.log', 'audit.log']);
  });

  test('counts what it cannot write', async () => {
    let lost = 0;
    const log = openLogFile({ path: join(folder, 'missing', 'audit.log'), clock: systemClock, onLost: (count) => (lost += count) });
    log.write(event('a'));
    log.write(event('b'));
    await log.close();
    expect(lost).toBe(2);
  });
});

describe('openWebhook()', () => {
  test('sends batches, tries again after a failure, and loses what exceeds its buffer', async () => {
    const bodies: { items: AuditEvent[] }[] = [];
    const seen: (string | undefined)[] = [];
    let refuse = 1;
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        response.statusCode = refuse-- > 0 ? 503 : 200;
        seen.push(request.headers.authorization);
        if (response.statusCode === 200) bodies.push(JSON.parse(text) as { items: AuditEvent[] });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    let lost = 0;
    const hook = openWebhook({ target: { url, token: 't' }, clock: systemClock, onLost: (count) => (lost += count), initialBackoffMs: 1, bufferSize: 3, maxBatchSize: 3, maxBatchWaitMs: 60_000 });
    for (const id of ['a', 'b', 'c', 'd']) hook.write(event(id));
    while (bodies.length === 0) await new Promise((resolve) => setImmediate(resolve));
    hook.write(event('e'));
    await hook.close();
    expect([bodies.map(({ items }) => items.map(({ auditID }) => auditID)), lost, seen[0]]).toEqual([[['a', 'b', 'c'], ['e']], 1, 'Bearer t']);
    server.close();
  });

  test('bounds batches by their bytes, and lets a record that is larger go alone', async () => {
    const batches: string[][] = [];
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const list = JSON.parse(text) as { kind: string; items: AuditEvent[] };
        batches.push([list.kind, ...list.items.map(({ auditID }) => auditID)]);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const hook = openWebhook({ target: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }, clock: systemClock, onLost: () => undefined, maxBatchBytes: 2_000 });
    const large = (id: string, size: number): AuditEvent => ({ ...event(id), requestObject: 'x'.repeat(size) });
    for (const one of [large('a', 500), large('b', 500), large('c', 5_000), large('d', 100)]) hook.write(one);
    await hook.close();
    expect(batches).toEqual([['EventList', 'a', 'b'], ['EventList', 'c'], ['EventList', 'd']]);
    server.close();
  });

  test('throttle() lets so many go at once, and then so many a second', async () => {
    const clock = new VirtualClock();
    const turn = throttle({ perSecond: 2, burst: 3 }, clock);
    const began = clock.monotonic();
    const times: number[] = [];
    void (async () => {
      for (let i = 0; i < 6; i++) {
        await turn(new AbortController().signal);
        times.push(clock.monotonic() - began);
      }
      await turn(AbortSignal.abort());
      times.push(-1);
    })();
    await clock.advance(5_000);
    expect(times).toEqual([0, 0, 0, 500, 1_000, 1_500, -1]);
  });

  test('readWebhookFile() reads a kubeconfig', () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-'));
    const path = join(folder, 'hook.yaml');
    writeFileSync(join(folder, 'ca.pem'), 'CA');
    writeFileSync(path, 'current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: "https://a/audit", certificate-authority: ca.pem}}]\nusers: [{name: u, user: {token: t}}]\n');
    expect(readWebhookFile(path)).toEqual({ url: 'https://a/audit', ca: 'CA', token: 't' });
    writeFileSync(path, 'current-context: y\n');
    expect(() => readWebhookFile(path)).toThrow('names no server');
    rmSync(folder, { recursive: true });
  });
});

test('truncating() leaves out what was sent and answered, and then the record', () => {
  const written: AuditEvent[] = [];
  let lost = 0;
  const backend = truncating({ write: (one) => void written.push(one), close: () => Promise.resolve() }, { maxEventBytes: 400, onLost: (count) => (lost += count) });
  const large = 'x'.repeat(500);
  backend.write({ ...event('small'), requestObject: {} });
  backend.write({ ...event('large'), requestObject: large, responseObject: large, annotations: { a: 'b' } });
  backend.write({ ...event('too large'), requestURI: large });
  expect(written).toEqual([{ ...event('small'), requestObject: {} }, { ...event('large'), annotations: { a: 'b', 'audit.k8s.io/truncated': 'true' } }]);
  expect(lost).toBe(1);
});

test.each<[string, Partial<AuditEvent>, string]>([
  ['little', {}, 'ip="<unknown>" method="get" user="<none>" groups="<none>" as="<self>" asgroups="<lookup>" user-agent="" namespace="<none>" uri="/" response="<deferred>"'],
  ['much', { user: { username: 'a', groups: ['g', 'h'] }, impersonatedUser: { username: 'b', groups: ['i'] }, sourceIPs: ['::1'], userAgent: 'x', objectRef: { namespace: 'n' }, responseStatus: { code: 200 } },
    'ip="::1" method="get" user="a" groups="\\"g\\",\\"h\\"" as="b" asgroups="\\"i\\"" user-agent="x" namespace="n" uri="/" response="200"'],
])('legacyLine() says %s', (_what, more, rest) => {
  expect(legacyLine({ ...event('1'), requestReceivedTimestamp: 'T', ...more })).toBe(`T AUDIT: id="1" stage="ResponseComplete" ${rest}`);
});

test('a request that fails by a fault of the server is recorded as a panic, and nothing else of it', async () => {
  const records: AuditEvent[] = [];
  const inner = openMemory();
  const { write } = inner;
  inner.write = (key, ...rest) => (key.endsWith('/boat') ? Promise.reject(new Error('a leak')) : write.call(inner, key, ...rest));
  const server = await openTestServer({ store: inner, audit: { policy: parsePolicy(policy('- {level: Metadata, resources: [{resources: [configmaps]}]}\n', 'omitStages: [RequestReceived]\n')), backends: [{ write: (one) => void records.push(one), close: () => Promise.resolve() }] } });
  const { code } = await server.http('POST', '/api/v1/namespaces/default/configmaps', { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'boat' } }) });
  expect(code).toBe(500);
  expect(records.map(({ stage, responseStatus }) => [stage, responseStatus])).toEqual([['Panic', expect.objectContaining({ code: 500, reason: 'InternalError', message: "APIServer panic'd: a leak" })]]);
  await server.close();
  await inner.close();
});
