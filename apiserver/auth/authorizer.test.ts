import { clusterrolebindings, clusterroles, persistentvolumeclaims, persistentvolumes, pods, resourceslices, rolebindings, roles, volumeattachments } from '../../api/resources.ts';
import type { Attributes, UserInfo } from './auth.ts';
import { createAuthorizer } from './authorizer.ts';
import { bootstrapObjects, ensureBootstrap } from './bootstrap.ts';
import { denied } from './denial.ts';
import { FakeReader } from './fake-reader.ts';

const RBAC = 'rbac.authorization.k8s.io';

/** `list pods in d`, `get apps/deployments/scale web in d`, `get nodes`, `post /metrics`. */
function ask(user: string, question: string, more: { groups?: string[]; fieldSelector?: string } = {}): Attributes {
  const [verb = '', what = '', ...rest] = question.split(' ');
  const at = rest.indexOf('in');
  const name = at === 0 ? '' : (rest[0] ?? '');
  const path = what.startsWith('/') ? what : '';
  const parts = path ? [] : what.split('/');
  const group = parts.length > 1 && /\./.test(parts[0] ?? '') || ['apps', 'batch'].includes(parts[0] ?? '') ? (parts.shift() ?? '') : '';
  const who: UserInfo = { name: user, groups: [...(more.groups ?? []), 'system:authenticated'] };
  return { user: who, verb, group, version: 'v1', resource: parts[0] ?? '', subresource: parts[1] ?? '', namespace: at < 0 ? '' : (rest[at + 1] ?? ''), name: name === 'in' ? '' : name, path, ...(more.fieldSelector && { fieldSelector: more.fieldSelector }) };
}

