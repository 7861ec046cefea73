import type { ApiObject } from '../../../api/kind.ts';
import { patchOf, type Reply } from './fake-webhook.ts';
import { CONFIGMAPS, MAPS, WebhookScene } from './webhook-scene.ts';

let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.open();
});
afterAll(() => scene.close());
afterEach(() => scene.clear());

const ANY = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] };

test('a webhook is asked in the form of an AdmissionReview', async () => {
  await scene.configure('Validating', 'one', { path: '/check/', timeoutSeconds: 3 });
  await scene.create(scene.configMap({ data: { a: 'b' } }, { name: 'asked' }), '?fieldManager=me&dryRun=All');
  expect(scene.hook.asked).toHaveLength(1);
  const { path, review } = scene.hook.asked[0] as (typeof scene.hook.asked)[number];
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
  await scene.configure('Mutating', 'two', {});
  await scene.create(scene.configMap({}, { uid: 'mine', creationTimestamp: '2020-01-01T00:00:00Z' }));
  expect((scene.hook.asked[1]?.review.request?.object as ApiObject | undefined)?.metadata).not.toHaveProperty('uid');
});

test('older webhooks are asked in the older form, whose answers are not held to a uid', async () => {
  scene.hook.replies.set('/old', () => (response, { request }) => response.end(JSON.stringify({ response: { allowed: true, patch: Buffer.from(JSON.stringify([{ op: 'add', path: '/data', value: { uid: request?.uid } }])).toString('base64') } })));
  await scene.configure('Mutating', 'one', { path: '/old', admissionReviewVersions: ['v9', 'v1beta1', 'v1'] });
  expect(await scene.create()).toMatchObject({ data: { uid: scene.hook.asked[0]?.review.request?.uid } });
  expect(scene.hook.asked[0]?.review.apiVersion).toBe('admission.k8s.io/v1beta1');
});

test('updates and deletions show both states, deletecollection no name', async () => {
  const object = await scene.create(scene.configMap({ data: { n: '1' } }));
  const { name } = object.metadata;
  await scene.configure('Validating', 'one', {});
  await scene.send('PATCH', `${MAPS}/${name}`, { data: { n: '2' } }, 'application/merge-patch+json');
  await scene.send('DELETE', `${MAPS}/${name}`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 });
  const [update, removal] = scene.hook.asked.map(({ review }) => review.request);
  expect(update).toMatchObject({ operation: 'UPDATE', object: { data: { n: '2' } }, oldObject: { data: { n: '1' } }, options: { kind: 'UpdateOptions' } });
  expect(update).not.toHaveProperty('subResource');
  expect(removal).toMatchObject({ operation: 'DELETE', name, object: null, oldObject: { data: { n: '2' } }, options: { kind: 'DeleteOptions', gracePeriodSeconds: 0 } });
  await scene.create(scene.configMap({}, { labels: { many: 'yes' } }));
  await scene.create(scene.configMap({}, { labels: { many: 'yes' } }));
  scene.hook.asked.length = 0;
  await scene.send('DELETE', `${MAPS}?labelSelector=many%3Dyes`);
  expect(scene.hook.asked.map(({ review }) => [review.request?.operation, review.request?.name, (review.request as { oldObject: ApiObject }).oldObject.metadata.labels])).toEqual([
    ['DELETE', undefined, { many: 'yes' }], ['DELETE', undefined, { many: 'yes' }],
  ]);
});

