/**
 * API aggregation: groups that other servers answer for, found through APIServices with a Service.
 *
 * Requests for them are passed on (`proxy.ts`); whether they can be is looked at when anything about them changes and twice a
 * minute (`availability.ts`); what they serve is merged into discovery and OpenAPI (`remote-discovery.ts`, `openapi.ts`). One
 * that fails is told as such and holds up nobody else. An APIService without a Service stands for a group of this server itself,
 * whether it is stored or answered by a function.
 */
import { apiservices, endpointslices, services } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { APIService } from '../../api/types/apiregistration.v1.ts';
import { backoff } from '../../std/backoff.ts';
import type { Clock, Timer } from '../../std/clock.ts';
import { deepCopy, deepEqual } from '../../std/deep.ts';
import type { Cell, Family, Meter } from '../../std/meter.ts';
import type { Random } from '../../std/random.ts';
import type { Reader, Stored, Writer } from '../auth/reader.ts';
import type { Log } from '../core.ts';
import type { Answer, Exchange } from '../exchange.ts';
import { timestamp } from '../../api/timestamp.ts';
import type { Pki } from '../pki/pki.ts';
import type { Route } from '../request/route.ts';
import { checkAvailability, type Verdict } from './availability.ts';
import { RemoteOpenApi } from './openapi.ts';
import { pass } from './proxy.ts';
import { Remote } from './remote.ts';
import { RemoteDiscovery } from './remote-discovery.ts';

export interface AggregatorOptions {
  readonly reader: Reader;
  readonly writer: Pick<Writer, 'update'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly pki: Pick<Pki, 'frontProxyClient'>;
  readonly log: Log;
  readonly meter: Meter;
}

/** Availability is looked at this often when nothing changes, and soon again after a failure. */
const RECHECK_MS = 30_000;
const RETRY = { baseMs: 50, limitMs: RECHECK_MS };

interface Tracked {
  readonly remote: Remote;
  timer: Timer | undefined;
  checking: boolean;
  /** Something changed during a check. */
  again: boolean;
  failures: number;
}

export class Aggregator {
  readonly discovery: RemoteDiscovery;
  readonly openapi: RemoteOpenApi;
  readonly #options: AggregatorOptions;
  readonly #tracked = new Map<string, Tracked>();
  readonly #following: { close(): void }[] = [];
  readonly #losses: Family<Cell>;
  #closed = false;

  constructor(options: AggregatorOptions) {
    this.#options = options;
    this.discovery = new RemoteDiscovery(options);
    this.openapi = new RemoteOpenApi(options);
    const { meter, reader } = options;
    this.#losses = meter.counter({ name: 'aggregator_unavailable_apiservice_total', help: 'How often an APIService became unavailable, by its name and the reason.', labels: ['name', 'reason'] });
    const unavailable = meter.gauge({
      name: 'aggregator_unavailable_apiservice', help: 'APIServices that are unavailable.', labels: ['name'],
      collect: () => {
        unavailable.clear();
        for (const { metadata: { name } } of reader.list(apiservices)) unavailable.of(name).set(this.isAvailable(name) ? 0 : 1);
      },
    });
  }

