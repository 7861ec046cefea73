/** What a kubelet counts, and what it looks up when it is asked. */
import { VirtualClock } from '../../std/clock.ts';
import { podOf, run, runtimeOf, sandbox } from '../fixtures.ts';
import type { PodObject, PodRuntime, PodStatusObject } from '../pod.ts';
import { NODE } from '../pages/fixtures.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { meteredRuntime } from './metered-runtime.ts';
import { nodeFigures } from './node-figures.ts';
import { PodCounting } from './pod-counting.ts';
import { openSeries } from './series.ts';

const figures = (text: string, ...names: string[]): string[] => text.split('\n').filter((line) => names.some((name) => line.startsWith(name)) && !line.includes('_bucket'));

test('calls of the runtime are counted by their names, those that fail as well', async () => {
  const clock = new VirtualClock();
  const series = openSeries(clock);
  const calls: string[] = [];
  const plain = {
    kind: 'fake',
    async listSandboxes() {
      calls.push(this.kind);
      await clock.advance(50);
      return [];
    },
    stopContainer: () => Promise.reject(new Error('no')),
    events: () => 'events',
  };
  const runtime = meteredRuntime(plain as unknown as Runtime, series, clock);
  await runtime.listSandboxes();
  await runtime.listSandboxes();
  await expect(runtime.stopContainer('c', 1)).rejects.toThrow('no');
  expect(runtime.events(new AbortController().signal)).toBe('events');
  expect(calls).toEqual(['fake', 'fake']);
  expect(figures(series.meter.text(), 'kubelet_runtime_operations')).toEqual([
    'kubelet_runtime_operations_duration_seconds_sum{operation_type="list_podsandbox"} 0.1',
    'kubelet_runtime_operations_duration_seconds_count{operation_type="list_podsandbox"} 2',
    'kubelet_runtime_operations_duration_seconds_sum{operation_type="stop_container"} 0',
    'kubelet_runtime_operations_duration_seconds_count{operation_type="stop_container"} 1',
    'kubelet_runtime_operations_errors_total{operation_type="stop_container"} 1',
    'kubelet_runtime_operations_total{operation_type="list_podsandbox"} 2',
    'kubelet_runtime_operations_total{operation_type="stop_container"} 1',
  ]);
});

test('a pod is counted from the first word of it until it runs, its containers when they end', async () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1, 0, 0, 2));
  const series = openSeries(clock);
  const counting = new PodCounting(series, clock);
  const pod = podOf({ initContainers: [{ name: 'init', image: 'i' }] }, { creationTimestamp: '2026-01-01T00:00:00Z' });
  await clock.advance(100);
  await counting.look(pod, () => clock.advance(1000));
  await counting.look(pod, async () => undefined);
  await counting.look({ ...pod } as PodObject, async () => undefined);
  const saw = (containers: Parameters<typeof runtimeOf>[0], status: object): void => counting.saw(pod, runtimeOf(containers), status as PodStatusObject);
  saw([{ name: 'init' }], { phase: 'Pending' });
  await clock.advance(900);
  saw([{ name: 'init', state: 'exited' }, { name: 'app' }], { phase: 'Running', conditions: [{ type: 'Initialized', lastTransitionTime: '2026-01-01T00:00:03Z' }] });
  saw([{ name: 'init', state: 'exited' }, { name: 'app', state: 'exited', code: 3 }], { phase: 'Running' });
  saw([{ name: 'init', state: 'exited' }, { name: 'app', state: 'exited', code: 3 }], { phase: 'Running' });
  expect(figures(series.meter.text(), 'kubelet_pod_', 'kubelet_terminated').filter((line) => !line.includes('status_sync'))).toEqual([
    'kubelet_pod_start_duration_seconds_sum 2',
    'kubelet_pod_start_duration_seconds_count 1',
    'kubelet_pod_start_sli_duration_seconds_sum 1',
    'kubelet_pod_start_sli_duration_seconds_count 1',
    'kubelet_pod_start_total_duration_seconds_sum 4',
    'kubelet_pod_start_total_duration_seconds_count 1',
    'kubelet_pod_worker_duration_seconds_sum{operation_type="create"} 1',
    'kubelet_pod_worker_duration_seconds_count{operation_type="create"} 1',
    'kubelet_pod_worker_duration_seconds_sum{operation_type="sync"} 0',
    'kubelet_pod_worker_duration_seconds_count{operation_type="sync"} 1',
    'kubelet_pod_worker_duration_seconds_sum{operation_type="update"} 0',
    'kubelet_pod_worker_duration_seconds_count{operation_type="update"} 1',
    'kubelet_pod_worker_start_duration_seconds_sum 0.1',
    'kubelet_pod_worker_start_duration_seconds_count 1',
    'kubelet_terminated_containers_total{container_type="container",exit_code="3",reason="Error"} 1',
    'kubelet_terminated_containers_total{container_type="init_container",exit_code="0",reason="Completed"} 1',
  ]);
});