describe('mutation', () => {
  test('webhooks run by the names of their configurations, each on what the one before left', async () => {
    const append = (letter: string) => (request: { object?: unknown }): Reply => {
      const { data } = request.object as { data: { trace?: string } };
      return patchOf({ op: 'add', path: '/data/trace', value: (data.trace ?? '') + letter });
    };
    for (const letter of ['a', 'b', 'c']) scene.hook.replies.set(`/${letter}`, append(letter));
    await scene.configure('Mutating', 'second', { path: '/c' });
    await scene.configure('Mutating', 'first', { path: '/a', name: 'z.hooks.test' }, { path: '/b' });
    expect(await scene.create(scene.configMap({ data: { some: 'thing' } }))).toMatchObject({ data: { trace: 'abc' } });
  });

  test('the second round calls those that asked for it, where something changed after them, and no others', async () => {
    const rounds: string[] = [];
    const say = (name: string, ...operations: object[]): void => void scene.hook.replies.set(`/${name}`, () => {
      rounds.push(name);
      return operations.length > 0 ? patchOf(...operations) : {};
    });
    say('early');
    say('never', { op: 'add', path: '/data/x', value: 'y' });
    say('late');
    await scene.configure(
      'Mutating', 'one',
      { path: '/early', reinvocationPolicy: 'IfNeeded' },
      { path: '/never', name: 'b.hooks.test' },
      { path: '/late', name: 'c.hooks.test', reinvocationPolicy: 'IfNeeded' },
    );
    await scene.create(scene.configMap({ data: { some: 'thing' } }));
    expect(rounds).toEqual(['early', 'never', 'late', 'early']);
    rounds.length = 0;
    say('never');
    await scene.create(scene.configMap({ data: { some: 'thing' } }));
    expect(rounds).toEqual(['early', 'never', 'late']);
  });

  test('built-in plugins, defaults and validation see the result, and nobody owns it', async () => {
    await scene.send('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    scene.hook.replies.set('/', () =>
      patchOf(
        { op: 'add', path: '/spec/containers/-', value: { name: 'sidecar', image: 'side:1', ports: [{ containerPort: 80 }], unheardOf: 1 } },
        { op: 'add', path: '/metadata/labels', value: { injected: 'yes' } },
      ));
    await scene.configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, resources: ['pods'] }] });
    const pod = (await scene.send('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'c' }] } })).json() as unknown as {
      metadata: { labels: object; managedFields: unknown };
      spec: { containers: { name: string; volumeMounts?: unknown[] }[]; volumes: unknown[] };
    };
    expect(pod.metadata.labels).toEqual({ injected: 'yes' });
    expect(pod.spec.containers[1]).toMatchObject({ name: 'sidecar', imagePullPolicy: 'IfNotPresent', ports: [{ containerPort: 80, protocol: 'TCP' }] });
    expect(pod.spec.containers[1]).not.toHaveProperty('unheardOf');
    // ServiceAccount admission ran again: the sidecar has the token too.
    expect(pod.spec.containers[1]?.volumeMounts).toEqual([expect.objectContaining({ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' })]);
    expect(pod.spec.volumes).toHaveLength(1);
    expect(JSON.stringify(pod.metadata.managedFields)).not.toContain('injected');
    scene.hook.replies.set('/', () => patchOf({ op: 'add', path: '/metadata/labels', value: { 'not a label': '?' } }));
    expect((await scene.send('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'q' }, spec: { containers: [{ name: 'c', image: 'c' }] } })).code).toBe(422);
  });

  test('ownership that a webhook broke is kept as it was, with a warning', async () => {
    scene.hook.replies.set('/', () => patchOf({ op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Guess' }));
    await scene.configure('Mutating', 'one', {});
    const answer = await scene.send('POST', `${MAPS}?fieldManager=me`, scene.configMap({ data: { a: 'b' } }));
    expect(answer.json().metadata.managedFields).toMatchObject([{ manager: 'me', operation: 'Update' }]);
    expect(answer.headers['warning']).toContain('.metadata.managedFields was in an invalid state after admission');
  });

  test('an object that goes cannot be changed', async () => {
    const { metadata } = await scene.create();
    scene.hook.replies.set('/', () => patchOf({ op: 'add', path: '/a', value: 1 }));
    await scene.configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, operations: ['DELETE'] }] });
    expect((await scene.send('DELETE', `${MAPS}/${metadata.name}`)).json()).toMatchObject({
      code: 500, message: 'Internal error occurred: admission webhook "a.hooks.test" attempted to modify the object, which is not supported for this operation',
    });
  });

  test('a Scale goes back to what it scales', async () => {
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'c' }] } };
    await scene.send('POST', '/apis/apps/v1/namespaces/default/deployments', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { replicas: 1, paused: true, selector: { matchLabels: { a: 'b' } }, template } });
    scene.hook.replies.set('/', ({ object }) => {
      expect(object).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 9 } });
      return patchOf({ op: 'replace', path: '/spec/replicas', value: 2 });
    });
    await scene.configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, apiGroups: ['apps'], resources: ['deployments/scale'] }] });
    const answer = await scene.send('PATCH', '/apis/apps/v1/namespaces/default/deployments/d/scale', { spec: { replicas: 9 } }, 'application/merge-patch+json');
    expect(answer.json()).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    expect(scene.hook.asked[0]?.review.request).toMatchObject({ subResource: 'scale', requestSubResource: 'scale', kind: { group: 'autoscaling', version: 'v1', kind: 'Scale' }, resource: { group: 'apps', resource: 'deployments' } });
  });
});

