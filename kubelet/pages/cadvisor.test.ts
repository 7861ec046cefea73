import type { MeasuredNode } from '../measure/measured.ts';
import { cadvisorMetrics } from './cadvisor.ts';
import { AT, NODE } from './fixtures.ts';

const lines = (node: MeasuredNode): string[] => cadvisorMetrics(node).split('\n').filter((line) => line && !line.startsWith('#'));
const APP = 'container="app",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p"';
const SANDBOX = 'container="",id="/k8s.io/s1",image="pause:1",name="s1",namespace="a",pod="p"';

test.each([
  [`container_cpu_usage_seconds_total{container="app",cpu="total",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p"} 2 ${AT}`],
  [`container_cpu_user_seconds_total{${APP}} 1.5 ${AT}`],
  [`container_cpu_system_seconds_total{${APP}} 0.5 ${AT}`],
  [`container_cpu_cfs_throttled_periods_total{${APP}} 10 ${AT}`],
  [`container_memory_working_set_bytes{${APP}} 4096 ${AT}`],
  [`container_memory_rss{${APP}} 1000 ${AT}`],
  [`container_memory_cache{${APP}} 3000 ${AT}`],
  [`container_memory_usage_bytes{${APP}} 5000 ${AT}`],
  [`container_memory_swap{${APP}} 7 ${AT}`],
  [`container_memory_failcnt{${APP}} 2 ${AT}`],
  [`container_memory_failures_total{container="app",failure_type="pgmajfault",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p",scope="hierarchy"} 1 ${AT}`],
  [`container_oom_events_total{${APP}} 1 ${AT}`],
  [`container_fs_usage_bytes{container="app",device="/dev/sda",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p"} 24576 ${AT}`],
  [`container_fs_writes_bytes_total{container="app",device="/dev/sda",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p"} 1024 ${AT}`],
  [`container_fs_reads_total{container="app",device="/dev/sda",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p"} 1 ${AT}`],
  [`container_fs_limit_bytes{container="",device="/dev/sda",id="/",image="",name="",namespace="",pod=""} 1000 ${AT}`],
  [`container_network_receive_bytes_total{container="",id="/k8s.io/s1",image="pause:1",interface="eth0",name="s1",namespace="a",pod="p"} 300 ${AT}`],
  [`container_network_transmit_packets_total{container="",id="/",image="",interface="eth0",name="",namespace="",pod=""} 20 ${AT}`],
  [`container_processes{${APP}} 2 ${AT}`],
  [`container_threads{${SANDBOX}} 3 ${AT}`],
  [`container_ulimits_soft{container="app",id="/k8s.io/c1",image="app:1",name="c1",namespace="a",pod="p",ulimit="max_open_files"} 1024 ${AT}`],
  [`container_spec_cpu_quota{${APP}} 20000`],
  [`container_spec_memory_limit_bytes{${APP}} 65536`],
  [`container_spec_memory_swap_limit_bytes{${APP}} 131072`],
  [`container_start_time_seconds{${APP}} 1.7672256e+09`],
  ['machine_cpu_cores{boot_id="b",machine_id="m",system_uuid="s"} 4'],
  ['machine_memory_bytes{boot_id="b",machine_id="m",system_uuid="s"} 1e+06'],
  ['cadvisor_version_info{cadvisorRevision="",cadvisorVersion="",dockerVersion="",kernelVersion="6.1",osVersion="an \\"OS\\""} 1'],
])('%s', (line) => {
  expect(lines(NODE)).toContain(line);
});

test('the network is told of the sandbox alone, limits of processor time only where there are some', () => {
  const of = (name: string): string[] => lines(NODE).filter((line) => line.startsWith(`${name}{`)).map((line) => /container="([^"]*)",.*id="([^"]*)"/.exec(line)?.slice(1).join(' ') ?? '');
  expect(of('container_network_receive_bytes_total').sort()).toEqual([' /', ' /k8s.io/s1']);
  expect(of('container_spec_cpu_quota')).toEqual(['app /k8s.io/c1']);
  expect(of('container_cpu_cfs_periods_total')).toEqual(['app /k8s.io/c1']);
});

test('each family is told once, with its type, and no series twice', () => {
  const text = cadvisorMetrics(NODE).split('\n');
  const types = text.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  expect(new Set(types).size).toBe(types.length);
  const series = text.filter((line) => line && !line.startsWith('#')).map((line) => line.split('} ')[0]);
  expect(new Set(series).size).toBe(series.length);
});

test('of a simulated node there is what its runtime tells, and nothing else', () => {
  const { pods: [pod], ...node } = NODE;
  const bare = { at: AT, cpuNanoseconds: 1e9, workingSetBytes: 5 };
  const { network: _network, disk: _disk, images: _images, ...simulated } = node;
  const { sandbox: _sandbox, network: _podNetwork, ...bareRest } = pod as MeasuredNode['pods'][number];
  const containers = [{ id: 'c1', name: 'app', image: 'app:1', group: '', startedAt: AT, use: bare }];
  const names = lines({ ...simulated, use: bare, pods: [{ ...bareRest, containers, volumes: [] }] }).filter((line) => line.includes('pod="p"')).map((line) => line.split('{')[0]);
  expect(names).toEqual(['container_cpu_usage_seconds_total', 'container_last_seen', 'container_memory_working_set_bytes', 'container_start_time_seconds']);
});
