/** The scheduler's shell: watches nodes and pods, asks `decide` where waiting pods go, binds them and says why others wait. */
import { nodes, pods } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Node, Pod } from '../api/types/core.v1.ts';
import type { CacheEvent, Client, Stored } from '../client/client.ts';
import { openRecorder } from '../client/events.ts';
import { openInformer } from '../client/informer.ts';
import type { Clock, Timer } from '../std/clock.ts';
import { deepEqual } from '../std/deep.ts';
import type { Random } from '../std/random.ts';
import { Backlog } from './backlog.ts';
import { type Unschedulable, decide } from './decide.ts';
import { Snapshot } from './snapshot.ts';
import { type BindOutcome, type WriteTools, type Waiting, bind, explainWaiting, say } from './writes.ts';

export interface SchedulerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Only pods that ask for this scheduler are its business. */
  readonly name?: string;
}

export interface Scheduler {
  readonly synced: Promise<void>;
  stop(): Promise<void>;
}

/** Pods decided at a time, and bindings under way at once. */
const BATCH = 128;
const BINDING_LIMIT = 256;

export function startScheduler(options: SchedulerOptions): Scheduler {
  const scheduler = new RunningScheduler(options);
  return { synced: scheduler.start(), stop: () => scheduler.stop() };
}

class RunningScheduler {
  readonly #options: SchedulerOptions;
  readonly #name: string;
  readonly #snapshot = new Snapshot();
  readonly #backlog = new Backlog();
  readonly #binding = new Map<string, Promise<void>>();
  /** Bound, though the watch has not said so yet. */
  readonly #bound = new Set<string>();
  readonly #tools: WriteTools;
  readonly #recorder;
  readonly #nodes;
  readonly #pods;
  #timer: Timer | undefined;
  #scheduled = false;
  #stopped = false;

  constructor(options: SchedulerOptions) {
    const { client, clock } = options;
    this.#options = options;
    this.#name = options.name ?? 'default-scheduler';
    this.#recorder = openRecorder({ client, clock, component: this.#name, api: 'events.k8s.io', log: options.log });
    this.#tools = { client, clock, recorder: this.#recorder };
    this.#nodes = openInformer(client, nodes, {}, options);
    this.#pods = openInformer(client, pods, { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' }, options);
  }

  async start(): Promise<void> {
    // Both pictures must be whole before the first decision: half a picture overcommits.
    await Promise.all([this.#nodes.synced(), this.#pods.synced()]);
    this.#nodes.subscribe((event) => this.#nodeChanged(event));
    this.#pods.subscribe((event) => this.#podChanged(event));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#nodes.stop();
    this.#pods.stop();
    await Promise.allSettled(this.#binding.values());
    await this.#recorder.flush();
  }

  #nodeChanged(event: CacheEvent<Node>): void {
    if (event.type === 'deleted') this.#snapshot.removeNode(event.object.metadata.name);
    else this.#snapshot.setNode(event.object);
    if (event.type !== 'updated' || mayHelp(event.previous, event.object)) this.#backlog.stir(this.#options.clock.now());
    this.#wake();
  }

  #podChanged(event: CacheEvent<Pod>): void {
    const { object: pod } = event;
    const { uid } = pod.metadata;
    const now = this.#options.clock.now();
    if (event.type === 'deleted') {
      this.#backlog.remove(uid);
      this.#bound.delete(uid);
      this.#snapshot.removePod(uid);
      if (pod.spec.nodeName) this.#backlog.stir(now);
    } else if (pod.spec.nodeName) {
      this.#backlog.remove(uid);
      this.#bound.delete(uid);
      this.#snapshot.setPod(pod, pod.spec.nodeName);
    } else if (pod.metadata.deletionTimestamp) {
      this.#backlog.remove(uid);
    } else if (this.#isMine(pod) && !this.#bound.has(uid)) {
      const isNews =
        !this.#binding.has(uid) &&
        (event.type === 'added' || !deepEqual(event.previous.spec, pod.spec) || !deepEqual(event.previous.metadata.labels, pod.metadata.labels));
      if (isNews) this.#backlog.put(pod, now);
      else this.#backlog.refresh(pod);
    }
    this.#wake();
  }

  #isMine(pod: Stored<Pod>): boolean {
    return (pod.spec.schedulerName ?? 'default-scheduler') === this.#name && !pod.spec.schedulingGates?.length;
  }