test('requests are counted under paths that are known, long ones apart', async () => {
  const clock = new VirtualClock();
  const series = openSeries(clock);
  const ends = [['GET', '/metrics/cadvisor'], ['GET', '/metrics'], ['POST', '/exec/a/b/c'], ['BREW', '/coffee/of/mine'], ['GET', '/containerLogs/a/b/c']].map(([method = '', path = '']) => series.requested(method, path));
  ends.slice(0, 4).forEach((end) => end());
  expect(figures(series.meter.text(), 'kubelet_http_requests_total')).toEqual([
    'kubelet_http_requests_total{long_running="false",method="GET",path="containerLogs",server_type="readwrite"} 1',
    'kubelet_http_requests_total{long_running="false",method="GET",path="metrics",server_type="readwrite"} 1',
    'kubelet_http_requests_total{long_running="false",method="GET",path="metrics/cadvisor",server_type="readwrite"} 1',
    'kubelet_http_requests_total{long_running="false",method="other",path="other",server_type="readwrite"} 1',
    'kubelet_http_requests_total{long_running="true",method="POST",path="exec",server_type="readwrite"} 1',
  ]);
  expect(figures(series.meter.text(), 'kubelet_http_inflight').filter((line) => line.endsWith(' 1'))).toEqual(['kubelet_http_inflight_requests{long_running="false",method="GET",path="containerLogs",server_type="readwrite"} 1']);
});

test('probes are counted by container and result, and forgotten with their pod', () => {
  const series = openSeries(new VirtualClock());
  const what = { container: 'app', namespace: 'a', pod: 'p', uid: 'u', type: 'Liveness' };
  series.probed(what, 'successful', 0.02);
  series.probed(what, 'failed', 0.2);
  series.probed({ ...what, pod: 'q' }, 'unknown', 1);
  series.forgetPod('a', 'q');
  expect(figures(series.probes.text(), 'prober_')).toEqual([
    'prober_probe_duration_seconds_sum{container="app",namespace="a",pod="p",probe_type="Liveness"} 0.22',
    'prober_probe_duration_seconds_count{container="app",namespace="a",pod="p",probe_type="Liveness"} 2',
    'prober_probe_total{container="app",namespace="a",pod="p",pod_uid="u",probe_type="Liveness",result="failed"} 1',
    'prober_probe_total{container="app",namespace="a",pod="p",pod_uid="u",probe_type="Liveness",result="successful"} 1',
  ]);
});

test('pods, containers and the volumes of claims are looked up', () => {
  const pods = [podOf({ volumes: [{ name: 'a', emptyDir: {} }, { name: 'b', emptyDir: {} }, { name: 'd', persistentVolumeClaim: { claimName: 'pvc' } }] }, { uid: 'u1' }, { phase: 'Running' }), podOf({ ephemeralContainers: [{ name: 'debug' }] }, { uid: 'u2', deletionTimestamp: 'now' }, { phase: 'Running' }), podOf({}, { uid: 'u3' }, { phase: 'Succeeded' })];
  const runtimes: Record<string, PodRuntime> = { u1: runtimeOf([{ name: 'app' }, { name: 'old', state: 'exited' }]), u2: { sandboxes: [sandbox({ state: 'notready' })], containers: [run({ state: 'exited' })] } };
  const text = nodeFigures({ nodeName: 'n', groupVersion: 2, pods, seen: (uid) => runtimes[uid] ?? { sandboxes: [], containers: [] }, measured: NODE, volumes: (uid) => new Map(uid === 'u1' ? [['a', '/a'], ['d', '/d']] : []) });
  expect(text.split('\n').filter((line) => line && !line.startsWith('#'))).toEqual([
    'kubelet_active_pods{static=""} 2',
    'kubelet_active_pods{static="true"} 0',
    'kubelet_cgroup_version 2',
    'kubelet_desired_pods{static=""} 3',
    'kubelet_desired_pods{static="true"} 0',
    'kubelet_managed_ephemeral_containers 1',
    'kubelet_mirror_pods 0',
    'kubelet_node_name{node="n"} 1',
    'kubelet_running_containers{container_state="running"} 1',
    'kubelet_running_containers{container_state="exited"} 2',
    'kubelet_running_pods 1',
    'kubelet_working_pods{config="desired",lifecycle="sync",static=""} 1',
    'kubelet_working_pods{config="desired",lifecycle="terminated",static=""} 1',
    'kubelet_working_pods{config="desired",lifecycle="terminating",static=""} 1',
    'kubelet_volume_stats_available_bytes{namespace="a",persistentvolumeclaim="pvc"} 600',
    'kubelet_volume_stats_capacity_bytes{namespace="a",persistentvolumeclaim="pvc"} 1000',
    'kubelet_volume_stats_inodes{namespace="a",persistentvolumeclaim="pvc"} 50',
    'kubelet_volume_stats_inodes_free{namespace="a",persistentvolumeclaim="pvc"} 40',
    'kubelet_volume_stats_inodes_used{namespace="a",persistentvolumeclaim="pvc"} 10',
    'kubelet_volume_stats_used_bytes{namespace="a",persistentvolumeclaim="pvc"} 300',
    'kubelet_container_log_filesystem_used_bytes{container="app",namespace="a",pod="p",uid="u"} 4096',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/empty-dir",state="actual_state_of_world"} 1',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/empty-dir",state="desired_state_of_world"} 2',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/local-volume",state="actual_state_of_world"} 1',
    'volume_manager_total_volumes{plugin_name="kubernetes.io/local-volume",state="desired_state_of_world"} 1',
  ]);
});
