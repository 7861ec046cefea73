/** A simulated runtime: sandboxes and containers exist in memory only, on the injected clock. Nothing is run. */
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../std/clock.ts';
import { type Random, below, uuid } from '../../std/random.ts';
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
  readonly podCidr: () => string | undefined;
}

/** Pods say by annotation how their containers behave; without one they run until they are stopped. */
const RUN_FOR = 'coracle.dev/run-for-seconds';
const EXIT_CODE = 'coracle.dev/exit-code';
const MEMORY = 'coracle.dev/memory-bytes';
const CPU = 'coracle.dev/cpu-millicores';

const EVENT_LIMIT = 10_000;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface HollowContainer {
  readonly container: Mutable<Container>;
  readonly exit: { readonly afterMs: number | undefined; readonly code: number };
  readonly memoryBytes: number;
  readonly milliCpu: number;
  timer: Timer | undefined;
}

export class HollowRuntime implements Runtime {
  readonly #options: HollowOptions;
  readonly #sandboxes = new Map<string, { readonly sandbox: Mutable<Sandbox>; readonly annotations: Readonly<Record<string, string>> }>();
  readonly #containers = new Map<string, HollowContainer>();
  readonly #images = new Map<string, Image>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  #lastAddress = 1;

  constructor(options: HollowOptions) {
    this.#options = options;
  }

  async version(): Promise<{ name: string; version: string }> {
    return { name: 'hollow', version: '1.0.0' };
  }

  async status(): Promise<{ runtimeReady: boolean; networkReady: boolean; message: string }> {
    return { runtimeReady: true, networkReady: true, message: '' };
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const id = this.#newId();
    const { name, namespace, uid, attempt, labels, annotations } = config;
    const ips = config.hostNetwork ? [] : [this.#address()];
    this.#sandboxes.set(id, { sandbox: { id, name, namespace, uid, attempt, labels, ips, state: 'ready', createdAt: this.#options.clock.now() }, annotations });
    this.#tell({ sandboxId: id });
    return id;
  }

  async stopSandbox(id: string): Promise<void> {
    const entry = this.#sandboxes.get(id);
    if (!entry) return;
    for (const one of this.#containersOf(id)) this.#end(one, 137);
    entry.sandbox.state = 'notready';
    this.#tell({ sandboxId: id });
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id);
    for (const { container } of this.#containersOf(id)) this.#containers.delete(container.id);
    this.#sandboxes.delete(id);
    this.#tell({ sandboxId: id });
  }

  async listSandboxes(): Promise<readonly Sandbox[]> {
    return [...this.#sandboxes.values()].map(({ sandbox }) => ({ ...sandbox }));
  }

  async sandbox(id: string): Promise<Sandbox | undefined> {
    const entry = this.#sandboxes.get(id);
    return entry && { ...entry.sandbox };
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (!sandbox) throw new RuntimeRefused('NotFound', `sandbox ${sandboxId} not found`);
    const id = this.#newId();
    const pod = sandbox.annotations;
    const runFor = Number(pod[RUN_FOR] ?? NaN);
    this.#containers.set(id, {
      container: {
        id,
        sandboxId,
        name: config.name,
        attempt: config.attempt,
        state: 'created',
        image: config.image,
        imageId: this.#images.get(config.image)?.id ?? config.image,
        createdAt: this.#options.clock.now(),
        startedAt: 0,
        finishedAt: 0,
        exitCode: 0,
        reason: '',
        message: '',
        labels: config.labels,
        annotations: config.annotations,
      },
      exit: { afterMs: Number.isFinite(runFor) ? runFor * 1000 : undefined, code: Number(pod[EXIT_CODE] ?? 0) },
      memoryBytes: Number(pod[MEMORY] ?? 16 * 1024 * 1024),
      milliCpu: Number(pod[CPU] ?? 1),
      timer: undefined,
    });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (!one) throw new RuntimeRefused('NotFound', `container ${id} not found`);
    one.container.state = 'running';
    one.container.startedAt = this.#options.clock.now();
    if (one.exit.afterMs !== undefined) one.timer = this.#options.clock.after(one.exit.afterMs, () => this.#end(one, one.exit.code));
    this.#tell({ sandboxId: one.container.sandboxId, containerId: id });
  }

  async stopContainer(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (one) this.#end(one, 143);
  }

  async removeContainer(id: string): Promise<void> {
    const one = this.#containers.get(id);
    if (!one) return;
    one.timer?.cancel();
    this.#containers.delete(id);
    this.#tell({ sandboxId: one.container.sandboxId, containerId: id });
  }

  async listContainers(sandboxId?: string): Promise<readonly Container[]> {
    return [...this.#containers.values()].filter(({ container }) => !sandboxId || container.sandboxId === sandboxId).map(({ container }) => ({ ...container }));
  }

  async container(id: string): Promise<Container | undefined> {
    const one = this.#containers.get(id);
    return one && { ...one.container };
  }

  async updateResources(): Promise<void> {
    // Nothing uses resources here.
  }

  async reopenLog(): Promise<void> {
    // Nothing writes logs here.
  }

  async pullImage(reference: string): Promise<string> {
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

  /** Probes find everything well. */
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
    const at = this.#options.clock.now();
    return [...this.#containers.values()]
      .filter(({ container }) => container.state === 'running')
      .map(({ container, memoryBytes, milliCpu }) => ({
        containerId: container.id,
        at,
        cpuNanoseconds: (at - container.startedAt) * milliCpu * 1000,
        memoryWorkingSetBytes: memoryBytes,
        filesystemBytes: 0,
      }));
  }

  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    const waiting: RuntimeEvent[] = [];
    let wake: (() => void) | undefined;
    const listener = (event: RuntimeEvent): void => {
      // A listener that falls behind loses the oldest events; its relist makes up for them.
      if (waiting.length >= EVENT_LIMIT) waiting.shift();
      waiting.push(event);
      wake?.();
    };
    const abort = (): void => wake?.();
    this.#listeners.add(listener);
    signal.addEventListener('abort', abort);
    try {
      while (!signal.aborted) {
        const event = waiting.shift();
        if (event) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    for (const { timer } of this.#containers.values()) timer?.cancel();
  }

  #containersOf(sandboxId: string): HollowContainer[] {
    return [...this.#containers.values()].filter(({ container }) => container.sandboxId === sandboxId);
  }

  #end(one: HollowContainer, code: number): void {
    one.timer?.cancel();
    if (one.container.state !== 'running') return;
    one.container.state = 'exited';
    one.container.finishedAt = this.#options.clock.now();
    one.container.exitCode = code;
    one.container.reason = code === 0 ? 'Completed' : 'Error';
    this.#tell({ sandboxId: one.container.sandboxId, containerId: one.container.id });
  }

  #tell(event: RuntimeEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #newId(): string {
    return uuid(this.#options.random).replaceAll('-', '') + below(this.#options.random, 2 ** 32).toString(16).padStart(8, '0');
  }

  #address(): string {
    const [base = '10.244.0.0', bits = '24'] = (this.#options.podCidr() ?? '10.244.0.0/24').split('/');
    const number = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = 2 ** (32 - Number(bits));
    this.#lastAddress = 2 + ((this.#lastAddress - 1) % Math.max(1, size - 3));
    const address = number + this.#lastAddress;
    return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
  }
}

function nothingRuns(verb: string): RuntimeRefused {
  return new RuntimeRefused('Unimplemented', `${verb} is not possible: this node is simulated and runs no processes`);
}
