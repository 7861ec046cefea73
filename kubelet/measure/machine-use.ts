/** What the machine under this node has used: processor time since it started, and memory that could not be given back. */
import { readFile } from 'node:fs/promises';

export interface MachineUse {
  readonly cpuNanoseconds: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryAvailableBytes: number;
}

/** One tick of `/proc/stat`, which Linux fixes at a hundredth of a second for what it tells programs. */
const TICK_NS = 10_000_000;
/** user nice system [idle iowait] irq softirq steal. */
const BUSY = [0, 1, 2, 5, 6, 7];

/** Undefined off Linux. */
export async function readMachineUse(): Promise<MachineUse | undefined> {
  try {
    return machineUse(await readFile('/proc/stat', 'utf8'), await readFile('/proc/meminfo', 'utf8'));
  } catch {
    return undefined;
  }
}

export function machineUse(stat: string, meminfo: string): MachineUse {
  const ticks = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const bytes = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  const available = bytes('MemAvailable');
  return {
    cpuNanoseconds: BUSY.reduce((sum, at) => sum + (ticks[at] ?? 0), 0) * TICK_NS,
    memoryWorkingSetBytes: bytes('MemTotal') - available,
    memoryAvailableBytes: available,
  };
}
