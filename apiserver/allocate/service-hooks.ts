/** What goes with writes of Services: their addresses and ports, reserved before they are written and given back when they go. */
import { invalid, Path } from '../../api/field-error.ts';
import { needsHealthCheckPort, needsNodePorts } from '../../api/kinds/core/service-update.ts';
import { ApiError, internalError } from '../../api/status.ts';
import type { Service, ServiceSpec } from '../../api/types/core.v1.ts';
import type { Random } from '../../std/random.ts';
import { every, type Clock, type Timer } from '../../std/clock.ts';
import type { Meter } from '../../std/meter.ts';
import type { Reader } from '../auth/reader.ts';
import type { Change, Core, Log, Settle, WriteHooks } from '../core.ts';
import { invalidObject } from '../invalid.ts';
import type { Store } from '../storage/store.ts';
import { bandOf, familyOf, type Family, type IpRange } from './ip-range.ts';
import { advertiseServer, type Advertising } from './kubernetes-service.ts';
import { picks } from './pick.ts';
import { repairReservations } from './repair.ts';
import { ADDRESSES, PORTS, Reservations, type Owner } from './reservations.ts';
import { keepServiceCidrs } from './service-cidrs.ts';
import { alignAddresses, allocatesNodePorts, holdingsOf, initFamilies, isHeadless, keepAllocated } from './service-fields.ts';
import { addressSeries } from './address-series.ts';
import { createRanges, type ServiceRanges } from './service-ranges.ts';
import { createUsage, type Usage } from './usage.ts';

export interface ServiceHooks extends WriteHooks {
  /** At start: the default range is an object, what is in use is reserved, what is not is free. */
  start(core: Core): Promise<void>;
  advertise(core: Core, address: string, port: number): Promise<void>;
  close(): Promise<void>;
}

export interface AllocationOptions {
  /** Where it shows how many addresses are in use. */
  readonly meter?: Meter;
  readonly store: Store;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly random: Random;
  readonly serviceRange?: string;
  readonly nodePortRange?: { readonly from: number; readonly to: number };
  readonly log?: Log;
}

export const SERVICE_RANGE = '10.96.0.0/16';
export const NODE_PORT_RANGE = { from: 30_000, to: 32_767 };
/** Reservations that a crash left behind are found this often. */
const REPAIR_MS = 3 * 60_000;

export function serviceHooks(options: AllocationOptions): ServiceHooks {
  return new Allocation(options);
}

class Allocation implements ServiceHooks {
  readonly #options: AllocationOptions;
  readonly ranges: ServiceRanges;
  readonly #ports: { readonly from: number; readonly to: number };
  readonly #reservations: Reservations;
  readonly #usage: Usage;
  #repairs: Timer | undefined;
  #cidrs: { close(): void } | undefined;
  #advertising: Advertising | undefined;

  constructor(options: AllocationOptions) {
    const { store, clock, random, serviceRange = SERVICE_RANGE, nodePortRange = NODE_PORT_RANGE } = options;
    this.#options = options;
    this.ranges = createRanges(serviceRange, options.reader);
    this.#ports = nodePortRange;
    this.#reservations = new Reservations(store, clock, random);
    this.#usage = createUsage(options.reader);
    if (options.meter) addressSeries(options.meter, options.reader, this.ranges);
  }

