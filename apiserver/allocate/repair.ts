/** Brings reservations and Services together again: what a crash between the two writes has left. */
import { servicecidrs, services } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { Service } from '../../api/types/core.v1.ts';
import type { Core } from '../core.ts';
import { storedState } from '../objects/current.ts';
import { timestamp } from '../objects/prepare.ts';
import type { Resource } from '../resource.ts';
import { groupVersion } from '../resource.ts';
import type { IpRange } from './ip-range.ts';
import { ADDRESSES, ownerOf, PORTS, type Owner, type Reservations } from './reservations.ts';
import { holdingsOf } from './service-fields.ts';

/** A reservation this young may belong to a Service that is just being written. */
const YOUNG_MS = 60_000;

export async function repairReservations(core: Core, reservations: Reservations, range: IpRange): Promise<void> {
  await ensureRange(core, range);
  const resource = core.registry.find(services.group, services.version, services.resource);
  if (!resource) return;
  await resource.cache.fresh();
  const wanted = new Map<string, Owner>();
  for (const { object, namespace, name } of resource.cache.list({}).items) {
    const { addresses, ports } = holdingsOf((object as unknown as Service).spec);
    for (const address of addresses) if (range.indexOf(address) !== undefined) wanted.set(ADDRESSES + address, { namespace, name });
    for (const port of ports) wanted.set(`${PORTS}${port}`, { namespace, name });
  }
  const horizon = timestamp(core.clock.now() - YOUNG_MS);
  for (const prefix of [ADDRESSES, PORTS]) {
    for (const { key, value } of (await core.store.list(prefix)).entries) {
      const held = ownerOf(value);
      const right = wanted.get(key);
      wanted.delete(key);
      if (!held || (right && right.namespace === held.namespace && right.name === held.name)) continue;
      if (right) await reservations.release(key, held);
      else if (held.since < horizon && !(await holds(core, resource, held, key))) await reservations.release(key, held);
      if (right) wanted.set(key, right);
    }
  }
  for (const [key, owner] of wanted) await reservations.take(key, owner);
}

/** Asked of the store itself: the cache may lag behind a Service that was just written. */
async function holds(core: Core, resource: Resource, { namespace, name }: Owner, key: string): Promise<boolean> {
  const state = await storedState(core, resource, resource.key(namespace, name));
  const { addresses, ports } = holdingsOf((state?.object as unknown as Service | undefined)?.spec);
  return key.startsWith(ADDRESSES) ? addresses.has(key.slice(ADDRESSES.length)) : ports.has(Number(key.slice(PORTS.length)));
}

const RANGE_NAME = 'kubernetes';

/** The range is an object too: what else needs addresses looks there. */
async function ensureRange({ registry, reader, writer, clock }: Core, range: IpRange): Promise<void> {
  if (!registry.find(servicecidrs.group, servicecidrs.version, servicecidrs.resource)) return;
  if (await reader.getFresh(servicecidrs, '', RANGE_NAME)) return;
  const apiVersion = groupVersion(servicecidrs.group, servicecidrs.version);
  try {
    const metadata = { name: RANGE_NAME, finalizers: ['networking.k8s.io/service-cidr-finalizer'] };
    const made = await writer.create(servicecidrs, { kind: 'ServiceCIDR', apiVersion, metadata, spec: { cidrs: [range.text] } });
    const ready = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready', lastTransitionTime: timestamp(clock.now()) };
    await writer.update(servicecidrs, { ...made, status: { conditions: [ready] } } as never, 'status');
  } catch (error) {
    if (!isReason(error, 'AlreadyExists') && !isReason(error, 'Conflict')) throw error;
  }
}
