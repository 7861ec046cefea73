import { configmaps, customresourcedefinitions, deployments, pods, replicasets, secrets, clusterroles } from '../api/resources.ts';
import type { ResourceRef } from '../api/resources.ts';
import type { OwnerReference } from '../api/types/meta.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { apiVersionOf } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { garbageCollector } from './garbage-collector.ts';
import { SharedInformers } from './informers.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function open() {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'test' });
  const random = seededRandom(1);
  const informers = new SharedInformers(client, { clock, random });
  const stop = new AbortController();
  const events: string[] = [];
  const start = async (): Promise<void> => {
    void garbageCollector.run({ client, clock, random, log, informer: informers.of.bind(informers), event: ({ reason }) => void events.push(reason) }, stop.signal);
    await clock.advance(1000);
  };
  const end = (): void => {
    stop.abort();
    informers.stop();
  };
  const left = (): string[] => ['configmaps', 'secrets', 'deployments.apps', 'replicasets.apps', 'pods', 'boats.example.com'].flatMap((resource) => door.objects(resource)).map(({ metadata }) => metadata.name).sort();
  return { clock, door, client, events, start, end, left };
}

function owned<T>(resource: ResourceRef<T>, owner: Stored<unknown>, more: Partial<OwnerReference> = {}): OwnerReference {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name: owner.metadata.name, uid: owner.metadata.uid, ...more };
}
function map(client: Client, name: string, ownerReferences: OwnerReference[] = [], namespace = 'a') {
  return client.create(configmaps, { metadata: { name, namespace, ownerReferences } });
}

test('dependents go with their last owner; one that has another loses only the dead reference', async () => {
  const { clock, client, start, end, left } = await open();
  const [a, z] = [await map(client, 'a'), await map(client, 'z')];
  const b = await map(client, 'b', [owned(configmaps, a)]);
  await map(client, 'shared', [owned(configmaps, a), owned(configmaps, z)]);
  await client.create(secrets, { metadata: { name: 'c', namespace: 'a', ownerReferences: [owned(configmaps, b)] } });
  await start();
  expect(left()).toEqual(['a', 'b', 'c', 'shared', 'z']);
  await client.delete(configmaps, a.metadata);
  await clock.advance(1000);
  expect(left()).toEqual(['shared', 'z']);
  expect((await client.get(configmaps, { namespace: 'a', name: 'shared' })).metadata).toMatchObject({ ownerReferences: [{ name: 'z' }] });
  end();
});

test('a reference that has the uid right but not the kind or the name leads nowhere', async () => {
  const { clock, client, start, end, left } = await open();
  const owner = await map(client, 'o');
  await start();
  await map(client, 'right', [owned(configmaps, owner)]);
  await map(client, 'other-name', [owned(configmaps, owner, { name: 'x' })]);
  await map(client, 'other-kind', [owned(configmaps, owner, { kind: 'Secret' })]);
  await map(client, 'both', [owned(configmaps, owner), owned(configmaps, owner, { name: 'y', uid: 'none' })]);
  await map(client, 'unknown-kind', [owned(configmaps, owner, { kind: 'Boat', apiVersion: 'x/v1' })]);
  await map(client, 'unknown-version', [owned(configmaps, owner, { apiVersion: 'v2' })]);
  await clock.advance(1000);
  expect(left()).toEqual(['both', 'o', 'right', 'unknown-kind', 'unknown-version']);
  await client.delete(configmaps, owner.metadata);
  await clock.advance(1000);
  expect(left()).toEqual(['unknown-kind', 'unknown-version']);
  end();
});

test('a cluster-scoped object with an owner in a namespace stays, and an event says what is wrong', async () => {
  const { clock, client, events, start, end } = await open();
  const owner = await map(client, 'o');
  await start();
  await client.create(clusterroles, { metadata: { name: 'role', ownerReferences: [owned(configmaps, owner)] }, rules: [] });
  await clock.advance(1000);
  expect(events).toEqual(['OwnerRefInvalidNamespace']);
  await client.delete(configmaps, owner.metadata);
  await clock.advance(1000);
  expect(await client.get(clusterroles, { name: 'role' })).toBeDefined();
  end();
});

test('an owner is looked for before anything is deleted for its absence', async () => {
  const { clock, client, events, start, end, left } = await open();
  const near = await map(client, 'near', [], 'b');
  const role = await client.create(clusterroles, { metadata: { name: 'role' }, rules: [] });
  await map(client, 'lost', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'never' }]);
  await map(client, 'impostor', [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'near', uid: 'former' }], 'b');
  await map(client, 'across', [owned(configmaps, near)]);
  await map(client, 'below', [owned(clusterroles, role)]);
  await map(client, 'unknown', [{ apiVersion: 'x.example.com/v1', kind: 'X', name: 'x', uid: 'x' }]);
  await start();
  expect(left()).toEqual(['below', 'near', 'unknown']);
  expect(events).toEqual(['OwnerRefInvalidNamespace']);
  await client.delete(clusterroles, { name: 'role' });
  await clock.advance(1000);
  expect(left()).toEqual(['near', 'unknown']);
  end();
});