  /** Decides in the next turn of the event loop, so that what arrives together is decided together. */
  #wake(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#decide();
    });
  }

  #decide(): void {
    const { clock, random } = this.#options;
    const room = Math.min(BATCH, BINDING_LIMIT - this.#binding.size);
    // Each binding that ends wakes the scheduler again.
    if (room <= 0) return;
    const batch = this.#backlog.take(clock.now(), room);
    for (const decision of decide(this.#snapshot, batch, { now: clock.now(), random })) {
      if ('node' in decision) this.#bind(decision.pod, decision.node);
      else this.#refuse(decision.pod, decision.unschedulable);
    }
    if (batch.length > 0) return this.#wake();
    this.#timer?.cancel();
    const next = this.#backlog.nextAt();
    if (next !== undefined) this.#timer = clock.after(next - clock.now(), () => this.#wake());
  }

  #bind(pod: Stored<Pod>, node: string): void {
    const { uid } = pod.metadata;
    const binding = bind(this.#tools, pod, node).then((outcome) => {
      this.#binding.delete(uid);
      this.#bindingEnded(pod, node, outcome);
      this.#wake();
    });
    this.#binding.set(uid, binding);
  }

  /** The pod was charged to the node when it was decided. */
  #bindingEnded(pod: Stored<Pod>, node: string, outcome: BindOutcome): void {
    const { namespace, name, uid } = pod.metadata;
    const now = this.#options.clock.now();
    const current = this.#pods.cache.get({ namespace, name });
    if (current?.metadata.uid !== uid || outcome.state === 'gone') {
      this.#backlog.remove(uid);
      this.#snapshot.removePod(uid);
    } else if (current.spec.nodeName || outcome.state === 'bound') {
      this.#backlog.remove(uid);
      if (outcome.state !== 'bound') return;
      if (!current.spec.nodeName) {
        this.#bound.add(uid);
        if (outcome.node !== node) this.#snapshot.setPod(pod, outcome.node);
      }
      say(this.#tools, pod, { type: 'Normal', reason: 'Scheduled', action: 'Binding', message: `Successfully assigned ${namespace}/${name} to ${outcome.node}` });
    } else {
      // With no answer at all it may be bound or not: it stays charged until it is decided again.
      if (outcome.state === 'refused') {
        this.#snapshot.removePod(uid);
        this.#backlog.stir(now);
      }
      this.#backlog.retry(uid, now);
      this.#options.log.warn({ pod: `${namespace}/${name}`, node, error: String(outcome.error) }, 'cannot bind');
      this.#explain(pod, { reason: 'SchedulerError', message: `running Bind plugin "DefaultBinder": ${outcome.error.message}` });
    }
  }

  #refuse(pod: Stored<Pod>, { message, plugins }: Unschedulable): void {
    this.#backlog.park(pod.metadata.uid, this.#options.clock.now(), plugins);
    this.#explain(pod, { reason: 'Unschedulable', message });
  }

  #explain(pod: Stored<Pod>, waiting: Waiting): void {
    say(this.#tools, pod, { type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', message: waiting.message });
    explainWaiting(this.#tools, pod, waiting).catch((error: unknown) => {
      if (!isReason(error, 'NotFound')) this.#options.log.warn({ pod: pod.metadata.name, error: String(error) }, 'cannot write why a pod waits');
    });
  }
}

/** Whether a change of a node can make room for a pod that did not fit before. Heartbeats cannot. */
function mayHelp(before: Stored<Node>, after: Stored<Node>): boolean {
  return (
    !deepEqual(before.status?.allocatable, after.status?.allocatable) ||
    !deepEqual(before.metadata.labels, after.metadata.labels) ||
    !deepEqual(before.spec.taints, after.spec.taints) ||
    before.spec.unschedulable !== after.spec.unschedulable
  );
}
