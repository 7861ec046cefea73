import { machineUse } from './machine-use.ts';

test('idle time is no use, and memory that can be given back is none', () => {
  const stat = 'cpu  100 20 30 9000 800 4 5 6 70 8\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\n';
  const meminfo = 'MemTotal:        1000 kB\nMemFree:          100 kB\nMemAvailable:     400 kB\n';
  expect(machineUse(stat, meminfo)).toEqual({ cpuNanoseconds: 165 * 10_000_000, memoryWorkingSetBytes: 600 * 1024, memoryAvailableBytes: 400 * 1024 });
});
