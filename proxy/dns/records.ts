/** The names of Services and their endpoints, kept per Service so that a change touches only its own names. Pure. */
import type { Service } from '../../api/types/core.v1.ts';
import type { EndpointSlice } from '../../api/types/discovery.v1.ts';
import type { Stored } from '../../client/client.ts';

export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly data: string }
  | { readonly type: 'CNAME'; readonly data: string }
  | { readonly type: 'SRV'; readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string } };

interface Names {
  readonly forward: ReadonlyMap<string, readonly DnsRecord[]>;
  readonly reverse: ReadonlyMap<string, string>;
}

export class Records {
  readonly zone: string;
  readonly #services = new Map<string, Names>();
  readonly #forward = new Map<string, Map<string, readonly DnsRecord[]>>();
  readonly #reverse = new Map<string, Map<string, string>>();
  /** How many names stand below a name: such a name exists, though it may have no records itself. */
  readonly #below = new Map<string, number>();

  constructor(zone: string) {
    this.zone = zone.toLowerCase();
  }

  /** The new state of one Service; undefined when it is gone. */
  set(key: string, service: Stored<Service> | undefined, slices: readonly Stored<EndpointSlice>[]): void {
    const before = this.#services.get(key);
    if (before) {
      for (const name of before.forward.keys()) {
        drop(this.#forward, name, key);
        this.#countAncestors(name, -1);
      }
      for (const ip of before.reverse.keys()) drop(this.#reverse, ip, key);
      this.#services.delete(key);
    }
    if (!service) return;
    const names = namesOf(service, slices, this.zone);
    this.#services.set(key, names);
    for (const [name, records] of names.forward) {
      put(this.#forward, name, key, records);
      this.#countAncestors(name, 1);
    }
    for (const [ip, name] of names.reverse) put(this.#reverse, ip, key, name);
  }

  /** The records of a name; undefined when there is no such name. */
  get(name: string): readonly DnsRecord[] | undefined {
    const found = this.#forward.get(name);
    if (found) return [...found.values()].flat();
    return this.#below.has(name) ? [] : undefined;
  }

  /** The names of an address. */
  namesOf(ip: string): readonly string[] {
    return [...(this.#reverse.get(ip)?.values() ?? [])];
  }

  #countAncestors(name: string, by: 1 | -1): void {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const ancestor = name.slice(dot + 1);
      const count = (this.#below.get(ancestor) ?? 0) + by;
      if (count > 0) this.#below.set(ancestor, count);
      else this.#below.delete(ancestor);
    }
  }
}

function put<T>(into: Map<string, Map<string, T>>, name: string, owner: string, value: T): void {
  let entry = into.get(name);
  if (!entry) into.set(name, (entry = new Map()));
  entry.set(owner, value);
}

function drop<T>(from: Map<string, Map<string, T>>, name: string, owner: string): void {
  const entry = from.get(name);
  entry?.delete(owner);
  if (entry?.size === 0) from.delete(name);
}

/** The schema of Kubernetes DNS-based service discovery, version 1.1.0. */
function namesOf(service: Stored<Service>, slices: readonly Stored<EndpointSlice>[], zone: string): Names {
  const { spec, metadata } = service;
  const base = `${metadata.name}.${metadata.namespace}.svc.${zone}`.toLowerCase();
  const forward = new Map<string, DnsRecord[]>();
  const reverse = new Map<string, string>();
  const add = (name: string, record: DnsRecord): void => {
    const known = forward.get(name);
    if (!known) forward.set(name, [record]);
    else if (!known.some((other) => JSON.stringify(other) === JSON.stringify(record))) known.push(record);
  };
  const serviceRecord = (port: { name?: string; protocol?: string; port?: number }, target: string): void => {
    if (!port.name || !port.port) return;
    const data = { priority: 0, weight: 100, port: port.port, target };
    add(`_${port.name}._${(port.protocol ?? 'TCP')}.${base}`.toLowerCase(), { type: 'SRV', data });
  };

  if (spec.type === 'ExternalName') {
    if (spec.externalName) add(base, { type: 'CNAME', data: spec.externalName.replace(/\.$/, '') });
    return { forward, reverse };
  }
  if (spec.clusterIP !== 'None') {
    for (const ip of spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])) {
      add(base, address(ip));
      reverse.set(ip, base);
    }
    for (const port of spec.ports ?? []) serviceRecord(port, base);
    return { forward, reverse };
  }
  // A headless Service has the addresses of its endpoints, and a name for each of them.
  forward.set(base, []);
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false && !spec.publishNotReadyAddresses) continue;
      for (const ip of endpoint.addresses) {
        const host = `${endpoint.hostname ?? ip.replaceAll(/[.:]/g, '-')}.${base}`.toLowerCase();
        add(base, address(ip));
        add(host, address(ip));
        if (endpoint.hostname) reverse.set(ip, host);
        for (const port of slice.ports ?? []) serviceRecord(port as { name?: string; protocol?: string; port?: number }, host);
      }
    }
  }
  return { forward, reverse };
}

function address(ip: string): DnsRecord {
  return { type: ip.includes(':') ? 'AAAA' : 'A', data: ip };
}
