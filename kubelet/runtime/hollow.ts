/** A simulated runtime: sandboxes and containers exist in memory only, on the injected clock. Nothing is run. */
import type { Duplex } from 'node:stream';
import { Alike } from '../../std/alike.ts';
import { sleep, type Clock, type Timer } from '../../std/clock.ts';
import { type Random, below, uuid } from '../../std/random.ts';
import { type Behaviour, type HollowRules, behaviourOf, isNodeReady, levelAt, levelSum, pullOf } from './hollow-behaviour.ts';
import {
  type Container,
  type ContainerConfig,
  type ContainerStats,
  type ExecResult,
  type Image,
  type Runtime,
  type RuntimeEvent,
  RuntimeRefused,
  type Sandbox,
  type SandboxConfig,
  type Session,
} from './runtime.ts';

export interface HollowOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Pods get addresses from here, `10.244.3.0/24`. */
  readonly podCidr?: () => string | undefined | Promise<string | undefined>;
  /** How containers behave that do not say it by annotation, and images, and this node. */
  readonly rules?: HollowRules;
  readonly nodeName?: string;
  /** What an earlier runtime had. */
  readonly saved?: HollowState;
}

/** Everything that a runtime has, as data. */
export interface HollowState {
  readonly sandboxes: readonly SavedSandbox[];
  readonly containers: readonly Container[];
  readonly images: readonly Image[];
}

interface SavedSandbox {
  readonly sandbox: Sandbox;
  readonly annotations: Readonly<Record<string, string>>;
}

interface HollowSandbox {
  /** Replaced when it changes, as containers are: whoever was given it keeps what it was. */
  sandbox: Sandbox;
  readonly annotations: Readonly<Record<string, string>>;
  containers: readonly HollowContainer[];
}

/** What containers of many pods say of themselves. */
const alike = new Alike();

const KILLED = 137;
const TERMINATED = 143;

interface HollowContainer {
  container: Container;
  readonly behaviour: Behaviour;
  /** By the clock that never jumps: how long it has been up is no matter of what time it is. */
  upSince: number;
  timer: Timer | undefined;
}

export class HollowRuntime implements Runtime {
  podCidr: NonNullable<HollowOptions['podCidr']>;
  readonly #options: HollowOptions;
  readonly #sandboxes = new Map<string, HollowSandbox>();
  readonly #containers = new Map<string, HollowContainer>();
  readonly #images = new Map<string, Image>();
  /** How often a step has failed, by pod and container. */
  readonly #failures = new Map<string, number>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  readonly #addresses = new Set<string>();
  readonly #closed = new AbortController();
  readonly #startedAt: number;
  #lastAddress = 1;

  constructor(options: HollowOptions) {
    this.#options = options;
    this.podCidr = options.podCidr ?? (() => undefined);
    this.#startedAt = options.clock.monotonic();
    if (options.saved) this.#load(options.saved);
  }