  /** Answers what is another server's to answer; undefined: it is this one's. */
  answer(exchange: Exchange): Promise<Answer> | undefined {
    const remote = this.#remoteOf(exchange.route);
    if (!remote) return undefined;
    return pass(exchange, { remote, available: this.isAvailable(remote.name), clock: this.#options.clock });
  }

  answersFor(route: Route): boolean {
    return this.#remoteOf(route) !== undefined;
  }

  #remoteOf(route: Route): Remote | undefined {
    if (this.#tracked.size === 0) return undefined;
    const [group, version] = route.isResource ? [route.group, route.version] : versionIn(route.path);
    return group && version ? this.#tracked.get(`${version}.${group}`)?.remote : undefined;
  }

  /** A document of OpenAPI version 3, `apis/metrics.k8s.io/v1beta1`, where it is another server's. */
  document(path: string, exchange: Exchange): Promise<Answer> | undefined {
    const [group, version] = versionIn(`/${path}`);
    const remote = this.#tracked.get(`${version}.${group}`)?.remote;
    return remote && pass(exchange, { remote, available: this.isAvailable(remote.name), clock: this.#options.clock });
  }

  isAvailable(name: string): boolean {
    return this.#options.reader.get(apiservices, '', name)?.status?.conditions?.some(({ type, status }) => type === 'Available' && status === 'True') ?? false;
  }

  start(): void {
    const { reader } = this.#options;
    if (this.#following.length > 0) return;
    this.#following.push(reader.onChange(apiservices, ({ type, name, object }) => this.#take(name, type === 'set' ? object : undefined)));
  }

  /** Not before there is any: these caches are large. */
  #followServices(): void {
    const { reader } = this.#options;
    if (this.#following.length > 1) return;
    const ofService = (namespace: string, name: string | undefined): void => {
      for (const one of this.#tracked.values()) if (one.remote.service.namespace === namespace && one.remote.service.name === name) this.#look(one, 0);
    };
    this.#following.push(
      reader.onChange(services, ({ namespace, name }) => ofService(namespace, name)),
      reader.onChange(endpointslices, ({ namespace, object }) => ofService(namespace, object.metadata.labels?.['kubernetes.io/service-name'])),
    );
  }

  close(): void {
    this.#closed = true;
    for (const one of this.#following) one.close();
    for (const name of this.#tracked.keys()) this.#drop(name);
    this.discovery.close();
    this.openapi.close();
  }

  #take(name: string, object: Stored<APIService> | undefined): void {
    const known = this.#tracked.get(name);
    if (known && object && deepEqual(known.remote.spec, object.spec)) {
      // Its state may have changed: what could not be read before may be readable now.
      this.discovery.refresh(name);
      this.openapi.refresh(name);
      return;
    }
    if (known || !object) this.#drop(name);
    if (object?.spec && !object.spec.service) this.discovery.declare(name, object.spec);
    if (!object?.spec?.service) return;
    const remote = new Remote(object, this.#options);
    const tracked: Tracked = { remote, timer: undefined, checking: false, again: false, failures: 0 };
    this.#tracked.set(name, tracked);
    this.#followServices();
    const available = (): boolean => this.isAvailable(name);
    this.discovery.add(remote, available);
    this.openapi.add(remote, available);
    this.#look(tracked, 0);
  }

  #drop(name: string): void {
    const tracked = this.#tracked.get(name);
    this.#tracked.delete(name);
    tracked?.timer?.cancel();
    tracked?.remote.close();
    this.discovery.remove(name);
    this.openapi.remove(name);
  }

  #look(tracked: Tracked, afterMs: number): void {
    if (this.#closed) return;
    tracked.timer?.cancel();
    tracked.timer = this.#options.clock.after(afterMs, () => void this.#check(tracked));
  }

  async #check(tracked: Tracked): Promise<void> {
    const { remote } = tracked;
    const { reader, clock, log } = this.#options;
    if (tracked.checking) return void (tracked.again = true);
    tracked.checking = true;
    tracked.again = false;
    try {
      const verdict = await checkAvailability(remote, reader, clock);
      if (this.#tracked.get(remote.name) !== tracked) return;
      await this.#tell(remote, verdict);
      tracked.failures = verdict.status === 'True' || verdict.reason !== 'FailedDiscoveryCheck' ? 0 : tracked.failures + 1;
    } catch (error) {
      tracked.failures++;
      if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound')) log.error(`APIService ${remote.name}`, error);
    } finally {
      tracked.checking = false;
      if (this.#tracked.get(remote.name) === tracked) this.#look(tracked, tracked.again ? 0 : tracked.failures > 0 ? backoff(tracked.failures, RETRY) : RECHECK_MS);
    }
  }

  async #tell(remote: Remote, { status, reason, message }: Verdict): Promise<void> {
    const { reader, writer, clock } = this.#options;
    const found = reader.get(apiservices, '', remote.name);
    if (!found) return;
    const before = found.status?.conditions?.find(({ type }) => type === 'Available');
    if (before?.status === status && before.reason === reason && before.message === message) return;
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : timestamp(clock.now());
    const next = deepCopy(found) as APIService;
    const condition = { type: 'Available', status, reason, message, ...(lastTransitionTime !== undefined && { lastTransitionTime }) };
    next.status = { conditions: [...(next.status?.conditions ?? []).filter(({ type }) => type !== 'Available'), condition] };
    await writer.update(apiservices, next, 'status');
    if (status === 'False' && before?.status !== 'False') this.#losses.of(remote.name, reason).add();
  }
}

/** The group and version whose discovery document stands at a path. */
function versionIn(path: string): readonly [string | undefined, string | undefined] {
  const [, root, group, version, ...more] = path.split('/');
  return root === 'apis' && more.join('') === '' ? [group, version || undefined] : [undefined, undefined];
}
