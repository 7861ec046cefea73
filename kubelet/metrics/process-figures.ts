/** What this process uses, in the words of all components; loaded when somebody asks. Its start is told with what it counts. */
import type { Registry } from 'prom-client';
import { exposition } from '../pages/exposition.ts';
import { KUBELET_VERSION } from '../node-object.ts';

/** Counted from when the library was loaded, or told elsewhere. */
const OTHERS = ['process_cpu_user_seconds_total', 'process_cpu_system_seconds_total', 'process_cpu_seconds_total', 'process_start_time_seconds'];

export function processFigures(): () => Promise<string> {
  let made: Promise<Registry> | undefined;
  return async () => own() + (await (await (made ??= open())).metrics());
}

function own(): string {
  const { user, system } = process.cpuUsage();
  const [, major = '', minor = ''] = /^v(\d+)\.(\d+)/.exec(KUBELET_VERSION) ?? [];
  const build = { major, minor, git_version: KUBELET_VERSION, git_commit: '', git_tree_state: '', build_date: '', go_version: '', compiler: '', platform: `linux/${process.arch}` };
  return exposition([
    { name: 'kubernetes_build_info', type: 'gauge', help: 'What was built.', rows: [{ labels: build, value: 1 }] },
    { name: 'process_cpu_seconds_total', type: 'counter', help: 'Processor time that this process has taken.', rows: [{ labels: {}, value: (user + system) / 1e6 }] },
  ]);
}

async function open(): Promise<Registry> {
  const { Registry: Own, collectDefaultMetrics } = await import('prom-client');
  const registry = new Own();
  collectDefaultMetrics({ register: registry });
  for (const name of OTHERS) registry.removeSingleMetric(name);
  return registry;
}