  /** A copy that `saved` takes. */
  save(): HollowState {
    return structuredClone({
      sandboxes: [...this.#sandboxes.values()].map(({ sandbox, annotations }) => ({ sandbox, annotations })),
      containers: [...this.#containers.values()].map(({ container }) => container),
      images: [...this.#images.values()],
    });
  }

  async version(): Promise<{ name: string; version: string }> {
    return { name: 'hollow', version: '1.0.0' };
  }

  async status(): Promise<{ runtimeReady: boolean; networkReady: boolean; message: string }> {
    const { clock, nodeName = '', rules } = this.#options;
    const runtimeReady = isNodeReady(nodeName, clock.monotonic() - this.#startedAt, rules);
    return { runtimeReady, networkReady: true, message: runtimeReady ? '' : 'simulated' };
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const { name, namespace, uid, attempt, labels, annotations } = config;
    this.#mayFail('sandbox', uid, this.#behaviour({ namespace, labels, annotations }, '', ''));
    const id = this.#newId();
    const ips = config.hostNetwork ? [] : [this.#address((await this.podCidr()) ?? '10.244.0.0/24')];
    this.#sandboxes.set(id, { sandbox: { id, name, namespace, uid, attempt, labels, ips, state: 'ready', createdAt: this.#options.clock.now() }, annotations: alike.of(annotations), containers: [] });
    this.#tell({ sandboxId: id });
    return id;
  }

  async stopSandbox(id: string): Promise<void> {
    const entry = this.#sandboxes.get(id);
    if (!entry) return;
    for (const one of entry.containers) this.#end(one, KILLED);
    entry.sandbox = { ...entry.sandbox, state: 'notready' };
    for (const ip of entry.sandbox.ips) this.#addresses.delete(ip);
    this.#tell({ sandboxId: id });
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id);
    for (const { container } of this.#sandboxes.get(id)?.containers ?? []) this.#containers.delete(container.id);
    this.#sandboxes.delete(id);
    this.#tell({ sandboxId: id });
  }

  async listSandboxes(): Promise<readonly Sandbox[]> {
    return [...this.#sandboxes.values()].map(({ sandbox }) => sandbox);
  }

  async sandbox(id: string): Promise<Sandbox | undefined> {
    return this.#sandboxes.get(id)?.sandbox;
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const entry = this.#sandboxes.get(sandboxId);
    if (!entry) throw new RuntimeRefused('NotFound', `sandbox ${sandboxId} not found`);
    const behaviour = this.#behaviour({ ...entry.sandbox, annotations: entry.annotations }, config.name, config.image);
    this.#mayFail('create', `${entry.sandbox.uid}/${config.name}`, behaviour);
    const id = this.#newId();
    const { name, attempt, image, labels, annotations } = config;
    const imageId = this.#images.get(image)?.id ?? image;
    const times = { createdAt: this.#options.clock.now(), startedAt: 0, finishedAt: 0 };
    this.#put(entry, { container: { id, sandboxId, name, attempt, state: 'created', image, imageId, ...times, exitCode: 0, reason: '', message: '', labels: alike.of(labels), annotations: alike.of(annotations) }, behaviour, upSince: 0, timer: undefined });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (!one) throw new RuntimeRefused('NotFound', `container ${id} not found`);
    const { clock } = this.#options;
    const uid = this.#sandboxes.get(one.container.sandboxId)?.sandbox.uid ?? '';
    this.#mayFail('start', `${uid}/${one.container.name}`, one.behaviour);
    if (one.behaviour.startMs > 0) await sleep(clock, one.behaviour.startMs, this.#closed.signal);
    if (one.container.state !== 'created' || !this.#containers.has(id)) throw new RuntimeRefused('NotFound', `container ${id} is gone`);
    one.container = { ...one.container, state: 'running', startedAt: clock.now() };
    one.upSince = clock.monotonic();
    this.#arm(one);
    this.#tell({ sandboxId: one.container.sandboxId, containerId: id });
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const one = this.#containers.get(id);
    if (!one || one.container.state !== 'running') return;
    const { stopMs } = one.behaviour;
    const graceMs = graceSeconds * 1000;
    if (stopMs > 0) await sleep(this.#options.clock, Math.min(stopMs, graceMs), this.#closed.signal);
    this.#end(one, stopMs > graceMs ? KILLED : TERMINATED);
  }

  async removeContainer(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (!one) return;
    one.timer?.cancel();
    this.#containers.delete(id);
    const entry = this.#sandboxes.get(one.container.sandboxId);
    if (entry) entry.containers = entry.containers.filter((other) => other !== one);
    this.#tell({ sandboxId: one.container.sandboxId, containerId: id });
  }

  async listContainers(sandboxId?: string): Promise<readonly Container[]> {
    const wanted = sandboxId ? (this.#sandboxes.get(sandboxId)?.containers ?? []) : [...this.#containers.values()];
    return wanted.map(({ container }) => container);
  }

  async container(id: string): Promise<Container | undefined> {
    return this.#containers.get(id)?.container;
  }

  async updateResources(): Promise<void> {
    // Nothing uses resources here.
  }

  async reopenLog(): Promise<void> {
    // Nothing writes logs here.
  }

  async pullImage(reference: string): Promise<string> {
    const { ms, error } = pullOf(reference, this.#options.rules);
    if (ms > 0) await sleep(this.#options.clock, ms, this.#closed.signal);
    if (error !== undefined) throw new RuntimeRefused('NotFound', error);
    const id = `sha256:${Buffer.from(reference).toString('hex').padEnd(64, '0').slice(0, 64)}`;
    this.#images.set(reference, { id, tags: [reference], digests: [`${reference.split(':')[0]}@${id}`], sizeBytes: 0, user: undefined });
    return id;
  }

  async image(reference: string): Promise<Image | undefined> {
    return this.#images.get(reference);
  }

  async listImages(): Promise<readonly Image[]> {
    return [...this.#images.values()];
  }

  async removeImage(reference: string): Promise<void> {
    this.#images.delete(reference);
  }

  /** What a probe of a container finds now. */
  probe(id: string, kind: 'startup' | 'liveness' | 'readiness'): { readonly result: 'success' | 'failure'; readonly output: string } {
    const one = this.#containers.get(id);
    const upMs = one?.container.state === 'running' ? this.#options.clock.monotonic() - one.upSince : -1;
    const isFine = one !== undefined && (kind === 'liveness' ? upMs < one.behaviour.unhealthyMs : upMs >= one.behaviour.readyMs);
    return isFine ? { result: 'success', output: '' } : { result: 'failure', output: 'simulated' };
  }

  async execSync(): Promise<ExecResult> {
    return { exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  }

  async exec(): Promise<Session> {
    throw nothingRuns('exec');
  }

  async attach(): Promise<Session> {
    throw nothingRuns('attach');
  }

  async portForward(): Promise<Duplex> {
    throw nothingRuns('port-forward');
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const { clock } = this.#options;
    const [at, mark] = [clock.now(), clock.monotonic()];
    return [...this.#containers.values()]
      .filter(({ container }) => container.state === 'running')
      .map(({ container, behaviour, upSince }) => {
        const upMs = mark - upSince;
        // A millicore for a millisecond is a microsecond.
        return { containerId: container.id, at, cpuNanoseconds: Math.round(levelSum(behaviour.cpu, upMs) * 1000), memoryWorkingSetBytes: levelAt(behaviour.memory, upMs), filesystemBytes: 0 };
      });
  }

  async sandboxDetails(): Promise<undefined> {
    // No process holds it.
  }

  async containerDetails(): Promise<undefined> {
    // No process runs.
  }

  async imageFilesystem(): Promise<undefined> {
    // Images take nothing.
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    // Each is told once, however often it has changed: what waits is never more than there is and was, and nothing is lost.
    const waiting = new Map<string, RuntimeEvent>();
    let wake: (() => void) | undefined;
    const listener = (event: RuntimeEvent): void => {
      waiting.set(event.containerId ?? event.sandboxId, event);
      wake?.();
    };
    const abort = (): void => wake?.();
    this.#listeners.add(listener);
    signal.addEventListener('abort', abort);
    try {
      while (!signal.aborted) {
        const [next] = waiting;
        if (next) {
          waiting.delete(next[0]);
          yield next[1];
        } else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    this.#closed.abort();
    for (const { timer } of this.#containers.values()) timer?.cancel();
  }

  #put(entry: HollowSandbox, one: HollowContainer): void {
    this.#containers.set(one.container.id, one);
    entry.containers = entry.containers.concat(one);
  }

  #behaviour(pod: Pick<Sandbox, 'namespace' | 'labels'> & { readonly annotations: Readonly<Record<string, string>> }, container: string, image: string): Behaviour {
    try {
      return behaviourOf({ ...pod, container, image }, this.#options.rules);
    } catch (error) {
      throw new RuntimeRefused('InvalidArgument', (error as Error).message);
    }
  }

  #mayFail(step: NonNullable<Behaviour['fail']>['step'], key: string, { fail }: Behaviour): void {
    if (fail?.step !== step) return;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    if (failures <= fail.times) throw new RuntimeRefused('Unknown', `simulated failure of ${step}`);
    this.#failures.delete(key);
  }

  /** A run that has an end comes to it. */
  #arm(one: HollowContainer): void {
    const { clock } = this.#options;
    const { runMs, exitCodes } = one.behaviour;
    if (runMs === Infinity) return;
    const code = exitCodes[Math.min(one.container.attempt, exitCodes.length - 1)] ?? 0;
    one.timer = clock.after(one.upSince + runMs - clock.monotonic(), () => this.#end(one, code));
  }

  #end(one: HollowContainer, code: number): void {
    one.timer?.cancel();
    if (one.container.state !== 'running') return;
    const reason = code === 0 ? 'Completed' : (one.behaviour.exitReason ?? 'Error');
    one.container = { ...one.container, state: 'exited', finishedAt: this.#options.clock.now(), exitCode: code, reason };
    this.#tell({ sandboxId: one.container.sandboxId, containerId: one.container.id });
  }

  #load({ sandboxes, containers, images }: HollowState): void {
    const { clock } = this.#options;
    for (const entry of structuredClone(sandboxes)) {
      this.#sandboxes.set(entry.sandbox.id, { ...entry, containers: [] });
      for (const ip of entry.sandbox.ips) this.#addresses.add(ip);
    }
    for (const container of structuredClone(containers)) {
      const entry = this.#sandboxes.get(container.sandboxId) as HollowSandbox;
      const { sandbox, annotations } = entry;
      const one = { container, behaviour: this.#behaviour({ ...sandbox, annotations }, container.name, container.image), upSince: clock.monotonic() - Math.max(0, clock.now() - container.startedAt), timer: undefined };
      this.#put(entry, one);
      if (container.state === 'running') this.#arm(one);
    }
    for (const image of images) for (const tag of image.tags) this.#images.set(tag, image);
  }

  #tell(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #newId(): string {
    return uuid(this.#options.random).replaceAll('-', '') + below(this.#options.random, 2 ** 32).toString(16).padStart(8, '0');
  }

  /** The next address of the range that nobody has. */
  #address(cidr: string): string {
    const [base = '', bits = '24'] = cidr.split('/');
    const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = 2 ** (32 - Number(bits));
    for (let tries = 0; tries < size; tries++) {
      this.#lastAddress = 2 + ((this.#lastAddress - 1) % Math.max(1, size - 3));
      const address = [24, 16, 8, 0].map((shift) => Math.floor((number + this.#lastAddress) / 2 ** shift) % 256).join('.');
      if (this.#addresses.has(address)) continue;
      this.#addresses.add(address);
      return address;
    }
    throw new RuntimeRefused('ResourceExhausted', `no address is left in ${cidr}`);
  }
}

function nothingRuns(verb: string): RuntimeRefused {
  return new RuntimeRefused('Unimplemented', `${verb} is not possible: this node is simulated and runs no processes`);
}
