import { apiservices, configmaps, namespaces, pods, secrets, serviceaccounts } from '../api/resources.ts';
import type { ApiCall } from '../api/request.ts';
import { ApiError } from '../api/status.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation.ts';
import { NOW, item, reconciled, shown } from './fake-view.ts';
import { SharedInformers } from './informers.ts';
import { namespaceController } from './namespace.ts';
import { deletionConditions } from './namespace-conditions.ts';
import { rootCaController } from './root-ca.ts';
import { serviceAccountController } from './serviceaccount.ts';
import * as refs from '../api/resources.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function open(before?: (call: ApiCall) => void) {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now(), ...(before && { before }) });
  const client = openClient(door, { userAgent: 'test' });
  const random = seededRandom(1);
  const informers = new SharedInformers(client, { clock, random });
  const stop = new AbortController();
  void namespaceController.run({ client, clock, random, log, informer: informers.of.bind(informers), event: () => undefined }, stop.signal);
  // The fake server knows no spec.finalizers; this one holds the namespace until it is finalized.
  const ns = await client.create(namespaces, { metadata: { name: 'a', finalizers: ['hold'] }, spec: { finalizers: ['kubernetes'] } });
  const end = (): void => {
    stop.abort();
    informers.stop();
  };
  return { clock, door, client, ns, end };
}