  async start(core: Core): Promise<void> {
    const { clock, log } = this.#options;
    this.#cidrs ??= await keepServiceCidrs(core, this.ranges);
    const repair = (): Promise<void> => repairReservations(core, this.#reservations, this.ranges);
    await repair();
    this.#repairs?.cancel();
    this.#repairs = every(clock, REPAIR_MS, repair, (error) => log?.error('repair of Service addresses', error));
  }

  async advertise(core: Core, address: string, port: number): Promise<void> {
    await this.#advertising?.close();
    this.#advertising = await advertiseServer(core, { address, port, range: this.ranges.own[0] as IpRange });
  }

  async close(): Promise<void> {
    this.#repairs?.cancel();
    this.#cidrs?.close();
    await this.#advertising?.close();
  }

  begin({ resource, group, object, old, dryRun }: Change): Promise<Settle> | undefined {
    if (resource !== 'services' || group !== '') return undefined;
    return this.#begin(object as unknown as Service, old as unknown as Service | undefined, dryRun);
  }

  async ended({ resource, group, old }: Change): Promise<void> {
    if (resource !== 'services' || group !== '' || !old) return;
    const { metadata, spec } = old as unknown as Service;
    const { addresses, ports } = holdingsOf(spec);
    await this.#release([...addresses].map(addressKey).concat([...ports].map(portKey)), owner(metadata as Owner));
  }

  async #begin(service: Service, old: Service | undefined, dryRun: boolean): Promise<Settle> {
    const spec = (service.spec ??= {} as ServiceSpec);
    const who = owner(service.metadata as Owner);
    if (old?.spec) keepAllocated(spec, old.spec);
    alignAddresses(spec, old?.spec);
    const wrong = initFamilies(spec, old?.spec, this.ranges.families);
    if (wrong.length > 0) throw invalidObject('', 'Service', who.name, wrong);
    const before = holdingsOf(old?.spec);
    const taken: string[] = [];
    const take = async (key: string): Promise<boolean> => {
      if (dryRun) return true;
      const got = await this.#reservations.take(key, who);
      if (got) taken.push(key);
      return got;
    };
    const dry = dryRun ? new Set<number>() : undefined;
    try {
      await this.#takeAddresses(service, old?.spec, take, dryRun);
      await (old?.spec ? this.#takeMorePorts(service, old.spec, take, dry) : this.#takePorts(service, take, dry));
      await this.#takeHealthCheckPort(service, old?.spec, take, dry);
    } catch (error) {
      await this.#release(taken, who);
      throw error;
    }
    let open = !dryRun;
    return {
      commit: async () => {
        if (!open) return;
        open = false;
        const after = holdingsOf(service.spec);
        const kept = new Set([...after.addresses].map(addressKey).concat([...after.ports].map(portKey)));
        const had = [...before.addresses].map(addressKey).concat([...before.ports].map(portKey));
        await this.#release([...had, ...taken].filter((key) => !kept.has(key)), who);
      },
      rollback: async () => {
        if (!open) return;
        open = false;
        await this.#release(taken, who);
      },
    };
  }

  /** One address of each of the Service's families: the one that is asked for, the one it has, or one that is drawn. */
  async #takeAddresses(service: Service, old: ServiceSpec | undefined, take: (key: string) => Promise<boolean>, dryRun: boolean): Promise<void> {
    const spec = service.spec as ServiceSpec;
    if (spec.type === 'ExternalName' || isHeadless(spec) || (old && isHeadless(old) && old.type !== 'ExternalName')) return;
    const addresses = [...(spec.clusterIPs ?? [])];
    const families = spec.ipFamilies ?? [];
    // Of a Service that has addresses only the second one can be new.
    const kept = old && old.type !== 'ExternalName' ? (families.length === 2 && old.ipFamilies?.length === 1 ? 1 : families.length) : 0;
    if (kept === families.length) return;
    for (const [at, family] of families.entries()) {
      if (at < kept) continue;
      const asked = addresses[at];
      if (asked) await this.#takeAskedAddress(service, asked, take, dryRun);
      else addresses[at] = await this.#drawAddress(service, family as Family, take, dryRun);
    }
    spec.clusterIPs = addresses;
    const [first] = addresses;
    if (first) spec.clusterIP = first;
  }

