/** What of `/metrics` is looked up when it is asked for: how many pods and containers there are, in which states, and what their volumes hold. Pure. */
import type { MeasuredNode } from '../measure/measured.ts';
import { exposition, type MetricFamily, type Row } from '../pages/exposition.ts';
import { pluginName } from '../volumes/plugin-name.ts';
import { type PodObject, type PodRuntime, isTerminalPhase } from '../pod.ts';

export interface NodePicture {
  readonly nodeName: string;
  readonly groupVersion: number;
  readonly pods: readonly PodObject[];
  readonly seen: (uid: string) => PodRuntime;
  readonly measured: MeasuredNode | undefined;
  /** What volumes of a pod were made. */
  readonly volumes: (uid: string) => ReadonlyMap<string, string>;
}

const STATES = ['created', 'running', 'exited', 'unknown'] as const;

export function nodeFigures({ nodeName, groupVersion, pods, seen, measured, volumes }: NodePicture): string {
  const runtimes = pods.map(({ metadata }) => seen(metadata.uid));
  const active = pods.filter(({ status }) => !isTerminalPhase(status?.phase));
  const containers = runtimes.flatMap((one) => one.containers);
  const states = STATES.flatMap((state): Row[] => {
    const value = containers.filter((one) => one.state === state).length;
    return value > 0 ? [{ labels: { container_state: state }, value }] : [];
  });
  // There are no static pods here: every pod is the API server's.
  const dynamic = (value: number): Row[] => [{ labels: { static: '' }, value }, { labels: { static: 'true' }, value: 0 }];
  return exposition([
    gauge('active_pods', 'Pods that hold resources of this node.', dynamic(active.length)),
    gauge('cgroup_version', 'Of the control groups of this machine.', groupVersion > 0 ? [{ labels: {}, value: groupVersion }] : []),
    gauge('desired_pods', 'Pods that this node is to run.', dynamic(pods.length)),
    gauge('managed_ephemeral_containers', 'Ephemeral containers of the pods of this node.', [{ labels: {}, value: pods.reduce((sum, { spec }) => sum + (spec.ephemeralContainers ?? []).length, 0) }]),
    gauge('mirror_pods', 'Pods that stand for static ones.', [{ labels: {}, value: 0 }]),
    gauge('node_name', 'The name of this node.', [{ labels: { node: nodeName }, value: 1 }]),
    gauge('running_containers', 'Containers by their states.', states),
    gauge('running_pods', 'Pods with a sandbox that is ready.', [{ labels: {}, value: runtimes.filter(({ sandboxes }) => sandboxes.some(({ state }) => state === 'ready')).length }]),
    gauge('working_pods', 'Pods by what is being done about them.', working(pods)),
    ...(measured ? [...volumeFigures(measured), logFigures(measured)] : []),
    managedVolumes(active, volumes),
  ]);
}

function gauge(name: string, help: string, rows: readonly Row[]): MetricFamily {
  return { name: `kubelet_${name}`, type: 'gauge', help, rows };
}

function working(pods: readonly PodObject[]): Row[] {
  const lifecycle = ({ metadata, status }: PodObject): string => (isTerminalPhase(status?.phase) ? 'terminated' : (metadata as { deletionTimestamp?: string }).deletionTimestamp ? 'terminating' : 'sync');
  const counts = Map.groupBy(pods, lifecycle);
  return ['sync', 'terminated', 'terminating'].map((one) => ({ labels: { config: 'desired', lifecycle: one, static: '' }, value: counts.get(one)?.length ?? 0 }));
}

function managedVolumes(pods: readonly PodObject[], made: NodePicture['volumes']): MetricFamily {
  const all = pods.flatMap(({ metadata: { uid }, spec }) => (spec.volumes ?? []).map((volume) => ({ plugin: pluginName(volume), isMade: made(uid).has(volume.name) })));
  const rows = [...Map.groupBy(all, ({ plugin }) => plugin)].flatMap(([plugin_name, ones]): Row[] => [
    { labels: { plugin_name, state: 'actual_state_of_world' }, value: ones.filter(({ isMade }) => isMade).length },
    { labels: { plugin_name, state: 'desired_state_of_world' }, value: ones.length },
  ]);
  return { name: 'volume_manager_total_volumes', type: 'gauge', help: 'Volumes of the pods of this node: those wanted, and those made.', rows };
}

/** Of claims only, as dashboards expect. */
function volumeFigures({ pods }: MeasuredNode): MetricFamily[] {
  const claimed = new Map(pods.flatMap(({ volumes }) => volumes.flatMap((volume) => (volume.claim ? [[`${volume.claim.namespace}/${volume.claim.name}`, { ...volume, claim: volume.claim }] as const] : []))));
  const of = (name: string, help: string, value: (volume: { readonly capacityBytes: number; readonly availableBytes: number; readonly usedBytes: number; readonly inodes: number; readonly inodesFree: number; readonly inodesUsed: number }) => number): MetricFamily =>
    gauge(`volume_stats_${name}`, help, [...claimed.values()].map((volume) => ({ labels: { namespace: volume.claim.namespace, persistentvolumeclaim: volume.claim.name }, value: value(volume) })));
  return [
    of('available_bytes', 'Bytes that are left in the volume of a claim.', ({ availableBytes }) => availableBytes),
    of('capacity_bytes', 'Bytes that the volume of a claim can hold.', ({ capacityBytes }) => capacityBytes),
    of('inodes', 'Files that the volume of a claim can hold.', ({ inodes }) => inodes),
    of('inodes_free', 'Files that the volume of a claim can hold besides those it has.', ({ inodesFree }) => inodesFree),
    of('inodes_used', 'Files in the volume of a claim.', ({ inodesUsed }) => inodesUsed),
    of('used_bytes', 'Bytes that are taken in the volume of a claim.', ({ usedBytes }) => usedBytes),
  ];
}

function logFigures({ pods }: MeasuredNode): MetricFamily {
  return gauge('container_log_filesystem_used_bytes', 'Bytes that the logs of a container take.', pods.flatMap(({ name, namespace, uid, containers }) =>
    containers.flatMap(({ name: container, logs }) => (logs ? [{ labels: { container, namespace, pod: name, uid }, value: logs.usedBytes }] : []))));
}
