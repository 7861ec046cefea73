import type { ApiObject } from '../../../api/kind.ts';
import { openTestServer, type HttpAnswer, type TestServer } from '../../test-server.ts';

let api: TestServer;
const GROUP = '/apis/admissionregistration.k8s.io/v1';
const KINDS = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'];
const MAPS = '/api/v1/namespaces/default/configmaps';
const CONFIGMAPS = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] };

beforeAll(async () => {
  api = await openTestServer();
});
afterAll(() => api.close());
afterEach(async () => {
  for (const kind of KINDS) await send('DELETE', `${GROUP}/${kind}`);
  await settle();
});

async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  const text = body && JSON.stringify(body);
  return api.http(method, path, text === undefined ? { headers } : { headers: { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)), ...headers }, body: text });
}

/** Policies reach admission by the watch cache. */
async function settle(): Promise<void> {
  for (const resource of KINDS) await api.server.registry.hub('admissionregistration.k8s.io', resource)?.cache.fresh();
  await new Promise((resolve) => setImmediate(resolve));
}

interface Wanted {
  readonly name?: string;
  readonly spec: object;
  readonly binding?: object;
}

async function install(kind: 'Validating' | 'Mutating', { name = 'p', spec, binding = {} }: Wanted): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const plural = kind.toLowerCase();
  const more = kind === 'Validating' ? {} : { reinvocationPolicy: 'Never' };
  const made = await send('POST', `${GROUP}/${plural}admissionpolicies`, { apiVersion, kind: `${kind}AdmissionPolicy`, metadata: { name }, spec: { matchConstraints: { resourceRules: [CONFIGMAPS] }, ...more, ...spec } });
  expect([made.code, made.code === 201 || made.json()]).toEqual([201, true]);
  const actions = kind === 'Validating' ? { validationActions: ['Deny'] } : {};
  const bound = await send('POST', `${GROUP}/${plural}admissionpolicybindings`, { apiVersion, kind: `${kind}AdmissionPolicyBinding`, metadata: { name: `${name}-b` }, spec: { policyName: name, ...actions, ...binding } });
  expect(bound.code).toBe(201);
  await settle();
}

let count = 0;

function create(more: object = {}, metadata: object = {}, headers: Record<string, string> = {}): Promise<HttpAnswer> {
  return send('POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', ...more, metadata: { name: `c${++count}`, ...metadata } }, headers);
}

const validations = (expression: string, more: object = {}): object => ({ validations: [{ expression, ...more }] });
const denied = (name: string, why: string): string => `configmaps "${name}" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: ${why}`;

describe('what is denied', () => {
  test.each([
    ['without a message', {}, 422, 'Invalid', 'failed expression: !has(object.data)'],
    ['with a message', { message: ' no data ' }, 422, 'Invalid', 'no data'],
    ['with a computed message', { message: 'other', messageExpression: "'has ' + string(size(object.data))" }, 422, 'Invalid', 'has 1'],
    ['with a message that fails', { message: 'other', messageExpression: 'object.none' }, 422, 'Invalid', 'other'],
    ['with a message of several lines', { messageExpression: "'a\\nb'" }, 422, 'Invalid', 'failed expression: !has(object.data)'],
    ['as forbidden', { reason: 'Forbidden', message: 'm' }, 403, 'Forbidden', 'm'],
    ['as too large', { reason: 'RequestEntityTooLarge', message: 'm' }, 413, 'RequestEntityTooLarge', 'm'],
  ])('%s', async (_, more, code, reason, why) => {
    const text = 'messageExpression' in more && more.messageExpression === 'object.none' ? { ...more, messageExpression: 'string(object.none)' } : more;
    await install('Validating', { spec: validations('!has(object.data)', text) });
    const answer = await create({ data: { a: 'b' } }, { name: 'x' });
    const message = `ValidatingAdmissionPolicy 'p' with binding 'p-b' denied request: ${why}`;
    expect([answer.code, answer.json()]).toMatchObject([code, { reason, message: denied('x', why), details: { name: 'x', kind: 'configmaps', causes: [{ message }] } }]);
    expect((await create()).code).toBe(201);
  });
});

