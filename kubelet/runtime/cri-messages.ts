/** The messages of `cri.proto` as the gRPC library hands them over: 64-bit numbers as numbers, enums by name, defaults filled in. */

export interface Metadata {
  readonly name: string;
  readonly attempt: number;
}

export interface SandboxMessage {
  readonly id: string;
  readonly metadata: Metadata & { readonly uid: string; readonly namespace: string };
  readonly state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY';
  readonly created_at: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly network?: { readonly ip: string; readonly additional_ips: readonly { readonly ip: string }[] } | null;
}

export type ContainerStateName = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN';

export interface ContainerMessage {
  readonly id: string;
  readonly pod_sandbox_id: string;
  readonly state: ContainerStateName;
}

export interface ContainerStatusMessage {
  readonly id: string;
  readonly metadata: Metadata;
  readonly state: ContainerStateName;
  readonly created_at: number;
  readonly started_at: number;
  readonly finished_at: number;
  readonly exit_code: number;
  readonly image: { readonly image: string } | null;
  readonly image_ref: string;
  readonly reason: string;
  readonly message: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ImageMessage {
  readonly id: string;
  readonly repo_tags: readonly string[];
  readonly repo_digests: readonly string[];
  readonly size: number;
  readonly uid: { readonly value: number } | null;
  readonly username: string;
}

export interface StatsMessage {
  readonly attributes: { readonly id: string };
  readonly cpu: { readonly timestamp: number; readonly usage_core_nano_seconds: { readonly value: number } | null } | null;
  readonly memory: { readonly working_set_bytes: { readonly value: number } | null } | null;
  readonly writable_layer: FilesystemMessage | null;
}

export interface FilesystemMessage {
  readonly fs_id: { readonly mountpoint: string } | null;
  readonly used_bytes: { readonly value: number } | null;
  readonly inodes_used: { readonly value: number } | null;
}

export interface ConditionMessage {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}
