/** The node of this process: what runs its containers, the node agent over it, and simulated nodes beside. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseYaml } from '../api/codec/yaml.ts';
import { openClient } from '../client/open-client.ts';
import type { Client } from '../client/client.ts';
import { openRecorder } from '../client/events.ts';
import type { KubeletBackend } from '../kubelet/backend.ts';
import type { HollowNode, HollowNodeOptions } from '../kubelet/hollow-node.ts';
import { checkRules, type HollowRules } from '../kubelet/runtime/hollow-behaviour.ts';
import { type KubeletSeries, openSeries } from '../kubelet/metrics/series.ts';
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import { machineAddress } from './machine-address.ts';
import { NODE_COMPONENTS, ensure } from './components.ts';
import type { Running } from './running.ts';
import { pkiDirectory, servingFiles } from './credentials.ts';
import { defaultDataDir } from './data-dir.ts';
import { flagTexts } from './flag-texts.ts';
import { DNS_ADDRESS, KUBELET_PORT } from './flags.ts';
import type { Log } from './log.ts';
import { type OpenedRuntime, openContainers } from './containers.ts';
import type { Stopper } from './stopper.ts';
import type { Context } from './up-context.ts';

export type RuntimeChoice = 'cri' | 'hollow' | 'none';

interface Wish {
  readonly runtime?: 'auto' | 'cri' | 'hollow' | 'none';
  readonly criSocket?: string;
}

/** Real containers where that is possible; otherwise a simulated node, and a sentence that says so. */
export function chooseRuntime(flags: Wish, say: (line: string) => void): RuntimeChoice {
  const wanted = flags.runtime ?? 'auto';
  if (wanted === 'hollow' || wanted === 'none') return wanted;
  const obstacle = obstacleTo(flags, say);
  if (!obstacle) return 'cri';
  if (wanted === 'cri') throw new Error(`cannot run containers: ${obstacle}`);
  say(`This node is simulated, its pods run no processes: ${obstacle}.`);
  return 'hollow';
}

function obstacleTo(flags: Wish, say: (line: string) => void): string | undefined {
  if (process.platform !== 'linux') return 'real containers need Linux';
  if (process.getuid?.() !== 0) return 'real containers need root';
  if (flags.criSocket) return undefined;
  const setup = ensure(NODE_COMPONENTS, say);
  return setup.ok ? undefined : setup.why;
}

/** What of the command line is a node's. */
type NodeFlags = Partial<Record<(typeof NODE_FLAGS)[number], unknown>>;
const NODE_FLAGS = ['dataDir', 'runtime', 'criSocket', 'nodeName', 'nodeIp', 'port', 'kubeconfig'] as const;

interface Parts {
  readonly client: Client;
  readonly nodeName: string;
  readonly dataDir: string;
  readonly address: string;
  readonly port: number;
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly series: KubeletSeries;
  readonly flags: NodeFlags;
  readonly clientCaFile?: string;
  readonly evictionHard?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stopper: Stopper;
}

/** A machine that is not a node alone has its disks fuller than one that is. */
const ON_SHARED_MACHINE = { 'memory.available': '100Mi', 'nodefs.available': '5%', 'nodefs.inodesFree': '5%', 'imagefs.available': '5%', 'imagefs.inodesFree': '5%' };

/** The node of `coracle up`, and as many simulated ones as were asked for. */
export async function startNode(context: Context, runtime: RuntimeChoice): Promise<void> {
  const { api, doors, nodeName, flags, dataDir, clock, random, log, stopper } = context;
  const common = { dataDir, clock, random, log, stopper };
  if (runtime !== 'none') {
    const pair = await api.pki.servingCertificate({ names: [nodeName], ips: [api.address, '127.0.0.1'], commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] });
    const client = openClient(doors(`kubelet:${nodeName}`), { userAgent: 'kubelet' });
    const parts: Parts = { ...common, series: openSeries(clock), flags, evictionHard: flags.evictionHard ?? ON_SHARED_MACHINE, clientCaFile: join(pkiDirectory(dataDir), 'ca.crt'), client, nodeName, address: api.address, port: KUBELET_PORT, tls: { key: pair.keyPem, cert: pair.certPem, ca: api.pki.caPem } };
    if (runtime === 'cri') await startRealNode(parts, flags.criSocket);
    else await startHollowNode(parts);
  }
  if (flags.hollowNodes) startSimulations(context, flags.hollowNodes);
}

/** More would come to the API server at once than it lets in. */
const STARTING_AT_ONCE = 16;

