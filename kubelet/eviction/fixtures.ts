/** Measured pods for the tests of this folder, with as little said as each case needs. */
import type { MeasuredContainer, MeasuredPod } from '../measure/measured.ts';

export interface Takes {
  readonly memory?: number;
  readonly layer?: number;
  readonly logs?: number;
  readonly inodes?: number;
  readonly processes?: number;
}

/** By container. Volumes: bytes by name. */
export function measuredOf(uid: string, containers: Readonly<Record<string, Takes>>, volumes: Readonly<Record<string, number>> = {}): MeasuredPod {
  return {
    name: uid, namespace: 'default', uid, startedAt: 0,
    containers: Object.entries(containers).map(([name, takes]) => containerOf(name, takes)),
    volumes: Object.entries(volumes).map(([name, usedBytes]) => ({ name, at: 0, capacityBytes: 0, availableBytes: 0, usedBytes, inodes: 0, inodesFree: 0, inodesUsed: 1 })),
  };
}

function containerOf(name: string, { memory = 0, layer = 0, logs = 0, inodes = 0, processes = 1 }: Takes): MeasuredContainer {
  return {
    id: name, name, image: '', group: '', startedAt: 0,
    use: { at: 0, cpuNanoseconds: 0, workingSetBytes: memory, tasks: { processes, threads: 1, threadsMax: 0, files: 0 } },
    layer: { usedBytes: layer, inodesUsed: inodes },
    logs: { usedBytes: logs, inodesUsed: 0 },
  };
}