describe('who is called', () => {
  test('equivalent versions are matched and converted, unless the rule is exact', async () => {
    const rules = [{ apiGroups: ['autoscaling'], apiVersions: ['v2'], operations: ['CREATE'], resources: ['horizontalpodautoscalers'] }];
    scene.hook.replies.set('/', () => patchOf({ op: 'replace', path: '/spec/metrics/0/resource/target/averageUtilization', value: 33 }));
    await scene.configure('Mutating', 'one', { rules });
    await scene.configure('Validating', 'one', { rules, matchPolicy: 'Exact', path: '/exact' });
    const spec = { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' }, targetCPUUtilizationPercentage: 50 };
    const answer = await scene.send('POST', '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' }, spec });
    expect(answer.json()).toMatchObject({ apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 33 } });
    expect(scene.hook.asked.map(({ path, review: { request } }) => [path, request?.kind.version, request?.resource.version, request?.requestKind?.version, request?.requestResource?.version, (request as { object: ApiObject }).object.apiVersion])).toEqual([
      ['/?timeout=10s', 'v2', 'v2', 'v1', 'v1', 'autoscaling/v2'],
    ]);
  });

  test('kinds that are views of one store are equivalent', async () => {
    await scene.configure('Validating', 'one', { rules: [{ apiGroups: ['events.k8s.io'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['events'] }] });
    const event = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'e' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' }, reason: 'R', message: 'said', type: 'Normal' };
    expect((await scene.send('POST', '/api/v1/namespaces/default/events', event)).code).toBe(201);
    expect(scene.hook.asked[0]?.review.request).toMatchObject({ kind: { group: 'events.k8s.io' }, requestKind: { group: '' }, object: { apiVersion: 'events.k8s.io/v1', note: 'said', regarding: { name: 'p' } } });
  });

  test('the namespace must carry its labels, the object its own in either state', async () => {
    await scene.send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other', labels: { watched: 'yes' } } });
    const selectors = { namespaceSelector: { matchLabels: { watched: 'yes' } }, objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }, { key: 'take', operator: 'Exists' }] } };
    await scene.configure('Validating', 'one', { ...selectors });
    const body = (name: string, labels: object, namespace: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels, namespace } });
    await scene.send('POST', MAPS, body('x1', { take: '' }, 'default'));
    await scene.send('POST', '/api/v1/namespaces/other/configmaps', body('x2', { take: '', skip: '' }, 'other'));
    expect(scene.hook.asked).toHaveLength(0);
    await scene.send('POST', '/api/v1/namespaces/other/configmaps', body('x3', { take: '' }, 'other'));
    expect(scene.hook.asked).toHaveLength(1);
    await scene.send('PUT', '/api/v1/namespaces/other/configmaps/x3', body('x3', {}, 'other'));
    expect(scene.hook.asked).toHaveLength(2);
    await scene.send('PUT', '/api/v1/namespaces/other/configmaps/x3', body('x3', { none: '' }, 'other'));
    expect(scene.hook.asked).toHaveLength(2);
  });

  test('what configures webhooks and policies is not subject to them', async () => {
    scene.hook.replies.set('/', () => ({ allowed: false }));
    await scene.configure('Validating', 'one', { rules: [ANY] });
    expect((await scene.send('DELETE', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/one')).code).toBe(200);
    expect(scene.hook.asked).toHaveLength(0);
  });

  test('a namespace is judged by its own labels, and counts as in itself', async () => {
    await scene.configure('Validating', 'one', { rules: [{ ...CONFIGMAPS, resources: ['namespaces'], scope: 'Cluster' }], namespaceSelector: { matchLabels: { judged: 'yes' } } });
    await scene.send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n1' } });
    await scene.send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n2', labels: { judged: 'yes' } } });
    expect(scene.hook.asked.map(({ review }) => [review.request?.name, review.request?.namespace])).toEqual([['n2', 'n2']]);
  });

  test('versions between which a webhook converts are equivalent too', async () => {
    const text = { type: 'string' };
    const version = (name: string, properties: object, storage: boolean): object => ({ name, served: true, storage, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } } });
    const clientConfig = { url: `${scene.hook.url}/convert`, caBundle: scene.hook.caBundle };
    await scene.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'hosts.example.com' },
      spec: {
        group: 'example.com', scope: 'Namespaced', names: { plural: 'hosts', kind: 'Host' }, versions: [version('v1', { address: text }, true), version('v2', { host: text, port: text }, false)],
        conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } },
      },
    });
    scene.hook.replies.set('/convert', () => (response, review) => {
      const { uid, desiredAPIVersion, objects } = review.request as unknown as { uid: string; desiredAPIVersion: string; objects: { spec: Record<string, string> }[] };
      const convertedObjects = objects.map((object) => {
        const { address = '', host = '', port = '' } = object.spec;
        const [name = '', number = ''] = address.split(':');
        return { ...object, apiVersion: desiredAPIVersion, spec: desiredAPIVersion.endsWith('v2') ? { host: name, port: number } : { address: `${host}:${port}` } };
      });
      response.end(JSON.stringify({ ...review, response: { uid, convertedObjects, result: { status: 'Success' } } }));
    });
    while ((await scene.send('GET', '/apis/example.com/v1/hosts')).code !== 200) await new Promise((resolve) => setImmediate(resolve));
    scene.hook.replies.set('/', ({ object }) => {
      expect(object).toMatchObject({ apiVersion: 'example.com/v2', spec: { host: 'a', port: '1' } });
      return patchOf({ op: 'replace', path: '/spec/port', value: '2' });
    });
    await scene.configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, apiGroups: ['example.com'], apiVersions: ['v2'], resources: ['hosts'] }] });
    const answer = await scene.send('POST', '/apis/example.com/v1/namespaces/default/hosts', { apiVersion: 'example.com/v1', kind: 'Host', metadata: { name: 'h' }, spec: { address: 'a:1' } });
    expect(answer.json()).toMatchObject({ apiVersion: 'example.com/v1', spec: { address: 'a:2' } });
  });

  test('custom resources are pruned and defaulted after their patch', async () => {
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string', default: 'beta' } } } } } };
    await scene.send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'toys.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'toys', kind: 'Toy' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    });
    while ((await scene.send('GET', '/apis/example.com/v1/toys')).code !== 200) await new Promise((resolve) => setImmediate(resolve));
    scene.hook.replies.set('/', () => patchOf({ op: 'add', path: '/spec', value: { a: 'x', c: 'gone' } }));
    await scene.configure('Mutating', 'one', { rules: [{ ...CONFIGMAPS, apiGroups: ['example.com'], resources: ['toys'] }] });
    const answer = await scene.send('POST', '/apis/example.com/v1/namespaces/default/toys', { apiVersion: 'example.com/v1', kind: 'Toy', metadata: { name: 't' } });
    expect(answer.json()['spec']).toEqual({ a: 'x', b: 'beta' });
  });
});

