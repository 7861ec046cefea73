import { deployments, events, nodes, pods, services } from '../api/resources.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { openHttpDoor } from '../client/http.ts';
import { openClient } from '../client/open-client.ts';
import { systemClock } from '../std/clock.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCluster, type Cluster, type ClusterOptions } from './cluster.ts';

const open: Cluster[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.stop()));
});

async function cluster(options: ClusterOptions = {}): Promise<Cluster> {
  const made = await createCluster({ seed: 1, ...options });
  open.push(made);
  return made;
}

const WEB = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: web:1}]}
---
# Only a comment.
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: web}
  spec: {selector: {app: web}, ports: [{port: 80}]}
`;

const NAMESPACE = { namespace: 'default' };

async function running({ client }: Cluster): Promise<Stored<Pod>[]> {
  const { items } = await client.list(pods, NAMESPACE);
  return items.filter(({ status, metadata }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') && !metadata.deletionTimestamp);
}

async function readyReplicas({ client }: Cluster): Promise<number> {
  return (await client.get(deployments, { ...NAMESPACE, name: 'web' })).status?.readyReplicas ?? 0;
}

test('what is applied is there, and works, without time passing', async () => {
  const one = await cluster({ nodes: 2 });
  const applied = await one.apply(WEB);
  await one.settled();
  expect(applied.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(['Deployment web', 'Service web']);
  expect(await readyReplicas(one)).toBe(3);
  expect(new Set((await running(one)).map(({ status }) => status?.podIP)).size).toBe(3);
  expect(new Date(one.clock.now()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
});

test('a definition can be applied together with its objects; what nobody serves is refused', async () => {
  const one = await cluster({ nodes: 0 });
  const names = { plural: 'boats', singular: 'boat', kind: 'Boat' };
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { seats: { type: 'integer' } } } } };
  await one.apply([
    { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.example.org' }, spec: { group: 'example.org', names, scope: 'Namespaced', versions: [version] } },
    { apiVersion: 'example.org/v1', kind: 'Boat', metadata: { name: 'coracle' }, seats: 1 },
  ]);
  await expect(one.apply([{ apiVersion: 'example.org/v2', kind: 'Boat', metadata: { name: 'x' } }])).rejects.toThrow('no matches for kind "Boat" in version "example.org/v2"');
});

test('pods leave a dead node when the clock has moved far enough, and not before', async () => {
  const one = await cluster({ nodes: 2 });
  await one.apply(WEB);
  await one.settled();
  const victims = (await running(one)).filter(({ spec }) => spec.nodeName === 'node-0').map(({ metadata }) => metadata.name);
  one.node('node-0').powerOff();
  await one.clock.advance('5m');
  expect((await one.client.list(pods, NAMESPACE)).items).toHaveLength(3);
  await one.clock.advance('2m');
  expect((await running(one)).map(({ spec }) => spec.nodeName)).toEqual(['node-1', 'node-1', 'node-1']);
  await one.node('node-0').start();
  await one.until(async () => (await one.client.list(pods, NAMESPACE)).items.every(({ metadata }) => !victims.includes(metadata.name)), { what: 'the end of the lost pods' });
});

test('containers outlive the crash of their node agent', async () => {
  const one = await cluster();
  await one.apply(WEB);
  await one.settled();
  one.node('node-0').crash();
  await one.clock.advance('10s');
  await one.node('node-0').start();
  await one.clock.advance('1m');
  expect((await running(one)).map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0, 0]);
});

test('crashed parts do nothing, and catch up when they start again', async () => {
  const one = await cluster();
  one.controllers.crash();
  await one.apply(WEB);
  await one.clock.advance('1m');
  expect((await one.client.list(pods, NAMESPACE)).items).toEqual([]);
  one.scheduler.crash();
  await one.controllers.start();
  await one.settled();
  expect((await one.client.list(pods, NAMESPACE)).items.map(({ spec }) => spec.nodeName)).toEqual([undefined, undefined, undefined]);
  await one.scheduler.start();
  await one.settled();
  expect(await readyReplicas(one)).toBe(3);
});

test('all components come back after the API server has crashed', async () => {
  const one = await cluster();
  await one.apply(WEB);
  await one.settled();
  one.apiserver.crash();
  await expect(one.client.list(nodes)).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
  await one.clock.advance('5s');
  await one.apiserver.start();
  await one.clock.advance('1m');
  await one.client.patch(deployments, { ...NAMESPACE, name: 'web' }, { type: 'application/merge-patch+json', body: { spec: { replicas: 5 } } });
  await one.settled();
  expect(await readyReplicas(one)).toBe(5);
});

test('a node that is cut off goes on, is given up, and is welcomed back', async () => {
  const one = await cluster({ nodes: 1 });
  await one.apply(WEB);
  await one.settled();
  one.node('node-0').partition();
  const ready = async (): Promise<string | undefined> => (await one.client.get(nodes, { name: 'node-0' })).status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  await one.clock.advance('90s');
  expect(await ready()).toBe('Unknown');
  one.node('node-0').heal();
  await one.clock.advance('30s');
  expect(await ready()).toBe('True');
  expect(await readyReplicas(one)).toBe(3);
});

test('a snapshot can be gone back to, and be begun from', async () => {
  const one = await cluster({ nodes: 2 });
  await one.apply(WEB);
  await one.clock.advance('1m');
  const names = (await running(one)).map(({ metadata }) => metadata.uid);
  const snapshot = JSON.parse(JSON.stringify(await one.snapshot())) as Awaited<ReturnType<Cluster['snapshot']>>;
  await one.client.delete(deployments, { ...NAMESPACE, name: 'web' });
  await one.clock.advance('1h');
  expect(await running(one)).toEqual([]);
  await one.restore(snapshot);
  const other = await cluster({ from: snapshot });
  for (const each of [one, other]) {
    expect(each.clock.now()).toBe(snapshot.time);
    await each.clock.advance('2m');
    const now = await running(each);
    expect(now.map(({ metadata }) => metadata.uid)).toEqual(names);
    expect(now.map(({ status }) => status?.containerStatuses?.[0]?.restartCount)).toEqual([0, 0, 0]);
  }
});

test('the same seed gives the same cluster, another seed another', async () => {
  const uids = async (seed: number): Promise<unknown> => {
    const one = await cluster({ seed, nodes: 2 });
    await one.apply(WEB);
    await one.clock.advance('1m');
    const kinds = [pods, events, nodes, services] as const;
    return Promise.all(kinds.map(async (kind) => (await one.client.list(kind as typeof pods)).items));
  };
  const [first, again, other] = [await uids(7), await uids(7), await uids(8)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

test('a port is opened for who asks, with credentials that work', async () => {
  const one = await cluster({ clock: 'system', nodes: 1 });
  const directory = mkdtempSync(join(tmpdir(), 'coracle-'));
  const file = join(directory, 'kubeconfig');
  const users = [undefined, 'somebody'];
  const answers: unknown[] = [];
  for (const user of users) {
    writeFileSync(file, await one.kubeconfig(user));
    const door = openHttpDoor({ ...(await readKubeconfig(file)), clock: systemClock });
    answers.push(await openClient(door, { userAgent: 'test' }).list(nodes).then(({ items }) => items.length, (error: Error) => error.message));
    await door.close();
  }
  rmSync(directory, { recursive: true });
  expect(answers).toEqual([1, expect.stringContaining('nodes is forbidden: User "somebody" cannot list resource "nodes"')]);
});

test('a port that was asked for at once is the same after a crash of the API server', async () => {
  const one = await cluster({ nodes: 0, listen: true, clock: 'system' });
  const url = await one.listen();
  one.apiserver.crash();
  await one.until(() => one.apiserver.start().then(() => true, () => false));
  expect(await one.listen()).toBe(url);
  expect((await fetch(`${url}/healthz`).catch((error: Error & { cause: { code: string } }) => error.cause.code))).toMatch(/SELF_SIGNED|UNABLE_TO_VERIFY/);
});

test('until() says what did not come about', async () => {
  const one = await cluster({ nodes: 0 });
  await expect(one.until(() => false, { within: '1m', what: 'a miracle' })).rejects.toThrow('a miracle did not come about within 1m');
});

test('an autoscaler follows what simulated containers use', async () => {
  const one = await cluster({ nodes: 1, controllers: { autoscaler: { syncPeriodMs: 15_000 } } });
  await one.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {coracle.dev/hollow-cpu: 300m}}
    spec: {containers: [{name: c, image: web:1, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 4
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 100}}}]
`);
  await one.until(async () => (await readyReplicas(one)) >= 3, { within: '10m', what: 'three replicas' });
});
