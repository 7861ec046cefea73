/** What a kubelet counts as it works, under the names, labels and buckets of upstream's. What can be looked up when it is asked for is not counted. */
import type { Clock } from '../../std/clock.ts';
import { Meter } from '../../std/meter.ts';

export type PodOperation = 'create' | 'update' | 'sync';
export type ProbeResultName = 'successful' | 'failed' | 'unknown';

export interface ProbedContainer {
  readonly container: string;
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** `Liveness`, `Readiness` or `Startup`. */
  readonly type: string;
}

export interface KubeletSeries {
  /** Shown at `/metrics`. */
  readonly meter: Meter;
  /** Shown at `/metrics/probes`. */
  readonly probes: Meter;
  readonly startedMs: number;
  runtimeOperation(operation: string, seconds: number, failed: boolean): void;
  sandboxStarted(handler: string, seconds: number, failed: boolean): void;
  containerStarted(type: string, failure?: string): void;
  containerEnded(type: string, exitCode: number, reason: string): void;
  podAdmitted(containers: number): void;
  podRefused(reason: string): void;
  /** A pod was ended for want of something, or because it took too much. */
  evicted(signal: string): void;
  /** How old was what a pod was evicted for. */
  evictionStatsUsed(signal: string, seconds: number): void;
  podWorked(operation: PodOperation, seconds: number): void;
  podWorkerStarted(seconds: number): void;
  /** Since the kubelet saw it, since it was created, and that without the time for images and init containers. */
  podRunning(seenSeconds: number, createdSeconds: number, ownSeconds: number): void;
  statusWritten(seconds: number): void;
  /** A volume is being made; what is returned, how that ended. */
  mounting(plugin: string): (failed: boolean) => void;
  /** Until when the serving certificate holds. */
  certificate(validToMs: number): void;
  relisted(seconds: number): void;
  orphaned(): void;
  imagePulled(seconds: number, bytes: number): void;
  imagesRemoved(reason: string, count: number): void;
  probed(what: ProbedContainer, result: ProbeResultName, seconds: number): void;
  /** Nothing of the pod is shown any more. */
  forgetPod(namespace: string, pod: string): void;
  requested(method: string, path: string): () => void;
  webSocketStream(stream: string): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const OPERATION_SECONDS = Array.from({ length: 14 }, (_, at) => 0.005 * 2.5 ** at);
const START_SECONDS = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600];
const STATUS_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60];
const STORAGE_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];
const PULL_SECONDS = [1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600];
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const IMAGE_SIZES: readonly (readonly [above: number, name: string])[] = [
  [100 * GIB, 'GT100GB'], [60 * GIB, '60GB-100GB'], [40 * GIB, '40GB-60GB'], [30 * GIB, '30GB-40GB'], [20 * GIB, '20GB-30GB'], [10 * GIB, '10GB-20GB'], [5 * GIB, '5GB-10GB'],
  [GIB, '1GB-5GB'], [500 * MIB, '500MB-1GB'], [100 * MIB, '100MB-500MB'], [10 * MIB, '10MB-100MB'], [0, '0-10MB'],
];
const METHODS = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT']);
const PATHS = new Set(['healthz', 'pods', 'stats', 'metrics', 'metrics/cadvisor', 'metrics/probes', 'metrics/resource', 'run', 'exec', 'attach', 'portForward', 'containerLogs', 'configz', 'runningpods', 'checkpoint', 'flagz', 'statusz', 'logs', 'debug']);
const LONG = new Set(['exec', 'attach', 'portforward', 'debug']);

export function openSeries(clock: Clock): KubeletSeries {
  const meter = new Meter();
  const probes = new Meter();
  const runtime = runtimeSeries(meter);
  const pods = podSeries(meter, clock);
  const startedMs = clock.now();
  const [total, duration] = [
    probes.counter({ name: 'prober_probe_total', help: 'Probes of containers by what they found.', labels: ['container', 'namespace', 'pod', 'pod_uid', 'probe_type', 'result'] }),
    probes.histogram({ name: 'prober_probe_duration_seconds', help: 'How long probes took.', labels: ['container', 'namespace', 'pod', 'probe_type'], buckets: SECONDS }),
  ];
  for (const one of [meter, probes]) one.gauge({ name: 'process_start_time_seconds', help: 'When this process started.' }).of().set(startedMs / 1000);
  return {
    meter, probes, startedMs, ...runtime, ...pods, ...requestSeries(meter, clock), ...nodeSeries(meter, clock),
    probed({ container, namespace, pod, uid, type }, result, seconds) {
      total.of(container, namespace, pod, uid, type, result).add();
      duration.of(container, namespace, pod, type).observe(seconds);
    },
    forgetPod(namespace, pod) {
      for (const one of [meter, probes]) one.forget({ namespace, pod });
    },
  };
}