test('in the foreground an owner goes after those that block it, through all generations', async () => {
  const { clock, client, start, end, left } = await open();
  const template = { metadata: {}, spec: { containers: [] } };
  const d = await client.create(deployments, { metadata: { name: 'd', namespace: 'a' }, spec: { selector: {}, template } });
  const rs = await client.create(replicasets, { metadata: { name: 'r', namespace: 'a', ownerReferences: [owned(deployments, d, { blockOwnerDeletion: true, controller: true })] }, spec: { selector: {} } });
  const pod = (name: string) => client.create(pods, { metadata: { name, namespace: 'a', finalizers: ['x/held'], ownerReferences: [owned(replicasets, rs, { blockOwnerDeletion: true, controller: true })] }, spec: { containers: [] } });
  const held = await pod('p');
  await start();
  await client.delete(deployments, d.metadata, { propagationPolicy: 'Foreground' });
  await clock.advance(1000);
  expect(left()).toEqual(['d', 'p', 'r']);
  expect((await client.get(replicasets, rs.metadata)).metadata).toMatchObject({ finalizers: ['foregroundDeletion'] });
  expect((await client.get(pods, held.metadata)).metadata).toHaveProperty('deletionTimestamp');
  await client.patch(pods, held.metadata, { type: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
  await clock.advance(1000);
  expect(left()).toEqual([]);
  end();
});

test('orphaned dependents stay, without their reference', async () => {
  const { clock, client, start, end, left } = await open();
  const a = await map(client, 'a');
  await map(client, 'b', [owned(configmaps, a)]);
  await start();
  await client.delete(configmaps, a.metadata, { propagationPolicy: 'Orphan' });
  await clock.advance(1000);
  expect(left()).toEqual(['b']);
  expect((await client.get(configmaps, { namespace: 'a', name: 'b' })).metadata).toMatchObject({ ownerReferences: [] });
  end();
});

test('custom resources own and are owned as soon as their definition is established', async () => {
  const { clock, client, start, end, left } = await open();
  await start();
  const boats = { group: 'example.com', version: 'v1', resource: 'boats', kind: 'Boat', namespaced: true };
  const crd = await client.create(customresourcedefinitions, { metadata: { name: 'boats.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [{ name: 'v1', served: true, storage: true }] } });
  await client.update(customresourcedefinitions, { ...crd, status: { conditions: [{ type: 'Established', status: 'True' }] } } as never, { subresource: 'status' });
  await clock.advance(1000);
  const big = await client.create(boats, { metadata: { name: 'big', namespace: 'a' } });
  await client.create(boats, { metadata: { name: 'small', namespace: 'a', ownerReferences: [owned(boats, big)] } });
  await map(client, 'sail', [owned(boats, big)]);
  await clock.advance(1000);
  expect(left()).toEqual(['big', 'sail', 'small']);
  await client.delete(boats, big.metadata);
  await clock.advance(1000);
  expect(left()).toEqual([]);
  const last = await client.create(boats, { metadata: { name: 'last', namespace: 'a' } });
  await map(client, 'oar', [owned(boats, last)]);
  await clock.advance(1000);
  // With its definition an object is gone, though nobody can be asked for it any more.
  await client.delete(customresourcedefinitions, { name: 'boats.example.com' });
  await clock.advance(1000);
  expect(left()).not.toContain('oar');
  end();
});

test('who starts anew knows custom resources before he lets an owner go that waits for them', async () => {
  const { client, start, end, left } = await open();
  const boats = { group: 'example.com', version: 'v1', resource: 'boats', kind: 'Boat', namespaced: true };
  const crd = await client.create(customresourcedefinitions, { metadata: { name: 'boats.example.com' }, spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [{ name: 'v1', served: true, storage: true }] } });
  await client.update(customresourcedefinitions, { ...crd, status: { conditions: [{ type: 'Established', status: 'True' }] } } as never, { subresource: 'status' });
  const owner = await client.create(configmaps, { metadata: { name: 'owner', namespace: 'a', finalizers: ['foregroundDeletion'] } });
  await client.create(boats, { metadata: { name: 'boat', namespace: 'a', finalizers: ['x/held'], ownerReferences: [owned(configmaps, owner, { blockOwnerDeletion: true })] } });
  await client.delete(configmaps, owner.metadata);
  await start();
  expect(left()).toEqual(['boat', 'owner']);
  end();
});
