/** `/metrics/cadvisor`: the containers and the machine under the names, labels and types of cAdvisor v0.56, as upstream's kubelet serves them. Pure. */
import { exposition, type Labels, type MetricFamily, type Row } from './exposition.ts';
import type { Cpu, DeviceIo, Disk, GroupLimits, MeasuredContainer, MeasuredNode, Memory, Network, Tasks, Traffic, Use } from '../measure/measured.ts';

interface Subject {
  readonly labels: Labels;
  readonly use: Use;
  readonly startedAt: number;
  readonly limits?: GroupLimits;
  readonly network?: Network;
  readonly layer?: { readonly usedBytes: number };
  readonly disk?: Disk;
}

export function cadvisorMetrics(node: MeasuredNode): string {
  const subjects = [rootOf(node), ...node.pods.flatMap((pod) => {
    const of = (one: MeasuredContainer): Subject => ({ ...one, labels: labelsOf(one, pod.name, pod.namespace), ...(one.name === '' && pod.network && { network: pod.network }) });
    return [...(pod.sandbox ? [of(pod.sandbox)] : []), ...pod.containers.map(of)];
  })];
  return exposition([...containerFamilies(node, subjects), ...machineFamilies(node)].sort((a, b) => (a.name < b.name ? -1 : 1)));
}

function labelsOf({ id, name, image, group }: MeasuredContainer, pod: string, namespace: string): Labels {
  return { container: name, id: group || `/${id}`, image, name: id, namespace, pod };
}

function rootOf({ use, startedAt = 0, network, disk, machine }: MeasuredNode): Subject {
  return {
    labels: { container: '', id: '/', image: '', name: '', namespace: '', pod: '' }, use, startedAt,
    limits: { cpuShares: 1024, cpuPeriod: 100_000, cpuQuota: 0, memoryBytes: machine.memoryBytes, swapBytes: 0 },
    ...(network && { network }), ...(disk && { disk }),
  };
}

type Family = (name: string, help: string, value: (subject: Subject) => number | undefined, type?: MetricFamily['type']) => MetricFamily;

function containerFamilies(node: MeasuredNode, subjects: readonly Subject[]): MetricFamily[] {
  const of: Family = (name, help, value, type = 'gauge') => ({ name, type, help, rows: subjects.flatMap((subject): Row[] => {
    const found = value(subject);
    return found === undefined ? [] : [{ labels: subject.labels, value: found, at: subject.use.at }];
  }) });
  const counter: Family = (name, help, value) => of(name, help, value, 'counter');
  const fixed: Family = (name, help, value) => {
    const family = of(name, help, value);
    return { ...family, rows: family.rows.map(({ labels, value: known }) => ({ labels, value: known })) };
  };
  return [
    of('container_last_seen', 'When the container was looked at last.', () => Math.floor(node.at / 1000)),
    fixed('container_start_time_seconds', 'When the container was started.', ({ startedAt }) => Math.floor(startedAt / 1000)),
    { name: 'container_cpu_usage_seconds_total', type: 'counter', help: 'Processor time taken.', rows: subjects.map(({ labels, use }) => ({ labels: { ...labels, cpu: 'total' }, value: use.cpuNanoseconds / 1e9, at: use.at })) },
    of('container_memory_working_set_bytes', 'Memory that cannot be given back at once.', ({ use }) => use.workingSetBytes),
    ...cpuFamilies(counter),
    ...memoryFamilies(of, counter),
    ...taskFamilies(of),
    ...limitFamilies(fixed),
    faults(subjects),
    ulimits(subjects),
    ...networkFamilies(subjects),
    ...diskFamilies(subjects, node.disk),
  ];
}

function cpuFamilies(counter: Family): MetricFamily[] {
  const when = (of: (cpu: Cpu) => number) => ({ use }: Subject): number | undefined => use.cpu && of(use.cpu);
  const limited = (of: (cpu: Cpu) => number) => ({ use, limits }: Subject): number | undefined => (limits?.cpuQuota ? use.cpu && of(use.cpu) : undefined);
  return [
    counter('container_cpu_user_seconds_total', 'Processor time taken by programs.', when(({ userSeconds }) => userSeconds)),
    counter('container_cpu_system_seconds_total', 'Processor time taken by the kernel.', when(({ systemSeconds }) => systemSeconds)),
    counter('container_cpu_cfs_periods_total', 'Periods in which the limit of processor time was looked after.', limited(({ periods }) => periods)),
    counter('container_cpu_cfs_throttled_periods_total', 'Periods in which it was reached.', limited(({ throttledPeriods }) => throttledPeriods)),
    counter('container_cpu_cfs_throttled_seconds_total', 'Time for which the container had to wait therefore.', limited(({ throttledSeconds }) => throttledSeconds)),
  ];
}

