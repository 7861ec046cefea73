import type { ApiObject } from '../../api/kind.ts';
import {
  csidrivers, ingressclasses, limitranges, namespaces, nodes, persistentvolumeclaims, persistentvolumes, pods, priorityclasses, runtimeclasses, serviceaccounts, storageclasses,
} from '../../api/resources.ts';
import { FakeReader } from '../auth/fake-reader.ts';
import type { AdmissionRequest } from './admission.ts';
import { admit, pluginsOver, requestFor } from './admit.ts';

function cluster(): FakeReader {
  return new FakeReader()
    .set(namespaces, { metadata: { name: 'd' }, status: { phase: 'Active' } } as never)
    .set(namespaces, { metadata: { name: 'going' }, status: { phase: 'Terminating' } } as never)
    .set(serviceaccounts, { metadata: { name: 'default', namespace: 'd' } })
    .set(serviceaccounts, { metadata: { name: 'quiet', namespace: 'd' }, automountServiceAccountToken: false, imagePullSecrets: [{ name: 'pull' }] })
    .set(serviceaccounts, { metadata: { name: 'strict', namespace: 'd', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } }, secrets: [{ name: 'good' }] })
    .set(priorityclasses, { metadata: { name: 'high' }, value: 777, preemptionPolicy: 'Never' })
    .set(runtimeclasses, { metadata: { name: 'rc' }, handler: 'h', overhead: { podFixed: { cpu: '10m' } }, scheduling: { nodeSelector: { a: 'b' }, tolerations: [{ key: 'k', operator: 'Exists', effect: 'NoSchedule' }] } });
}

function pod(spec: object = {}, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } };
}

async function spec(store: FakeReader, request: AdmissionRequest): Promise<Record<string, unknown>> {
  return ((await admit(pluginsOver(store), request)) as ApiObject)['spec'] as Record<string, unknown>;
}

function refusal(store: FakeReader, request: AdmissionRequest): Promise<unknown> {
  return admit(pluginsOver(store), request).then(
    () => 'admitted',
    (error: { message: string }) => error.message,
  );
}

