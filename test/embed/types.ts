/** Compiled, not run, against the published declarations: what users write has types. */
import { createCluster, resources, type Cluster, type core, type Snapshot } from 'coracle';

export async function typed(): Promise<string[]> {
  const cluster: Cluster = await createCluster({ nodes: [{ name: 'a', labels: { zone: 'x' }, capacity: { cpu: '2' } }], hollow: { containers: [{ image: 'slow/*', ready: '5s' }] } });
  const { items } = await cluster.client.list(resources.pods, { namespace: 'default' });
  const names: string[] = items.map((pod) => pod.metadata.name);
  const phase: core.PodStatus['phase'] = items[0]?.status?.phase;
  // @ts-expect-error a pod has no replicas
  void items[0]?.spec.replicas;
  // @ts-expect-error there is no such part
  void cluster.etcd;
  const ready = await cluster.until(async () => (await cluster.client.get(resources.deployments, { namespace: 'default', name: 'web' })).status?.readyReplicas, { within: '5m' });
  const snapshot: Snapshot = await cluster.snapshot();
  await cluster.restore(snapshot);
  cluster.node('a').powerOff();
  return [...names, String(phase), ready.toFixed(0)];
}