test('connections show their options, and are refused before anything is looked up', async () => {
  scene.hook.replies.set('/', () => ({ allowed: false }));
  await scene.configure('Validating', 'one', { rules: [{ ...CONFIGMAPS, operations: ['CONNECT'], resources: ['pods/exec'] }] });
  const answer = await scene.send('POST', '/api/v1/namespaces/default/pods/none/exec?container=c&command=sh&command=-c&stdin=true&tty=false', {});
  expect(answer.json()['message']).toBe('admission webhook "a.hooks.test" denied the request without explanation');
  expect(scene.hook.asked[0]?.review.request).toMatchObject({
    operation: 'CONNECT', kind: { group: '', version: 'v1', kind: 'PodExecOptions' }, resource: { resource: 'pods' }, subResource: 'exec', name: 'none', namespace: 'default', options: null, oldObject: null,
    object: { kind: 'PodExecOptions', apiVersion: 'v1', stdin: true, container: 'c', command: ['sh', '-c'] },
  });
});

test('warnings of all webhooks reach the client', async () => {
  scene.hook.replies.set('/', () => ({ warnings: ['first', 'second'] }));
  await scene.configure('Validating', 'one', {});
  expect((await scene.send('POST', MAPS, scene.configMap())).headers['warning']).toBe('299 - "first", 299 - "second"');
});
