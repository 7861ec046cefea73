import type { ApiObject } from '../../api/kind.ts';
import { VirtualClock } from '../../std/clock.ts';
import type { UserInfo } from '../auth/auth.ts';
import { DirectExchange } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import { finish } from '../chain/chain.ts';
import { maxInFlight } from '../chain/max-in-flight.ts';
import { openTestServer, type TestServer } from '../test-server.ts';
import { FlowControl, TooManyRequests } from './flow-control.ts';
import type { Reader } from '../auth/reader.ts';
import { widthOf } from './width.ts';

const level = (name: string, limited: object): ApiObject => ({ kind: 'PriorityLevelConfiguration', apiVersion: 'flowcontrol.apiserver.k8s.io/v1', metadata: { name, uid: `level-${name}` }, spec: { type: 'Limited', limited } });
const schema = (name: string, to: string, matchingPrecedence: number, user: string, more: object = {}): ApiObject => ({
  kind: 'FlowSchema', apiVersion: 'flowcontrol.apiserver.k8s.io/v1', metadata: { name, uid: `schema-${name}` },
  spec: {
    priorityLevelConfiguration: { name: to }, matchingPrecedence,
    rules: [{ subjects: [{ kind: 'User', user: { name: user } }], resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }] }], ...more,
  },
});
const queue = { type: 'Queue', queuing: { queues: 4, handSize: 2, queueLengthLimit: 1 } };

const clock = new VirtualClock();

/** A control over fixed objects: `seats` are all of the server's. */
function control(seats: number, objects: readonly ApiObject[]): FlowControl {
  const of = (kind: string): ApiObject[] => objects.filter((object) => object.kind === kind);
  const reader = {
    list: ({ resource }: { resource: string }) => of(resource === 'flowschemas' ? 'FlowSchema' : 'PriorityLevelConfiguration'),
    onChange: (_ref: unknown, listener: (change: unknown) => void) => (listener({}), { close() {} }),
  } as unknown as Reader;
  const made = new FlowControl({ reader, clock, limits: { reading: seats, writing: 0 } });
  made.start();
  made.close();
  return made;
}

const user = (name: string): UserInfo => ({ name, groups: ['system:authenticated'] });
function ask(name: string, call: Partial<ConstructorParameters<typeof DirectExchange>[0]> = {}): Exchange {
  const exchange = new DirectExchange({ verb: 'get', group: '', version: 'v1', resource: 'pods', namespace: 'default', name: 'a', ...call }, user(name), {});
  exchange.user = user(name);
  return exchange;
}

