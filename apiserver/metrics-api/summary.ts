/** What a node says of its use: the kubelet's `/stats/summary`, as far as it is read here. */

export interface Summary {
  readonly node: { readonly startTime?: string; readonly cpu?: CpuUse; readonly memory?: MemoryUse };
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
    readonly containers?: readonly { readonly name: string; readonly startTime?: string; readonly cpu?: CpuUse; readonly memory?: MemoryUse }[];
  }[];
}

export interface CpuUse {
  readonly time: string;
  readonly usageCoreNanoSeconds?: number;
}

export interface MemoryUse {
  readonly time: string;
  readonly workingSetBytes?: number;
}
