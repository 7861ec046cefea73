/** What a pod's status is made from. */
import type { PodObject, PodRuntime, PodStatusObject } from './pod.ts';
import type { Probes } from './situation.ts';

export interface StatusInput {
  readonly pod: PodObject;
  /** What was written last; the pod's own where nothing was. */
  readonly previous: PodStatusObject;
  readonly runtime: PodRuntime;
  readonly probes: Probes;
  /** By container name. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly hostIps: readonly string[];
  /** `containerd` */
  readonly runtimeName: string;
  readonly startTime: string;
  readonly now: string;
  /** Containers that have ended will not be started again. */
  readonly isEnding: boolean;
  /** Nothing runs any more: what did not end in sight is said to have failed. */
  readonly isFinished: boolean;
  /** The kubelet's own reason to fail the pod: `Evicted`, `DeadlineExceeded`, … */
  readonly failure?: { readonly reason: string; readonly message: string; readonly condition?: PodConditionInput };
}

/** Why a container is not running although it should be. */
export interface Waiting {
  readonly reason: string;
  readonly message: string;
}

export interface PodConditionInput {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason?: string;
  readonly message?: string;
}