describe('what is refused', () => {
  const rows: [string, AdmissionRequest, string][] = [
    ['an unknown namespace', requestFor('configmaps', { metadata: { name: 'a' } }, { namespace: 'none' }), 'namespaces "none" not found'],
    ['a namespace that goes', requestFor('configmaps', { metadata: { name: 'a' } }, { namespace: 'going' }), 'configmaps "a" is forbidden: unable to create new content in namespace going because it is being terminated'],
    ['deleting kube-system', requestFor('namespaces', undefined, { operation: 'DELETE', name: 'kube-system' }), 'namespaces "kube-system" is forbidden: this namespace may not be deleted'],
    ['an unknown account', requestFor('pods', pod({ serviceAccountName: 'nobody' })), 'pods "p" is forbidden: error looking up service account d/nobody: serviceaccount "nobody" not found'],
    ['a secret that the account does not list', requestFor('pods', pod({ serviceAccountName: 'strict', volumes: [{ name: 'v', secret: { secretName: 'other' } }] })), 'pods "p" is forbidden: volume with secret.secretName="other" is not allowed because service account strict does not reference that secret'],
    ['an unknown priority class', requestFor('pods', pod({ priorityClassName: 'nosuch' })), 'pods "p" is forbidden: no PriorityClass with name nosuch was found'],
    ['a priority of one\'s own', requestFor('pods', pod({ priority: 5 })), 'pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name'],
    ['an unknown runtime class', requestFor('pods', pod({ runtimeClassName: 'nosuch' })), 'pods "p" is forbidden: pod rejected: RuntimeClass "nosuch" not found'],
    ['another overhead', requestFor('pods', pod({ runtimeClassName: 'rc', overhead: { cpu: '20m' } })), "pods \"p\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"],
    ['another node selector', requestFor('pods', pod({ runtimeClassName: 'rc', nodeSelector: { a: 'c' } })), 'pods "p" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = c'],
    ['a generated name', requestFor('pods', { metadata: { generateName: 'web-' }, spec: { containers: [], priority: 5 } }), 'pods "web-" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name'],
    ['growing an unbound claim', requestFor('persistentvolumeclaims', { metadata: { name: 'a' }, spec: { resources: { requests: { storage: '2Gi' } } } }, { old: { metadata: { name: 'a' }, spec: { resources: { requests: { storage: '1Gi' } } } } as never }), 'persistentvolumeclaims "a" is forbidden: Only bound persistent volume claims can be expanded'],
  ];
  test.each(rows)('%s', async (_, request, message) => {
    expect(await refusal(cluster(), request)).toBe(message);
  });

  test('the refusal in a namespace that goes has its cause', async () => {
    const request = requestFor('configmaps', { metadata: { name: 'a' } }, { namespace: 'going' });
    await expect(admit(pluginsOver(cluster()), request)).rejects.toMatchObject({
      status: { code: 403, details: { kind: 'configmaps', name: 'a', causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace' }] } },
    });
  });

  test('a namespace that this server has just deleted is looked up past the cache', async () => {
    const store = cluster();
    const plugins = pluginsOver(store);
    await admit(plugins, requestFor('namespaces', undefined, { operation: 'DELETE', name: 'd' }));
    store.getFresh = async (resource, namespace, name) => (name === 'd' ? ({ metadata: { name: 'd' }, status: { phase: 'Terminating' } } as never) : store.get(resource, namespace, name));
    await expect(admit(plugins, requestFor('configmaps', { metadata: { name: 'a' } }))).rejects.toMatchObject({ code: 403 });
  });
});

describe('pods', () => {
  test('get account, token volume, tolerations and priority', async () => {
    const made = await spec(cluster(), requestFor('pods', pod({ initContainers: [{ name: 'i', image: 'i' }], containers: [{ name: 'c', image: 'i' }, { name: 'own', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] }], volumes: [{ name: 'v', emptyDir: {} }] })));
    const name = (made['volumes'] as { name: string }[])[1]?.name ?? '';
    expect(name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    const mount = { name, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    expect(made).toMatchObject({
      serviceAccountName: 'default',
      serviceAccount: 'default',
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      initContainers: [{ volumeMounts: [mount] }],
      containers: [{ volumeMounts: [mount] }, { volumeMounts: [{ name: 'v', mountPath: mount.mountPath }] }],
      tolerations: ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
    });
    expect((made['volumes'] as object[])[1]).toEqual({
      name,
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
        ],
      },
    });
  });

  const quiet = { serviceAccountName: 'quiet' };
  const rows: [string, object, object, string[]][] = [
    ['the account says no', quiet, { imagePullSecrets: [{ name: 'pull' }] }, ['volumes']],
    ['the pod says yes', { ...quiet, automountServiceAccountToken: true }, { volumes: [expect.anything()] }, []],
    ['the pod says no', { automountServiceAccountToken: false }, { serviceAccountName: 'default' }, ['volumes']],
    ['it has pull secrets', { ...quiet, imagePullSecrets: [{ name: 'own' }] }, { imagePullSecrets: [{ name: 'own' }] }, []],
    ['it tolerates everything', { tolerations: [{ operator: 'Exists' }] }, { tolerations: [{ operator: 'Exists' }] }, []],
    ['it has a class', { priorityClassName: 'high' }, { priority: 777, preemptionPolicy: 'Never' }, []],
    ['it has a runtime class', { runtimeClassName: 'rc' }, { overhead: { cpu: '10m' }, nodeSelector: { a: 'b' }, tolerations: [expect.anything(), expect.anything(), { key: 'k', operator: 'Exists', effect: 'NoSchedule' }] }, []],
  ];
  test.each(rows)('%s', async (_, given, expected, absent) => {
    const made = await spec(cluster(), requestFor('pods', pod(given)));
    expect(made).toMatchObject(expected);
    expect(absent.filter((field) => made[field] !== undefined)).toEqual([]);
  });

  test('the default class of the cluster gives name and number, and there is only one', async () => {
    const store = cluster().set(priorityclasses, { metadata: { name: 'usual' }, value: 42, globalDefault: true });
    expect(await spec(store, requestFor('pods', pod()))).toMatchObject({ priority: 42, priorityClassName: 'usual' });
    expect(await refusal(store, requestFor('scheduling.k8s.io/priorityclasses', { metadata: { name: 'x' }, value: 1, globalDefault: true }))).toBe(
      'priorityclasses.scheduling.k8s.io "x" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
    );
  });
});

test('defaults of storage and ingress: the newest class that is marked, a finalizer, and nothing over what is given', async () => {
  const mark = (key: string): object => ({ annotations: { [key]: 'true' } });
  const store = cluster()
    .set(storageclasses, { metadata: { name: 'old', creationTimestamp: '2026-01-01T00:00:00Z', ...mark('storageclass.kubernetes.io/is-default-class') }, provisioner: 'x' })
    .set(storageclasses, { metadata: { name: 'new', creationTimestamp: '2026-02-01T00:00:00Z', ...mark('storageclass.kubernetes.io/is-default-class') }, provisioner: 'x' })
    .set(ingressclasses, { metadata: { name: 'ic', ...mark('ingressclass.kubernetes.io/is-default-class') } } as never);
  const claim = await admit(pluginsOver(store), requestFor('persistentvolumeclaims', { metadata: { name: 'a' }, spec: { resources: { requests: { storage: '1Gi' } } } }));
  expect(claim).toMatchObject({ metadata: { finalizers: ['kubernetes.io/pvc-protection'] }, spec: { storageClassName: 'new' } });
  expect(await spec(store, requestFor('persistentvolumeclaims', { metadata: { name: 'a' }, spec: { storageClassName: '', resources: {} } }))).toMatchObject({ storageClassName: '' });
  expect(await admit(pluginsOver(store), requestFor('persistentvolumes', { metadata: { name: 'a' }, spec: {} }))).toMatchObject({ metadata: { finalizers: ['kubernetes.io/pv-protection'] } });
  expect(await spec(store, requestFor('networking.k8s.io/ingresses', { metadata: { name: 'a' }, spec: {} }))).toEqual({ ingressClassName: 'ic' });
  expect(await spec(store, requestFor('networking.k8s.io/ingresses', { metadata: { name: 'a', annotations: { 'kubernetes.io/ingress.class': 'x' } }, spec: {} }))).toEqual({});
  expect(store.list(persistentvolumes)).toEqual([]);
});

test('a new node has the not-ready taint once', async () => {
  const taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
  expect(await spec(cluster(), requestFor('nodes', { metadata: { name: 'n' } }))).toEqual({ taints: [taint] });
  expect(await spec(cluster(), requestFor('nodes', { metadata: { name: 'n' }, spec: { taints: [taint] } }))).toEqual({ taints: [taint] });
});

test('a pod gets zone and region of its node, with its Binding or from the start', async () => {
  const store = cluster().set(nodes, { metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r', other: 'x' } } } as never);
  const labels = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' };
  const binding = requestFor('pods/binding', { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } });
  expect((await admit(pluginsOver(store), binding))?.metadata.labels).toEqual(labels);
  expect((await admit(pluginsOver(store), requestFor('pods', pod({ nodeName: 'n' }, { labels: { a: 'b', 'topology.kubernetes.io/zone': 'mine' } }))))?.metadata.labels).toEqual({ a: 'b', ...labels });
  expect((await admit(pluginsOver(store), requestFor('pods', pod({ nodeName: 'missing' }))))?.metadata.labels).toBeUndefined();
});

describe('resizing a pod', () => {
  const sized = (cpu: string, more: object = {}): object => pod({ nodeName: 'n', containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }], ...more });
  const node = (labels: object = {}): object => ({ metadata: { name: 'n', labels }, status: { allocatable: { cpu: '2', memory: '1Gi' } } });
  const rows: [string, object, object, string][] = [
    ['within the node', node(), sized('2'), 'admitted'],
    ['beyond it', node(), sized('2500m'), "pods \"p\" is forbidden: node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000"],
    ['elsewhere', node({ 'kubernetes.io/os': 'windows' }), sized('2'), 'pods "p" is forbidden: pod resize is only supported on linux nodes, node "n" is "windows"'],
    ['before it is bound', node(), sized('9', { nodeName: undefined }), 'admitted'],
  ];
  test.each(rows)('%s', async (_, on, object, expected) => {
    const store = cluster().set(nodes, on as never);
    expect(await refusal(store, requestFor('pods/resize', object, { old: sized('1') as never }))).toBe(expected);
  });
});

