// What a test of somebody who installed the package may look like; each runner's file gives it its own `test`.
import assert from 'node:assert/strict';
import { createCluster, isReason, resources } from 'coracle';

const BATCH = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    metadata:
      annotations: {coracle.dev/hollow-run: 2m}
    spec:
      restartPolicy: Never
      containers: [{name: c, image: job:1}]
`;

/** @param {(name: string, body: () => Promise<void>) => unknown} test */
export function scenario(test) {
  test('a job takes its time, on a clock that the test moves', async () => {
    await using cluster = await createCluster();
    await cluster.apply(BATCH, { namespace: 'shop' });
    await cluster.clock.advance('119s');
    const key = { namespace: 'shop', name: 'once' };
    assert.equal((await cluster.client.get(resources.jobs, key)).status?.active, 1);
    // A second for the pod, and one in which the controller gathers what pods tell.
    await cluster.clock.advance('2s');
    assert.equal((await cluster.client.get(resources.jobs, key)).status?.succeeded, 1);
  });

  test('clusters side by side know nothing of each other', async () => {
    const clusters = await Promise.all([1, 2, 3].map(() => createCluster({ nodes: 0 })));
    const names = await Promise.all(clusters.map(async (cluster, i) => {
      await cluster.client.create(resources.configmaps, { metadata: { namespace: 'default', name: `only-${i}` } });
      const { items } = await cluster.client.list(resources.configmaps, { namespace: 'default' });
      return items.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('only'));
    }));
    assert.deepEqual(names, [['only-0'], ['only-1'], ['only-2']]);
    await assert.rejects(clusters[0].client.get(resources.pods, { namespace: 'default', name: 'none' }), (error) => isReason(error, 'NotFound'));
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  });
}