describe('FlowControl', () => {
  test('refuses at once where the level says Reject, and takes again when a request is over', () => {
    const flow = control(2, [level('strict', { nominalConcurrencyShares: 1000, limitResponse: { type: 'Reject' } }), schema('s', 'strict', 10, 'a')]);
    const seats = [...flow.levels.levels].find(({ name }) => name === 'strict')?.current ?? 0;
    const running = Array.from({ length: seats }, () => ask('a'));
    for (const one of running) expect(flow.step(one)).toBeUndefined();
    expect(() => flow.step(ask('a'))).toThrow(TooManyRequests);
    finish(running[0] as Exchange);
    expect(flow.step(ask('a'))).toBeUndefined();
    expect(flow.inFlight()).toEqual({ reading: seats, writing: 0 });
  });

  test('lets the next one in when a request leaves its seat, once', () => {
    const flow = control(1, [level('queued', { nominalConcurrencyShares: 1000, limitResponse: queue }), schema('s', 'queued', 10, 'a')]);
    const [first, second, third] = [ask('a'), ask('a'), ask('a')];
    expect(flow.step(first)).toBeUndefined();
    const waiting = [flow.step(second), flow.step(third)];
    expect(waiting[0]).toBeInstanceOf(Promise);
    first.leaveSeat?.();
    first.leaveSeat?.();
    finish(first);
    expect(flow.inFlight()).toEqual({ reading: 1, writing: 0 });
    expect(flow.inQueue()).toEqual({ reading: 1, writing: 0 });
  });

  test('lets a request wait its turn, and refuses it when its patience is over', async () => {
    const flow = control(1, [level('queued', { nominalConcurrencyShares: 1000, limitResponse: queue }), schema('s', 'queued', 10, 'a')]);
    const first = ask('a');
    expect(flow.step(first)).toBeUndefined();
    const waiting = ask('a');
    const second = flow.step(waiting);
    const hasty = flow.step(ask('a', { query: { timeout: '40ms' } }));
    expect(flow.inQueue()).toEqual({ reading: 2, writing: 0 });
    const refused = expect(hasty).rejects.toMatchObject({ code: 429, status: { details: { retryAfterSeconds: 1 } } });
    await clock.advance(10);
    await refused;
    finish(first);
    await second;
    expect([flow.inQueue().reading, flow.inFlight().reading, waiting.waitedMs]).toEqual([0, 1, 10]);
  });

  test('one whose caller leaves while it waits frees its place', async () => {
    const flow = control(1, [level('queued', { nominalConcurrencyShares: 1000, limitResponse: queue }), schema('s', 'queued', 10, 'a')]);
    const first = ask('a');
    flow.step(first);
    const leaving = new AbortController();
    const left = expect(flow.step(ask('a', { signal: leaving.signal }))).rejects.toThrow(TooManyRequests);
    leaving.abort();
    await left;
    expect(flow.inQueue().reading).toBe(0);
    finish(first);
    const [set] = [...flow.levels.levels].filter(({ name }) => name === 'queued').map((one) => one.set);
    expect([set?.waiting, set?.running, set?.seatsInUse, set?.cancelled]).toEqual([0, 0, 0, 1]);
  });

  test('a full queue refuses', () => {
    const flow = control(1, [level('queued', { nominalConcurrencyShares: 1000, limitResponse: { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 1 } } }), schema('s', 'queued', 10, 'a')]);
    flow.step(ask('a'));
    void flow.step(ask('a'));
    expect(() => flow.step(ask('a'))).toThrow(TooManyRequests);
  });

  test('a watch has its seat until it has begun', () => {
    const flow = control(1, [level('strict', { nominalConcurrencyShares: 1000, limitResponse: { type: 'Reject' } }), schema('s', 'strict', 10, 'a')]);
    const watch = ask('a', { verb: 'watch', name: '' });
    expect(flow.step(watch)).toBeUndefined();
    expect(() => flow.step(ask('a'))).toThrow(TooManyRequests);
    watch.answer = { type: 'watch', resource: undefined as never, start: () => ({ close() {} }) };
    flow.opened(watch);
    watch.answer.start({} as never);
    expect(flow.step(ask('a'))).toBeUndefined();
  });

  test.each<[string, ApiObject[], string]>([
    ['the lower precedence first', [schema('b', 'one', 20, 'a'), schema('a', 'two', 30, 'a')], 'one'],
    ['by name among equals', [schema('b', 'one', 20, 'a'), schema('a', 'two', 20, 'a')], 'two'],
    ['not one whose level is missing', [schema('b', 'nowhere', 20, 'a'), schema('a', 'two', 30, 'a')], 'two'],
    ['the catch-all else', [schema('b', 'one', 20, 'b')], 'catch-all'],
    ['not one whose rules are about something else', [schema('b', 'one', 20, 'a', { rules: [{ subjects: [{ kind: 'User', user: { name: 'a' } }], nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }] }] })], 'catch-all'],
  ])('takes %s', (_what, schemas, expected) => {
    const flow = control(100, [level('one', { limitResponse: queue }), level('two', { limitResponse: queue }), ...schemas]);
    flow.step(ask('a'));
    expect([...flow.levels.levels].filter(({ set }) => set.running > 0).map(({ name }) => name)).toEqual([expected]);
  });

  test('seats follow the shares; what is lent goes where demand was', () => {
    const flow = control(100, [
      level('busy', { nominalConcurrencyShares: 45, lendablePercent: 0, limitResponse: queue }), level('idle', { nominalConcurrencyShares: 50, lendablePercent: 80, limitResponse: queue }),
      schema('s', 'idle', 10, 'a'),
    ]);
    const seats = (): Record<string, number> => Object.fromEntries([...flow.levels.levels].map(({ name, current }) => [name, current]));
    const before = seats();
    for (let at = 0; at < (before['idle'] ?? 0); at++) flow.step(ask('a'));
    flow.levels.share(clock.monotonic() + 10_000);
    const after = seats();
    expect([(after['idle'] ?? 0) > (before['idle'] ?? 0), (after['busy'] ?? 0) < (before['busy'] ?? 0)]).toEqual([true, true]);
  });
});

