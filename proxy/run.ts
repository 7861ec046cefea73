/** The proxy's shell: watches Services, their endpoints and nodes, and keeps this node's rules, routes and names in step with them. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { endpointslices, namespaces, nodes, services } from '../api/resources.ts';
import type { Client } from '../client/client.ts';
import { openInformer } from '../client/informer.ts';
import { backoff } from '../std/backoff.ts';
import { type Clock, every } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import { chains } from './chains.ts';
import { type Family, type PortRule, type ProxyNode, compile } from './compile.ts';
import { Records } from './dns/records.ts';
import { type DnsServer, startDnsServer } from './dns/server.ts';
import { nameServers, openUpstream } from './dns/upstream.ts';
import { Iptables } from './iptables.ts';
import { RouteTable } from './route-table.ts';
import { movesRoutes, routesToPods } from './routes.ts';

export interface ProxyOptions {
  readonly client: Client;
  /** Its zone is read from the Node. */
  readonly node: Omit<ProxyNode, 'zone'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Absent: no name server on this node. */
  readonly dns?: { readonly address: string; readonly zone: string; readonly resolvConf: string };
}

export interface Proxy {
  /** Resolves when the rules have been in the kernel once. */
  readonly ready: Promise<void>;
  /** Ends the watching; rules stay, so that traffic goes on while the process restarts. */
  stop(): Promise<void>;
}

/** Others may have changed the kernel's rules: compare with it this often. */
const DISTRUST_MS = 60_000;
/** A line for each of ten thousand nodes. */
const OUTPUT_LIMIT_BYTES = 1024 * 1024;
const RETRY = { baseMs: 500, limitMs: 30_000, jitter: 0.2 };
const SERVICE_NAME = 'kubernetes.io/service-name';
const ZONE = 'topology.kubernetes.io/zone';

export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { client, clock, random, log } = options;
  const tools = { clock, random, log };
  const serviceInformer = openInformer(client, services, {}, tools);
  const sliceInformer = openInformer(client, endpointslices, {
    indexes: { service: (slice) => [`${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_NAME] ?? ''}`] },
  }, tools);
  const nodeInformer = openInformer(client, nodes, {}, tools);
  const dns = options.dns && (await startNames(options, serviceInformer, sliceInformer));

  setKernelSwitches(log);
  const tables: Record<Family, Iptables> = { ipv4: new Iptables('ipv4'), ipv6: new Iptables('ipv6') };
  const ready = Promise.withResolvers<void>();
  let ports: readonly PortRule[] = [];
  let ipv6Used = false;

  const program = async (): Promise<void> => {
    const zone = nodeInformer.cache.get({ name: options.node.name })?.metadata.labels?.[ZONE];
    const rules = compile(serviceInformer.cache.list(), sliceInformer.cache.list(), { ...options.node, ...(zone !== undefined && { zone }) });
    await tables.ipv4.apply(chains(rules, 'ipv4', chainHash));
    ipv6Used ||= rules.ports.some(({ family }) => family === 'ipv6');
    if (ipv6Used) await tables.ipv6.apply(chains(rules, 'ipv6', chainHash));
    await forgetConnections(ports, rules.ports);
    ports = rules.ports;
    ready.resolve();
  };
  const worker = latest(program, (attempt, error) => {
    log.warn({ error: String(error) }, 'cannot program the rules');
    return backoff(attempt, RETRY, random);
  }, clock);

  const table = new RouteTable(runForText);
  const lead = async (): Promise<void> => {
    for (const [{ to, via }, error] of await table.apply(routesToPods(nodeInformer.cache.list(), ownAddresses()))) {
      log.warn({ to, via, error: String(error) }, 'no route to the pods of a node: it is not on a network of this one');
    }
  };
  const guide = latest(lead, (attempt, error) => {
    log.warn({ error: String(error) }, 'cannot set the routes to pods of other nodes');
    return backoff(attempt, RETRY, random);
  }, clock);

  await Promise.all([serviceInformer.synced(), sliceInformer.synced(), nodeInformer.synced()]);
  serviceInformer.subscribe(worker.wake);
  sliceInformer.subscribe(worker.wake);
  nodeInformer.subscribe((change) => {
    if (change.type !== 'updated' || movesRoutes(change.previous, change.object)) guide.wake();
    const isZone = change.object.metadata.name === options.node.name && (change.type !== 'updated' || change.previous.metadata.labels?.[ZONE] !== change.object.metadata.labels?.[ZONE]);
    if (isZone) worker.wake();
  });
  worker.wake();
  guide.wake();
  const audit = every(clock, DISTRUST_MS, () => {
    tables.ipv4.distrust();
    tables.ipv6.distrust();
    table.distrust();
    worker.wake();
    guide.wake();
  }, () => undefined);
  return {
    ready: ready.promise,
    async stop() {
      audit.cancel();
      serviceInformer.stop();
      sliceInformer.stop();
      nodeInformer.stop();
      await Promise.all([worker.stop(), guide.stop()]);
      await dns?.close();
    },
  };
}

