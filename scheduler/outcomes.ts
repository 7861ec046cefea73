/** Carries out decisions: binds what was placed, tells why the others wait, evicts who must make room. */
import { isReason } from '../api/status.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Client, ObjectKey, Stored } from '../client/client.ts';
import { type Recorder, openRecorder } from '../client/events.ts';
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import type { Backlog } from './backlog.ts';
import { deallocate, Reservation } from './bind-claims.ts';
import { bindVolumes } from './bind-volumes.ts';
import type { Decision, Unschedulable } from './decide.ts';
import type { Extenders } from './extenders.ts';
import { Lane } from './lane.ts';
import type { Preemption } from './candidate.ts';
import type { SchedulerSeries } from './series.ts';
import type { Snapshot } from './snapshot.ts';
import { type BindOutcome, type Waiting, type WriteTools, announce, bind, evict, explainWaiting, say, withdrawNomination } from './writes.ts';

export interface OutcomesOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: { warn(fields: object, message: string): void };
  readonly snapshot: Snapshot;
  readonly backlog: Backlog;
  /** A pod as the watch knows it. */
  readonly current: (key: ObjectKey) => Stored<Pod> | undefined;
  readonly extenders: Extenders;
  /** How long claims may take to be bound before their pod is tried again. */
  readonly bindTimeoutMs: (pod: Stored<Pod>) => number;
  /** How long devices may take to be prepared. */
  readonly prepareTimeoutMs: (pod: Stored<Pod>) => number;
  readonly series: Pick<SchedulerSeries, 'placed' | 'evicting'>;
  /** There may be something to decide. */
  readonly wake: () => void;
}

type Placement = Extract<Decision, { readonly node: string }>;

function isStanding({ metadata }: Stored<Pod>): boolean {
  return metadata.deletionTimestamp === undefined;
}

/** Writes besides bindings that are under way at once. */
const WRITE_LIMIT = 64;

