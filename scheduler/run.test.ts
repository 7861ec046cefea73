import { namespaces, nodes, persistentvolumeclaims, persistentvolumes, pods, replicasets, storageclasses } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import { FakeCluster } from './fake-cluster.ts';

const FULL = '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.';
const failure = (code: number, reason: string): ApiError => new ApiError({ code, reason, message: 'refused by the test' });

async function opened(...names: string[]): Promise<{ cluster: FakeCluster; stop: () => Promise<void> }> {
  const cluster = new FakeCluster();
  for (const name of names) await cluster.node(name);
  const scheduler = await cluster.start();
  return { cluster, stop: () => scheduler.stop() };
}

test('binds what fits, and says so', async () => {
  const { cluster, stop } = await opened('n1', 'n2');
  for (const name of ['a', 'b', 'c', 'd']) await cluster.pod(name, { cpu: '500m' });
  await cluster.settle();
  const placed = cluster.placements();
  expect([placed['n1']?.length, placed['n2']?.length]).toEqual([2, 2]);
  expect(cluster.events('Scheduled')).toContain(`Successfully assigned d/a to ${cluster.get('a')?.spec.nodeName}`);
  await stop();
});

test('parks what does not fit and says why once, until a node appears', async () => {
  const { cluster, stop } = await opened('n1');
  await cluster.pod('big', { cpu: '2' });
  await cluster.pod('fits');
  await cluster.settle(60_000);
  expect(cluster.placements()).toEqual({ n1: ['fits'], '': ['big'] });
  const message = '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.';
  expect(cluster.condition('big')).toMatchObject({ status: 'False', reason: 'Unschedulable', message });
  expect(cluster.events('FailedScheduling')).toEqual([message]);
  expect(cluster.calls('patch', 'status')).toHaveLength(1);
  await cluster.node('n2', '4');
  await cluster.settle(100);
  expect(cluster.placements()).toEqual({ n1: ['fits'], n2: ['big'] });
  await stop();
});

test('tries again when a pod goes and when a node is uncordoned, not when a node only reports', async () => {
  const { cluster, stop } = await opened('n1');
  await cluster.pod('first', { cpu: '800m' });
  await cluster.settle();
  await cluster.pod('second', { cpu: '800m' });
  await cluster.settle();
  expect(cluster.condition('second')?.message).toBe(FULL);
  const node = await cluster.client.get(nodes, { name: 'n1' });
  await cluster.client.update(nodes, { ...node, metadata: { ...node.metadata, annotations: { beat: '1' } } });
  await cluster.settle(20_000);
  expect(cluster.events('FailedScheduling')).toHaveLength(1);
  await cluster.client.delete(pods, { namespace: 'd', name: 'first' });
  await cluster.settle(100);
  expect(cluster.placements()).toEqual({ n1: ['second'] });
  await stop();
});

test('leaves pods of other schedulers and gated ones alone; takes them up when the gate opens', async () => {
  const { cluster, stop } = await opened('n1');
  await cluster.pod('foreign', { schedulerName: 'other' });
  const gated = await cluster.pod('gated', { schedulingGates: [{ name: 'wait' }] });
  await cluster.settle(5000);
  expect(cluster.placements()).toEqual({ '': ['foreign', 'gated'] });
  expect(cluster.condition('gated')).toBeUndefined();
  await cluster.client.update(pods, { ...gated, spec: { ...gated.spec, schedulingGates: [] } });
  await cluster.settle();
  expect(cluster.placements()).toEqual({ n1: ['gated'], '': ['foreign'] });
  await stop();
});

test('forgets a pod that is deleted while it waits', async () => {
  const { cluster, stop } = await opened();
  await cluster.pod('a');
  await cluster.pod('ending', { finalizers: ['x/y'] });
  await cluster.settle();
  expect(cluster.condition('a')?.message).toBe('no nodes available to schedule pods');
  for (const name of ['a', 'ending']) await cluster.client.delete(pods, { namespace: 'd', name });
  await cluster.settle(2000);
  await cluster.node('n1');
  await cluster.settle(2000);
  expect(cluster.calls('create', 'binding')).toEqual([]);
  await stop();
});