/** They come one after the other; what they say goes through one recorder. They have no ports of their own to be asked at. */
function startSimulations({ api, doors, flags, clock, random, log, stopper }: Context, count: number): void {
  const rules = readRules(flags.hollowRules);
  const clientOf = (name: string): Client => openClient(doors(`kubelet:${name}`), { userAgent: 'kubelet' });
  const recorder = openRecorder({ client: clientOf('hollow-0'), clock, component: 'kubelet', log });
  const nodes: HollowNode[] = [];
  let isStopping = false;
  let next = 0;
  const startOnes = async (): Promise<void> => {
    while (next < count && !isStopping) {
      const nodeName = `hollow-${next++}`;
      const node = await startSimulation({ client: clientOf(nodeName), nodeName, address: api.address, port: KUBELET_PORT, clock, random, log, recorder, ...(rules && { rules }) });
      nodes.push(node);
      api.server.statistics.provide(nodeName, () => node.backend.summary(), async (request) => (await import('../kubelet/server/direct.ts')).askDirectly(node.backend, request));
      await node.ready;
    }
  };
  for (let i = 0; i < STARTING_AT_ONCE; i++) startOnes().catch((error: unknown) => log.error({ error: String(error) }, 'a simulated node cannot start'));
  stopper.add('simulated nodes', async () => {
    isStopping = true;
    await Promise.all(nodes.map(stopSimulation));
    recorder.stop();
  });
}

/** `coracle kubelet`: the node agent in a process of its own. */
export async function startKubeletAlone(running: Running): Promise<void> {
  const { flags, door, connection, nodeName, clock, random, log, stopper } = running;
  const files = servingFiles(flags.kubeconfig);
  const tls = { key: readFileSync(files.key, 'utf8'), cert: readFileSync(files.cert, 'utf8'), ca: connection.ca ?? '' };
  const runtime = chooseRuntime(flags, (line) => console.log(line));
  const parts: Parts = {
    client: openClient(door, { userAgent: 'kubelet' }),
    nodeName,
    dataDir: flags.dataDir ?? defaultDataDir(),
    address: flags.nodeIp ?? machineAddress(),
    port: flags.port ?? KUBELET_PORT,
    tls,
    series: running.series ?? openSeries(clock),
    flags,
    ...(flags.evictionHard && { evictionHard: flags.evictionHard }),
    clock,
    random,
    log,
    stopper,
  };
  if (runtime === 'cri') await startRealNode(parts, flags.criSocket);
  else await startHollowNode(parts);
}

async function startRealNode(parts: Parts, criSocket: string | undefined): Promise<void> {
  const { client, nodeName, dataDir, address, series, clock, random, log, stopper } = parts;
  const { startKubelet } = await import('../kubelet/run.ts');
  const containers: OpenedRuntime = await openContainers({ dataDir, criSocket, clock, log, stopper });
  const port = await startServer(parts, () => kubelet.backend);
  const kubelet = await startKubelet({
    client,
    runtime: containers.runtime,
    nodeName,
    directory: join(dataDir, 'kubelet'),
    clock,
    random,
    log,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: nodeName },
    ],
    port,
    clusterDns: [DNS_ADDRESS],
    series,
    flags: flagTexts(Object.fromEntries(NODE_FLAGS.flatMap((name) => (parts.flags[name] === undefined ? [] : [[name, parts.flags[name]]])))),
    ...(parts.clientCaFile && { clientCaFile: parts.clientCaFile }),
    ...(parts.evictionHard && { evictionHard: parts.evictionHard }),
    ...(containers.network && { network: containers.network }),
  });
  stopper.add('kubelet', () => kubelet.stop());
}

async function startHollowNode(parts: Parts): Promise<void> {
  let backend: KubeletBackend | undefined;
  const port = await startServer(parts, () => backend as KubeletBackend);
  const node = await startSimulation({ ...parts, port });
  parts.stopper.add(`node ${parts.nodeName}`, () => stopSimulation(node));
  ({ backend } = node);
}

/** Throws a sentence that names the file. */
function readRules(file: string | undefined): HollowRules | undefined {
  if (file === undefined) return undefined;
  try {
    return checkRules(parseYaml(readFileSync(file, 'utf8')).value);
  } catch (error) {
    throw new Error(`--hollow-rules ${file}: ${(error as Error).message}`, { cause: error });
  }
}

type Simulation = Pick<Parts, 'client' | 'nodeName' | 'address' | 'port' | 'clock' | 'random' | 'log'> & Pick<HollowNodeOptions, 'rules' | 'recorder'>;

async function startSimulation({ nodeName, ...parts }: Simulation): Promise<HollowNode> {
  const { startHollowNode: start } = await import('../kubelet/hollow-node.ts');
  return start({ ...parts, name: nodeName });
}

async function stopSimulation(node: HollowNode): Promise<void> {
  await node.stop();
  await node.runtime.close();
}

/** The kubelet's server; on a port of its own choice where the usual one is taken. */
async function startServer({ address, port, tls, client, nodeName, series, clock, log, stopper }: Parts, backend: () => KubeletBackend): Promise<number> {
  const [{ startKubeletServer }, { openAccess }] = await Promise.all([import('../kubelet/server/server.ts'), import('../kubelet/server/access.ts')]);
  series.certificate(Date.parse(new X509Certificate(tls.cert).validTo));
  const late = new Proxy({} as KubeletBackend, { get: (_, name) => Reflect.get(backend(), name) as unknown });
  const options = {
    address, tls, backend: late, clock, access: openAccess({ client, nodeName, clock, log }),
    onRequest: (method: string, path: string) => series.requested(method, path), onWebSocket: (stream: string) => series.webSocketStream(stream),
  };
  const server = await startKubeletServer({ ...options, port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return startKubeletServer({ ...options, port: 0 });
  });
  stopper.add('kubelet server', () => server.close());
  return server.port;
}

