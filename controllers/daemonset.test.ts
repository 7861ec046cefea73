import { controllerrevisions, daemonsets, nodes, pods } from '../api/resources.ts';
import type { DaemonSet } from '../api/types/apps.v1.ts';
import type { Pod, Taint } from '../api/types/core.v1.ts';
import type { Action } from './controller.ts';
import { daemonSetController } from './daemonset.ts';
import { NOW, item, reconciled, shown, viewOf, type Item } from './fake-view.ts';

const template = (image: string) => ({ metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image }] } });
const owner = [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'log', uid: 'uid-log', controller: true, blockOwnerDeletion: true }];
const revision = (name: string, image: string, number: number) =>
  item(controllerrevisions, { metadata: { name, labels: { app: 'x', 'controller-revision-hash': name }, ownerReferences: owner }, revision: number, data: { spec: { template: { ...template(image), $patch: 'replace' } } } });
const node = (name: string, taints: Taint[] = [], labels: Record<string, string> = {}) => item(nodes, { metadata: { name, labels }, spec: { taints } });

interface PodSpec {
  readonly hash?: string;
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly phase?: NonNullable<Pod['status']>['phase'];
  readonly node?: string;
  readonly created?: string;
}
const pod = (name: string, { hash = 'new', ready = true, deleting, phase = 'Running', node: nodeName = 'n1', created }: PodSpec = {}) =>
  item(pods, {
    metadata: {
      name,
      labels: { app: 'x', 'controller-revision-hash': hash },
      ownerReferences: owner,
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      ...(created && { creationTimestamp: created }),
    },
    spec: { containers: [], nodeName },
    status: { phase, conditions: ready ? [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] : [] },
  });
/** Events, generated names and status writes left out. */
const changes = (actions: readonly Action[]) => shown(actions).filter((line) => !/Normal|Warning|\/status/.test(line)).map((line) => line.replace(/^\| /, '').replace(/(log)-[a-z0-9]{5}$/, '$1-*').replace(/(controllerrevisions a\/[a-z]+)-.*/, '$1-*'));
const statusOf = (actions: readonly Action[]) => {
  const found = actions.find((action) => action.do === 'update' && action.subresource === 'status');
  return found?.do === 'update' ? (found.object as DaemonSet).status : undefined;
};

const set = (strategy: DaemonSet['spec']['updateStrategy'] = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }) =>
  item(daemonsets, { metadata: { name: 'log', generation: 1 }, spec: { selector: { matchLabels: { app: 'x' } }, template: template('2'), updateStrategy: strategy, revisionHistoryLimit: 10 } });
const history = [revision('old', '1', 1), revision('new', '2', 2)];
const run = (...items: Item[]) => reconciled(daemonSetController(), 'a/log', [...history, ...items]);

test('a pod for each node that fits, pinned there, with the tolerations of a daemon', () => {
  const cordoned = [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' as const }];
  const { actions } = run(set(), node('n1'), node('n2', cordoned), node('n3', [{ key: 'mine', effect: 'NoSchedule' }]), pod('p1'));
  expect(changes(actions)).toEqual(['create pods a/log-*']);
  const [made] = actions.flatMap((action) => (action.do === 'together' ? action.sequences.flat() : []));
  expect(made).toMatchObject({ object: { metadata: { labels: { 'controller-revision-hash': 'new' } }, spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }] } } } } } });
  expect((made as { object: Pod }).object.spec.tolerations).toHaveLength(6);
  expect(statusOf(actions)).toMatchObject({ desiredNumberScheduled: 2, currentNumberScheduled: 1, numberReady: 1, numberAvailable: 1, numberUnavailable: 1, updatedNumberScheduled: 1 });
});

