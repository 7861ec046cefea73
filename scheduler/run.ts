/** The scheduler's shell: watches the cluster, asks `decide` where waiting pods go, and has carried out what it answers. */
import { nodes, pods } from '../api/resources.ts';
import type { Node, Pod } from '../api/types/core.v1.ts';
import type { CacheEvent, Client, Stored } from '../client/client.ts';
import { openInformer } from '../client/informer.ts';
import type { Clock, Timer } from '../std/clock.ts';
import type { Meter } from '../std/meter.ts';
import { deepEqual } from '../std/deep.ts';
import type { Random } from '../std/random.ts';
import { Backlog, SETTLE_MS } from './backlog.ts';
import { type Configuration, DEFAULT_CONFIGURATION } from './configuration.ts';
import { type Unschedulable, decide } from './decide.ts';
import { concluded } from './explain.ts';
import { type Demand, demandOf } from './demand.ts';
import { openFeeds } from './feeds.ts';
import { Extenders } from './extenders.ts';
import { candidates, fits } from './fits.ts';
import { APART, type Hint, comeHints, goneHints, nodeHints, ownHints, withdrawnHints } from './hints.ts';
import { Outcomes } from './outcomes.ts';
import { DEFAULT_PROFILE, type Profile } from './profile.ts';
import { schedulerSeries } from './series.ts';
import { Snapshot } from './snapshot.ts';

export interface SchedulerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Only pods that ask for one of its profiles are its business. Default: one, `default-scheduler`. */
  readonly configuration?: Configuration;
  /** Counts decisions. */
  readonly meter?: Meter;
}

export interface Scheduler {
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

/** Pods decided at a time and in one turn of the event loop, which others wait for, and bindings under way at once. */
const BATCH = 16;
const TURN = 128;
const TURN_MS = 10;
const BINDING_LIMIT = 192;
/** How many kinds of refused pods are asked whether they fit on a node that changed. */
const KINDS_ASKED = 32;
/** Of the pods that a filter which looks at each of them has refused so many are asked whether a change helps them; the others are taken to be helped. */
const ASKED_LIMIT = 256;
/** A pod that asks for less than before makes room for those that found too little. */
const RESIZED: ReadonlyMap<string, Hint> = new Map([['NodeResourcesFit', () => true]]);

export function startScheduler(options: SchedulerOptions): Scheduler {
  const scheduler = new RunningScheduler(options);
  return { synced: scheduler.start(), stop: () => scheduler.stop() };
}

class RunningScheduler {
  readonly #options: SchedulerOptions;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #snapshot = new Snapshot();
  readonly #backlog;
  readonly #extenders;
  readonly #outcomes;
  readonly #nodes;
  readonly #pods;
  readonly #feeds;
  readonly #series;
  /** Pods whose claims of devices are not there yet: nobody looks at them until they are. */
  readonly #claimless = new Map<string, Stored<Pod>>();
  /** Of pods that wait and were asked whether a change helps them. */
  readonly #demands = new WeakMap<Stored<Pod>, Demand>();
  #timer: Timer | undefined;
  #asking: Promise<void> = Promise.resolve();
  #scheduled = false;
  #started = false;
  #stopped = false;

