import { clusterrolebindings, clusterroles } from '../../api/resources.ts';
import type { PolicyRule } from '../../api/types/rbac.v1.ts';
import type { Attributes, UserInfo } from './auth.ts';
import { createAuthorizer } from './authorizer.ts';
import { FakeReader } from './fake-reader.ts';
import type { Impersonation } from './impersonate.ts';
import { createImpersonation } from './impersonate.ts';

const CALLER: UserInfo = { name: 'caller', groups: ['system:authenticated'] };

function withRules(...rules: PolicyRule[]): Impersonation {
  const store = new FakeReader()
    .set(clusterroles, { metadata: { name: 'r' }, rules })
    .set(clusterrolebindings, { metadata: { name: 'b' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'User', name: 'caller' }] });
  return createImpersonation(createAuthorizer(store));
}

function get(path: string, user: UserInfo = CALLER): Attributes {
  return { user, verb: 'get', group: '', version: '', resource: '', subresource: '', namespace: '', name: '', path };
}

const ALL: PolicyRule = { apiGroups: ['', 'authentication.k8s.io'], resources: ['users', 'groups', 'uids', 'userextras/scopes', 'userextras/a/b', 'userextras/ö\uFFFD', 'userextras/%20%zz', 'serviceaccounts'], verbs: ['impersonate'] };

describe('who one becomes', () => {
  const rows: [string, string[], unknown][] = [
    ['nobody asked', ['Accept', 'x'], CALLER],
    ['a user', ['Impersonate-User', 'alice'], { name: 'alice', groups: ['system:authenticated'] }],
    ['with groups', ['Impersonate-User', 'alice', 'Impersonate-Group', 'devs', 'impersonate-group', 'ops'], { name: 'alice', groups: ['devs', 'ops', 'system:authenticated'] }],
    ['a group once', ['Impersonate-User', 'alice', 'Impersonate-Group', 'system:authenticated', 'Impersonate-Group', 'devs'], { name: 'alice', groups: ['system:authenticated', 'devs'] }],
    ['unauthenticated', ['Impersonate-User', 'alice', 'Impersonate-Group', 'system:unauthenticated'], { name: 'alice', groups: ['system:unauthenticated'] }],
    ['anonymous', ['Impersonate-User', 'system:anonymous'], { name: 'system:anonymous', groups: ['system:unauthenticated'] }],
    ['an account', ['Impersonate-User', 'system:serviceaccount:d:robot'], { name: 'system:serviceaccount:d:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:d', 'system:authenticated'] }],
    ['an account with groups', ['Impersonate-User', 'system:serviceaccount:d:robot', 'Impersonate-Group', 'devs'], { name: 'system:serviceaccount:d:robot', groups: ['devs', 'system:authenticated'] }],
    ['of names that come twice the first', ['Impersonate-User', 'alice', 'Impersonate-User', 'bob', 'Impersonate-Uid', '', 'Impersonate-Uid', 'u'], { name: 'alice', groups: ['system:authenticated'] }],
    ['nobody where the first name is empty', ['Impersonate-User', '', 'Impersonate-User', 'bob'], CALLER],
    ['no account whose name no account can have', ['Impersonate-User', 'system:serviceaccount:d:a..b'], { name: 'system:serviceaccount:d:a..b', groups: ['system:authenticated'] }],
    ['a key of bytes', ['Impersonate-User', 'a', 'Impersonate-Extra-%C3%B6%ff', 'x', 'Impersonate-Extra-%20%zz', 'y'], { name: 'a', groups: ['system:authenticated'], extra: { 'ö\uFFFD': ['x'], '%20%zz': ['y'] } }],
    ['beyond ASCII, as bytes', ['Impersonate-User', 'RenÃ©'], { name: 'René', groups: ['system:authenticated'] }],
    ['uid and extra', ['Impersonate-User', 'a', 'Impersonate-Uid', 'u', 'Impersonate-Extra-Scopes', 'v', 'Impersonate-Extra-Scopes', 'w', 'Impersonate-Extra-A%2Fb', 'x'], { name: 'a', uid: 'u', groups: ['system:authenticated'], extra: { scopes: ['v', 'w'], 'a/b': ['x'] } }],
  ];
  test.each(rows)('%s', async (_, headers, expected) => {
    expect(await withRules(ALL).impersonate(get('/api'), headers)).toEqual(expected);
  });
});

