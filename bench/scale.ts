/** What much costs to keep and to take away: `coracle up` with all of its components, over its embedded store and HTTPS, on simulated nodes. */
import type { WatchEvent } from '../api/request.ts';
import { configmaps, deployments, namespaces, nodes, pods, replicasets, serviceaccounts } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { Deployment } from '../api/types/apps.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { openHttpDoor } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { systemClock } from '../std/clock.ts';
import { each } from './load.ts';
import { Subject } from './subject.ts';
import { cpuSeconds, family, memoryMb } from './target.ts';
import { pause, until } from './until.ts';

const NAMESPACE = 'bench';
const WRITERS = 32;
const REST_SECONDS = 60;

interface Ground {
  readonly client: Client;
  readonly pids: readonly number[];
}

const MEASURES: Readonly<Record<string, () => Promise<string>>> = {
  /** A namespace of 10,000 objects, from its deletion until it is gone. */
  namespace: () => onGround(0, async ({ client }) => {
    await each(10_000, WRITERS, (i) => client.create(configmaps, { metadata: { name: `c${i}`, namespace: NAMESPACE }, data: { key: 'value' } }));
    const began = performance.now();
    await client.delete(namespaces, { name: NAMESPACE });
    await until('the end of the namespace', () => isGone(client.get(namespaces, { name: NAMESPACE })));
    return `a namespace of 10,000 ConfigMaps gone after ${((performance.now() - began) / 1000).toFixed(1)} s`;
  }),
  /** 10,000 Deployments that have what they want: what looking after them costs, nodes left out. */
  deployments: () => onGround(0, async ({ client, pids }) => {
    const before = await coreAtRest(pids);
    await each(10_000, WRITERS, (i) => client.create(deployments, deployment(`d${i}`, 0)));
    await until('ReplicaSets', async () => (await client.list(replicasets, { namespace: NAMESPACE })).items.length === 10_000);
    return `10,000 Deployments at rest: ${(await coreAtRest(pids)).toFixed(2)} % of a core, ${before.toFixed(2)} % without them; ${memoryMb(pids).toFixed(0)} MB`;
  }),
  /** The same with a pod each that runs on one of 110 nodes. */
  'running deployments': () => onGround(110, async ({ client, pids }) => {
    const before = await coreAtRest(pids);
    await each(10_000, WRITERS, (i) => client.create(deployments, deployment(`d${i}`, 1)));
    await untilRunning(client, 10_000);
    return `10,000 Deployments and the 110 nodes of their pods at rest: ${(await coreAtRest(pids)).toFixed(2)} % of a core, ${before.toFixed(2)} % with the nodes alone; ${memoryMb(pids).toFixed(0)} MB`;
  }),
  /** 5,000 nodes and 100,000 pods that run on them. */
  pods: () => onGround(5000, async ({ client, pids }) => {
    await each(100, WRITERS, (i) => client.create(deployments, deployment(`d${i}`, 1000)));
    await untilRunning(client, 100_000);
    const resident = memoryMb(pids);
    const rest = await coreAtRest(pids);
    return `5,000 nodes, 100,000 pods: ${resident.toFixed(0)} MB, a minute later ${memoryMb(pids).toFixed(0)} MB; at rest ${rest.toFixed(1)} % of a core`;
  }),
};

async function onGround(hollowNodes: number, measure: (ground: Ground) => Promise<string>): Promise<string> {
  const subject = new Subject();
  try {
    await subject.start(['--runtime', 'none', ...(hollowNodes ? ['--hollow-nodes', String(hollowNodes)] : [])]);
    const door = openHttpDoor({ ...(await readKubeconfig(subject.kubeconfig)), clock: systemClock, userAgent: 'bench' });
    const client = openClient(door, { userAgent: 'bench' });
    await client.create(namespaces, { metadata: { name: NAMESPACE } } as never);
    await until('an account', async () => !(await isGone(client.get(serviceaccounts, { name: 'default', namespace: NAMESPACE }))));
    await untilSeen((signal) => client.watch(nodes, { sendInitialEvents: true, signal }), hollowNodes, ({ spec }) => !spec.taints?.length);
    const answer = await measure({ client, pids: family(subject.pid) });
    await door.close();
    return answer;
  } finally {
    await subject.remove();
  }
}

function deployment(name: string, replicas: number): Deployment {
  const labels = { app: name };
  const container = { name: 'main', image: 'registry.k8s.io/pause:3.10', resources: { requests: { cpu: '10m', memory: '10Mi' } } };
  return { metadata: { name, namespace: NAMESPACE }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } } } as Deployment;
}

function untilRunning(client: Client, count: number): Promise<void> {
  return untilSeen((signal) => client.watch(pods, { namespace: NAMESPACE, fieldSelector: 'status.phase=Running', sendInitialEvents: true, signal }), count, () => true);
}

/** Counts by watching: to list thousands again and again would be measured too. */
async function untilSeen<T>(watch: (signal: AbortSignal) => AsyncIterable<WatchEvent<Stored<T>>>, count: number, isWanted: (object: Stored<T>) => boolean): Promise<void> {
  if (count === 0) return;
  const stop = new AbortController();
  const seen = new Set<string>();
  for await (const { type, object } of watch(stop.signal)) {
    if (type !== 'BOOKMARK' && isWanted(object)) seen.add(object.metadata.uid);
    if (seen.size === count) break;
  }
  stop.abort();
}

/** Percent of a core, once what had been done has calmed down. */
async function coreAtRest(pids: readonly number[]): Promise<number> {
  await pause(REST_SECONDS * 500);
  const before = cpuSeconds(pids);
  await pause(REST_SECONDS * 1000);
  return ((cpuSeconds(pids) - before) / REST_SECONDS) * 100;
}

async function isGone(got: Promise<unknown>): Promise<boolean> {
  return got.then(() => false, (error: unknown) => {
    if (error instanceof ApiError && error.status.reason === 'NotFound') return true;
    throw error;
  });
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  for (const [name, measure] of Object.entries(MEASURES)) {
    if (wanted.length === 0 || wanted.includes(name)) console.log(await measure());
  }
}
