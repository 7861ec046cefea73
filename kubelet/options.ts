/** What a kubelet is started with. */
import type { NodeAddress, Service, Taint } from '../api/types/core.v1.ts';
import type { Client, Informer } from '../client/client.ts';
import type { Recorder } from '../client/events.ts';
import type { Log } from './context.ts';
import type { Machine } from './machine.ts';
import type { KubeletSeries } from './metrics/series.ts';
import type { PodObject } from './pod.ts';
import type { Runtime } from './runtime/runtime.ts';
import type { Clock } from '../std/clock.ts';
import type { Random } from '../std/random.ts';

export interface KubeletOptions {
  readonly client: Client;
  readonly runtime: Runtime;
  readonly nodeName: string;
  /** Where volumes, logs and the like stand. Not needed for simulated nodes. */
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly addresses: readonly NodeAddress[];
  /** Where the kubelet's server listens. */
  readonly port: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  readonly maxPods?: number;
  readonly clusterDns?: readonly string[];
  readonly clusterDomain?: string;
  /** Containers exist in memory only: no files, no probes over the network. Needs `machine`. */
  readonly isSimulated?: boolean;
  /** Stands in for the machine that this runs on. */
  readonly machine?: Machine;
  /** How often it says that it lives. Default: 10 s. */
  readonly heartbeatMs?: number;
  /** Over what the node computes: `{ cpu: '64' }`. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Sets the pod network up, once the node's pod ranges are known: those of the node, or the default when nobody gives any. */
  readonly network?: (podCidrs: readonly string[]) => Promise<void>;
  /** What of a pod this node goes by, where that is not quite what the API says. */
  readonly adapt?: (pod: PodObject) => PodObject;
  /** One picture of all Services that many nodes share. */
  readonly services?: Informer<Service>;
  /** Counts what this node does; simulated ones are not counted. */
  readonly series?: KubeletSeries;
  /** What it must not have less of: `{ 'nodefs.available': '10%' }`. Default: upstream's thresholds. */
  readonly evictionHard?: Readonly<Record<string, string>>;
  /** Where the authority of clients stands, told at `/configz`. */
  readonly clientCaFile?: string;
  /** Told at `/flagz`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** What many nodes say goes through one recorder, whose limits then hold for all of them together. */
  readonly recorder?: Recorder;
}
