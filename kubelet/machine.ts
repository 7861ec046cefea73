/** What the machine under this node is: its size, its system, its addresses. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, hostname, networkInterfaces, release, totalmem } from 'node:os';

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

/** The address of the interface that leads out, else the first that is not of this machine or its containers alone. */
export function machineAddress(): string {
  const interfaces = Object.entries(networkInterfaces()).flatMap(([name, addresses]) => (addresses ?? []).map((address) => ({ name, ...address })));
  const usable = interfaces.filter(({ internal, family, name }) => !internal && family === 'IPv4' && !OWN_INTERFACES.test(name));
  const out = defaultInterface();
  return (usable.find(({ name }) => name === out) ?? usable[0])?.address ?? '127.0.0.1';
}

/** Bridges and the near ends of pods. */
const OWN_INTERFACES = /^(coracle|cni|veth|docker|virbr|br-)/;

function defaultInterface(): string | undefined {
  const table = existsSync(ROUTES) ? readFileSync(ROUTES, 'utf8') : '';
  const line = table.split('\n').find((row) => row.split('\t')[1] === '00000000');
  return line?.split('\t')[0];
}

const ROUTES = '/proc/net/route';

export function machineName(): string {
  return hostname().toLowerCase();
}
