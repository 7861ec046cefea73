/**
 * How fast pods are placed: all of them wait before the scheduler starts. API server, store and scheduler stand in one process,
 * or a server runs elsewhere and a command starts the scheduler, so that others can be measured with the same workloads.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { namespaces, nodes, pods, serviceaccounts } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { Node, Pod, PodSpec } from '../api/types/core.v1.ts';
import { openPki } from '../apiserver/pki/pki.ts';
import { createApiServer } from '../apiserver/server.ts';
import { openSqlite } from '../apiserver/storage/sqlite.ts';
import { userOf } from '../cli/identities.ts';
import type { Client } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { openHttpDoor } from '../client/http.ts';
import { readKubeconfig } from '../client/kubeconfig.ts';
import { startScheduler } from '../scheduler/run.ts';
import { systemClock } from '../std/clock.ts';
import { systemRandom } from '../std/random.ts';
import { each, median } from './load.ts';
import { cpuSeconds, family } from './target.ts';

/** kube-scheduler v1.36.3 with client limits lifted, 1,000 nodes, 3,000 pods, on a machine of two slow cores. */
export const KUBE_SCHEDULER_PER_SECOND = 210;

const NAMESPACE = 'bench';
const HOST = 'kubernetes.io/hostname';
const ZONE = 'topology.kubernetes.io/zone';
const ZONES = 3;
const CREATORS = 64;
const QUIET = { info: (): void => undefined, warn: (): void => undefined, error: (): void => undefined };

const own = { matchLabels: { app: 'web' } };

/** What each pod asks for besides its requests; several are dealt in turn. */
const TEMPLATES: Readonly<Record<string, Partial<PodSpec>>> = {
  plain: {},
  spread: { topologySpreadConstraints: [{ maxSkew: 5, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: own }] },
  affinity: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: ZONE, labelSelector: own }] } } },
  antiaffinity: { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: HOST, labelSelector: own } }] } } },
  hardantiaffinity: { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOST, labelSelector: { matchLabels: { app: 'alone' } } }] } } },
  nodeaffinity: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: ZONE, operator: 'In', values: ['zone-1'] }] } }] } } },
};

export interface Workload {
  readonly nodes: number;
  readonly pods: number;
  readonly templates: readonly string[];
  /** Nodes are full of pods of no importance first. */
  readonly preempts?: boolean;
}

export interface Placed {
  readonly perSecond: number;
  readonly cpuMicrosPerPod: number;
}

/** So much of every node is taken before pods that preempt come. */
const FILL_PER_NODE = 4;
const REQUESTS = { cpu: '100m', memory: '500Mi' };
const QUARTER = { cpu: '8', memory: '64Gi' };

/** What stands ready for a workload: who may do everything, and a scheduler that has not started. */
interface Stage {
  readonly admin: Client;
  startScheduler(): Scheduling;
}

interface Scheduling {
  /** Of everything that is measured here, in microseconds. */
  cpuMicros(): number;
  stop(): Promise<void>;
}

export async function schedule(workload: Workload): Promise<Placed> {
  const directory = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  const pki = await openPki({ directory: undefined, clock: systemClock, random: systemRandom, addresses: [] });
  const store = await openSqlite({ path: join(directory, 'state.db'), clock: systemClock, log: () => undefined });
  const server = createApiServer({ store, pki, clock: systemClock, random: systemRandom, log: QUIET });
  try {
    await server.start();
    return await place(workload, {
      admin: openClient(server.door(userOf('admin')), { userAgent: 'bench' }),
      startScheduler() {
        const before = process.cpuUsage();
        const client = openClient(server.door(userOf('scheduler')), { userAgent: 'kube-scheduler' });
        const scheduler = startScheduler({ client, clock: systemClock, random: systemRandom, log: QUIET });
        const used = (): number => Object.values(process.cpuUsage(before)).reduce((a, b) => a + b, 0);
        return { cpuMicros: used, stop: () => scheduler.stop() };
      },
    });
  } finally {
    await server.close();
    await store.close();
    pki.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same on a server that runs somewhere, with a scheduler that a command starts: its processor time alone is counted. */
async function scheduleThere(workload: Workload, { kubeconfig, command }: { readonly kubeconfig: string; readonly command: readonly string[] }): Promise<Placed> {
  const door = openHttpDoor({ ...(await readKubeconfig(kubeconfig)), clock: systemClock, userAgent: 'bench' });
  const admin = openClient(door, { userAgent: 'bench' });
  try {
    return await place(workload, {
      admin,
      startScheduler() {
        const [file = '', ...args] = command;
        const child = spawn(file, args, { stdio: 'ignore' });
        const stop = async (): Promise<void> => {
          const ended = once(child, 'exit');
          child.kill();
          await ended;
        };
        return { cpuMicros: () => cpuSeconds(family(child.pid as number)) * 1e6, stop };
      },
    });
  } finally {
    await clear(admin);
    await door.close();
  }
}

async function place(workload: Workload, { admin, startScheduler }: Stage): Promise<Placed> {
  await unlessThere(admin.create(namespaces, { metadata: { name: NAMESPACE } } as never));
  await unlessThere(admin.create(serviceaccounts, { metadata: { name: 'default', namespace: NAMESPACE } }));
  await each(workload.nodes, CREATORS, (i) => admin.create(nodes, node(i)).then(() => untaint(admin, i)));
  if (workload.preempts) await each(workload.nodes * FILL_PER_NODE, CREATORS, (i) => fill(admin, i, workload.nodes));
  await each(workload.pods, CREATORS, (i) => admin.create(pods, pod(i, workload)));
  const bound = untilBound(admin, workload.pods);
  const began = performance.now();
  const scheduling = startScheduler();
  await bound;
  const seconds = (performance.now() - began) / 1000;
  const cpuMicrosPerPod = scheduling.cpuMicros() / workload.pods;
  await scheduling.stop();
  return { perSecond: workload.pods / seconds, cpuMicrosPerPod };
}

async function unlessThere(created: Promise<unknown>): Promise<void> {
  await created.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status.reason === 'AlreadyExists')) throw error;
  });
}