test('what cannot be evaluated denies, or not, as the failure policy says', async () => {
  await install('Validating', { spec: validations("object.data.must == 'yes'") });
  expect((await create({ data: { other: '' } }, { name: 'x' })).json()['message']).toBe(denied('x', "expression 'object.data.must == 'yes'' resulted in error: no such key: must"));
  await send('DELETE', `${GROUP}/validatingadmissionpolicies`);
  await send('DELETE', `${GROUP}/validatingadmissionpolicybindings`);
  await install('Validating', { spec: { ...validations("object.data.must == 'yes'"), failurePolicy: 'Ignore' } });
  expect((await create({ data: { other: '' } })).code).toBe(201);
});

test('an expression that costs too much fails alone, all of them together end the policy', async () => {
  const costly = 'object.data.a.split("").all(x, object.data.a.split("").all(y, object.data.a.split("").all(z, true)))';
  await install('Validating', { spec: validations(costly) });
  expect((await create({ data: { a: 'x'.repeat(200) } }, { name: 'x' })).json()['message']).toBe(denied('x', `expression '${costly}' resulted in error: operation cancelled: actual cost limit exceeded`));
  await send('DELETE', `${GROUP}/validatingadmissionpolicies`);
  await send('DELETE', `${GROUP}/validatingadmissionpolicybindings`);
  const half = 'object.data.a.split("").all(x, object.data.a.split("").all(y, true))';
  await install('Validating', { spec: { validations: Array.from({ length: 40 }, () => ({ expression: half })) } });
  expect((await create({ data: { a: 'x'.repeat(350) } }, { name: 'x' })).json()['message']).toBe(denied('x', 'validation failed due to running out of cost budget, no further validation rules will be run'));
});

test('conditions: one that is false skips, what fails counts only when none is', async () => {
  const matchConditions = [{ name: 'fails', expression: "object.data.none == ''" }, { name: 'marked', expression: "has(object.metadata.labels) && 'check' in object.metadata.labels" }];
  await install('Validating', { spec: { ...validations('false', { message: 'never' }), matchConditions } });
  expect((await create({ data: { a: '' } })).code).toBe(201);
  expect((await create({ data: { a: '' } }, { name: 'x', labels: { check: '' } })).json()['message']).toBe(denied('x', "expression 'object.data.none == ''' resulted in error: no such key: none"));
  expect((await create({ data: { none: '' } }, { name: 'x', labels: { check: '' } })).json()['message']).toBe(denied('x', 'never'));
});

test('variables are evaluated when they are asked for, and name themselves when they fail', async () => {
  const variables = [
    { name: 'bad', expression: 'object.data.none' },
    { name: 'keys', expression: 'has(object.data) ? object.data.map(k, k) : []' },
    { name: 'n', expression: 'size(variables.keys)' },
  ];
  await install('Validating', { spec: { variables, validations: [{ expression: "variables.n < 2 || variables.bad == ''", messageExpression: "'has ' + string(variables.n)" }] } });
  expect((await create({ data: { a: '' } })).code).toBe(201);
  const { message } = (await create({ data: { a: '', b: '' } }, { name: 'x' })).json();
  // What fails is a value too: another part may decide.
  await send('DELETE', `${GROUP}/validatingadmissionpolicies`);
  await send('DELETE', `${GROUP}/validatingadmissionpolicybindings`);
  await install('Validating', { spec: { variables: [...variables, { name: 'nothing', expression: 'null' }], validations: [{ expression: "(variables.bad == '' || variables.n > 0) && variables.nothing == null" }] } });
  expect((await create({ data: { a: '' } })).code).toBe(201);
  expect(message).toBe(denied('x', `expression 'variables.n < 2 || variables.bad == ''' resulted in error: composited variable "bad" fails to evaluate: no such key: none`));
});

test('Warn tells and lets through', async () => {
  await install('Validating', { spec: validations('false', { message: 'rather not' }), binding: { validationActions: ['Warn', 'Audit'] } });
  const answer = await create();
  expect([answer.code, answer.headers['warning']]).toEqual([201, `299 - "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'p-b': rather not"`]);
});

test('expressions see the request, its user, the namespace and both states', async () => {
  await send('PATCH', '/api/v1/namespaces/default', { metadata: { labels: { tier: 'gold' } } }, { 'Content-Type': 'application/merge-patch+json' });
  const messageExpression = "[request.operation, request.resource.resource, request.kind.kind, request.name, request.namespace, request.userInfo.username, string(request.dryRun), string(request.options.fieldManager), namespaceObject.metadata.labels.tier, string(oldObject == null)].join(' ')";
  await install('Validating', { spec: validations('false', { messageExpression }) });
  const headers = { 'Impersonate-User': 'carla', 'Impersonate-Group': 'system:masters' };
  const answer = await send('POST', `${MAPS}?dryRun=All&fieldManager=me`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'seen' } }, headers);
  expect(answer.json()['message']).toBe(denied('seen', 'CREATE configmaps ConfigMap seen default carla true me gold true'));
});

