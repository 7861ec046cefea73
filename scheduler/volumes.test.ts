import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimStatus, PersistentVolumeSpec, PersistentVolumeStatus } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { HOST, type PodInput, ZONE, cluster, decided, node, place, pod, reasons } from './fixtures.ts';
import type { Snapshot } from './snapshot.ts';

const meta = (name: string, namespace: string, more: object = {}): Stored<PersistentVolumeClaim>['metadata'] => ({ name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '', ...more });

interface ClaimInput {
  readonly volume?: string;
  readonly storageClass?: string;
  readonly storage?: string;
  readonly accessModes?: NonNullable<PersistentVolumeClaimSpec['accessModes']>;
  readonly phase?: NonNullable<PersistentVolumeClaimStatus['phase']>;
  readonly ending?: boolean;
}

function claim(name: string, { volume, storageClass = 'fast', storage = '1Gi', accessModes = ['ReadWriteOnce'], phase = 'Bound', ending = false }: ClaimInput = {}): Stored<PersistentVolumeClaim> {
  const annotations = volume ? { 'pv.kubernetes.io/bind-completed': 'yes' } : {};
  const spec: PersistentVolumeClaimSpec = { storageClassName: storageClass, accessModes, resources: { requests: { storage } }, ...(volume && { volumeName: volume }) };
  return { metadata: meta(name, 'd', { annotations, ...(ending && { deletionTimestamp: 'now' }) }), spec, status: { phase } };
}

function volume(name: string, { on, zone, storage = '5Gi', phase = 'Bound', storageClass = 'fast' }: { on?: string; zone?: string; storage?: string; phase?: NonNullable<PersistentVolumeStatus['phase']>; storageClass?: string } = {}): Stored<PersistentVolume> {
  const nodeAffinity: PersistentVolumeSpec['nodeAffinity'] | '' | undefined = on && { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOST, operator: 'In', values: [on] }] }] } };
  return {
    metadata: { ...meta(name, ''), ...(zone && { labels: { [ZONE]: zone } }) },
    spec: { capacity: { storage }, accessModes: ['ReadWriteOnce'], storageClassName: storageClass, ...(nodeAffinity && { nodeAffinity }) },
    status: { phase },
  };
}

function world(): Snapshot {
  const snapshot = cluster(node('n1', { labels: { [ZONE]: 'a' } }), node('n2', { labels: { [ZONE]: 'b' } }));
  const { volumes } = snapshot;
  for (const [name, provisioner, volumeBindingMode] of [['fast', 'x.y/z', 'Immediate'], ['late', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer'], ['made', 'x.y/z', 'WaitForFirstConsumer']] as const) {
    volumes.setClass({ metadata: { ...meta(name, '') }, provisioner, volumeBindingMode });
  }
  volumes.setVolume(volume('anywhere'));
  volumes.setVolume(volume('on-n2', { on: 'n2' }));
  volumes.setVolume(volume('far', { on: 'elsewhere' }));
  volumes.setVolume(volume('in-b', { zone: 'b' }));
  volumes.setVolume(volume('in-c', { zone: 'c__d' }));
  volumes.setClaim(claim('anywhere', { volume: 'anywhere' }));
  volumes.setClaim(claim('on-n2', { volume: 'on-n2' }));
  volumes.setClaim(claim('far', { volume: 'far' }));
  volumes.setClaim(claim('in-b', { volume: 'in-b' }));
  volumes.setClaim(claim('in-c', { volume: 'in-c' }));
  volumes.setClaim(claim('dangling', { volume: 'vanished' }));
  volumes.setClaim(claim('lost', { volume: 'gone', phase: 'Lost' }));
  volumes.setClaim(claim('ending', { volume: 'anywhere', ending: true }));
  volumes.setClaim(claim('open', { phase: 'Pending' }));
  volumes.setClaim(claim('classless', { storageClass: '', phase: 'Pending' }));
  volumes.setClaim(claim('late', { storageClass: 'late', phase: 'Pending' }));
  volumes.setClaim(claim('made', { storageClass: 'made', phase: 'Pending' }));
  volumes.setClaim(claim('single', { volume: 'anywhere', accessModes: ['ReadWriteOncePod'] }));
  return snapshot;
}

const uses = (...claims: string[]): PodInput => ({ volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })) });
const IN_USE = 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