test('counts what is bound already when it starts', async () => {
  const cluster = new FakeCluster();
  await cluster.node('n1');
  await cluster.pod('old', { cpu: '800m', nodeName: 'n1' });
  await cluster.pod('orphan', { nodeName: 'lost' });
  await cluster.pod('new', { cpu: '300m' });
  const scheduler = await cluster.start();
  expect(cluster.condition('new')?.message).toBe(FULL);
  await scheduler.stop();
});

test('a refused binding gives the room back and backs off from one second', async () => {
  const { cluster, stop } = await opened('n1');
  const started = cluster.clock.now();
  const attempts: number[] = [];
  cluster.onBind = (call) => {
    if (call.name !== 'cursed') return;
    attempts.push(Math.round((cluster.clock.now() - started) / 1000));
    throw failure(500, 'InternalError');
  };
  await cluster.pod('cursed', { cpu: '800m' });
  await cluster.settle();
  expect(cluster.condition('cursed')).toMatchObject({ reason: 'SchedulerError', message: 'running Bind plugin "DefaultBinder": refused by the test' });
  await cluster.pod('lucky', { cpu: '800m' });
  await cluster.settle();
  expect(cluster.placements()).toEqual({ n1: ['lucky'], '': ['cursed'] });
  await cluster.client.delete(pods, { namespace: 'd', name: 'lucky' });
  await cluster.settle(30_000);
  expect(attempts).toEqual([0, 1, 3, 7, 15, 25]);
  await stop();
});

describe('never gives out more than a node has', () => {
  test('while bindings are slow', async () => {
    const { cluster, stop } = await opened('n1');
    const held: (() => void)[] = [];
    cluster.onBind = () => new Promise<void>((resolve) => held.push(resolve));
    for (const name of ['a', 'b', 'c']) await cluster.pod(name, { cpu: '400m' });
    await cluster.settle(20_000);
    expect(held).toHaveLength(2);
    for (const release of held) release();
    await cluster.settle(20_000);
    expect(cluster.placements()['n1']).toHaveLength(2);
    await stop();
  });

  test('while the watch lags behind', async () => {
    const { cluster, stop } = await opened('n1');
    await cluster.pod('a', { cpu: '800m' });
    await cluster.clock.advance(0);
    cluster.lag();
    await cluster.settle();
    expect(cluster.calls('create', 'binding')).toHaveLength(1);
    const a = await cluster.client.get(pods, { namespace: 'd', name: 'a' });
    await cluster.client.update(pods, { ...a, metadata: { ...a.metadata, labels: { changed: 'yes' } } });
    await cluster.pod('b', { cpu: '800m' });
    await cluster.settle(15_000);
    cluster.catchUp();
    await cluster.settle(15_000);
    expect(cluster.placements()).toEqual({ n1: ['a'], '': ['b'] });
    expect(cluster.calls('create', 'binding')).toHaveLength(1);
    await stop();
  });

  test('when the answer to a binding is lost', async () => {
    const { cluster, stop } = await opened('n1');
    cluster.afterBind = () => {
      throw failure(504, 'Timeout');
    };
    await cluster.pod('a', { cpu: '800m' });
    await cluster.clock.advance(0);
    cluster.lag();
    await cluster.settle();
    await cluster.pod('b', { cpu: '800m' });
    cluster.catchUp();
    await cluster.settle(15_000);
    expect(cluster.placements()).toEqual({ n1: ['a'], '': ['b'] });
    expect(cluster.calls('create', 'binding')).toHaveLength(1);
    await stop();
  });
});

test('decides the more important pod first', async () => {
  const { cluster, stop } = await opened();
  await cluster.pod('low', { cpu: '800m', priority: 1 });
  await cluster.pod('high', { cpu: '800m', priority: 2 });
  await cluster.settle(60_000);
  await cluster.node('n1');
  await cluster.settle(100);
  expect(cluster.placements()['n1']).toEqual(['high']);
  await stop();
});

