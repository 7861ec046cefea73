/** What people do with the cluster, drawn by lot: workloads rolled, scaled and taken away, nodes drained, quotas, namespaces. */
import * as resources from '../../api/resources.ts';
import type { ResourceRef } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { Pod, PodTemplateSpec } from '../../api/types/core.v1.ts';
import type { Client, ObjectKey, Stored } from '../../client/client.ts';
import { sleep, type Clock } from '../../std/clock.ts';
import { below, type Random } from '../../std/random.ts';
import { People, type Habit, type Menu } from './habits/habit.ts';
import { HABITS, type HabitName } from './habits/habits.ts';

export interface UsersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly note: (line: string) => void;
  readonly habits: readonly HabitName[];
}

const NAMESPACES = ['red', 'green', 'blue'] as const;
/** Sometimes more than the nodes hold. */
const MAX_WORKLOADS = 7;
/** Where habits bring theirs, there are fewer others. */
const MIN_WORKLOADS = 2;
const MAX_REPLICAS = 5;
const DRAIN_TRIES = 12;
const DRAIN_RETRY_MS = 5_000;
const PAUSE_MS = 12_000;
/** Each habit adds so much to what is done. */
const HASTE = 0.12;

type Kind = 'deployments' | 'statefulsets' | 'jobs' | 'daemonsets';
interface Workload extends ObjectKey {
  readonly kind: Kind;
  readonly namespace: string;
}

/** Counts what was acknowledged to it. */
export interface Counter {
  acknowledged: number;
  unsure: number;
}

export class Users {
  readonly counter: Counter = { acknowledged: 0, unsure: 0 };
  readonly #options: UsersOptions;
  readonly #people: People;
  readonly #habits: readonly Habit[];
  readonly #workloads: Workload[] = [];
  readonly #busy = new Set<Promise<unknown>>();
  #stopped = false;

  constructor(options: UsersOptions) {
    this.#options = options;
    this.#people = new People(options);
    this.#habits = options.habits.map((name) => HABITS[name](this.#people));
  }