function cluster(): FakeReader {
  const role = (name: string, namespace: string, ...rules: object[]): object => ({ metadata: { name, ...(namespace && { namespace }) }, rules });
  const bind = (name: string, namespace: string, to: string, ...subjects: object[]): object => ({
    metadata: { name, ...(namespace && { namespace }) },
    roleRef: { apiGroup: RBAC, kind: to.split('/')[0], name: to.split('/')[1] },
    subjects,
  });
  return new FakeReader()
    .set(roles, role('stars', 'd', { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get'] }, { apiGroups: ['batch'], resources: ['*'], verbs: ['*'] }, { apiGroups: [''], resources: ['pods'], verbs: ['*'] }) as never)
    .set(roles, role('one', 'd', { apiGroups: [''], resources: ['configmaps'], resourceNames: ['one'], verbs: ['get', 'list', 'create'] }) as never)
    .set(clusterroles, role('mixed', '', { apiGroups: [''], resources: ['secrets', 'nodes'], verbs: ['get'] }, { nonResourceURLs: ['/metrics', '/logs/*'], verbs: ['get'] }) as never)
    .set(rolebindings, bind('stars', 'd', 'Role/stars', { kind: 'User', name: 'alice' }) as never)
    .set(rolebindings, bind('one', 'd', 'Role/one', { kind: 'ServiceAccount', name: 'robot' }, { kind: 'ServiceAccount', name: 'far', namespace: 'e' }) as never)
    .set(rolebindings, bind('mixed', 'd', 'ClusterRole/mixed', { kind: 'Group', name: 'devs' }) as never)
    .set(rolebindings, bind('dangling', 'x', 'Role/gone', { kind: 'User', name: 'alice' }) as never)
    .set(clusterrolebindings, bind('mixed', '', 'ClusterRole/mixed', { kind: 'User', name: 'carol' }) as never);
}

describe('RBAC', () => {
  const rows: [user: string, question: string, allowed: boolean, groups?: string][] = [
    ['alice', 'get apps/deployments/scale web in d', true],
    ['alice', 'update apps/deployments/scale web in d', false],
    ['alice', 'get apps/deployments web in d', false],
    ['alice', 'get batch/jobs/status j in d', true],
    ['alice', 'delete pods p in d', true],
    ['alice', 'get pods/log p in d', false],
    ['alice', 'get pods p in e', false],
    ['alice', 'list pods', false],
    ['system:serviceaccount:d:robot', 'get configmaps one in d', true],
    ['system:serviceaccount:d:robot', 'get configmaps two in d', false],
    ['system:serviceaccount:d:robot', 'list configmaps one in d', true],
    ['system:serviceaccount:d:robot', 'list configmaps in d', false],
    ['system:serviceaccount:d:robot', 'create configmaps in d', false],
    ['system:serviceaccount:e:far', 'get configmaps one in d', true],
    ['system:serviceaccount:e:robot', 'get configmaps one in d', false],
    ['bob', 'get secrets s in d', true, 'devs'],
    ['bob', 'get nodes n', false, 'devs'],
    ['bob', 'get /metrics', false, 'devs'],
    ['carol', 'get nodes n', true],
    ['carol', 'get secrets s in anywhere', true],
    ['carol', 'get /metrics', true],
    ['carol', 'get /metrics/slis', false],
    ['carol', 'get /logs/a/b', true],
    ['carol', 'get /logs', false],
    ['carol', 'post /metrics', false],
    ['bob', 'delete nodes n', true, 'system:masters'],
  ];
  const authorizer = createAuthorizer(cluster());
  test.each(rows.map(([user, question, allowed, group = 'none']) => [user, question, allowed, group] as const))('%s: %s: %s', (user, question, allowed, group) => {
    expect(authorizer.authorizeNow(ask(user, question, { groups: [group] })).decision === 'allow').toBe(allowed);
  });

  test('names what allowed, and what could not be resolved', () => {
    expect(authorizer.authorizeNow(ask('bob', 'get secrets s in d', { groups: ['devs'] })).reason).toBe('RBAC: allowed by RoleBinding "mixed/d" of ClusterRole "mixed" to Group "devs"');
    expect(authorizer.authorizeNow(ask('carol', 'get nodes n')).reason).toBe('RBAC: allowed by ClusterRoleBinding "mixed" of ClusterRole "mixed" to User "carol"');
    expect(authorizer.authorizeNow(ask('alice', 'get pods p in x'))).toEqual({ decision: 'no-opinion', reason: 'RBAC: role.rbac.authorization.k8s.io "gone" not found' });
  });

  test('follows bindings as they change and go', () => {
    const store = cluster();
    const live = createAuthorizer(store);
    const may = (user: string): boolean => live.authorizeNow(ask(user, 'delete pods p in d')).decision === 'allow';
    expect([may('alice'), may('dora')]).toEqual([true, false]);
    store.set(rolebindings, { metadata: { name: 'stars', namespace: 'd' }, roleRef: { apiGroup: RBAC, kind: 'Role', name: 'stars' }, subjects: [{ kind: 'User', name: 'dora' }] });
    expect([may('alice'), may('dora')]).toEqual([false, true]);
    store.delete(rolebindings, 'd', 'stars');
    expect([may('alice'), may('dora')]).toEqual([false, false]);
  });

  test('rulesFor() lists the rules of the cluster before those of the namespace', () => {
    const rules = createAuthorizer(cluster()).rulesFor({ name: 'carol', groups: ['devs'] }, 'd');
    expect(rules.resource.map(({ resources }) => resources)).toEqual([['secrets', 'nodes'], ['secrets', 'nodes']]);
    expect(rules.nonResource[0]).toEqual({ verbs: ['get'], nonResourceURLs: ['/metrics', '/logs/*'] });
  });
});

describe('the default roles', () => {
  const rows: [string, string[], string, boolean][] = [
    ['system:anonymous', ['system:unauthenticated'], 'get /livez', true],
    ['system:anonymous', ['system:unauthenticated'], 'get /version/', true],
    ['system:anonymous', ['system:unauthenticated'], 'get /api', false],
    ['alice', [], 'get /apis/apps', true],
    ['alice', [], 'get /openapi/v3/apis/apps/v1', true],
    ['alice', [], 'get /metrics', false],
    ['alice', [], 'create authorization.k8s.io/selfsubjectaccessreviews', true],
    ['system:kube-scheduler', [], 'create pods/binding p in d', true],
    ['system:kube-scheduler', [], 'create pods p in d', false],
    ['system:kube-controller-manager', [], 'create pods p in d', true],
    ['system:kube-controller-manager', [], 'update namespaces/finalize x', true],
    ['system:kube-controller-manager', [], 'create rbac.authorization.k8s.io/clusterrolebindings', false],
    ['system:kube-proxy', [], 'watch discovery.k8s.io/endpointslices', true],
    ['system:kube-proxy', [], 'list pods', true],
    ['system:kube-proxy', [], 'list secrets', false],
    ['kube-apiserver-kubelet-client', [], 'create nodes/proxy n', true],
    ['kube-apiserver-kubelet-client', [], 'list pods', false],
    ['system:serviceaccount:d:x', ['system:serviceaccounts', 'system:serviceaccounts:d'], 'get /.well-known/openid-configuration', true],
  ];
  const store = new FakeReader();
  const ready = ensureBootstrap(store, store, bootstrapObjects());
  test.each(rows)('%s %j: %s: %s', async (user, groups, question, allowed) => {
    await ready;
    const attributes = ask(user, question);
    const answer = createAuthorizer(store).authorizeNow({ ...attributes, user: { name: user, groups: user === 'system:anonymous' ? groups : [...groups, 'system:authenticated'] } });
    expect(answer.decision === 'allow').toBe(allowed);
  });
});

describe('the Node authorizer', () => {
  const store = new FakeReader()
    .set(pods, {
      metadata: { name: 'p', namespace: 'd' },
      spec: {
        nodeName: 'n1', serviceAccountName: 'robot', imagePullSecrets: [{ name: 'pull' }],
        containers: [{ name: 'c', image: 'i', env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'env', key: 'k' } } }], envFrom: [{ secretRef: { name: 'from' } }] }],
        volumes: [
          { name: 'a', secret: { secretName: 'vol' } },
          { name: 'b', persistentVolumeClaim: { claimName: 'claim' } },
          { name: 'e', ephemeral: {} },
          { name: 'j', projected: { sources: [{ configMap: { name: 'kube-root-ca.crt' } }] } },
        ],
      },
    } as never)
    .set(pods, { metadata: { name: 'mirror', namespace: 'd', annotations: { 'kubernetes.io/config.mirror': 'x' } }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'stolen' } }] }] } } as never)
    .set(pods, { metadata: { name: 'unbound', namespace: 'd' }, spec: { containers: [{ name: 'c', image: 'i', envFrom: [{ secretRef: { name: 'later' } }] }] } } as never)
    .set(persistentvolumeclaims, { metadata: { name: 'claim', namespace: 'd' }, spec: { volumeName: 'pv' } } as never)
    .set(persistentvolumes, { metadata: { name: 'pv' }, spec: { claimRef: { namespace: 'd', name: 'claim' }, csi: { driver: 'x', volumeHandle: 'h', nodeStageSecretRef: { name: 'stage', namespace: 'storage' } } } } as never)
    .set(volumeattachments, { metadata: { name: 'va' }, spec: { nodeName: 'n1', attacher: 'x', source: {} } } as never)
    .set(resourceslices, { metadata: { name: 'rs' }, spec: { nodeName: 'n1' } } as never);
  const authorizer = createAuthorizer(store);
  const unrelated = "no relationship found between node 'n1' and this object";
  const rows: [string, string][] = [
    ['get secrets from in d', ''],
    ['get secrets vol in d', ''],
    ['watch secrets pull in d', ''],
    ['get secrets stage in storage', ''],
    ['get secrets stolen in d', unrelated],
    ['get secrets later in d', unrelated],
    ['get secrets from in e', unrelated],
    ['list secrets in d', 'No Object name found'],
    ['update secrets from in d', 'can only read resources of this type'],
    ['get configmaps env in d', ''],
    ['get configmaps kube-root-ca.crt in d', ''],
    ['get configmaps other in d', unrelated],
    ['get persistentvolumeclaims claim in d', ''],
    ['get persistentvolumeclaims p-e in d', ''],
    ['list persistentvolumeclaims in d', 'can only get individual resources of this type'],
    ['patch persistentvolumeclaims/status claim in d', ''],
    ['get persistentvolumes pv', ''],
    ['get storage.k8s.io/volumeattachments va', ''],
    ['get resource.k8s.io/resourceslices rs', ''],
    ['create serviceaccounts/token robot in d', ''],
    ['create serviceaccounts/token default in d', unrelated],
    ['get coordination.k8s.io/leases n1 in kube-node-lease', ''],
    ['get coordination.k8s.io/leases n2 in kube-node-lease', 'can only access node lease with the same name as the requesting node'],
    ['get coordination.k8s.io/leases n1 in d', 'can only access leases in the "kube-node-lease" system namespace'],
    ['create nodes', ''],
    ['patch nodes/status n1', ''],
    ['get nodes n1', ''],
    ['get nodes n2', "node 'n1' cannot read 'n2', only its own Node object"],
    ['list nodes', "node 'n1' cannot read all nodes, only its own Node object"],
    ['list pods', 'can only list/watch pods with spec.nodeName field selector'],
    ['get pods p in d', ''],
    ['get pods unbound in d', unrelated],
    ['patch pods/status p in d', ''],
    ['watch services', ''],
    ['create events in d', ''],
  ];
  test.each(rows)('n1: %s: %j', (question, refusal) => {
    const answer = authorizer.authorizeNow(ask('system:node:n1', question, { groups: ['system:nodes'] }));
    expect(answer).toEqual(refusal ? { decision: 'no-opinion', reason: refusal } : { decision: 'allow', reason: '' });
  });

  test('lets a node list pods only where the field selector names it', () => {
    const list = (fieldSelector: string): string => authorizer.authorizeNow(ask('system:node:n1', 'list pods', { groups: ['system:nodes'], fieldSelector })).decision;
    expect(['spec.nodeName=n1', 'metadata.name!=x,spec.nodeName==n1', 'spec.nodeName=n2', 'spec.nodeName!=n1'].map(list)).toEqual(['allow', 'allow', 'no-opinion', 'no-opinion']);
  });

  test('needs both the name and the group, and forgets a pod that is gone', () => {
    expect(authorizer.authorizeNow(ask('system:node:n1', 'get secrets from in d')).decision).toBe('no-opinion');
    store.delete(pods, 'd', 'p');
    expect(authorizer.authorizeNow(ask('system:node:n1', 'get secrets from in d', { groups: ['system:nodes'] })).decision).toBe('no-opinion');
  });
});

test('denied() words the 403 for resources, subresources and paths', () => {
  const rows: [Attributes, string, Record<string, unknown>][] = [
    [ask('x', 'list pods in d'), 'pods is forbidden: User "x" cannot list resource "pods" in API group "" in the namespace "d"', { kind: 'pods' }],
    [ask('x', 'get apps/deployments/scale w in d'), 'deployments.apps "w" is forbidden: User "x" cannot get resource "deployments/scale" in API group "apps" in the namespace "d"', { kind: 'deployments', group: 'apps', name: 'w' }],
    [ask('x', 'list nodes'), 'nodes is forbidden: User "x" cannot list resource "nodes" in API group "" at the cluster scope', { kind: 'nodes' }],
    [ask('<x>', 'get /a'), 'forbidden: User "&lt;x&gt;" cannot get path "/a"', {}],
  ];
  for (const [attributes, message, details] of rows) expect(denied(attributes, '').status).toMatchObject({ code: 403, reason: 'Forbidden', message, details });
});
