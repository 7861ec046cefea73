import { persistentvolumeclaims, persistentvolumes, pods, storageclasses } from '../api/resources.ts';
import type { PersistentVolumeClaimSpec, PersistentVolumeSpec } from '../api/types/core.v1.ts';
import { ephemeralVolumeController } from './ephemeral-volume.ts';
import { item, reconciled, shown, type Item } from './fake-view.ts';
import { volumeBinderController } from './persistentvolume-binder.ts';
import type { StoredClaim, StoredVolume } from './volumes/claims.ts';

const BY_US = { 'pv.kubernetes.io/bound-by-controller': 'yes' };
const DONE = { 'pv.kubernetes.io/bind-completed': 'yes' };
interface More { readonly annotations?: Record<string, string>; readonly phase?: string; readonly deleting?: boolean; readonly labels?: Record<string, string> }
const claim = (name: string, spec: Partial<PersistentVolumeClaimSpec> = {}, { annotations, phase = 'Pending' }: More = {}) =>
  item(persistentvolumeclaims, { metadata: { name, ...(annotations && { annotations }) }, spec: { storageClassName: 's', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...spec }, status: { phase } } as unknown as StoredClaim);
const volume = (name: string, spec: Partial<PersistentVolumeSpec> = {}, { annotations, phase = 'Available', deleting, labels }: More = {}) =>
  item(persistentvolumes, {
    metadata: { name, namespace: '', ...(annotations && { annotations }), ...(labels && { labels }), ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
    spec: { storageClassName: 's', accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' }, persistentVolumeReclaimPolicy: 'Retain', hostPath: { path: '/v' }, ...spec }, status: { phase },
  } as unknown as StoredVolume);
const storageClass = (name: string, more: object = {}, annotations = {}) => item(storageclasses, { metadata: { name, namespace: '', annotations }, provisioner: 'example.com/disks', ...more });
const boundTo = (name: string, uid = `uid-${name}`) => ({ claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace: 'a', name, ...(uid && { uid }) } });
const run = (key: string, ...items: Item[]) => reconciled(volumeBinderController(), key, items).actions;
const lines = (key: string, ...items: Item[]) => shown(run(key, ...items));

test.each<[string, Item[], string[]]>([
  ['the smallest volume that fits', [claim('c'), volume('small', { capacity: { storage: '1Gi' } }), volume('fit'), volume('huge', { capacity: { storage: '50Gi' } })], ['update persistentvolumes fit']],
  ['fewer access modes before size', [claim('c'), volume('many', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'], capacity: { storage: '2Gi' } }), volume('one')], ['update persistentvolumes one']],
  ['the one meant for it', [claim('c'), volume('fit', { capacity: { storage: '2Gi' } }), volume('own', boundTo('c', ''))], ['update persistentvolumes own']],
  ['labels', [claim('c', { selector: { matchLabels: { tier: 'gold' } } }), volume('other'), volume('gold', { capacity: { storage: '9Gi' } }, { labels: { tier: 'gold' } })], ['update persistentvolumes gold']],
  ['none of another class, mode or of others, none that goes', [
    claim('c'), storageClass('s'), volume('class', { storageClassName: 't' }), volume('mode', { volumeMode: 'Block' }), volume('taken', boundTo('x')), volume('going', {}, { deleting: true }), volume('pending', {}, { phase: 'Pending' }),
  ], ['update persistentvolumeclaims a/c', "Normal ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'example.com/disks' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."]],
  ['a class that is not there', [claim('c')], ['Warning ProvisioningFailed: storageclass.storage.k8s.io "s" not found']],
  ['a class without a provisioner', [claim('c'), storageClass('s', { provisioner: 'kubernetes.io/no-provisioner' })], ['Warning ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner']],
  ['no class', [claim('c', { storageClassName: '' })], ['Normal FailedBinding: no persistent volumes available for this claim and no storage class is set']],
  ['waiting for a pod', [claim('c'), storageClass('s', { volumeBindingMode: 'WaitForFirstConsumer' }), volume('fit')], ['Normal WaitForFirstConsumer: waiting for first consumer to be created before binding']],
  ['a volume by name that does not do', [claim('c', { volumeName: 'v' }), volume('v', { capacity: { storage: '1Gi' } })], ['Warning VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small']],
  ['a volume by name that others have', [claim('c', { volumeName: 'v' }), volume('v', boundTo('x'))], ['Warning FailedBinding: volume "v" already bound to a different claim.']],
  ['the scheduler chose', [claim('c'), storageClass('s', { volumeBindingMode: 'WaitForFirstConsumer' }), volume('v', boundTo('c'), { annotations: BY_US })], ['update persistentvolumeclaims a/c']],
  ['its volume has gone', [claim('c', { volumeName: 'v' }, { annotations: DONE, phase: 'Bound' })], ['update persistentvolumeclaims/status a/c', 'Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!']],
  ['its volume is held by another', [claim('c', { volumeName: 'v' }, { annotations: DONE, phase: 'Bound' }), volume('v', boundTo('x'))], ['update persistentvolumeclaims/status a/c', 'Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly']],
  ['all is well', [claim('c', { volumeName: 'v' }, { annotations: DONE, phase: 'Lost' })], []],
])('claim: %s', (_, items, expected) => {
  expect(lines('claim a/c', ...items)).toEqual(expected);
});

test('a claim without a class gets the default one', () => {
  const { storageClassName: _, ...spec } = claim('c').object.spec as PersistentVolumeClaimSpec;
  const bare = item(persistentvolumeclaims, { metadata: { name: 'c' }, spec } as unknown as StoredClaim);
  const [action] = run('claim a/c', bare, storageClass('old', {}, { 'storageclass.kubernetes.io/is-default-class': 'true' }), storageClass('other'));
  expect(action).toMatchObject({ do: 'update', object: { spec: { storageClassName: 'old' } } });
});

test.each<[string, Item[], string[]]>([
  ['a new one is available', [volume('v', {}, { phase: 'Pending' })], ['update persistentvolumes/status v Available']],
  ['a reserved one too', [volume('v', boundTo('c', ''), { phase: 'Pending' })], ['update persistentvolumes/status v Available']],
  ['bound with its claim', [volume('v', boundTo('c')), claim('c', { volumeName: 'v' })], ['update persistentvolumes/status v Bound']],
  ['its claim has gone', [volume('v', boundTo('c'), { phase: 'Bound' })], ['update persistentvolumes/status v Released']],
  ['another claim has the name', [volume('v', boundTo('c', 'older'), { phase: 'Bound' }), claim('c')], ['update persistentvolumes/status v Released']],
  ['retained', [volume('v', boundTo('c'), { phase: 'Released' })], []],
  ['a path that nobody deletes', [volume('v', { ...boundTo('c'), persistentVolumeReclaimPolicy: 'Delete' }, { phase: 'Released' })], [
    'update persistentvolumes/status v Failed', 'Warning VolumeFailedDelete: host_path deleter only supports /tmp/.+ but received provided /v',
  ]],
  ['a temporary path', [volume('v', { ...boundTo('c'), persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/tmp/x' } }, { phase: 'Released' })], ['delete persistentvolumes v']],
  ['of a kind that nobody deletes', [volume('v', { ...boundTo('c'), persistentVolumeReclaimPolicy: 'Delete', hostPath: undefined, local: { path: '/v' } } as never, { phase: 'Released' })], [
    'update persistentvolumes/status v Failed', 'Warning VolumeFailedDelete: error getting deleter volume plugin for volume "v": no volume plugin matched',
  ]],
  ['that others made', [volume('v', { ...boundTo('c'), persistentVolumeReclaimPolicy: 'Delete' }, { phase: 'Released', annotations: { 'pv.kubernetes.io/provisioned-by': 'example.com/disks' } })], []],
  ['to be recycled', [volume('v', { ...boundTo('c'), persistentVolumeReclaimPolicy: 'Recycle', hostPath: undefined, local: { path: '/v' } } as never, { phase: 'Released' })], [
    'update persistentvolumes/status v Failed', 'Warning VolumeFailedRecycle: No recycler plugin found for the volume!',
  ]],
  ['its claim got another', [volume('v', boundTo('c'), { annotations: BY_US }), claim('c', { volumeName: 'w' })], ['update persistentvolumes v Available']],
])('volume: %s', (_, items, expected) => {
  const told = run('volume v', ...items).flatMap((action) => (action.do === 'update' ? [`${shown([action])[0]} ${(action.object as StoredVolume).status?.phase}`] : shown([action])));
  expect(told).toEqual(expected);
});

test('nothing is said twice', () => {
  const controller = volumeBinderController();
  const waiting = [claim('c')];
  expect(reconciled(controller, 'claim a/c', waiting).actions).toHaveLength(1);
  expect(reconciled(controller, 'claim a/c', waiting).actions).toEqual([]);
});

test('the claim of an ephemeral volume is made once, and one of the same name is not taken', () => {
  const pod = item(pods, { metadata: { name: 'p' }, spec: { containers: [], volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { metadata: { labels: { x: 'y' } }, spec: { accessModes: ['ReadWriteOnce'] } } } }] } });
  const [made] = reconciled(ephemeralVolumeController(), 'a/p', [pod]).actions;
  expect(made).toMatchObject({ do: 'create', object: { metadata: { name: 'p-v', labels: { x: 'y' }, ownerReferences: [{ uid: 'uid-p', controller: true }] }, spec: { accessModes: ['ReadWriteOnce'] } } });
  const controller = ephemeralVolumeController();
  const others = [pod, claim('p-v')];
  expect(shown(reconciled(controller, 'a/p', others).actions)).toEqual(['Warning FailedBinding: ephemeral volume v: PVC a/p-v was not created for pod a/p (pod is not owner)']);
  expect(reconciled(controller, 'a/p', others).actions).toEqual([]);
});
