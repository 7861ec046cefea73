/** A node as it might be measured, for the tests of this folder: one pod with a sandbox and a container, a volume and a claim. */
import type { MeasuredContainer, MeasuredNode, Memory, Use } from '../measure/measured.ts';

export const AT = Date.UTC(2026, 0, 1, 0, 0, 10, 500);
const STARTED = Date.UTC(2026, 0, 1);

const MEMORY: Memory = {
  usageBytes: 5000, rssBytes: 1000, cacheBytes: 3000, mappedBytes: 10, kernelBytes: 500, swapBytes: 7, peakBytes: 6000, activeFileBytes: 100, inactiveFileBytes: 904, faults: 40, majorFaults: 1, limitHits: 2, kills: 1,
};

function use(seconds: number): Use {
  return {
    at: AT, cpuNanoseconds: seconds * 1e9, cpuNanoCores: seconds * 1e6, workingSetBytes: 4096, memory: MEMORY,
    cpu: { userSeconds: seconds * 0.75, systemSeconds: seconds * 0.25, periods: 100, throttledPeriods: 10, throttledSeconds: 0.5 },
    io: [{ device: '/dev/sda', readBytes: 512, writtenBytes: 1024, reads: 1, writes: 2 }],
    tasks: { processes: 2, threads: 3, threadsMax: 0, files: 9, filesMax: 1024 },
  };
}

function container(id: string, name: string, image: string, limited: boolean): MeasuredContainer {
  return {
    id, name, image, group: `/k8s.io/${id}`, startedAt: STARTED, use: use(name ? 2 : 0.5),
    limits: { cpuShares: 10, cpuPeriod: 100_000, cpuQuota: limited ? 20_000 : 0, memoryBytes: limited ? 65_536 : 0, swapBytes: limited ? 131_072 : 0 },
    ...(name && { layer: { usedBytes: 24_576, inodesUsed: 9 }, logs: { usedBytes: 4096, inodesUsed: 2 } }),
  };
}

const traffic = (bytes: number): { bytes: number; packets: number; errors: number; dropped: number } => ({ bytes, packets: bytes / 100, errors: 1, dropped: 0 });
const filesystem = { at: AT, capacityBytes: 1000, availableBytes: 600, usedBytes: 300, inodes: 50, inodesFree: 40, inodesUsed: 10 };

export const NODE: MeasuredNode = {
  name: 'n',
  at: AT,
  startedAt: STARTED - 1000,
  machine: { cpus: 4, memoryBytes: 1_000_000, swapBytes: 100, machineId: 'm', systemUuid: 's', bootId: 'b', kernelVersion: '6.1', osImage: 'an "OS"', physicalCores: 2, sockets: 1 },
  use: { ...use(70), availableBytes: 900_000 },
  network: { at: AT, interfaces: [{ name: 'eth0', received: traffic(1000), sent: traffic(2000) }] },
  disk: { ...filesystem, device: '/dev/sda' },
  images: { ...filesystem, device: '/dev/sda', usedBytes: 77 },
  processes: { limit: 32_768, running: 99 },
  pods: [{
    name: 'p', namespace: 'a', uid: 'u', startedAt: STARTED,
    sandbox: container('s1', '', 'pause:1', false),
    containers: [container('c1', 'app', 'app:1', true)],
    network: { at: AT, interfaces: [{ name: 'eth0', received: traffic(300), sent: traffic(500) }] },
    volumes: [{ name: 'scratch', ...filesystem, usedBytes: 5 }, { name: 'data', ...filesystem, claim: { name: 'pvc', namespace: 'a' } }],
  }],
};
