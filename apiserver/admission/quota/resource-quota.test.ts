import type { ApiObject } from '../../../api/kind.ts';
import { deviceclasses, pods, resourceclaims, resourcequotas } from '../../../api/resources.ts';
import { conflict } from '../../../api/status.ts';
import type { ResourceQuotaSpec } from '../../../api/types/core.v1.ts';
import { FakeReader } from '../../auth/fake-reader.ts';
import type { AdmissionRequest } from '../admission.ts';
import { requestFor } from '../admit.ts';
import { resourceQuota } from './resource-quota.ts';

type Hard = Record<string, string>;

function quota(hard: Hard, used: Hard = {}, more: Partial<ResourceQuotaSpec> = {}, name = 'q'): ApiObject {
  const none = Object.fromEntries(Object.keys(hard).map((key) => [key, '0']));
  return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name, namespace: 'd' }, spec: { hard, ...more }, status: { hard, used: { ...none, ...used } } };
}

function pod(name: string, spec: object = {}, resources: object = {}): object {
  return { metadata: { name }, spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec } };
}

/** What the plugin says: '' or the end of its refusal. */
async function refusal(request: AdmissionRequest, ...quotas: ApiObject[]): Promise<string> {
  const store = new FakeReader().set(resourcequotas, ...quotas);
  const plugin = resourceQuota({ reader: store, writer: store });
  if (!plugin.handles(request)) return 'not asked';
  try {
    await plugin.validate?.(request);
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^.* is forbidden: /, '');
  }
}

function used(store: FakeReader, name = 'q'): unknown {
  return store.get(resourcequotas, 'd', name)?.status?.used;
}

const service = (type: string, more: object = {}): object => ({ metadata: { name: 's' }, spec: { type, ports: [{ port: 80 }], ...more } });
const claim = (storage: string, storageClassName: string): object => ({ metadata: { name: 'a' }, spec: { storageClassName, resources: { requests: { storage } } } });
const compute = { 'requests.cpu': '1', 'limits.memory': '1Gi' };
const GOLD = 'gold.storageclass.storage.k8s.io/';

