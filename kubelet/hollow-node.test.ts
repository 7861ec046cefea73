import { nodes, pods, resourceclaims } from '../api/resources.ts';
import type { Pod } from '../api/types/core.v1.ts';
import { openClient } from '../client/open-client.ts';
import type { Recorder } from '../client/events.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { startHollowNode } from './hollow-node.ts';
import { askDirectly } from './server/direct.ts';

const log = { info: () => undefined, warn: () => undefined };

/** What is ready of a pod, second by second. */
async function readiness(annotations: Record<string, string>, seconds: number, spec: object = {}): Promise<string> {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet' });
  const node = await startHollowNode({ client, name: 'n1', clock, random: seededRandom(1), log, address: '192.0.2.1', port: 10_250 });
  await clock.advance(100);
  await node.ready;
  await client.create(pods, { metadata: { name: 'web', namespace: 'default', annotations }, spec: { nodeName: 'n1', terminationGracePeriodSeconds: 30, containers: [{ name: 'app', image: 'app:1', imagePullPolicy: 'IfNotPresent', ...spec }] } } as Pod);
  let seen = '';
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1000);
    const status = (door.objects('pods')[0] as { status?: Pod['status'] }).status?.containerStatuses?.[0];
    seen += status?.ready ? 'R' : status?.state?.running ? 'r' : status?.state?.terminated ? 't' : 'w';
  }
  await node.stop();
  await node.runtime.close();
  return seen;
}

const probe = { readinessProbe: { exec: { command: ['x'] }, periodSeconds: 1 } };

test.each<[string, Record<string, string>, object, string]>([
  ['ready at once', {}, {}, 'RRRR'],
  ['late to start', { start: '2500ms' }, {}, 'wwRR'],
  ['late to be ready, with a probe', { ready: '2500ms' }, probe, 'rrRR'],
  ['late to be ready, without one', { ready: '2500ms' }, {}, 'rrRR'],
  ['over soon', { run: '1500ms' }, {}, 'R'],
])('a container that is %s', async (_, fields, spec, expected) => {
  const annotations = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`coracle.dev/hollow-${key}`, value]));
  expect(await readiness(annotations, expected.length, spec)).toBe(expected);
});

test('a resource that somebody says the node has can be had by pods with the next heartbeat, and no longer once it is taken away', async () => {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet' });
  const node = await startHollowNode({ client, name: 'n1', clock, random: seededRandom(1), log, address: '192.0.2.1', port: 10_250 });
  await clock.advance(100);
  await node.ready;
  const allocatable = async (capacity: Record<string, string | null>): Promise<unknown> => {
    await client.patch(nodes, { name: 'n1' }, { type: 'application/merge-patch+json', body: { status: { capacity } } }, { subresource: 'status' });
    await clock.advance(60_000);
    return (await client.get(nodes, { name: 'n1' })).status?.allocatable;
  };
  expect(await allocatable({ 'example.com/dongle': '4' })).toMatchObject({ 'example.com/dongle': '4', pods: '110' });
  expect(await allocatable({ 'example.com/dongle': null })).not.toHaveProperty(['example.com/dongle']);
  await node.stop();
  await node.runtime.close();
});

test('a pod is judged by the labels that the node has now: it starts by one that was given a moment ago, and is refused where it fits none', async () => {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet' });
  const node = await startHollowNode({ client, name: 'n1', clock, random: seededRandom(1), log, address: '192.0.2.1', port: 10_250 });
  await clock.advance(100);
  await node.ready;
  await client.patch(nodes, { name: 'n1' }, { type: 'application/merge-patch+json', body: { metadata: { labels: { disk: 'ssd' } } } });
  for (const [name, disk] of [['fits', 'ssd'], ['misplaced', 'tape']] as const) {
    await client.create(pods, { metadata: { name, namespace: 'default' }, spec: { nodeName: 'n1', nodeSelector: { disk }, containers: [{ name: 'app', image: 'app:1' }] } } as Pod);
  }
  await clock.advance(3000);
  const statuses = await Promise.all(['fits', 'misplaced'].map(async (name) => (await client.get(pods, { namespace: 'default', name })).status));
  expect(statuses.map((status) => [status?.phase, status?.reason])).toEqual([['Running', undefined], ['Failed', 'NodeAffinity']]);
  await node.stop();
  await node.runtime.close();
});

test('a pod that sleeps before it is stopped is there for so long, and no longer than its grace', async () => {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet' });
  const node = await startHollowNode({ client, name: 'n1', clock, random: seededRandom(1), log, address: '192.0.2.1', port: 10_250 });
  await clock.advance(100);
  await node.ready;
  const containers = [{ name: 'app', image: 'app:1', lifecycle: { preStop: { sleep: { seconds: 20 } } } }];
  for (const [name, terminationGracePeriodSeconds] of [['patient', 30], ['hasty', 10]] as const) {
    await client.create(pods, { metadata: { name, namespace: 'default' }, spec: { nodeName: 'n1', terminationGracePeriodSeconds, containers } } as Pod);
  }
  await clock.advance(2000);
  for (const [name, deletionGracePeriodSeconds] of [['patient', 30], ['hasty', 10]] as const) {
    const metadata = { deletionTimestamp: new Date(clock.now()).toISOString(), deletionGracePeriodSeconds, finalizers: ['test/keep'] };
    await client.patch(pods, { namespace: 'default', name }, { type: 'application/merge-patch+json', body: { metadata } });
  }
  const running = async (ms: number): Promise<string[]> => {
    await clock.advance(ms);
    const { items } = await client.list(pods, { namespace: 'default' });
    return items.filter(({ status }) => status?.containerStatuses?.[0]?.state?.running).map(({ metadata }) => metadata.name);
  };
  expect([await running(8000), await running(7000), await running(10_000)]).toEqual([['patient', 'hasty'], ['patient'], []]);
  await node.stop();
  await node.runtime.close();
});

