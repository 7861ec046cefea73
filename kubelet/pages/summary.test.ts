import { NODE } from './fixtures.ts';
import { summaryOf } from './summary.ts';

const TIME = '2026-01-01T00:00:10.500000Z';
const disk = { time: TIME, availableBytes: 600, capacityBytes: 1000, inodesFree: 40, inodes: 50 };

test('the node tells of itself, its pods together, its network, disks and processes', () => {
  const { node } = summaryOf(NODE, { onlyCpuAndMemory: false }) as { node: object };
  expect(node).toEqual({
    nodeName: 'n',
    startTime: '2025-12-31T23:59:59.000000Z',
    systemContainers: [{ name: 'pods', startTime: '2025-12-31T23:59:59.000000Z', cpu: { time: TIME, usageNanoCores: 2_500_000, usageCoreNanoSeconds: 2.5e9 }, memory: { time: TIME, availableBytes: 991_808, usageBytes: 10_000, workingSetBytes: 8192, rssBytes: 2000, pageFaults: 80, majorPageFaults: 2 } }],
    cpu: { time: TIME, usageNanoCores: 7e7, usageCoreNanoSeconds: 7e10 },
    memory: { time: TIME, availableBytes: 900_000, usageBytes: 5000, workingSetBytes: 4096, rssBytes: 1000, pageFaults: 40, majorPageFaults: 1 },
    network: { time: TIME, name: 'eth0', rxBytes: 1000, rxErrors: 1, txBytes: 2000, txErrors: 1, interfaces: [{ name: 'eth0', rxBytes: 1000, rxErrors: 1, txBytes: 2000, txErrors: 1 }] },
    fs: { ...disk, usedBytes: 300, inodesUsed: 10 },
    runtime: { imageFs: { ...disk, usedBytes: 77, inodesUsed: 10 }, containerFs: { ...disk, usedBytes: 77, inodesUsed: 10 } },
    rlimit: { time: TIME, maxpid: 32_768, curproc: 99 },
    swap: { time: TIME, swapAvailableBytes: 93, swapUsageBytes: 7 },
  });
});

test('a pod is the sum of its containers and its sandbox; what it leaves on the disk is its layers, logs and own volumes', () => {
  const { pods: [pod] } = summaryOf(NODE, { onlyCpuAndMemory: false }) as { pods: object[] };
  const memory = { time: TIME, availableBytes: 61_440, usageBytes: 5000, workingSetBytes: 4096, rssBytes: 1000, pageFaults: 40, majorPageFaults: 1 };
  expect(pod).toEqual({
    podRef: { name: 'p', namespace: 'a', uid: 'u' },
    startTime: '2026-01-01T00:00:00.000000Z',
    containers: [{
      name: 'app', startTime: '2026-01-01T00:00:00.000000Z', cpu: { time: TIME, usageNanoCores: 2e6, usageCoreNanoSeconds: 2e9 }, memory,
      rootfs: { ...disk, usedBytes: 24_576, inodesUsed: 9 }, logs: { ...disk, usedBytes: 4096, inodesUsed: 2 }, swap: { time: TIME, swapAvailableBytes: 131_072, swapUsageBytes: 7 },
    }],
    cpu: { time: TIME, usageNanoCores: 2_500_000, usageCoreNanoSeconds: 2.5e9 },
    memory: { time: TIME, usageBytes: 10_000, workingSetBytes: 8192, rssBytes: 2000, pageFaults: 80, majorPageFaults: 2 },
    network: { time: TIME, name: 'eth0', rxBytes: 300, rxErrors: 1, txBytes: 500, txErrors: 1, interfaces: [{ name: 'eth0', rxBytes: 300, rxErrors: 1, txBytes: 500, txErrors: 1 }] },
    volume: [{ ...disk, name: 'scratch', usedBytes: 5, inodesUsed: 10 }, { ...disk, name: 'data', usedBytes: 300, inodesUsed: 10, pvcRef: { name: 'pvc', namespace: 'a' } }],
    'ephemeral-storage': { ...disk, usedBytes: 24_576 + 4096 + 5, inodesUsed: 21 },
    process_stats: { process_count: 2 },
    swap: { time: TIME, swapUsageBytes: 14 },
  });
});

test('whoever wants processor and memory alone gets nothing else', () => {
  const { node, pods: [pod] } = summaryOf(NODE, { onlyCpuAndMemory: true }) as { node: object; pods: { containers: object[] }[] };
  expect([Object.keys(node), Object.keys(pod ?? {}), Object.keys(pod?.containers[0] ?? {})]).toEqual([
    ['nodeName', 'systemContainers', 'startTime', 'cpu', 'memory'],
    ['podRef', 'startTime', 'containers', 'cpu', 'memory'],
    ['name', 'startTime', 'cpu', 'memory'],
  ]);
});
