/** Puts together what the workers of all pods share, for a real node or a simulated one. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runtimeclasses, services as servicesResource } from '../api/resources.ts';
import type { Service } from '../api/types/core.v1.ts';
import type { Informer } from '../client/client.ts';
import { type Recorder, openRecorder } from '../client/events.ts';
import { openInformer } from '../client/informer.ts';
import type { KubeletContext, NodeFacts } from './context.ts';
import { type Dns, parseResolvConf } from './dns.ts';
import { Gate } from '../std/gate.ts';
import { Images } from './images.ts';
import { meteredRuntime } from './metrics/metered-runtime.ts';
import type { NodeDescription } from './node-object.ts';
import { Observation } from './observation.ts';
import { LABELS, containerPath } from './pod.ts';
import { NO_FILES, type PodFiles, openPodFiles } from './pod-files.ts';
import { NO_REFERENCES, type References, openReferences } from './references.ts';
import type { KubeletOptions } from './options.ts';
import { restartCount } from './status-containers.ts';
import { Tokens } from './volumes/tokens.ts';
import { Volumes } from './volumes/volumes.ts';

export interface ContextOptions extends KubeletOptions {
  readonly node: NodeDescription;
  readonly signal: AbortSignal;
  /** An object that these pods name has changed. */
  readonly onReference: (podUids: readonly string[]) => void;
}

export interface OpenedContext {
  readonly context: KubeletContext;
  readonly recorder: Recorder;
  close(): Promise<void>;
}

const CLUSTER_DNS = '10.96.0.10';
const CLUSTER_DOMAIN = 'cluster.local';
const SANDBOXES_AT_ONCE = 16;
const NO_DNS: Dns = { servers: [], searches: [], options: [] };

export async function openContext(options: ContextOptions): Promise<OpenedContext> {
  const { client, nodeName, clock, random, log, signal } = options;
  const runtime = options.series ? meteredRuntime(options.runtime, options.series, clock) : options.runtime;
  const isSimulated = options.isSimulated === true;
  const tools = { clock, random, log };
  const recorder = options.recorder ?? openRecorder({ client, clock, component: 'kubelet', log });
  const references = isSimulated ? NO_REFERENCES : openReferences({ client, ...tools, onChange: options.onReference });
  const own: Informer<Service> | undefined = isSimulated || options.services ? undefined : openInformer(client, servicesResource, {}, tools);
  const services = options.services ?? own;
  const files = isSimulated ? NO_FILES : filesOf(options, references);
  const host = isSimulated ? NO_DNS : parseResolvConf(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''));
  const context: KubeletContext = {
    client,
    runtime,
    ...tools,
    node: factsOf(options),
    dns: { servers: options.clusterDns ?? [CLUSTER_DNS], domain: options.clusterDomain ?? CLUSTER_DOMAIN, host },
    images: new Images(runtime, clock, options.series),
    observation: new Observation(runtime, clock, ({ labels, name: container, ...rest }) => {
      const { [LABELS.podName]: name, [LABELS.podNamespace]: namespace, [LABELS.podUid]: uid } = labels;
      const run = restartCount({ labels, name: container, ...rest });
      return name && namespace && uid ? join(files.logDirectory({ name, namespace, uid }), container, `${run}.log`) : undefined;
    }),
    references,
    files,
    services: () => services?.cache.list() ?? [],
    servicesKnown: services?.synced() ?? Promise.resolve(),
    record(pod, { type, reason, message, annotations }, spec) {
      const { name, namespace, uid, resourceVersion } = pod.metadata;
      recorder.record({ about: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid, resourceVersion, ...(spec && { fieldPath: containerPath(pod, spec) }) }, type, reason, message, host: nodeName, ...(annotations && { annotations }) });
    },
    sandboxGate: new Gate(SANDBOXES_AT_ONCE),
    isSimulated,
    series: options.series,
    runtimeHandler: async (pod) => (pod.spec.runtimeClassName ? (await client.get(runtimeclasses, { name: pod.spec.runtimeClassName })).handler : ''),
    signal,
  };
  return {
    context,
    recorder,
    async close() {
      own?.stop();
      if (!options.recorder) await recorder.flush();
    },
  };
}

function factsOf({ nodeName, addresses, node }: ContextOptions): NodeFacts {
  return {
    name: nodeName,
    hostIps: addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
    allocatable: node.allocatable,
    memoryBytes: node.machine.memoryBytes,
    runtimeName: node.runtimeVersion.split('://')[0] ?? '',
  };
}

function filesOf({ client, clock, directory, series, log, clusterDomain = CLUSTER_DOMAIN }: ContextOptions, { configMap, secret }: References): PodFiles {
  const volumes = new Volumes({ directory: join(directory, 'pods'), client, tokens: new Tokens(client, clock), configMap, secret, log, onMount: series && ((plugin) => series.mounting(plugin)) });
  return openPodFiles({ directory, volumes, clusterDomain });
}
