/** Puts together what a node's pages are made from: its pods, what was measured and counted, and how well it is. */
import { Meter } from '../std/meter.ts';
import type { KubeletContext } from './context.ts';
import { type Measure, openMeasuring } from './measure/measure.ts';
import { nodeFigures } from './metrics/node-figures.ts';
import { processFigures } from './metrics/process-figures.ts';
import type { NodeDescription } from './node-object.ts';
import type { KubeletOptions } from './options.ts';
import type { Pages } from './pages/pages.ts';
import type { PodSet } from './pod-set.ts';
import { RELIST_MS } from './watch-runtime.ts';

export interface OpenPagesOptions {
  readonly options: KubeletOptions;
  readonly node: NodeDescription;
  readonly context: KubeletContext;
  readonly set: PodSet;
  readonly maxPods: number;
}

export interface OpenedPages {
  readonly pages: Pages;
  readonly measure: Measure;
}

const HEARTBEAT_MS = 10_000;
/** Whoever has not looked for so long does not look any more. */
const LATE_MS = RELIST_MS + 120_000;

/** Most of thousands of simulated nodes are never asked: nothing is made before. */
export function openNodePages(parts: OpenPagesOptions): OpenedPages {
  let measuring: OpenedPages['measure'] | undefined;
  let made: Promise<Pages> | undefined;
  const measure: Measure = (scope) => (measuring ??= measuringOf(parts))(scope);
  return { measure, pages: async (request) => (await (made ??= pagesOf(parts, measure)))(request) };
}

function measuringOf({ options, node, context, set }: OpenPagesOptions): OpenedPages['measure'] {
  const { clock, runtime, observation, files, isSimulated } = context;
  return openMeasuring({
    clock, runtime, nodeName: node.name, machine: node.machine, directory: options.directory, isSimulated,
    pods: () => set.pods(), seen: (uid) => observation.latest(uid), logDirectory: (pod) => files.logDirectory(pod), volumePaths: (uid) => files.volumePaths(uid),
  });
}

async function pagesOf({ options, node, context, set, maxPods }: OpenPagesOptions, measure: OpenedPages['measure']): Promise<Pages> {
  const { openPages } = await import('./pages/pages.ts');
  const { clock, runtime, observation, files, dns, series, isSimulated } = context;
  const seen: typeof observation.latest = (uid) => observation.latest(uid);
  const late = (): string | undefined => (!isSimulated && clock.monotonic() - observation.lookedAt > LATE_MS ? 'sync Loop took longer than expected' : undefined);
  const process = isSimulated ? undefined : processFigures();
  return openPages({
    clock, runtime, isSimulated, seen, measure, pods: () => set.pods(),
    checks: [{ name: 'ping' }, { name: 'log' }, { name: 'syncloop', failing: late }],
    flags: options.flags ?? {},
    configuration: {
      address: node.addresses.find(({ type }) => type === 'InternalIP')?.address ?? '', port: node.port, maxPods, taints: node.taints, heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      clusterDns: dns.servers, clusterDomain: dns.domain, ...(isSimulated ? {} : { podLogsDir: `${options.directory}/logs` }), clientCaFile: options.clientCaFile, evictionHard: options.evictionHard,
    },
    metrics: async () => {
      // A node whose runtime is away still tells of itself.
      const measured = await measure().catch(() => undefined);
      const groupVersion = isSimulated ? 0 : (await import('./measure/processes.ts')).groupVersion();
      const picture = nodeFigures({ nodeName: node.name, groupVersion, pods: set.pods(), seen, measured, volumes: (uid) => files.volumePaths(uid) });
      return picture + (series?.meter.text() ?? '') + ((await process?.()) ?? '');
    },
    probes: () => (series?.probes ?? new Meter()).text(),
  });
}
