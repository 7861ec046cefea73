/** What the kubelet decides about a pod from, and what it can decide to do. */
import type { ContainerKind, PodObject, PodRuntime } from './pod.ts';
import type { Backoff } from './restart.ts';

export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export type ProbeResult = 'success' | 'failure' | 'unknown';

/** By `containerId/kind`. What was not probed yet is absent. */
export type Probes = ReadonlyMap<string, ProbeResult>;

export interface Situation {
  readonly pod: PodObject;
  readonly runtime: PodRuntime;
  readonly now: number;
  readonly probes: Probes;
  readonly backoffs: ReadonlyMap<string, Backoff>;
  /** Set once the pod has to end: deleted, evicted, out of time, or done. */
  readonly termination?: Termination;
  /** Containers that are being stopped, with the grace that they were given. */
  readonly stopping: ReadonlyMap<string, number>;
}

export type Action =
  | { readonly do: 'stopSandbox'; readonly sandboxId: string }
  | { readonly do: 'createSandbox'; readonly attempt: number }
  | { readonly do: 'kill'; readonly containerId: string; readonly name: string; readonly message: string; readonly reason: KillReason; readonly graceSeconds: number }
  | { readonly do: 'start'; readonly kind: ContainerKind; readonly name: string }
  /** Not yet: the container is in back-off. */
  | { readonly do: 'wait'; readonly kind: ContainerKind; readonly name: string; readonly message: string; readonly untilMs: number }
  | { readonly do: 'remove'; readonly containerId: string }
  | { readonly do: 'removeSandbox'; readonly sandboxId: string }
  /** All of the pod's work is done or has failed: it is to be terminated. */
  | { readonly do: 'end' }
  /** Nothing of the pod runs any more, and nothing will. */
  | { readonly do: 'finish' };

export type KillReason = 'unknown' | 'startupProbe' | 'livenessProbe' | 'changed' | 'terminated';

export interface Termination {
  /** `done`: its work has ended. `gone`: the API knows it no more. */
  readonly reason: 'deleted' | 'gone' | 'done' | 'evicted' | 'deadline';
  readonly graceSeconds: number;
  readonly startedAt: number;
  /** What the events of killed containers say more than that they are stopped. */
  readonly message?: string;
}
