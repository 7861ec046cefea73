import { generateKeyPairSync } from 'node:crypto';
import type { ApiObject } from '../../api/kind.ts';
import { clusterroles, nodes, pods, rolebindings, roles, secrets, serviceaccounts } from '../../api/resources.ts';
import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import type { UserInfo } from '../auth/auth.ts';
import { createAuthenticator } from '../auth/authenticator.ts';
import { createAuthorizer } from '../auth/authorizer.ts';
import { FakeReader } from '../auth/fake-reader.ts';
import { DEFAULT_ISSUER, openServiceAccountTokens } from '../auth/service-account-tokens.ts';
import { reviews } from './review.ts';
import { requestToken } from './token-request.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const clock = new VirtualClock();
const RBAC = 'rbac.authorization.k8s.io';
const store = new FakeReader()
  .set(clusterroles, { metadata: { name: 'edit' }, rules: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }] })
  .set(roles, { metadata: { name: 'r', namespace: 'd' }, rules: [{ apiGroups: ['batch'], resources: ['jobs'], resourceNames: ['nightly'], verbs: ['get'] }] })
  .set(rolebindings, { metadata: { name: 'e', namespace: 'd' }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'edit' }, subjects: [{ kind: 'Group', name: 'devs' }] })
  .set(rolebindings, { metadata: { name: 'r', namespace: 'd' }, roleRef: { apiGroup: RBAC, kind: 'Role', name: 'r' }, subjects: [{ kind: 'User', name: 'alice' }] })
  .set(serviceaccounts, { metadata: { name: 'robot', namespace: 'd', uid: 'sa' } })
  .set(secrets, { metadata: { name: 's', namespace: 'd', uid: 'secret' } })
  .set(nodes, { metadata: { name: 'n1', uid: 'node' } } as never)
  .set(pods, { metadata: { name: 'p', namespace: 'd', uid: 'pod' }, spec: { serviceAccountName: 'robot', nodeName: 'n1', containers: [] } } as never);
const tokens = openServiceAccountTokens({ privatePem: privateKey, publicPem: publicKey, reader: store, clock, random: seededRandom(1) });
const dependencies = { authorizer: createAuthorizer(store), authenticator: createAuthenticator({ reader: store, clock, tokens }) };
const ALICE: UserInfo = { name: 'alice', groups: ['system:authenticated'] };

async function ask(resource: string, spec: unknown, more: { user?: UserInfo; namespace?: string; metadata?: object } = {}): Promise<unknown> {
  const object = { apiVersion: 'x/v1', kind: 'X', metadata: more.metadata ?? {}, spec } as ApiObject;
  try {
    return (await reviews[resource]?.({ user: more.user ?? ALICE, namespace: more.namespace ?? '', object }, dependencies))?.['status'];
  } catch (error) {
    return (error as Error).message;
  }
}

const create = { namespace: 'd', verb: 'create', resource: 'configmaps' };
const ALLOWED = { allowed: true, reason: 'RBAC: allowed by RoleBinding "e/d" of ClusterRole "edit" to Group "devs"' };
const LABEL_NAME = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

