/** What a control group has used and may use, out of the kernel's files of either version. Reading them is somebody else's. Pure. */
import type { Cpu, DeviceIo, GroupLimits, Memory } from './measured.ts';

/** The text of a file of the group, by its name; empty where there is none. */
export type GroupFiles = Readonly<Record<string, string>>;

export interface GroupUse {
  readonly cpuNanoseconds: number;
  readonly cpu: Cpu;
  readonly memory: Memory;
  readonly io: readonly (Omit<DeviceIo, 'device'> & { readonly number: string })[];
  readonly threads: number;
  readonly threadsMax: number;
  readonly limits: GroupLimits;
}

/** By the name of the controller that they belong to; version 2 has one place for all. */
export const FILES_V1: Readonly<Record<string, readonly string[]>> = {
  cpuacct: ['cpuacct.usage', 'cpuacct.stat'],
  cpu: ['cpu.stat', 'cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'],
  memory: ['memory.usage_in_bytes', 'memory.max_usage_in_bytes', 'memory.failcnt', 'memory.stat', 'memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'memory.kmem.usage_in_bytes', 'memory.oom_control'],
  pids: ['pids.current', 'pids.max'],
  blkio: ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'],
};
export const FILES_V2: readonly string[] = ['cpu.stat', 'cpu.weight', 'cpu.max', 'memory.current', 'memory.peak', 'memory.stat', 'memory.events', 'memory.max', 'memory.swap.current', 'memory.swap.max', 'pids.current', 'pids.max', 'io.stat'];

/** The kernel rounds "no limit" to whole pages just below this. */
const UNLIMITED = 2 ** 62;
/** What `cpuacct.stat` counts in: a hundredth of a second. */
const TICKS_PER_SECOND = 100;

export function groupUseV1(files: GroupFiles): GroupUse {
  const one = (name: string): number => bounded(files[name]);
  const [cpu, times, memory] = [pairs(files['cpu.stat']), pairs(files['cpuacct.stat']), pairs(files['memory.stat'])];
  const total = (name: string): number => memory.get(`total_${name}`) ?? memory.get(name) ?? 0;
  return {
    cpuNanoseconds: one('cpuacct.usage'),
    cpu: {
      userSeconds: (times.get('user') ?? 0) / TICKS_PER_SECOND, systemSeconds: (times.get('system') ?? 0) / TICKS_PER_SECOND,
      periods: cpu.get('nr_periods') ?? 0, throttledPeriods: cpu.get('nr_throttled') ?? 0, throttledSeconds: (cpu.get('throttled_time') ?? 0) / 1e9,
    },
    memory: {
      usageBytes: one('memory.usage_in_bytes'), peakBytes: one('memory.max_usage_in_bytes'), limitHits: one('memory.failcnt'), kernelBytes: one('memory.kmem.usage_in_bytes'),
      rssBytes: total('rss'), cacheBytes: total('cache'), mappedBytes: total('mapped_file'), swapBytes: total('swap'), activeFileBytes: total('active_file'), inactiveFileBytes: total('inactive_file'),
      faults: total('pgfault'), majorFaults: total('pgmajfault'), kills: pairs(files['memory.oom_control']).get('oom_kill') ?? 0,
    },
    io: devicesV1(files['blkio.throttle.io_service_bytes_recursive'], files['blkio.throttle.io_serviced_recursive']),
    threads: one('pids.current'),
    threadsMax: one('pids.max'),
    limits: {
      cpuShares: one('cpu.shares'), cpuPeriod: one('cpu.cfs_period_us'), cpuQuota: Math.max(0, one('cpu.cfs_quota_us')),
      memoryBytes: one('memory.limit_in_bytes'), swapBytes: one('memory.memsw.limit_in_bytes'),
    },
  };
}

export function groupUseV2(files: GroupFiles): GroupUse {
  const one = (name: string): number => bounded(files[name]);
  const [cpu, memory, events] = [pairs(files['cpu.stat']), pairs(files['memory.stat']), pairs(files['memory.events'])];
  const [quota = '', period = ''] = (files['cpu.max'] ?? '').trim().split(' ');
  return {
    cpuNanoseconds: (cpu.get('usage_usec') ?? 0) * 1000,
    cpu: {
      userSeconds: (cpu.get('user_usec') ?? 0) / 1e6, systemSeconds: (cpu.get('system_usec') ?? 0) / 1e6,
      periods: cpu.get('nr_periods') ?? 0, throttledPeriods: cpu.get('nr_throttled') ?? 0, throttledSeconds: (cpu.get('throttled_usec') ?? 0) / 1e6,
    },
    memory: {
      usageBytes: one('memory.current'), peakBytes: one('memory.peak'), limitHits: events.get('max') ?? 0, kernelBytes: memory.get('kernel') ?? 0,
      rssBytes: memory.get('anon') ?? 0, cacheBytes: memory.get('file') ?? 0, mappedBytes: memory.get('file_mapped') ?? 0, swapBytes: one('memory.swap.current'),
      activeFileBytes: memory.get('active_file') ?? 0, inactiveFileBytes: memory.get('inactive_file') ?? 0, faults: memory.get('pgfault') ?? 0, majorFaults: memory.get('pgmajfault') ?? 0, kills: events.get('oom_kill') ?? 0,
    },
    io: devicesV2(files['io.stat']),
    threads: one('pids.current'),
    threadsMax: one('pids.max'),
    limits: { cpuShares: sharesOf(one('cpu.weight')), cpuPeriod: bounded(period), cpuQuota: bounded(quota), memoryBytes: one('memory.max'), swapBytes: one('memory.swap.max') },
  };
}

/** Weights of 1 to 10,000 stand for shares of 2 to 262,144. */
function sharesOf(weight: number): number {
  return weight === 0 ? 0 : Math.trunc(2 + ((weight - 1) * 262_142) / 9999);
}

/** `max`, and what is as good as that, is no limit: zero. */
function bounded(text = ''): number {
  const value = Number(text.trim());
  return Number.isFinite(value) && value < UNLIMITED ? value : 0;
}

function pairs(text = ''): ReadonlyMap<string, number> {
  return new Map(text.split('\n').flatMap((line) => {
    const [key = '', value = ''] = line.split(' ');
    return key && value ? [[key, Number(value)] as const] : [];
  }));
}

/** `8:0 Read 4096`, a line for each operation. */
function devicesV1(bytes = '', operations = ''): GroupUse['io'] {
  const read = (text: string): ReadonlyMap<string, number> => new Map(text.split('\n').flatMap((line) => {
    const [number = '', operation = '', amount = ''] = line.split(' ');
    return amount ? [[`${number} ${operation}`, Number(amount)] as const] : [];
  }));
  const [sizes, counts] = [read(bytes), read(operations)];
  const numbers = [...new Set([...sizes.keys()].map((key) => key.split(' ')[0] ?? ''))];
  return numbers.map((number) => ({
    number, readBytes: sizes.get(`${number} Read`) ?? 0, writtenBytes: sizes.get(`${number} Write`) ?? 0, reads: counts.get(`${number} Read`) ?? 0, writes: counts.get(`${number} Write`) ?? 0,
  }));
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 …` */
function devicesV2(text = ''): GroupUse['io'] {
  return text.split('\n').flatMap((line) => {
    const [number = '', ...rest] = line.split(' ');
    if (rest.length === 0) return [];
    const amounts = new Map(rest.map((pair) => pair.split('=', 2) as [string, string]));
    const amount = (key: string): number => Number(amounts.get(key) ?? 0);
    return [{ number, readBytes: amount('rbytes'), writtenBytes: amount('wbytes'), reads: amount('rios'), writes: amount('wios') }];
  });
}