test('everything goes, pods first, and then the namespace is finalized', async () => {
  const { clock, door, client, ns, end } = await open();
  const pod = await client.create(pods, { metadata: { name: 'p', namespace: 'a', finalizers: ['x/held'] }, spec: { containers: [] } });
  await client.create(configmaps, { metadata: { name: 'c', namespace: 'a' } });
  await client.create(configmaps, { metadata: { name: 'other', namespace: 'b' } });
  await client.delete(namespaces, ns.metadata);
  await clock.advance(5000);
  expect(door.objects('configmaps')).toHaveLength(2);
  // While a pod is there the conditions say nothing of the rest.
  expect((await client.get(namespaces, { name: 'a' })).status?.conditions).toContainEqual(expect.objectContaining({ type: 'NamespaceContentRemaining', status: 'False' }));
  await client.patch(pods, pod.metadata, { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
  await clock.advance(10_000);
  expect(door.objects('configmaps').map(({ metadata }) => metadata.name)).toEqual(['other']);
  expect((await client.get(namespaces, { name: 'a' })).spec?.finalizers).toEqual([]);
  end();
});

test('a group whose server does not answer keeps the namespace, and says so; what an answering one has goes too', async () => {
  const boats = { group: 'example.com', version: 'v1', resource: 'boats', kind: 'Boat', namespaced: true } as const;
  const { clock, door, client, ns, end } = await open();
  const answers = door.call.bind(door);
  door.call = async (call) => (call.group === 'example.com' && call.resource === '' ? { resources: [{ name: 'boats', namespaced: true, kind: 'Boat', verbs: ['list', 'delete', 'deletecollection'] }, { name: 'boats/scale', kind: 'Scale', namespaced: true, verbs: ['get', 'delete'] }] } : answers(call));
  await client.create(boats, { metadata: { name: 'b', namespace: 'a' } } as never);
  const service = await client.create(apiservices, { metadata: { name: 'v1.example.com' }, spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1, service: { namespace: 'x', name: 'y' } } } as never);
  await client.delete(namespaces, ns.metadata);
  await clock.advance(5000);
  const condition = async () => (await client.get(namespaces, { name: 'a' })).status?.conditions?.find(({ type }) => type === 'NamespaceDeletionDiscoveryFailure');
  expect(await condition()).toMatchObject({ status: 'True', reason: 'DiscoveryFailed', message: 'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: example.com/v1: stale GroupVersion discovery: example.com/v1' });
  expect((await client.get(namespaces, { name: 'a' })).spec?.finalizers).toEqual(['kubernetes']);
  await client.update(apiservices, { ...service, status: { conditions: [{ type: 'Available', status: 'True' }] } } as never, { subresource: 'status' });
  await clock.advance(10_000);
  expect(await condition()).toMatchObject({ status: 'False', reason: 'ResourcesDiscovered' });
  expect(door.objects('boats')).toEqual([]);
  expect((await client.get(namespaces, { name: 'a' })).spec?.finalizers).toEqual([]);
  end();
});

test('what cannot be deleted is said, and tried again', async () => {
  let refuse = true;
  const { clock, client, ns, end } = await open((call) => {
    if (refuse && call.verb === 'deletecollection') throw new ApiError({ code: 500, reason: 'InternalError', message: 'broken' });
  });
  await client.create(secrets, { metadata: { name: 's', namespace: 'a' } });
  await client.delete(namespaces, ns.metadata);
  await clock.advance(3000);
  expect((await client.get(namespaces, { name: 'a' })).status?.conditions).toContainEqual(expect.objectContaining({ type: 'NamespaceDeletionContentFailure', status: 'True', reason: 'ContentDeletionFailed', message: 'Failed to delete all resource types, 1 remaining: broken' }));
  refuse = false;
  await clock.advance(20_000);
  expect((await client.get(namespaces, { name: 'a' })).spec?.finalizers).toEqual([]);
  end();
});

test('deletionConditions() keeps the time of a condition whose status stays', () => {
  const remains = { counts: new Map([['pods.', 2]]), finalizers: new Map([['b', 1], ['a', 2]]), errors: [], undiscovered: [] };
  const first = deletionConditions([], remains, NOW);
  expect(first?.map(({ type, status }) => `${type} ${status}`)).toEqual(['NamespaceDeletionDiscoveryFailure False', 'NamespaceDeletionGroupVersionParsingFailure False', 'NamespaceDeletionContentFailure False', 'NamespaceContentRemaining True', 'NamespaceFinalizersRemaining True']);
  expect(first?.[4]?.message).toBe('Some content in the namespace has finalizers remaining: a in 2 resource instances, b in 1 resource instances');
  expect(deletionConditions(first ?? [], remains, NOW + 5000)).toBeUndefined();
  const next = deletionConditions(first ?? [], { ...remains, counts: new Map([['pods.', 1]]) }, NOW + 5000);
  expect(next?.[3]?.lastTransitionTime).toBe(first?.[3]?.lastTransitionTime);
});

describe('what every namespace has', () => {
  const active = item(namespaces, { metadata: { name: 'a' }, spec: {}, status: { phase: 'Active' } });
  const leaving = item(namespaces, { metadata: { name: 'a' }, spec: {}, status: { phase: 'Terminating' } });
  const rootCa = rootCaController({ caPem: 'PEM' });

  test('a default ServiceAccount', () => {
    expect(shown(reconciled(serviceAccountController, 'a', [active]).actions)).toEqual(['create serviceaccounts a/default']);
    expect(reconciled(serviceAccountController, 'a', [active, item(serviceaccounts, { metadata: { name: 'default' } })]).actions).toEqual([]);
    expect(reconciled(serviceAccountController, 'a', [leaving]).actions).toEqual([]);
  });

  test('the root certificate, put right when changed', () => {
    const [made] = reconciled(rootCa, 'a', [active]).actions;
    expect(made).toMatchObject({ do: 'create', object: { metadata: { name: 'kube-root-ca.crt', namespace: 'a' }, data: { 'ca.crt': 'PEM' } } });
    const known = item(configmaps, (made as { object: object }).object as never);
    expect(reconciled(rootCa, 'a', [active, known]).actions).toEqual([]);
    const changed = item(configmaps, { metadata: { name: 'kube-root-ca.crt' }, data: { 'ca.crt': 'other', more: 'x' } });
    expect(reconciled(rootCa, 'a', [active, changed]).actions).toMatchObject([{ do: 'update', object: { data: { 'ca.crt': 'PEM' } } }]);
    expect(reconciled(rootCa, 'a', [leaving, changed]).actions).toEqual([]);
  });
});

const rule = (resource: string) => ({ apiGroups: [''], resources: [resource], verbs: ['get'] });

test('an aggregated ClusterRole has each rule of the roles that it selects once, in the order of their names', () => {
  const part = (name: string, into: string, ...resources: string[]) => item(refs.clusterroles, { metadata: { name, labels: { into } }, rules: resources.map(rule) });
  const sum = (rules: ReturnType<typeof rule>[]) => item(refs.clusterroles, { metadata: { name: 'sum' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { into: 'sum' } }] }, rules });
  const parts = [part('b', 'sum', 'secrets'), part('a', 'sum', 'pods', 'secrets'), part('c', 'other', 'nodes')];
  const { actions } = reconciled(clusterRoleAggregationController, 'sum', [sum([]), ...parts]);
  expect(actions).toMatchObject([{ do: 'apply', force: true, fieldManager: 'clusterrole-aggregation-controller', object: { metadata: { name: 'sum' }, rules: [rule('pods'), rule('secrets')] } }]);
  expect(reconciled(clusterRoleAggregationController, 'sum', [sum([rule('pods'), rule('secrets')]), ...parts]).actions).toEqual([]);
  // Others' rules stay while none are to be applied.
  expect(reconciled(clusterRoleAggregationController, 'sum', [sum([rule('pods')])]).actions).toMatchObject([{ do: 'apply', object: expect.not.objectContaining({ rules: expect.anything() }) }]);
});
