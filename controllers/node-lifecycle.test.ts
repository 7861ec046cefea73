import { leases, nodes, pods } from '../api/resources.ts';
import type { Node, Taint } from '../api/types/core.v1.ts';
import { seededRandom } from '../std/random.ts';
import { NOW, item, shown, viewOf, type Item } from './fake-view.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import type { Action } from './controller.ts';

const MINUTE = 60_000;
const condition = (type: string, status: string) => ({ type, status, lastHeartbeatTime: '2026-01-01T00:00:00Z', lastTransitionTime: '2026-01-01T00:00:00Z' });
const node = (name: string, ready: string | undefined, more: { taints?: Taint[]; unschedulable?: boolean; conditions?: [string, string][]; labels?: Record<string, string>; zone?: string } = {}) =>
  item(nodes, {
    metadata: { name, creationTimestamp: new Date(NOW).toISOString(), labels: { ...more.labels, ...(more.zone && { 'topology.kubernetes.io/zone': more.zone }) } },
    spec: { ...(more.taints && { taints: more.taints }), ...(more.unschedulable && { unschedulable: true }) },
    status: { conditions: [...(ready ? [condition('Ready', ready)] : []), ...(more.conditions ?? []).map(([type, status]) => condition(type, status))] },
  });
const lease = (name: string, renewTime: string) => item(leases, { metadata: { name, namespace: 'kube-node-lease' }, spec: { renewTime } });
const pod = (name: string, nodeName: string) => item(pods, { metadata: { name }, spec: { nodeName, containers: [] }, status: { conditions: [condition('Ready', 'True')] } });