describe('reviews', () => {
  const rows: [string, string, unknown, object, unknown][] = [
    ['of a user by his group', 'subjectaccessreviews', { user: 'alice', groups: ['devs'], resourceAttributes: create }, {}, ALLOWED],
    ['of a group alone', 'subjectaccessreviews', { groups: ['devs'], resourceAttributes: create }, {}, ALLOWED],
    ['of a user alone', 'subjectaccessreviews', { user: 'alice', resourceAttributes: create }, {}, { allowed: false }],
    ['of system:masters', 'subjectaccessreviews', { user: 'x', groups: ['system:masters'], resourceAttributes: { verb: 'delete', resource: 'nodes' } }, {}, { allowed: true }],
    ['of a path', 'subjectaccessreviews', { user: 'alice', nonResourceAttributes: { path: '/metrics', verb: 'get' } }, {}, { allowed: false }],
    ['with labels that cannot be read', 'subjectaccessreviews', { user: 'nobody', resourceAttributes: { verb: 'list', resource: 'pods', labelSelector: { rawSelector: 'a in (b' } } }, {}, { allowed: false, evaluationError: 'spec.resourceAttributes.labelSelector ignored due to parse error' }],
    ['with nothing that can be read', 'subjectaccessreviews', { user: 'nobody', resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { rawSelector: 'a' }, labelSelector: { rawSelector: 'a in (b' } } }, {}, { allowed: false, evaluationError: 'spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error' }],
    ['of a node by its field selector', 'subjectaccessreviews', { user: 'system:node:n1', groups: ['system:nodes'], resourceAttributes: { verb: 'list', resource: 'pods', fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] } } }, {}, { allowed: true }],
    ['of oneself', 'selfsubjectaccessreviews', { resourceAttributes: create }, { user: { name: 'bob', groups: ['devs'] } }, ALLOWED],
    ['in one namespace', 'localsubjectaccessreviews', { groups: ['devs'], resourceAttributes: create }, { namespace: 'd', metadata: { namespace: 'd' } }, ALLOWED],
    ['of neither', 'selfsubjectaccessreviews', {}, {}, '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified'],
    ['of both', 'selfsubjectaccessreviews', { resourceAttributes: create, nonResourceAttributes: { path: '/api', verb: 'get' } }, {}, '.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/api","Verb":"get"}: cannot be specified in combination with resourceAttributes'],
    ['of nobody', 'subjectaccessreviews', { resourceAttributes: create }, {}, '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified'],
    ['in another namespace', 'localsubjectaccessreviews', { user: 'a', resourceAttributes: { ...create, namespace: 'elsewhere' } }, { namespace: 'd' }, '.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "elsewhere": must match metadata.namespace'],
    ['of a path in a namespace', 'localsubjectaccessreviews', { user: 'a', nonResourceAttributes: { path: '/api', verb: 'get' } }, { namespace: 'd' }, '.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/api","Verb":"get"}: disallowed on this kind of request'],
    ['with a name', 'selfsubjectaccessreviews', { resourceAttributes: create }, { metadata: { name: 'x' } }, '.authorization.k8s.io "" is invalid: metadata: Invalid value: {"name":"x"}: must be empty'],
    ['with two selectors', 'selfsubjectaccessreviews', { resourceAttributes: { ...create, fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } } }, {}, '.authorization.k8s.io "" is invalid: spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements'],
    ['with an empty selector', 'selfsubjectaccessreviews', { resourceAttributes: { ...create, labelSelector: {} } }, {}, '.authorization.k8s.io "" is invalid: spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required'],
    ['with a bad key', 'selfsubjectaccessreviews', { resourceAttributes: { ...create, labelSelector: { requirements: [{ key: '', operator: 'In' }] } } }, {},
      `.authorization.k8s.io "" is invalid: [spec.resourceAttributes.labelSelector.requirements[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn', spec.resourceAttributes.labelSelector.requirements[0].key: Invalid value: "": name part must be non-empty, spec.resourceAttributes.labelSelector.requirements[0].key: Invalid value: "": ${LABEL_NAME}]`],
    ['who am I', 'selfsubjectreviews', undefined, { user: { name: 'a', uid: 'u', groups: ['g'], extra: { k: ['v'] } } }, { userInfo: { username: 'a', uid: 'u', groups: ['g'], extra: { k: ['v'] } } }],
    ['my rules', 'selfsubjectrulesreviews', { namespace: 'd' }, {}, { resourceRules: [{ verbs: ['get'], apiGroups: ['batch'], resources: ['jobs'], resourceNames: ['nightly'] }], nonResourceRules: [], incomplete: false }],
    ['my rules nowhere', 'selfsubjectrulesreviews', {}, {}, 'no namespace on request'],
    ['a bad token', 'tokenreviews', { token: 'nonsense' }, {}, { user: {}, error: 'invalid bearer token' }],
    ['a token behind a blank, which is none', 'tokenreviews', { token: ' nonsense', audiences: ['a'] }, {}, { authenticated: true, user: { username: 'system:anonymous', groups: ['system:unauthenticated'] }, audiences: ['a'] }],
    ['a token with something behind it', 'tokenreviews', { token: 'nonsense at all' }, {}, { user: {}, error: 'invalid bearer token' }],
    ['no token', 'tokenreviews', {}, {}, 'token is required for TokenReview in authentication'],
  ];
  test.each(rows)('%s', async (_, resource, spec, more, expected) => {
    expect(await ask(resource, spec, more)).toEqual(expected);
  });

  test('a token, for the audiences that it has', async () => {
    const token = await tokens.issue({ namespace: 'd', serviceAccount: { name: 'robot', uid: 'sa' }, audiences: ['vault', 'consul'], expirationSeconds: 600 });
    expect(await ask('tokenreviews', { token, audiences: ['vault', 'other'] })).toMatchObject({ authenticated: true, audiences: ['vault'], user: { username: 'system:serviceaccount:d:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:d', 'system:authenticated'] } });
    expect(await ask('tokenreviews', { token })).toEqual({ user: {}, error: expect.stringContaining('invalid for the target audiences') });
  });

  test('show the time of asking, and no namespace where there is none', async () => {
    const object = (metadata: object): ApiObject => ({ apiVersion: 'x', kind: 'X', metadata, spec: { token: 'a' } }) as ApiObject;
    expect((await reviews['selfsubjectreviews']?.({ user: ALICE, namespace: '', object: object({}) }, dependencies))?.metadata).toEqual({ creationTimestamp: '2026-01-01T00:00:00Z' });
    expect((await reviews['tokenreviews']?.({ user: ALICE, namespace: '', object: object({ namespace: 'x' }) }, dependencies))?.metadata).toEqual({});
  });

  test('a 422 has no kind and no name', async () => {
    const object = { apiVersion: 'x', kind: 'X', metadata: {}, spec: {} } as ApiObject;
    await expect(reviews['selfsubjectaccessreviews']?.({ user: ALICE, namespace: '', object }, dependencies)).rejects.toMatchObject({ status: { code: 422, reason: 'Invalid', details: { group: 'authorization.k8s.io' } } });
  });
});