test('deletions show the old object, also in collections', async () => {
  const rules = [{ ...CONFIGMAPS, operations: ['DELETE'] }];
  await create({}, { name: 'keep', labels: { held: 'yes' } });
  await create({}, { name: 'drop', labels: { held: 'yes' } });
  await install('Validating', { spec: { ...validations("object == null && oldObject.metadata.name != 'keep'", { message: 'held' }), matchConstraints: { resourceRules: rules } } });
  expect((await send('DELETE', `${MAPS}/keep`)).json()['message']).toBe(denied('keep', 'held'));
  expect((await send('DELETE', `${MAPS}/drop`)).code).toBe(200);
  expect((await send('DELETE', `${MAPS}?labelSelector=held`)).json()['message']).toBe(denied('Unknown', 'held'));
});

test('authorizer answers for the user and for ServiceAccounts', async () => {
  // A check costs a third of what one expression may.
  const expressions = [
    "authorizer.group('').resource('configmaps').namespace('default').check('create').allowed() && !authorizer.serviceAccount('default', 'none').group('').resource('secrets').check('get').allowed()",
    "authorizer.requestResource.check('delete').allowed() && authorizer.path('/healthz').check('get').allowed()",
  ];
  await install('Validating', { spec: { validations: expressions.map((expression) => ({ expression, reason: 'Forbidden' })) } });
  expect((await create()).json()['message']).toBeUndefined();
  await send('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata: { name: 'maker' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }] });
  await send('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name: 'maker' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'maker' }, subjects: [{ kind: 'User', name: 'alice' }] });
  for (const resource of ['roles', 'rolebindings']) await api.server.registry.hub('rbac.authorization.k8s.io', resource)?.cache.fresh();
  // She may create, but not delete.
  expect((await create({}, {}, { 'Impersonate-User': 'alice' })).json()).toMatchObject({ code: 403, message: expect.stringContaining(`failed expression: ${expressions[1] ?? ''}`) });
});

describe('parameters', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const spec = { paramKind, ...validations('size(object.data) <= int(params.data.max)', { messageExpression: "params.metadata.name + ' allows ' + params.data.max" }) };
  const limit = (name: string, max: string): Promise<HttpAnswer> => send('POST', '/api/v1/namespaces/kube-public/configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { limit: '' } }, data: { max } });
  const three = { data: { a: '', b: '', c: '' } };
  beforeAll(async () => {
    await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-public' } });
    await limit('low', '2');
    await limit('high', '5');
    await api.server.registry.hub('', 'configmaps')?.cache.fresh();
  });
  test.each([
    ['by name', { name: 'low', namespace: 'kube-public', parameterNotFoundAction: 'Deny' }, denied('x', 'low allows 2')],
    ['that allow', { name: 'high', namespace: 'kube-public', parameterNotFoundAction: 'Deny' }, undefined],
    ['by selector, each of them', { selector: { matchLabels: { limit: '' } }, namespace: 'kube-public', parameterNotFoundAction: 'Deny' }, denied('x', 'low allows 2')],
    ['that are not there', { name: 'none', namespace: 'kube-public', parameterNotFoundAction: 'Deny' }, denied('x', 'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction')],
    ['that need not be there', { name: 'none', namespace: 'kube-public', parameterNotFoundAction: 'Allow' }, undefined],
    ['in the namespace of the request', { name: 'low', parameterNotFoundAction: 'Allow' }, undefined],
  ])('%s', async (_, paramRef, message) => {
    await install('Validating', { spec, binding: { paramRef } });
    const answer = await send('POST', `${MAPS}?dryRun=All`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, ...three });
    expect([answer.code, answer.json()['message']]).toEqual([message ? 422 : 201, message]);
  });
  test('of a kind that is not served', async () => {
    await install('Validating', { spec: { ...spec, paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' } }, binding: { paramRef: { name: 'a', parameterNotFoundAction: 'Allow' } } });
    const { message } = (await create(three, { name: 'x' })).json();
    expect(message).toBe(`configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'`);
  });
});

test('excluded rules and resource names narrow what a policy speaks of; policies are not subject to policies', async () => {
  const matchConstraints = { resourceRules: [{ ...CONFIGMAPS, apiGroups: ['*'], resources: ['*'] }], excludeResourceRules: [{ ...CONFIGMAPS, resourceNames: ['free'] }] };
  await install('Validating', { spec: { ...validations('false', { message: 'closed' }), matchConstraints } });
  expect((await create({}, { name: 'x' })).json()['message']).toBe(denied('x', 'closed'));
  expect((await create({}, { name: 'free' })).code).toBe(201);
  expect((await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } })).code).toBe(201);
  expect((await send('DELETE', `${GROUP}/validatingadmissionpolicies/p`)).code).toBe(200);
});

test('the status tells of fields that the types do not have', async () => {
  const rules = [{ ...CONFIGMAPS, apiGroups: ['apps'], resources: ['deployments'] }];
  const spec = { matchConstraints: { resourceRules: rules }, validations: [{ expression: 'object.spec.replicaz > 1' }, { expression: "object.spec.replicas > 1 && object.metadata.namespace != ''" }, { expression: "object.spec.paused == 'yes'" }] };
  await install('Validating', { spec });
  for (;;) {
    const { status } = (await send('GET', `${GROUP}/validatingadmissionpolicies/p`)).json() as unknown as { status?: { observedGeneration?: number; typeChecking: object } };
    if (status?.observedGeneration === undefined) continue;
    expect(status).toEqual({
      observedGeneration: 1,
      typeChecking: {
        expressionWarnings: [
          { fieldRef: 'spec.validations[0].expression', warning: "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replicaz'\n | object.spec.replicaz > 1\n | ...........^\n" },
          { fieldRef: 'spec.validations[2].expression', warning: expect.stringContaining("found no matching overload for '_==_' applied to '(bool, string)'") },
        ],
      },
    });
    break;
  }
});

test('names that are kept for files are warned of', async () => {
  const spec = { matchConstraints: { resourceRules: [CONFIGMAPS] }, ...validations('true') };
  const answer = await send('POST', `${GROUP}/validatingadmissionpolicies?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'x.static.k8s.io' }, spec });
  expect(answer.headers['warning']).toBe('299 - "metadata.name: names ending with \\".static.k8s.io\\" are reserved for static manifest-based configurations and cannot be managed via the API"');
});

describe('expressions are checked when they are written', () => {
  const policy = (spec: object): Promise<HttpAnswer> =>
    send('POST', `${GROUP}/validatingadmissionpolicies?dryRun=All`, { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingAdmissionPolicy', metadata: { name: 'x' }, spec: { matchConstraints: { resourceRules: [CONFIGMAPS] }, ...spec } });
  test.each([
    [validations('1 + 1'), 'spec.validations[0].expression', 'Invalid value: "1 + 1": must evaluate to bool but got int'],
    [validations('params.x == 1'), 'spec.validations[0].expression', `Invalid value: "params.x == 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\n | params.x == 1\n | ^`],
    [validations('true', { messageExpression: 'authorizer.path("/").check("get").reason()' }), 'spec.validations[0].messageExpression', expect.stringContaining("undeclared reference to 'authorizer'")],
    [{ auditAnnotations: [{ key: 'k', valueExpression: '1' }] }, 'spec.auditAnnotations[0].valueExpression', 'Invalid value: "1": must evaluate to one of [string null_type] but got int'],
    [{ ...validations('true'), variables: [{ name: 'a', expression: 'variables.b' }, { name: 'b', expression: '1' }] }, 'spec.variables[0].expression', expect.stringContaining("undefined field 'b'")],
    [{ ...validations('true'), matchConditions: [{ name: 'a', expression: 'object' }] }, 'spec.matchConditions[0].expression', 'Invalid value: "object": must evaluate to bool but got dyn'],
  ])('%j', async (spec, field, message) => {
    expect((await policy(spec)).json()).toMatchObject({ code: 422, details: { causes: [{ reason: 'FieldValueInvalid', field, message }] } });
  });
});

