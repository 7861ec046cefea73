import { pods, replicasets } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { ReplicaSet } from '../api/types/apps.v1.ts';
import { seededRandom } from '../std/random.ts';
import type { Action } from './controller.ts';
import { deletionOrder } from './deletion-order.ts';
import { NOW, item, reconciled, shown, viewOf, type Item } from './fake-view.ts';
import { replicaSetController } from './replicaset.ts';

const controlled = [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true }];
const set = (spec: Partial<ReplicaSet['spec']> = {}, status: Partial<ReplicaSet['status']> = {}, metadata: object = {}) =>
  item(replicasets, {
    metadata: { name: 'web', generation: 1, ...metadata },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web', tier: 'x' } }, spec: { containers: [] } }, ...spec },
    status: { replicas: 0, ...status },
  });
interface PodSpec {
  readonly ready?: boolean | number;
  readonly node?: string;
  readonly phase?: NonNullable<Pod['status']>['phase'];
  readonly orphan?: boolean;
  readonly app?: string;
  readonly deleting?: boolean;
  readonly cost?: string;
  readonly restarts?: number;
  readonly created?: string;
}
const pod = (name: string, { ready = 3600, node = 'n', phase = 'Running', orphan, app = 'web', deleting, cost, restarts = 0, created }: PodSpec = {}) =>
  item(pods, {
    metadata: {
      name,
      labels: { app },
      ...(!orphan && { ownerReferences: controlled }),
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ...(cost && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
      ...(created && { creationTimestamp: created }),
    },
    spec: { containers: [], ...(node && { nodeName: node }) },
    status: {
      phase,
      conditions: ready === false ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: new Date(NOW - Number(ready) * 1000).toISOString() }],
      containerStatuses: [{ name: 'c', image: '', imageID: '', ready: true, restartCount: restarts }],
    },
  });
const run = (...items: Item[]) => reconciled(replicaSetController, 'a/web', items);
const statusOf = (actions: readonly Action[]) => {
  const found = actions.find((action) => action.do === 'update');
  return found?.do === 'update' ? (found.object as ReplicaSet).status : undefined;
};
const steady = { replicas: 3, fullyLabeledReplicas: 0, readyReplicas: 3, availableReplicas: 3, terminatingReplicas: 0, observedGeneration: 1 };

test('missing pods are made from the template, each with its event', () => {
  const { actions } = run(set(), pod('a'));
  const lines = shown(actions).map((line) => line.replaceAll(/web-[a-z0-9]{5}\b/g, 'web-*'));
  expect(lines).toEqual(['| create pods a/web-*', '| Normal SuccessfulCreate: Created pod: web-*', '| create pods a/web-*', '| Normal SuccessfulCreate: Created pod: web-*', 'update replicasets/status a/web']);
  const [first] = actions;
  const made = first?.do === 'together' ? first.sequences[0]?.[0] : undefined;
  expect(made).toMatchObject({ object: { metadata: { generateName: 'web-', namespace: 'a', labels: { app: 'web', tier: 'x' }, ownerReferences: controlled }, spec: { containers: [] } } });
  expect(statusOf(actions)).toEqual({ ...steady, replicas: 1, readyReplicas: 1, availableReplicas: 1 });
});

test('pods that ended or are ending do not count, and are counted as ending', () => {
  const { actions } = run(set({}, steady), pod('a'), pod('b'), pod('c', { phase: 'Failed' }), pod('d', { deleting: true }));
  expect(shown(actions).filter((line) => line.includes('create'))).toHaveLength(1);
  expect(statusOf(actions)).toMatchObject({ replicas: 2, terminatingReplicas: 1 });
});

test('a set that is as it should be does nothing, one that is going away makes and adopts nothing', () => {
  expect(run(set({}, steady), pod('a'), pod('b'), pod('c')).actions).toEqual([]);
  const leaving = run(set({}, steady, { deletionTimestamp: '2026-01-01T00:00:00Z' }), pod('a', { orphan: true }));
  expect(shown(leaving.actions)).toEqual(['update replicasets/status a/web']);
});

