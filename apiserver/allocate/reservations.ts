/**
 * Who has an address or a port: one key of the store for each, made only where nothing stands, so that no two Services
 * ever get the same, whichever API server they come to. Addresses are IPAddress objects, as upstream's.
 */
import type { ApiObject } from '../../api/kind.ts';
import { uuid, type Random } from '../../std/random.ts';
import type { Clock } from '../../std/clock.ts';
import { timestamp } from '../../api/timestamp.ts';
import { Conflict, type Store } from '../storage/store.ts';
import { encodeStored } from '../registry/stored-form.ts';
import { familyOf } from './ip-range.ts';

export const ADDRESSES = '/registry/ipaddresses/';
export const PORTS = '/registry/ranges/servicenodeports/';

export interface Owner {
  readonly namespace: string;
  readonly name: string;
}

export class Reservations {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(store: Store, clock: Clock, random: Random) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  /** False: somebody has it. */
  async take(key: string, owner: Owner): Promise<boolean> {
    try {
      await this.#store.write(key, 0, this.#value(key, owner));
      return true;
    } catch (error) {
      if (error instanceof Conflict) return false;
      throw error;
    }
  }

  /** Gives it back, if it is still this owner's. */
  async release(key: string, owner: Owner): Promise<void> {
    const entry = await this.#store.get(key);
    if (!entry) return;
    const holder = ownerOf(entry.value);
    if (holder && (holder.name !== owner.name || holder.namespace !== owner.namespace)) return;
    try {
      await this.#store.write(key, entry.revision, undefined);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
    }
  }

  #value(key: string, owner: Owner): Buffer {
    if (key.startsWith(PORTS)) return Buffer.from(JSON.stringify({ ...owner, since: timestamp(this.#clock.now()) }));
    const name = key.slice(ADDRESSES.length);
    const now = timestamp(this.#clock.now());
    const address: ApiObject = {
      kind: 'IPAddress', apiVersion: 'networking.k8s.io/v1',
      metadata: {
        name, uid: uuid(this.#random), creationTimestamp: now, managedFields: [{ ...OWNED, time: now }],
        labels: { 'ipaddress.kubernetes.io/ip-family': familyOf(name), 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
      },
      spec: { parentRef: { resource: 'services', ...owner } },
    };
    return encodeStored(address);
  }
}

/** All that is written here belongs to the server. */
const OWNED = {
  manager: 'kube-apiserver', operation: 'Update', apiVersion: 'networking.k8s.io/v1', fieldsType: 'FieldsV1',
  fieldsV1: {
    'f:metadata': { 'f:labels': { '.': {}, 'f:ipaddress.kubernetes.io/ip-family': {}, 'f:ipaddress.kubernetes.io/managed-by': {} } },
    'f:spec': { 'f:parentRef': { '.': {}, 'f:name': {}, 'f:namespace': {}, 'f:resource': {} } },
  },
};

interface Held {
  readonly namespace?: string;
  readonly name?: string;
  readonly since?: string;
  readonly metadata?: { readonly creationTimestamp?: string };
  readonly spec?: { readonly parentRef?: { readonly resource?: string; readonly namespace?: string; readonly name?: string } };
}

/** Undefined: what stands there was not reserved for a Service. */
export function ownerOf(value: Buffer): (Owner & { readonly since: string }) | undefined {
  const held = JSON.parse(value.toString()) as Held;
  if (held.namespace !== undefined && held.name !== undefined) return { namespace: held.namespace, name: held.name, since: held.since ?? '' };
  const parent = held.spec?.parentRef;
  if (parent?.resource !== 'services' || !parent.namespace || !parent.name) return undefined;
  return { namespace: parent.namespace, name: parent.name, since: held.metadata?.creationTimestamp ?? '' };
}
