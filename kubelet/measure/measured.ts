/** What was measured of a node at one moment: the ground that the summary and the figures for collectors are made from. Times in milliseconds. */

export interface MeasuredNode {
  readonly name: string;
  readonly at: number;
  /** When the machine was started. */
  readonly startedAt?: number;
  readonly machine: MeasuredMachine;
  readonly use: Use;
  readonly network?: Network;
  readonly disk?: Disk;
  /** Where images are, and what they take. */
  readonly images?: Disk;
  readonly processes?: { readonly limit: number; readonly running: number };
  readonly pods: readonly MeasuredPod[];
}

export interface MeasuredMachine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly physicalCores?: number;
  readonly sockets?: number;
}

export interface MeasuredPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly startedAt: number;
  /** What holds the pod's network. */
  readonly sandbox?: MeasuredContainer;
  readonly containers: readonly MeasuredContainer[];
  readonly network?: Network;
  readonly volumes: readonly MeasuredVolume[];
}

export interface MeasuredContainer {
  readonly id: string;
  /** Empty: a sandbox. */
  readonly name: string;
  readonly image: string;
  /** The path of its control group; empty where that is not known. */
  readonly group: string;
  readonly startedAt: number;
  readonly use: Use;
  readonly limits?: GroupLimits;
  /** What it has written into its own layer, and its logs. */
  readonly layer?: DiskUse;
  readonly logs?: DiskUse;
}

export interface Use {
  readonly at: number;
  readonly cpuNanoseconds: number;
  /** Since the look before; absent at the first one. */
  readonly cpuNanoCores?: number;
  readonly workingSetBytes: number;
  readonly availableBytes?: number;
  readonly memory?: Memory;
  readonly cpu?: Cpu;
  readonly io?: readonly DeviceIo[];
  readonly tasks?: Tasks;
}

export interface Memory {
  readonly usageBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly mappedBytes: number;
  readonly kernelBytes: number;
  readonly swapBytes: number;
  readonly peakBytes: number;
  readonly activeFileBytes: number;
  readonly inactiveFileBytes: number;
  readonly faults: number;
  readonly majorFaults: number;
  readonly limitHits: number;
  readonly kills: number;
}

export interface Cpu {
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledSeconds: number;
}

export interface Tasks {
  readonly processes: number;
  readonly threads: number;
  readonly threadsMax: number;
  readonly files: number;
  readonly filesMax?: number;
}

export interface DeviceIo {
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** Zero is none. */
export interface GroupLimits {
  readonly cpuShares: number;
  readonly cpuPeriod: number;
  readonly cpuQuota: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
}

export interface Network {
  readonly at: number;
  readonly interfaces: readonly NetworkInterface[];
}

export interface NetworkInterface {
  readonly name: string;
  readonly received: Traffic;
  readonly sent: Traffic;
}

export interface Traffic {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

export interface DiskUse {
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

export interface Disk extends DiskUse {
  readonly at: number;
  readonly device: string;
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

export interface MeasuredVolume extends Omit<Disk, 'device'> {
  readonly name: string;
  readonly claim?: { readonly name: string; readonly namespace: string };
}
