import type { ApiObject } from '../../../api/kind.ts';
import { openTestServer, type HttpAnswer, type TestServer } from '../../test-server.ts';
import { openFakeWebhook, patchOf, type FakeWebhook, type Reply } from './fake-webhook.ts';

let api: TestServer;
let hook: FakeWebhook;

beforeAll(async () => {
  [api, hook] = [await openTestServer(), await openFakeWebhook()];
});
afterAll(async () => {
  await api.close();
  await hook.close();
});
afterEach(async () => {
  for (const kind of ['mutating', 'validating']) await send('DELETE', `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`);
  await settle();
  hook.asked.length = 0;
  hook.replies.clear();
});

async function send(method: string, path: string, body?: object, type = 'application/json'): Promise<HttpAnswer> {
  const text = body && JSON.stringify(body);
  return api.http(method, path, text === undefined ? {} : { headers: { 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(text)) }, body: text });
}

/** Configurations reach admission by the watch cache. */
async function settle(): Promise<void> {
  for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) await api.server.registry.hub('admissionregistration.k8s.io', resource)?.cache.fresh();
  await new Promise((resolve) => setImmediate(resolve));
}

const ANY = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] };
const CONFIGMAPS = { apiGroups: [''], apiVersions: ['v1'], operations: ['*'], resources: ['configmaps'] };

interface Wanted {
  name?: string;
  path?: string;
  url?: string;
  [field: string]: unknown;
}

async function configure(kind: 'Mutating' | 'Validating', name: string, ...webhooks: Wanted[]): Promise<void> {
  const answer = await send('POST', `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}webhookconfigurations`, {
    apiVersion: 'admissionregistration.k8s.io/v1', kind: `${kind}WebhookConfiguration`, metadata: { name },
    webhooks: webhooks.map(({ path = '/', url, ...webhook }) => ({
      name: 'a.hooks.test', sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [CONFIGMAPS],
      clientConfig: { url: url ?? hook.url + path, caBundle: hook.caBundle }, ...webhook,
    })),
  });
  expect(answer.bytes.toString()).toContain(name);
  expect(answer.code).toBe(201);
  await settle();
}

let made = 0;

function configMap(more: Partial<ApiObject> = {}, metadata: ApiObject['metadata'] = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', ...more, metadata: { name: `c${++made}`, ...metadata } };
}

const MAPS = '/api/v1/namespaces/default/configmaps';

async function create(object = configMap(), query = ''): Promise<ApiObject> {
  const answer = await send('POST', `${MAPS}${query}`, object);
  return answer.json();
}

test('a webhook is asked in the form of an AdmissionReview', async () => {
  await configure('Validating', 'one', { path: '/check/', timeoutSeconds: 3 });
  await create(configMap({ data: { a: 'b' } }, { name: 'asked' }), '?fieldManager=me&dryRun=All');
  expect(hook.asked).toHaveLength(1);
  const { path, review } = hook.asked[0] as (typeof hook.asked)[number];
  expect(path).toBe('/check?timeout=3s');
  const gvk = { group: '', version: 'v1', kind: 'ConfigMap' };
  const gvr = { group: '', version: 'v1', resource: 'configmaps' };
  expect(review).toMatchObject({
    kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1',
    request: {
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/), kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr, name: 'asked', namespace: 'default', operation: 'CREATE', dryRun: true,
      userInfo: { username: 'admin', groups: ['system:masters', 'system:authenticated'] }, oldObject: null,
      object: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'b' }, metadata: { name: 'asked', namespace: 'default', uid: expect.any(String), creationTimestamp: expect.any(String) } },
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'me' },
    },
  });
  expect(review.request).not.toHaveProperty('subResource');
});

