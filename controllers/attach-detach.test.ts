import { csidrivers, nodes, persistentvolumeclaims, persistentvolumes, pods, volumeattachments } from '../api/resources.ts';
import type { NodeStatus } from '../api/types/core.v1.ts';
import type { VolumeAttachmentStatus } from '../api/types/storage.v1.ts';
import { seededRandom } from '../std/random.ts';
import { attachDetachController } from './attach-detach.ts';
import { NOW, item, shown, viewOf, type Item } from './fake-view.ts';

const NAMES = { m1: 'csi-01139674c82af74461e34ad95657474db7f5efa8d34c0e966404a4854604e5e2', m2: 'csi-71abf09f3807a5f17f5d5a6fca7e1d9174d595e9fdbb9c625efc48a23c4097ed' } as const;
const UNIQUE = 'kubernetes.io/csi/a.ad.io^ha';
const LISTED: NodeStatus = { volumesAttached: [{ name: UNIQUE, devicePath: '' }] };

const volume = (modes: string[] = ['ReadWriteOnce']) => item(persistentvolumes, { metadata: { name: 'pva' }, spec: { accessModes: modes, csi: { driver: 'a.ad.io', volumeHandle: 'ha' }, claimRef: { namespace: 'a', name: 'c', uid: 'uid-c' } } } as never);
const claim = item(persistentvolumeclaims, { metadata: { name: 'c' }, spec: { volumeName: 'pva' }, status: { phase: 'Bound' } } as never);
const node = (name: string, status: NodeStatus = {}, more: object = {}) =>
  item(nodes, { metadata: { name, annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } }, status: { conditions: [{ type: 'Ready', status: 'True' }], ...status }, ...more } as never);
const user = (name: string, nodeName: string, phase = 'Pending', namespace = 'a') => item(pods, { metadata: { name, namespace }, spec: { nodeName, containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }, status: { phase } } as never);
const attachment = (on: keyof typeof NAMES, status: Partial<VolumeAttachmentStatus> = {}, more: object = {}) =>
  item(volumeattachments, { metadata: { name: NAMES[on], creationTimestamp: new Date(NOW).toISOString(), ...more }, spec: { attacher: 'a.ad.io', nodeName: on, source: { persistentVolumeName: 'pva' } }, status: { attached: false, ...status } });
const BASE = [volume(), claim, node('m1'), node('m2')];

function started() {
  const controller = attachDetachController();
  return (items: readonly Item[], { key = 'pva', after = 0 } = {}): string[] => {
    const { actions } = controller.reconcile(key, viewOf(controller, items), { now: NOW + after, random: seededRandom(1) });
    return shown(actions);
  };
}

const MADE = `create volumeattachments ${NAMES.m1}`;

test.each<[string, readonly Item[], string[]]>([
  ['is asked for where a pod needs it', [...BASE, user('p', 'm1')], [MADE]],
  ['of a driver that wants none is not', [...BASE, user('p', 'm1'), item(csidrivers, { metadata: { name: 'a.ad.io' }, spec: { attachRequired: false } })], []],
  ['is not for a pod that has ended', [...BASE, user('p', 'm1', 'Failed')], []],
  ['is not on a node that looks after itself', [volume(), claim, item(nodes, { metadata: { name: 'm1' }, spec: {} } as never), user('p', 'm1')], []],
  ['goes to one of two nodes', [...BASE, user('p', 'm1'), user('q', 'm2')], [MADE, 'Warning FailedAttachVolume: Multi-Attach error for volume "pva" Volume is already used by pod(s) p']],
  ['that several may have goes to both', [volume(['ReadWriteMany']), claim, node('m1'), node('m2'), user('p', 'm1'), user('q', 'm2')], [MADE, `create volumeattachments ${NAMES.m2}`]],
  ['that a node without such pods has does not move', [...BASE, attachment('m2'), user('p', 'm1')], ['Warning FailedAttachVolume: Multi-Attach error for volume "pva" Volume is already exclusively attached to one node and can\'t be attached to another']],
  ['that cannot be attached is told of', [...BASE, attachment('m1', { attachError: { message: 'no room' } }), user('p', 'm1')], ['Warning FailedAttachVolume: AttachVolume.Attach failed for volume "pva" : no room']],
  ['that somebody else attached stays', [...BASE, attachment('m1', { attached: true })], []],
  ['that the node still lists stays', [volume(), claim, node('m1', LISTED), attachment('m1', { attached: true })], []],
])('a volume %s', (_, items, expected) => {
  expect(started()(items)).toEqual(expected);
});