describe('requestToken()', () => {
  function request(spec: object, metadata: object = {}, name = 'robot'): Promise<ApiObject> {
    const object = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata, spec } as ApiObject;
    return requestToken({ object, namespace: 'd', name, now: clock.now() }, { reader: store, tokens });
  }
  const ref = (kind: string, name: string, more: object = {}): object => ({ boundObjectRef: { apiVersion: 'v1', kind, name, ...more } });

  const rows: [string, object, object, string, string][] = [
    ['too short', { expirationSeconds: 599 }, {}, 'robot', 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes'],
    ['too long', { expirationSeconds: 4294967297 }, {}, 'robot', 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds'],
    ['nobody', {}, {}, 'nobody', 'serviceaccounts "nobody" not found'],
    ['another name', {}, { name: 'other' }, 'robot', 'TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified'],
    ['another namespace', {}, { namespace: 'other' }, 'robot', 'the namespace of the provided object does not match the namespace sent on the request'],
    ['another uid', ref('Secret', 's', { uid: '0' }), {}, 'robot', 'Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (0) does not match the UID in record. The object might have been deleted and then recreated'],
    ['a pod that is not there', ref('Pod', 'missing'), {}, 'robot', 'pods "missing" not found'],
    ['a pod without a name', ref('Pod', ''), {}, 'robot', 'Name parameter required.'],
    ['a node that can be none', ref('Node', 'a/b'), {}, 'robot', 'Name parameter invalid: "a/b": may not contain \'/\''],
    ['another kind', ref('ConfigMap', 's'), {}, 'robot', 'cannot bind token to object of type /v1, Kind=ConfigMap'],
    ['a pod of another account', ref('Pod', 'p'), {}, 'other', 'cannot bind token for serviceaccount "other" to pod running with different serviceaccount name.'],
  ];
  test.each(rows)('refuses %s', async (_, spec, metadata, name, message) => {
    store.set(serviceaccounts, { metadata: { name: 'other', namespace: 'd' } });
    await expect(request(spec, metadata, name)).rejects.toThrow(message);
  });

  test('answers with the token, its end and what was asked', async () => {
    const answer = await request({});
    expect(answer).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: 'robot', namespace: 'd', uid: 'sa', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { audiences: [DEFAULT_ISSUER], expirationSeconds: 3600, boundObjectRef: null },
      status: { token: expect.any(String), expirationTimestamp: '2026-01-01T01:00:00Z' },
    });
  });

  const bounds: [string, object, object, number][] = [
    ['the projected token of a pod holds for a year', { ...ref('Pod', 'p', { uid: 'pod' }), expirationSeconds: 3607 }, { pod: { name: 'p', uid: 'pod' }, node: { name: 'n1', uid: 'node' }, warnafter: clock.now() / 1000 + 3607 }, 365 * 24 * 3600],
    ['but not for others', { ...ref('Pod', 'p'), expirationSeconds: 3607, audiences: ['vault'] }, { pod: { name: 'p', uid: 'pod' }, node: { name: 'n1', uid: 'node' } }, 3607],
    ['a secret', ref('Secret', 's'), { secret: { name: 's', uid: 'secret' } }, 3600],
    ['a node', ref('Node', 'n1'), { node: { name: 'n1', uid: 'node' } }, 3600],
  ];
  test.each(bounds)('binds: %s', async (_, spec, expected, seconds) => {
    const { token } = (await request(spec))['status'] as { token: string };
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iat: number; exp: number };
    expect(claims).toMatchObject({ 'kubernetes.io': { namespace: 'd', serviceaccount: { name: 'robot', uid: 'sa' }, ...expected } });
    expect(claims.exp - claims.iat).toBe(seconds);
  });
});