test('a pod with claims of devices starts when they are reserved for it', async () => {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet' });
  const said: string[] = [];
  const recorder = { record: ({ reason, message }: { reason: string; message: string }) => void said.push(`${reason}: ${message}`), flush: async () => undefined } as unknown as Recorder;
  const node = await startHollowNode({ client, name: 'n1', clock, random: seededRandom(1), log, address: '192.0.2.1', port: 10_250, recorder });
  await clock.advance(100);
  await node.ready;
  const made = await client.create(resourceclaims, { metadata: { name: 'gpu', namespace: 'default' }, spec: { devices: { requests: [] } } });
  const gpus = { requests: { 'example.com/gpu': '1' } };
  const pod = await client.create(pods, { metadata: { name: 'web', namespace: 'default' }, spec: { nodeName: 'n1', resourceClaims: [{ name: 'c', resourceClaimName: 'gpu' }], containers: [{ name: 'app', image: 'app:1', resources: gpus }] } });
  await clock.advance(2000);
  const phase = async (): Promise<unknown> => (await client.get(pods, { namespace: 'default', name: 'web' })).status?.phase;
  expect([await phase(), said.find((line) => line.startsWith('FailedPrepare'))]).toEqual(['Pending', `FailedPrepareDynamicResources: Failed to prepare dynamic resources: prepare dynamic resources: pod web (${pod.metadata.uid}) is not allowed to use ResourceClaim gpu (${made.metadata.uid})`]);
  const current = await client.get(resourceclaims, { namespace: 'default', name: 'gpu' });
  await client.update(resourceclaims, { ...current, status: { allocation: {}, reservedFor: [{ resource: 'pods', name: 'web', uid: pod.metadata.uid }] } });
  await clock.advance(20_000);
  expect(await phase()).toBe('Running');
  await node.stop();
  await node.runtime.close();
});

test('its pages say what those of a real node would, without a port', async () => {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'kubelet' });
  const node = await startHollowNode({ client, name: 'n1', clock, random: seededRandom(1), log, address: '192.0.2.1', port: 10_250 });
  await clock.advance(100);
  await node.ready;
  await client.create(pods, { metadata: { name: 'web', namespace: 'default', annotations: { 'coracle.dev/hollow-cpu': '250m' } }, spec: { nodeName: 'n1', containers: [{ name: 'app', image: 'app:1', imagePullPolicy: 'IfNotPresent' }] } } as Pod);
  await clock.advance(4000);
  const ask = async (path: string, method = 'GET'): Promise<string> => {
    const { code, body } = await askDirectly(node.backend, { method, path, accept: '' });
    return `${code} ${body}`;
  };
  expect(await ask('/healthz')).toBe('200 ok');
  expect(await ask('/pods')).toMatch(/^200 \{"kind":"PodList".*"name":"web"/);
  expect(JSON.parse((await ask('/stats/summary')).slice(4))).toMatchObject({ node: { nodeName: 'n1' }, pods: [{ podRef: { name: 'web' }, containers: [{ name: 'app' }] }] });
  const start = async (): Promise<unknown> => (JSON.parse((await ask('/stats/summary')).slice(4)) as { node: { startTime: string } }).node.startTime;
  const first = await start();
  await clock.advance(1000);
  expect(await start()).toBe(first);
  expect(await ask('/metrics')).toContain('\nkubelet_running_pods 1\n');
  expect(await ask('/metrics/resource')).toMatch(/\ncontainer_cpu_usage_seconds_total\{container="app",namespace="default",pod="web"\} \d/);
  expect(await ask('/metrics/cadvisor')).toMatch(/\ncontainer_memory_working_set_bytes\{container="app",id="\/[0-9a-f]+",image="app:1",name="[0-9a-f]+",namespace="default",pod="web"\} \d/);
  expect(JSON.parse((await ask('/configz')).slice(4))).toMatchObject({ kubeletconfig: { maxPods: 110, authentication: { anonymous: { enabled: false } } } });
  expect(await ask('/containerLogs/default/web/app')).toBe('200 ');
  expect(await ask('/containerLogs/default/web/nope')).toBe('404 container "nope" not found in pod "web"');
  expect(await ask('/run/default/web/app?cmd=ls', 'POST')).toBe('200 ');
  expect(await ask('/exec/default/web/app?command=ls&output=1')).toBe('500 Upgrade request required\n');
  expect(await ask('/logs/')).toBe('404 404 page not found\n');
  expect(await ask('/nothing')).toBe('404 404 page not found\n');
  expect(await ask('/pods', 'PUT')).toBe('405 405: Method Not Allowed');
  await node.stop();
  await node.runtime.close();
});
