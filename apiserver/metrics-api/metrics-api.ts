/**
 * Serves metrics.k8s.io from the nodes' own statistics, as soon as there is a node that has any.
 *
 * A metrics server that somebody installs takes the group over: its APIService names a Service.
 */
import { apiservices, clusterroles, nodes } from '../../api/resources.ts';
import { isReason } from '../../api/status.ts';
import type { Core } from '../core.ts';
import { METRICS_GROUP, METRICS_VERSION, nodeMetrics, podMetrics } from './kinds.ts';
import type { NodeStatistics } from './node-statistics.ts';

const ROLE = 'system:aggregated-metrics-reader';

export function serveMetrics(core: Core, statistics: NodeStatistics): { close(): void } {
  const { reader, registry } = core;
  let served = false;
  /** Nodes whose agents can be asked. */
  const answering = new Set<string>();
  let taken = false;
  const settle = (): void => {
    const wanted = !taken && (answering.size > 0 || statistics.hasOwn);
    // Once served it stays: clients keep what they have learnt of an API.
    if (wanted && !served) {
      served = true;
      registry.add(nodeMetrics);
      registry.add(podMetrics);
      void letRead(core);
    } else if (taken && served) {
      served = false;
      registry.remove(nodeMetrics);
      registry.remove(podMetrics);
    }
  };
  statistics.onProvided(settle);
  const following = [
    reader.onChange(nodes, ({ type, name, object }) => {
      if (type === 'deleted') {
        answering.delete(name);
        statistics.forget(name);
      } else if (object.status?.daemonEndpoints?.kubeletEndpoint?.Port) answering.add(name);
      settle();
    }),
    reader.onChange(apiservices, ({ type, name, object }) => {
      if (name !== `${METRICS_VERSION}.${METRICS_GROUP}`) return;
      taken = type !== 'deleted' && object.spec?.service !== undefined;
      settle();
    }),
  ];
  return { close: () => following.forEach((one) => one.close()) };
}

/** Whoever may view a namespace may see what its pods use. */
async function letRead({ writer, log }: Core): Promise<void> {
  const aggregate = (to: string): [string, string] => [`rbac.authorization.k8s.io/aggregate-to-${to}`, 'true'];
  const labels = Object.fromEntries([aggregate('view'), aggregate('edit'), aggregate('admin')]);
  const rules = [{ apiGroups: [METRICS_GROUP], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] }];
  try {
    await writer.create(clusterroles, { kind: 'ClusterRole', apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: ROLE, labels }, rules });
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) log.error(`ClusterRole ${ROLE}`, error);
  }
}
