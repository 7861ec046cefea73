import { resourceMetrics } from './resource-metrics.ts';

test('counters come in seconds with the time of their measuring, and with the names of pod and container', () => {
  const use = (seconds: number) => ({ cpu: { time: '2026-01-01T00:00:10.500Z', usageCoreNanoSeconds: seconds * 1e9 }, memory: { time: '2026-01-01T00:00:10.500Z', workingSetBytes: 4096 } });
  const text = resourceMetrics({ node: use(7), pods: [{ ...use(2), podRef: { name: 'p', namespace: 'a' }, containers: [{ ...use(1.5), name: 'c', startTime: '2026-01-01T00:00:00Z' }] }] });
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  expect(lines).toEqual([
    'container_cpu_usage_seconds_total{container="c",namespace="a",pod="p"} 1.5 1767225610500',
    'container_memory_working_set_bytes{container="c",namespace="a",pod="p"} 4096 1767225610500',
    'container_start_time_seconds{container="c",namespace="a",pod="p"} 1767225600',
    'node_cpu_usage_seconds_total 7 1767225610500',
    'node_memory_working_set_bytes 4096 1767225610500',
    'pod_cpu_usage_seconds_total{namespace="a",pod="p"} 2 1767225610500',
    'pod_memory_working_set_bytes{namespace="a",pod="p"} 4096 1767225610500',
    'resource_scrape_error 0',
  ]);
});

test('a node without pods has metrics of its own only', () => {
  const use = { cpu: { time: '2026-01-01T00:00:00Z', usageCoreNanoSeconds: 0 }, memory: { time: '2026-01-01T00:00:00Z', workingSetBytes: 1 } };
  expect(resourceMetrics({ node: use, pods: [] })).not.toContain('container_');
});