export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #lane: Lane;
  readonly #tools: Pick<WriteTools, 'client' | 'clock'>;
  /** Events say which scheduler speaks: each has its own. */
  readonly #recorders = new Map<string, Recorder>();
  readonly #binding = new Map<string, Promise<void>>();
  /** Bound, though the watch has not said so yet. */
  readonly #bound = new Set<string>();
  /** Of victims that the watch still shows: who wants the same one evicted waits for the same. */
  readonly #evictions = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: OutcomesOptions) {
    const { client, clock } = options;
    this.#options = options;
    this.#lane = new Lane({ clock, limit: WRITE_LIMIT, signal: this.#stopping.signal });
    this.#tools = { client, clock };
  }

  /** Bindings that have not ended. */
  get underWay(): number {
    return this.#binding.size;
  }

  isBinding(uid: string): boolean {
    return this.#binding.has(uid);
  }

  isBound(uid: string): boolean {
    return this.#bound.has(uid);
  }

  /** The watch says where the pod is. */
  seen(uid: string): void {
    this.#bound.delete(uid);
  }

  gone(uid: string): void {
    this.#bound.delete(uid);
    this.#evictions.delete(uid);
  }

  carryOut(decision: Decision): void {
    if ('node' in decision) this.#bind(decision);
    else this.#refuse(decision.pod, decision.unschedulable);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#binding.values());
    await Promise.all([...this.#recorders.values()].map((recorder) => recorder.flush()));
  }

  #bind(placement: Placement): void {
    const { uid } = placement.pod.metadata;
    const { attempts, since } = { ...this.#options.backlog.historyOf(uid) };
    const reservation = placement.devices && new Reservation(placement.pod, placement.devices);
    const binding = this.#bindAll(placement, reservation).then((outcome) => {
      this.#binding.delete(uid);
      if (outcome.state === 'bound' && attempts !== undefined && since !== undefined) this.#options.series.placed(attempts, this.#options.clock.now() - since);
      if (placement.volumes) this.#options.snapshot.volumes.forget(placement.volumes);
      const { devices } = placement;
      if (devices && outcome.state !== 'bound') this.#options.snapshot.devices.forget(devices);
      if (reservation && outcome.state === 'refused') this.#attempt(placement.pod, 'give up a reservation of devices', this.#lane.run(() => reservation.giveUp(this.#tools)));
      this.#bindingEnded(placement, outcome);
      this.#options.wake();
    });
    this.#binding.set(uid, binding);
  }

  async #bindAll({ pod, node, volumes }: Placement, reservation: Reservation | undefined): Promise<BindOutcome> {
    const { bindTimeoutMs, prepareTimeoutMs, client, clock, extenders, random, snapshot } = this.#options;
    if (reservation || volumes) await announce(this.#tools, pod, node).catch((error: unknown) => this.#options.log.warn({ pod: pod.metadata.name, error: String(error) }, 'cannot tell where a pod goes'));
    try {
      if (volumes) await bindVolumes({ client, clock, volumes: snapshot.volumes, signal: this.#stopping.signal, timeoutMs: bindTimeoutMs(pod), podIsThere: () => this.#options.current(pod.metadata)?.metadata.uid === pod.metadata.uid, factsOf: (name) => snapshot.facts[snapshot.row(name) ?? -1] }, volumes, node);
    } catch (error) {
      return { state: 'refused', message: `running PreBind plugin "VolumeBinding": ${(error as Error).message}` };
    }
    try {
      if (reservation) {
        const onWait = (): void => say(this.#recorder(pod), pod, { type: 'Normal', reason: 'BindingConditionsPending', action: 'Scheduling', message: `waiting for binding conditions for device on node ${node}` });
        await reservation.write({ client, clock, random, devices: snapshot.devices, signal: this.#stopping.signal, timeoutMs: prepareTimeoutMs(pod), onWait });
      }
    } catch (error) {
      return { state: 'refused', message: `running PreBind plugin "DynamicResources": ${(error as Error).message}` };
    }
    try {
      if (extenders.binds(pod) && (await extenders.bind(pod, node))) return { state: 'bound', node };
    } catch (error) {
      return { state: 'refused', message: (error as Error).message };
    }
    return bind(this.#tools, pod, node);
  }

  /** The pod was charged to the node when it was decided. */
  #bindingEnded({ pod, node }: Placement, outcome: BindOutcome): void {
    const { backlog, clock, current, log, snapshot } = this.#options;
    const { namespace, name, uid } = pod.metadata;
    const known = current({ namespace, name });
    if (known?.metadata.uid !== uid || outcome.state === 'gone') {
      backlog.remove(uid);
      snapshot.removePod(uid);
    } else if (known.spec.nodeName || outcome.state === 'bound') {
      backlog.remove(uid);
      if (outcome.state !== 'bound') return;
      if (!known.spec.nodeName) {
        this.#bound.add(uid);
        if (outcome.node !== node) snapshot.setPod(pod, outcome.node);
      }
      say(this.#recorder(pod), pod, { type: 'Normal', reason: 'Scheduled', action: 'Binding', message: `Successfully assigned ${namespace}/${name} to ${outcome.node}` });
    } else {
      // With no answer at all it may be bound or not: it stays charged until it is decided again.
      if (outcome.state === 'refused') {
        snapshot.removePod(uid);
        snapshot.nominations.remove(uid);
        backlog.stir(clock.now());
      }
      backlog.retry(uid, clock.now());
      log.warn({ pod: `${namespace}/${name}`, node, error: outcome.message }, 'cannot bind');
      this.#explain(known, { reason: 'SchedulerError', message: outcome.message, ...(outcome.state === 'refused' && { nominated: '' }) });
    }
  }

  #refuse(pod: Stored<Pod>, { message, plugins, kind, preemption, nominated, failed, useless }: Unschedulable): void {
    if (failed) return this.fail(pod, message);
    if (useless) this.#attempt(pod, 'give up an allocation of devices', this.#lane.run(() => deallocate(this.#tools, useless)));
    const held = preemption?.victims.some(isStanding) ?? false;
    this.#options.backlog.park(pod.metadata.uid, this.#options.clock.now(), plugins, { kind, held });
    // What node is being cleared is told before anybody goes.
    this.#explain(pod, { reason: 'Unschedulable', message, ...(nominated !== undefined && { nominated }) });
    if (preemption) this.#preempt(pod, preemption);
  }

  /** The pod waits parked: each victim that goes stirs it. */
  #preempt(pod: Stored<Pod>, { node, victims }: Preemption): void {
    const { backlog, clock, snapshot } = this.#options;
    const standing = victims.filter(isStanding);
    // Where all are ending already nothing needs to be done but to wait.
    if (standing.length === 0) return;
    this.#options.series.evicting(victims.length);
    for (const { pod: lesser } of snapshot.nominations.below(node, pod.metadata.uid, pod.spec.priority ?? 0)) {
      snapshot.nominations.remove(lesser.metadata.uid);
      this.#attempt(lesser, 'withdraw a nomination', this.#lane.run(() => withdrawNomination(this.#tools, lesser)));
      backlog.stir(clock.now());
    }
    const { uid } = pod.metadata;
    // The last one goes when the others are on their way, as upstream's does.
    const last = standing.at(-1) as Stored<Pod>;
    const evictions = Promise.all(standing.slice(0, -1).map((victim) => this.#evict(victim, pod, node))).then(() => this.#evict(last, pod, node));
    this.#attempt(
      pod,
      'evict for a more important pod',
      evictions.then(
        () => {
          backlog.release(uid, clock.now());
          this.#options.wake();
        },
        (error: unknown) => {
          backlog.release(uid, clock.now());
          backlog.retry(uid, clock.now());
          this.#options.wake();
          throw error;
        },
      ),
    );
  }

  #evict(victim: Stored<Pod>, pod: Stored<Pod>, node: string): Promise<void> {
    const { uid } = victim.metadata;
    const known = this.#evictions.get(uid);
    if (known) return known;
    const eviction = this.#lane.run(() => evict({ ...this.#tools, recorder: this.#recorder(pod) }, victim, pod, node));
    this.#evictions.set(uid, eviction);
    eviction.catch(() => this.#evictions.delete(uid));
    return eviction;
  }

  #explain(pod: Stored<Pod>, waiting: Waiting): void {
    say(this.#recorder(pod), pod, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', message: waiting.message });
    this.#attempt(pod, 'write why a pod waits', this.#lane.run(async () => (this.#isPlaced(pod) ? undefined : explainWaiting(this.#tools, pod, waiting))));
  }

  #recorder({ spec }: Stored<Pod>): Recorder {
    const component = spec.schedulerName ?? 'default-scheduler';
    let recorder = this.#recorders.get(component);
    if (!recorder) this.#recorders.set(component, (recorder = openRecorder({ ...this.#options, component, api: 'events.k8s.io' })));
    return recorder;
  }

  /** It is being deleted: nobody looks for a node. */
  skip(pod: Stored<Pod>): void {
    const { namespace, name } = pod.metadata;
    say(this.#recorder(pod), pod, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', message: `skip schedule deleting pod: ${namespace}/${name}` });
  }

  /** An attempt failed before anything could be decided. */
  fail(pod: Stored<Pod>, message: string): void {
    const { backlog, clock, snapshot } = this.#options;
    snapshot.removePod(pod.metadata.uid);
    snapshot.nominations.remove(pod.metadata.uid);
    backlog.retry(pod.metadata.uid, clock.now());
    this.#explain(pod, { reason: 'SchedulerError', message, nominated: '' });
  }

  /** Found room before it could be said that there was none. */
  #isPlaced({ metadata: { namespace, name, uid } }: Stored<Pod>): boolean {
    return this.#binding.has(uid) || this.#bound.has(uid) || this.#options.current({ namespace, name })?.spec.nodeName !== undefined;
  }

  #attempt({ metadata: { namespace, name } }: Stored<Pod>, what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!isReason(error, 'NotFound')) this.#options.log.warn({ pod: `${namespace}/${name}`, error: String(error) }, `cannot ${what}`);
    });
  }
}
