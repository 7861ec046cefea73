import { nodes, pods } from '../api/resources.ts';
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
  await cluster.settle();
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
  await cluster.settle();
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
  await cluster.settle();
  expect(cluster.placements()['n1']).toEqual(['high']);
  await stop();
});
