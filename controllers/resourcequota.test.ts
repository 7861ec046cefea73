import { deployments, persistentvolumeclaims, pods, resourceclaims, resourcequotas, secrets, services } from '../api/resources.ts';
import type { Pod, ResourceQuota, ResourceQuotaSpec } from '../api/types/core.v1.ts';
import { seededRandom } from '../std/random.ts';
import type { WatchSpec } from './controller.ts';
import { NOW, item, viewOf, type Item } from './fake-view.ts';
import { resourceQuotaController } from './resourcequota.ts';

const quota = (hard: Record<string, string>, used?: Record<string, string>, spec: Partial<ResourceQuotaSpec> = {}) =>
  item(resourcequotas, { metadata: { name: 'q' }, spec: { hard, ...spec }, ...(used && { status: { hard, used } }) });
const pod = (name: string, spec: Partial<Pod['spec']> = {}, phase: NonNullable<Pod['status']>['phase'] = 'Running') =>
  item(pods, { metadata: { name }, spec: { containers: [{ name: 'c', resources: { requests: { cpu: '300m', memory: '64Mi' }, limits: { memory: '256Mi' } } }], ...spec }, status: { phase } });

function open() {
  const controller = resourceQuotaController();
  return (at: number, ...items: Item[]) => controller.reconcile('a/q', viewOf(controller, items), { now: NOW + at, random: seededRandom(1) });
}
function used(...items: Item[]): Record<string, string> | undefined {
  const [action] = open()(0, ...items).actions;
  return action?.do === 'update' ? (action.object as ResourceQuota).status?.used : undefined;
}

test('pods count with their requests and limits, ended ones only as objects', () => {
  const hard = { pods: '9', 'count/pods': '9', 'requests.cpu': '2', cpu: '2', 'limits.memory': '1Gi', 'requests.example.com/gpu': '1' };
  expect(used(quota(hard))).toEqual({ pods: '0', 'count/pods': '0', 'requests.cpu': '0', cpu: '0', 'limits.memory': '0', 'requests.example.com/gpu': '0' });
  expect(used(quota(hard), pod('a'), pod('b'), pod('c', {}, 'Succeeded'))).toEqual({ pods: '2', 'count/pods': '3', 'requests.cpu': '600m', cpu: '600m', 'limits.memory': '512Mi', 'requests.example.com/gpu': '0' });
});

test('init containers count as their largest moment, sidecars and overhead besides', () => {
  const container = (name: string, cpu: string, more: object = {}) => ({ name, resources: { requests: { cpu } }, ...more });
  const spec = { containers: [container('c', '1')], initContainers: [container('s', '500m', { restartPolicy: 'Always' }), container('i', '3')], overhead: { cpu: '100m' } };
  expect(used(quota({ 'requests.cpu': '9' }), pod('a', spec))).toEqual({ 'requests.cpu': '3600m' });
});

test('objects count by their older and newer names, Services and claims by what they take', () => {
  const items = [
    item(secrets, { metadata: { name: 's' } }),
    item(deployments, { metadata: { name: 'd' }, spec: { selector: {}, template: {} } }),
    item(services, { metadata: { name: 'l' }, spec: { type: 'LoadBalancer', ports: [{ port: 1 }, { port: 2 }] } }),
    item(persistentvolumeclaims, { metadata: { name: 'c' }, spec: { storageClassName: 'fast', resources: { requests: { storage: '5Gi' } } } }),
  ];
  const expected = {
    secrets: '1', 'count/secrets': '1', 'count/deployments.apps': '1', services: '1', 'services.loadbalancers': '1', 'services.nodeports': '2',
    persistentvolumeclaims: '1', 'requests.storage': '5Gi', 'fast.storageclass.storage.k8s.io/requests.storage': '5Gi', resourcequotas: '1', configmaps: '0',
  };
  expect(used(quota(Object.fromEntries(Object.keys(expected).map((name) => [name, '9']))), ...items)).toEqual(expected);
  // Nobody counts these.
  expect(used(quota({ 'count/boats.example.com': '1', 'example.com/gpu': '1' }))).toEqual({});
});

test('claims of devices count by class: of alternatives the most expensive, all of them as many as there may be', () => {
  const claim = (name: string, requests: object[]) => item(resourceclaims, { metadata: { name }, spec: { devices: { requests } } } as never);
  const exactly = (deviceClassName: string, more: object) => ({ name: 'r', exactly: { deviceClassName, ...more } });
  const items = [
    claim('a', [exactly('gpu', { allocationMode: 'ExactCount', count: 2 }), exactly('net', { allocationMode: 'All' })]),
    claim('b', [{ name: 'r', firstAvailable: [{ name: 'x', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1 }, { name: 'y', deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 3 }] }]),
  ];
  const of = (name: string) => `${name}.deviceclass.resource.k8s.io/devices`;
  expect(used(quota({ 'count/resourceclaims.resource.k8s.io': '9', [of('gpu')]: '9', [of('net')]: '99', [of('none')]: '1' }), ...items)).toEqual({ 'count/resourceclaims.resource.k8s.io': '2', [of('gpu')]: '5', [of('net')]: '32', [of('none')]: '0' });
});

