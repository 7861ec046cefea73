/** The runtime over CRI v1: containerd or CRI-O behind a unix socket. */
import type { Duplex } from 'node:stream';
import { sleep, type Clock } from '../../std/clock.ts';
import { type CriChannel, openCriChannel } from './cri-channel.ts';
import { containerMessage, resourcesMessage, sandboxMessage } from './cri-configs.ts';
import type { ConditionMessage, ContainerMessage, ContainerStateName, ContainerStatusMessage, FilesystemMessage, ImageMessage, SandboxMessage, StatsMessage } from './cri-messages.ts';
import { openPortStream, openSession } from './cri-stream.ts';
import {
  type Container,
  type ContainerConfig,
  type ContainerState,
  type ContainerStats,
  type ExecResult,
  type Image,
  type ImageCredentials,
  type ImageFilesystem,
  type Resources,
  type Runtime,
  type RuntimeDetails,
  type RuntimeEvent,
  RuntimeRefused,
  type Sandbox,
  type SandboxConfig,
  type Session,
  type StreamRequest,
} from './runtime.ts';

export interface CriOptions {
  readonly socket: string;
  readonly clock: Clock;
}

/** Pulls of large images over slow lines. */
const PULL_TIMEOUT_MS = 30 * 60_000;
const READY_TIMEOUT_MS = 30_000;
const READY_LOOK_MS = 50;
/** The runtime's own word may come a little later than containerd's event. */
const SETTLE_MS = 20;
const SETTLE_ATTEMPTS = 50;
/** Without events of containerd's own, changes are found by looking. */
const LOOK_MS = 1000;

/** Resolves when the runtime answers, which right after its start takes a moment. */
export async function openCri({ socket, clock }: CriOptions): Promise<Runtime> {
  const channel = await openCriChannel(socket, clock);
  const runtime = new CriRuntime(channel, clock);
  const deadline = clock.monotonic() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await runtime.status();
      return runtime;
    } catch (error) {
      const isEarly = error instanceof RuntimeRefused && error.message.includes('not initialized');
      if (!isEarly || clock.monotonic() > deadline) {
        channel.close();
        throw error;
      }
      await sleep(clock, READY_LOOK_MS);
    }
  }
}

const STATES: Readonly<Record<ContainerStateName, ContainerState>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
  CONTAINER_UNKNOWN: 'unknown',
};

class CriRuntime implements Runtime {
  readonly #channel: CriChannel;
  readonly #clock: Clock;
  /** What is known of containers in the state that the runtime's list names: it changes no more until the state does. */
  readonly #known = new Map<string, Container>();
  readonly #sandboxIps = new Map<string, readonly string[]>();