test.each([
  ['absent', 'persistentvolumeclaim "absent" not found'],
  ['lost', 'persistentvolumeclaim "lost" bound to non-existent persistentvolume "gone"'],
  ['ending', 'persistentvolumeclaim "ending" is being deleted'],
  ['open', 'pod has unbound immediate PersistentVolumeClaims'],
  ['classless', 'pod has unbound immediate PersistentVolumeClaims'],
  ['dangling', 'persistentvolume "vanished" not found'],
])('no node is asked for a claim that is %s', (name, why) => {
  expect(place(world(), pod(uses('anywhere', name)))).toEqual([`0/2 nodes are available: ${why}. not found`]);
});

test('a volume of the pod itself waits for its claim', () => {
  const one = pod({ name: 'p', volumes: [{ name: 'v', ephemeral: {} }] });
  expect(place(world(), one)[0]).toContain('waiting for ephemeral volume controller to create the persistentvolumeclaim "p-v"');
  const snapshot = world();
  const own = claim('p-v', { volume: 'on-n2' });
  snapshot.volumes.setClaim(own);
  expect(place(snapshot, one)[0]).toContain('PVC d/p-v was not created for pod d/p (pod is not owner)');
  snapshot.volumes.setClaim({ ...own, metadata: { ...own.metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: one.metadata.uid, controller: true }] } });
  expect(place(snapshot, one)).toEqual(['n2']);
});

test.each([
  ['a volume of one node', ['on-n2', 'anywhere'], 'n2'],
  ['a volume of one zone', ['in-b'], 'n2'],
  ['a volume of a node that is not there', ['far'], "2 node(s) didn't match PersistentVolume's node affinity"],
  ['a volume of zones that are not there', ['in-c'], '2 node(s) had no available volume zone'],
  ['a claim that waits where nothing is to be had', ['late'], "2 node(s) didn't find available persistent volumes to bind"],
  ['two troubles at once', ['far', 'late'], "2 node(s) didn't find available persistent volumes to bind, 2 node(s) didn't match PersistentVolume's node affinity"],
])('%s', (_, claims, expected) => {
  const [answer] = place(world(), pod(uses(...claims)));
  expect(expected.startsWith('n') ? answer : reasons(answer)).toBe(expected);
});

describe('a claim that waits for its first pod', () => {
  test('gets the smallest volume of the node that will do, and no two claims the same', () => {
    const snapshot = world();
    snapshot.volumes.setVolume(volume('large', { on: 'n1', phase: 'Available', storageClass: 'late', storage: '9Gi' }));
    snapshot.volumes.setVolume(volume('small', { on: 'n1', phase: 'Available', storageClass: 'late', storage: '2Gi' }));
    snapshot.volumes.setVolume(volume('tiny', { phase: 'Available', storageClass: 'late', storage: '1Mi' }));
    snapshot.volumes.setVolume(volume('taken', { phase: 'Bound', storageClass: 'late' }));
    snapshot.volumes.setClaim(claim('later', { storageClass: 'late', phase: 'Pending' }));
    const given = decided(snapshot, pod(uses('late')), pod(uses('later')), pod(uses('late', 'later'))).map((one) => ('node' in one ? [one.node, ...(one.volumes?.matched ?? []).map((match) => match.volume.metadata.name)] : []));
    expect(given.slice(0, 2)).toEqual([['n1', 'small'], ['n1', 'large']]);
    expect(given[2]?.slice().sort()).toEqual(['large', 'n1', 'small']);
    snapshot.volumes.setClaim(claim('last', { storageClass: 'late', phase: 'Pending' }));
    expect(reasons(place(snapshot, pod(uses('last')))[0])).toBe("2 node(s) didn't find available persistent volumes to bind");
  });

  test('is provisioned for the node where its class can', () => {
    const [decision] = decided(world(), pod({ ...uses('made'), nodeSelector: { [HOST]: 'n2' } }));
    expect(decision).toMatchObject({ node: 'n2', volumes: { matched: [], provisioned: [{ metadata: { name: 'made' } }] } });
  });

  test('binds the pod to the node that it is provisioned for already', () => {
    const snapshot = world();
    const made = claim('made', { storageClass: 'made', phase: 'Pending' });
    snapshot.volumes.setClaim({ ...made, metadata: { ...made.metadata, annotations: { 'volume.kubernetes.io/selected-node': 'n2' } } });
    expect(place(snapshot, pod(uses('made')))).toEqual(['n2']);
  });
});

