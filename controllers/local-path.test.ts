import { nodes, persistentvolumeclaims, persistentvolumes, pods, storageclasses } from '../api/resources.ts';
import type { PersistentVolume, PersistentVolumeClaimSpec, Pod } from '../api/types/core.v1.ts';
import { item, reconciled, shown, type Item } from './fake-view.ts';
import { LOCAL_PATH, localPathController } from './local-path.ts';
import { volumeExpanderController } from './volume-expander.ts';
import type { StoredClaim, StoredVolume } from './volumes/claims.ts';

const storageClass = item(storageclasses, { metadata: { name: 'local-path', namespace: '' }, provisioner: LOCAL_PATH, reclaimPolicy: 'Delete' });
const node = (runtime = 'containerd://1') => item(nodes, { metadata: { name: 'n', namespace: '', labels: { 'kubernetes.io/hostname': 'host' } }, spec: {}, status: { nodeInfo: { containerRuntimeVersion: runtime } } } as never);
const claim = (spec: Partial<PersistentVolumeClaimSpec> = {}, { node: chosen = 'n', capacity }: { node?: string; capacity?: string } = {}) =>
  item(persistentvolumeclaims, {
    metadata: { name: 'c', annotations: { 'volume.kubernetes.io/storage-provisioner': LOCAL_PATH, ...(chosen && { 'volume.kubernetes.io/selected-node': chosen }) } },
    spec: { storageClassName: 'local-path', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec },
    status: capacity ? { phase: 'Bound', capacity: { storage: capacity } } : { phase: 'Pending' },
  } as unknown as StoredClaim);
const volume = (phase: string, capacity = '2Gi', by = LOCAL_PATH) =>
  item(persistentvolumes, {
    metadata: { name: 'pvc-uid-c', namespace: '', annotations: { 'pv.kubernetes.io/provisioned-by': by } },
    spec: { capacity: { storage: capacity }, persistentVolumeReclaimPolicy: 'Delete', claimRef: { namespace: 'a', name: 'c', uid: 'uid-c' }, hostPath: { path: '/v/pvc-uid-c_a_c' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['host'] }] }] } } },
    status: { phase },
  } as unknown as StoredVolume);
const lines = (key: string, ...items: Item[]) => shown(reconciled(localPathController(), key, items).actions);

test('a claim whose pod has its node gets a directory there', () => {
  const [made] = reconciled(localPathController({ path: '/data' }), 'a/c', [claim(), storageClass, node()]).actions;
  const { metadata, spec } = (made?.do === 'create' ? made.object : {}) as PersistentVolume;
  expect(metadata.name).toBe('pvc-uid-c');
  expect(spec).toMatchObject({
    capacity: { storage: '2Gi' }, persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/data/pvc-uid-c_a_c', type: 'DirectoryOrCreate' }, claimRef: { name: 'c', uid: 'uid-c' },
    nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['host'] }] }] } },
  });
});

test.each<[string, Item[], string]>([
  ['shared volumes', [claim({ accessModes: ['ReadWriteMany'] }), storageClass, node()], 'only the access modes ReadWriteOnce and ReadWriteOncePod are supported'],
  ['block devices', [claim({ volumeMode: 'Block' }), storageClass, node()], 'block volumes are not supported'],
  ['no node', [claim({}, { node: '' }), storageClass, node()], 'configuration error, no node was specified'],
  ['a node that has gone', [claim({}, { node: 'x' }), storageClass, node()], 'node "x" not found'],
])('refused by name: %s, once', (_, items, why) => {
  const controller = localPathController();
  expect(shown(reconciled(controller, 'a/c', items).actions)).toEqual([`Warning ProvisioningFailed: failed to provision volume with StorageClass "local-path": ${why}`]);
  expect(reconciled(controller, 'a/c', items).actions).toEqual([]);
});

test('what is there is not made again', () => {
  expect(lines('a/c', claim(), storageClass, node(), volume('Available'))).toEqual([]);
});

const cleaner = (phase: string) => item(pods, { metadata: { name: 'clean-pvc-uid-c', namespace: 'kube-system', labels: { 'coracle.dev/cleans-volume': 'pvc-uid-c' } }, spec: { containers: [] }, status: { phase } } as never);
test.each<[string, Item[], string[]]>([
  ['in use it stays', [volume('Bound'), node()], []],
  ['released, its directory is removed on its node', [volume('Released'), node()], ['create pods kube-system/clean-pvc-uid-c']],
  ['that takes its time', [volume('Released'), node(), cleaner('Running')], []],
  ['then it goes', [volume('Released'), node(), cleaner('Succeeded')], ['delete persistentvolumes pvc-uid-c']],
  ['what failed is said and tried again', [volume('Released'), node(), cleaner('Failed')], ['Warning VolumeFailedDelete: the directory /v/pvc-uid-c_a_c on node n could not be removed', 'delete pods kube-system/clean-pvc-uid-c']],
  ['with its node gone there is nothing to remove', [volume('Released')], ['delete persistentvolumes pvc-uid-c']],
  ['in the end the pod goes too', [node(), cleaner('Succeeded')], ['delete pods kube-system/clean-pvc-uid-c']],
])('a volume: %s', (_, items, expected) => {
  expect(lines('volume pvc-uid-c', ...items)).toEqual(expected);
});

test('the pod that removes a directory touches nothing else', () => {
  const [made] = reconciled(localPathController(), 'volume pvc-uid-c', [volume('Released'), node()]).actions;
  const { spec } = (made?.do === 'create' ? made.object : {}) as Pod;
  expect(spec).toMatchObject({ nodeName: 'n', volumes: [{ hostPath: { path: '/v' } }], containers: [{ command: ['rm', '-rf', '/volumes/pvc-uid-c_a_c'] }], automountServiceAccountToken: false });
});

test('the class is made when there is a node for it and no other class', () => {
  expect(lines('class', node())).toEqual(['create storageclasses local-path']);
  expect(lines('class', node(''))).toEqual([]);
  expect(lines('class', node(), item(storageclasses, { metadata: { name: 'mine', namespace: '' }, provisioner: 'x' }))).toEqual([]);
});

test('a claim that asks for more gets it: first its volume, then it; of others it is said who must', () => {
  const larger = { volumeName: 'pvc-uid-c', resources: { requests: { storage: '5Gi' } } };
  expect(lines('a/c', claim(larger, { capacity: '2Gi' }), volume('Bound'))).toEqual(['update persistentvolumes pvc-uid-c']);
  expect(lines('a/c', claim(larger, { capacity: '2Gi' }), volume('Bound', '5Gi'))).toEqual(['update persistentvolumeclaims/status a/c', 'Normal VolumeResizeSuccessful: ExpandVolume succeeded for volume a/c']);
  expect(lines('a/c', claim(larger, { capacity: '5Gi' }), volume('Bound', '5Gi'))).toEqual([]);
  const expander = volumeExpanderController();
  const foreign = [claim(larger, { capacity: '2Gi' }), volume('Bound', '2Gi', 'example.com/disks')];
  expect(shown(reconciled(expander, 'a/c', foreign).actions)).toEqual(['Normal ExternalExpanding: waiting for an external controller to expand this PVC']);
  expect(reconciled(expander, 'a/c', foreign).actions).toEqual([]);
});