/** One controller over time: what it does with each picture. */
function open() {
  const controller = nodeLifecycleController();
  return (at: number, key: string, ...items: Item[]) => controller.reconcile(key, viewOf(controller, items), { now: NOW + at, random: seededRandom(1) });
}
const taints = (actions: readonly Action[]): string[] | undefined => {
  const found = actions.find((action) => action.do === 'patch' && action.resource === nodes);
  const spec = found?.do === 'patch' ? (found.patch.body as { spec?: { taints: Taint[] | null } }).spec : undefined;
  return spec && (spec.taints ?? []).map(({ key, effect }) => `${key.replace('node.kubernetes.io/', '')} ${effect}`);
};
const statuses = (actions: readonly Action[]) => {
  const found = actions.find((action) => action.do === 'update');
  return found?.do === 'update' ? (found.object as Node).status?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`) : undefined;
};

test('a node that renews its lease stays well; one that stops is Unknown after the grace period, and its pods not ready', () => {
  const run = open();
  expect(run(0, 'n', node('n', 'True'), lease('n', '1')).requeueAfterMs).toBe(50_001);
  expect(statuses(run(40_000, 'n', node('n', 'True'), lease('n', '2')).actions)).toBeUndefined();
  expect(statuses(run(80_000, 'n', node('n', 'True'), lease('n', '2')).actions)).toBeUndefined();
  const { actions } = run(90_001, 'n', node('n', 'True', { conditions: [['MemoryPressure', 'False'], ['NetworkUnavailable', 'False']] }), lease('n', '2'), pod('p', 'n'), pod('q', 'other'));
  expect(statuses(actions)).toEqual(['Ready Unknown NodeStatusUnknown', 'MemoryPressure Unknown NodeStatusUnknown', 'NetworkUnavailable False undefined', 'DiskPressure Unknown NodeStatusNeverUpdated', 'PIDPressure Unknown NodeStatusNeverUpdated']);
  expect(shown(actions)).toEqual([
    'Normal NodeNotReady: Node n status is now: NodeNotReady',
    'update nodes/status n',
  ]);
  // Its taints come before its pods: a DaemonSet counts what it sees first.
  const next = shown(run(90_002, 'n', node('n', 'Unknown', { conditions: ['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => [type, 'Unknown']) }), node('well', 'True'), lease('n', '2'), pod('p', 'n'), pod('q', 'other')).actions);
  expect(next[0]).toMatch(/^patch nodes n .*unreachable/);
  expect(next.slice(1)).toEqual([
    'patch pods/status a/p {"metadata":{"uid":"uid-p"},"status":{"conditions":[{"type":"Ready","status":"False","lastTransitionTime":"2026-01-01T12:01:30Z"}]}}',
    'Warning NodeNotReady: Node is not ready',
  ]);
});

test('a node that says itself that it is not ready answers for its pods', () => {
  const run = open();
  run(0, 'n', node('n', 'True'), lease('n', '1'));
  expect(shown(run(1000, 'n', node('n', 'False'), lease('n', '2'), pod('p', 'n')).actions).filter((line) => /NodeNotReady|patch pods/.test(line))).toEqual([]);
});

test('a node that never said anything gets a minute from its creation', () => {
  const run = open();
  expect(statuses(run(50_000, 'n', node('n', undefined)).actions)).toBeUndefined();
  expect(statuses(run(60_001, 'n', node('n', undefined)).actions)?.[0]).toBe('Ready Unknown NodeStatusNeverUpdated');
});

const well = node('well', 'True');
const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' as const };
const UNREACHABLE = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' as const };
const user = { key: 'mine', effect: 'NoSchedule' as const };
const TAINTS: [string, ReturnType<typeof node>, Item[], string[] | undefined][] = [
  ['a fresh node loses its first taint when it is ready', node('n', 'True', { taints: [{ key: NOT_READY.key, effect: 'NoSchedule' }, user] }), [], ['mine NoSchedule']],
  ['one that is not ready is tainted twice', node('n', 'False'), [well], ['not-ready NoSchedule', 'not-ready NoExecute']],
  ['a silent one is unreachable, at once where it was not ready before', node('n', 'Unknown', { taints: [NOT_READY] }), [well], ['unreachable NoSchedule', 'unreachable NoExecute']],
  ['pressure and cordon keep pods away', node('n', 'True', { conditions: [['DiskPressure', 'True'], ['PIDPressure', 'False']], unschedulable: true }), [], ['disk-pressure NoSchedule', 'unschedulable NoSchedule']],
  ['with no node ready anywhere nothing is driven off', node('n', 'Unknown', { taints: [UNREACHABLE] }), [], ['unreachable NoSchedule']],
  ['what is right stays', node('n', 'True', { taints: [user] }), [], undefined],
];
test.each(TAINTS)('taints: %s', (_, subject, others, expected) => {
  expect(taints(open()(0, 'n', subject, lease('n', '1'), ...others).actions)).toEqual(expected);
});

test('of several nodes in a zone one is emptied every ten seconds; other zones do not wait', () => {
  const run = open();
  const all = [well, node('a', 'Unknown'), node('b', 'Unknown'), node('c', 'Unknown', { zone: 'z' }), node('d', 'True', { zone: 'z' })];
  expect(taints(run(0, 'a', ...all).actions)).toContain('unreachable NoExecute');
  const later = run(1000, 'b', ...all);
  expect(taints(later.actions)).toEqual(['unreachable NoSchedule']);
  expect(later.requeueAfterMs).toBe(5000);
  expect(taints(run(1000, 'c', ...all).actions)).toContain('unreachable NoExecute');
  expect(taints(run(10_000, 'b', ...all).actions)).toContain('unreachable NoExecute');
});

test('while most of a zone is down, none of it is emptied', () => {
  const down = ['a', 'b', 'c', 'd'].map((name) => node(name, 'Unknown'));
  expect(taints(open()(0, 'a', well, ...down).actions)).toEqual(['unreachable NoSchedule']);
});

test('nodes are announced when they come and go, and get the older label names', () => {
  const run = open();
  expect(shown(run(0, 'n', node('n', 'True', { labels: { 'kubernetes.io/os': 'linux' } })).actions)).toEqual([
    'Normal RegisteredNode: Node n event: Registered Node n in Controller',
    expect.stringContaining('"labels":{"beta.kubernetes.io/os":"linux"}'),
  ]);
  expect(run(MINUTE, 'n')).toEqual({ actions: [], requeueAfterMs: 5000 });
  const { actions } = run(MINUTE + 5000, 'n');
  expect(shown(actions)).toEqual(['Normal RemovingNode: Node n event: Removing Node n from Controller']);
  expect(actions).toMatchObject([{ about: { name: 'n', uid: 'uid-n' } }]);
  expect(run(MINUTE + 6000, 'n')).toEqual({ actions: [] });
});

test('a node that is made anew before anybody looked has never been away', () => {
  const run = open();
  run(0, 'n', node('n', 'True'));
  run(1000, 'n');
  const anew = item(nodes, { ...node('n', 'True').object, metadata: { ...node('n', 'True').object.metadata, uid: 'another' } } as never);
  expect(shown(run(2000, 'n', anew).actions)).toEqual([]);
  expect(run(9000, 'n', anew).actions).toEqual([]);
});

test('the first taint of a node stays until its Lease is there, or for a second', () => {
  const fresh = node('n', 'True', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
  expect(taints(open()(10, 'n', fresh).actions)).toBeUndefined();
  expect(open()(10, 'n', fresh).requeueAfterMs).toBe(990);
  expect(taints(open()(10, 'n', fresh, lease('n', '1')).actions)).toEqual([]);
  expect(taints(open()(1000, 'n', fresh).actions)).toEqual([]);
});