test('maxInFlight() counts reads and writes apart, and sends away what exceeds either', () => {
  const { step, inFlight } = maxInFlight({ reading: 2, writing: 1, unfair: true });
  const read = ask('a');
  for (const one of [read, ask('a'), ask('a', { verb: 'update' })]) expect(step(one)).toBeUndefined();
  expect(inFlight()).toEqual({ reading: 2, writing: 1 });
  expect(() => step(ask('a'))).toThrow(TooManyRequests);
  expect(() => step(ask('a', { verb: 'delete' }))).toThrow(TooManyRequests);
  finish(read);
  expect(step(ask('a'))).toBeUndefined();
  const master = ask('root');
  master.user = { name: 'root', groups: ['system:masters'] };
  expect([step(ask('a', { verb: 'watch', name: '' })), step(master)]).toEqual([undefined, undefined]);
});

test.each<[string, Record<string, string>, string, { count?: number; bytes?: number; watches?: number }, object]>([
  ['a small list', {}, 'list', { count: 10, bytes: 1_000 }, { seats: 1 }],
  ['a large list, sent in pieces', {}, 'list', { count: 10_000, bytes: 50_000_000 }, { seats: 10 }],
  ['a page of a large list', { limit: '100' }, 'list', { count: 10_000, bytes: 50_000_000 }, { seats: 5 }],
  ['a past list is held whole', { resourceVersion: '5', resourceVersionMatch: 'Exact' }, 'list', { count: 1_000, bytes: 5_000_000 }, { seats: 50 }],
  ['a watch that goes on', { resourceVersion: '5' }, 'watch', { count: 10_000, bytes: 50_000_000 }, { seats: 1 }],
  ['a watch with initial events', { sendInitialEvents: 'true', resourceVersion: '5' }, 'watch', { count: 10_000, bytes: 50_000_000 }, { seats: 10 }],
  ['a write that few hear of', {}, 'update', { watches: 9 }, { seats: 1, finalSeats: 0 }],
  ['a write that many hear of', {}, 'update', { watches: 45 }, { seats: 1, finalSeats: 5, lingerMs: 5 }],
  ['a write that all hear of', {}, 'update', { watches: 1_000 }, { seats: 1, finalSeats: 10, lingerMs: 50 }],
])('widthOf() %s', (_what, query, verb, { count, bytes = 0, watches = 0 }, expected) => {
  const exchange = ask('a', { verb: verb as 'list', query, name: verb === 'update' ? 'a' : '' });
  expect(widthOf(exchange, () => ({ stored: count === undefined ? undefined : { count, bytes }, watches, levelLimit: 0 }))).toMatchObject(expected);
});