test('older webhooks are asked in the older form, whose answers are not held to a uid', async () => {
  hook.replies.set('/old', () => (response, { request }) => response.end(JSON.stringify({ response: { allowed: true, patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data', value: { uid: request?.uid } }])).toString('base64') } })));
  await configure('Mutating', 'one', { path: '/old', admissionReviewVersions: ['v9', 'v1beta1', 'v1'] });
  expect(await create()).toMatchObject({ data: { uid: hook.asked[0]?.review.request?.uid } });
  expect(hook.asked[0]?.review.apiVersion).toBe('admission.k8s.io/v1beta1');
});

test('updates and deletions show both states, deletecollection no name', async () => {
  const object = await create(configMap({ data: { n: '1' } }));
  const { name } = object.metadata;
  await configure('Validating', 'one', {});
  await send('PATCH', `${MAPS}/${name}`, { data: { n: '2' } }, 'application/merge-patch+json');
  await send('DELETE', `${MAPS}/${name}`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
  const [update, removal] = hook.asked.map(({ review }) => review.request);
  expect(update).toMatchObject({ operation: 'UPDATE', object: { data: { n: '2' } }, oldObject: { data: { n: '1' } }, options: { kind: 'UpdateOptions' } });
  expect(update).not.toHaveProperty('subResource');
  expect(removal).toMatchObject({ operation: 'DELETE', name, object: null, oldObject: { data: { n: '2' } }, options: { kind: 'DeleteOptions', gracePeriodSeconds: 0 } });
  await create(configMap({}, { labels: { many: 'yes' } }));
  await create(configMap({}, { labels: { many: 'yes' } }));
  hook.asked.length = 0;
  await send('DELETE', `${MAPS}?labelSelector=many%3Dyes`);
  expect(hook.asked.map(({ review }) => [review.request?.operation, review.request?.name, (review.request as { oldObject: ApiObject }).oldObject.metadata.labels])).toEqual([
    ['DELETE', undefined, { many: 'yes' }], ['DELETE', undefined, { many: 'yes' }],
  ]);
});

describe('refusals', () => {
  const rows: readonly (readonly [string, Reply, number, string, string | undefined])[] = [
    ['a message', { allowed: false, status: { message: 'no way' } } as Reply, 400, 'admission webhook "a.hooks.test" denied the request: no way', undefined],
    ['nothing', { allowed: false }, 400, 'admission webhook "a.hooks.test" denied the request without explanation', undefined],
    ['a reason', { allowed: false, status: { reason: 'Forbidden', code: 403 } } as Reply, 403, 'admission webhook "a.hooks.test" denied the request: Forbidden', 'Forbidden'],
    ['a code of success', { allowed: false, status: { code: 200, message: 'x', status: 'Success' } } as Reply, 400, 'admission webhook "a.hooks.test" denied the request: x', undefined],
    ['another code', { allowed: false, status: { code: 422, message: 'x', reason: 'Invalid' } } as Reply, 422, 'admission webhook "a.hooks.test" denied the request: x', 'Invalid'],
  ];
  test.each(rows)('with %s', async (_, reply, code, message, reason) => {
    hook.replies.set('/', () => reply);
    await configure('Validating', 'one', { failurePolicy: 'Ignore' });
    const answer = await send('POST', MAPS, configMap());
    expect([answer.code, answer.json()]).toMatchObject([code, { kind: 'Status', status: 'Failure', message, code }]);
    expect(answer.json()['reason']).toBe(reason);
  });
});

describe('answers that cannot be used', () => {
  const said = (text: string, code = 200, type = 'application/json'): Reply => (response) => response.writeHead(code, { 'Content-Type': type }).end(text);
  const wrapped = (response: object): Reply => (out, review) => out.end(JSON.stringify({ ...review, response: { uid: review.request?.uid, allowed: true, ...response } }));
  const rows: readonly (readonly [string, Reply, string])[] = [
    ['no response', said('{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}'), 'received invalid webhook response: webhook response was absent'],
    ['a wrong uid', wrapped({ uid: 'x' }), 'received invalid webhook response: expected response.uid="UID", got "x"'],
    ['no kind', (response, review) => response.end(JSON.stringify({ response: { uid: review.request?.uid, allowed: true } })), 'received invalid webhook response: expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got /, Kind='],
    ['a patch without type', wrapped({ patch: 'W10=' }), 'received invalid webhook response: webhook returned response.patch but not response.patchType'],
    ['a type without patch', wrapped({ patchType: 'JSONPatch' }), 'received invalid webhook response: webhook returned response.patchType but not response.patch'],
    ['another type', wrapped({ patchType: 'Strategic', patch: Buffer.from('[{"op":"remove","path":"/data"}]').toString('base64') }), 'unsupported patch type "Strategic"'],
    ['no JSON in the patch', wrapped({ patchType: 'JSONPatch', patch: Buffer.from('oops').toString('base64') }), "received undecodable patch in webhook response: invalid character 'o' looking for beginning of value"],
    ['no list in the patch', wrapped({ patchType: 'JSONPatch', patch: Buffer.from('{}').toString('base64') }), 'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    ['no JSON', said('hello'), "failed to call webhook: couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value"],
    ['nothing', said(''), 'failed to call webhook: 0-length response with status code: 200 and content type: application/json'],
    ['an error as text', said('broken\n', 500, 'text/plain'), 'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding'],
    ['an error as JSON', said('{}', 500), 'failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding'],
    ['an error as Status', said('{"kind":"Status","apiVersion":"v1","status":"Failure","message":"I am ill"}', 500), 'failed to call webhook: I am ill'],
    ['not found', said('', 404), 'failed to call webhook: the server could not find the requested resource'],
    ['too much', said(`{"a":"${'x'.repeat(9 * 1024 * 1024)}"}`), 'failed to call webhook: the response has more than 8388608 bytes'],
  ];
  test.each(rows)('%s', async (_, reply, why) => {
    hook.replies.set('/', () => reply);
    await configure('Mutating', 'one', {});
    const answer = await send('POST', MAPS, configMap({ data: { a: 'b' } }));
    const uid = hook.asked[0]?.review.request?.uid ?? '';
    const message = `Internal error occurred: failed calling webhook "a.hooks.test": ${why.replace('UID', uid)}`;
    expect([answer.code, answer.json()]).toMatchObject([500, { reason: 'InternalError', message, details: { causes: [{ message: message.replace('Internal error occurred: ', '') }] } }]);
  });
  test('are passed over where the webhook may fail', async () => {
    hook.replies.set('/', () => said('hello'));
    await configure('Mutating', 'one', { failurePolicy: 'Ignore' });
    await configure('Validating', 'one', { failurePolicy: 'Ignore' });
    expect((await send('POST', MAPS, configMap())).code).toBe(201);
    expect(hook.asked).toHaveLength(2);
  });
  test('a validating webhook must not patch', async () => {
    hook.replies.set('/', () => patchOf());
    await configure('Validating', 'one', {});
    expect(await create()).toMatchObject({ message: expect.stringContaining('received invalid webhook response: validating webhook may not return response.patch') });
  });
});

describe('patches that do not apply are errors of the server', () => {
  test.each([
    [{ op: 'add', path: '/a/b/c', value: 1 }, 'add operation does not apply: doc is missing path: "/a/b/c": missing value'],
    [{ op: 'remove', path: '/data/none' }, "error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value"],
    [{ op: 'test', path: '/data/a', value: 'c' }, 'testing path /data/a failed: test failed'],
    [{ op: 'invent', path: '/data' }, 'Unexpected kind: invent'],
    [{ op: 'replace', path: '/none/none', value: 1 }, 'replace operation does not apply: doc is missing path: /none/none: missing value'],
    [{ op: 'add', path: '/data/a', value: 7 }, 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
  ])('%j', async (operation, why) => {
    hook.replies.set('/', () => patchOf(operation));
    await configure('Mutating', 'one', { failurePolicy: 'Ignore' });
    expect(await create(configMap({ data: { a: 'b' } }))).toMatchObject({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${why}` });
  });
});

test('webhooks that cannot be reached', async () => {
  const rows: readonly (readonly [Wanted, string])[] = [
    [{ url: 'https://127.0.0.1:1/x' }, 'Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused'],
    [{ clientConfig: { url: `${hook.url}/` } }, `Post "${hook.url}/?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`],
    [{ url: `https://localhost:${hook.port}/` }, `Post "https://localhost:${hook.port}/?timeout=10s": tls: failed to verify certificate: x509: certificate is valid for webhook.test, not localhost`],
    [{ clientConfig: { service: { namespace: 'default', name: 'none', path: '/p' } } }, 'Post "https://none.default.svc:443/p?timeout=10s": service "none" not found'],
    [{ url: `${hook.url}/slow`, timeoutSeconds: 1 }, `Post "${hook.url}/slow?timeout=1s": context deadline exceeded`],
  ];
  hook.replies.set('/slow', () => () => undefined);
  for (const [at, [wanted, why]] of rows.entries()) {
    const rules = [{ ...CONFIGMAPS, operations: ['CREATE'] }];
    await configure('Validating', `w${at}`, { ...wanted, rules, objectSelector: { matchLabels: { row: String(at) } } });
    const message = `Internal error occurred: failed calling webhook "a.hooks.test": failed to call webhook: ${why}`;
    expect(await create(configMap({}, { labels: { row: String(at) } }))).toMatchObject({ code: 500, message });
  }
});

describe('mutation', () => {
  test('webhooks run by the names of their configurations, each on what the one before left', async () => {
    const append = (letter: string) => (request: { object?: unknown }): Reply => {
      const { data } = request.object as { data: { trace?: string } };
      return patchOf({ op: 'add', path: '/data/trace', value: (data.trace ?? '') + letter });
    };
    for (const letter of ['a', 'b', 'c']) hook.replies.set(`/${letter}`, append(letter));
    await configure('Mutating', 'second', { path: '/c' });
    await configure('Mutating', 'first', { path: '/a', name: 'z.hooks.test' }, { path: '/b' });
    expect(await create(configMap({ data: { some: 'thing' } }))).toMatchObject({ data: { trace: 'abc' } });
  });

  test('the second round calls those that asked for it, where something changed after them, and no others', async () => {
    const rounds: string[] = [];
    const say = (name: string, ...operations: object[]): void => void hook.replies.set(`/${name}`, () => {
      rounds.push(name);
      return operations.length > 0 ? patchOf(...operations) : {};
    });
    say('early');
    say('never', { op: 'add', path: '/data/x', value: 'y' });
    say('late');
    await configure(
      'Mutating', 'one',
      { path: '/early', reinvocationPolicy: 'IfNeeded' },
      { path: '/never', name: 'b.hooks.test' },
      { path: '/late', name: 'c.hooks.test', reinvocationPolicy: 'IfNeeded' },
    );
    await create(configMap({ data: { some: 'thing' } }));
    expect(rounds).toEqual(['early', 'never', 'late', 'early']);
    rounds.length = 0;
    say('never');
    await create(configMap({ data: { some: 'thing' } }));
    expect(rounds).toEqual(['early', 'never', 'late']);
  });

  test('built-in plugins, defaults and validation see the result, and nobody owns it', async () => {
    await send('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    hook.replies.set('/', () =>
      patchOf(
        { op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'side:1', ports: [{ containerPort: 80 }], unheardOf: 1 } },
        { op: 'add', path: '/metadata/labels', value: { injected: 'yes' } },
      ));
    await configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, resources: ['pods'] }] });
    const pod = (await send('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'c' }] } })).json() as unknown as {
      metadata: { labels: object; managedFields: unknown };
      spec: { containers: { name: string; volumeMounts?: unknown[] }[] };
    };
    expect(pod.metadata.labels).toEqual({ injected: 'yes' });
    expect(pod.spec.containers[1]).toMatchObject({ name: 'sidecar', imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 80, protocol: 'TCP' }] });
    expect(pod.spec.containers[1]).not.toHaveProperty('unheardOf');
    // ServiceAccount admission ran again: the sidecar has the token too.
    expect(pod.spec.containers[1]?.volumeMounts).toEqual([expect.objectContaining({ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' })]);
    expect(JSON.stringify(pod.metadata.managedFields)).not.toContain('injected');
    hook.replies.set('/', () => patchOf({ op: 'add', path: '/metadata/labels', value: { 'not a label': '?' } }));
    expect((await send('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'q' }, spec: { containers: [{ name: 'c', image: 'c' }] } })).code).toBe(422);
  });

  test('ownership that a webhook broke is kept as it was, with a warning', async () => {
    hook.replies.set('/', () => patchOf({ op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Guess' }));
    await configure('Mutating', 'one', {});
    const answer = await send('POST', `${MAPS}?fieldManager=me`, configMap({ data: { a: 'b' } }));
    expect(answer.json().metadata.managedFields).toMatchObject([{ manager: 'me', operation: 'Update' }]);
    expect(answer.headers['warning']).toContain('.metadata.managedFields was in an invalid state after admission');
  });

  test('an object that goes cannot be changed', async () => {
    const { metadata } = await create();
    hook.replies.set('/', () => patchOf({ op: 'add', path: '/a', value: 1 }));
    await configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, operations: ['DELETE'] }] });
    expect((await send('DELETE', `${MAPS}/${metadata.name}`)).json()).toMatchObject({
      code: 500, message: 'Internal error occurred: admission webhook "a.hooks.test" attempted to modify the object, which is not supported for this operation',
    });
  });

  test('a Scale goes back to what it scales', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'c' }] } };
    await send('POST', '/apis/apps/v1/namespaces/default/deployments', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1, paused: true, selector: { matchLabels: { a: 'b' } }, template } });
    hook.replies.set('/', ({ object }) => {
      expect(object).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 9 } });
      return patchOf({ op: 'replace', path: '/spec/replicas', value: 2 });
    });
    await configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, apiGroups: ['apps'], resources: ['deployments/scale'] }] });
    const answer = await send('PATCH', '/apis/apps/v1/namespaces/default/deployments/d/scale', { spec: { replicas: 9 } }, 'application/merge-patch+json');
    expect(answer.json()).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    expect(hook.asked[0]?.review.request).toMatchObject({ subResource: 'scale', requestSubResource: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, resource: { group: 'apps', resource: 'deployments' } });
  });
});