test('a pod that is being deleted when its turn comes is not placed, and an event says so', async () => {
  const { cluster, stop } = await opened('n1');
  await cluster.pod('large', { cpu: '4', finalizers: ['x/y'] });
  await cluster.settle(500);
  await cluster.client.delete(pods, { namespace: 'd', name: 'large' });
  await cluster.settle(500);
  expect(cluster.events('FailedScheduling')).toEqual([expect.stringContaining('Insufficient cpu')]);
  await cluster.node('n2', '8');
  await cluster.settle(5_000);
  expect(cluster.placements()).toEqual({ '': ['large'] });
  expect(cluster.events('FailedScheduling')).toContain('skip schedule deleting pod: d/large');
  await stop();
});

test('a refused pod is tried again when it tolerates what kept it out', async () => {
  const { cluster, stop } = await opened('n1');
  await cluster.client.patch(nodes, { name: 'n1' }, { type: 'application/merge-patch+json', body: { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } } });
  await cluster.settle();
  await cluster.pod('a');
  await cluster.settle(10_000);
  expect(cluster.placements()).toEqual({ '': ['a'] });
  await cluster.client.patch(pods, { namespace: 'd', name: 'a' }, { type: 'application/merge-patch+json', body: { spec: { tolerations: [{ key: 'k', operator: 'Exists' }] } } });
  await cluster.settle(20_000);
  expect(cluster.placements()).toEqual({ n1: ['a'] });
  await stop();
});

