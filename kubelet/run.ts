/** The node agent: the pods bound to this node, each run by a worker; the node itself kept known; what belongs to nobody removed. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pods as podsResource } from '../api/resources.ts';
import type { Informer } from '../client/client.ts';
import { openInformer } from '../client/informer.ts';
import { every, type Timer } from '../std/clock.ts';
import type { KubeletBackend } from './backend.ts';
import { DEFAULT_POD_CIDR } from './cni.ts';
import type { KubeletContext } from './context.ts';
import type { Eviction } from './eviction/eviction.ts';
import { ImageKeeper } from './image-keeper.ts';
import { rotateLogs } from './log-rotation.ts';
import { readMachine } from './machine.ts';
import { NodeAgent } from './node-agent.ts';
import { type NodeDescription, type NodeHealth, capacityOf } from './node-object.ts';
import { openContext } from './open-context.ts';
import type { KubeletOptions } from './options.ts';
import { openNodePages } from './open-pages.ts';
import type { PodObject } from './pod.ts';
import { podBackend } from './pod-backend.ts';
import { PodSet } from './pod-set.ts';
import type { Runtime } from './runtime/runtime.ts';
import { watchRuntime } from './watch-runtime.ts';

export interface Kubelet {
  readonly backend: KubeletBackend;
  /** The pod ranges that the node was given when it was registered; empty where none were yet. */
  readonly podCidrs: readonly string[];
  /** Resolves when the node is registered and its pods are known. */
  readonly ready: Promise<void>;
  /** Lets go of everything; containers go on. */
  stop(): Promise<void>;
}

const MAX_PODS = 110;
/** A cluster without a controller that hands out pod ranges is not waited for longer. */
const POD_CIDR_TIMEOUT_MS = 10_000;
const ROTATE_MS = 10_000;
const IMAGES_MS = 300_000;
/** Images that sandboxes are made of, ours and those of other runtimes; and what cannot be pulled again. */
const PINNED_IMAGES = /(^coracle\.local\/)|(\/pause:)/;
const ORPHANS_MS = 60_000;
/** Thousands of simulated nodes would ask for themselves all the time. */
const SIMULATED_LOOK_MS = 60_000;

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { client, runtime, nodeName, clock, random, log, directory } = options;
  const aborted = new AbortController();
  const { signal } = aborted;
  if (!options.isSimulated) await mkdir(join(directory, 'pods'), { recursive: true });
  const node = await describe(options);
  let set: PodSet | undefined;
  let eviction: Eviction | undefined;
  const { context, recorder, close } = await openContext({ ...options, node, signal, onReference: (uids) => uids.forEach((uid) => set?.renew(uid)) });
  set = new PodSet(context, { labels: () => agent.labels, lookAgain: () => agent.lookAgain(), pressures: () => eviction?.conditions ?? [] });
  const recordNode = (reason: string, message: string, type: 'Normal' | 'Warning' = 'Normal'): void => {
    if (!options.isSimulated) recorder.record({ about: { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: nodeName }, type, reason, message, host: nodeName });
  };
  recordNode('Starting', 'Starting kubelet.');
  const maxPods = options.maxPods ?? MAX_PODS;
  const { pages, measure } = openNodePages({ options, node, context, set, maxPods });
  // Simulated nodes have nothing that could run short, and do not load what looks after it.
  const keeper = options.isSimulated ? undefined : new ImageKeeper({ runtime, clock, log, directory, series: options.series, isPinned: (tags) => tags.some((tag) => PINNED_IMAGES.test(tag)) });
  if (keeper) {
    const { openEviction } = await import('./eviction/open-eviction.ts');
    eviction = openEviction({ options, context, pods: set, measure, reclaim: () => keeper.removeUnused(), recordNode: (type, reason, message) => recordNode(reason, message, type) });
    void eviction.run();
  }
  const agent = new NodeAgent({ client, clock, random, log, node, ...(options.heartbeatMs !== undefined && { heartbeatMs: options.heartbeatMs }), ...(options.isSimulated && { lookMs: SIMULATED_LOOK_MS }), health: () => healthOf(runtime, eviction?.conditions ?? []), onReady: (isReady) => recordNode(isReady ? 'NodeReady' : 'NodeNotReady', `Node ${nodeName} status is now: ${isReady ? 'NodeReady' : 'NodeNotReady'}`), signal });
  const informer = openInformer(client, podsResource, { fieldSelector: `spec.nodeName=${nodeName}` }, { clock, random, log });
  const ready = begin({ agent, informer, set, context, signal, network: options.network, adapt: options.adapt ?? ((pod) => pod) });
  ready.catch((error: unknown) => log.warn({ error: String(error) }, 'the kubelet could not begin'));
  const timers = keeper ? housekeeping({ runtime, clock, log, keeper, set, informer }) : [];
  return {
    backend: podBackend({ context, find: (namespace, name) => set.find(namespace, name), pages, measure }),
    get podCidrs() {
      return agent.podCidrs;
    },
    ready,
    async stop() {
      aborted.abort();
      for (const timer of timers) timer.cancel();
      agent.stop();
      informer.stop();
      set.stop();
      await close();
    },
  };
}