test('a volume comes, is told of once, and goes when the node has let it go', () => {
  const run = started();
  const pod = user('p', 'm1');
  run([...BASE, pod]);
  const there = attachment('m1', { attached: true });
  expect(run([...BASE, pod, there])).toEqual(['Normal SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "pva" ']);
  expect(run([volume(), claim, node('m1', LISTED), pod, there])).toEqual([]);
  const mounted = node('m1', { ...LISTED, volumesInUse: [UNIQUE] });
  expect(run([volume(), claim, mounted, there])).toEqual([]);
  expect(run([volume(), claim, node('m1', LISTED), there])).toEqual([]);
  expect(run([volume(), claim, node('m1'), there])).toEqual([`delete volumeattachments ${NAMES.m1}`]);
});

test('a node that does not answer keeps a volume for six minutes, one that is out of service not at all', () => {
  const silent = (more: object = {}) => node('m1', { ...LISTED, volumesInUse: [UNIQUE], conditions: [{ type: 'Ready', status: 'Unknown' } as never] }, more);
  const run = started();
  const there = attachment('m1', { attached: true });
  expect(run([volume(), claim, silent(), there])).toEqual([]);
  expect(run([volume(), claim, silent(), there], { after: 359_000 })).toEqual([]);
  expect(run([volume(), claim, silent(), there], { after: 361_000 })).toEqual([`delete volumeattachments ${NAMES.m1}`]);
  expect(started()([volume(), claim, silent({ spec: { taints: [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] } }), there])).toEqual([`delete volumeattachments ${NAMES.m1}`]);
});

test('that others have a volume is said once', () => {
  const run = started();
  const contested = [...BASE, user('q', 'm2'), attachment('m1', { attached: true })];
  expect(run([...contested, user('p', 'm1')])).toEqual(['Warning FailedAttachVolume: Multi-Attach error for volume "pva" Volume is already used by pod(s) p']);
  expect(run(contested).filter((line) => line.startsWith('Warning'))).toEqual([]);
});

test('who waits too long for a driver hears of it', () => {
  expect(started()([...BASE, attachment('m1'), user('p', 'm1')], { after: 121_000 })).toEqual(['Warning FailedAttachVolume: AttachVolume.Attach failed for volume "pva" : timed out waiting for external-attacher of a.ad.io CSI driver to attach volume ha']);
});

const listing = (list: string): string => `patch nodes/status m1 {"metadata":{"uid":"uid-m1"},"status":{"volumesAttached":${list}}}`;
test.each<[string, readonly Item[], string[]]>([
  ['what is attached and needed', [...BASE, user('p', 'm1'), attachment('m1', { attached: true })], [listing(`[{"name":"${UNIQUE}","devicePath":""}]`)]],
  ['nothing that is only on its way', [...BASE, user('p', 'm1'), attachment('m1')], []],
  ['what is still mounted', [volume(), claim, node('m1', { ...LISTED, volumesInUse: [UNIQUE] }), attachment('m1', { attached: true })], []],
  ['nothing that nobody needs any more', [volume(), claim, node('m1', LISTED), attachment('m1', { attached: true })], [listing('null')]],
])("a node's status lists %s", (_, items, expected) => {
  expect(started()(items, { key: 'node m1' })).toEqual(expected);
});
