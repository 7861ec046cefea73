/** Brings reservations and Services together again: what a crash between the two writes has left. */
import { services } from '../../api/resources.ts';
import type { Service } from '../../api/types/core.v1.ts';
import type { Core } from '../core.ts';
import { storedState } from '../objects/current.ts';
import { timestamp } from '../../api/timestamp.ts';
import type { Resource } from '../registry/resource.ts';
import { ADDRESSES, ownerOf, PORTS, type Owner, type Reservations } from './reservations.ts';
import { holdingsOf } from './service-fields.ts';
import type { ServiceRanges } from './service-ranges.ts';

/** A reservation this young may belong to a Service that is just being written. */
const YOUNG_MS = 60_000;

export async function repairReservations(core: Core, reservations: Reservations, ranges: ServiceRanges): Promise<void> {
  const resource = core.registry.find(services.group, services.version, services.resource);
  if (!resource) return;
  await resource.cache.fresh();
  const known = ranges.all();
  const wanted = new Map<string, Owner>();
  for (const { object, namespace, name } of resource.cache.list({}).items) {
    const { addresses, ports } = holdingsOf((object as unknown as Service).spec);
    for (const address of addresses) if (known.some((range) => range.contains(address))) wanted.set(ADDRESSES + address, { namespace, name });
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