describe('LimitRanger', () => {
  const range = (...limits: object[]): FakeReader => cluster().set(limitranges, { metadata: { name: 'l', namespace: 'd' }, spec: { limits } } as never);
  const container = (resources: object): object => pod({ containers: [{ name: 'c', image: 'i', resources }] });

  test('fills in and says what', async () => {
    const store = range({ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '500m', memory: '64Mi' } });
    const made = await admit(pluginsOver(store), requestFor('pods', pod({ initContainers: [{ name: 'i', image: 'i', resources: { limits: { cpu: '1' }, requests: { cpu: '1' } } }] })));
    expect(made).toMatchObject({
      metadata: { annotations: { 'kubernetes.io/limit-ranger': 'LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c; memory request for init container i' } },
      spec: { containers: [{ resources: { limits: { cpu: '500m' }, requests: { cpu: '500m', memory: '64Mi' } } }], initContainers: [{ resources: { limits: { cpu: '1' }, requests: { cpu: '1', memory: '64Mi' } } }] },
    });
  });

  const both = { cpu: '900m', memory: '16Mi' };
  const rows: [string, object, object, string][] = [
    ['max', { type: 'Container', max: { cpu: '1' } }, container({ limits: { cpu: '1500m' }, requests: { cpu: '1' } }), 'maximum cpu usage per Container is 1, but limit is 1500m'],
    ['max without a limit', { type: 'Container', max: { cpu: '1' } }, container({ requests: both }), 'maximum cpu usage per Container is 1.  No limit is specified'],
    ['min', { type: 'Container', min: { memory: '32Mi' } }, container({ requests: { memory: '1Mi' } }), 'minimum memory usage per Container is 32Mi, but request is 1Mi'],
    ['min without a request', { type: 'Container', min: { memory: '32Mi' } }, container({}), 'minimum memory usage per Container is 32Mi.  No request is specified'],
    ['ratio', { type: 'Container', maxLimitRequestRatio: { cpu: '4' } }, container({ limits: { cpu: '1' }, requests: { cpu: '100m' } }), 'cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000'],
    ['ratio held', { type: 'Container', maxLimitRequestRatio: { cpu: '4' } }, container({ limits: { cpu: '1' }, requests: { cpu: '250m' } }), ''],
    ['two at once', { type: 'Container', min: { memory: '32Mi' }, max: { cpu: '500m' } }, container({ limits: both, requests: both }), '[minimum memory usage per Container is 32Mi, but request is 16Mi, maximum cpu usage per Container is 500m, but limit is 900m]'],
    ['pod, summed', { type: 'Pod', max: { cpu: '1' } }, pod({ containers: ['a', 'b'].map((name) => ({ name, image: 'i', resources: { limits: { cpu: '600m' }, requests: { cpu: '600m' } } })) }), 'maximum cpu usage per Pod is 1, but limit is 1200m'],
    ['pod, its own word', { type: 'Pod', max: { cpu: '1' } }, pod({ resources: { limits: { cpu: '1' } }, containers: ['a', 'b'].map((name) => ({ name, image: 'i', resources: { limits: { cpu: '600m' } } })) }), ''],
    ['pod, the largest init container', { type: 'Pod', min: { memory: '10Mi' } }, pod({ initContainers: [{ name: 'i', image: 'i', resources: { requests: { memory: '12Mi' } } }] }), ''],
  ];
  test.each(rows)('%s', async (_, limit, object, refused) => {
    expect(await refusal(range(limit), requestFor('pods', object))).toBe(refused ? `pods "p" is forbidden: ${refused}` : 'admitted');
  });

  test('a range that limits nothing', async () => {
    const empty = cluster().set(limitranges, { metadata: { name: 'l', namespace: 'd' }, spec: { limits: null } } as never);
    expect(await refusal(empty, requestFor('pods', container({})))).toBe('admitted');
  });

  test('claims', async () => {
    const claim = (storage: string): object => ({ metadata: { name: 'a' }, spec: { resources: { requests: { storage } } } });
    const store = range({ type: 'PersistentVolumeClaim', min: { storage: '1Gi' }, max: { storage: '2Gi' } });
    expect(await refusal(store, requestFor('persistentvolumeclaims', claim('1Mi')))).toBe('persistentvolumeclaims "a" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi');
    expect(await refusal(store, requestFor('persistentvolumeclaims', claim('3Gi')))).toBe('persistentvolumeclaims "a" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi');
    expect(await refusal(store, requestFor('persistentvolumeclaims', claim('2Gi')))).toBe('admitted');
  });
});