interface Household extends Pick<KubeletOptions, 'runtime' | 'clock' | 'log'> {
  readonly keeper: ImageKeeper;
  readonly set: PodSet;
  readonly informer: Informer<PodObject>;
}

function housekeeping({ runtime, clock, log, keeper, set, informer }: Household): readonly Timer[] {
  const failed = (what: string) => (error: unknown): void => log.warn({ error: String(error) }, `${what} failed`);
  return [
    every(clock, ROTATE_MS, () => rotateLogs(set.logFiles(), runtime, clock), failed('the rotation of logs')),
    every(clock, IMAGES_MS, () => keeper.look(), failed('looking after images')),
    every(clock, ORPHANS_MS, () => (informer.cache.synced ? set.removeOrphans() : undefined), failed('the removal of orphans')),
  ];
}

interface Beginning {
  readonly agent: NodeAgent;
  readonly informer: Informer<PodObject>;
  readonly set: PodSet;
  readonly context: KubeletContext;
  readonly signal: AbortSignal;
  readonly network: KubeletOptions['network'];
  readonly adapt: NonNullable<KubeletOptions['adapt']>;
}

/** What runs already is found first, so that nothing is started twice. */
async function begin({ agent, informer, set, context, signal, network, adapt }: Beginning): Promise<void> {
  await watchRuntime({ context, onChange: (uid) => set.wake(uid), signal });
  await agent.start();
  if (network) {
    const podCidrs = await agent.awaitPodCidrs(POD_CIDR_TIMEOUT_MS);
    await network(podCidrs.length > 0 ? podCidrs : [DEFAULT_POD_CIDR]);
  }
  await Promise.all([informer.synced(), context.servicesKnown]);
  informer.subscribe(({ type, object }) => (type === 'deleted' ? set.gone(object as never) : set.put(adapt(object as never))));
  await set.removeOrphans();
}

async function describe(options: KubeletOptions): Promise<NodeDescription> {
  const machine = options.machine ?? (await readMachine(options.directory));
  const { capacity, allocatable } = capacityOf(machine, options.maxPods ?? MAX_PODS);
  const { name, version } = await options.runtime.version();
  return {
    name: options.nodeName,
    addresses: options.addresses,
    port: options.port,
    labels: options.labels ?? {},
    taints: options.taints ?? [],
    machine,
    capacity: { ...capacity, ...options.capacity },
    allocatable: { ...allocatable, ...options.capacity },
    runtimeVersion: `${name}://${version}`,
  };
}

async function healthOf(runtime: Runtime, pressures: NonNullable<NodeHealth['pressures']>): Promise<NodeHealth> {
  try {
    return { ...(await runtime.status()), images: await runtime.listImages(), pressures };
  } catch (error) {
    return { runtimeReady: false, networkReady: false, message: (error as Error).message, images: [], pressures };
  }
}