  async begin(): Promise<void> {
    const { client } = this.#options;
    for (const name of NAMESPACES) await this.#attempt('namespace', () => client.create(resources.namespaces, { metadata: { name }, spec: {} }));
    await this.#attempt('quota', () => client.create(resources.resourcequotas, { metadata: { namespace: 'blue', name: 'quota' }, spec: { hard: { pods: '8', 'requests.cpu': '2' } } }));
    await this.#attempt('counter', () => client.create(resources.configmaps, { metadata: { namespace: 'default', name: 'counter' }, data: { count: '0' } }));
    for (const habit of this.#habits) void this.#busily(habit.begin());
    void this.#run();
  }

  /** Nothing is begun any more, and every node may be used again. */
  async stop(): Promise<void> {
    const { client, clock } = this.#options;
    this.#stopped = true;
    await Promise.all(this.#busy);
    for (const habit of this.#habits) await habit.end?.();
    for (;;) {
      const all = await client.list(resources.nodes).catch(() => undefined);
      const cordoned = all?.items.filter(({ spec }) => spec.unschedulable);
      if (cordoned?.length === 0) return;
      for (const { metadata } of cordoned ?? []) await this.#cordon(metadata.name, null);
      await sleep(clock, DRAIN_RETRY_MS);
    }
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#options;
    while (!this.#stopped) {
      void this.#busily(this.#act());
      await sleep(clock, (PAUSE_MS / (1 + HASTE * this.#habits.length)) * (0.2 + 1.6 * random.next()));
    }
  }

  #busily(act: Promise<unknown>): Promise<unknown> {
    this.#busy.add(act);
    return act.finally(() => this.#busy.delete(act));
  }

  #act(): Promise<unknown> {
    const { random } = this.#options;
    if (this.#workloads.length === 0) return this.#create();
    const menu: Menu = [
      [this.#workloads.length < Math.max(MIN_WORKLOADS, MAX_WORKLOADS - 2 * this.#habits.length) ? 25 : 0, () => this.#create()],
      [20, () => this.#scale()],
      [20, () => this.#roll()],
      [6, () => this.#delete()],
      [8, () => this.#drain()],
      [4, () => this.#renewNamespace()],
      [4, () => this.#changeQuota()],
      [5, () => this.#killPod()],
      [10, () => this.#count()],
      ...this.#habits.flatMap((habit) => habit.menu()),
    ];
    let left = random.next() * menu.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of menu) if ((left -= weight) < 0) return act();
    return this.#count();
  }

  async #create(): Promise<void> {
    const { client, random } = this.#options;
    const kind = this.#pick(['deployments', 'deployments', 'deployments', 'statefulsets', 'jobs', 'daemonsets'] as const);
    const namespace = this.#pick(NAMESPACES);
    const name = `${kind[0]}-${this.#people.number()}`;
    const metadata = { namespace, name };
    const template = this.#template(name, kind === 'jobs');
    const selector = { matchLabels: { app: name } };
    const replicas = below(random, MAX_REPLICAS + 1);
    const spec = {
      deployments: { replicas, selector, template, minReadySeconds: this.#pick([0, 0, 3]), strategy: this.#pick([{}, { type: 'Recreate' }, { rollingUpdate: { maxSurge: this.#pick([0, 1, '50%']), maxUnavailable: this.#pick([1, '25%', '50%']) } }, { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }]) },
      statefulsets: { replicas: Math.min(3, replicas), selector, template, serviceName: name, podManagementPolicy: this.#pick(['OrderedReady', 'Parallel']) },
      jobs: { completions: 1 + below(random, 4), parallelism: 1 + below(random, 2), backoffLimit: 3, template },
      daemonsets: { selector, template },
    }[kind];
    this.#workloads.push({ kind, namespace, name });
    await this.#attempt(`create ${kind} ${namespace}/${name} ${replicas}`, () => client.create(resources[kind] as ResourceRef<object>, { metadata, spec }));
    if (kind === 'deployments') await this.#attempt('service', () => client.create(resources.services, { metadata, spec: { selector: { app: name }, ports: [{ port: 80 }] } }));
    if ((kind === 'deployments' || kind === 'statefulsets') && random.next() < 0.5) {
      await this.#attempt('budget', () => client.create(resources.poddisruptionbudgets, { metadata, spec: { selector, ...this.#pick([{ maxUnavailable: 1 }, { minAvailable: '50%' }, { minAvailable: 1 }]) } }));
    }
  }

  #template(app: string, isJob: boolean): PodTemplateSpec {
    const { random } = this.#options;
    const after = (limit: number): string => `${below(random, limit)}s`;
    const behaviour = isJob ? { run: after(60), 'exit-code': this.#pick(['0', '0', '1,0']) } : { start: after(4), ready: after(8), stop: after(10), ...(random.next() < 0.1 && { run: `${20 + below(random, 60)}s` }) };
    const annotations = Object.fromEntries(Object.entries(behaviour).map(([field, text]) => [`coracle.dev/hollow-${field}`, text]));
    const readinessProbe = { exec: { command: ['ready'] }, periodSeconds: 1 + below(random, 3) };
    const resourcesOf = { requests: { cpu: this.#pick(['100m', '500m', '900m']), memory: '64Mi' } };
    return {
      metadata: { labels: { app }, annotations },
      spec: { terminationGracePeriodSeconds: 15, ...(isJob && { restartPolicy: 'Never' as const }), containers: [{ name: 'c', image: `image:${this.#people.number()}`, resources: resourcesOf, ...(!isJob && { readinessProbe }) }] },
    } as unknown as PodTemplateSpec;
  }

  #scale(): Promise<unknown> {
    const { client, random } = this.#options;
    const one = this.#workload(['deployments', 'statefulsets']);
    if (!one) return this.#count();
    const replicas = below(random, one.kind === 'statefulsets' ? 4 : MAX_REPLICAS + 1);
    return this.#attempt(`scale ${one.kind} ${one.namespace}/${one.name} to ${replicas}`, () => client.patch(resources[one.kind] as ResourceRef<object>, one, { type: 'application/merge-patch+json', body: { spec: { replicas } } }));
  }

  #roll(): Promise<unknown> {
    const { client } = this.#options;
    const one = this.#workload(['deployments', 'statefulsets', 'daemonsets']);
    if (!one) return this.#count();
    const image = `image:${this.#people.number()}`;
    const body = { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } };
    return this.#attempt(`roll ${one.kind} ${one.namespace}/${one.name} to ${image}`, () => client.patch(resources[one.kind] as ResourceRef<object>, one, { type: 'application/strategic-merge-patch+json', body }));
  }

  #delete(): Promise<unknown> {
    const { client } = this.#options;
    const one = this.#workload(['deployments', 'statefulsets', 'jobs', 'daemonsets']);
    if (!one) return this.#count();
    this.#workloads.splice(this.#workloads.indexOf(one), 1);
    const propagationPolicy = this.#pick(['Background', 'Foreground'] as const);
    return this.#attempt(`delete ${one.kind} ${one.namespace}/${one.name} ${propagationPolicy}`, () => client.delete(resources[one.kind] as ResourceRef<object>, one, { propagationPolicy }));
  }

  /** Cordons a node, evicts what runs there as `kubectl drain` does, and gives it back. */
  async #drain(): Promise<void> {
    const { client, clock, random } = this.#options;
    const all = await client.list(resources.nodes).catch(() => undefined);
    const node = all?.items[below(random, all.items.length)]?.metadata.name;
    if (!node) return;
    await this.#cordon(node, true);
    for (let tries = 0; tries < DRAIN_TRIES; tries++) {
      const found = await client.list(resources.pods, { fieldSelector: `spec.nodeName=${node}` }).catch(() => undefined);
      const left = (found?.items ?? []).filter((pod) => !isDaemonPod(pod) && !pod.metadata.deletionTimestamp && pod.status?.phase === 'Running');
      if (found && left.length === 0) break;
      for (const pod of left) await this.#evict(pod);
      await sleep(clock, DRAIN_RETRY_MS);
    }
    await this.#cordon(node, null);
  }

  #cordon(name: string, unschedulable: true | null): Promise<unknown> {
    const { client } = this.#options;
    return this.#attempt(`${unschedulable ? '' : 'un'}cordon ${name}`, () => client.patch(resources.nodes, { name }, { type: 'application/merge-patch+json', body: { spec: { unschedulable } } }));
  }

  async #evict({ metadata: { namespace, name } }: Stored<Pod>): Promise<void> {
    const { client } = this.#options;
    try {
      await client.post(resources.pods, { namespace, name }, 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { namespace, name } });
    } catch {
      // Its budget does not allow it now, or it is gone.
    }
  }

  async #renewNamespace(): Promise<void> {
    const { client, clock } = this.#options;
    const name = 'green';
    const going = this.#workloads.filter(({ namespace }) => namespace === name);
    for (const one of going) this.#workloads.splice(this.#workloads.indexOf(one), 1);
    await this.#attempt(`delete namespace ${name}`, () => client.delete(resources.namespaces, { name }));
    for (let tries = 0; tries < DRAIN_TRIES && !this.#stopped; tries++) {
      await sleep(clock, DRAIN_RETRY_MS);
      if (await client.create(resources.namespaces, { metadata: { name }, spec: {} }).then(() => true, () => false)) return;
    }
  }

  #changeQuota(): Promise<unknown> {
    const { client, random } = this.#options;
    const hard = { pods: String(3 + below(random, 8)), 'requests.cpu': `${1 + below(random, 3)}` };
    return this.#attempt(`quota ${JSON.stringify(hard)}`, () => client.patch(resources.resourcequotas, { namespace: 'blue', name: 'quota' }, { type: 'application/merge-patch+json', body: { spec: { hard } } }));
  }

  async #killPod(): Promise<void> {
    const { client, random } = this.#options;
    const found = await client.list(resources.pods).catch(() => undefined);
    const pod = found?.items[below(random, found.items.length)];
    if (pod) await this.#attempt(`delete pod ${pod.metadata.namespace}/${pod.metadata.name}`, () => client.delete(resources.pods, pod.metadata));
  }

  /** Reads, adds one, and writes back what nobody else may have changed meanwhile. */
  async #count(): Promise<void> {
    const { client } = this.#options;
    const key = { namespace: 'default', name: 'counter' };
    try {
      const now = await client.get(resources.configmaps, key);
      try {
        await client.update(resources.configmaps, { ...now, data: { count: String(Number(now.data?.['count']) + 1) } });
        this.counter.acknowledged++;
      } catch (error) {
        if (!isReason(error, 'Conflict')) this.counter.unsure++;
      }
    } catch {
      // Nobody could be reached.
    }
  }

  #workload(kinds: readonly Kind[]): Workload | undefined {
    const fitting = this.#workloads.filter(({ kind }) => kinds.includes(kind));
    return fitting[below(this.#options.random, fitting.length)];
  }

  #pick<T>(from: readonly T[]): T {
    return this.#people.pick(from);
  }

  #attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
    return this.#people.attempt(what, work);
  }
}

function isDaemonPod({ metadata }: Stored<Pod>): boolean {
  return metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') ?? false;
}