describe('preemption', () => {
  test('marks and deletes the victim, nominates the node, and binds when the victim is gone', async () => {
    const { cluster, stop } = await opened('n1');
    await cluster.pod('low', { cpu: '400m', finalizers: ['x/y'] });
    await cluster.pod('mid', { cpu: '400m', priority: 500 });
    await cluster.settle();
    const high = await cluster.pod('high', { cpu: '500m', priority: 1000 });
    await cluster.settle(5000);
    expect(cluster.get('high')?.status).toMatchObject({ nominatedNodeName: 'n1' });
    expect(cluster.condition('high')?.message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    expect(cluster.get('low')?.metadata.deletionTimestamp).toBeDefined();
    expect(cluster.condition('low', 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' });
    expect(cluster.get('mid')?.metadata.deletionTimestamp).toBeUndefined();
    expect(cluster.events('Preempted')).toEqual([`Preempted by pod ${high.metadata.uid} on node n1`]);
    await cluster.pod('small', { cpu: '150m' });
    await cluster.settle(5000);
    const low = await cluster.client.get(pods, { namespace: 'd', name: 'low' });
    await cluster.client.update(pods, { ...low, metadata: { ...low.metadata, finalizers: [] } });
    await cluster.settle(5000);
    expect(cluster.placements()).toEqual({ n1: ['high', 'mid'], '': ['small'] });
    await stop();
  });

  test('a nomination ends with a binding that failed', async () => {
    const cluster = new FakeCluster();
    await cluster.node('n1');
    await cluster.pod('high', { cpu: '900m', priority: 9 });
    await cluster.client.patch(pods, { namespace: 'd', name: 'high' }, { type: 'application/merge-patch+json', body: { status: { nominatedNodeName: 'n1' } } }, { subresource: 'status' });
    cluster.onBind = (call) => {
      if (call.name === 'high') throw failure(500, 'InternalError');
    };
    const scheduler = await cluster.start();
    await cluster.settle(100);
    expect(cluster.get('high')?.status?.nominatedNodeName).toBeUndefined();
    await scheduler.stop();
  });

  test('a scheduler that starts anew knows for whom nodes are being cleared', async () => {
    const cluster = new FakeCluster();
    await cluster.node('n1');
    await cluster.pod('high', { cpu: '900m', priority: 9, schedulingGates: [{ name: 'wait' }] });
    await cluster.client.patch(pods, { namespace: 'd', name: 'high' }, { type: 'application/merge-patch+json', body: { status: { nominatedNodeName: 'n1' } } }, { subresource: 'status' });
    await cluster.pod('low', { cpu: '500m' });
    const scheduler = await cluster.start();
    await cluster.settle(500);
    expect(cluster.placements()).toEqual({ '': ['high', 'low'] });
    await cluster.client.delete(pods, { namespace: 'd', name: 'high' });
    await cluster.settle(2000);
    expect(cluster.placements()).toEqual({ n1: ['low'] });
    await scheduler.stop();
  });

  test('who is no more important is looked at again when room is kept no more', async () => {
    const cluster = new FakeCluster();
    await cluster.node('n1');
    await cluster.pod('high', { cpu: '900m', priority: 9, schedulingGates: [{ name: 'wait' }] });
    const nominate = (nominatedNodeName: string | null): Promise<unknown> => cluster.client.patch(pods, { namespace: 'd', name: 'high' }, { type: 'application/merge-patch+json', body: { status: { nominatedNodeName } } }, { subresource: 'status' });
    await nominate('n1');
    await cluster.pod('low', { cpu: '500m' });
    const scheduler = await cluster.start();
    await cluster.settle(500);
    expect(cluster.placements()).toEqual({ '': ['high', 'low'] });
    await nominate(null);
    await cluster.settle(2000);
    expect(cluster.placements()).toEqual({ n1: ['low'], '': ['high'] });
    await scheduler.stop();
  });

  test('who wants the same pod evicted as somebody before waits for the same eviction', async () => {
    const cluster = new FakeCluster();
    await cluster.node('n1', '2');
    const scheduler = await cluster.start();
    for (const name of ['a', 'b']) await cluster.pod(name, { cpu: '900m' });
    await cluster.settle();
    const deleted: string[] = [];
    cluster.beforePodCall = ({ verb, name = '' }) => {
      if (verb === 'delete') deleted.push(name);
    };
    cluster.lag();
    for (const name of ['x', 'y']) await cluster.pod(name, { cpu: '900m', priority: 9 });
    cluster.catchUp();
    await cluster.settle(10_000);
    expect(cluster.placements()).toEqual({ n1: ['x', 'y'] });
    expect(deleted.sort()).toEqual(['a', 'b']);
    await scheduler.stop();
  });

  test('the least important victim goes when the others are on their way, and not where one of them stays', async () => {
    const { cluster, stop } = await opened('n1');
    for (const [name, priority] of [['a', 3], ['b', 2], ['c', 1]] as const) await cluster.pod(name, { cpu: '300m', priority });
    await cluster.settle();
    const calls: string[] = [];
    let refuses = true;
    cluster.beforePodCall = ({ verb, name = '' }) => {
      if (verb === 'delete') calls.push(name);
      if (verb === 'delete' && name === 'a' && refuses) throw failure(500, 'InternalError');
    };
    await cluster.pod('high', { cpu: '900m', priority: 9 });
    await cluster.settle();
    expect(calls.toSorted()).toEqual(['a', 'b']);
    refuses = false;
    await cluster.settle(20_000);
    expect([calls.at(-1), cluster.placements()]).toEqual(['c', { n1: ['high'] }]);
    await stop();
  });

  test('nothing is kept for a pod elsewhere once it has its place', async () => {
    const { cluster, stop } = await opened('n1');
    const held = Promise.withResolvers<void>();
    cluster.onBind = ({ name }) => (name === 'high' ? held.promise : undefined);
    await cluster.pod('high', { cpu: '900m', priority: 9 });
    await cluster.settle();
    await cluster.node('n2');
    // News from before its place was found.
    await cluster.client.patch(pods, { namespace: 'd', name: 'high' }, { type: 'application/merge-patch+json', body: { status: { nominatedNodeName: 'n2' } } }, { subresource: 'status' });
    await cluster.settle();
    held.resolve();
    await cluster.settle();
    await cluster.pod('other', { cpu: '500m' });
    await cluster.settle(2000);
    expect(cluster.placements()).toEqual({ n1: ['high'], n2: ['other'] });
    await stop();
  });

  test('a refused eviction is tried again', async () => {
    const { cluster, stop } = await opened('n1');
    await cluster.pod('low', { cpu: '800m' });
    await cluster.settle();
    let refusals = 2;
    cluster.beforePodCall = (call) => {
      if (call.verb === 'delete' && refusals-- > 0) throw failure(500, 'InternalError');
    };
    await cluster.pod('high', { cpu: '500m', priority: 9 });
    await cluster.settle(10_000);
    expect(cluster.placements()).toEqual({ n1: ['high'] });
    await stop();
  });
});

test('follows a pod into a namespace once its labels ask for it', async () => {
  const { cluster, stop } = await opened('n1');
  await cluster.namespace('d', { team: 'red' });
  await cluster.pod('db', { labels: { app: 'db' } });
  const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } }, namespaceSelector: { matchLabels: { team: 'blue' } } };
  await cluster.pod('near', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } });
  await cluster.settle(2000);
  expect(cluster.condition('near')?.message).toContain("1 node(s) didn't match pod affinity rules");
  await cluster.client.patch(namespaces, { name: 'd' }, { type: 'application/merge-patch+json', body: { metadata: { labels: { team: 'blue' } } } });
  await cluster.settle(2000);
  expect(cluster.placements()['n1']).toEqual(['db', 'near']);
  await stop();
});

