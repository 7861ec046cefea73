import { deployments, poddisruptionbudgets, pods, replicasets } from '../api/resources.ts';
import type { PodDisruptionBudget } from '../api/types/policy.v1.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import type { Action } from './controller.ts';
import { budgetController, staleDisruptionController } from './disruption.ts';
import { CustomScales, type CustomScale } from './disruption/custom-scales.ts';
import { NOW, item, reconciled, shown, viewOf, type Item } from './fake-view.ts';
import { SharedInformers } from './informers.ts';

const budget = (spec: Partial<NonNullable<PodDisruptionBudget['spec']>>, status?: PodDisruptionBudget['status']) =>
  item(poddisruptionbudgets, { metadata: { name: 'b', generation: 1 }, spec: { selector: { matchLabels: { app: 'x' } }, ...spec }, ...(status && { status }) });
const owned = (kind: string, name: string) => ({ ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: `uid-${name}`, controller: true }] });
const web = [
  item(deployments, { metadata: { name: 'web' }, spec: { replicas: 7, selector: {}, template: {} } }),
  item(replicasets, { metadata: { name: 'rs', ...owned('Deployment', 'web') }, spec: { replicas: 3, selector: {} } }),
];
interface PodSpec {
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly owner?: object;
}
const pod = (name: string, { ready = true, deleting, owner = owned('ReplicaSet', 'rs') }: PodSpec = {}) =>
  item(pods, { metadata: { name, labels: { app: 'x' }, ...owner, ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }) }, spec: { containers: [] }, status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } });
const asking = (scales: Record<string, CustomScale> | undefined, ...items: Item[]) => reconciled(budgetController(() => scales && new Map(Object.entries(scales))), 'a/b', items);
const run = (...items: Item[]) => asking({}, ...items);
const statusOf = (actions: readonly Action[]) => {
  const found = actions.find((action) => action.do === 'update');
  return found?.do === 'update' ? (found.object as PodDisruptionBudget).status : undefined;
};
const six = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6'].map((name) => pod(name));

const ROWS: [string, Partial<NonNullable<PodDisruptionBudget['spec']>>, Item[], [expected: number, desired: number, healthy: number, allowed: number]][] = [
  ['a number is of the pods there are', { minAvailable: 4 }, six, [6, 4, 6, 2]],
  ['a share is of the controller’s size, rounded up', { minAvailable: '30%' }, [...web, ...six], [7, 3, 6, 3]],
  ['so is what may be missing', { maxUnavailable: '30%' }, [...web, ...six], [7, 4, 6, 2]],
  ['pods that are not ready or ending are not healthy', { minAvailable: 1 }, [pod('a', { ready: false }), pod('b', { deleting: true }), pod('c')], [3, 1, 1, 0]],
  ['pods without a controller count for nothing there', { maxUnavailable: 1 }, [pod('a', { owner: {} })], [0, 0, 1, 0]],
];
test.each(ROWS)('a budget: %s', (_, spec, items, [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed]) => {
  const reason = disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods';
  expect(statusOf(run(budget(spec), ...items).actions)).toMatchObject({ expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed, observedGeneration: 1, conditions: [{ type: 'DisruptionAllowed', status: disruptionsAllowed > 0 ? 'True' : 'False', reason }] });
});

test('an eviction that was let through counts for two minutes, or until the pod is going', () => {
  const disruptedPods = { p1: new Date(NOW - 60_000).toISOString(), p2: new Date(NOW - 130_000).toISOString(), gone: new Date(NOW).toISOString() };
  const { actions, requeueAfterMs } = run(budget({ minAvailable: 3 }, { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, disruptedPods }), ...six);
  expect(statusOf(actions)).toMatchObject({ currentHealthy: 5, disruptionsAllowed: 2, disruptedPods: { p1: disruptedPods.p1 } });
  expect(Object.keys(statusOf(actions)?.disruptedPods ?? {})).toEqual(['p1']);
  expect(requeueAfterMs).toBe(60_001);
});

test('what cannot be computed allows nothing, and says why', () => {
  const stray = run(budget({ maxUnavailable: 1 }), pod('a', { owner: owned('Boat', 'b') })).actions;
  expect(shown(stray)[0]).toBe('Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: found no controllers for pod "a"');
  const ofDaemon = run(budget({ maxUnavailable: 1 }), pod('a', { owner: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'd', uid: 'uid-d', controller: true }] } })).actions;
  expect(shown(ofDaemon)[0]).toBe('Warning CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: daemonsets.apps does not implement the scale subresource');
  expect(statusOf(stray)).toMatchObject({ disruptionsAllowed: 0, conditions: [{ reason: 'SyncFailed' }] });
  expect(shown(run(budget({ maxUnavailable: 1 }), pod('a', { owner: {} })).actions)[0]).toContain('(selector: &LabelSelector{MatchLabels:map[string]string{app: x,},MatchExpressions:[]LabelSelectorRequirement{},})');
  expect(shown(run(budget({ minAvailable: 1 })).actions)[0]).toBe('Normal NoPods: No matching pods found');
});

