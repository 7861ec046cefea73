/** What a kubelet answers at once, page by page; who may ask was decided before. The same for real nodes and simulated ones. */
import type { Clock } from '../../std/clock.ts';
import { BackendRefusal, type Page, type PageRequest } from '../backend.ts';
import { type PodObject, type PodRuntime, allSpecs } from '../pod.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { cadvisorMetrics } from './cadvisor.ts';
import { type Configuration, configz } from './configz.ts';
import { Health, type HealthCheck } from './healthz.ts';
import type { Measure } from '../measure/measure.ts';
import { figures, json, NOT_FOUND, plain } from './page.ts';
import { resourceMetrics } from './resource-metrics.ts';
import { runCommand } from './run-command.ts';
import { runningPods } from './running-pods.ts';
import { summaryOf } from './summary.ts';
import { systemLogs } from './system-logs.ts';
import { flagz, statusz } from './zpages.ts';

export interface PageSources {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly isSimulated: boolean;
  readonly pods: () => readonly PodObject[];
  readonly seen: (uid: string) => PodRuntime;
  readonly checks: readonly HealthCheck[];
  readonly configuration: Configuration;
  readonly flags: Readonly<Record<string, string>>;
  readonly measure: Measure;
  /** What was counted: `/metrics` and `/metrics/probes`. */
  readonly metrics: () => Promise<string>;
  readonly probes: () => string;
}

export type Pages = (request: PageRequest) => Promise<Page>;

export function openPages(sources: PageSources): Pages {
  const { clock, configuration, flags } = sources;
  const startedMs = clock.now();
  const health = new Health(sources.checks, startedMs / 1000);
  const list = (items: readonly object[]): Page => json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items });
  const answers: Readonly<Record<PageRequest['page'], (request: PageRequest) => Page | Promise<Page>>> = {
    healthz: (request) => health.page(request),
    slis: (request) => health.slis(request),
    pods: () => list(sources.pods().map(bare)),
    runningpods: () => list(runningPods(sources.pods(), sources.seen)),
    summary: (request) => summary(sources, request),
    resource: async () => figures(resourceMetrics(await sources.measure('use'))),
    cadvisor: async () => figures(cadvisorMetrics(await sources.measure())),
    metrics: async () => figures(await sources.metrics()),
    probes: () => figures(sources.probes()),
    configz: () => ({ ...json(configz(configuration)), headers: { 'X-Content-Type-Options': 'nosniff' } }),
    logs: ({ parts }) => (sources.isSimulated ? NOT_FOUND : systemLogs(parts)),
    run: (request) => run(sources, request),
    checkpoint: (request) => checkpoint(sources, request),
    statusz: (request) => statusz(request, startedMs, clock.now()),
    flagz: (request) => flagz(request, flags),
    // Both are turned off, as upstream's can be.
    pprof: () => disabled('profiling endpoint is disabled.'),
    flags: () => disabled('flags endpoint is disabled.'),
  };
  return async (request) => answers[request.page](request);
}

async function summary({ measure }: PageSources, { query }: PageRequest): Promise<Page> {
  const onlyCpuAndMemory = query.get('only_cpu_and_memory') === 'true';
  return json(summaryOf(await measure(onlyCpuAndMemory ? 'use' : 'all'), { onlyCpuAndMemory }), 1);
}

/** In a list it is plain what they are. */
function bare(pod: PodObject): object {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = pod;
  return rest;
}

function disabled(message: string): Page {
  return plain(405, `${message}\n`, { 'X-Content-Type-Options': 'nosniff' });
}

function podOf({ pods }: PageSources, [namespace, name]: readonly string[]): PodObject {
  const pod = pods().find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  if (!pod) throw new BackendRefusal(404, 'pod does not exist');
  return pod;
}

/** `NAMESPACE/POD[/UID]/CONTAINER?cmd=` */
async function run(sources: PageSources, { parts, query }: PageRequest): Promise<Page> {
  const pod = podOf(sources, parts);
  const name = parts.at(-1) ?? '';
  const isOther = parts.length === 4 && parts[2] !== pod.metadata.uid;
  const container = isOther ? undefined : sources.seen(pod.metadata.uid).containers.find((one) => one.name === name && one.state === 'running');
  if (!container) throw new BackendRefusal(500, `container not found (${JSON.stringify(name)})`);
  return runCommand(sources.runtime, container.id, query.get('cmd') ?? '');
}

/** No runtime that is driven here can do it. */
function checkpoint(sources: PageSources, { parts }: PageRequest): Page {
  const pod = podOf(sources, parts);
  const name = parts[2] ?? '';
  if (!allSpecs(pod).some(({ spec }) => spec.name === name)) throw new BackendRefusal(404, `container ${name} does not exist`);
  throw new BackendRefusal(500, `checkpointing of ${parts.join('/')} failed (rpc error: code = Unimplemented desc = containers cannot be checkpointed by this kubelet)`);
}
