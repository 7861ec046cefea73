/** What a look at a node is made with, and the parts of it that real and simulated nodes have alike. Pure. */
import type { Clock } from '../../std/clock.ts';
import { timeMs } from '../../client/time.ts';
import type { Machine } from '../machine.ts';
import type { PodObject, PodRuntime } from '../pod.ts';
import type { Container, ContainerStats, Runtime } from '../runtime/runtime.ts';
import type { MeasuredContainer, MeasuredPod, Use } from './measured.ts';
import type { ProcessUse } from './processes.ts';

export interface MeasureOptions {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly nodeName: string;
  readonly machine: Machine;
  readonly directory: string;
  readonly isSimulated: boolean;
  readonly pods: () => readonly PodObject[];
  readonly seen: (uid: string) => PodRuntime;
  readonly logDirectory: (pod: PodObject['metadata']) => string;
  /** By volume. */
  readonly volumePaths: (uid: string) => ReadonlyMap<string, string>;
}

export function measuredPod({ metadata: { name, namespace, uid }, status }: PodObject, at: number): Pick<MeasuredPod, 'name' | 'namespace' | 'uid' | 'startedAt'> {
  return { name, namespace, uid, startedAt: status?.startTime ? timeMs(status.startTime) : at };
}

export function measuredContainer({ id, name, image, startedAt }: Container, use: Use, process?: ProcessUse): MeasuredContainer {
  return { id, name, image, group: process?.group ?? '', startedAt, use, ...(process && { limits: process.use.limits }) };
}

export function useOf({ at, cpuNanoseconds, memoryWorkingSetBytes }: ContainerStats): Use {
  return { at, cpuNanoseconds, workingSetBytes: memoryWorkingSetBytes };
}