type RuntimeSeries = Pick<KubeletSeries, 'runtimeOperation' | 'sandboxStarted' | 'imagePulled' | 'imagesRemoved'>;

function runtimeSeries(meter: Meter): RuntimeSeries {
  const operations = meter.counter({ name: 'kubelet_runtime_operations_total', help: 'Calls of the container runtime.', labels: ['operation_type'] });
  const errors = meter.counter({ name: 'kubelet_runtime_operations_errors_total', help: 'Calls of the container runtime that failed.', labels: ['operation_type'] });
  const seconds = meter.histogram({ name: 'kubelet_runtime_operations_duration_seconds', help: 'How long calls of the container runtime took.', labels: ['operation_type'], buckets: OPERATION_SECONDS });
  const sandboxSeconds = meter.histogram({ name: 'kubelet_run_podsandbox_duration_seconds', help: 'How long it took to make sandboxes.', labels: ['runtime_handler'], buckets: SECONDS });
  const sandboxErrors = meter.counter({ name: 'kubelet_run_podsandbox_errors_total', help: 'Sandboxes that could not be made.', labels: ['runtime_handler'] });
  const pulls = meter.histogram({ name: 'kubelet_image_pull_duration_seconds', help: 'How long pulls of images took, waiting included.', labels: ['image_size_in_bytes'], buckets: PULL_SECONDS });
  const removed = meter.counter({ name: 'kubelet_image_garbage_collected_total', help: 'Images that were removed to make room.', labels: ['reason'] });
  return {
    runtimeOperation(operation, took, failed) {
      operations.of(operation).add();
      seconds.of(operation).observe(took);
      if (failed) errors.of(operation).add();
    },
    sandboxStarted(handler, took, failed) {
      sandboxSeconds.of(handler).observe(took);
      if (failed) sandboxErrors.of(handler).add();
    },
    imagePulled(took, bytes) {
      pulls.of(IMAGE_SIZES.find(([above]) => bytes > above)?.[1] ?? '').observe(took);
    },
    imagesRemoved(reason, count) {
      removed.of(reason).add(count);
    },
  };
}

type PodSeries = Pick<KubeletSeries, 'containerStarted' | 'containerEnded' | 'podAdmitted' | 'podRefused' | 'evicted' | 'evictionStatsUsed' | 'podWorked' | 'podWorkerStarted' | 'podRunning' | 'statusWritten' | 'relisted' | 'orphaned'>;

