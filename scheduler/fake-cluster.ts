/** A cluster in memory for tests of the scheduler's shell: objects, a clock to move, and bindings that the test may hold or refuse. */
import { namespaces, nodes, pods } from '../api/resources.ts';
import type { ApiCall, Door } from '../api/request.ts';
import { ApiError } from '../api/status.ts';
import type { Node, NodeSpec, Pod, PodSpec, PodStatus } from '../api/types/core.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import type { Configuration } from './configuration.ts';
import { type Scheduler, startScheduler } from './run.ts';

const QUIET = { info: (): void => undefined, warn: (): void => undefined };
/** Time moves in steps so small that nothing is noticed late, with turns of the event loop for all that happens at once. */
const STEP_MS = 100;
const TURNS = 12;

export interface PodInput extends Partial<PodSpec> {
  readonly cpu?: string;
  readonly labels?: Record<string, string>;
  readonly finalizers?: string[];
  readonly owner?: { readonly apiVersion: string; readonly kind: string; readonly name: string };
}

export class FakeCluster {
  readonly clock = new VirtualClock();
  readonly fake = new FakeDoor({ now: () => this.clock.now() });
  readonly client: Client;
  configuration: Configuration | undefined;
  /** Sees each binding before it takes effect, and may refuse it by throwing. */
  onBind: (call: ApiCall) => void | Promise<void> = () => undefined;
  /** Sees each binding after it took effect, and may lose the answer by throwing. */
  afterBind: (call: ApiCall) => void = () => undefined;
  /** Sees every other call on pods, and may refuse it by throwing. */
  beforePodCall: (call: ApiCall) => void = () => undefined;
  #released = Promise.withResolvers<void>();
  #lagging = false;

  constructor() {
    this.#released.resolve();
    this.client = openClient(this.#door(), { userAgent: 'test' });
  }

  async start(): Promise<Scheduler> {
    const scheduler = startScheduler({ client: this.client, clock: this.clock, random: seededRandom(1), log: QUIET, ...(this.configuration && { configuration: this.configuration }) });
    await this.settle();
    await scheduler.synced;
    await this.settle();
    return scheduler;
  }

  async settle(ms = 0): Promise<void> {
    for (let left = ms; ; left -= STEP_MS) {
      for (let turn = 0; turn < TURNS; turn++) await this.clock.advance(0);
      if (left <= 0) return;
      await this.clock.advance(Math.min(left, STEP_MS));
    }
  }

  /** From now on watches of pods say nothing, until `catchUp`. */
  lag(): void {
    this.#lagging = true;
    this.#released = Promise.withResolvers();
  }

  catchUp(): void {
    this.#lagging = false;
    this.#released.resolve();
  }

  async node(name: string, cpu = '1', labels: Record<string, string> = {}, spec: NodeSpec = {}): Promise<Stored<Node>> {
    const node = { metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } }, spec, status: { allocatable: { cpu, memory: '8Gi', pods: '110' } } };
    return this.client.create(nodes, node as Node);
  }

  async namespace(name: string, labels: Record<string, string> = {}): Promise<void> {
    await this.client.create(namespaces, { metadata: { name, labels }, spec: {} });
  }

  async pod(name: string, { cpu = '100m', labels, finalizers, owner, ...spec }: PodInput = {}): Promise<Stored<Pod>> {
    const container = { name: 'c', image: 'i', resources: { requests: { cpu } } };
    const ownerReferences = owner && [{ ...owner, uid: owner.name, controller: true }];
    const metadata = { name, namespace: 'd', ...(labels && { labels }), ...(finalizers && { finalizers }), ...(ownerReferences && { ownerReferences }) };
    return this.client.create(pods, { metadata, spec: { containers: [container], schedulerName: 'default-scheduler', ...spec } });
  }

  get(name: string): Stored<Pod> | undefined {
    return this.fake.objects('pods').find(({ metadata }) => metadata.name === name) as unknown as Stored<Pod> | undefined;
  }

  /** Pods by the node they are on: `{ n1: ['a', 'b'] }`; those on none are under ''. */
  placements(): Record<string, string[]> {
    const out: Record<string, string[]> = {};
    for (const object of this.fake.objects('pods') as unknown as Stored<Pod>[]) (out[object.spec.nodeName ?? ''] ??= []).push(object.metadata.name);
    for (const list of Object.values(out)) list.sort();
    return out;
  }

  condition(name: string, type = 'PodScheduled'): { readonly status: string; readonly reason?: string; readonly message?: string } | undefined {
    return this.get(name)?.status?.conditions?.find((condition) => condition.type === type);
  }

  events(reason: string): string[] {
    return (this.fake.objects('events.events.k8s.io') as unknown as { reason: string; note: string }[]).filter((event) => event.reason === reason).map(({ note }) => note);
  }

  calls(verb: ApiCall['verb'], subresource: string): ApiCall[] {
    return this.fake.calls.filter((call) => call.resource === 'pods' && call.verb === verb && call.subresource === subresource);
  }

  #door(): Door {
    return { call: (call) => this.#call(call), watch: (call) => this.#watch(call) };
  }

  async #call(call: ApiCall): Promise<unknown> {
    if (call.resource !== 'pods') return this.fake.call(call);
    if (call.subresource === 'binding') return this.#bind(call);
    this.beforePodCall(call);
    return call.subresource === 'status' ? this.#patchStatus(call) : this.fake.call(call);
  }

  async *#watch(call: ApiCall): AsyncGenerator<{ type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'; object: unknown }> {
    for await (const event of this.fake.watch(call)) {
      if (call.resource === 'pods' && this.#lagging) await this.#released.promise;
      yield event;
    }
  }

  async #bind(call: ApiCall): Promise<unknown> {
    this.fake.calls.push(call);
    await this.onBind(call);
    const { subresource: _, ...rest } = call;
    const known = (await this.fake.call({ ...rest, verb: 'get' })) as Stored<Pod>;
    const body = call.body as { metadata: { uid?: string }; target: { name: string } };
    const why = known.spec.nodeName ? `pod ${known.metadata.name} is already assigned to node "${known.spec.nodeName}"` : body.metadata.uid !== known.metadata.uid ? 'the UID in the precondition does not match' : undefined;
    if (why) throw new ApiError({ code: 409, reason: 'Conflict', message: why });
    await this.fake.call({ ...call, verb: 'update', body: { ...known, spec: { ...known.spec, nodeName: body.target.name } } });
    this.afterBind(call);
    return { kind: 'Status', status: 'Success' };
  }

  /** Conditions are merged by their type, as the strategic merge patch has it. */
  async #patchStatus(call: ApiCall): Promise<unknown> {
    const known = (await this.fake.call({ ...call, subresource: '', verb: 'get' })) as Stored<Pod>;
    const body = call.body as { status: PodStatus };
    const given = body.status.conditions;
    const kept = (known.status?.conditions ?? []).filter(({ type }) => !given?.some((condition) => condition.type === type));
    return this.fake.call({ ...call, body: { ...body, status: { ...body.status, ...(given && { conditions: [...kept, ...given] }) } } });
  }
}
