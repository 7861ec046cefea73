import { deviceclasses, persistentvolumeclaims, pods, resourceclaims, resourceslices, storageclasses } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { ResourceClaim } from '../api/types/resource.v1.ts';
import { FakeCluster } from './fake-cluster.ts';

const failure = (code: number, reason: string): ApiError => new ApiError({ code, reason, message: 'refused by the test' });

async function opened(): Promise<{ readonly cluster: FakeCluster; readonly stop: () => Promise<void> }> {
  const cluster = new FakeCluster();
  await cluster.node('n1');
  const scheduler = await cluster.start();
  return { cluster, stop: () => scheduler.stop() };
}

describe('a claim that is provisioned for a node', () => {
  async function asked(): Promise<Awaited<ReturnType<typeof opened>>> {
    const world = await opened();
    const { client } = world.cluster;
    await client.create(storageclasses, { metadata: { name: 'late' }, provisioner: 'x.example.com', volumeBindingMode: 'WaitForFirstConsumer' });
    await client.create(persistentvolumeclaims, { metadata: { name: 'c', namespace: 'd', annotations: { a: 'b' } }, spec: { storageClassName: 'late', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } });
    await world.cluster.pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] });
    await world.cluster.settle(2000);
    return world;
  }

  test('is waited for, and the pod says where it goes', async () => {
    const { cluster, stop } = await asked();
    expect(cluster.placements()).toEqual({ '': ['p'] });
    expect(cluster.get('p')?.status?.nominatedNodeName).toBe('n1');
    await stop();
  });

  test('is asked for again when the provisioner gives up', async () => {
    const { cluster, stop } = await asked();
    await cluster.client.patch(persistentvolumeclaims, { namespace: 'd', name: 'c' }, { type: 'application/merge-patch+json', body: { metadata: { annotations: { 'volume.kubernetes.io/selected-node': null } } } });
    await cluster.settle(1500);
    expect(cluster.events('FailedScheduling')).toEqual(['running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "c"']);
    await cluster.settle(3000);
    expect((await cluster.client.get(persistentvolumeclaims, { namespace: 'd', name: 'c' })).metadata.annotations).toMatchObject({ 'volume.kubernetes.io/selected-node': 'n1' });
    await stop();
  });

  test('is not waited for any more when the pod goes', async () => {
    const { cluster, stop } = await asked();
    await cluster.client.delete(pods, { namespace: 'd', name: 'p' });
    await cluster.settle(2000);
    await cluster.pod('p', {});
    await cluster.settle(500);
    expect(cluster.placements()).toEqual({ n1: ['p'] });
    await stop();
  });
});

describe('a device', () => {
  const device = { driver: 'd', pool: 'n1', device: 'g' };
  async function asked(bindingConditions?: string[]): Promise<Awaited<ReturnType<typeof opened>>> {
    const world = await opened();
    const { client } = world.cluster;
    await client.create(deviceclasses, { metadata: { name: 'gpu' }, spec: {} });
    await client.create(resourceslices, { metadata: { name: 's' }, spec: { driver: 'd', nodeName: 'n1', pool: { name: 'n1', generation: 1, resourceSliceCount: 1 }, devices: [{ name: 'g', ...(bindingConditions && { bindingConditions }) }] } });
    await client.create(resourceclaims, { metadata: { name: 'c', namespace: 'd' }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } } } as ResourceClaim);
    return world;
  }
  const use = { resourceClaims: [{ name: 'c', resourceClaimName: 'c' }] };

  test('is prepared before the pod is bound', async () => {
    const { cluster, stop } = await asked(['ready']);
    await cluster.pod('p', use);
    await cluster.settle(6000);
    expect(cluster.placements()).toEqual({ '': ['p'] });
    expect(cluster.events('BindingConditionsPending')).toEqual(['waiting for binding conditions for device on node n1']);
    await cluster.client.patch(resourceclaims, { namespace: 'd', name: 'c' }, { type: 'application/merge-patch+json', body: { status: { devices: [{ ...device, conditions: [{ type: 'ready', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] }] } } }, { subresource: 'status' });
    await cluster.settle(6000);
    expect(cluster.placements()).toEqual({ n1: ['p'] });
    await stop();
  });

  test('is not reserved for a pod that could not be bound', async () => {
    const { cluster, stop } = await asked();
    cluster.onBind = () => {
      throw failure(500, 'InternalError');
    };
    await cluster.pod('p', use);
    await cluster.settle(300);
    const reserving = cluster.fake.calls.filter(({ resource, subresource, verb }) => resource.startsWith('resourceclaims') && subresource === 'status' && verb === 'patch');
    expect(reserving.map(({ body }) => body)).toEqual([{ metadata: { uid: expect.any(String) }, status: { reservedFor: [{ $patch: 'delete', uid: cluster.get('p')?.metadata.uid }] } }]);
    await stop();
  });

  test('is given for a resource that its class stands in for, by a claim of the scheduler', async () => {
    const { cluster, stop } = await asked();
    const classes = await cluster.client.get(deviceclasses, { name: 'gpu' });
    const container = { name: 'c', image: 'i', resources: { requests: { 'example.com/gpu': '1' } } };
    await cluster.pod('p', { containers: [container] });
    await cluster.settle(300);
    expect(cluster.placements()).toEqual({ '': ['p'] });
    await cluster.client.update(deviceclasses, { ...classes, spec: { extendedResourceName: 'example.com/gpu' } });
    await cluster.settle(2000);
    expect(cluster.placements()).toEqual({ n1: ['p'] });
    const claim = (await cluster.client.list(resourceclaims)).items.find(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'p');
    expect(claim).toMatchObject({ metadata: { annotations: { 'resource.kubernetes.io/extended-resource-claim': 'true' } }, status: { allocation: { devices: { results: [{ device: 'g', request: 'container-0-request-0' }] } }, reservedFor: [{ name: 'p' }] } });
    expect(cluster.get('p')?.status?.extendedResourceClaimStatus).toEqual({ resourceClaimName: claim?.metadata.name, requestMappings: [{ containerName: 'c', resourceName: 'example.com/gpu', requestName: 'container-0-request-0' }] });
    await cluster.pod('q', { containers: [container] });
    await cluster.settle(300);
    expect(cluster.condition('q')?.message).toContain('1 cannot allocate all claims. still not schedulable');
    await stop();
  });
});