describe('NodeRestriction', () => {
  const user = { name: 'system:node:n1', groups: ['system:nodes'] };
  const mirror = (owner: object = {}, more: object = {}): object =>
    pod({ nodeName: 'n1', ...more }, { annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'uid-of-nodes-n1', controller: true, ...owner }] });
  const bound = { metadata: { name: 'mine', namespace: 'd', uid: 'u' }, spec: { nodeName: 'n1', serviceAccountName: 'default', containers: [], volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }, { name: 'w', persistentVolumeClaim: { claimName: 'claim' } }] } };
  const other = { metadata: { name: 'other', namespace: 'd' }, spec: { nodeName: 'n2', containers: [] } };
  const tokenFor = (ref: object | undefined, audiences: string[] = []): object => ({ metadata: {}, spec: { audiences, boundObjectRef: ref } });
  const node = (labels: object, more: object = {}): object => ({ metadata: { name: 'n1', labels }, spec: more });
  const rows: [string, AdmissionRequest, string][] = [
    ['its own node', requestFor('nodes', node({ 'kubernetes.io/hostname': 'n1', 'example.com/own': 'x' }), { user }), 'admitted'],
    ['another node', requestFor('nodes', { metadata: { name: 'n2' } }, { user }), 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"'],
    ['a kept label', requestFor('nodes', node({ 'node-restriction.kubernetes.io/team': 'x', 'kubernetes.io/other': 'y' }), { user }), 'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: kubernetes.io/other, node-restriction.kubernetes.io/team'],
    ['a label of kubelets', requestFor('nodes', node({ 'kubelet.kubernetes.io/x': 'y', 'x.node.kubernetes.io/z': '' }), { user }), 'admitted'],
    ['its taints', requestFor('nodes', node({}, { taints: [] }), { user, old: node({}, { taints: [{ key: 'a', effect: 'NoSchedule' }] }) as never }), 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints'],
    ['a plain pod', requestFor('pods', pod({ nodeName: 'n1' }), { user }), 'pods "p" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods'],
    ['a mirror pod elsewhere', requestFor('pods', pod({ nodeName: 'n2' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } }), { user }), 'pods "p" is forbidden: node "n1" can only create pods with spec.nodeName set to itself'],
    ['a mirror pod', requestFor('pods', mirror(), { user }), 'admitted'],
    ['of another Node object', requestFor('pods', mirror({ uid: 'x' }), { user }), 'pods "p" is forbidden: node n1 UID mismatch: expected x got uid-of-nodes-n1'],
    ['with a config map', requestFor('pods', mirror({}, { volumes: [{ name: 'v', configMap: { name: 'x' } }] }), { user }), 'pods "p" is forbidden: node "n1" can not create pods that reference configmaps'],
    ['status of its pod', requestFor('pods/status', bound, { user, old: bound as never }), 'admitted'],
    ['status of another', requestFor('pods/status', other, { user, old: other as never }), 'pods "other" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself'],
    ['deleting another', requestFor('pods', undefined, { user, old: other as never }), 'pods "other" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself'],
    ['evicting another', requestFor('pods/eviction', { metadata: { name: 'other' } }, { user }), 'pods "other" is forbidden: node n1 can only evict pods with spec.nodeName set to itself'],
    ['its lease', requestFor('coordination.k8s.io/leases', { metadata: { name: 'n1' } }, { user, namespace: 'kube-node-lease' }), 'admitted'],
    ['another lease', requestFor('coordination.k8s.io/leases', { metadata: { name: 'n2' } }, { user, namespace: 'kube-node-lease' }), 'leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node'],
    ['a free token', requestFor('serviceaccounts/token', tokenFor(undefined), { user, name: 'default' }), 'serviceaccounts "default" is forbidden: node requested token not bound to a pod'],
    ['a token of its pod', requestFor('serviceaccounts/token', tokenFor({ apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'u' }), { user, name: 'default' }), 'admitted'],
    ['for a driver of its volumes', requestFor('serviceaccounts/token', tokenFor({ apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'u' }, ['driver']), { user, name: 'default' }), 'admitted'],
    ['for two audiences', requestFor('serviceaccounts/token', tokenFor({ apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'u' }, ['', 'driver']), { user, name: 'default' }), 'serviceaccounts "default" is forbidden: node may only request 0 or 1 audiences'],
    ['for another audience', requestFor('serviceaccounts/token', tokenFor({ apiVersion: 'v1', kind: 'Pod', name: 'mine', uid: 'u' }, ['vault']), { user, name: 'default' }), 'serviceaccounts "default" is forbidden: audience "vault" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience'],
  ];
  test.each(rows)('%s', async (_, request, expected) => {
    const store = cluster()
      .set(persistentvolumeclaims, { metadata: { name: 'claim', namespace: 'd' }, spec: { volumeName: 'pv' } } as never)
      .set(persistentvolumes, { metadata: { name: 'pv' }, spec: { csi: { driver: 'csi.example.com', volumeHandle: 'h' } } } as never)
      .set(csidrivers, { metadata: { name: 'csi.example.com' }, spec: { tokenRequests: [{ audience: 'driver' }] } } as never)
      .set(pods, bound as never).set(pods, other as never).set(nodes, { metadata: { name: 'n1' } } as never).set(namespaces, { metadata: { name: 'kube-node-lease' } } as never);
    expect(await refusal(store, request)).toBe(expected);
  });
});

