/** Opens the API server of this process: its store, its certificates, its port. */
import { join } from 'node:path';
import { networkInterfaces } from 'node:os';
import { type Pki, openPki } from '../apiserver/pki/pki.ts';
import { type ApiServer, createApiServer } from '../apiserver/server.ts';
import type { Store } from '../apiserver/storage/store.ts';
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import { pkiDirectory } from './credentials.ts';
import { type ApiServerFlags, DEFAULT_PORT, SERVICE_CIDR } from './flags.ts';
import type { Log } from './log.ts';
import type { Stopper } from './stopper.ts';

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
    addresses: [address, ...(flags.bindAddress && !isAny(flags.bindAddress) ? [flags.bindAddress] : [])],
    onError: (error) => log.error({ error: String(error) }, 'cannot renew certificates'),
  });
  stopper.add('certificates', () => pki.close());
  const store = await openStore(options);
  stopper.add('store', () => store.close());
  const server = createApiServer({
    store,
    pki,
    clock,
    random,
    log: { info: (message) => log.info({}, message), error: (message, error) => log.error({ error: error instanceof Error ? error.stack : error }, message) },
    serviceRange: flags.serviceClusterIpRange ?? SERVICE_CIDR,
  });
  stopper.add('API server', () => server.close());
  const wanted = flags.port ?? DEFAULT_PORT;
  const host = flags.bindAddress ?? '0.0.0.0';
  const listener = await server.listen({ port: wanted, host }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE') throw new Error(`port ${wanted} of ${host} is in use by another program; stop it, or choose another with --port (0 takes any free one)`);
    if (error.code === 'EADDRNOTAVAIL') throw new Error(`${host} is no address of this machine; choose another with --bind-address`);
    throw error;
  });
  await server.advertise(address, listener.port);
  const local = isAny(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return { server, pki, url: `https://${local}:${listener.port}`, address, port: listener.port };
}

async function openStore({ flags, dataDir, clock, log }: OpenApiOptions): Promise<Store> {
  const kind = flags.etcdServers ? 'etcd' : (flags.store ?? 'sqlite');
  if (kind === 'memory') return (await import('../apiserver/storage/memory.ts')).openMemory({ clock });
  if (kind === 'sqlite') {
    const { openSqlite } = await import('../apiserver/storage/sqlite.ts');
    return openSqlite({ path: join(dataDir, 'state.db'), clock, log: (message) => log.warn({}, message) });
  }
  const endpoints = (flags.etcdServers ?? 'http://127.0.0.1:2379').split(',').map((url) => url.trim()).filter(Boolean);
  const { openEtcd } = await import('../apiserver/storage/etcd.ts');
  return openEtcd({ endpoints });
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** The first address of this machine that others may know it by. */
export function machineAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.find(({ internal, family, address }) => !internal && family === 'IPv4' && !address.startsWith('169.254.'))?.address ?? '127.0.0.1';
}
