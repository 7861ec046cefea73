/** The control group, the network and the open files of processes, as the kernel shows them under `/proc`. */
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FILES_V1, FILES_V2, type GroupUse, groupUseV1, groupUseV2 } from './groups.ts';
import type { DeviceIo, NetworkInterface, Tasks } from './measured.ts';

const GROUPS = '/sys/fs/cgroup';
/** Processes of one container that are looked at for their files. */
const PROCESSES_LIMIT = 200;
/** Interfaces that belong to others: those of containers, and loopback. */
const FOREIGN = /^(lo|veth|docker|nerdctl)/;
/** Names of block devices do not change while a machine runs. */
const devices = new Map<string, string>();
const DEVICES_LIMIT = 1000;

/** Of this machine; 0 where there are none. */
export function groupVersion(): number {
  return existsSync(join(GROUPS, 'cgroup.controllers')) ? 2 : existsSync(join(GROUPS, 'memory')) ? 1 : 0;
}

export interface ProcessUse {
  /** The path of its control group. */
  readonly group: string;
  readonly use: GroupUse;
  readonly io: readonly DeviceIo[];
  readonly tasks: Tasks;
}

/** Undefined when the process is gone. */
export async function readProcessUse(pid: number): Promise<ProcessUse | undefined> {
  const paths = groupPaths(await text(`/proc/${pid}/cgroup`));
  const whole = paths.get('');
  const main = paths.get('memory') ?? whole;
  // Whoever shares the machine's own group has none to be measured by.
  if (main === undefined || main === '/') return undefined;
  const isV1 = paths.has('memory');
  const files = isV1 ? await filesV1(paths) : await readAll(join(GROUPS, main), FILES_V2);
  // A group that is not to be seen from here, as in a namespace of its own: what the runtime says has to do.
  if (Object.values(files).every((one) => one === '')) return undefined;
  const use = isV1 ? groupUseV1(files) : groupUseV2(files);
  const pids = (await text(join(GROUPS, isV1 ? 'memory' : '', main, 'cgroup.procs'))).split('\n').filter((line) => line !== '');
  const opened = await Promise.all(pids.slice(0, PROCESSES_LIMIT).map((one) => readdir(`/proc/${one}/fd`).then((names) => names.length, () => 0)));
  const filesMax = /^Max open files +(\d+)/m.exec(await text(`/proc/${pid}/limits`))?.[1];
  const io = await Promise.all(use.io.map(async ({ number, ...amounts }) => ({ device: await deviceOf(number), ...amounts })));
  return {
    group: main, use, io,
    tasks: { processes: pids.length, threads: use.threads, threadsMax: use.threadsMax, files: opened.reduce((sum, count) => sum + count, 0), ...(filesMax !== undefined && { filesMax: Number(filesMax) }) },
  };
}

/** Of the network that a process stands in: its own (`self`), or a sandbox's. */
export async function readNetwork(pid: number | 'self'): Promise<readonly NetworkInterface[]> {
  return interfacesOf(await text(`/proc/${pid}/net/dev`));
}

export function interfacesOf(dev: string): readonly NetworkInterface[] {
  return dev.split('\n').flatMap((line) => {
    const [, name, figures] = /^ *([^:\s]+): *(.*)$/.exec(line) ?? [];
    if (name === undefined || figures === undefined || FOREIGN.test(name)) return [];
    const at = figures.trim().split(/ +/).map(Number);
    const traffic = (from: number): NetworkInterface['sent'] => ({ bytes: at[from] ?? 0, packets: at[from + 1] ?? 0, errors: at[from + 2] ?? 0, dropped: at[from + 3] ?? 0 });
    return [{ name, received: traffic(0), sent: traffic(8) }];
  });
}

/** By controller; the group of version 2 under the empty name. */
export function groupPaths(cgroup: string): ReadonlyMap<string, string> {
  return new Map(cgroup.split('\n').flatMap((line) => {
    const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return names === undefined || path === undefined ? [] : names.split(',').map((name) => [name, path] as const);
  }));
}

async function filesV1(paths: ReadonlyMap<string, string>): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(Object.entries(FILES_V1).map(async ([controller, names]) => readAll(join(GROUPS, controller, paths.get(controller) ?? ''), paths.has(controller) ? names : [])));
  return Object.assign({}, ...found) as Record<string, string>;
}

async function readAll(directory: string, names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await text(join(directory, name))] as const)));
}

/** `/dev/sda` of `8:0`. */
export async function deviceOf(number: string): Promise<string> {
  const known = devices.get(number);
  if (known) return known;
  const name = /^DEVNAME=(.*)$/m.exec(await text(`/sys/dev/block/${number}/uevent`))?.[1];
  const device = name ? `/dev/${name}` : number;
  if (devices.size < DEVICES_LIMIT) devices.set(number, device);
  return device;
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