test('orphans that match are adopted, pods that no longer match let go and replaced', () => {
  const lines = shown(run(set({ replicas: 1 }, steady), pod('a', { orphan: true }), pod('b', { app: 'other' })).actions);
  expect(lines.filter((line) => line.startsWith('patch'))).toEqual([
    'patch pods a/b {"metadata":{"uid":"uid-b","ownerReferences":[{"$patch":"delete","uid":"uid-web"}]}}',
    `patch pods a/a {"metadata":{"uid":"uid-a","ownerReferences":${JSON.stringify(controlled)}}}`,
  ]);
  expect(lines.some((line) => line.includes('create'))).toBe(false);
});

test('ready is not available before minReadySeconds have passed', () => {
  const outcome = run(set({ minReadySeconds: 30 }), pod('a', { ready: 10 }), pod('b', { ready: 25 }), pod('c', { ready: 40 }));
  expect(statusOf(outcome.actions)).toMatchObject({ readyReplicas: 3, availableReplicas: 1 });
  expect(outcome.requeueAfterMs).toBe(5001);
});

test('what is refused shows as an event and a condition, which goes with the next success', () => {
  const view = viewOf(replicaSetController, [set(), pod('a')]);
  const moment = { now: NOW, random: seededRandom(1) };
  const refused = replicaSetController.onRefused?.('a/web', { do: 'create', resource: pods, object: {} }, new ApiError({ code: 403, reason: 'Forbidden', message: 'exceeded quota' }), view, moment) ?? [];
  expect(shown(refused)).toEqual(['Warning FailedCreate: Error creating: exceeded quota', 'update replicasets/status a/web']);
  const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota', lastTransitionTime: '2026-01-01T12:00:00Z' }];
  expect(statusOf(refused)).toMatchObject({ replicas: 1, conditions });
  expect(statusOf(run(set({}, { ...steady, conditions }), pod('a'), pod('b'), pod('c')).actions)).toEqual(steady);
});

/** Of each pair the first goes first. */
const PAIRS: [string, PodSpec, PodSpec][] = [
  ['without a node', { node: '' }, { node: 'n', ready: false, phase: 'Pending' }],
  ['pending', { phase: 'Pending' }, { phase: 'Running', ready: false }],
  ['not ready', { ready: false, cost: '100' }, { cost: '-100' }],
  ['cheaper', { cost: '-1' }, { cost: '0', node: 'crowded' }],
  ['on a crowded node', { node: 'crowded', ready: 100_000 }, { ready: 10 }],
  ['ready for a shorter time', { ready: 10, restarts: 0 }, { ready: 1000, restarts: 5 }],
  ['restarted more often', { restarts: 5, created: '2025-01-01T00:00:00Z' }, { restarts: 1, created: '2026-01-01T11:59:00Z' }],
  ['younger', { created: '2026-01-01T11:59:00Z' }, { created: '2025-01-01T00:00:00Z' }],
];
test.each(PAIRS)('of too many pods the one %s goes first', (_, first, second) => {
  const [a, b, crowd] = [pod('z', first).object, pod('y', second).object, pod('x', { node: 'crowded' }).object];
  expect(deletionOrder([b, a], [a, b, crowd], NOW).map(({ metadata }) => metadata.name)).toEqual(['z', 'y']);
  expect(deletionOrder([a, b], [a, b, crowd], NOW).map(({ metadata }) => metadata.name)).toEqual(['z', 'y']);
});

test('too many pods are deleted by that order', () => {
  const lines = shown(run(set({ replicas: 1 }, steady), pod('a'), pod('b', { ready: false }), pod('c', { cost: '-5' })).actions);
  expect(lines.slice(0, 4)).toEqual(['| delete pods a/b', '| Normal SuccessfulDelete: Deleted pod: b', '| delete pods a/c', '| Normal SuccessfulDelete: Deleted pod: c']);
});