  constructor(channel: CriChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  async version(): Promise<{ name: string; version: string }> {
    const answer = await this.#channel.runtime<{ runtime_name: string; runtime_version: string }>('Version', { version: 'v1' });
    return { name: answer.runtime_name, version: answer.runtime_version };
  }

  async status(): Promise<{ runtimeReady: boolean; networkReady: boolean; message: string }> {
    const { status } = await this.#channel.runtime<{ status: { conditions: readonly ConditionMessage[] } | null }>('Status', {});
    const conditions = status?.conditions ?? [];
    const holds = (type: string): boolean => conditions.some((condition) => condition.type === type && condition.status);
    const message = conditions.filter(({ status }) => !status).map(({ type, reason, message }) => `${type}=false reason:${reason} message:${message}`).join(', ');
    return { runtimeReady: holds('RuntimeReady'), networkReady: holds('NetworkReady'), message };
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const answer = await this.#channel.runtime<{ pod_sandbox_id: string }>('RunPodSandbox', { config: sandboxMessage(config), runtime_handler: config.runtimeHandler });
    return answer.pod_sandbox_id;
  }

  async stopSandbox(id: string): Promise<void> {
    await this.#channel.runtime('StopPodSandbox', { pod_sandbox_id: id });
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#channel.runtime('RemovePodSandbox', { pod_sandbox_id: id });
    this.#sandboxIps.delete(id);
  }

  async listSandboxes(): Promise<readonly Sandbox[]> {
    const { items } = await this.#channel.runtime<{ items: readonly SandboxMessage[] }>('ListPodSandbox', {});
    return Promise.all(items.map(async (item) => sandboxOf(item, await this.#ips(item))));
  }

  async sandbox(id: string): Promise<Sandbox | undefined> {
    const { status } = (await this.#found<{ status: SandboxMessage }>('PodSandboxStatus', { pod_sandbox_id: id })) ?? {};
    return status && sandboxOf(status, ipsOf(status));
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    const request = { pod_sandbox_id: sandboxId, config: containerMessage(config, sandbox), sandbox_config: sandboxMessage(sandbox) };
    return (await this.#channel.runtime<{ container_id: string }>('CreateContainer', request)).container_id;
  }

  async startContainer(id: string): Promise<void> {
    await this.#channel.runtime('StartContainer', { container_id: id });
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    await this.#channel.runtime('StopContainer', { container_id: id, timeout: graceSeconds }, (graceSeconds + 120) * 1000);
  }

  async removeContainer(id: string): Promise<void> {
    await this.#channel.runtime('RemoveContainer', { container_id: id });
    this.#known.delete(id);
  }

  async listContainers(sandboxId?: string): Promise<readonly Container[]> {
    const filter = sandboxId ? { pod_sandbox_id: sandboxId } : {};
    const { containers } = await this.#channel.runtime<{ containers: readonly ContainerMessage[] }>('ListContainers', { filter });
    const all = await Promise.all(containers.map((message) => this.#detailed(message)));
    if (!sandboxId) this.#forgetAllBut(new Set(containers.map(({ id }) => id)));
    return all.filter((container) => container !== undefined);
  }

  async container(id: string): Promise<Container | undefined> {
    const { containers } = await this.#channel.runtime<{ containers: readonly ContainerMessage[] }>('ListContainers', { filter: { id } });
    return containers[0] && this.#detailed(containers[0]);
  }

  async updateResources(id: string, resources: Resources): Promise<void> {
    await this.#channel.runtime('UpdateContainerResources', { container_id: id, linux: resourcesMessage(resources) });
  }

  async reopenLog(id: string): Promise<void> {
    await this.#channel.runtime('ReopenContainerLog', { container_id: id });
  }

  async pullImage(reference: string, credentials?: ImageCredentials): Promise<string> {
    const auth = credentials && {
      username: credentials.username,
      password: credentials.password,
      identity_token: credentials.identityToken ?? '',
      // containerd reads a server address as a URL and refuses `host:port`; which registry these are for was decided before.
      server_address: '',
    };
    const request = { image: { image: reference }, ...(auth && { auth }) };
    return (await this.#channel.images<{ image_ref: string }>('PullImage', request, PULL_TIMEOUT_MS)).image_ref;
  }

  async image(reference: string): Promise<Image | undefined> {
    const { image } = await this.#channel.images<{ image: ImageMessage | null }>('ImageStatus', { image: { image: reference } });
    return image ? imageOf(image) : undefined;
  }

  async listImages(): Promise<readonly Image[]> {
    return (await this.#channel.images<{ images: readonly ImageMessage[] }>('ListImages', {})).images.map(imageOf);
  }

  async removeImage(reference: string): Promise<void> {
    await this.#channel.images('RemoveImage', { image: { image: reference } });
  }

  async execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult> {
    const request = { container_id: id, cmd: command, timeout: timeoutSeconds };
    const answer = await this.#channel.runtime<{ stdout: Buffer; stderr: Buffer; exit_code: number }>('ExecSync', request, (timeoutSeconds + 10) * 1000);
    return { exitCode: answer.exit_code, stdout: answer.stdout, stderr: answer.stderr };
  }

  async exec(id: string, command: readonly string[], request: StreamRequest): Promise<Session> {
    const { url } = await this.#channel.runtime<{ url: string }>('Exec', { container_id: id, cmd: command, ...request, stderr: request.stderr && !request.tty });
    return openSession(url, request);
  }

  async attach(id: string, request: StreamRequest): Promise<Session> {
    const { url } = await this.#channel.runtime<{ url: string }>('Attach', { container_id: id, ...request, stderr: request.stderr && !request.tty });
    return openSession(url, request);
  }

  async portForward(sandboxId: string, port: number): Promise<Duplex> {
    const { url } = await this.#channel.runtime<{ url: string }>('PortForward', { pod_sandbox_id: sandboxId, port: [port] });
    return openPortStream(url, port);
  }

  async stats(): Promise<readonly ContainerStats[]> {
    const { stats } = await this.#channel.runtime<{ stats: readonly StatsMessage[] }>('ListContainerStats', {});
    return stats.map((one) => ({
      containerId: one.attributes.id,
      at: millis(one.cpu?.timestamp ?? 0),
      cpuNanoseconds: one.cpu?.usage_core_nano_seconds?.value ?? 0,
      memoryWorkingSetBytes: one.memory?.working_set_bytes?.value ?? 0,
      filesystemBytes: one.writable_layer?.used_bytes?.value ?? 0,
      filesystemInodes: one.writable_layer?.inodes_used?.value ?? 0,
    }));
  }

  async sandboxDetails(id: string): Promise<RuntimeDetails | undefined> {
    const answer = await this.#found<{ info: Readonly<Record<string, string>> }>('PodSandboxStatus', { pod_sandbox_id: id, verbose: true });
    return detailsOf(answer?.info);
  }

  async containerDetails(id: string): Promise<RuntimeDetails | undefined> {
    const answer = await this.#found<{ info: Readonly<Record<string, string>> }>('ContainerStatus', { container_id: id, verbose: true });
    return detailsOf(answer?.info);
  }

  async imageFilesystem(): Promise<ImageFilesystem | undefined> {
    const { image_filesystems: all } = await this.#channel.images<{ image_filesystems: readonly FilesystemMessage[] }>('ImageFsInfo', {});
    const [first] = all;
    return first && { mountpoint: first.fs_id?.mountpoint ?? '', usedBytes: first.used_bytes?.value ?? 0, inodesUsed: first.inodes_used?.value ?? 0 };
  }

  /** containerd tells of each task; where that service is missing, the list of containers is compared with the last one. */
  async *events(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    try {
      for await (const { topic, containerId } of this.#channel.taskEvents(signal)) {
        const container = await this.#settled(containerId, topic === '/tasks/exit');
        if (container) yield { sandboxId: container.sandboxId, containerId };
        else yield { sandboxId: containerId };
      }
    } catch (error) {
      if (!(error instanceof RuntimeRefused) || error.code !== 'Unimplemented') throw error;
      yield* this.#looked(signal);
    }
  }

  async close(): Promise<void> {
    this.#channel.close();
  }

  /** Waits until CRI has noticed what containerd told. A sandbox's own task is no container: nothing is found. */
  async #settled(id: string, exited: boolean): Promise<Container | undefined> {
    for (let attempt = 0; attempt < SETTLE_ATTEMPTS; attempt++) {
      const container = await this.container(id).catch(() => undefined);
      if (!container || !exited || container.state === 'exited') return container;
      await sleep(this.#clock, SETTLE_MS);
    }
    return this.container(id).catch(() => undefined);
  }

  async *#looked(signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
    let last = new Map<string, string>();
    while (!signal.aborted) {
      const { containers } = await this.#channel.runtime<{ containers: readonly ContainerMessage[] }>('ListContainers', {});
      const now = new Map(containers.map(({ id, state }) => [id, state as string]));
      for (const { id, state, pod_sandbox_id: sandboxId } of containers) if (last.get(id) !== state) yield { sandboxId, containerId: id };
      last = now;
      await sleep(this.#clock, LOOK_MS, signal);
    }
  }

  async #detailed(message: ContainerMessage): Promise<Container | undefined> {
    const known = this.#known.get(message.id);
    if (known && known.state === STATES[message.state]) return known;
    const { status } = (await this.#found<{ status: ContainerStatusMessage }>('ContainerStatus', { container_id: message.id })) ?? {};
    if (!status) return undefined;
    const container = containerOf(status, message.pod_sandbox_id);
    this.#known.set(message.id, container);
    return container;
  }

  #forgetAllBut(living: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!living.has(id)) this.#known.delete(id);
  }

  /** A ready sandbox keeps its addresses. */
  async #ips(item: SandboxMessage): Promise<readonly string[]> {
    const known = this.#sandboxIps.get(item.id);
    if (known || item.state !== 'SANDBOX_READY') return known ?? [];
    const ips = (await this.sandbox(item.id))?.ips ?? [];
    if (ips.length > 0) this.#sandboxIps.set(item.id, ips);
    return ips;
  }

  async #found<T>(method: string, request: object): Promise<T | undefined> {
    try {
      return await this.#channel.runtime<T>(method, request);
    } catch (error) {
      if (error instanceof RuntimeRefused && error.code === 'NotFound') return undefined;
      throw error;
    }
  }
}

function sandboxOf(message: SandboxMessage, ips: readonly string[]): Sandbox {
  const { name, namespace, uid, attempt } = message.metadata;
  const state = message.state === 'SANDBOX_READY' ? 'ready' : 'notready';
  return { id: message.id, name, namespace, uid, attempt, state, createdAt: millis(message.created_at), ips, labels: message.labels };
}

function ipsOf({ network }: SandboxMessage): readonly string[] {
  return network?.ip ? [network.ip, ...network.additional_ips.map(({ ip }) => ip)] : [];
}

function containerOf(status: ContainerStatusMessage, sandboxId: string): Container {
  return {
    id: status.id,
    sandboxId,
    name: status.metadata.name,
    attempt: status.metadata.attempt,
    state: STATES[status.state],
    image: status.image?.image ?? '',
    imageId: status.image_ref,
    createdAt: millis(status.created_at),
    startedAt: millis(status.started_at),
    finishedAt: millis(status.finished_at),
    exitCode: status.exit_code,
    reason: status.reason,
    message: status.message,
    labels: status.labels,
    annotations: status.annotations,
  };
}

function imageOf(message: ImageMessage): Image {
  const { id, repo_tags: tags, repo_digests: digests, size: sizeBytes, uid, username } = message;
  return { id, tags, digests, sizeBytes, user: uid ? { uid: uid.value } : username ? { name: username } : undefined };
}

/** containerd and CRI-O tell of the first process in JSON of their own. */
function detailsOf(info: Readonly<Record<string, string>> | undefined): RuntimeDetails | undefined {
  try {
    const { pid, image } = JSON.parse(info?.['info'] ?? '{}') as { pid?: unknown; image?: unknown };
    return typeof pid === 'number' && pid > 0 ? { pid, image: typeof image === 'string' ? image : '' } : undefined;
  } catch {
    return undefined;
  }
}

function millis(nanoseconds: number): number {
  return nanoseconds / 1e6;
}