test('who may not read parameters may not write policies that do', async () => {
  const headers = { 'Impersonate-User': 'bob', 'Impersonate-Group': 'writers' };
  const rules = [{ apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] }];
  await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterroles', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'writers' }, rules });
  await send('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRoleBinding', metadata: { name: 'writers' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'writers' }, subjects: [{ kind: 'Group', name: 'writers' }] });
  for (const resource of ['clusterroles', 'clusterrolebindings']) await api.server.registry.hub('rbac.authorization.k8s.io', resource)?.cache.fresh();
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const spec = { matchConstraints: { resourceRules: [CONFIGMAPS] }, paramKind: { apiVersion: 'v1', kind: 'Secret' }, ...validations('true') };
  const policy = await send('POST', `${GROUP}/validatingadmissionpolicies`, { apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name: 'x' }, spec }, headers);
  const user = '&{bob  [writers system:authenticated] map[]}';
  expect(policy.json()['message']).toBe(`ValidatingAdmissionPolicy.admissionregistration.k8s.io "x" is invalid: spec.paramKind: Forbidden: user ${user} must have "get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)`);
  const binding = await send('POST', `${GROUP}/validatingadmissionpolicybindings`, { apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: 'x' }, spec: { policyName: 'none', validationActions: ['Deny'], paramRef: { name: 'a', parameterNotFoundAction: 'Allow' } } }, headers);
  expect(binding.json()['message']).toBe(`ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io "x" is invalid: spec.paramRef: Forbidden: unable to get policy none to determine minimum required permissions and user ${user} does not have "get" permission for all groups, versions and resources`);
});

