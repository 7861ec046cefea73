/** Authorizers by configuration: what files may say, and webhooks over a socket. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VirtualClock, systemClock } from '../../../std/clock.ts';
import { openTestServer } from '../../test-server.ts';
import type { Attributes, Decision } from '../auth.ts';
import { createAuthorizer } from '../authorizer.ts';
import { FakeReader } from '../fake-reader.ts';
import { durationMs, modesOf, parseAuthorizationConfig } from './config.ts';
import { compileMatchConditions, matches } from './match-conditions.ts';

interface Review {
  readonly apiVersion: string;
  readonly spec: { user?: string; resourceAttributes?: Record<string, unknown>; nonResourceAttributes?: object };
}

let hook: Server;
let url = '';
const asked: Review[] = [];
let answer: (review: Review) => { code?: number; status?: object } = () => ({ status: { allowed: true } });

beforeAll(async () => {
  hook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Review;
      asked.push(review);
      const { code = 200, status } = answer(review);
      response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify({ ...review, status }));
    });
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/authorize`;
});
beforeEach(() => {
  asked.length = 0;
  answer = () => ({ status: { allowed: true } });
});
afterAll(() => new Promise((resolve) => hook.close(resolve)));

const ATTRIBUTES: Attributes = { user: { name: 'jane', groups: ['dev'] }, verb: 'list', group: '', version: 'v1', resource: 'pods', subresource: '', namespace: 'a', name: '', path: '/x' };

function config(...authorizers: object[]): string {
  return JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers });
}

const webhook = (more: object = {}): object => ({
  type: 'Webhook', name: 'hook',
  webhook: { timeout: '3s', subjectAccessReviewVersion: 'v1', failurePolicy: 'NoOpinion', connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/k' }, ...more },
});

const parse = (text: string): ReturnType<typeof parseAuthorizationConfig> => parseAuthorizationConfig(text, async () => ({ server: url }));

async function authorizerOf(clock: VirtualClock | typeof systemClock, ...entries: object[]): Promise<ReturnType<typeof createAuthorizer>> {
  return createAuthorizer(new FakeReader(), { clock, modes: await parse(config(...entries)) });
}

test('a webhook is asked in its place, with what the request is about, and its answers are kept for their time', async () => {
  const clock = new VirtualClock();
  const authorizer = await authorizerOf(clock, webhook({ authorizedTTL: '10s', unauthorizedTTL: '1s' }), { type: 'AlwaysDeny', name: 'no' });
  const ask = async (more: Partial<Attributes> = {}): Promise<Decision> => authorizer.authorize({ ...ATTRIBUTES, ...more });
  expect(await ask({ fieldSelector: 'spec.nodeName=n,x!=y', labelSelector: 'a in (b,c),!d' })).toMatchObject({ decision: 'allow' });
  expect(asked).toMatchObject([{ apiVersion: 'authorization.k8s.io/v1', spec: { user: 'jane', groups: ['dev'], resourceAttributes: {
    namespace: 'a', verb: 'list', version: 'v1', resource: 'pods',
    fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n'] }, { key: 'x', operator: 'NotIn', values: ['y'] }] },
    labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b', 'c'] }, { key: 'd', operator: 'DoesNotExist' }] },
  } } }]);
  await ask();
  answer = () => ({ status: { allowed: false, reason: 'not now' } });
  expect(await ask()).toMatchObject({ decision: 'allow' });
  clock.step(10_001);
  expect(await ask()).toEqual({ decision: 'no-opinion', reason: 'not now\nEverything is forbidden.' });
  expect(authorizer.authorizeNow(ATTRIBUTES)).toMatchObject({ decision: 'no-opinion' });
  clock.step(1_001);
  expect(() => authorizer.authorizeNow(ATTRIBUTES)).toThrow('cannot be asked inside an expression');
  answer = () => ({ status: { allowed: false, denied: true, reason: 'never' } });
  expect(await ask({ resource: '', verb: 'get' })).toEqual({ decision: 'deny', reason: 'never' });
  expect(asked.at(-1)?.spec.nonResourceAttributes).toEqual({ path: '/x', verb: 'get' });
  expect(await ask({ user: { name: 'root', groups: ['system:masters'] } })).toMatchObject({ decision: 'allow' });
  expect(authorizer.rulesFor(ATTRIBUTES.user, 'a')).toMatchObject({ incomplete: 'webhook authorizer does not support user rule resolution' });
  authorizer.close();
});

test.each([
  ['NoOpinion', 'allow'],
  ['Deny', 'deny'],
])('a webhook that fails under the policy %s: %s', async (failurePolicy, decision) => {
  answer = () => ({ code: 400 });
  const authorizer = await authorizerOf(systemClock, webhook({ failurePolicy }), { type: 'AlwaysAllow', name: 'yes' });
  expect(await authorizer.authorize(ATTRIBUTES)).toMatchObject({ decision });
  authorizer.close();
});

test('where nobody else has an opinion, a failure is told as one', async () => {
  answer = () => ({ code: 400 });
  const server = await openTestServer({ authorization: await parse(config({ type: 'RBAC', name: 'rbac' }, webhook())) });
  try {
    const path = '/api/v1/namespaces/default/pods';
    expect((await server.http('GET', path, { headers: { 'Impersonate-User': 'jane' } })).json()).toMatchObject({ code: 500, message: expect.stringContaining('Internal Server Error: "/api/v1/namespaces/default/pods": webhook answered with status 400') });
    const review = { spec: { user: 'jane', resourceAttributes: { verb: 'list', resource: 'pods' } } };
    const access = await server.doors.direct.call({ verb: 'create', group: 'authorization.k8s.io', version: 'v1', resource: 'subjectaccessreviews', body: review });
    expect(access).toMatchObject({ status: { allowed: false, evaluationError: expect.stringContaining('status 400') } });
  } finally {
    await server.close();
  }
});

test.each<[string, Partial<Attributes>, boolean | string]>([
  ['request.user == "jane"', {}, true],
  ['has(request.resourceAttributes) && request.resourceAttributes.namespace == "b"', {}, false],
  ['has(request.resourceAttributes)', { resource: '' }, false],
  ['!("system:nodes" in request.groups)', {}, true],
  ['request.resourceAttributes.verb == "get"', { resource: '' }, 'no such key: resourceAttributes'],
  ['has(request.resourceAttributes.labelSelector) && request.resourceAttributes.labelSelector.requirements[0].key == "a"', { labelSelector: 'a=b' }, true],
  ['request.resourceAttributes.name == "" && request.uid == ""', {}, true],
])('the condition %s over %j: %s', async (expression, more, wanted) => {
  const problems: string[] = [];
  const conditions = compileMatchConditions([expression], 'x', problems);
  expect(problems).toEqual([]);
  const { accessRequest } = await import('./access-request.ts');
  const look = (): boolean => matches(conditions, accessRequest({ ...ATTRIBUTES, ...more }));
  if (typeof wanted === 'string') expect(look).toThrow();
  else expect(look()).toBe(wanted);
});

test.each<[object[], string]>([
  [[], 'authorizers: Required value: at least one authorization mode must be defined'],
  [[{ type: 'Foo', name: 'a' }], 'authorizers[0].type: Unsupported value: "Foo": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"'],
  [[{ type: 'ABAC', name: 'a' }], 'authorizers[0].type: Invalid value: "ABAC": authorizer type ABAC is not allowed if it was not enabled at initial server startup'],
  [[{ type: 'RBAC', name: 'a' }, { type: 'RBAC', name: 'b' }], 'authorizers[1].type: Duplicate value: "RBAC"'],
  [[{ type: 'RBAC', name: 'a' }, { type: 'Node', name: 'a' }], 'authorizers[1].name: Duplicate value: "a"'],
  [[{ type: 'RBAC', name: 'A' }], 'authorizer name is invalid'],
  [[{ type: 'RBAC', name: 'a', webhook: {} }], 'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook'],
  [[webhook({ timeout: '31s' })], 'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s'],
  [[webhook({ timeout: undefined })], 'authorizers[0].timeout: Required value'],
  [[webhook({ subjectAccessReviewVersion: 'v2' })], 'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"'],
  [[webhook({ failurePolicy: 'Maybe' })], 'authorizers[0].failurePolicy: Unsupported value: "Maybe": supported values: "NoOpinion", "Deny"'],
  [[webhook({ matchConditions: [{ expression: 'true' }] })], 'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified'],
  [[webhook({ matchConditionSubjectAccessReviewVersion: 'v1', matchConditions: [{ expression: '1' }] })], 'authorizers[0].matchConditions[0].expression: Invalid value: "1": must evaluate to bool'],
  [[webhook({ matchConditionSubjectAccessReviewVersion: 'v1', matchConditions: [{ expression: 'request.foo' }] })], 'compilation failed: ERROR'],
  [[webhook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'k' } })], 'must be an absolute path'],
])('%j is refused', async (entries, why) => {
  await expect(parse(config(...entries))).rejects.toThrow(why);
});

test('plain flags give the modes in their order', () => {
  expect(modesOf({ modes: ['RBAC', 'Node'] })).toMatchObject([{ type: 'RBAC' }, { type: 'Node' }]);
  expect(() => modesOf({ modes: ['Webhook'] })).toThrow("Webhook's authorization config file not passed");
  expect(['1m30s', '1.5h', '-2s', '5', ''].map(durationMs)).toEqual([90_000, 5_400_000, -2000, undefined, undefined]);
});
