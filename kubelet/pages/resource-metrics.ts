/** `/metrics/resource`: what containers, pods and the node use, as metrics servers read it. Names and types are upstream's. Pure. */
import { exposition, type Labels, type MetricFamily, type Row } from './exposition.ts';
import type { MeasuredNode, Use } from '../measure/measured.ts';
import { podUse } from './pod-use.ts';

interface Subject {
  readonly labels: Labels;
  readonly use: Use;
  readonly startedAt?: number;
  readonly swapLimitBytes?: number;
}

export function resourceMetrics(node: MeasuredNode): string {
  const pods: Subject[] = node.pods.flatMap((pod) => (pod.containers.length > 0 ? [{ labels: { namespace: pod.namespace, pod: pod.name }, use: podUse(pod, node.at) }] : []));
  const containers: Subject[] = node.pods.flatMap(({ name: pod, namespace, containers: all }) => all.map(({ name: container, use, startedAt, limits }) => ({ labels: { container, namespace, pod }, use, startedAt, swapLimitBytes: limits?.swapBytes ?? 0 })));
  const whole: Subject[] = [{ labels: {}, use: node.use }];
  return exposition([
    gauges('container_cpu_usage_seconds_total', '[STABLE] Cumulative cpu time consumed by the container in core-seconds', containers.map(cpu), 'counter'),
    gauges('container_memory_working_set_bytes', '[STABLE] Current working set of the container in bytes', containers.map(memory)),
    gauges('container_start_time_seconds', '[STABLE] Start time of the container since unix epoch in seconds', containers.map(({ labels, startedAt = 0 }) => ({ labels, value: startedAt / 1000 }))),
    gauges('container_swap_limit_bytes', '[ALPHA] Current amount of the container swap limit in bytes. Reported only on non-windows systems', swaps(containers, ({ swapLimitBytes = 0 }) => swapLimitBytes)),
    gauges('container_swap_usage_bytes', '[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems', swaps(containers)),
    gauges('node_cpu_usage_seconds_total', '[STABLE] Cumulative cpu time consumed by the node in core-seconds', whole.map(cpu), 'counter'),
    gauges('node_memory_working_set_bytes', '[STABLE] Current working set of the node in bytes', whole.map(memory)),
    gauges('node_swap_usage_bytes', '[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems', swaps(whole)),
    gauges('pod_cpu_usage_seconds_total', '[STABLE] Cumulative cpu time consumed by the pod in core-seconds', pods.map(cpu), 'counter'),
    gauges('pod_memory_working_set_bytes', '[STABLE] Current working set of the pod in bytes', pods.map(memory)),
    gauges('pod_swap_usage_bytes', '[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems', swaps(pods)),
    gauges('resource_scrape_error', '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', [{ labels: {}, value: 0 }]),
    gauges('scrape_error', '[ALPHA] 1 if there was an error while getting container metrics, 0 otherwise', [{ labels: {}, value: 0 }]),
  ]);
}

function gauges(name: string, help: string, rows: readonly Row[], type: MetricFamily['type'] = 'gauge'): MetricFamily {
  return { name, type, help, rows };
}

function cpu({ labels, use }: Subject): Row {
  return { labels, value: use.cpuNanoseconds / 1e9, at: use.at };
}

function memory({ labels, use }: Subject): Row {
  return { labels, value: use.workingSetBytes, at: use.at };
}

/** Of those whose memory was looked at closely. */
function swaps(subjects: readonly Subject[], value: (subject: Subject) => number = ({ use }) => use.memory?.swapBytes ?? 0): Row[] {
  return subjects.flatMap((subject) => (subject.use.memory ? [{ labels: subject.labels, value: value(subject), at: subject.use.at }] : []));
}
