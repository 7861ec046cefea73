/** Every part of a highly available cluster in one process, each under its own sky, on the clock of the simulation. */
import { ApiPart, type ClusterLog } from '../../cluster/api-part.ts';
import { sharedPki } from '../../cluster/credentials.ts';
import { Line, type Host } from '../../cluster/line.ts';
import { NodePart } from '../../cluster/node.ts';
import { Part, type Running, type Who } from '../../cluster/part.ts';
import { dynamicPlugins } from '../../apiserver/admission/dynamic.ts';
import { openMemory } from '../../apiserver/storage/memory.ts';
import type { Store } from '../../apiserver/storage/store.ts';
import { openClient } from '../../client/open-client.ts';
import { runAsLeader } from '../../client/leader.ts';
import { startControllers } from '../../controllers/start.ts';
import { startScheduler } from '../../scheduler/run.ts';
import type { Door } from '../../api/request.ts';
import { seededRandom, uuid, type Random } from '../../std/random.ts';
import { FATES } from './habits/indexing.ts';
import { FakeHooks } from './hooks.ts';
import { NODE_CAPACITY } from './picture.ts';
import { SimulationTime } from './time.ts';
import { faultyDoor, FaultyStore, Sky, type Hearing } from './weather.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly hearing: Hearing;
  readonly log: ClusterLog;
}

export interface Component {
  readonly name: string;
  readonly part: Part;
  readonly sky: Sky;
}

const NODES = 5;
const ZONE = 'topology.kubernetes.io/zone';
const ZONES = 2;
const CLUSTER_CIDR = '10.244.0.0/16';
/** What looks after processes starts one that ended again, after this. */
const RESTART_MS = 2_000;

export class World {
  readonly time = new SimulationTime(Date.UTC(2026, 0, 1));
  /** As it is, without any weather. */
  readonly truth: Store;
  readonly store: FaultyStore;
  /** As each API server sees it, which may be later than the other. */
  readonly views: readonly FaultyStore[];
  readonly apis: readonly ApiPart[];
  readonly components: Component[] = [];
  readonly hooks: FakeHooks;
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #faults: Random;
  #nodes = 0;