test('groups, uid and extra need a user', () => {
  for (const header of ['Impersonate-Group', 'Impersonate-Uid', 'Impersonate-Extra-X']) {
    expect(() => withRules(ALL).impersonate(get('/api'), [header, 'x'])).toThrow(expect.objectContaining({ code: 400, reason: 'BadRequest' }));
  }
  expect(() => withRules(ALL).impersonate(get('/api'), ['Impersonate-Group', 'a', 'Impersonate-Extra-X', 'b'])).toThrow('requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a"}, Extra:map[string][]string{"x":[]string{"b"}}} without impersonating a user name');
});

test('a caller without any grant hears of the constrained mode, one who has used the old grant hears of that', async () => {
  const none = withRules();
  await expect(none.impersonate(get('/api'), ['Impersonate-User', 'alice'])).rejects.toThrow('forbidden: User "caller" cannot impersonate-on:user-info:get path "/api"');
  await expect(none.impersonate(get('/api'), ['Impersonate-User', 'system:serviceaccount:d:x'])).rejects.toThrow('cannot impersonate-on:serviceaccount:get path "/api"');
  const old = withRules({ apiGroups: [''], resources: ['users'], resourceNames: ['alice'], verbs: ['impersonate'] });
  await old.impersonate(get('/api'), ['Impersonate-User', 'alice']);
  const rows: [string[], string][] = [
    [['Impersonate-User', 'b"\t\x01'], 'users "b\\"\\t\\x01" is forbidden: User "caller" cannot impersonate resource "users"'],
    [['Impersonate-User', 'bob'], 'users "bob" is forbidden: User "caller" cannot impersonate resource "users" in API group "" at the cluster scope'],
    [['Impersonate-User', 'alice', 'Impersonate-Group', 'ops'], 'groups "ops" is forbidden: User "caller" cannot impersonate resource "groups" in API group "" at the cluster scope'],
    [['Impersonate-User', 'alice', 'Impersonate-Uid', 'u1'], 'uids.authentication.k8s.io "u1" is forbidden: User "caller" cannot impersonate resource "uids" in API group "authentication.k8s.io" at the cluster scope'],
    [['Impersonate-User', 'alice', 'Impersonate-Extra-Scopes', 'view'], 'userextras.authentication.k8s.io "view" is forbidden: User "caller" cannot impersonate resource "userextras/scopes" in API group "authentication.k8s.io" at the cluster scope'],
  ];
  for (const [headers, message] of rows) await expect(old.impersonate(get('/api'), headers)).rejects.toThrow(message);
});

test('a constrained grant holds for its verb only, and never for system:masters', async () => {
  const some = withRules(
    { apiGroups: ['authentication.k8s.io'], resources: ['users', 'groups'], verbs: ['impersonate:user-info'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['impersonate-on:user-info:list'] },
  );
  const pods = (verb: string): Attributes => ({ ...get(''), verb, resource: 'pods', namespace: 'd' });
  expect(await some.impersonate(pods('list'), ['Impersonate-User', 'alice'])).toEqual({ name: 'alice', groups: ['system:authenticated'] });
  await expect(some.impersonate(pods('delete'), ['Impersonate-User', 'alice'])).rejects.toThrow('cannot impersonate-on:user-info:delete resource "pods"');
  await expect(some.impersonate(pods('list'), ['Impersonate-User', 'alice', 'Impersonate-Group', 'system:masters'])).rejects.toThrow('impersonating the system:masters group is not allowed');
  await expect(some.impersonate(pods('list'), ['Impersonate-User', 'alice', 'Impersonate-Extra-X', 'y'])).rejects.toThrow('impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")');
});

test('an agent may act as the node it runs on, and as no other', async () => {
  const agent: UserInfo = { name: 'system:serviceaccount:d:agent', groups: [], extra: { 'authentication.kubernetes.io/node-name': ['n1'] } };
  const store = new FakeReader()
    .set(clusterroles, { metadata: { name: 'r' }, rules: [{ apiGroups: ['authentication.k8s.io'], resources: ['nodes'], verbs: ['impersonate:associated-node'] }, { apiGroups: [''], resources: ['pods'], verbs: ['impersonate-on:associated-node:list'] }] })
    .set(clusterrolebindings, { metadata: { name: 'b' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 'agent', namespace: 'd' }] });
  const impersonation = createImpersonation(createAuthorizer(store));
  const list: Attributes = { ...get('', agent), verb: 'list', resource: 'pods' };
  expect(await impersonation.impersonate(list, ['Impersonate-User', 'system:node:n1'])).toEqual({ name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] });
  await expect(impersonation.impersonate(list, ['Impersonate-User', 'system:node:n2'])).rejects.toMatchObject({ code: 403 });
});