describe('mutation', () => {
  const applied = (expression: string): object => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
  const patched = (expression: string): object => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
  const mutations = (...list: object[]): object => ({ mutations: list });
  const refusedBy = (why: string): string => `policy 'p' with binding 'p-b' denied request: ${why}`;

  test('what is made is merged, mutation by mutation', async () => {
    await install('Mutating', {
      spec: {
        variables: [{ name: 'n', expression: "string(size(has(object.data) ? object.data : {}))" }],
        ...mutations(applied("Object{metadata: Object.metadata{labels: {'n': variables.n}}}"), applied("Object{metadata: Object.metadata{annotations: {'saw': object.metadata.labels.n + request.operation}}}"), patched("[JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('x/y'), value: 'z'}]")),
      },
    });
    const object = (await create({ data: { a: '' } }, { labels: { own: 'x' } })).json();
    expect(object).toMatchObject({ data: { a: '' }, metadata: { labels: { own: 'x', n: '1' }, annotations: { saw: '1CREATE', 'x/y': 'z' } } });
    expect(JSON.stringify(object.metadata.managedFields)).not.toContain('saw');
  });

  test('items of lists are merged by their keys', async () => {
    await send('POST', '/api/v1/namespaces/default/serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } });
    const expression = "Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{name: c.name, env: [Object.spec.containers.env{name: 'A', value: c.name}]}) + [Object.spec.containers{name: 'side', image: 'side:1'}]}}";
    await install('Mutating', { spec: { ...mutations(applied(expression)), matchConstraints: { resourceRules: [{ ...CONFIGMAPS, operations: ['CREATE'], resources: ['pods'] }] } } });
    const pod = (await send('POST', '/api/v1/namespaces/default/pods', { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'c', env: [{ name: 'B', value: 'b' }] }] } })).json() as unknown as { spec: { containers: { name: string }[] } };
    expect(pod.spec.containers).toMatchObject([
      { name: 'c', image: 'c', env: [{ name: 'B', value: 'b' }, { name: 'A', value: 'c' }] }, { name: 'side', image: 'side:1', imagePullPolicy: 'IfNotPresent', volumeMounts: [{}] },
    ]);
  });

  test.each([
    ['a field that is not there', applied("Object{spec: Object.spec{x: 1}}"), 'error applying patch: failed to convert patch object to typed object: .spec: field not declared in schema'],
    ['a type under another name', applied("Object{metadata: Object.spec{}}"), 'type mismatch: unexpected type name "Object.spec", expected "Object.metadata", which matches field name path from root Object type'],
    ['what cannot be evaluated', applied("Object{metadata: Object.metadata{labels: {'a': object.data.none}}}"), "expression 'Object{metadata: Object.metadata{labels: {'a': object.data.none}}}' resulted in error: no such key: none"],
    ['a patch without a place', patched("[JSONPatch{op: 'add', path: '/none/none', value: 1}]"), 'JSON Patch: add operation does not apply: doc is missing path: "/none/none": missing value'],
  ])('%s denies', async (_, mutation, why) => {
    await install('Mutating', { spec: mutations(mutation) });
    const answer = await create({ data: { a: '' } }, { name: 'x' });
    expect([answer.code, answer.json()]).toMatchObject([403, { reason: 'Invalid', message: refusedBy(why), details: { name: 'x', kind: 'configmaps', causes: [{ message: refusedBy(why) }] } }]);
  });

  test('what is one value is not mutated in part', async () => {
    const rules = [{ ...CONFIGMAPS, resources: ['services'] }];
    await install('Mutating', { spec: { ...mutations(applied("Object{spec: Object.spec{selector: {'a': 'b'}}}")), matchConstraints: { resourceRules: rules } } });
    const answer = await send('POST', '/api/v1/namespaces/default/services', { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } });
    expect(answer.json()['message']).toBe(refusedBy('error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.selector'));
  });

  test('a failed test leaves the object, an unknown field of a patch is an error of the server', async () => {
    await install('Mutating', { spec: mutations(patched("[JSONPatch{op: 'test', path: '/data/k', value: 'v'}, JSONPatch{op: 'add', path: '/data/more', value: 'x'}]")) });
    expect((await create({ data: { k: 'other' } })).json()['data']).toEqual({ k: 'other' });
    expect((await create({ data: { k: 'v' } })).json()['data']).toEqual({ k: 'v', more: 'x' });
    await install('Mutating', { name: 'q', spec: mutations(patched("[JSONPatch{op: 'add', path: '/spec', value: 'x'}]")) });
    expect((await create({ data: { k: 'v' } })).json()).toMatchObject({ code: 500, message: 'Internal error occurred: strict decoding error: unknown field "spec"' });
  });

  test('policies that may fail are passed over', async () => {
    await install('Mutating', { spec: { failurePolicy: 'Ignore', ...mutations(applied('Object{spec: Object.spec{x: 1}}')) } });
    expect((await create()).code).toBe(201);
  });

  test('those that asked for it run again when later ones changed the object', async () => {
    const trace = (letter: string): object => mutations(patched(`[JSONPatch{op: 'replace', path: '/data/trace', value: object.data.trace + '${letter}'}]`));
    await install('Mutating', { name: 'a', spec: { ...trace('a'), reinvocationPolicy: 'IfNeeded' } });
    await install('Mutating', { name: 'b', spec: trace('b') });
    expect((await create({ data: { trace: '-' } })).json()['data']).toEqual({ trace: '-aba' });
  });

  test('who asked for it runs again after itself', async () => {
    const count = { patchType: 'ApplyConfiguration', applyConfiguration: { expression: "Object{data: {'n': object.?data.n.orValue('') + 'x'}}" } };
    await install('Mutating', { spec: { reinvocationPolicy: 'IfNeeded', mutations: [count, count] } });
    expect((await send('POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'twice' } })).json()).toMatchObject({ data: { n: 'xxxx' } });
  });
  test.each([
    ['type(1)', "type conversion not supported for 'type'"],
    ["[quantity('1')]", "type conversion error from 'Quantity' to '*structpb.Value'"],
  ])('a patch cannot hold %s', async (value, why) => {
    await install('Mutating', { spec: { mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: `[JSONPatch{op: 'add', path: '/data', value: ${value}}]` } }] } });
    expect((await send('POST', MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'odd' } })).json()).toMatchObject({
      code: 403, message: expect.stringContaining(`JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${why}`),
    });
  });
  test('custom resources are merged by their schema', async () => {
    const item = { type: 'object', properties: { name: { type: 'string' }, n: { type: 'integer' } }, required: ['name'] };
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { items: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: item } } } } } };
    await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'bags.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'bags', kind: 'Bag' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
    });
    while ((await send('GET', '/apis/example.com/v1/bags')).code !== 200) await new Promise((resolve) => setImmediate(resolve));
    await install('Mutating', { spec: { ...mutations(applied("Object{spec: Object.spec{items: [Object.spec.items{name: 'a', n: 2}, Object.spec.items{name: 'b'}]}}")), matchConstraints: { resourceRules: [{ ...CONFIGMAPS, apiGroups: ['example.com'], resources: ['bags'] }] } } });
    const bag: ApiObject = (await send('POST', '/apis/example.com/v1/namespaces/default/bags', { apiVersion: 'example.com/v1', kind: 'Bag', metadata: { name: 'b' }, spec: { items: [{ name: 'a', n: 1 }] } })).json();
    expect(bag['spec']).toEqual({ items: [{ name: 'a', n: 2 }, { name: 'b' }] });
  });
});