  async #takeAskedAddress(service: Service, asked: string, take: (key: string) => Promise<boolean>, dryRun: boolean): Promise<void> {
    const refuse = (why: string): ApiError =>
      invalidObject('', 'Service', service.metadata?.name ?? '', [invalid(Path.of('spec', 'clusterIPs'), service.spec?.clusterIPs, `failed to allocate IP ${asked}: ${why}`)]);
    const family = familyOf(asked);
    const ranges = this.ranges.open();
    if (!ranges.some((range) => range.contains(asked))) {
      const [first] = ranges.filter((range) => range.family === family);
      // A dry run looks at one range only, as upstream's.
      throw refuse(dryRun && first ? `the provided IP (${asked}) is not in the valid range. The range of valid IPs is ${first.text}` : 'the provided network does not match the current range');
    }
    if (!(await take(addressKey(asked)))) throw refuse('provided IP is already allocated');
  }

  async #drawAddress(service: Service, family: Family, take: (key: string) => Promise<boolean>, dryRun: boolean): Promise<string> {
    for (const range of this.ranges.open()) {
      if (range.family !== family) continue;
      const { size, staticBand } = range;
      const isFree = (index: number): boolean => !this.#usage.hasAddress(range.at(index));
      for (const index of picks({ size, staticBand, isFree }, this.#options.random)) {
        const address = range.at(index);
        if (dryRun || (await take(addressKey(address)))) return address;
      }
    }
    throw internalError(`failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata?.name)}: range is full`);
  }

  /** Of a new Service: ports of one number, of several protocols, share one port on the nodes; none may be asked for twice otherwise. */
  async #takePorts(service: Service, take: (key: string) => Promise<boolean>, dry: DryPorts): Promise<void> {
    const spec = service.spec as ServiceSpec;
    if (!needsNodePorts(spec)) return;
    const own = new Set<number>();
    const shared = new Map<number, number>();
    for (const { port, nodePort } of spec.ports ?? []) if (nodePort && !shared.has(port)) shared.set(port, nodePort);
    const allocated = new Map<number, number>();
    for (const [at, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !allocatesNodePorts(spec)) continue;
      const there = allocated.get(port.port);
      if (there !== undefined && (!port.nodePort || port.nodePort === there)) {
        port.nodePort = there;
        continue;
      }
      // The first one that is asked for under a number is the number's.
      const asked = there === undefined ? shared.get(port.port) : port.nodePort;
      if (asked) {
        const field = Path.of('spec', 'ports').index(at).child('nodePort');
        if (own.has(asked)) throw portTaken(service, field, asked);
        await this.#takeAsked(service, asked, field, take, dry);
      }
      port.nodePort = asked ?? (await this.#drawPort(service, own, take, dry));
      own.add(port.nodePort);
      if (there === undefined) allocated.set(port.port, port.nodePort);
    }
  }

  /** Of a Service that is there: what it has it may use, and no two ports are the same. */
  async #takeMorePorts(service: Service, old: ServiceSpec, take: (key: string) => Promise<boolean>, dry: DryPorts): Promise<void> {
    const spec = service.spec as ServiceSpec;
    if (!needsNodePorts(spec)) return;
    const own = new Set((old.ports ?? []).flatMap(({ nodePort }) => nodePort ?? []));
    const seen = new Set<string>();
    for (const [at, port] of (spec.ports ?? []).entries()) {
      if (!port.nodePort && !allocatesNodePorts(spec)) continue;
      if (!port.nodePort) port.nodePort = await this.#drawPort(service, own, take, dry);
      else if (!own.has(port.nodePort)) await this.#takeAsked(service, port.nodePort, Path.of('spec', 'ports').index(at).child('nodePort'), take, dry);
      own.add(port.nodePort);
      const id = `{${port.protocol ?? ''} ${port.nodePort}}`;
      if (seen.has(id)) throw new ApiError({ code: 500, message: `duplicate nodePort: ${id}` });
      seen.add(id);
    }
  }

  async #takeHealthCheckPort(service: Service, old: ServiceSpec | undefined, take: (key: string) => Promise<boolean>, dry: DryPorts): Promise<void> {
    const spec = service.spec as ServiceSpec;
    if (!needsHealthCheckPort(spec) || (old && needsHealthCheckPort(old))) return;
    if (spec.healthCheckNodePort) await this.#takeAsked(service, spec.healthCheckNodePort, undefined, take, dry);
    else spec.healthCheckNodePort = await this.#drawPort(service, new Set((spec.ports ?? []).flatMap(({ nodePort }) => nodePort ?? [])), take, dry);
  }

  /** A dry run may ask for any number that is not in use, as upstream's. Without a field it is the port for health checks, which upstream tells as its own fault. */
  async #takeAsked(service: Service, port: number, field: Path | undefined, take: (key: string) => Promise<boolean>, dry: DryPorts): Promise<void> {
    const { from, to } = this.#ports;
    const outside = !dry && (port < from || port > to);
    dry?.add(port);
    if (dry ? !this.#usage.hasPort(port) : !outside && (await take(portKey(port)))) return;
    const why = outside ? `provided port is not in the valid range. The range of valid ports is ${from}-${to}` : PORT_TAKEN;
    if (field) throw invalidObject('', 'Service', service.metadata?.name ?? '', [invalid(field, port, why)]);
    throw internalError(`failed to allocate requested HealthCheck NodePort ${port}: ${why}`);
  }

  async #drawPort(service: Service, own: ReadonlySet<number>, take: (key: string) => Promise<boolean>, dry: DryPorts): Promise<number> {
    if (dry) return nextOf(dry);
    const { from, to } = this.#ports;
    const size = to - from + 1;
    const staticBand = bandOf(size, { least: 16, most: 128, divisor: 32 });
    const isFree = (index: number): boolean => !this.#usage.hasPort(from + index) && !own.has(from + index);
    for (const index of picks({ size, staticBand, isFree }, this.#options.random)) {
      if (await take(portKey(from + index))) return from + index;
    }
    throw internalError(`failed to allocate a nodePort for Service ${JSON.stringify(service.metadata?.name)}: range is full`);
  }

  async #release(keys: readonly string[], who: Owner): Promise<void> {
    await Promise.all(keys.map((key) => this.#reservations.release(key, who)));
  }
}

/** The ports that a dry run has given out or was asked for. */
type DryPorts = Set<number> | undefined;

/** Upstream gives numbers out that no Service could have: nobody shall take them for his. */
const DRY_PORTS_FROM = 32_769;

function nextOf(dry: Set<number>): number {
  const port = dry.size > 0 ? Math.max(...dry) + 1 : DRY_PORTS_FROM;
  dry.add(port);
  return port;
}

const PORT_TAKEN = 'provided port is already allocated';

function portTaken(service: Service, field: Path, port: number): ApiError {
  return invalidObject('', 'Service', service.metadata?.name ?? '', [invalid(field, port, PORT_TAKEN)]);
}

export function addressKey(address: string): string {
  return ADDRESSES + address;
}

export function portKey(port: number): string {
  return `${PORTS}${port}`;
}

function owner({ namespace, name }: Owner): Owner {
  return { namespace, name };
}
