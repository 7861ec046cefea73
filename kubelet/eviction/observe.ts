/** What a node has left, as cheaply as it can be had: it is asked every ten seconds. */
import type { Clock } from '../../std/clock.ts';
import { readDisk } from '../measure/disk.ts';
import { readImages } from '../measure/look.ts';
import { readMachineDetails } from '../measure/machine-details.ts';
import { readMachineUse } from '../measure/machine-use.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { Observed } from './decide.ts';
import type { Signal } from './thresholds.ts';

export interface ObserveOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly runtime: Pick<Runtime, 'imageFilesystem'>;
  readonly directory: string;
  /** What else is asked for. */
  readonly signals: readonly Signal[];
}

export interface Observation {
  readonly observed: Observed;
  readonly hasImageDisk: boolean;
}

export async function observeNode({ clock, runtime, directory, signals }: ObserveOptions): Promise<Observation> {
  const at = clock.now();
  const [disk, images, memory, details] = await Promise.all([readDisk(directory, at), readImages(runtime, at), readMachineUse(), signals.includes('pid.available') ? readMachineDetails() : undefined]);
  const observed = new Map<Signal, { available: number; capacity: number }>();
  if (memory) observed.set('memory.available', { available: memory.memoryAvailableBytes, capacity: memory.memoryWorkingSetBytes + memory.memoryAvailableBytes });
  for (const [name, one] of [['nodefs', disk], ['imagefs', images]] as const) {
    if (!one) continue;
    observed.set(`${name}.available`, { available: one.availableBytes, capacity: one.capacityBytes });
    // Some file systems have as many as they need, and say that they have none.
    if (one.inodes > 0) observed.set(`${name}.inodesFree`, { available: one.inodesFree, capacity: one.inodes });
  }
  if (details) observed.set('pid.available', { available: details.processes.limit - details.processes.running, capacity: details.processes.limit });
  return { observed, hasImageDisk: disk !== undefined && images !== undefined && disk.device !== images.device };
}