describe('a server', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await openTestServer();
  });
  afterAll(() => server.close());

  test('names the FlowSchema and the level in its headers, and refuses in plain text', async () => {
    const schemas = (await server.http('GET', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/exempt')).json();
    const answer = await server.http('GET', '/api/v1/namespaces');
    expect(answer.headers['x-kubernetes-pf-flowschema-uid']).toBe(schemas.metadata.uid);
    expect(answer.headers['x-kubernetes-pf-prioritylevel-uid']).toMatch(/^[0-9a-f-]{36}$/);
    const put = async (path: string, object: ApiObject): Promise<void> => {
      expect((await server.http('POST', `/apis/flowcontrol.apiserver.k8s.io/v1/${path}`, { body: JSON.stringify(object) })).code).toBe(201);
    };
    await put('prioritylevelconfigurations', level('nothing', { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } }));
    await put('flowschemas', schema('refused', 'nothing', 5, 'system:anonymous', { rules: [{ subjects: [{ kind: 'User', user: { name: 'system:anonymous' } }], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/version'] }] }] }));
    // One runs alone even where there are no seats.
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.http('GET', '/version', { anonymous: true })));
    expect(answers.every(({ code }) => code === 200 || code === 429)).toBe(true);
  });

  test('dumps its levels, queues and requests', async () => {
    const text = async (name: string): Promise<string[]> => (await server.http('GET', `/debug/api_priority_and_fairness/${name}`)).bytes.toString().split('\n');
    const levels = await text('dump_priority_levels');
    expect(levels[0]).toMatch(/^PriorityLevelName, +ActiveQueues, +IsIdle, +IsQuiescing, +WaitingRequests, +ExecutingRequests, +DispatchedRequests, +RejectedRequests, +TimedoutRequests, +CancelledRequests$/);
    expect(levels.find((line) => line.startsWith('exempt,'))).toMatch(/^exempt, +0, +false, +false, +0, +1, +\d+, +0, +0, +0$/);
    expect((await text('dump_queues')).filter((line) => line.startsWith('workload-low,'))).toHaveLength(128);
    expect((await text('dump_requests?includeRequestDetails=1'))[1]).toMatch(/^exempt, +exempt, +-1, +-1, +, +\S+, +1, +0, +0s, +\S+, +admin, +get, +\/debug\/\S+, +, +, +, +, +$/);
  });

  test('/metrics counts requests under the names that dashboards know', async () => {
    await server.http('GET', '/api/v1/namespaces/default');
    await server.http('GET', '/api/v1/namespaces/default/made-up-by-somebody');
    const text = (await server.http('GET', '/metrics')).bytes.toString();
    for (const line of [
      /^apiserver_request_total\{verb="GET",dry_run="",group="",version="v1",resource="namespaces",subresource="",scope="resource",component="apiserver",code="200"\} \d+$/m,
      /^apiserver_request_duration_seconds_bucket\{verb="GET",dry_run="",group="",version="v1",resource="namespaces",subresource="",scope="resource",component="apiserver",le="0.005"\} \d+$/m,
      /^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m,
      /^apiserver_storage_objects\{resource="namespaces"\} \d+$/m,
      /^apiserver_flowcontrol_dispatched_requests_total\{priority_level="exempt",flow_schema="exempt"\} \d+$/m,
      /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="workload-low"\} \d+$/m,
      /^etcd_request_duration_seconds_count\{operation="create",group="",resource="namespaces"\} \d+$/m,
      /^process_resident_memory_bytes \d+/m,
    ]) expect(text).toMatch(line);
    expect(text).not.toContain('made-up');
  });

  test('a caller within the process that is sent away comes again', async () => {
    const before = await server.server.door({ name: 'crowd', groups: ['system:authenticated', 'system:masters'] }).call({ group: '', version: 'v1', resource: 'namespaces', verb: 'get', name: 'default' });
    await server.http('POST', '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations', { body: JSON.stringify(level('one-seat', { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } })) });
    await server.http('POST', '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', { body: JSON.stringify(schema('one-seat', 'one-seat', 3, 'member')) });
    await server.http('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { body: JSON.stringify({ metadata: { name: 'member' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }, subjects: [{ kind: 'User', name: 'member' }] }) });
    const door = server.server.door({ name: 'member', groups: ['system:authenticated'] });
    const answers = await Promise.all(Array.from({ length: 12 }, (_, at) => door.call({ group: '', version: 'v1', resource: 'configmaps', namespace: 'default', verb: 'create', body: { metadata: { name: `crowd-${at}` } } })));
    expect([before !== undefined, answers.length]).toEqual([true, 12]);
    const rejected = /rejected_requests_total\{priority_level="one-seat",flow_schema="one-seat",reason="concurrency-limit"\} (\d+)/.exec(server.server.meter.text());
    expect(Number(rejected?.[1])).toBeGreaterThan(0);
  });
});