function memoryFamilies(gauge: Family, counter: Family): MetricFamily[] {
  const when = (key: keyof Memory) => ({ use }: Subject): number | undefined => use.memory?.[key];
  return [
    gauge('container_memory_cache', 'Memory with what was read from files.', when('cacheBytes')),
    gauge('container_memory_rss', 'Memory that programs asked for.', when('rssBytes')),
    gauge('container_memory_kernel_usage', "Memory of the kernel's own.", when('kernelBytes')),
    gauge('container_memory_mapped_file', 'Memory with files that are mapped.', when('mappedBytes')),
    gauge('container_memory_swap', 'Memory that was swapped out.', when('swapBytes')),
    counter('container_memory_failcnt', 'How often the limit of memory was met.', when('limitHits')),
    gauge('container_memory_usage_bytes', 'All memory in use, whether it was touched lately or not.', when('usageBytes')),
    gauge('container_memory_max_usage_bytes', 'The most that ever was in use.', when('peakBytes')),
    gauge('container_memory_total_active_file_bytes', 'Memory with what was read from files often.', when('activeFileBytes')),
    gauge('container_memory_total_inactive_file_bytes', 'Memory with what was read from files once.', when('inactiveFileBytes')),
    counter('container_oom_events_total', 'Processes that were killed for want of memory.', when('kills')),
  ];
}

function taskFamilies(gauge: Family): MetricFamily[] {
  const when = (key: keyof Tasks) => ({ use }: Subject): number | undefined => use.tasks?.[key];
  return [
    gauge('container_processes', 'Processes in the container.', when('processes')),
    gauge('container_file_descriptors', 'Files that its processes have open.', when('files')),
    gauge('container_threads', 'Threads of its processes.', when('threads')),
    gauge('container_threads_max', 'How many threads there may be; none is any number.', when('threadsMax')),
  ];
}

function limitFamilies(fixed: Family): MetricFamily[] {
  const when = (of: (limits: GroupLimits) => number | undefined) => ({ limits }: Subject): number | undefined => limits && of(limits);
  return [
    fixed('container_spec_cpu_period', 'Microseconds over which processor time is limited.', when(({ cpuPeriod }) => cpuPeriod)),
    fixed('container_spec_cpu_quota', 'Microseconds of processor time in each period.', when(({ cpuQuota }) => cpuQuota || undefined)),
    fixed('container_spec_cpu_shares', 'Its weight among those that want processor time.', when(({ cpuShares }) => cpuShares)),
    fixed('container_spec_memory_limit_bytes', 'Memory that it may have; none is any amount.', when(({ memoryBytes }) => memoryBytes)),
    fixed('container_spec_memory_reservation_limit_bytes', 'Memory that is kept for it.', when(() => 0)),
    fixed('container_spec_memory_swap_limit_bytes', 'Memory that it may have with what is swapped out.', when(({ swapBytes }) => swapBytes)),
  ];
}

function faults(subjects: readonly Subject[]): MetricFamily {
  const rows = subjects.flatMap(({ labels, use }): Row[] => {
    const { memory, at } = use;
    if (!memory) return [];
    return (['container', 'hierarchy'] as const).flatMap((scope) => [
      { labels: { ...labels, failure_type: 'pgfault', scope }, value: memory.faults, at },
      { labels: { ...labels, failure_type: 'pgmajfault', scope }, value: memory.majorFaults, at },
    ]);
  });
  return { name: 'container_memory_failures_total', type: 'counter', help: 'Touches of memory that was not there yet.', rows };
}

function ulimits(subjects: readonly Subject[]): MetricFamily {
  const rows = subjects.flatMap(({ labels, use }): Row[] => (use.tasks?.filesMax === undefined ? [] : [{ labels: { ...labels, ulimit: 'max_open_files' }, value: use.tasks.filesMax, at: use.at }]));
  return { name: 'container_ulimits_soft', type: 'gauge', help: 'Limits of its first process.', rows };
}