test.each([
  ['a deadline moves it to another scope', pod('a', { activeDeadlineSeconds: 5 }), true],
  ['its end', pod('a', {}, 'Failed'), true],
  ['what it holds while it is resized', item(pods, { ...pod('a').object, status: { phase: 'Running', containerStatuses: [{ name: 'c', resources: { requests: { cpu: '1' } } }] } } as never), true],
  ['readiness', pod('a', {}, 'Pending'), false],
])('a pod that changes is counted anew: %s', (_, next, expected) => {
  const watch = (resourceQuotaController().watches as unknown as readonly WatchSpec<Pod>[]).find(({ resource }) => resource.resource === 'pods');
  expect(watch?.matters?.(pod('a').object as never, next.object as never)).toBe(expected);
});

const SCOPES: [string, Partial<ResourceQuotaSpec>, Item, string][] = [
  ['BestEffort', { scopes: ['BestEffort'] }, pod('a', { containers: [{ name: 'c' }] }), '1'],
  ['BestEffort', { scopes: ['BestEffort'] }, pod('a'), '0'],
  ['Terminating', { scopes: ['Terminating'] }, pod('a', { activeDeadlineSeconds: 5 }), '1'],
  ['NotTerminating', { scopes: ['NotTerminating', 'NotBestEffort'] }, pod('a'), '1'],
  ['PriorityClass', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }, pod('a', { priorityClassName: 'high' }), '1'],
  ['PriorityClass', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } }, pod('a', { priorityClassName: 'low' }), '0'],
];
test.each(SCOPES)('scope %s', (_, spec, subject, expected) => {
  expect(used(quota({ pods: '5' }, undefined, spec), subject)).toEqual({ pods: expected });
});

test('a lower count is believed only when it lasts; a higher one at once', () => {
  const run = open();
  const counted = quota({ pods: '5' }, { pods: '2' });
  expect(run(0, counted, pod('a'))).toEqual({ actions: [], requeueAfterMs: 500 });
  // The second pod has arrived after all.
  expect(run(300, counted, pod('a'), pod('b')).actions).toEqual([]);
  expect(run(400, counted, pod('a'))).toEqual({ actions: [], requeueAfterMs: 500 });
  expect(run(900, counted, pod('a')).actions).toHaveLength(1);
  expect(run(0, quota({ pods: '5' }, { pods: '0' }), pod('a')).actions).toHaveLength(1);
});

test('custom objects count where somebody knows how many there are', () => {
  const hard = { 'count/boats.example.com': '2', 'count/cars.example.com': '2' };
  const controller = resourceQuotaController({ countCustom: (resource, namespace) => (resource === 'boats.example.com' && namespace === 'a' ? 3 : undefined) });
  const [action] = controller.reconcile('a/q', viewOf(controller, [quota(hard)]), { now: NOW, random: seededRandom(1) }).actions;
  expect(action?.do === 'update' && (action.object as ResourceQuota).status?.used).toEqual({ 'count/boats.example.com': '3' });
});

test('claims are counted anew when what they are modified to or have been given changes', () => {
  const [spec] = resourceQuotaController().watches.filter(({ resource }) => resource === persistentvolumeclaims) as unknown as { matters: (a: unknown, b: unknown) => boolean }[];
  const claim = (status: object) => ({ metadata: {}, spec: {}, status });
  expect(spec?.matters(claim({}), claim({ allocatedResources: { storage: '2Gi' } }))).toBe(true);
  expect(spec?.matters(claim({}), claim({ modifyVolumeStatus: { targetVolumeAttributesClassName: 'gold' } }))).toBe(true);
  expect(spec?.matters(claim({}), claim({ phase: 'Bound' }))).toBe(false);
  const gold = { scopeSelector: { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['gold'] }] } } as const;
  const modified = item(persistentvolumeclaims, { metadata: { name: 'c' }, spec: {}, status: { modifyVolumeStatus: { targetVolumeAttributesClassName: 'gold', status: 'Pending' } } } as never);
  expect(used(quota({ persistentvolumeclaims: '9' }, undefined, gold as never), modified)).toEqual({ persistentvolumeclaims: '1' });
});
