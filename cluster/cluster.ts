/** A whole cluster inside a test: API server, controllers, scheduler and simulated nodes in this process, on a clock that the test moves. */
import type { Door } from '../api/request.ts';
import type { Client, Stored } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import type { ControllerOptions } from '../controllers/all.ts';
import { startControllers, type StartOptions } from '../controllers/start.ts';
import type { HollowState } from '../kubelet/runtime/hollow.ts';
import type { HollowRules } from '../kubelet/runtime/hollow-behaviour.ts';
import { startScheduler } from '../scheduler/run.ts';
import { seededRandom, systemRandom, type Random } from '../std/random.ts';
import { ApiPart, type ClusterLog, type Port } from './api-part.ts';
import { applyAll, type ApplyOptions, type KubeObject } from './apply.ts';
import { kubeconfigText, sharedPki } from './credentials.ts';
import { milliseconds, type Duration } from './duration.ts';
import { Traffic } from './line.ts';
import { NodePart, type NodeOptions, type NodePartOptions, type NodeSwitch } from './node.ts';
import { Part, type PartSwitch, type Switch } from './part.ts';
import { ClusterTime, type ClusterClock } from './time.ts';

export interface ClusterOptions {
  /** How many simulated nodes, or what each of them is like. Default: 1. */
  readonly nodes?: number | readonly NodeOptions[];
  /** How simulated containers, images and nodes behave that do not say it by annotation. */
  readonly hollow?: HollowRules;
  /** `fake` (default): time stands still until the test moves it. `system`: real time, for programs outside of the test. */
  readonly clock?: 'fake' | 'system';
  /** What a fake clock shows at first. Default: 2026-01-01T00:00:00Z. */
  readonly startTime?: string | number | Date;
  /** The same seed gives the same names and uids. Default: drawn by lot. */
  readonly seed?: number;
  /** Do not start these: a test brings its own, or plays them itself. */
  readonly without?: readonly ('controllers' | 'scheduler')[];
  /** Periods and limits of controllers; `chosen` as upstream's `--controllers`: `['*', '-cronjob-controller']`. */
  readonly controllers?: Omit<ControllerOptions, 'rootCa'> & Pick<StartOptions, 'chosen'>;
  /** Listens, on any free port of 127.0.0.1 unless told otherwise. Default: no port at all. */
  readonly listen?: boolean | Port;
  /** Begins with what an earlier cluster had. */
  readonly from?: Snapshot;
  /** Hears what the components say; default: nobody. */
  readonly log?: ClusterLog;
}

/** Everything that a cluster has, as JSON. */
export interface Snapshot {
  readonly version: 1;
  readonly time: number;
  readonly store: string;
  readonly nodes: readonly { readonly node: NodeOptions & { readonly name: string }; readonly state: HollowState }[];
}

export interface Cluster extends AsyncDisposable {
  readonly clock: ClusterClock;
  /** As the administrator. */
  readonly client: Client;
  readonly seed: number;
  readonly apiserver: Switch;
  readonly controllers: PartSwitch;
  readonly scheduler: PartSwitch;
  readonly nodes: readonly NodeSwitch[];
  /** Throws where there is no such node. */
  node(name: string): NodeSwitch;
  /** Resolves when it is Ready. */
  addNode(node?: NodeOptions): Promise<NodeSwitch>;
  /** As somebody else, with the rights that RBAC gives. */
  clientFor(user: string, groups?: readonly string[]): Client;
  /** The same without types: what `openClient` takes. */
  doorFor(user: string, groups?: readonly string[]): Door;
  /** Server-side apply of YAML with any number of documents, or of objects, in their order. */
  apply(yaml: string | readonly object[], options?: ApplyOptions): Promise<Stored<KubeObject>[]>;
  /** Resolves when nothing is queued, under way or due now. Time stands still meanwhile. */
  settled(): Promise<void>;
  /** Moves time on until the condition holds and returns what it returned; throws when that takes longer than the limit (default: 10m). */
  until<T>(condition: () => Promise<T> | T, options?: { readonly within?: Duration; readonly what?: string }): Promise<NonNullable<T>>;
  /** Opens a port where none was asked for before; its URL. Certificates are made then. */
  listen(port?: Port): Promise<string>;
  /** Credentials for a port (which is opened where there is none), of the administrator unless told otherwise. */
  kubeconfig(user?: string, groups?: readonly string[]): Promise<string>;
  snapshot(): Promise<Snapshot>;
  /** Goes back to a snapshot, time included. Parts that were crashed or cut off work again. */
  restore(snapshot: Snapshot): Promise<void>;
  stop(): Promise<void>;
}

