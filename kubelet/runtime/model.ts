/** The nouns of the runtime waist: sandboxes, containers, images and what is said of them. */

export type SandboxState = 'ready' | 'notready';
export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface PortMapping {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIp?: string;
}

export interface SandboxConfig {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly dns: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
  readonly ports: readonly PortMapping[];
  readonly cgroupParent: string;
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly shareProcesses: boolean;
  readonly sysctls: Readonly<Record<string, string>>;
  readonly runtimeHandler: string;
  readonly security: SandboxSecurity;
}

export interface SandboxSecurity {
  readonly privileged: boolean;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  readonly seccomp: 'RuntimeDefault' | 'Unconfined' | { readonly localhost: string };
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly propagation?: 'None' | 'HostToContainer' | 'Bidirectional';
}

export interface ContainerConfig {
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly { readonly hostPath: string; readonly containerPath: string; readonly permissions: string }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Relative to the sandbox's log directory: `name/0.log`. */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: Resources;
  readonly security: ContainerSecurity;
}

export interface Resources {
  readonly cpuShares?: number;
  readonly cpuQuota?: number;
  readonly cpuPeriod?: number;
  readonly memoryLimitBytes?: number;
  readonly oomScoreAdjust?: number;
}

export interface ContainerSecurity extends SandboxSecurity {
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly hostNetwork: boolean;
  readonly targetPid?: string;
}

export interface Sandbox {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly state: SandboxState;
  readonly createdAt: number;
  /** All addresses, the primary first; empty for host network. */
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerState;
  readonly image: string;
  readonly imageId: string;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  /** `Completed`, `Error`, `OOMKilled`, … */
  readonly reason: string;
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** The user that the image asks for: a number, or a name that only the image can resolve. */
  readonly user: { readonly uid: number } | { readonly name: string } | undefined;
}

export interface ImageCredentials {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
  readonly registry?: string;
}

export interface ContainerStats {
  readonly containerId: string;
  readonly at: number;
  readonly cpuNanoseconds: number;
  readonly memoryWorkingSetBytes: number;
  readonly filesystemBytes: number;
  readonly filesystemInodes?: number;
}

/** What the runtime knows of a sandbox or container that runs, besides its state. */
export interface RuntimeDetails {
  /** Of its first process. */
  readonly pid: number;
  readonly image: string;
}

/** Where the runtime keeps images, and what they take. */
export interface ImageFilesystem {
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

/** Something changed; which object is named, what is to be asked anew. Missed events are made up by a slow relist. */
export interface RuntimeEvent {
  readonly sandboxId: string;
  readonly containerId?: string;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** Streams of an interactive exec or attach, opened to the runtime. Without a tty stdout and stderr come apart. */
export interface Session {
  readonly stdin: NodeJS.WritableStream | undefined;
  readonly stdout: NodeJS.ReadableStream | undefined;
  readonly stderr: NodeJS.ReadableStream | undefined;
  resize(columns: number, rows: number): void;
  /** The exit code, once the process has ended and all its output was read. */
  readonly exit: Promise<number>;
  close(): void;
}

export interface StreamRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

