/** The Service `kubernetes`: how pods reach the API servers. Each server keeps a lease with its address while it runs. */
import { endpoints, endpointslices, services } from '../../api/resources.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { ApiObject } from '../../api/kind.ts';
import { every } from '../../std/clock.ts';
import { deepEqual } from '../../std/deep.ts';
import type { Core } from '../core.ts';
import { familyOf, type IpRange } from './ip-range.ts';
import { Conflict } from '../storage/store.ts';

export interface AdvertiseOptions {
  readonly address: string;
  readonly port: number;
  /** Whose first address is the Service's. */
  readonly range: Pick<IpRange, 'at' | 'family'>;
}

export interface Advertising {
  close(): Promise<void>;
}

const LEASES = '/registry/masterleases/';
const LEASE_SECONDS = 15;
const RENEW_MS = 10_000;
const NAMESPACE = 'default';
const NAME = 'kubernetes';

export async function advertiseServer(core: Core, options: AdvertiseOptions): Promise<Advertising> {
  const renew = async (): Promise<void> => {
    await ensureService(core, options);
    if (isLoopback(options.address)) return;
    await keepLease(core, options.address);
    await publish(core, options.port);
  };
  await renew();
  const timer = every(core.clock, RENEW_MS, renew, (error) => core.log.error('the endpoints of the kubernetes Service', error));
  return {
    async close() {
      timer.cancel();
      const entry = await core.store.get(LEASES + options.address).catch(() => undefined);
      if (entry) await core.store.write(entry.key, entry.revision, undefined).catch(() => undefined);
      // Nobody is sent here any more; where the store has gone too, the others see to it.
      await publish(core, options.port).catch(() => undefined);
    },
  };
}

/** Endpoints may not be such addresses: on a machine without any other, the Service leads nowhere. */
function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

async function keepLease({ store }: Core, address: string): Promise<void> {
  const key = LEASES + address;
  const entry = await store.get(key);
  try {
    await store.write(key, entry?.revision ?? 0, Buffer.from(JSON.stringify({ address })), { ttlSeconds: LEASE_SECONDS, relaxed: true });
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
  }
}

async function ensureService({ reader, writer }: Core, { port, range }: AdvertiseOptions): Promise<void> {
  if (reader.get(services, NAMESPACE, NAME) ?? (await reader.getFresh(services, NAMESPACE, NAME))) return;
  const serviceAddress = range.at(0);
  const service: ApiObject = {
    kind: 'Service', apiVersion: 'v1', metadata: { name: NAME, namespace: NAMESPACE, labels: { component: 'apiserver', provider: NAME } },
    spec: {
      clusterIP: serviceAddress, type: 'ClusterIP', sessionAffinity: 'None', ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    },
  };
  await unless('AlreadyExists', writer.create(services, service));
}

async function publish(core: Core, port: number): Promise<void> {
  const leases = (await core.store.list(LEASES)).entries;
  const addresses = leases.map(({ key }) => key.slice(LEASES.length)).sort();
  // The last one to go leaves its address: pods that still ask find a closed door, not none.
  if (addresses.length === 0) return;
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  await ensure(core, endpoints, {
    kind: 'Endpoints', apiVersion: 'v1',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports }],
  });
  await ensure(core, endpointslices, {
    kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: familyOf(addresses[0] ?? ''),
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports,
  });
}

async function ensure<T>({ reader, writer }: Core, ref: ResourceRef<T>, wanted: ApiObject): Promise<void> {
  const current = (await reader.getFresh(ref, NAMESPACE, NAME)) as ApiObject | undefined;
  if (!current) return unless('AlreadyExists', writer.create(ref, wanted));
  const { kind: _k, apiVersion: _v, metadata, ...fields } = wanted;
  if (Object.entries(fields).every(([name, value]) => deepEqual(value, current[name]))) return;
  const next = { ...current, ...fields, metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...metadata.labels } } };
  await unless('Conflict', writer.update(ref, next));
}

/** Another API server does the same. */
async function unless(reason: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isReason(error, reason)) throw error;
  }
}