describe('what a quota refuses', () => {
  const rows: [string, AdmissionRequest, ApiObject[], string][] = [
    ['the second pod', requestFor('pods', pod('b')), [quota({ pods: '1' }, { pods: '1' })], 'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'],
    ['a dry run too', requestFor('pods', pod('b'), { dryRun: true }), [quota({ pods: '1' }, { pods: '1' })], 'exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1'],
    ['what says nothing of its needs', requestFor('pods', pod('a')), [quota(compute)], 'failed quota: q: must specify limits.memory for: c; requests.cpu for: c'],
    ['containers by name', requestFor('pods', { metadata: { name: 'a' }, spec: { containers: [{ name: 'a' }, { name: 'b', resources: { limits: { memory: '1Mi' } } }] } }), [quota(compute)], 'failed quota: q: must specify limits.memory for: a; requests.cpu for: a,b'],
    ['too much', requestFor('pods', pod('a', {}, { requests: { cpu: '2' }, limits: { memory: '1Mi' } })), [quota(compute)], 'exceeded quota: q, requested: requests.cpu=2, used: requests.cpu=0, limited: requests.cpu=1'],
    ['several amounts at once', requestFor('pods', pod('a', {}, { requests: { cpu: '2' }, limits: { memory: '2Gi' } })), [quota(compute)], 'exceeded quota: q, requested: limits.memory=2Gi,requests.cpu=2, used: limits.memory=0,requests.cpu=0, limited: limits.memory=1Gi,requests.cpu=1'],
    ['not what fits', requestFor('pods', pod('a', {}, { requests: { cpu: '1' }, limits: { memory: '1Gi' } })), [quota(compute)], ''],
    ['overhead counts', requestFor('pods', pod('a', { overhead: { cpu: '1m' } }, { requests: { cpu: '1' }, limits: { memory: '1Gi' } })), [quota(compute)], 'exceeded quota: q, requested: requests.cpu=1001m, used: requests.cpu=0, limited: requests.cpu=1'],
    ['extended resources', requestFor('pods', pod('a', {}, { requests: { 'example.org/gpu': '2' }, limits: { 'example.org/gpu': '2' } })), [quota({ 'requests.example.org/gpu': '1' })], 'exceeded quota: q, requested: requests.example.org/gpu=2, used: requests.example.org/gpu=0, limited: requests.example.org/gpu=1'],
    ['a quota whose use nobody knows', requestFor('pods', pod('a')), [{ ...quota({ pods: '1' }), status: { hard: { pods: '1' } } }], 'status unknown for quota: q, resources: pods'],
    ['a quota without status limits nothing', requestFor('pods', pod('a')), [{ ...quota({ pods: '0' }), status: {} }], ''],
    ['counts of objects', requestFor('apps/deployments', { metadata: { name: 'd' } }), [quota({ 'count/deployments.apps': '0' })], 'exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0'],
    ['counts by the old name', requestFor('secrets', { metadata: { name: 's' } }), [quota({ secrets: '0' })], 'exceeded quota: q, requested: secrets=1, used: secrets=0, limited: secrets=0'],
    ['events never', requestFor('events', { metadata: { name: 'e' } }), [quota({ 'count/events': '0' })], 'not asked'],
    ['node ports', requestFor('services', service('NodePort')), [quota({ 'services.nodeports': '1' }, { 'services.nodeports': '1' })], 'exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1'],
    ['load balancers', requestFor('services', service('LoadBalancer')), [quota({ 'services.nodeports': '0', 'services.loadbalancers': '0' })], 'exceeded quota: q, requested: services.loadbalancers=1,services.nodeports=1, used: services.loadbalancers=0,services.nodeports=0, limited: services.loadbalancers=0,services.nodeports=0'],
    ['load balancers without node ports', requestFor('services', service('LoadBalancer', { allocateLoadBalancerNodePorts: false })), [quota({ 'services.nodeports': '0' })], ''],
    ['a change of type', requestFor('services', service('NodePort'), { old: service('ClusterIP') as never }), [quota({ 'services.nodeports': '0' })], 'exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0'],
    ['no other change', requestFor('services', service('NodePort'), { old: service('NodePort') as never }), [quota({ 'services.nodeports': '0' })], ''],
    ['storage per class', requestFor('persistentvolumeclaims', claim('3Gi', 'gold')), [quota({ [`${GOLD}requests.storage`]: '2Gi', 'requests.storage': '10Gi' })], `exceeded quota: q, requested: ${GOLD}requests.storage=3Gi, used: ${GOLD}requests.storage=0, limited: ${GOLD}requests.storage=2Gi`],
    ['growth only', requestFor('persistentvolumeclaims', claim('3Gi', 'x'), { old: claim('2Gi', 'x') as never }), [quota({ 'requests.storage': '4Gi' }, { 'requests.storage': '2Gi' })], ''],
    ['the one of two', requestFor('pods', pod('a')), [quota({ pods: '5' }, {}, {}, 'wide'), quota({ pods: '0' }, {}, {}, 'narrow')], 'exceeded quota: narrow, requested: pods=1, used: pods=0, limited: pods=0'],
  ];
  test.each(rows)('%s', async (_, request, quotas, expected) => {
    expect(await refusal(request, ...quotas)).toBe(expected);
  });
});

