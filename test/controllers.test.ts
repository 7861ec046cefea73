import { createCluster, type Cluster } from '../cluster/cluster.ts';
import { deployments, events, persistentvolumeclaims, persistentvolumes, pods, replicasets, services } from '../api/resources.ts';

const NAMESPACE = { namespace: 'default' };

let open: Cluster | undefined;
afterEach(() => open?.stop());

const deployment = (annotations: string, template = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {${annotations}}}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
  template:
    metadata: {labels: {app: web}, annotations: {${template}}}
    spec: {containers: [{name: c, image: "web:1"}]}
`;
const GUARDED = 'coracle.dev/auto-rollback: "true", coracle.dev/monitor: 30s';

test('a Deployment whose new pods fail goes back by itself, and stays there', async () => {
  const cluster = (open = await createCluster({ seed: 1, nodes: 2 }));
  const web = () => cluster.client.get(deployments, { ...NAMESPACE, name: 'web' });
  const proven = async () => (await cluster.client.list(replicasets, NAMESPACE)).items.filter(({ metadata }) => metadata.annotations?.['coracle.dev/proven']).length;
  await cluster.apply(deployment(GUARDED));
  await cluster.until(async () => (await proven()) === 1, { within: '2m', what: 'the first revision is proven' });
  await cluster.apply(deployment(GUARDED, 'coracle.dev/hollow-run: 5s, coracle.dev/hollow-exit-code: "1"'));
  await cluster.until(async () => (await web()).metadata.annotations?.['coracle.dev/rolled-back'], { within: '5m', what: 'it goes back' });
  await cluster.until(async () => (await web()).status?.availableReplicas === 4, { within: '2m', what: 'four pods' });
  const { spec, status } = await web();
  expect(spec.template.metadata?.annotations ?? {}).toEqual({});
  expect(status?.conditions?.find(({ type }) => type === 'AutoRollback')).toMatchObject({ status: 'True', reason: 'RolledBack', message: expect.stringContaining('1 of 4 pods failed (container c ended with exit code 1)') });
  const said = (await cluster.client.list(events, NAMESPACE)).items.filter(({ reason }) => reason === 'AutoRollback');
  expect(said.map(({ message, count }) => `${count} ${message}`)).toEqual(['1 Going back from revision 2 to revision 1: 1 of 4 pods failed (container c ended with exit code 1)']);
  const { resourceVersion } = (await web()).metadata;
  await cluster.clock.advance('30m');
  await cluster.settled();
  expect((await web()).metadata.resourceVersion).toBe(resourceVersion);
});

test('with a delay one pod is replaced after the other', async () => {
  const cluster = (open = await createCluster({ seed: 1, nodes: 1 }));
  const DELAYED = 'coracle.dev/update-delay: 1m';
  const updated = async () => (await cluster.client.get(deployments, { ...NAMESPACE, name: 'web' })).status?.updatedReplicas ?? 0;
  await cluster.apply(deployment(DELAYED));
  await cluster.until(async () => (await updated()) === 4, { within: '1m' });
  await cluster.apply(deployment(DELAYED, 'version: "2"'));
  const times: number[] = [];
  for (let count = 1; count <= 4; count++) {
    await cluster.until(async () => (await updated()) >= count, { within: '3m', what: `${count} new pods` });
    times.push(cluster.clock.now());
  }
  const pauses = times.slice(1).map((time, i) => Math.round((time - (times[i] ?? 0)) / 1000));
  // Readiness is noted to the second.
  for (const pause of pauses) expect([59, 60, 61]).toContain(pause);
});

test('claims of the built-in class get directories of their node, which go with them; a load balancer has its address', async () => {
  const cluster = (open = await createCluster({ seed: 1, nodes: 1 }));
  await cluster.apply(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  template: {metadata: {labels: {app: db}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: "db:1"}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {type: LoadBalancer, selector: {app: db}, ports: [{port: 5432}]}
`);
  const { client } = cluster;
  await cluster.until(async () => (await client.list(pods, NAMESPACE)).items.filter(({ status }) => status?.phase === 'Running').length === 2, { within: '2m', what: 'two pods run' });
  const [volume] = (await client.list(persistentvolumes)).items;
  expect(volume?.spec).toMatchObject({ storageClassName: 'local-path', hostPath: { type: 'DirectoryOrCreate' }, nodeAffinity: { required: {} } });
  expect((await client.get(services, { ...NAMESPACE, name: 'db' })).status?.loadBalancer?.ingress).toHaveLength(1);
  await client.delete({ group: 'apps', version: 'v1', resource: 'statefulsets', kind: 'StatefulSet', namespaced: true }, { ...NAMESPACE, name: 'db' });
  await cluster.until(async () => (await client.list(persistentvolumes)).items.length === 0, { within: '5m', what: 'the volumes have gone' });
  expect((await client.list(persistentvolumeclaims, NAMESPACE)).items).toEqual([]);
  await cluster.until(async () => (await client.list(pods)).items.length === 0, { within: '2m', what: 'nothing is left of the cleaning' });
});