describe('who is called', () => {
  test('equivalent versions are matched and converted, unless the rule is exact', async () => {
    const rules = [{ apiGroups: ['autoscaling'], apiVersions: ['v2'], operations: ['CREATE'], resources: ['horizontalpodautoscalers'] }];
    hook.replies.set('/', () => patchOf({ op: 'replace', path: '/spec/metrics/0/resource/target/averageUtilization', value: 33 }));
    await configure('Mutating', 'one', { rules });
    await configure('Validating', 'one', { rules, matchPolicy: 'Exact', path: '/exact' });
    const spec = { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, targetCPUUtilizationPercentage: 50 };
    const answer = await send('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' }, spec });
    expect(answer.json()).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 33 } });
    expect(hook.asked.map(({ path, review: { request } }) => [path, request?.kind.version, request?.resource.version, request?.requestKind?.version, request?.requestResource?.version, (request as { object: ApiObject }).object.apiVersion])).toEqual([
      ['/?timeout=10s', 'v2', 'v2', 'v1', 'v1', 'autoscaling/v2'],
    ]);
  });

  test('kinds that are views of one store are equivalent', async () => {
    await configure('Validating', 'one', { rules: [{ apiGroups: ['events.k8s.io'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['events'] }] });
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'said', type: 'Normal' };
    expect((await send('POST', '/api/v1/namespaces/default/events', event)).code).toBe(201);
    expect(hook.asked[0]?.review.request).toMatchObject({ kind: { group: 'events.k8s.io' }, requestKind: { group: '' }, object: { apiVersion: 'events.k8s.io/v1', note: 'said', regarding: { name: 'p' } } });
  });

  test('the namespace must carry its labels, the object its own in either state', async () => {
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { watched: 'yes' } } });
    const selectors = { namespaceSelector: { matchLabels: { watched: 'yes' } }, objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }, { key: 'take', operator: 'Exists' }] } };
    await configure('Validating', 'one', { ...selectors });
    const body = (name: string, labels: object, namespace: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels, namespace } });
    await send('POST', MAPS, body('x1', { take: '' }, 'default'));
    await send('POST', '/api/v1/namespaces/other/configmaps', body('x2', { take: '', skip: '' }, 'other'));
    expect(hook.asked).toHaveLength(0);
    await send('POST', '/api/v1/namespaces/other/configmaps', body('x3', { take: '' }, 'other'));
    expect(hook.asked).toHaveLength(1);
    await send('PUT', '/api/v1/namespaces/other/configmaps/x3', body('x3', {}, 'other'));
    expect(hook.asked).toHaveLength(2);
    await send('PUT', '/api/v1/namespaces/other/configmaps/x3', body('x3', { none: '' }, 'other'));
    expect(hook.asked).toHaveLength(2);
  });

  test('what configures webhooks and policies is not subject to them', async () => {
    hook.replies.set('/', () => ({ allowed: false }));
    await configure('Validating', 'one', { rules: [ANY] });
    expect((await send('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/one')).code).toBe(200);
    expect(hook.asked).toHaveLength(0);
  });

  test('a namespace is judged by its own labels, and counts as in itself', async () => {
    await configure('Validating', 'one', { rules: [{ ...CONFIGMAPS, resources: ['namespaces'], scope: 'Cluster' }], namespaceSelector: { matchLabels: { judged: 'yes' } } });
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n1' } });
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n2', labels: { judged: 'yes' } } });
    expect(hook.asked.map(({ review }) => [review.request?.name, review.request?.namespace])).toEqual([['n2', 'n2']]);
  });

  test('custom resources are pruned and defaulted after their patch', async () => {
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string', default: 'beta' } } } } } };
    await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'toys.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'toys', kind: 'Toy' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    });
    while ((await send('GET', '/apis/example.com/v1/toys')).code !== 200) await new Promise((resolve) => setImmediate(resolve));
    hook.replies.set('/', () => patchOf({ op: 'add', path: '/spec', value: { a: 'x', c: 'gone' } }));
    await configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, apiGroups: ['example.com'], resources: ['toys'] }] });
    const answer = await send('POST', '/apis/example.com/v1/namespaces/default/toys', { apiVersion: 'example.com/v1', kind: 'Toy', metadata: { name: 't' } });
    expect(answer.json()['spec']).toEqual({ a: 'x', b: 'beta' });
  });
});

