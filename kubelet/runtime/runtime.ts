/**
 * The runtime waist: the verbs of CRI, and no more. `cri.ts` speaks gRPC to containerd or CRI-O, `hollow.ts` simulates.
 *
 * Identifiers are the runtime's own. Every call may take as long as the runtime takes and gives up on its signal or after
 * `CALL_TIMEOUT_MS`. A runtime that cannot be reached throws `RuntimeUnavailable`; what it refuses, `RuntimeRefused`.
 */
import type { Duplex } from 'node:stream';

import type {
  Container,
  ContainerConfig,
  ContainerStats,
  ExecResult,
  Image,
  ImageCredentials,
  ImageFilesystem,
  Resources,
  RuntimeDetails,
  RuntimeEvent,
  Sandbox,
  SandboxConfig,
  Session,
  StreamRequest,
} from './model.ts';

export type * from './model.ts';

export interface Runtime {
  version(): Promise<{ readonly name: string; readonly version: string }>;
  /** Reasons why it is not ready for pods; empty when it is. */
  status(): Promise<{ readonly runtimeReady: boolean; readonly networkReady: boolean; readonly message: string }>;

  runSandbox(config: SandboxConfig): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  listSandboxes(): Promise<readonly Sandbox[]>;
  sandbox(id: string): Promise<Sandbox | undefined>;

  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  listContainers(sandboxId?: string): Promise<readonly Container[]>;
  container(id: string): Promise<Container | undefined>;
  updateResources(id: string, resources: Resources): Promise<void>;
  reopenLog(id: string): Promise<void>;

  pullImage(reference: string, credentials?: ImageCredentials): Promise<string>;
  image(reference: string): Promise<Image | undefined>;
  listImages(): Promise<readonly Image[]>;
  removeImage(reference: string): Promise<void>;

  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  exec(id: string, command: readonly string[], request: StreamRequest): Promise<Session>;
  attach(id: string, request: StreamRequest): Promise<Session>;
  /** A connection to a port inside the sandbox's network. */
  portForward(sandboxId: string, port: number): Promise<Duplex>;

  stats(): Promise<readonly ContainerStats[]>;
  /** Undefined where it does not run, or the runtime does not tell. */
  sandboxDetails(id: string): Promise<RuntimeDetails | undefined>;
  containerDetails(id: string): Promise<RuntimeDetails | undefined>;
  imageFilesystem(): Promise<ImageFilesystem | undefined>;
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>;
  close(): Promise<void>;
}

export const CALL_TIMEOUT_MS = 120_000;

export class RuntimeUnavailable extends Error {
  override readonly name = 'RuntimeUnavailable';
}

/** The runtime said no. `code` is its own: `NotFound`, `Unknown`, `DeadlineExceeded`, … */
export class RuntimeRefused extends Error {
  override readonly name = 'RuntimeRefused';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