const TRAFFIC: readonly (readonly [key: keyof Traffic, name: string, received: string, sent: string])[] = [
  ['bytes', 'bytes_total', 'Bytes received', 'Bytes sent'],
  ['packets', 'packets_total', 'Packets received', 'Packets sent'],
  ['dropped', 'packets_dropped_total', 'Packets that came and were dropped', 'Packets that were to be sent and were dropped'],
  ['errors', 'errors_total', 'Packets that came in error', 'Packets that could not be sent'],
];

function networkFamilies(subjects: readonly Subject[]): MetricFamily[] {
  const of = (name: string, what: string, value: (one: Network['interfaces'][number]) => number): MetricFamily => ({
    name, type: 'counter', help: `${what}.`,
    rows: subjects.flatMap(({ labels, network }) => (network?.interfaces ?? []).map((one) => ({ labels: { ...labels, interface: one.name }, value: value(one), at: network?.at }))),
  });
  return TRAFFIC.flatMap(([key, name, received, sent]) => [
    of(`container_network_receive_${name}`, received, (one) => one.received[key]),
    of(`container_network_transmit_${name}`, sent, (one) => one.sent[key]),
  ]);
}

function diskFamilies(subjects: readonly Subject[], nodeDisk: Disk | undefined): MetricFamily[] {
  const io = (name: string, help: string, key: Exclude<keyof DeviceIo, 'device'>): MetricFamily => ({
    name, type: 'counter', help,
    rows: subjects.flatMap(({ labels, use }) => (use.io ?? []).map((one) => ({ labels: { ...labels, device: one.device }, value: one[key], at: use.at }))),
  });
  const whole = (name: string, help: string, key: 'capacityBytes' | 'inodes' | 'inodesFree'): MetricFamily => ({
    name, type: 'gauge', help, rows: subjects.flatMap(({ labels, disk }) => (disk ? [{ labels: { ...labels, device: disk.device }, value: disk[key], at: disk.at }] : [])),
  });
  const usage = subjects.flatMap(({ labels, disk, layer, use }): Row[] => {
    if (disk) return [{ labels: { ...labels, device: disk.device }, value: disk.usedBytes, at: disk.at }];
    return layer && nodeDisk ? [{ labels: { ...labels, device: nodeDisk.device }, value: layer.usedBytes, at: use.at }] : [];
  });
  return [
    whole('container_fs_inodes_free', 'Files that there is room for.', 'inodesFree'),
    whole('container_fs_inodes_total', 'Files that there may be.', 'inodes'),
    whole('container_fs_limit_bytes', 'Bytes that the file system holds.', 'capacityBytes'),
    { name: 'container_fs_usage_bytes', type: 'gauge', help: 'Bytes that are taken of the file system.', rows: usage },
    io('container_fs_reads_bytes_total', 'Bytes read.', 'readBytes'),
    io('container_fs_reads_total', 'Reads.', 'reads'),
    io('container_fs_writes_bytes_total', 'Bytes written.', 'writtenBytes'),
    io('container_fs_writes_total', 'Writes.', 'writes'),
  ];
}

function machineFamilies({ machine }: MeasuredNode): MetricFamily[] {
  const { machineId, systemUuid, bootId, kernelVersion, osImage, cpus, physicalCores, sockets, memoryBytes, swapBytes } = machine;
  const labels = { boot_id: bootId, machine_id: machineId, system_uuid: systemUuid };
  const of = (name: string, help: string, value: number | undefined): MetricFamily => ({ name, type: 'gauge', help, rows: value === undefined ? [] : [{ labels, value }] });
  const plain = (name: string, help: string): MetricFamily => ({ name, type: 'gauge', help, rows: [{ labels: {}, value: 0 }] });
  const version = { cadvisorRevision: '', cadvisorVersion: '', dockerVersion: '', kernelVersion, osVersion: osImage };
  return [
    of('machine_cpu_physical_cores', 'Cores.', physicalCores),
    of('machine_cpu_cores', 'Processors that threads can run on.', cpus),
    of('machine_cpu_sockets', 'Sockets.', sockets),
    of('machine_memory_bytes', 'Memory of the machine.', memoryBytes),
    of('machine_swap_bytes', 'Room for what is swapped out.', swapBytes),
    plain('machine_scrape_error', 'Whether the machine could not be looked at.'),
    plain('container_scrape_error', 'Whether containers could not be looked at.'),
    { name: 'cadvisor_version_info', type: 'gauge', help: 'The kernel and the system.', rows: [{ labels: version, value: 1 }] },
  ];
}