const ROWS: [string, Item[], string[]][] = [
  ['a NoExecute taint drives the pod off, NoSchedule leaves it', [node('n1', [{ key: 'a', effect: 'NoSchedule' }]), node('n2', [{ key: 'a', effect: 'NoExecute' }]), pod('p1'), pod('p2', { node: 'n2' })], ['delete pods a/p2']],
  ['of two on a node the older stays', [node('n1'), pod('young', { created: '2026-01-01T02:00:00Z' }), pod('old', { created: '2026-01-01T01:00:00Z' })], ['delete pods a/young']],
  ['a failed one goes, and is not made again before it has gone', [node('n1'), pod('p1', { phase: 'Failed' })], ['delete pods a/p1']],
  ['one that is ending is waited for', [node('n1'), pod('p1', { deleting: true })], []],
  ['one old pod at a time is replaced', [node('n1'), node('n2'), pod('p1', { hash: 'old' }), pod('p2', { hash: 'old', node: 'n2' })], ['delete pods a/p1']],
  ['old pods that do not work go at once, and count', [node('n1'), node('n2'), pod('p1', { hash: 'old', ready: false }), pod('p2', { hash: 'old', node: 'n2' })], ['delete pods a/p1']],
  ['nothing more while one is missing', [node('n1'), node('n2'), pod('p1', { ready: false }), pod('p2', { hash: 'old', node: 'n2' })], []],
];
test.each(ROWS)('%s', (_, items, expected) => {
  expect(changes(run(set(), ...items).actions)).toEqual(expected);
});

test('the data of a revision are written with their keys in order, as kubectl writes those it compares them with', () => {
  const { actions } = reconciled(daemonSetController(), 'a/log', [set()]);
  const [made] = actions.flatMap((action) => (action.do === 'create' && action.resource === (controllerrevisions as unknown) ? [action.object] : []));
  expect(JSON.stringify((made as { data: unknown }).data)).toBe('{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"image":"2","name":"c"}]}}}}');
});

test('a node concerns the sets whose pod must come or go there, and those that count one as misplaced', () => {
  const controller = daemonSetController();
  const [spec] = controller.watches.filter(({ resource }) => resource === nodes) as unknown as { keys: (object: unknown, view: unknown) => Iterable<string> }[];
  const taint = (effect: 'NoSchedule' | 'NoExecute') => [{ key: 'a', effect }];
  const misplaced = item(daemonsets, { ...set().object, status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 1, numberReady: 0 } });
  const concerned = (...items: Item[]) => [...(spec?.keys(node('n1').object, viewOf(controller, items)) ?? [])];
  expect(concerned(set(), node('n1'))).toEqual(['a/log']);
  expect(concerned(set(), node('n1'), pod('p1'))).toEqual([]);
  expect(concerned(set(), node('n1', taint('NoSchedule')), pod('p1'))).toEqual([]);
  expect(concerned(set(), node('n1', taint('NoExecute')), pod('p1'))).toEqual(['a/log']);
  expect(concerned(misplaced, node('n1'), pod('p1'))).toEqual(['a/log']);
  expect(concerned(set())).toEqual([]);
});

test('with surge the new pod stands beside the old one until it works', () => {
  const surge = set({ type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
  expect(changes(run(surge, node('n1'), node('n2'), pod('p1', { hash: 'old' }), pod('p2', { hash: 'old', node: 'n2' })).actions)).toEqual(['create pods a/log-*']);
  expect(changes(run(surge, node('n1'), pod('p1', { hash: 'old', created: '2026-01-01T00:00:00Z' }), pod('p2', { ready: false, created: '2026-01-01T01:00:00Z' })).actions)).toEqual([]);
  expect(changes(run(surge, node('n1'), pod('p1', { hash: 'old' }), pod('p2')).actions)).toEqual(['delete pods a/p1']);
});

test('OnDelete replaces nothing; a failing pod is left alone longer each time', () => {
  expect(changes(run(set({ type: 'OnDelete' }), node('n1'), pod('p1', { hash: 'old' })).actions)).toEqual([]);
  const controller = daemonSetController();
  const failing = [...history, set(), node('n1'), pod('p1', { phase: 'Failed' })];
  const at = (ms: number) => reconciled(controller, 'a/log', failing, NOW + ms);
  expect(changes(at(0).actions)).toHaveLength(1);
  expect(at(100).requeueAfterMs).toBe(900);
  expect(changes(at(1000).actions)).toHaveLength(1);
  expect(at(1000).requeueAfterMs).toBe(2000);
});
