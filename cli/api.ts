/** Opens the API server of this process: its store, its certificates, its port. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { availableParallelism } from 'node:os';
import { parseRange } from '../apiserver/allocate/ip-range.ts';
import { followTokenSecrets } from '../apiserver/auth/token-secrets.ts';
import { type Pki, openPki } from '../apiserver/pki/pki.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { EtcdOptions } from '../apiserver/storage/etcd.ts';
import type { Store } from '../apiserver/storage/store.ts';
import { leaseName } from '../apiserver/upkeep/identity-lease.ts';
import { storageSize } from '../apiserver/metrics/storage-size.ts';
import type { Check } from '../apiserver/readiness.ts';
import type { Clock } from '../std/clock.ts';
import { Meter } from '../std/meter.ts';
import type { Random } from '../std/random.ts';
import { pkiDirectory } from './credentials.ts';
import { type ApiServerFlags, DEFAULT_PORT, SERVICE_CIDR } from './flags.ts';
import type { Log } from './log.ts';
import { machineAddress } from './machine-address.ts';
import { openServer } from './open-server.ts';
import { portHolder, portIsFree } from './port-holder.ts';
import { identityOf, servingOptions, stopLimitMs } from './serving-options.ts';
import type { Stopper } from './stopper.ts';
import type { Bounds } from './thread-balance.ts';

export interface Api {
  readonly server: ApiServer;
  readonly pki: Pki;
  /** How this machine reaches it: `https://127.0.0.1:6443`. */
  readonly url: string;
  /** How other machines and pods reach it. */
  readonly address: string;
  readonly port: number;
}

export interface OpenApiOptions {
  readonly flags: ApiServerFlags;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly stopper: Stopper;
}

export async function openApi(options: OpenApiOptions): Promise<Api> {
  const { flags, dataDir, clock, random, log, stopper } = options;
  const address = flags.advertiseAddress ?? machineAddress();
  const pki = await openPki({
    directory: pkiDirectory(dataDir),
    clock,
    random,
    addresses: [address, ...serviceAddresses(flags), ...(flags.bindAddress && !isAny(flags.bindAddress) ? [flags.bindAddress] : [])],
    onError: (error) => log.error({ error: String(error) }, 'cannot renew certificates'),
  });
  stopper.add('certificates', () => pki.close());
  const meter = new Meter();
  const checks: Check[] = [];
  const store = await openStore({ ...options, meter, checks });
  stopper.add('store', () => store.close());
  const serving = await servingOptions(flags, { clock, log });
  const bounds = boundsOf(flags);
  const threads = bounds.most > 0 ? new (await import('./server-threads.ts')).ServerThreads() : undefined;
  const server = await openServer({ flags, store, pki, clock, random, log, stopper }, { ...serving, meter, checks, ...(threads && { companions: threads }) });
  const wanted = flags.port ?? DEFAULT_PORT;
  const host = flags.bindAddress ?? '0.0.0.0';
  // A port that is shared among threads would be shared with another such server as well.
  const listener = await (threads ? portIsFree(wanted, host) : Promise.resolve()).then(() => server.listen({ port: wanted, host, shared: threads !== undefined })).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') throw new Error(`port ${wanted} of ${host} is in use by ${portHolder(wanted) ?? 'another program'}; stop it, or choose another with --port (0 takes any free one)`);
    if (error.code === 'EADDRNOTAVAIL') throw new Error(`${host} is no address of this machine; choose another with --bind-address`);
    throw error;
  });
  await server.advertise(address, listener.port);
  const secrets = followTokenSecrets({ reader: server.reader, writer: server.writer, tokens: server.tokens, caPem: pki.caPem, onError: (error) => log.warn({ error: String(error) }, 'cannot fill a token Secret') });
  stopper.add('token Secrets', () => secrets.close());
  if (threads) {
    stopper.add('server threads', () => threads.close(), stopLimitMs(flags));
    await threads.start({ bounds, listener, flags, dataDir, host, port: listener.port, pki, server, audit: serving.audit?.backends ?? [], checks, store: storeKind(flags) === 'etcd' ? undefined : store, clock, log });
  }
  const local = isAny(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return { server, pki, url: `https://${local}:${listener.port}`, address, port: listener.port };
}

/** How many further threads answer requests; the first thread takes a core as well. */
function boundsOf({ serverThreads = 0 }: ApiServerFlags): Bounds {
  return serverThreads === 'auto' ? { least: 0, most: availableParallelism() - 1 } : { least: serverThreads, most: serverThreads };
}

/** By which pods know the API server: the first of each range of Services. */
function serviceAddresses({ serviceClusterIpRange }: ApiServerFlags): string[] {
  return (serviceClusterIpRange ?? SERVICE_CIDR).split(',').map((text) => parseRange(text.trim()).at(0));
}

function storeKind(flags: ApiServerFlags): 'sqlite' | 'etcd' | 'memory' {
  return flags.etcdServers ? 'etcd' : (flags.store ?? 'sqlite');
}

export interface OpenStoreOptions extends OpenApiOptions {
  readonly meter: Meter;
  /** What must be well for the server to be ready is put there. */
  readonly checks: Check[];
}

export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { flags, dataDir, clock, log } = options;
  const encryption = { ...options, identity: leaseName(identityOf(flags.port)), reload: flags.encryptionProviderConfigAutomaticReload ?? false };
  const configFile = flags.encryptionProviderConfig;
  const kind = storeKind(flags);
  if (kind === 'memory') return (await import('../apiserver/storage/memory.ts')).openMemory({ clock });
  if (kind === 'sqlite') {
    const { openSqlite } = await import('../apiserver/storage/sqlite.ts');
    const path = join(dataDir, 'state.db');
    const store = await openSqlite({ path, clock, log: (message) => log.warn({}, message) });
    storageSize(options.meter, () => statSync(path, { throwIfNoEntry: false })?.size);
    try {
      return await (await import('./encryption.ts')).encryptLocally(store, { ...encryption, configFile });
    } catch (error) {
      await store.close();
      throw error;
    }
  }
  const endpoints = (flags.etcdServers ?? 'http://127.0.0.1:2379').split(',').map((url) => url.trim()).filter(Boolean);
  const { openEtcd } = await import('../apiserver/storage/etcd.ts');
  const store = await openEtcd({ endpoints, clock, log: (message) => log.warn({}, message), ...etcdAccess(flags) });
  storageSize(options.meter, () => store.size());
  try {
    // Asked at once, so that a wrong address ends the command instead of a server that never gets ready.
    await store.revision();
  } catch (error) {
    await store.close();
    throw error;
  }
  return configFile === undefined ? store : (await import('./encryption.ts')).encryptByConfig(store, configFile, encryption);
}

/** With what this server shows itself to etcd, and below which key it keeps everything. */
function etcdAccess({ etcdCafile, etcdCertfile, etcdKeyfile, etcdPrefix }: ApiServerFlags): Pick<EtcdOptions, 'credentials' | 'prefix'> {
  if ((etcdCertfile === undefined) !== (etcdKeyfile === undefined)) throw new Error('--etcd-certfile and --etcd-keyfile go together');
  if (etcdCafile === undefined && etcdCertfile !== undefined) throw new Error('--etcd-certfile needs --etcd-cafile');
  const pair = etcdCertfile && etcdKeyfile ? { certChain: readFileSync(etcdCertfile), privateKey: readFileSync(etcdKeyfile) } : {};
  return { ...(etcdPrefix && { prefix: etcdPrefix }), ...(etcdCafile && { credentials: { rootCertificate: readFileSync(etcdCafile), ...pair } }) };
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}