test('a claim for one pod at a time is free again when that pod is gone', () => {
  const snapshot = world();
  snapshot.setPod(pod({ name: 'holder', ...uses('single') }), 'n1');
  expect(reasons(place(snapshot, pod(uses('single')))[0])).toBe(`2 ${IN_USE}`);
  snapshot.removePod('holder');
  expect(place(snapshot, pod(uses('single')))[0]).toMatch(/^n/);
});

const disk = (name: string, readOnly = false): PodInput => ({ volumes: [{ name: 'v', iscsi: { targetPortal: '192.0.2.1', iqn: name, lun: 0, readOnly } }] });

test('a disk that pods name themselves has one writer on a node', () => {
  const snapshot = cluster(node('n1'));
  expect(place(snapshot, pod(disk('a')))).toEqual(['n1']);
  expect(place(snapshot, pod(disk('b')))).toEqual(['n1']);
  expect(reasons(place(snapshot, pod(disk('a', true)))[0])).toBe('1 node(s) had no available disk');
  expect(place(snapshot, pod(disk('c', true)), pod(disk('c', true)))).toEqual(['n1', 'n1']);
});

test('a node takes as many volumes of a driver as it says, counting each once and what is attached', () => {
  const snapshot = cluster(node('n1'));
  const { volumes } = snapshot;
  for (const name of ['a', 'b', 'c']) {
    volumes.setVolume({ ...volume(name), spec: { ...volume(name).spec, csi: { driver: 'csi.example.com', volumeHandle: name } } } as Stored<PersistentVolume>);
    volumes.setClaim(claim(name, { volume: name }));
  }
  volumes.setNodeLimits({ metadata: { ...meta('n1', ''), namespace: '' }, spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n1', topologyKeys: [], allocatable: { count: 2 } }] } });
  expect(place(snapshot, pod(uses('a')), pod(uses('a')), pod({ ...uses('b'), name: 'b' }))).toEqual(['n1', 'n1', 'n1']);
  expect(reasons(place(snapshot, pod(uses('c')))[0])).toBe('1 node(s) exceed max volume count');
  snapshot.removePod('b');
  const attachment = { metadata: meta('va', ''), spec: { attacher: 'csi.example.com', nodeName: 'n1', source: { persistentVolumeName: 'b' } } };
  volumes.setAttachment(attachment);
  expect(reasons(place(snapshot, pod(uses('c')))[0])).toBe('1 node(s) exceed max volume count');
  volumes.removeAttachment(attachment);
  expect(place(snapshot, pod(uses('c')))).toEqual(['n1']);
});

test('a driver that tells how much room it has gets no claims where there is less', () => {
  const snapshot = world();
  snapshot.volumes.setDriver({ metadata: meta('x.y/z', ''), spec: { storageCapacity: true } });
  const capacity = (name: string, on: string, size: string): Parameters<typeof snapshot.volumes.setCapacity>[0] => ({ metadata: meta(name, 'd'), storageClassName: 'made', nodeTopology: { matchLabels: { [HOST]: on } }, capacity: size });
  expect(reasons(place(snapshot, pod(uses('made')))[0])).toBe('2 node(s) did not have enough free storage');
  snapshot.volumes.setCapacity(capacity('one', 'n1', '100Mi'));
  snapshot.volumes.setCapacity(capacity('two', 'n2', '10Gi'));
  expect(place(snapshot, pod(uses('made')))).toEqual(['n2']);
});

test('who uses a claim alone goes for a more important pod', () => {
  const snapshot = world();
  const [low] = decided(snapshot, pod({ ...uses('single'), name: 'low' }));
  const where = low && 'node' in low ? low.node : '';
  const [high] = decided(snapshot, pod({ ...uses('single'), priority: 9, nodeSelector: { [HOST]: where } }));
  expect(high).toMatchObject({ unschedulable: { preemption: { node: where, victims: [{ metadata: { name: 'low' } }] } } });
});
