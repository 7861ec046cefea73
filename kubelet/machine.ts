/** What the machine under this node is: its size, its system. */
import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** In Go's words: `amd64`. */
  readonly architecture: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

export async function readMachine(directory: string): Promise<Machine> {
  const [machineId, systemUuid, bootId, osRelease, disk] = await Promise.all([
    text('/etc/machine-id'),
    text('/sys/class/dmi/id/product_uuid'),
    text('/proc/sys/kernel/random/boot_id'),
    text('/etc/os-release'),
    statfs(directory).catch(() => undefined),
  ]);
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: disk ? disk.blocks * disk.bsize : 0,
    machineId,
    systemUuid: systemUuid || machineId,
    bootId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    architecture: ARCHITECTURES[arch()] ?? arch(),
  };
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').then((content) => content.trim(), () => '');
}