const START_TIME = Date.UTC(2026, 0, 1);
const CLUSTER_CIDR = '10.244.0.0/16';
const UNTIL_LIMIT = '10m';
const SILENT: ClusterLog = { info() {}, warn() {}, error() {} };
const ADMIN = { user: 'kubernetes-admin', groups: ['system:masters'] } as const;

/** Resolves when the API answers, the nodes are Ready and pods can be made in the namespace `default`. */
export async function createCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = new InProcessCluster(options, await sharedPki());
  try {
    await cluster.begin();
  } catch (error) {
    await cluster.stop().catch(() => undefined);
    throw error;
  }
  return cluster;
}

class InProcessCluster implements Cluster {
  readonly seed: number;
  readonly clock: ClusterTime;
  readonly client: Client;
  readonly apiserver: ApiPart;
  readonly controllers: Part;
  readonly scheduler: Part;
  readonly #options: ClusterOptions;
  readonly #traffic = new Traffic();
  readonly #random: Random;
  readonly #log: ClusterLog;
  readonly #door: Door;
  #isStopped = false;
  #nodes: NodePart[] = [];

  constructor(options: ClusterOptions, pki: Awaited<ReturnType<typeof sharedPki>>) {
    const { clock, startTime = START_TIME, from } = options;
    this.#options = options;
    // What its parts say of their end is no news.
    const log = (this.#log = untilStopped(options.log ?? SILENT, () => this.#isStopped));
    this.seed = options.seed ?? Math.floor(systemRandom.next() * 2 ** 32);
    const random = (this.#random = seededRandom(this.seed));
    const time = (this.clock = new ClusterTime(this.#traffic, { fake: clock !== 'system', startMs: from?.time ?? new Date(startTime).getTime() }));
    const api = (this.apiserver = new ApiPart({ time, random, pki, log, traffic: this.#traffic }, from?.store));
    this.controllers = new Part((who) => api.openLine(who), (door) => {
      return startControllers({
        clusterCidr: CLUSTER_CIDR,
        ...options.controllers,
        clock: time,
        random,
        log,
        rootCa: pki.caPem,
        door: (account) => door({ ...(account ? accountUser(account) : { user: 'system:kube-controller-manager' }), userAgent: 'kube-controller-manager' }),
      });
    });
    this.scheduler = new Part((who) => api.openLine(who), (door) => {
      const client = openClient(door({ user: 'system:kube-scheduler', userAgent: 'kube-scheduler' }), { userAgent: 'kube-scheduler' });
      return startScheduler({ client, clock: time, random, log });
    });
    this.#door = this.doorFor(ADMIN.user, ADMIN.groups);
    this.client = openClient(this.#door, { userAgent: 'coracle' });
  }

  async begin(): Promise<void> {
    const { nodes = 1, from, listen } = this.#options;
    if (listen) await this.apiserver.listen(listen === true ? {} : listen);
    const wanted = typeof nodes === 'number' ? Array.from({ length: nodes }, () => ({})) : nodes;
    if (from) for (const { node, state } of from.nodes) this.#makeNode(node, state);
    else for (const node of wanted) this.#makeNode(node);
    await this.#startAll();
  }

  get nodes(): readonly NodeSwitch[] {
    return this.#nodes;
  }

  node(name: string): NodeSwitch {
    const found = this.#nodes.find((node) => node.name === name);
    if (!found) throw new Error(`there is no node ${JSON.stringify(name)}; there are ${this.#nodes.map((node) => node.name).join(', ') || 'none'}`);
    return found;
  }

  async addNode(node: NodeOptions = {}): Promise<NodeSwitch> {
    const part = this.#makeNode(node);
    await part.start();
    await this.settled();
    return part;
  }

  clientFor(user: string, groups: readonly string[] = []): Client {
    return openClient(this.doorFor(user, groups), { userAgent: 'coracle' });
  }

  doorFor(user: string, groups: readonly string[] = []): Door {
    return this.apiserver.openLine({ user, groups, userAgent: 'coracle' });
  }

  apply(yaml: string | readonly object[], options: ApplyOptions = {}): Promise<Stored<KubeObject>[]> {
    const served = (group: string, version: string, kind: string): { resource: string; namespaced: boolean } | undefined => {
      const row = this.apiserver.server?.registry.ofKind(group, kind)?.kind;
      return row?.versions.some((one) => one.version === version) ? { resource: row.plural, namespaced: row.namespaced } : undefined;
    };
    return applyAll(yaml, { door: this.#door, served, settled: () => this.settled() }, options);
  }

  settled(): Promise<void> {
    return this.clock.settled();
  }

  async until<T>(condition: () => Promise<T> | T, { within = UNTIL_LIMIT, what = 'the condition' }: { within?: Duration; what?: string } = {}): Promise<NonNullable<T>> {
    const end = this.clock.monotonic() + milliseconds(within);
    for (;;) {
      await this.settled();
      const value = await condition();
      if (value) return value;
      const left = end - this.clock.monotonic();
      if (left <= 0 || !(await this.clock.toNext(left))) {
        const last = await condition();
        if (last) return last;
        throw new Error(`${what} did not come about within ${within}`);
      }
    }
  }

  listen(port?: Port): Promise<string> {
    return this.apiserver.listen(port);
  }

  async kubeconfig(user: string = ADMIN.user, groups: readonly string[] = user === ADMIN.user ? ADMIN.groups : []): Promise<string> {
    return kubeconfigText(await this.listen(), user, groups);
  }

  async snapshot(): Promise<Snapshot> {
    await this.settled();
    return { version: 1, time: this.clock.now(), store: await this.apiserver.save(), nodes: this.#nodes.map((part) => ({ node: part.node, state: part.save() })) };
  }

  async restore(snapshot: Snapshot): Promise<void> {
    for (const part of this.#parts()) part.crash();
    await Promise.all([this.apiserver.stop(), this.#drive()]);
    await this.apiserver.replace(snapshot.store);
    this.clock.reset(snapshot.time);
    this.#nodes = [];
    for (const part of this.#parts()) part.heal();
    for (const { node, state } of snapshot.nodes) this.#makeNode(node, state);
    await this.#startAll();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const part of this.#parts()) part.crash();
    await Promise.all([this.apiserver.close(), this.#drive()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #parts(): readonly Part[] {
    return [this.controllers, this.scheduler, ...this.#nodes];
  }

  /** A listener gives its connections time, by the clock, to come to an end. */
  async #drive(): Promise<void> {
    if (this.apiserver.url && this.clock.isFake) await this.clock.advance(DRAIN_MS);
  }

  async #startAll(): Promise<void> {
    const { without = [] } = this.#options;
    await this.apiserver.start();
    if (!without.includes('controllers')) await this.controllers.start();
    if (!without.includes('scheduler')) await this.scheduler.start();
    await Promise.all(this.#nodes.map((node) => node.start()));
    await this.settled();
  }

  #makeNode(options: NodeOptions, saved?: HollowState): NodePart {
    const { hollow } = this.#options;
    let number = this.#nodes.length;
    while (!options.name && this.#nodes.some(({ name }) => name === `node-${number}`)) number++;
    const node = { name: `node-${number}`, ...options };
    if (this.#nodes.some(({ name }) => name === node.name)) throw new Error(`there are two nodes ${JSON.stringify(node.name)}`);
    const onSummary: NodePartOptions['onSummary'] = (summary, ask) => this.apiserver.provide(node.name, summary, ask);
    const made = new NodePart({ node, onSummary, openLine: (who) => this.apiserver.openLine(who), time: this.clock, random: this.#random, log: this.#log, ...(hollow && { rules: hollow }), ...(saved && { saved }) });
    this.#nodes.push(made);
    return made;
  }
}

const DRAIN_MS = 3_000;

function untilStopped(log: ClusterLog, isStopped: () => boolean): ClusterLog {
  const unless = (say: (fields: object, message: string) => void) => (fields: object, message: string): void => {
    if (!isStopped()) say.call(log, fields, message);
  };
  return { info: unless(log.info), warn: unless(log.warn), error: unless(log.error) };
}

function accountUser(account: string): { readonly user: string; readonly groups: readonly string[] } {
  const namespace = 'kube-system';
  return { user: `system:serviceaccount:${namespace}:${account}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] };
}
