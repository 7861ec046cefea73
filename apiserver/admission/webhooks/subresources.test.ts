/** What webhooks are shown of subresources and deletions, and what becomes of what they change there. */
import type { ApiObject } from '../../../api/kind.ts';
import { CONFIGMAPS, MAPS, WebhookScene } from './webhook-scene.ts';

let scene: WebhookScene;
const PODS = '/api/v1/namespaces/default/pods';
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts';

beforeAll(async () => {
  scene = await WebhookScene.open();
  await scene.send('POST', ACCOUNTS, { metadata: { name: 'x' } });
  for (const name of ['a', 'b']) await scene.send('POST', PODS, { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], serviceAccountName: 'x', automountServiceAccountToken: false } });
  await scene.send('POST', '/api/v1/namespaces', { metadata: { name: 'going' } });
});
afterAll(() => scene.close());
afterEach(() => scene.clear());

const all = (...resources: string[]): object[] => [{ ...CONFIGMAPS, apiGroups: ['*'], operations: ['*'], resources }];
const asked = (): { operation: string; subResource?: string; object: ApiObject | null; options: Record<string, unknown> }[] => scene.hook.asked.map(({ review }) => review.request as never);

test('an eviction is asked about once, and not as a deletion', async () => {
  await scene.configure('Validating', 'one', { rules: all('pods', 'pods/eviction') });
  const answer = await scene.send('POST', `${PODS}/a/eviction?dryRun=All`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'a' } });
  expect([answer.code, asked().map(({ operation, subResource }) => [operation, subResource])]).toEqual([201, [['CREATE', 'eviction']]]);
});

test.each([
  ['a binding has its namespace and its owner', 'pods/binding', `${PODS}/b/binding?dryRun=All`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'b' }, target: { kind: 'Node', name: 'n' } }, { name: 'b', namespace: 'default', managedFields: [expect.objectContaining({ subresource: 'binding' })] }],
  ['a request for a token has the name of the account', 'serviceaccounts/token', `${ACCOUNTS}/x/token`, { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }, { name: 'x', namespace: 'default' }],
])('%s', async (_what, resource, path, body, metadata) => {
  await scene.configure('Validating', 'one', { rules: all(resource) });
  expect((await scene.send('POST', path, body)).code).toBe(201);
  expect(asked()[0]?.object?.metadata).toMatchObject(metadata);
});

test('a deletion is told with the options that were sent, and of a namespace with its uid', async () => {
  await scene.configure('Validating', 'one', { rules: all('namespaces', 'configmaps') });
  const { metadata } = await scene.create();
  scene.hook.asked.length = 0;
  await scene.send('DELETE', `${MAPS}/${metadata.name}?dryRun=All`, { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 3 });
  expect(asked()[0]?.options).toEqual({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', gracePeriodSeconds: 3 });
  scene.hook.asked.length = 0;
  await scene.send('DELETE', '/api/v1/namespaces/going?dryRun=All');
  expect(asked()[0]?.options['preconditions']).toEqual({ uid: expect.stringMatching(/^[0-9a-f-]{36}$/) });
});
