import { pods, resourceclaims, resourceslices } from '../api/resources.ts';
import type { DeviceTaint, DeviceToleration } from '../api/types/resource.v1.ts';
import { seededRandom } from '../std/random.ts';
import { deviceTaintEvictionController } from './device-taint-eviction.ts';
import { NOW, item, shown, viewOf, type Item } from './fake-view.ts';

const TAINT: DeviceTaint = { key: 'broken', effect: 'NoExecute' };
const pod = item(pods, { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [], resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }] }, status: { phase: 'Running' } } as never);
const claim = (tolerations: DeviceToleration[] = []) => item(resourceclaims, { metadata: { name: 'c' }, spec: {}, status: { reservedFor: [{ resource: 'pods', name: 'p', uid: 'uid-p' }], allocation: { devices: { results: [{ request: 'r', driver: 'd', pool: 'n', device: 'gpu-0', tolerations }] } } } } as never);
const slice = (taints: DeviceTaint[], generation = 1) => item(resourceslices, { metadata: { name: `s${generation}`, namespace: '' }, spec: { driver: 'd', pool: { name: 'n', generation, resourceSliceCount: 1 }, devices: [{ name: 'gpu-0', taints }] } } as never);

function open() {
  const controller = deviceTaintEvictionController();
  return (at: number, ...items: Item[]) => {
    const { actions, requeueAfterMs } = controller.reconcile('a/p', viewOf(controller, items), { now: NOW + at, random: seededRandom(1) });
    return [...shown(actions).filter((line) => !line.startsWith('patch')), ...(requeueAfterMs === undefined ? [] : [`wait ${requeueAfterMs}`])];
  };
}
const GONE = ['Normal DeviceTaintManagerEviction: Marking for deletion', 'delete pods a/p'];

test.each<[string, Item[], string[]]>([
  ['a tainted device', [pod, claim(), slice([TAINT])], GONE],
  ['one that is only kept from new pods', [pod, claim(), slice([{ key: 'broken', effect: 'NoSchedule' }])], []],
  ['tolerated for ever', [pod, claim([{ operator: 'Exists', effect: 'NoExecute' }]), slice([TAINT])], []],
  ['tolerated whatever the effect', [pod, claim([{ operator: 'Exists' }]), slice([TAINT])], GONE],
  ['tolerated for a time and for ever', [pod, claim([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }, { key: 'broken', operator: 'Exists', effect: 'NoExecute' }]), slice([TAINT])], []],
  ['tolerated for a time', [pod, claim([{ key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]), slice([TAINT])], ['wait 60000']],
  ['another is tolerated', [pod, claim([{ key: 'hot', operator: 'Exists', effect: 'NoExecute' }]), slice([TAINT])], GONE],
  ['whole again in a newer slice', [pod, claim(), slice([TAINT], 1), slice([], 2)], []],
])('%s', (_, items, expected) => {
  expect(open()(0, ...items)).toEqual(expected);
});

test('time runs from the first sight of the taint, and stops when it goes', () => {
  const run = open();
  const tolerating = claim([{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }]);
  expect(run(0, pod, tolerating, slice([TAINT]))).toEqual(['wait 60000']);
  expect(run(20_000, pod, tolerating, slice([TAINT]))).toEqual(['wait 40000']);
  expect(run(30_000, pod, tolerating, slice([]))).toEqual(['Normal DeviceTaintManagerEviction: Cancelling deletion']);
  expect(run(40_000, pod, tolerating, slice([TAINT]))).toEqual(['wait 60000']);
});

test('a pod is looked at when it comes to its node', () => {
  const { watches } = deviceTaintEvictionController();
  const [ofPods] = watches.filter(({ resource }) => resource === pods) as unknown as { matters: (a: unknown, b: unknown) => boolean }[];
  const waiting = { ...pod.object, spec: { ...pod.object.spec, nodeName: undefined } };
  expect([ofPods?.matters(waiting, pod.object), ofPods?.matters(pod.object, pod.object)]).toEqual([true, false]);
});