/** Takes every rule, every route and the name server's address off this machine. */
export async function clearProxy(dnsAddress: string): Promise<void> {
  await new Iptables('ipv4').clear();
  await new Iptables('ipv6').clear().catch(() => undefined);
  await new RouteTable(runForText).clear();
  await run('ip', ['addr', 'del', `${dnsAddress}/32`, 'dev', 'lo']).catch(() => undefined);
}

/** Runs a task when woken, never twice at once, and once more when it was woken meanwhile. */
function latest(task: () => Promise<void>, delayAfter: (attempt: number, error: unknown) => number, clock: Clock): { wake(): void; stop(): Promise<void> } {
  let wanted = false;
  let running: Promise<void> | undefined;
  let attempt = 0;
  let stopped = false;
  const wake = (): void => {
    wanted = true;
    running ??= loop().finally(() => (running = undefined));
  };
  const loop = async (): Promise<void> => {
    // All changes of one turn of the event loop become one programming.
    await new Promise((resolve) => setImmediate(resolve));
    while (wanted && !stopped) {
      wanted = false;
      try {
        await task();
        attempt = 0;
      } catch (error) {
        clock.after(delayAfter(attempt++, error), wake);
      }
    }
  };
  return {
    wake,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

type Informers = { service: ReturnType<typeof openInformer<import('../api/types/core.v1.ts').Service>>; slice: ReturnType<typeof openInformer<import('../api/types/discovery.v1.ts').EndpointSlice>> };

async function startNames(options: ProxyOptions, service: Informers['service'], slice: Informers['slice']): Promise<DnsServer> {
  const { client, clock, random, log } = options;
  const { address, zone, resolvConf } = options.dns as NonNullable<ProxyOptions['dns']>;
  const records = new Records(zone);
  const refresh = (key: string): void => {
    const [namespace = '', name = ''] = key.split('/');
    records.set(key, service.cache.get({ namespace, name }), slice.cache.by('service', key));
  };
  service.subscribe(({ object }) => refresh(`${object.metadata.namespace}/${object.metadata.name}`));
  slice.subscribe((event) => {
    refresh(`${event.object.metadata.namespace}/${event.object.metadata.labels?.[SERVICE_NAME] ?? ''}`);
    if (event.type === 'updated') refresh(`${event.object.metadata.namespace}/${event.previous.metadata.labels?.[SERVICE_NAME] ?? ''}`);
  });
  const known = openInformer(client, namespaces, {}, { clock, random, log });
  await addAddress(address);
  const upstream = openUpstream(() => nameServers(resolvConf, [address]), clock);
  const server = await startDnsServer({ address, port: 53, records, hasNamespace: (name) => known.cache.get({ name }) !== undefined, upstream, clock, random });
  return {
    port: server.port,
    async close() {
      known.stop();
      await server.close();
    },
  };
}

/** Pods send to the cluster's DNS address; on this very node it is answered. */
async function addAddress(address: string): Promise<void> {
  if (address.startsWith('127.')) return;
  await run('ip', ['addr', 'replace', `${address}/32`, 'dev', 'lo', 'scope', 'host']);
}

/** Without these, packets of pods and of local node ports are not routed, or pass the bridge without our rules. */
function setKernelSwitches(log: ProxyOptions['log']): void {
  for (const [name, isRequired] of [['net/ipv4/ip_forward', true], ['net/ipv4/conf/all/route_localnet', true], ['net/bridge/bridge-nf-call-iptables', false]] as const) {
    try {
      writeFileSync(`/proc/sys/${name}`, '1');
    } catch (error) {
      if (isRequired) log.warn({ error: String(error) }, `cannot set ${name}`);
    }
  }
}

/** Datagrams follow the connection that the kernel remembers: those to backends that are gone must be forgotten. */
async function forgetConnections(before: readonly PortRule[], after: readonly PortRule[]): Promise<void> {
  const left = new Map(after.map((rule) => [`${rule.id} ${rule.family}`, rule]));
  for (const rule of before) {
    if (rule.protocol !== 'udp') continue;
    const now = new Set(left.get(`${rule.id} ${rule.family}`)?.internal.map(({ ip }) => ip));
    for (const { ip } of rule.internal) {
      if (!now.has(ip)) await run('conntrack', ['-D', '-p', 'udp', '--orig-dst', rule.clusterIp, '--dst-nat', ip]).catch(() => undefined);
    }
    // Where there was no backend, the kernel may remember that packets went nowhere.
    if (rule.internal.length === 0 && now.size > 0) await run('conntrack', ['-D', '-p', 'udp', '--orig-dst', rule.clusterIp]).catch(() => undefined);
  }
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address)));
}

function chainHash(text: string): string {
  return createHash('sha256').update(text).digest('base64').replaceAll(/[+/=]/g, '').slice(0, 16).toUpperCase();
}

const runFile = promisify(execFile);

function run(program: string, args: readonly string[]): Promise<{ readonly stdout: string }> {
  return runFile(program, [...args], { env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }, maxBuffer: OUTPUT_LIMIT_BYTES });
}

async function runForText(program: string, args: readonly string[]): Promise<string> {
  return (await run(program, args)).stdout;
}