test('connections show their options, and are refused before anything is looked up', async () => {
  hook.replies.set('/', () => ({ allowed: false }));
  await configure('Validating', 'one', { rules: [{ ...CONFIGMAPS, operations: ['CONNECT'], resources: ['pods/exec'] }] });
  const answer = await send('POST', '/api/v1/namespaces/default/pods/none/exec?container=c&command=sh&command=-c&stdin=true&tty=false', {});
  expect(answer.json()['message']).toBe('admission webhook "a.hooks.test" denied the request without explanation');
  expect(hook.asked[0]?.review.request).toMatchObject({
    operation: 'CONNECT', kind: { group: '', version: 'v1', kind: 'PodExecOptions' }, resource: { resource: 'pods' }, subResource: 'exec', name: 'none', namespace: 'default', options: null, oldObject: null,
    object: { kind: 'PodExecOptions', apiVersion: 'v1', stdin: true, container: 'c', command: ['sh', '-c'] },
  });
});

test('warnings of all webhooks reach the client', async () => {
  hook.replies.set('/', () => ({ warnings: ['first', 'second'] }));
  await configure('Validating', 'one', {});
  expect((await send('POST', MAPS, configMap())).headers['warning']).toBe('299 - "first", 299 - "second"');
});

test('refusals, failures and failures that are passed over are counted apart', async () => {
  const counted = async (): Promise<string[]> => {
    const { bytes } = await api.http('GET', '/metrics');
    return bytes.toString().split('\n').filter((line) => line.includes('.counted.test') && !line.includes('_seconds'));
  };
  hook.replies.set('/no', () => ({ allowed: false }));
  const rules = [{ ...CONFIGMAPS, operations: ['CREATE'] }];
  await configure('Validating', 'one', { name: 'says.counted.test', path: '/no', rules }, { name: 'open.counted.test', url: 'https://127.0.0.1:1', failurePolicy: 'Ignore', rules }, { name: 'shut.counted.test', url: 'https://127.0.0.1:1', rules });
  await create();
  expect((await counted()).toSorted()).toEqual([
    'apiserver_admission_webhook_fail_open_count{name="open.counted.test",type="validating"} 1',
    'apiserver_admission_webhook_rejection_count{name="says.counted.test",type="validating",operation="CREATE",error_type="no_error",rejection_code="400"} 1',
    'apiserver_admission_webhook_rejection_count{name="shut.counted.test",type="validating",operation="CREATE",error_type="calling_webhook_error",rejection_code="503"} 1',
    'apiserver_admission_webhook_request_total{name="open.counted.test",type="validating",operation="CREATE",code="503",rejected="false"} 1',
    'apiserver_admission_webhook_request_total{name="says.counted.test",type="validating",operation="CREATE",code="400",rejected="true"} 1',
    'apiserver_admission_webhook_request_total{name="shut.counted.test",type="validating",operation="CREATE",code="503",rejected="true"} 1',
  ]);
});