  constructor(options: SchedulerOptions) {
    const { client, clock } = options;
    this.#options = options;
    const { profiles, backoff, extenders } = options.configuration ?? DEFAULT_CONFIGURATION;
    const ignored = extenders.flatMap(({ ignoredResources }) => ignoredResources);
    this.#profiles = new Map(profiles.map((profile) => [profile.name, { ...profile, ignoredResources: [...profile.ignoredResources, ...ignored] }]));
    this.#series = schedulerSeries(options.meter, clock, {
      queues: () => ({ ...this.#backlog.counts(), gated: this.#gated() }),
      refused: () => this.#refusals(),
      cached: () => ({ nodes: this.#nodes.cache.list().length, pods: this.#pods.cache.list().filter(({ spec }) => spec.nodeName).length, assumed_pods: this.#outcomes.underWay }),
      binding: () => this.#outcomes.underWay,
    });
    this.#backlog = new Backlog(backoff, options.meter && ((queue, event) => this.#series.queued(queue, event)));
    this.#extenders = new Extenders(extenders, clock);
    this.#nodes = openInformer(client, nodes, {}, options);
    this.#pods = openInformer(client, pods, { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' }, options);
    this.#outcomes = new Outcomes({
      ...options,
      snapshot: this.#snapshot,
      backlog: this.#backlog,
      extenders: this.#extenders,
      series: this.#series,
      bindTimeoutMs: (pod) => this.#profileOf(pod).bindTimeoutSeconds * 1000,
      prepareTimeoutMs: (pod) => this.#profileOf(pod).prepareTimeoutMs,
      current: (key) => this.#pods.cache.get(key),
      wake: () => this.#wake(),
    });
    this.#feeds = openFeeds({
      client,
      tools: options,
      snapshot: this.#snapshot,
      onChange: (hints) => {
        this.#stir(hints, clock.now());
        this.#claimsChanged();
        this.#wake();
      },
    });
  }

  async start(): Promise<void> {
    // All pictures must be whole before the first decision: half a picture overcommits.
    await Promise.all([this.#nodes.synced(), this.#pods.synced(), this.#feeds.synced]);
    if (this.#stopped) return;
    this.#started = true;
    this.#nodes.subscribe((event) => this.#nodeChanged(event));
    this.#pods.subscribe((event) => this.#podChanged(event));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#nodes.stop();
    this.#pods.stop();
    this.#feeds.stop();
    await this.#asking;
    await this.#outcomes.stop();
    await this.#extenders.close();
  }

  #nodeChanged(event: CacheEvent<Node>): void {
    const now = this.#options.clock.now();
    if (event.type === 'deleted') {
      this.#snapshot.removeNode(event.object.metadata.name);
      this.#backlog.stir(now, ['PodTopologySpread']);
    } else {
      const { object } = event;
      this.#snapshot.setNode(object);
      if (event.type === 'added') this.#roomOn(object.metadata.name, nodeHints(undefined, object), SETTLE_MS);
      else if (mayHelp(event.previous, object)) {
        this.#roomOn(object.metadata.name, nodeHints(event.previous, object));
        this.#decideSoon();
      }
    }
    this.#wake();
  }

  #podChanged(event: CacheEvent<Pod>): void {
    const { object: pod } = event;
    const { uid } = pod.metadata;
    const now = this.#options.clock.now();
    const waited = this.#claimless.delete(uid);
    if (event.type === 'deleted') {
      this.#outcomes.gone(uid);
      this.#backlog.remove(uid);
      this.#snapshot.removePod(uid);
      const nominated = this.#snapshot.nominations.of(uid) !== undefined;
      this.#snapshot.nominations.remove(uid);
      if (pod.spec.nodeName) this.#roomOn(pod.spec.nodeName, goneHints(pod, this.#snapshot.tallies.labelsOf));
      else if (nominated) this.#stir(withdrawnHints(pod, this.#snapshot.tallies.labelsOf), now);
    } else if (pod.spec.nodeName) {
      this.#outcomes.seen(uid);
      this.#backlog.remove(uid);
      this.#podOnNode(event, pod.spec.nodeName);
    } else if (pod.metadata.deletionTimestamp && (this.#outcomes.isBinding(uid) || this.#outcomes.isBound(uid))) {
      this.#backlog.refresh(pod);
    } else if (this.#isGated(pod)) {
      this.#nominated(event);
    } else if (this.#isMine(pod) && !this.#outcomes.isBound(uid)) {
      if (pod.spec.resourceClaims?.length && this.#snapshot.devices.absent(pod) !== undefined) {
        this.#backlog.remove(uid);
        this.#claimless.set(uid, pod);
      } else if (waited) this.#backlog.put(pod, now);
      else this.#podWaits(event);
    }
    this.#wake();
  }

  #podOnNode(event: CacheEvent<Pod>, node: string): void {
    const { object: pod } = event;
    this.#snapshot.nominations.remove(pod.metadata.uid);
    const known = event.type === 'updated' ? this.#snapshot.refreshPod(pod) : undefined;
    const now = this.#options.clock.now();
    const { labelsOf } = this.#snapshot.tallies;
    if (known === 'same') {
      // A pod that was assumed to be here is here.
      if (event.type === 'updated' && !event.previous.spec.nodeName) this.#stir(comeHints(undefined, pod, labelsOf), now);
      return;
    }
    if (known === 'relabelled') {
      const before = event.type === 'updated' && event.previous.spec.nodeName ? event.previous : undefined;
      if (!before || !deepEqual(before.metadata.labels, pod.metadata.labels)) this.#stir(comeHints(before, pod, labelsOf), now);
      return;
    }
    this.#snapshot.setPod(pod, node);
    // A pod on a node may ask for less than before; any other change concerns only those who look at other pods.
    const isResized = event.type === 'updated' && event.previous.spec.nodeName && !deepEqual(event.previous.spec, pod.spec);
    if (isResized) this.#roomOn(node, RESIZED);
    else this.#stir(comeHints(undefined, pod, labelsOf), now);
  }

  #claimsChanged(): void {
    for (const [uid, pod] of this.#claimless) {
      if (this.#snapshot.devices.absent(pod) !== undefined) continue;
      this.#claimless.delete(uid);
      this.#backlog.put(pod, this.#options.clock.now());
    }
  }

  /** Something on a node changed that may help. Who is known to fit there now comes first; the others wait for their back-off. */
  #roomOn(node: string, hints: ReadonlyMap<string, Hint>, settleMs = 0): void {
    const now = this.#options.clock.now();
    this.#stir(hints, now, now + settleMs);
    const asked = [...this.#snapshot.nominations.on(node), ...this.#backlog.refused(KINDS_ASKED).map((pod) => ({ pod }))];
    for (const asker of asked) if (fits(this.#snapshot, asker, node, this.#profileOf(asker.pod))) this.#backlog.hurry(asker.pod.metadata.uid, now);
  }

  /** Pods of one kind that one filter refused are helped alike, where it looks at nodes alone. */
  #stir(hints: ReadonlyMap<string, Hint>, now: number, from = now): void {
    let asked = 0;
    const helps = (plugin: string, pod: Stored<Pod>): boolean => {
      const hint = hints.get(plugin) as Hint;
      return (APART.has(plugin) && ++asked > ASKED_LIMIT) || hint(this.#demandOf(pod), this.#profileOf(pod), pod);
    };
    this.#backlog.stir(now, [...hints.keys()], { from, helps, apart: APART });
  }

  /** Of a pod that waits. */
  #demandOf(pod: Stored<Pod>): Demand {
    let demand = this.#demands.get(pod);
    if (!demand) this.#demands.set(pod, (demand = demandOf(pod)));
    return demand;
  }

  #podWaits(event: CacheEvent<Pod>): void {
    const { object: pod } = event;
    const { uid } = pod.metadata;
    // It has its place already, wherever it was to go before.
    if (this.#outcomes.isBinding(uid)) return this.#backlog.refresh(pod);
    this.#nominated(event);
    const now = this.#options.clock.now();
    if (event.type !== 'updated' || !this.#backlog.has(uid)) return this.#backlog.put(pod, now);
    const hints = ownHints(event.previous, pod);
    if (hints.size > 0) this.#backlog.put(pod, now, (plugin) => hints.get(plugin)?.(this.#demandOf(pod), this.#profileOf(pod), pod) ?? false);
    else this.#backlog.refresh(pod);
  }

  /** Room is kept on the node that a waiting pod's status names, whoever wrote it. */
  #nominated(event: CacheEvent<Pod>): void {
    const { object: pod } = event;
    const { nominations } = this.#snapshot;
    const before = event.type === 'updated' ? event.previous.status?.nominatedNodeName : undefined;
    const nominated = pod.status?.nominatedNodeName;
    if (nominated && nominated !== before) nominations.set(pod, demandOf(pod), nominated);
    else if (before && !nominated) nominations.remove(pod.metadata.uid);
    if (event.type === 'updated' && before && nominated !== before) this.#stir(withdrawnHints(event.previous, this.#snapshot.tallies.labelsOf), this.#options.clock.now());
  }

  #isMine(pod: Stored<Pod>): boolean {
    return this.#profiles.has(pod.spec.schedulerName ?? DEFAULT_PROFILE.name) && !this.#isGated(pod);
  }

  /** Pods that are not to be looked at yet. */
  #gated(): number {
    return this.#pods.cache.list().filter((pod) => !pod.spec.nodeName && this.#isGated(pod)).length;
  }

  #isGated({ spec }: Stored<Pod>): boolean {
    return (spec.schedulingGates?.length ?? 0) > 0 && this.#profiles.get(spec.schedulerName ?? DEFAULT_PROFILE.name)?.mindsGates === true;
  }

  *#refusals(): Generator<readonly [string, string]> {
    for (const { pod, plugins } of this.#backlog.parked()) for (const plugin of plugins) yield [this.#profileOf(pod).name, plugin];
  }

  #profileOf({ spec }: Stored<Pod>): Profile {
    return this.#profiles.get(spec.schedulerName ?? DEFAULT_PROFILE.name) ?? DEFAULT_PROFILE;
  }

  /** Decides in the next turn of the event loop, so that what arrives together is decided together. */
  #wake(): void {
    if (this.#scheduled || this.#stopped || !this.#started) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#decide();
    });
  }

  /** Before what others make of the same change: a node is looked at in each of the states that it passes through. */
  #decideSoon(): void {
    queueMicrotask(() => {
      if (this.#started && !this.#stopped) this.#decide();
    });
  }

  #decide(): void {
    const { clock, random } = this.#options;
    const began = clock.monotonic();
    let decided = 0;
    while (decided < TURN && clock.monotonic() - began < TURN_MS) {
      // Each binding that ends wakes the scheduler again.
      const batch = this.#backlog.take(clock.now(), Math.min(BATCH, BINDING_LIMIT - this.#outcomes.underWay));
      if (batch.length === 0) break;
      decided += batch.length;
      for (const pod of batch) {
        if (pod.metadata.deletionTimestamp) {
          this.#backlog.remove(pod.metadata.uid);
          this.#outcomes.skip(pod);
          continue;
        }
        if (this.#extenders.concern(pod)) {
          this.#asking = this.#asking.then(() => this.#askAndDecide(pod));
          continue;
        }
        const moment = { now: clock.now(), random, profile: this.#profileOf(pod) };
        const beganMs = clock.monotonic();
        const decisions = decide(this.#snapshot, [pod], moment);
        this.#series.decided(moment.profile, decisions, beganMs);
        for (const decision of decisions) this.#outcomes.carryOut(decision);
      }
    }
    if (decided > 0) return this.#wake();
    this.#timer?.cancel();
    const next = this.#backlog.nextAt();
    if (next !== undefined && this.#outcomes.underWay < BINDING_LIMIT) this.#timer = clock.after(next - clock.now(), () => this.#wake());
  }

  /** One such pod at a time: what others ask for meanwhile is looked at again when the answers are there. */
  async #askAndDecide(pod: Stored<Pod>): Promise<void> {
    const { clock, random } = this.#options;
    const profile = this.#profileOf(pod);
    try {
      const nodes = candidates(this.#snapshot, pod, profile).flatMap((name) => this.#nodes.cache.get({ name }) ?? []);
      const asked = await this.#extenders.ask(pod, nodes);
      if (this.#stopped || !this.#backlog.has(pod.metadata.uid)) return;
      for (const decision of decide(this.#snapshot, [pod], { now: clock.now(), random, profile, asked })) {
        if ('unschedulable' in decision && decision.unschedulable.proposal) await this.#negotiate(pod, decision.unschedulable);
        else this.#outcomes.carryOut(decision);
      }
    } catch (error) {
      if (!this.#stopped) this.#outcomes.fail(pod, (error as Error).message);
    }
    this.#wake();
  }

  /** Others have a say in who is evicted; what fails there is told with the reasons why the pod fits nowhere. */
  async #negotiate(pod: Stored<Pod>, unschedulable: Unschedulable): Promise<void> {
    const { candidates = [], failed } = unschedulable.proposal ?? {};
    let outcome: Unschedulable;
    try {
      outcome = concluded(this.#snapshot, unschedulable, await this.#extenders.preempt(pod, candidates, (node) => (this.#snapshot.row(node) === undefined ? undefined : this.#snapshot.podsOn(node))));
    } catch (error) {
      outcome = { ...unschedulable, message: failed?.((error as Error).message) ?? unschedulable.message };
    }
    const { uid } = pod.metadata;
    if (this.#stopped || !this.#backlog.has(uid)) return;
    if (outcome.preemption) this.#snapshot.nominations.set(pod, demandOf(pod), outcome.preemption.node);
    this.#outcomes.carryOut({ pod, unschedulable: outcome });
  }
}

/** Whether a change of a node can make room for a pod that did not fit before. Heartbeats cannot. */
function mayHelp(before: Stored<Node>, after: Stored<Node>): boolean {
  return (
    !deepEqual(before.status?.allocatable, after.status?.allocatable) ||
    !deepEqual(before.metadata.labels, after.metadata.labels) ||
    !deepEqual(before.spec.taints, after.spec.taints) ||
    before.spec.unschedulable !== after.spec.unschedulable ||
    !deepEqual(before.status?.declaredFeatures, after.status?.declaredFeatures)
  );
}