test('tries again when the pod that another wants to be near is bound', async () => {
  const { cluster, stop } = await opened('n1');
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } }] } };
  await cluster.pod('near', { affinity });
  await cluster.settle(2000);
  await cluster.pod('db', { labels: { app: 'db' } });
  await cluster.settle(2000);
  expect(cluster.placements()).toEqual({ n1: ['db', 'near'] });
  await stop();
});

test('waits for a claim, and binds once it is there', async () => {
  const { cluster, stop } = await opened('n1');
  const { client } = cluster;
  await cluster.pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] });
  await cluster.settle();
  expect(cluster.condition('p')?.message).toBe('0/1 nodes are available: persistentvolumeclaim "c" not found. not found');
  await client.create(persistentvolumes, { metadata: { name: 'v' }, spec: { storageClassName: 's' }, status: { phase: 'Bound' } });
  await client.create(persistentvolumeclaims, { metadata: { name: 'c', namespace: 'd', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { volumeName: 'v', storageClassName: 's' } });
  await cluster.settle(2000);
  expect(cluster.placements()).toEqual({ n1: ['p'] });
  await stop();
});

test('a claim that waits for its pod is given a volume first, and the pod is bound after it', async () => {
  const { cluster, stop } = await opened('n1');
  const { client } = cluster;
  await client.create(storageclasses, { metadata: { name: 'late' }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' });
  await client.create(persistentvolumes, { metadata: { name: 'v' }, spec: { storageClassName: 'late', capacity: { storage: '2Gi' }, accessModes: ['ReadWriteOnce'] }, status: { phase: 'Available' } });
  const claim = await client.create(persistentvolumeclaims, { metadata: { name: 'c', namespace: 'd' }, spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } });
  await cluster.pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] });
  await cluster.settle(3000);
  expect((await client.get(persistentvolumes, { name: 'v' })).spec?.claimRef).toMatchObject({ namespace: 'd', name: 'c', uid: claim.metadata.uid });
  expect(cluster.placements()).toEqual({ '': ['p'] });
  await client.update(persistentvolumeclaims, { ...claim, metadata: { ...claim.metadata, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }, spec: { ...claim.spec, volumeName: 'v' } });
  await cluster.settle(2000);
  expect(cluster.placements()).toEqual({ n1: ['p'] });
  await stop();
});

test('pods of a ReplicaSet are spread without being asked', async () => {
  const { cluster, stop } = await opened('n1', 'n2');
  await cluster.client.create(replicasets, { metadata: { name: 'web', namespace: 'd' }, spec: { selector: { matchLabels: { app: 'web' } } } });
  await cluster.pod('filler', { cpu: '300m', nodeSelector: { 'kubernetes.io/hostname': 'n2' } });
  await cluster.settle();
  for (const name of ['a', 'b']) await cluster.pod(name, { cpu: '10m', labels: { app: 'web' }, owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web' } });
  await cluster.settle();
  expect(cluster.placements()).toEqual({ n1: [expect.stringMatching(/^[ab]$/)], n2: [expect.stringMatching(/^[ab]$/), 'filler'] });
  await stop();
});