describe('scopes', () => {
  const elsewhere = (side: string, term: object): object => ({ affinity: { [side]: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', ...term }] } } });
  const priority = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist', values?: string[]): Partial<ResourceQuotaSpec> => ({ scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator, ...(values && { values }) }] } });
  const rows: [string, object, Partial<ResourceQuotaSpec>, boolean][] = [
    ['best effort', pod('a'), { scopes: ['BestEffort'] }, true],
    ['best effort with zeros', pod('a', {}, { requests: { cpu: '0' } }), { scopes: ['BestEffort'] }, true],
    ['burstable', pod('a', {}, { requests: { cpu: '1m' } }), { scopes: ['BestEffort'] }, false],
    ['burstable', pod('a', {}, { requests: { cpu: '1m' } }), { scopes: ['NotBestEffort'] }, true],
    ['a deadline', pod('a', { activeDeadlineSeconds: 5 }), { scopes: ['Terminating'] }, true],
    ['no deadline', pod('a'), { scopes: ['Terminating'] }, false],
    ['no deadline', pod('a'), { scopes: ['NotTerminating'] }, true],
    ['both must hold', pod('a'), { scopes: ['NotTerminating', 'NotBestEffort'] }, false],
    ['the class', pod('a', { priorityClassName: 'x' }), priority('In', ['x']), true],
    ['another class', pod('a', { priorityClassName: 'y' }), priority('In', ['x']), false],
    ['no class', pod('a'), priority('NotIn', ['x']), true],
    ['no class', pod('a'), priority('Exists'), false],
    ['no class', pod('a'), priority('DoesNotExist'), true],
    ['named namespaces', pod('a', elsewhere('podAffinity', { namespaces: ['other'] })), { scopes: ['CrossNamespacePodAffinity'] }, true],
    ['chosen namespaces', pod('a', elsewhere('podAntiAffinity', { namespaceSelector: {} })), { scopes: ['CrossNamespacePodAffinity'] }, true],
    ['its own namespace', pod('a', elsewhere('podAffinity', {})), { scopes: ['CrossNamespacePodAffinity'] }, false],
  ];
  test.each(rows)('%s: %j in %j: %s', async (_, object, scopes, counts) => {
    expect((await refusal(requestFor('pods', object), quota({ pods: '0' }, {}, scopes))) !== '').toBe(counts);
  });

  test('a service is in no scope', async () => {
    expect(await refusal(requestFor('services', service('ClusterIP')), quota({ services: '0' }, {}, { scopes: ['NotTerminating'] }))).toBe('');
  });
});

describe('claims of devices take extended resources', () => {
  const GPU = 'requests.example.org/gpu';
  const OF_CLASSES = 'requests.deviceclass.resource.kubernetes.io/';
  const BY_CLASS = `${OF_CLASSES}gpus`;
  const classes: object[] = [{ metadata: { name: 'gpus' }, spec: { extendedResourceName: 'example.org/gpu' } }, { metadata: { name: 'plain' }, spec: {} }];
  const claimOf = (deviceClassName: string, metadata: object = {}): object => ({ metadata: { name: 'c', namespace: 'd', ...metadata }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName, allocationMode: 'ExactCount', count: 3 } }] } } });
  const owned = { annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' }, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u', controller: true }], creationTimestamp: '2026-01-01T00:00:00Z' };
  const payer = (amount: string, more: object = {}, uid = 'u'): object => ({ metadata: { name: 'p', namespace: 'd', uid }, spec: { containers: [{ name: 'c', resources: { requests: { 'example.org/gpu': amount } } }] }, ...more });
  const rows: [string, object, object[], object[], string][] = [
    ['by the name that the class gives', claimOf('gpus'), [], [], `${BY_CLASS}=3,${GPU}=3`],
    ['by the class alone', claimOf('plain'), [], [], `${OF_CLASSES}plain=3`],
    ['of another class', claimOf('none'), [], [], ''],
    ['what its pod paid for counts once', claimOf('gpus', owned), [payer('3')], [], `${BY_CLASS}=3`],
    ['only so much', claimOf('gpus', owned), [payer('1')], [], `${BY_CLASS}=3,${GPU}=2`],
    ['not another pod of that name', claimOf('gpus', owned), [payer('3', {}, 'other')], [], `${BY_CLASS}=3,${GPU}=3`],
    ['not a pod that names another claim', claimOf('gpus', owned), [payer('3', { status: { extendedResourceClaimStatus: { resourceClaimName: 'x' } } })], [], `${BY_CLASS}=3,${GPU}=3`],
    ['not the second claim of the pod', claimOf('gpus', owned), [payer('3')], [claimOf('gpus', { ...owned, name: 'b' })], `${BY_CLASS}=3,${GPU}=3`],
    ['a later one does no harm', claimOf('gpus', owned), [payer('3')], [claimOf('gpus', { ...owned, name: 'b', creationTimestamp: '2026-01-01T00:00:01Z' })], `${BY_CLASS}=3`],
    ['a claim that is no pod\'s', claimOf('gpus', { ...owned, annotations: {} }), [payer('3')], [], `${BY_CLASS}=3,${GPU}=3`],
  ];
  test.each(rows)('%s', async (_, claimed, there, others, taken) => {
    const store = new FakeReader().set(resourcequotas, quota({ [GPU]: '9', [BY_CLASS]: '9', [`${OF_CLASSES}plain`]: '9', [`${OF_CLASSES}none`]: '9' })).set(deviceclasses, ...(classes as ApiObject[]));
    store.set(pods, ...(there as ApiObject[])).set(resourceclaims, ...(others as ApiObject[]));
    await resourceQuota({ reader: store, writer: store }).validate?.(requestFor('resource.k8s.io/resourceclaims', claimed));
    const charged = Object.entries(used(store) as Record<string, string>).filter(([, amount]) => amount !== '0').sort();
    expect(charged.map((pair) => pair.join('=')).join(',')).toBe(taken);
  });
});

