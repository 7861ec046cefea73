/** What the workers of all pods on a node share. */
import type { Service } from '../api/types/core.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';
import type { ClusterDns } from './dns.ts';
import type { Gate } from '../std/gate.ts';
import type { Images } from './images.ts';
import type { KubeletSeries } from './metrics/series.ts';
import type { Observation } from './observation.ts';
import type { PodObject, Spec } from './pod.ts';
import type { PodFiles } from './pod-files.ts';
import type { References } from './references.ts';
import type { Runtime } from './runtime/runtime.ts';

export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface NodeFacts {
  readonly name: string;
  readonly hostIps: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly memoryBytes: number;
  readonly runtimeName: string;
}

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface KubeletContext {
  readonly client: Client;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: NodeFacts;
  readonly dns: ClusterDns;
  readonly images: Images;
  readonly observation: Observation;
  readonly references: References;
  readonly files: PodFiles;
  /** The Services that are known now. */
  readonly services: () => readonly Stored<Service>[];
  /** Resolves when they are all known. */
  readonly servicesKnown: Promise<void>;
  readonly record: (pod: PodObject, event: EventText, spec?: Spec) => void;
  /** Bounds how many sandboxes are made at a time: each is a network, and the runtime has to answer in time. */
  readonly sandboxGate: Gate;
  /** Containers are simulated: no hook or probe goes over the network. */
  readonly isSimulated: boolean;
  /** Counts what is done here. */
  readonly series: KubeletSeries | undefined;
  readonly runtimeHandler: (pod: PodObject) => Promise<string>;
  readonly signal: AbortSignal;
}
