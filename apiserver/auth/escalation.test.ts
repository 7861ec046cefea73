import type { ApiObject } from '../../api/kind.ts';
import { clusterroles, rolebindings, roles } from '../../api/resources.ts';
import type { PolicyRule } from '../../api/types/rbac.v1.ts';
import { createAuthorizer } from './authorizer.ts';
import type { EscalationRequest } from './escalation.ts';
import { checkEscalation } from './escalation.ts';
import { FakeReader } from './fake-reader.ts';

const RBAC = 'rbac.authorization.k8s.io';
const ALICE = { name: 'alice', groups: ['system:authenticated'] };

function check(owned: PolicyRule[], request: Partial<EscalationRequest> & Pick<EscalationRequest, 'resource' | 'object'>): Promise<void> {
  const store = new FakeReader()
    .set(roles, { metadata: { name: 'owned', namespace: 'd' }, rules: owned })
    .set(rolebindings, { metadata: { name: 'owned', namespace: 'd' }, roleRef: { apiGroup: RBAC, kind: 'Role', name: 'owned' }, subjects: [{ kind: 'User', name: 'alice' }] })
    .set(clusterroles, { metadata: { name: 'view' }, rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list', 'get'] }] });
  const authorizer = createAuthorizer(store);
  return checkEscalation({ user: ALICE, namespace: 'd', name: '', old: undefined, ...request }, authorizer);
}

function role(rules: PolicyRule[], more: object = {}): ApiObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name: 'new' }, rules, ...more };
}

const READER: PolicyRule = { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] };
const HEAD = 'roles.rbac.authorization.k8s.io "new" is forbidden: user "alice" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n';

describe('roles', () => {
  const rows: [string, PolicyRule[], PolicyRule[], string][] = [
    ['what one has', [READER], [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }], ''],
    ['by name out of all', [READER], [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['a'], verbs: ['get'] }], ''],
    ['all out of a name', [{ ...READER, resourceNames: ['a'] }], [READER], '{APIGroups:[""], Resources:["configmaps"], Verbs:["get" "list"]}'],
    ['a subresource out of */scale', [{ apiGroups: ['*'], resources: ['*/scale'], verbs: ['get'] }], [{ apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get'] }], ''],
    ['a star', [READER], [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }], '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}'],
    ['several', [READER], [{ apiGroups: ['', 'apps'], resources: ['configmaps', 'deployments'], verbs: ['get', 'delete'] }],
      '{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}\n{APIGroups:[""], Resources:["deployments"], Verbs:["get" "delete"]}\n' +
      '{APIGroups:["apps"], Resources:["configmaps"], Verbs:["get" "delete"]}\n{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "delete"]}'],
    ['with the verb escalate', [{ apiGroups: [RBAC], resources: ['roles'], verbs: ['escalate'] }], [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }], ''],
  ];
  test.each(rows)('%s', async (_, owned, wanted, missing) => {
    const checked = check(owned, { resource: 'roles', object: role(wanted) });
    if (missing === '') await checked;
    else await expect(checked).rejects.toMatchObject({ code: 403, message: HEAD + missing });
  });
});

test('an aggregationRule needs every right, also to be taken away', async () => {
  const aggregated = role([], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } });
  const why = 'clusterroles.rbac.authorization.k8s.io "new" is forbidden: must have cluster-admin privileges to use the aggregationRule';
  await expect(check([READER], { resource: 'clusterroles', namespace: '', object: aggregated })).rejects.toThrow(why);
  await expect(check([READER], { resource: 'clusterroles', namespace: '', object: role([]), old: aggregated })).rejects.toThrow(why);
});

test('an update that only serves the garbage collector is not checked, one of rules is', async () => {
  const old = role([{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]);
  await check([], { resource: 'roles', name: 'new', old, object: { ...old, metadata: { name: 'new', finalizers: ['a/b'], ownerReferences: [] } } });
  await expect(check([], { resource: 'roles', name: 'new', old, object: { ...old, metadata: { name: 'new', labels: { a: 'b' } } } })).rejects.toMatchObject({ code: 403 });
});

describe('bindings', () => {
  const binding = (kind: string, name: string): ApiObject => ({ apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata: { name: 'bound' }, roleRef: { apiGroup: RBAC, kind, name }, subjects: [] });
  const rows: [string, PolicyRule[], ApiObject, string][] = [
    ['of a role that one has whole', [READER], binding('Role', 'owned'), ''],
    ['with the verb bind on it', [{ apiGroups: [RBAC], resources: ['clusterroles'], resourceNames: ['view'], verbs: ['bind'] }], binding('ClusterRole', 'view'), ''],
    ['of more than one has', [READER], binding('ClusterRole', 'view'), 'rolebindings.rbac.authorization.k8s.io "bound" is forbidden: user "alice" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["list" "get"]}'],
    ['of a role that is not there', [READER], binding('Role', 'gone'), 'rolebindings.rbac.authorization.k8s.io "gone" not found'],
  ];
  test.each(rows)('%s', async (_, owned, object, refusal) => {
    const checked = check(owned, { resource: 'rolebindings', object });
    if (refusal === '') await checked;
    else await expect(checked).rejects.toThrow(refusal);
  });

  test('system:masters may do all of it', async () => {
    await check([], { resource: 'rolebindings', object: binding('Role', 'gone'), user: { name: 'root', groups: ['system:masters'] } });
  });
});
