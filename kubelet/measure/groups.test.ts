import { groupUseV1, groupUseV2 } from './groups.ts';

test('the files of version 1', () => {
  const use = groupUseV1({
    'cpuacct.usage': '1500000000\n',
    'cpuacct.stat': 'user 100\nsystem 50\n',
    'cpu.stat': 'nr_periods 10\nnr_throttled 3\nthrottled_time 2000000000\n',
    'cpu.shares': '10\n', 'cpu.cfs_quota_us': '20000\n', 'cpu.cfs_period_us': '100000\n',
    'memory.usage_in_bytes': '5000\n', 'memory.max_usage_in_bytes': '6000\n', 'memory.failcnt': '4\n', 'memory.kmem.usage_in_bytes': '700\n',
    'memory.limit_in_bytes': '67108864\n', 'memory.memsw.limit_in_bytes': '9223372036854771712\n',
    'memory.stat': 'cache 1\nrss 2\ntotal_cache 300\ntotal_rss 200\ntotal_mapped_file 30\ntotal_swap 7\ntotal_pgfault 40\ntotal_pgmajfault 1\ntotal_inactive_file 100\ntotal_active_file 50\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    'pids.current': '3\n', 'pids.max': 'max\n',
    'blkio.throttle.io_service_bytes_recursive': '8:0 Read 4096\n8:0 Write 8192\n8:0 Total 12288\nTotal 12288\n',
    'blkio.throttle.io_serviced_recursive': '8:0 Read 1\n8:0 Write 2\nTotal 3\n',
  });
  expect(use).toEqual({
    cpuNanoseconds: 1.5e9,
    cpu: { userSeconds: 1, systemSeconds: 0.5, periods: 10, throttledPeriods: 3, throttledSeconds: 2 },
    memory: { usageBytes: 5000, peakBytes: 6000, limitHits: 4, kernelBytes: 700, rssBytes: 200, cacheBytes: 300, mappedBytes: 30, swapBytes: 7, activeFileBytes: 50, inactiveFileBytes: 100, faults: 40, majorFaults: 1, kills: 2 },
    io: [{ number: '8:0', readBytes: 4096, writtenBytes: 8192, reads: 1, writes: 2 }],
    threads: 3,
    threadsMax: 0,
    limits: { cpuShares: 10, cpuPeriod: 100_000, cpuQuota: 20_000, memoryBytes: 67_108_864, swapBytes: 0 },
  });
});

test('the files of version 2', () => {
  const use = groupUseV2({
    'cpu.stat': 'usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 10\nnr_throttled 3\nthrottled_usec 2000000\n',
    'cpu.weight': '100\n', 'cpu.max': 'max 100000\n',
    'memory.current': '5000\n', 'memory.peak': '6000\n', 'memory.max': 'max\n', 'memory.swap.current': '7\n', 'memory.swap.max': '0\n',
    'memory.stat': 'anon 200\nfile 300\nkernel 700\nfile_mapped 30\ninactive_file 100\nactive_file 50\npgfault 40\npgmajfault 1\n',
    'memory.events': 'low 0\nhigh 0\nmax 4\noom 3\noom_kill 2\n',
    'pids.current': '3\n', 'pids.max': '100\n',
    'io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n',
  });
  expect(use).toEqual({
    cpuNanoseconds: 1.5e9,
    cpu: { userSeconds: 1, systemSeconds: 0.5, periods: 10, throttledPeriods: 3, throttledSeconds: 2 },
    memory: { usageBytes: 5000, peakBytes: 6000, limitHits: 4, kernelBytes: 700, rssBytes: 200, cacheBytes: 300, mappedBytes: 30, swapBytes: 7, activeFileBytes: 50, inactiveFileBytes: 100, faults: 40, majorFaults: 1, kills: 2 },
    io: [{ number: '8:0', readBytes: 4096, writtenBytes: 8192, reads: 1, writes: 2 }],
    threads: 3,
    threadsMax: 100,
    limits: { cpuShares: 2597, cpuPeriod: 100_000, cpuQuota: 0, memoryBytes: 0, swapBytes: 0 },
  });
});

test('what is missing is nothing', () => {
  expect(groupUseV1({}).memory.usageBytes).toBe(0);
  expect(groupUseV2({}).io).toEqual([]);
});
