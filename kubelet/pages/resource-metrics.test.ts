import type { MeasuredNode, Use } from '../measure/measured.ts';
import { resourceMetrics } from './resource-metrics.ts';

const AT = Date.UTC(2026, 0, 1, 0, 0, 10, 500);
const MEMORY = { usageBytes: 1, rssBytes: 1, cacheBytes: 0, mappedBytes: 0, kernelBytes: 0, swapBytes: 7, peakBytes: 0, activeFileBytes: 0, inactiveFileBytes: 0, faults: 0, majorFaults: 0, limitHits: 0, kills: 0 };
const use = (seconds: number): Use => ({ at: AT, cpuNanoseconds: seconds * 1e9, workingSetBytes: 4096 });
const machine = { cpus: 2, memoryBytes: 8192, swapBytes: 0, machineId: 'm', systemUuid: 's', bootId: 'b', kernelVersion: '6', osImage: 'os' };
const node = (pods: MeasuredNode['pods'], whole: Use = use(7)): MeasuredNode => ({ name: 'n', at: AT, machine, use: whole, pods });
const pod = (containers: MeasuredNode['pods'][number]['containers']): MeasuredNode['pods'][number] => ({ name: 'p', namespace: 'a', uid: 'u', startedAt: 0, containers, volumes: [] });
const container = (one: Use): MeasuredNode['pods'][number]['containers'][number] => ({ id: 'c1', name: 'c', image: 'i', group: '', startedAt: Date.UTC(2026, 0, 1), use: one });
const figures = (text: string): string[] => text.split('\n').filter((line) => line && !line.startsWith('#'));

test('counters come in seconds with the time of their measuring, and with the names of pod and container', () => {
  expect(figures(resourceMetrics(node([pod([container(use(1.5))])])))).toEqual([
    'container_cpu_usage_seconds_total{container="c",namespace="a",pod="p"} 1.5 1767225610500',
    'container_memory_working_set_bytes{container="c",namespace="a",pod="p"} 4096 1767225610500',
    'container_start_time_seconds{container="c",namespace="a",pod="p"} 1.7672256e+09',
    'node_cpu_usage_seconds_total 7 1767225610500',
    'node_memory_working_set_bytes 4096 1767225610500',
    'pod_cpu_usage_seconds_total{namespace="a",pod="p"} 1.5 1767225610500',
    'pod_memory_working_set_bytes{namespace="a",pod="p"} 4096 1767225610500',
    'resource_scrape_error 0',
    'scrape_error 0',
  ]);
});

test('what memory was swapped out is told of what was looked at closely', () => {
  const close = { ...use(1), memory: MEMORY };
  expect(figures(resourceMetrics(node([pod([container(close)])], close))).filter((line) => line.includes('swap'))).toEqual([
    'container_swap_limit_bytes{container="c",namespace="a",pod="p"} 0 1767225610500',
    'container_swap_usage_bytes{container="c",namespace="a",pod="p"} 7 1767225610500',
    'node_swap_usage_bytes 7 1767225610500',
    'pod_swap_usage_bytes{namespace="a",pod="p"} 7 1767225610500',
  ]);
});

test('a node without pods has metrics of its own only', () => {
  expect(resourceMetrics(node([]))).not.toMatch(/container_|pod_/);
});
