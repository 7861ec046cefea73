import type { AuditEvent } from '../../audit/event.ts';
import { parsePolicy } from '../../audit/policy.ts';
import { patchOf } from './fake-webhook.ts';
import { WebhookScene } from './webhook-scene.ts';

const events: AuditEvent[] = [];
const POLICY = 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, resources: [{resources: [secrets]}]}\n- {level: Request}\n';
let scene: WebhookScene;
beforeAll(async () => {
  scene = await WebhookScene.open({ audit: { policy: parsePolicy(POLICY), backends: [{ write: (event) => void events.push(structuredClone(event)), close: () => Promise.resolve() }] } });
});
afterAll(() => scene.close());

test('records tell what webhooks and policies did; patches where bodies are kept', async () => {
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps', 'secrets'] }];
  scene.hook.replies.set('/', () => ({ ...patchOf({ op: 'add', path: '/metadata/labels', value: { a: 'b' } }), auditAnnotations: { why: 'because' } }));
  await scene.configure('Mutating', 'm', { rules }, { name: 'b.hooks.test', url: 'https://127.0.0.1:1', failurePolicy: 'Ignore', rules });
  await scene.configure('Validating', 'v', { name: 'c.hooks.test', url: 'https://127.0.0.1:1', failurePolicy: 'Ignore', rules });
  const registration = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic';
  const spec = { matchConstraints: { resourceRules: rules }, validations: [{ expression: "object.metadata.name != 'c'", message: 'no c' }], auditAnnotations: [{ key: 'name', valueExpression: "'is ' + object.metadata.name" }] };
  await scene.send('POST', `${registration}ies`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'p.test' }, spec });
  await scene.send('POST', `${registration}ybindings`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'p' }, spec: { policyName: 'p.test', validationActions: ['Audit'] } });
  for (const resource of ['validatingadmissionpolicies', 'validatingadmissionpolicybindings']) await scene.api.server.registry.hub('admissionregistration.k8s.io', resource)?.cache.fresh();
  await new Promise((resolve) => setImmediate(resolve));
  events.length = 0;
  for (const [kind, plural] of [['ConfigMap', 'configmaps'], ['Secret', 'secrets']]) await scene.send('POST', `/api/v1/namespaces/default/${plural}`, { apiVersion: 'v1', kind, metadata: { name: 'c' } });
  const [config, secret] = events.filter(({ stage }) => stage === 'ResponseComplete').map(({ annotations }) => annotations ?? {});
  const expected = {
    'a.hooks.test/why': 'because', 'p.test/name': 'is c',
    'mutation.webhook.admission.k8s.io/round_0_index_0': '{"configuration":"m","webhook":"a.hooks.test","mutated":true}',
    'mutation.webhook.admission.k8s.io/round_0_index_1': '{"configuration":"m","webhook":"b.hooks.test","mutated":false}',
    'failed-open.mutation.webhook.admission.k8s.io/round_0_index_1': 'b.hooks.test',
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_0': 'c.hooks.test',
    'validation.policy.admission.k8s.io/validation_failure': '[{"message":"no c","policy":"p.test","binding":"p","expressionIndex":0,"validationActions":["Audit"]}]',
  };
  expect(secret).toMatchObject(expected);
  expect(secret).not.toHaveProperty(['patch.webhook.admission.k8s.io/round_0_index_0']);
  expect(config).toMatchObject({
    ...expected,
    'patch.webhook.admission.k8s.io/round_0_index_0': '{"configuration":"m","webhook":"a.hooks.test","patch":[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}],"patchType":"JSONPatch"}',
  });
});
