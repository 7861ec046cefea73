/** `/metrics/resource`: the summary in the text that metrics collectors read. Pure. */

interface Summary {
  readonly node: Counters;
  readonly pods: readonly (Counters & { readonly podRef: { readonly name: string; readonly namespace: string }; readonly containers: readonly (Counters & { readonly name: string; readonly startTime: string })[] })[];
}

interface Counters {
  readonly cpu: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory: { readonly time: string; readonly workingSetBytes: number };
}

type Labels = Readonly<Record<string, string>>;

interface Row {
  readonly labels: Labels;
  readonly value: number;
  readonly at?: string;
}

/** Names, types and texts are upstream's. */
export function resourceMetrics(summary: Summary): string {
  const pods = summary.pods.map((pod) => ({ ...pod, labels: { namespace: pod.podRef.namespace, pod: pod.podRef.name } }));
  const containers = pods.flatMap((pod) => pod.containers.map((one) => ({ ...one, labels: { container: one.name, ...pod.labels } })));
  const node = [{ ...summary.node, labels: {} }];
  return [
    family('container_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the container in core-seconds', containers.map(cpu)),
    family('container_memory_working_set_bytes', 'gauge', 'Current working set of the container in bytes', containers.map(memory)),
    family('container_start_time_seconds', 'gauge', 'Start time of the container since unix epoch in seconds', containers.map(({ labels, startTime }) => ({ labels, value: Date.parse(startTime) / 1000 }))),
    family('node_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the node in core-seconds', node.map(cpu)),
    family('node_memory_working_set_bytes', 'gauge', 'Current working set of the node in bytes', node.map(memory)),
    family('pod_cpu_usage_seconds_total', 'counter', 'Cumulative cpu time consumed by the pod in core-seconds', pods.map(cpu)),
    family('pod_memory_working_set_bytes', 'gauge', 'Current working set of the pod in bytes', pods.map(memory)),
    family('resource_scrape_error', 'gauge', '1 if there was an error while getting container metrics, 0 otherwise', [{ labels: {}, value: 0 }]),
  ].join('');
}

function cpu({ labels, cpu: { time, usageCoreNanoSeconds } }: Counters & { readonly labels: Labels }): Row {
  return { labels, value: usageCoreNanoSeconds / 1e9, at: time };
}

function memory({ labels, memory: { time, workingSetBytes } }: Counters & { readonly labels: Labels }): Row {
  return { labels, value: workingSetBytes, at: time };
}

function family(name: string, type: 'counter' | 'gauge', help: string, rows: readonly Row[]): string {
  const lines = rows.map(({ labels, value, at }) => {
    const texts = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${texts.length > 0 ? `{${texts.join(',')}}` : ''} ${value}${at === undefined ? '' : ` ${Date.parse(at)}`}\n`;
  });
  return rows.length === 0 ? '' : `# HELP ${name} [STABLE] ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