describe('pods that are resized', () => {
  const sized = (cpu: string, status: object): ApiObject => ({ apiVersion: 'v1', kind: 'Pod', ...pod('a', {}, { requests: { cpu } }), status } as never);
  const has = (cpu: string, more: object = {}): object => ({ containerStatuses: [{ name: 'c', resources: { requests: { cpu } }, allocatedResources: { cpu } }], ...more });
  test.each([
    ['grow', sized('3', has('1')), sized('1', has('1')), '2'],
    ['what is still held is paid for already', sized('3', has('2')), sized('1', has('2')), '1'],
    ['what cannot be had costs nothing', sized('3', has('1', { conditions: [{ type: 'PodResizePending', reason: 'Infeasible' }] })), sized('1', has('1')), '0'],
  ])('%s', async (_, object, old, taken) => {
    const store = new FakeReader().set(resourcequotas, quota({ 'requests.cpu': '9' }));
    await resourceQuota({ reader: store, writer: store }).validate?.(requestFor('pods', object, { old: old as never, subresource: 'resize' }));
    expect(used(store)).toEqual({ 'requests.cpu': taken });
  });
});

describe('charging', () => {
  test('many requests at once never exceed the quota, and few writes carry them', async () => {
    const store = new FakeReader().set(resourcequotas, quota({ pods: '30', 'requests.cpu': '10' }));
    const plugin = resourceQuota({ reader: store, writer: store });
    const results = await Promise.allSettled(Array.from({ length: 100 }, (_, at) => plugin.validate?.(requestFor('pods', pod(`p${at}`, {}, { requests: { cpu: '500m' } })))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    expect(used(store)).toEqual({ pods: '20', 'requests.cpu': '10' });
    expect(store.writes).toBeLessThan(5);
  });

  test('two servers over one store never exceed it together', async () => {
    const store = new FakeReader().set(resourcequotas, quota({ pods: '10' }));
    const plugins = [1, 2].map(() => resourceQuota({ reader: store, writer: store }));
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, at) => plugins[at % 2]?.validate?.(requestFor('pods', pod(`p${at}`)))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    expect(used(store)).toEqual({ pods: '10' });
  });

  test('a stale cache is not believed over what this server wrote itself', async () => {
    const store = new FakeReader().set(resourcequotas, quota({ pods: '2' }));
    const stale = store.list(resourcequotas, 'd');
    const reader = { get: store.get.bind(store), list: () => stale as never, onChange: store.onChange.bind(store), getFresh: store.getFresh.bind(store), upToDate: () => Promise.resolve() };
    const plugin = resourceQuota({ reader, writer: store });
    await plugin.validate?.(requestFor('pods', pod('a')));
    await plugin.validate?.(requestFor('pods', pod('b')));
    await expect(plugin.validate?.(requestFor('pods', pod('c')))).rejects.toThrow('used: pods=2');
    expect(store.writes).toBe(2);
  });

  test('a dry run is not charged', async () => {
    const store = new FakeReader().set(resourcequotas, quota({ pods: '1' }));
    await resourceQuota({ reader: store, writer: store }).validate?.(requestFor('pods', pod('a'), { dryRun: true }));
    expect(used(store)).toEqual({ pods: '0' });
  });

  test('what a failed write had charged is given back', async () => {
    const store = new FakeReader().set(resourcequotas, quota({ pods: '1', 'requests.cpu': '1' }));
    const plugin = resourceQuota({ reader: store, writer: store });
    const request = requestFor('pods', pod('a', {}, { requests: { cpu: '100m' } }));
    await plugin.validate?.(request);
    expect(used(store)).toEqual({ pods: '1', 'requests.cpu': '100m' });
    plugin.undo?.(request);
    await new Promise((resolve) => setImmediate(resolve));
    expect(used(store)).toEqual({ pods: '0', 'requests.cpu': '0' });
    plugin.undo?.(request);
    await new Promise((resolve) => setImmediate(resolve));
    expect(used(store)).toEqual({ pods: '0', 'requests.cpu': '0' });
  });

  test('a conflict on one of two quotas is tried again, and the other is charged once', async () => {
    const store = new FakeReader().set(resourcequotas, quota({ pods: '5' }, {}, {}, 'a'), quota({ pods: '5' }, {}, {}, 'b'));
    let refuse = true;
    const writer = {
      create: store.create.bind(store),
      remove: store.remove.bind(store),
      update: (async (resource, object, subresource) => {
        if (refuse && (object as ApiObject).metadata.name === 'b') {
          refuse = false;
          throw conflict({ group: '', resource: 'resourcequotas', name: 'b' }, 'changed');
        }
        return store.update(resource, object, subresource);
      }) as FakeReader['update'],
    };
    await resourceQuota({ reader: store, writer }).validate?.(requestFor('pods', pod('p')));
    expect([used(store, 'a'), used(store, 'b')]).toEqual([{ pods: '1' }, { pods: '1' }]);
  });
});