/** Resolves when so many pods have a node. */
async function untilBound(client: Client, count: number): Promise<void> {
  const stop = new AbortController();
  const seen = new Set<string>();
  for await (const { object } of client.watch(pods, { namespace: NAMESPACE, labelSelector: 'role=waiting', sendInitialEvents: true, signal: stop.signal })) {
    if (object.spec?.nodeName) seen.add(object.metadata.uid);
    if (seen.size === count) break;
  }
  stop.abort();
}

/** So that the next workload finds nothing. Nobody may be there who empties namespaces. */
async function clear(client: Client): Promise<void> {
  await client.deleteCollection(pods, { namespace: NAMESPACE });
  await client.deleteCollection(nodes, {});
}

function node(i: number): Node {
  const labels = { [HOST]: `n${i}`, [ZONE]: `zone-${i % ZONES}` };
  const capacity = { cpu: '32', memory: '256Gi', pods: '110' };
  return { metadata: { name: `n${i}`, labels }, spec: {}, status: { capacity, allocatable: capacity, conditions: [{ type: 'Ready', status: 'True' }] } } as Node;
}

/** Admission gives every new node a taint, which a controller would take away. */
async function untaint(client: Client, i: number): Promise<void> {
  await client.patch(nodes, { name: `n${i}` }, { type: 'application/merge-patch+json', body: { spec: { taints: null } } });
}

async function fill(client: Client, i: number, count: number): Promise<void> {
  const spec = { nodeName: `n${i % count}`, terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [{ name: 'main', image: 'example.com/app:1', resources: { requests: QUARTER } }] };
  await client.create(pods, { metadata: { name: `fill-${i}`, namespace: NAMESPACE }, spec } as Pod);
}

function pod(i: number, { templates, preempts }: Workload): Pod {
  const requests = preempts ? QUARTER : REQUESTS;
  const template = templates[i % templates.length] as string;
  const spec = {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image: 'registry.k8s.io/pause:3.10', ports: [{ containerPort: 80 }], resources: { requests } }],
    ...(preempts && { priorityClassName: 'system-cluster-critical' }),
    ...TEMPLATES[template],
  };
  const labels = { app: template === 'hardantiaffinity' ? 'alone' : 'web', role: 'waiting' };
  return { metadata: { name: `p${i}`, namespace: NAMESPACE, labels }, spec } as Pod;
}

const WORKLOADS: Readonly<Record<string, Workload>> = {
  identical: { nodes: 5000, pods: 10_000, templates: ['plain'] },
  spread: { nodes: 1000, pods: 3000, templates: ['spread'] },
  affinity: { nodes: 1000, pods: 3000, templates: ['affinity'] },
  antiaffinity: { nodes: 1000, pods: 3000, templates: ['antiaffinity'] },
  'hard antiaffinity': { nodes: 1000, pods: 1000, templates: ['hardantiaffinity'] },
  preemption: { nodes: 1000, pods: 2000, templates: ['plain'], preempts: true },
  mixed: { nodes: 1000, pods: 3000, templates: ['plain', 'spread', 'affinity', 'antiaffinity', 'nodeaffinity'] },
};

if (import.meta.main) {
  const { values, positionals, tokens } = parseArgs({ options: { kubeconfig: { type: 'string' } }, allowPositionals: true, tokens: true });
  const commandFrom = tokens.find(({ kind }) => kind === 'option-terminator')?.index;
  const command = commandFrom === undefined ? [] : process.argv.slice(2).slice(commandFrom + 1);
  const [only = 'all', rounds = '3'] = positionals.slice(0, positionals.length - command.length);
  const { kubeconfig } = values;
  for (const [name, workload] of Object.entries(WORKLOADS)) {
    if (only !== 'all' && only !== name) continue;
    const runs: Placed[] = [];
    for (let round = 0; round < Number(rounds); round++) runs.push(await (kubeconfig ? scheduleThere(workload, { kubeconfig, command }) : schedule(workload)));
    const perSecond = median(runs.map((run) => run.perSecond));
    const cpu = median(runs.map((run) => run.cpuMicrosPerPod));
    console.log(`${name.padEnd(18)} ${workload.nodes} nodes, ${workload.pods} pods: ${perSecond.toFixed(0).padStart(6)} pods/s, ${cpu.toFixed(0).padStart(5)} µs of CPU each; ${(perSecond / KUBE_SCHEDULER_PER_SECOND).toFixed(1)} × kube-scheduler's ${KUBE_SCHEDULER_PER_SECOND}/s`);
  }
  process.exit(0);
}
