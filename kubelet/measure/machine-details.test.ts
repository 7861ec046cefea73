import { deviceIo, machineDetails } from './machine-details.ts';

test('the machine in the words of a control group', () => {
  const core = (socket: number, number: number): string => `processor\t: 0\nphysical id\t: ${socket}\nsiblings\t: 2\ncore id\t\t: ${number}\ncpu cores\t: 1\n\n`;
  const details = machineDetails({
    stat: 'cpu  100 10 50 900 5 3 2 0 0 0\ncpu0 1 1 1 1 1 1 1 0 0 0\nbtime 1700000000\n',
    meminfo: 'MemTotal:       1000 kB\nMemFree:         400 kB\nMemAvailable:    600 kB\nCached:          200 kB\nActive(file):     70 kB\nInactive(file):   30 kB\nAnonPages:       150 kB\nMapped:           20 kB\nSlab:             10 kB\nSwapTotal:        64 kB\nSwapFree:         60 kB\n',
    vmstat: 'pgfault 500\npgmajfault 5\noom_kill 1\n',
    loadavg: '0.10 0.20 0.30 2/418 9999\n',
    pidMax: '32768\n',
    cpuinfo: core(0, 0) + core(0, 1) + core(0, 0) + core(1, 0),
  });
  expect(details).toEqual({
    startedAt: 1_700_000_000_000,
    cpu: { userSeconds: 1.1, systemSeconds: 0.55, periods: 0, throttledPeriods: 0, throttledSeconds: 0 },
    memory: {
      usageBytes: 600 * 1024, rssBytes: 150 * 1024, cacheBytes: 200 * 1024, mappedBytes: 20 * 1024, kernelBytes: 10 * 1024, swapBytes: 4 * 1024, peakBytes: 0,
      activeFileBytes: 70 * 1024, inactiveFileBytes: 30 * 1024, faults: 500, majorFaults: 5, limitHits: 0, kills: 1,
    },
    swapBytes: 64 * 1024,
    processes: { limit: 32_768, running: 418 },
    physicalCores: 3,
    sockets: 2,
  });
});

test('deviceIo() finds the disk itself, not its partitions', () => {
  const text = '   8       0 sda 10 1 100 5 20 2 200 6 0 7 8 0 0 0 0\n   8       1 sda1 1 1 1 1 1 1 1 1 0 0 0\n';
  expect(deviceIo(text, '/dev/sda')).toEqual([{ device: '/dev/sda', readBytes: 51_200, writtenBytes: 102_400, reads: 10, writes: 20 }]);
});
