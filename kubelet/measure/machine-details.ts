/** What Linux tells of the machine as a whole, in the words of a control group: processor time, memory, tasks, its disk. Reading is apart from understanding. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Cpu, DeviceIo, Memory } from './measured.ts';

export interface MachineDetails {
  readonly startedAt: number;
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly swapBytes: number;
  readonly processes: { readonly limit: number; readonly running: number };
  readonly physicalCores: number;
  readonly sockets: number;
}

export interface MachineFiles {
  readonly stat: string;
  readonly meminfo: string;
  readonly vmstat: string;
  readonly loadavg: string;
  readonly pidMax: string;
  readonly cpuinfo: string;
}

const TICKS_PER_SECOND = 100;
const SECTOR_BYTES = 512;

/** Undefined off Linux. */
export async function readMachineDetails(): Promise<MachineDetails | undefined> {
  const text = (path: string): Promise<string> => readFile(`/proc/${path}`, 'utf8');
  try {
    const [stat, meminfo, vmstat, loadavg, pidMax, cpuinfo] = await Promise.all(['stat', 'meminfo', 'vmstat', 'loadavg', 'sys/kernel/pid_max', 'cpuinfo'].map(text)) as [string, string, string, string, string, string];
    return machineDetails({ stat, meminfo, vmstat, loadavg, pidMax, cpuinfo });
  } catch {
    return undefined;
  }
}

export function machineDetails({ stat, meminfo, vmstat, loadavg, pidMax, cpuinfo }: MachineFiles): MachineDetails {
  const ticks = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? '').split(' ').map(Number);
  const seconds = (...at: number[]): number => at.reduce((sum, one) => sum + (ticks[one] ?? 0), 0) / TICKS_PER_SECOND;
  const bytes = (name: string): number => number(meminfo, `^${name.replaceAll(/[()]/g, '\\$&')}: +(\\d+) kB$`) * 1024;
  const count = (name: string): number => number(vmstat, `^${name} (\\d+)$`);
  const cores = [...cpuinfo.matchAll(/^physical id\s*: (\d+)$[\s\S]*?^core id\s*: (\d+)$/gm)];
  const swapBytes = bytes('SwapTotal');
  return {
    startedAt: number(stat, '^btime (\\d+)$') * 1000,
    cpu: { userSeconds: seconds(0, 1), systemSeconds: seconds(2, 5, 6), periods: 0, throttledPeriods: 0, throttledSeconds: 0 },
    memory: {
      usageBytes: bytes('MemTotal') - bytes('MemFree'), rssBytes: bytes('AnonPages'), cacheBytes: bytes('Cached'), mappedBytes: bytes('Mapped'), kernelBytes: bytes('Slab'),
      swapBytes: swapBytes - bytes('SwapFree'), peakBytes: 0, activeFileBytes: bytes('Active(file)'), inactiveFileBytes: bytes('Inactive(file)'),
      faults: count('pgfault'), majorFaults: count('pgmajfault'), limitHits: 0, kills: count('oom_kill'),
    },
    swapBytes,
    processes: { limit: Number(pidMax.trim()), running: number(loadavg, '^\\S+ \\S+ \\S+ \\d+/(\\d+)') },
    physicalCores: new Set(cores.map(([, socket, core]) => `${socket}/${core}`)).size || (cpuinfo.match(/^processor\s*:/gm)?.length ?? 1),
    sockets: new Set(cores.map(([, socket]) => socket)).size || 1,
  };
}

/** What passed between the machine and one of its disks. */
export async function readDeviceIo(device: string): Promise<readonly DeviceIo[]> {
  return deviceIo(await readFile('/proc/diskstats', 'utf8').catch(() => ''), device);
}

export function deviceIo(diskstats: string, device: string): readonly DeviceIo[] {
  return diskstats.split('\n').flatMap((line) => {
    const [, , name, reads, , sectorsRead, , writes, , sectorsWritten] = line.trim().split(/ +/);
    if (name === undefined || name !== basename(device)) return [];
    return [{ device, readBytes: Number(sectorsRead) * SECTOR_BYTES, writtenBytes: Number(sectorsWritten) * SECTOR_BYTES, reads: Number(reads), writes: Number(writes) }];
  });
}

function number(text: string, pattern: string): number {
  return Number(new RegExp(pattern, 'm').exec(text)?.[1] ?? 0);
}