test('custom resources that own pods are asked for their size', () => {
  const boats = ['a', 'b', 'c'].map((name) => pod(name, { owner: { ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Boat', name: 'one', uid: 'one', controller: true }] } }));
  expect(asking(undefined, budget({ minAvailable: '50%' }), ...boats).actions).toEqual([]);
  expect(statusOf(asking({ one: 4 }, budget({ minAvailable: '50%' }), ...boats).actions)).toMatchObject({ expectedPods: 4, desiredHealthy: 2, currentHealthy: 3, disruptionsAllowed: 1 });
  expect(shown(asking({ one: 'absent' }, budget({ minAvailable: '50%' }), ...boats).actions)[0]).toContain('found no controllers for pod "a"');
  const failed = asking({ one: { failed: 'boats.example.com does not implement the scale subresource' } }, budget({ maxUnavailable: 1 }), ...boats).actions;
  expect(statusOf(failed)).toMatchObject({ conditions: [{ reason: 'SyncFailed', message: 'boats.example.com does not implement the scale subresource' }] });
  expect(statusOf(failed)?.conditions?.[0]).not.toHaveProperty('observedGeneration');
  expect(statusOf(asking(undefined, budget({ minAvailable: 1 }), ...boats).actions)).toMatchObject({ expectedPods: 3 });
});

test('the answer for a key is taken once, and asking ends in another look', async () => {
  const clock = new VirtualClock();
  const door = new FakeDoor({ now: () => clock.now() });
  const client = openClient(door, { userAgent: 'test' });
  const informers = new SharedInformers(client, { clock, random: seededRandom(1) });
  const scales = new CustomScales({ client, informer: informers.of.bind(informers) });
  const added: string[] = [];
  scales.follow((key) => added.push(key));
  const owner = { apiVersion: 'example.com/v1', kind: 'Boat', name: 'one', uid: 'one' };
  expect(scales.take('a/b', 'a', [owner])).toBeUndefined();
  expect(scales.take('a/b', 'a', [owner])).toBeUndefined();
  await clock.advance(1000);
  expect(added).toEqual(['a/b']);
  expect(scales.take('a/b', 'a', [owner])).toEqual(new Map([['one', { failed: 'no matches for kind "Boat" in version "example.com/v1"' }]]));
  expect(scales.take('a/b', 'a', [owner])).toBeUndefined();
  informers.stop();
});

test('the mark of a pod that was spared is taken off after two minutes', () => {
  const marked = item(pods, { metadata: { name: 'p' }, spec: { containers: [] }, status: { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', lastTransitionTime: new Date(NOW - 119_000).toISOString() }] } });
  expect(reconciled(staleDisruptionController, 'a/p', [marked])).toEqual({ actions: [], requeueAfterMs: 1000 });
  expect(shown(reconciled(staleDisruptionController, 'a/p', [marked], NOW + 1000).actions)).toEqual([expect.stringContaining('"type":"DisruptionTarget","status":"False"')]);
});

test('of a pod with two budgets the first says so, each time that the pod changes', () => {
  const other = item(poddisruptionbudgets, { metadata: { name: 'c', generation: 1 }, spec: { minAvailable: 0, selector: {} } });
  const controller = budgetController(() => new Map());
  const said = (key: string, one: Item) => shown(reconciled(controller, key, [budget({ minAvailable: 0 }), other, one]).actions).filter((line) => line.startsWith('Warning'));
  const [first, changed] = [pod('p'), pod('p')];
  const text = 'Warning MultiplePodDisruptionBudgets: Pod "a"/"p" matches multiple PodDisruptionBudgets.  Chose "b" arbitrarily.';
  expect([said('a/b', first), said('a/c', first), said('a/b', first), said('a/b', changed), said('a/c', changed), said('a/b', changed)]).toEqual([[], [], [], [text], [], []]);
});

test('a workload of another size concerns the budgets over its own pods only', () => {
  const controller = budgetController(() => undefined);
  const over = budget({ minAvailable: 1 });
  const view = viewOf(controller, [over]);
  const sized = (app: string): unknown => item(deployments, { metadata: { name: app }, spec: { replicas: 2, selector: {}, template: { metadata: { labels: { app } } } } }).object;
  const keys = (app: string): readonly string[] => [...(controller.watches.find(({ resource }) => resource === deployments)?.keys(sized(app) as never, view) ?? [])];
  expect([keys('x'), keys('y')]).toEqual([['a/b'], []]);
});
