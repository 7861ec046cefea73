import { patchOf, type Reply } from './fake-webhook.ts';
import { CONFIGMAPS, MAPS, WebhookScene, type WantedHook } from './webhook-scene.ts';

let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.open();
});
afterAll(() => scene.close());
afterEach(() => scene.clear());

describe('refusals', () => {
  const rows: readonly (readonly [string, Reply, number, string, string | undefined])[] = [
    ['a message', { allowed: false, status: { message: 'no way' } } as Reply, 400, 'admission webhook "a.hooks.test" denied the request: no way', undefined],
    ['nothing', { allowed: false }, 400, 'admission webhook "a.hooks.test" denied the request without explanation', undefined],
    ['a reason', { allowed: false, status: { reason: 'Forbidden', code: 403 } } as Reply, 403, 'admission webhook "a.hooks.test" denied the request: Forbidden', 'Forbidden'],
    ['a code of success', { allowed: false, status: { code: 200, message: 'x', status: 'Success' } } as Reply, 400, 'admission webhook "a.hooks.test" denied the request: x', undefined],
    ['another code', { allowed: false, status: { code: 422, message: 'x', reason: 'Invalid' } } as Reply, 422, 'admission webhook "a.hooks.test" denied the request: x', 'Invalid'],
  ];
  test.each(rows)('with %s', async (_, reply, code, message, reason) => {
    scene.hook.replies.set('/', () => reply);
    await scene.configure('Validating', 'one', { failurePolicy: 'Ignore' });
    const answer = await scene.send('POST', MAPS, scene.configMap());
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
    ['a patch that nests too deep', wrapped({ patchType: 'JSONPatch', patch: Buffer.from('['.repeat(200_000)).toString('base64') }), 'received undecodable patch in webhook response: invalid character \'[\' exceeded max depth'],
    ['no list in the patch', wrapped({ patchType: 'JSONPatch', patch: Buffer.from('{}').toString('base64') }), 'received undecodable patch in webhook response: json: cannot unmarshal object into Go value of type jsonpatch.Patch'],
    ['no JSON', said('hello'), "failed to call webhook: couldn't get version/kind; json parse error: json: cannot unmarshal string into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"],
    ['YAML', said('apiVersion: admission.k8s.io/v1\nkind: AdmissionReview\n'), 'received invalid webhook response: webhook response was absent'],
    ['another kind', said('{"apiVersion":"admission.k8s.io/v1","kind":"Foo"}'), 'failed to call webhook: no kind "Foo" is registered for version "admission.k8s.io/v1" in scheme "pkg/runtime/scheme.go:111"'],
    ['another version', said('{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}'), 'failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion'],
    ['nothing', said(''), 'failed to call webhook: 0-length response with status code: 200 and content type: application/json'],
    ['an error as text', said('broken\n', 500, 'text/plain'), 'failed to call webhook: an error on the server ("broken") has prevented the request from succeeding'],
    ['an error as JSON', said('{}', 500), 'failed to call webhook: an error on the server ("unknown") has prevented the request from succeeding'],
    ['an error as Status', said('{"kind":"Status","apiVersion":"v1","status":"Failure","message":"I am ill"}', 500), 'failed to call webhook: I am ill'],
    ['not found', said('', 404), 'failed to call webhook: the server could not find the requested resource'],
    ['too much', said(`{"a":"${'x'.repeat(9 * 1024 * 1024)}"}`), 'failed to call webhook: the response has more than 8388608 bytes'],
  ];
  test.each(rows)('%s', async (_, reply, why) => {
    scene.hook.replies.set('/', () => reply);
    await scene.configure('Mutating', 'one', {});
    const answer = await scene.send('POST', MAPS, scene.configMap({ data: { a: 'b' } }));
    const uid = scene.hook.asked[0]?.review.request?.uid ?? '';
    const message = `Internal error occurred: failed calling webhook "a.hooks.test": ${why.replace('UID', uid)}`;
    expect([answer.code, answer.json()]).toMatchObject([500, { reason: 'InternalError', message, details: { causes: [{ message: message.replace('Internal error occurred: ', '') }] } }]);
  });
  test('are passed over where the webhook may fail', async () => {
    scene.hook.replies.set('/', () => said('hello'));
    await scene.configure('Mutating', 'one', { failurePolicy: 'Ignore' });
    await scene.configure('Validating', 'one', { failurePolicy: 'Ignore' });
    expect((await scene.send('POST', MAPS, scene.configMap())).code).toBe(201);
    expect(scene.hook.asked).toHaveLength(2);
  });
  test('a validating webhook must not patch', async () => {
    scene.hook.replies.set('/', () => patchOf());
    await scene.configure('Validating', 'one', {});
    expect(await scene.create()).toMatchObject({ message: expect.stringContaining('received invalid webhook response: validating webhook may not return response.patch') });
  });
});

describe('patches that do not apply are errors of the server', () => {
  test.each([
    [{ op: 'add', path: '/a/b/c', value: 1 }, 'add operation does not apply: doc is missing path: "/a/b/c": missing value'],
    [{ op: 'remove', path: '/data/none' }, "error in remove for path: '/data/none': Unable to remove nonexistent key: none: missing value"],
    [{ op: 'test', path: '/data/a', value: 'c' }, 'testing value /data/a failed: test failed'],
    [{ op: 'add', value: 1 }, 'add operation failed to decode path: missing value'],
    [{ op: 'move', path: '/data/b', from: 5 }, 'move operation failed to decode from: json: cannot unmarshal number into Go value of type string'],
    [{ op: 'test', path: '/metadata/finalizers/x', value: 1 }, "error in test for path: '/metadata/finalizers/x': strconv.Atoi: parsing \"x\": invalid syntax"],
    [{ op: 'add', path: '/metadata/finalizers/x', value: 1 }, "error in add for path: '/metadata/finalizers/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax"],
    [{ op: 'replace', path: '/metadata/finalizers/7', value: 1 }, 'replace operation does not apply: doc is missing key: /metadata/finalizers/7: missing value'],
    [{ op: 'copy', path: '/none/a', from: '/data' }, 'copy operation does not apply: doc is missing destination path: /none/a: missing value'],
    [{ op: 'replace', path: '/kind', value: 'Secret' }, 'illegal base64 data at input byte 0'],
    [{ op: 'invent', path: '/data' }, 'Unexpected kind: invent'],
    [{ op: 'replace', path: '/none/none', value: 1 }, 'replace operation does not apply: doc is missing path: /none/none: missing value'],
    [{ op: 'add', path: '/data/a', value: 7 }, 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'],
  ])('%j', async (operation, why) => {
    scene.hook.replies.set('/', () => patchOf(operation));
    await scene.configure('Mutating', 'one', { failurePolicy: 'Ignore' });
    expect(await scene.create(scene.configMap({ data: { a: 'b' } }, { finalizers: ['x.y/z'] }))).toMatchObject({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${why}` });
  });
});

test('an object stays what it is and where it is', async () => {
  scene.hook.replies.set('/', () => patchOf({ op: 'remove', path: '/kind' }, { op: 'remove', path: '/apiVersion' }, { op: 'remove', path: '/metadata/namespace' }));
  await scene.configure('Mutating', 'one', {});
  expect(await scene.create()).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { namespace: 'default' } });
  scene.hook.replies.set('/', () => patchOf({ op: 'replace', path: '/metadata/namespace', value: 'kube-system' }));
  expect(await scene.create()).toMatchObject({ code: 400, message: 'the namespace of the provided object does not match the namespace sent on the request' });
  scene.hook.replies.set('/', () => patchOf({ op: 'replace', path: '/kind', value: 'Secret' }));
  expect(await scene.create()).toMatchObject({ code: 500, message: 'converting (v1.Secret) to (core.ConfigMap): unknown conversion' });
});

test('webhooks that cannot be reached', async () => {
  const rows: readonly (readonly [WantedHook, string])[] = [
    [{ url: 'https://127.0.0.1:1/x' }, 'Post "https://127.0.0.1:1/x?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused'],
    [{ clientConfig: { url: `${scene.hook.url}/` } }, `Post "${scene.hook.url}/?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority`],
    [{ url: `https://localhost:${scene.hook.port}/` }, `Post "https://localhost:${scene.hook.port}/?timeout=10s": tls: failed to verify certificate: x509: certificate is valid for webhook.test, not localhost`],
    [{ clientConfig: { service: { namespace: 'default', name: 'none', path: '/p' } } }, 'Post "https://none.default.svc:443/p?timeout=10s": service "none" not found'],
    [{ url: `${scene.hook.url}/slow`, timeoutSeconds: 1 }, `Post "${scene.hook.url}/slow?timeout=1s": context deadline exceeded`],
  ];
  scene.hook.replies.set('/slow', () => () => undefined);
  for (const [at, [wanted, why]] of rows.entries()) {
    const rules = [{ ...CONFIGMAPS, operations: ['CREATE'] }];
    await scene.configure('Validating', `w${at}`, { ...wanted, rules, objectSelector: { matchLabels: { row: String(at) } } });
    const message = `Internal error occurred: failed calling webhook "a.hooks.test": failed to call webhook: ${why}`;
    expect(await scene.create(scene.configMap({}, { labels: { row: String(at) } }))).toMatchObject({ code: 500, message });
  }
});

test('refusals, failures and failures that are passed over are counted apart', async () => {
  const counted = async (): Promise<string[]> => {
    const { bytes } = await scene.api.http('GET', '/metrics');
    return bytes.toString().split('\n').filter((line) => line.includes('.counted.test') && !line.includes('_seconds'));
  };
  scene.hook.replies.set('/no', () => ({ allowed: false }));
  const rules = [{ ...CONFIGMAPS, operations: ['CREATE'] }];
  await scene.configure('Validating', 'one', { name: 'says.counted.test', path: '/no', rules }, { name: 'open.counted.test', url: 'https://127.0.0.1:1', failurePolicy: 'Ignore', rules }, { name: 'shut.counted.test', url: 'https://127.0.0.1:1', rules });
  await scene.create();
  expect((await counted()).toSorted()).toEqual([
    'apiserver_admission_webhook_fail_open_count{name="open.counted.test",type="validating"} 1',
    'apiserver_admission_webhook_rejection_count{name="says.counted.test",type="validating",operation="CREATE",error_type="no_error",rejection_code="400"} 1',
    'apiserver_admission_webhook_rejection_count{name="shut.counted.test",type="validating",operation="CREATE",error_type="calling_webhook_error",rejection_code="503"} 1',
    'apiserver_admission_webhook_request_total{name="open.counted.test",type="validating",operation="CREATE",code="503",rejected="false"} 1',
    'apiserver_admission_webhook_request_total{name="says.counted.test",type="validating",operation="CREATE",code="400",rejected="true"} 1',
    'apiserver_admission_webhook_request_total{name="shut.counted.test",type="validating",operation="CREATE",code="503",rejected="true"} 1',
  ]);
});

test('a webhook may make an object that is being deleted', async () => {
  scene.hook.replies.set('/', () => patchOf({ op: 'add', path: '/metadata/deletionTimestamp', value: '2020-01-01T00:00:00Z' }));
  await scene.configure('Mutating', 'one', {});
  const made = await scene.create(scene.configMap({}, { finalizers: ['x.y/z'] }));
  expect(made.metadata.deletionTimestamp).toBe('2020-01-01T00:00:00Z');
  scene.hook.replies.clear();
  const again = (metadata: object): Promise<object> => scene.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: made.metadata.name, ...metadata } });
  expect(await again({})).toMatchObject({ code: 409, message: `object is being deleted: configmaps "${made.metadata.name}" already exists` });
  expect(await again({ generateName: 'c' })).toMatchObject({
    code: 409, details: { retryAfterSeconds: 1 },
    message: `object is being deleted: configmaps "${made.metadata.name}" already exists, the server was not able to generate a unique name for the object`,
  });
});

test('what a webhook says of its refusal is handed on', async () => {
  scene.hook.replies.set('/', () => ({ allowed: false, status: { message: 'no', metadata: { resourceVersion: '5' } } }));
  await scene.configure('Validating', 'one', {});
  expect(await scene.create()).toMatchObject({ kind: 'Status', metadata: { resourceVersion: '5' } });
});

test('an answer of a kind that all know', async () => {
  scene.hook.replies.set('/', () => (response) => void response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure' })));
  await scene.configure('Validating', 'one', {});
  expect(await scene.create()).toMatchObject({ code: 500, message: expect.stringContaining('failed to call webhook: converting (v1.Status) to (v1.AdmissionReview): unknown conversion') });
});