  constructor(options: WorldOptions, pki: Awaited<ReturnType<typeof sharedPki>>) {
    const { seed, log } = options;
    this.#options = options;
    this.#random = seededRandom(seed);
    this.#faults = seededRandom(seed ^ 0x5eed);
    const { time } = this;
    this.truth = openMemory({ clock: time });
    this.store = new FaultyStore(this.truth, this.#faults, time);
    this.views = [0, 1].map(() => new FaultyStore(this.store, this.#faults, time));
    const client = (this.hooks = new FakeHooks(time));
    const random = this.#random;
    this.apis = this.views.map((store) => new ApiPart({ time, random, pki, log, traffic: time.traffic, store, dynamicAdmission: ({ reader, authorizer, registry, meter }) => dynamicPlugins({ reader, authorizer, registry, meter, clock: time, random, client }) }));
    for (const i of [0, 1]) {
      this.#add(`controllers-${i}`, i, (door) => this.#startControllers(door, `controllers-${i}`));
      this.#add(`scheduler-${i}`, i, (door) => this.#startScheduler(door, `scheduler-${i}`));
    }
    for (let i = 0; i < NODES; i++) this.addNode();
  }

  /** The second of each pair finds the first one leading. */
  async start(): Promise<void> {
    for (const api of this.apis) await api.start();
    for (const { part } of this.components) if (!(part instanceof NodePart)) void part.start();
    await this.time.settle();
    for (const node of this.nodes) void node.start();
    await this.time.run(5_000);
  }

  get nodes(): NodePart[] {
    return this.components.map(({ part }) => part).filter((part) => part instanceof NodePart);
  }

  component(name: string): Component {
    return this.components.find((one) => one.name === name) as Component;
  }

  addNode(): Component {
    const name = `node-${this.#nodes++}`;
    const sky = new Sky();
    const openLine = this.#lines(sky, this.#nodes % 2);
    const onSummary = (summary: () => Promise<unknown>): void => this.apis.forEach((api) => api.provide(name, summary));
    const part = new NodePart({ node: { name, labels: { [ZONE]: `zone-${this.#nodes % ZONES}` }, capacity: NODE_CAPACITY }, rules: FATES, onSummary, openLine, time: this.time, random: this.#random, log: this.#options.log });
    const component = { name, part, sky };
    this.components.push(component);
    return component;
  }

  /** It never comes back. */
  removeNode(component: Component): void {
    (component.part as NodePart).powerOff();
    this.components.splice(this.components.indexOf(component), 1);
  }

  /** People and programs outside: their line is as good as the API server. */
  userDoor(): Door {
    return this.#lines(new Sky(), 0)({ user: 'user', groups: ['system:masters'], userAgent: 'user' });
  }

  async stop(): Promise<void> {
    for (const { part } of this.components) part.crash();
    for (const api of this.apis) api.crash();
    await this.time.run(60_000);
    await this.truth.close();
  }

  #add(name: string, home: number, start: (door: (who: Who) => Door) => Running): void {
    const sky = new Sky();
    this.components.push({ name, sky, part: new Part(this.#lines(sky, home), start) });
  }

  /** Who does not reach the API server of his choice takes the other. */
  #lines(sky: Sky, home: number): (who: Who) => Line {
    const { time } = this;
    return (who) => {
      const { hearing } = this.#options;
      const host = (): Host | undefined => {
        const found = this.apis[home]?.host(who) ?? this.apis[1 - home]?.host(who);
        return found && { gone: found.gone, door: faultyDoor(found.door, { sky, clock: time, random: this.#faults, hearing }) };
      };
      return new Line(host, time.traffic);
    };
  }

  #startControllers(door: (who: Who) => Door, name: string): Running {
    const running = startControllers({
      clock: this.time,
      random: this.#random,
      log: this.#options.log,
      // The same in every process, unlike a true one.
      rootCa: 'simulated',
      clusterCidr: CLUSTER_CIDR,
      leaderElect: true,
      door: (account) => door(account ? { user: `system:serviceaccount:kube-system:${account}`, groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system'], userAgent: 'kube-controller-manager' } : { user: 'system:kube-controller-manager', userAgent: 'kube-controller-manager' }),
    });
    return this.#supervised(name, running);
  }

  #startScheduler(door: (who: Who) => Door, name: string): Running {
    const client = openClient(door({ user: 'system:kube-scheduler', userAgent: 'kube-scheduler' }), { userAgent: 'kube-scheduler' });
    const tools = { client, clock: this.time, random: this.#random, log: this.#options.log };
    const stop = new AbortController();
    const lead = async (signal: AbortSignal): Promise<void> => {
      const scheduler = startScheduler(tools);
      await new Promise((resolve) => (signal.aborted ? resolve(undefined) : signal.addEventListener('abort', resolve, { once: true })));
      await scheduler.stop();
    };
    const ended = runAsLeader({ ...tools, lease: { namespace: 'kube-system', name: 'kube-scheduler' }, identity: uuid(this.#random) }, lead, stop.signal);
    return this.#supervised(name, {
      ended,
      stop: () => {
        stop.abort();
        return ended;
      },
    });
  }

  /** Who loses his lease ends, as a process would, and is started again. */
  #supervised(name: string, running: { readonly ended: Promise<void>; stop(): Promise<void> }): Running {
    let stopped = false;
    const again = (): void => {
      if (stopped) return;
      const { part } = this.component(name);
      part.crash();
      this.time.after(RESTART_MS, () => void part.start());
    };
    running.ended.then(again, again);
    return {
      stop: () => {
        stopped = true;
        return running.stop();
      },
    };
  }
}