function podSeries(meter: Meter, clock: Clock): PodSeries {
  const counter = (name: string, help: string, labels: readonly string[] = []): ReturnType<Meter['counter']> => meter.counter({ name: `kubelet_${name}`, help, labels });
  const histogram = (name: string, help: string, buckets: readonly number[], labels: readonly string[] = []): ReturnType<Meter['histogram']> => meter.histogram({ name: `kubelet_${name}`, help, labels, buckets });
  const started = counter('started_pods_total', 'Pods whose sandbox was made.');
  const startErrors = counter('started_pods_errors_total', 'Pods whose sandbox could not be made.');
  const containers = counter('started_containers_total', 'Containers that were started, or were to be.', ['container_type']);
  const containerErrors = counter('started_containers_errors_total', 'Containers that could not be started.', ['container_type', 'code']);
  const ended = counter('terminated_containers_total', 'Containers that ended.', ['container_type', 'exit_code', 'reason']);
  const perPod = histogram('containers_per_pod_count', 'How many containers pods have.', [1, 2, 4, 8, 16]);
  const refused = counter('admission_rejections_total', 'Pods that this node did not take.', ['reason']);
  const evictions = counter('evictions', 'Pods that were evicted.', ['eviction_signal']);
  const evictionAges = histogram('eviction_stats_age_seconds', 'How old that was what pods were evicted for.', SECONDS, ['eviction_signal']);
  const worked = histogram('pod_worker_duration_seconds', 'How long one look after a pod took.', SECONDS, ['operation_type']);
  const workerStarts = histogram('pod_worker_start_duration_seconds', 'From the first word of a pod to the first look after it.', SECONDS);
  const [seen, created, own] = [
    histogram('pod_start_duration_seconds', 'From the first word of a pod until it runs.', START_SECONDS),
    histogram('pod_start_total_duration_seconds', 'From the making of a pod until all its containers run.', START_SECONDS),
    histogram('pod_start_sli_duration_seconds', 'The same without pulling images and init containers.', START_SECONDS),
  ];
  const written = histogram('pod_status_sync_duration_seconds', 'From a change of a pod until the API server knows of it.', STATUS_SECONDS);
  const relists = histogram('pleg_relist_duration_seconds', 'How long it took to look at everything that the runtime has.', SECONDS);
  const intervals = histogram('pleg_relist_interval_seconds', 'Between two looks at everything that the runtime has.', SECONDS);
  const lastSeen = meter.gauge({ name: 'kubelet_pleg_last_seen_seconds', help: 'When everything was looked at last.' });
  const orphans = counter('orphaned_runtime_pods_total', 'Pods of the runtime that nobody knew of.');
  for (const one of [started, startErrors, orphans]) one.of();
  for (const one of [perPod, workerStarts, seen, created, own, written]) one.of();
  let lastRelist: number | undefined;
  return {
    containerStarted(type, failure) {
      containers.of(type).add();
      if (failure !== undefined) containerErrors.of(type, failure).add();
      if (type !== 'pod_sandbox') return;
      (failure === undefined ? started : startErrors).of().add();
    },
    containerEnded: (type, exitCode, reason) => ended.of(type, String(exitCode), reason).add(),
    podAdmitted: (count) => perPod.of().observe(count),
    podRefused: (reason) => refused.of(reason).add(),
    evicted: (signal) => evictions.of(signal).add(),
    evictionStatsUsed: (signal, seconds) => evictionAges.of(signal).observe(seconds),
    podWorked: (operation, seconds) => worked.of(operation).observe(seconds),
    podWorkerStarted: (seconds) => workerStarts.of().observe(seconds),
    podRunning(seenSeconds, createdSeconds, ownSeconds) {
      seen.of().observe(seenSeconds);
      created.of().observe(createdSeconds);
      own.of().observe(ownSeconds);
    },
    statusWritten: (seconds) => written.of().observe(seconds),
    relisted(seconds) {
      const now = clock.monotonic();
      relists.of().observe(seconds);
      if (lastRelist !== undefined) intervals.of().observe((now - lastRelist) / 1000);
      lastRelist = now;
      lastSeen.of().set(Math.floor(clock.now() / 1000));
    },
    orphaned: () => orphans.of().add(),
  };
}

function nodeSeries(meter: Meter, clock: Clock): Pick<KubeletSeries, 'mounting' | 'certificate'> {
  const storage = meter.histogram({ name: 'storage_operation_duration_seconds', help: 'How long it took to make volumes.', labels: ['migrated', 'operation_name', 'status', 'volume_plugin'], buckets: STORAGE_SECONDS });
  let validToMs = Infinity;
  const left = meter.gauge({ name: 'kubelet_certificate_manager_server_ttl_seconds', help: 'For how long the serving certificate still holds.', collect: () => left.of().set(Math.trunc((validToMs - clock.now()) / 1000)) });
  return {
    mounting(plugin) {
      const since = clock.monotonic();
      return (failed) => storage.of('false', 'volume_mount', failed ? 'fail-unknown' : 'success', plugin).observe((clock.monotonic() - since) / 1000);
    },
    certificate: (until) => void (validToMs = until),
  };
}

function requestSeries(meter: Meter, clock: Clock): Pick<KubeletSeries, 'requested' | 'webSocketStream'> {
  const labels = ['long_running', 'method', 'path', 'server_type'];
  const total = meter.counter({ name: 'kubelet_http_requests_total', help: 'Requests that came.', labels });
  const seconds = meter.histogram({ name: 'kubelet_http_requests_duration_seconds', help: 'How long requests took.', labels, buckets: SECONDS });
  const inflight = meter.gauge({ name: 'kubelet_http_inflight_requests', help: 'Requests that are being answered.', labels });
  const webSockets = meter.counter({ name: 'kubelet_websocket_streaming_requests_total', help: 'Streams that came over WebSockets.', labels: ['subresource'] });
  return {
    requested(method, path) {
      const [, first = '', second] = path.split('/', 3);
      const root = first === 'metrics' && second !== undefined ? `${first}/${second}` : first;
      const where = PATHS.has(root) ? root : 'other';
      const values = [String(LONG.has(where)), METHODS.has(method) ? method : 'other', where, 'readwrite'];
      const since = clock.monotonic();
      total.of(...values).add();
      inflight.of(...values).add();
      return () => {
        inflight.of(...values).add(-1);
        seconds.of(...values).observe((clock.monotonic() - since) / 1000);
      };
    },
    webSocketStream: (stream) => webSockets.of(stream).add(),
  };
}
