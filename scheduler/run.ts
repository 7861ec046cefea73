/** The scheduler's shell: watches nodes and pods, asks `decide` where waiting pods go, binds them and says why others wait. */
import { nodes, pods } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Node, Pod } from '../api/types/core.v1.ts';
import type { CacheEvent, Client, Stored } from '../client/client.ts';
import { openRecorder } from '../client/events.ts';
import { openInformer } from '../client/informer.ts';
import { timeText } from '../client/time.ts';
import type { Clock, Timer } from '../std/clock.ts';
import { deepEqual } from '../std/deep.ts';
import type { Random } from '../std/random.ts';
import { Backlog } from './backlog.ts';
import { type Unschedulable, decide } from './decide.ts';
import { Snapshot } from './snapshot.ts';

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
      this.#snapshot.removePod(uid);
      if (pod.spec.nodeName) this.#backlog.stir(now);
    } else if (pod.spec.nodeName) {
      this.#backlog.remove(uid);
      this.#snapshot.setPod(pod, pod.spec.nodeName);
    } else if (pod.metadata.deletionTimestamp) {
      this.#backlog.remove(uid);
    } else if (this.#isMine(pod)) {
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
    const batch = room > 0 ? this.#backlog.take(clock.now(), room) : [];
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
    const { metadata } = pod;
    const binding = this.#post(pod, node).finally(() => {
      this.#binding.delete(metadata.uid);
      this.#wake();
    });
    this.#binding.set(metadata.uid, binding);
  }

  async #post(pod: Stored<Pod>, node: string): Promise<void> {
    const { client, clock, log } = this.#options;
    const { namespace, name, uid } = pod.metadata;
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target: { kind: 'Node', name: node } };
    try {
      await client.post(pods, { namespace, name }, 'binding', body);
      this.#backlog.remove(uid);
      this.#say(pod, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${namespace}/${name} to ${node}`);
    } catch (error) {
      // Charged to the node when it was decided. If it was bound all the same, the watch says so and charges it again.
      const current = this.#pods.cache.get({ namespace, name });
      if (current?.metadata.uid !== uid || !current.spec.nodeName) this.#snapshot.removePod(uid);
      if (isReason(error, 'NotFound') || current?.metadata.uid !== uid) return this.#backlog.remove(uid);
      log.warn({ pod: `${namespace}/${name}`, node, error: String(error) }, 'cannot bind');
      this.#say(pod, 'Warning', 'FailedScheduling', 'Scheduling', `running Bind plugin "DefaultBinder": ${(error as Error).message}`);
      this.#backlog.retry(uid, clock.now());
    }
  }

  #refuse(pod: Stored<Pod>, { message }: Unschedulable): void {
    this.#backlog.park(pod.metadata.uid, this.#options.clock.now());
    this.#say(pod, 'Warning', 'FailedScheduling', 'Scheduling', message);
    void this.#setCondition(pod, message).catch((error: unknown) => {
      if (!isReason(error, 'NotFound')) this.#options.log.warn({ pod: pod.metadata.name, error: String(error) }, 'cannot write the PodScheduled condition');
    });
  }

  async #setCondition(pod: Stored<Pod>, message: string): Promise<void> {
    const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
    if (known?.status === 'False' && known.reason === 'Unschedulable' && known.message === message) return;
    const since = known?.status === 'False' && known.lastTransitionTime ? known.lastTransitionTime : timeText(this.#options.clock.now());
    const generation = (pod.metadata as { generation?: number }).generation;
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message, lastProbeTime: null, lastTransitionTime: since, ...(generation && { observedGeneration: generation }) };
    const { namespace, name, uid } = pod.metadata;
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    await this.#options.client.patch(pods, { namespace, name }, { type: 'application/strategic-merge-patch+json', body }, { subresource: 'status' });
  }

  #say(pod: Stored<Pod>, type: 'Normal' | 'Warning', reason: string, action: string, message: string): void {
    const { namespace, name, uid, resourceVersion } = pod.metadata;
    this.#recorder.record({ about: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, resourceVersion }, type, reason, action, message });
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