describe('certificates', () => {
  // Made for these tests: CN=alice with O=devs, and O=system:masters.
  const request = (pem: string): string => Buffer.from(pem).toString('base64');
  const made = import('../pki/metadata-shim.ts').then(async () => {
    const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
    const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const of = async (organization: string): Promise<string> => (await Pkcs10CertificateRequestGenerator.create({ name: [{ O: [organization] }, { CN: ['alice'] }], keys, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } })).toString('pem');
    return { devs: request(await of('devs')), masters: request(await of('system:masters')) };
  });
  const csr = (signerName: string, pem: string): object => ({ metadata: { name: 'c' }, spec: { signerName, request: pem, usages: ['client auth'], username: 'mallory', groups: ['x'], uid: '1' } });

  test('the requester is who asks', async () => {
    const { devs } = await made;
    const user = { name: 'asker', groups: ['a', 'system:authenticated'], extra: { k: ['v'] } };
    expect(await spec(cluster(), requestFor('certificates.k8s.io/certificatesigningrequests', csr('x.example.com/y', devs), { user }))).toMatchObject({ username: 'asker', groups: ['a', 'system:authenticated'], extra: { k: ['v'] } });
  });

  test('nobody asks for system:masters', async () => {
    const { masters, devs } = await made;
    const ask = (signer: string, pem: string): Promise<unknown> => refusal(cluster(), requestFor('certificates.k8s.io/certificatesigningrequests', csr(signer, pem)));
    expect(await ask('kubernetes.io/kube-apiserver-client', masters)).toBe('certificatesigningrequests.certificates.k8s.io "c" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed');
    expect(await ask('kubernetes.io/kube-apiserver-client', devs)).toBe('admitted');
    expect(await ask('x.example.com/y', masters)).toBe('admitted');
  });

  test('approving and signing need the signer', async () => {
    const { devs } = await made;
    const old = csr('two.example.com/a', devs) as never;
    const user = { name: 'nobody', groups: [] };
    expect(await refusal(cluster(), requestFor('certificates.k8s.io/certificatesigningrequests/approval', old, { old, user }))).toBe('certificatesigningrequests.certificates.k8s.io "c" is forbidden: user not permitted to approve requests with signerName "two.example.com/a"');
    const signed = { ...(old as object), status: { certificate: 'eA==' } };
    expect(await refusal(cluster(), requestFor('certificates.k8s.io/certificatesigningrequests/status', signed, { old, user }))).toBe('certificatesigningrequests.certificates.k8s.io "c" is forbidden: user not permitted to sign requests with signerName "two.example.com/a"');
    expect(await refusal(cluster(), requestFor('certificates.k8s.io/certificatesigningrequests/status', old, { old, user }))).toBe('admitted');
  });
});
