import { controllerrevisions, persistentvolumeclaims, pods, statefulsets } from '../api/resources.ts';
import type { StatefulSet } from '../api/types/apps.v1.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Action } from './controller.ts';
import { seededRandom } from '../std/random.ts';
import { NOW, item, reconciled, shown, viewOf, type Item } from './fake-view.ts';
import { statefulSetController } from './statefulset.ts';

const template = (image: string) => ({ metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image }] } });
const owner = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'uid-db', controller: true, blockOwnerDeletion: true }];
const revision = (name: string, image: string, number: number) =>
  item(controllerrevisions, { metadata: { name, labels: { app: 'x', 'controller.kubernetes.io/hash': name }, ownerReferences: owner }, revision: number, data: { spec: { template: { ...template(image), $patch: 'replace' } } } });

interface PodSpec {
  readonly hash?: string;
  readonly ready?: boolean;
  readonly deleting?: boolean;
  readonly phase?: NonNullable<Pod['status']>['phase'];
  readonly node?: string;
  readonly created?: string;
}
const podNamed = (name: string, { hash = 'new', ready = true, deleting, phase = 'Running', node: nodeName = 'n1', created }: PodSpec = {}) =>
  item(pods, {
    metadata: {
      name,
      labels: { app: 'x', 'controller-revision-hash': hash, 'statefulset.kubernetes.io/pod-name': name },
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
  return found?.do === 'update' ? (found.object as StatefulSet).status : undefined;
};

const history = [revision('old', '1', 1), revision('new', '2', 2)];
const set = (spec: Partial<StatefulSet['spec']> = {}, status: Partial<StatefulSet['status']> = {}) =>
  item(statefulsets, {
    metadata: { name: 'db', generation: 1 },
    spec: { replicas: 3, serviceName: 'db', selector: { matchLabels: { app: 'x' } }, template: template('2'), updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } }, revisionHistoryLimit: 10, ...spec },
    status: { replicas: 0, availableReplicas: 0, currentRevision: 'old', updateRevision: 'new', ...status },
  });
const run = (...items: Item[]) => reconciled(statefulSetController, 'a/db', [...history, ...items]);
const pod = (ordinal: number, spec?: PodSpec) => podNamed(`db-${ordinal}`, spec);

const ROWS: [string, Item[], string[]][] = [
  ['the first is made first', [set()], ['create pods a/db-0']],
  ['the next only when the one before is ready', [set(), pod(0, { ready: false })], []],
  ['and then', [set(), pod(0)], ['create pods a/db-1']],
  ['a gap is filled before anything else', [set(), pod(0), pod(2)], ['create pods a/db-1']],
  ['a failed pod is deleted, then made again', [set(), pod(0, { phase: 'Failed' }), pod(1)], ['delete pods a/db-0']],
  ['all at once when Parallel', [set({ podManagementPolicy: 'Parallel' })], ['create pods a/db-0', 'create pods a/db-1', 'create pods a/db-2']],
  ['too many go from the end, one by one', [set({ replicas: 1 }), pod(0), pod(1), pod(2)], ['delete pods a/db-2']],
  ['the next when the one before has gone', [set({ replicas: 1 }), pod(0), pod(1), pod(2, { deleting: true })], []],
  ['ordinals may start elsewhere', [set({ replicas: 1, ordinals: { start: 5 } })], ['create pods a/db-5']],
  ['an update goes from the end', [set(), pod(0, { hash: 'old' }), pod(1, { hash: 'old' }), pod(2, { hash: 'old' })], ['delete pods a/db-2']],
  ['and waits for each to work', [set(), pod(0, { hash: 'old' }), pod(1, { hash: 'old' }), pod(2, { ready: false })], []],
  ['down to the partition', [set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } }), pod(0, { hash: 'old' }), pod(1, { hash: 'old' }), pod(2)], []],
  ['OnDelete changes nothing', [set({ updateStrategy: { type: 'OnDelete' } }), pod(0, { hash: 'old' }), pod(1), pod(2)], []],
];
test.each(ROWS)('%s', (_, items, expected) => {
  expect(changes(run(...items).actions)).toEqual(expected);
});

test('a pod has its names, its revision and its claims; below the partition it is what it was', () => {
  const claims = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce' as const] } }];
  const { actions } = run(set({ volumeClaimTemplates: claims, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } }));
  expect(changes(actions)).toEqual(['create persistentvolumeclaims a/data-db-0', 'create pods a/db-0']);
  const made = actions.find((action) => action.do === 'create' && action.resource.resource === 'pods');
  expect(made).toMatchObject({
    object: {
      metadata: { name: 'db-0', labels: { 'statefulset.kubernetes.io/pod-name': 'db-0', 'apps.kubernetes.io/pod-index': '0', 'controller-revision-hash': 'old' } },
      spec: { hostname: 'db-0', subdomain: 'db', containers: [{ image: '1' }], volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-db-0' } }] },
    },
  });
});

test('a set that goes makes neither pods nor revisions: what the garbage collector took away must not come back', () => {
  const { object } = set();
  const going = { ...set(), object: { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } } as typeof object };
  expect(changes(reconciled(statefulSetController, 'a/db', [going]).actions)).toEqual([]);
});

test('when all are new and ready, the update is the current revision', () => {
  const status = { observedGeneration: 1, replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 0, updatedReplicas: 3, collisionCount: 0 };
  expect(statusOf(run(set({}, status), pod(0), pod(1), pod(2)).actions)).toMatchObject({ currentRevision: 'new', updateRevision: 'new', currentReplicas: 3 });
});

test('a pod that lost the label with its name gets it back, once it works', () => {
  const nameless = (ready: boolean) => item(pods, { ...pod(0, { ready }).object, metadata: { ...pod(0).object.metadata, labels: { app: 'x', 'controller-revision-hash': 'new' } } });
  expect(shown(run(set({ replicas: 1 }), nameless(true)).actions).filter((line) => !line.includes('/status'))).toEqual([
    expect.stringMatching(/^patch pods a\/db-0 .*"statefulset.kubernetes.io\/pod-name":"db-0"/),
    'Normal SuccessfulUpdate: Update Pod db-0 in StatefulSet db successful',
  ]);
  expect(changes(run(set({ replicas: 1 }), nameless(false)).actions)).toEqual([]);
});

test('a claim that is refused is told of by itself and with its pod', () => {
  const items = [set({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] })];
  const making = run(...items).actions.find((action) => action.do === 'create' && action.resource.resource === 'persistentvolumeclaims') as Action;
  expect(shown(statefulSetController.onRefused?.('a/db', making, new Error('no'), viewOf(statefulSetController, items), { now: NOW, random: seededRandom(1) }) ?? [])).toEqual([
    'Warning FailedCreate: Create Claim data-db-0 for Pod db-0 in StatefulSet db failed error: no',
    'Warning FailedCreate: Create Pod db-0 in StatefulSet db failed error: failed to create PVC data-db-0: no',
  ]);
});

const claim = (ordinal: number) => item(persistentvolumeclaims, { metadata: { name: `data-db-${ordinal}` }, spec: {} });

test('a pod waits for a claim that is being deleted, and says so; others are made meanwhile', () => {
  const ending = item(persistentvolumeclaims, { metadata: { name: 'data-db-0', deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: {} });
  const templates = { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }, { metadata: { name: 'logs' }, spec: {} }] };
  const { actions } = run(set(templates), ending);
  expect(changes(actions)).toEqual(['create persistentvolumeclaims a/logs-db-0']);
  expect(shown(actions).join()).toContain('Create Pod db-0 in StatefulSet db failed error: pvc data-db-0 is being deleted');
});

test('a claim of a former pod of the name is waited for only where claims go with their pods', () => {
  const former = item(persistentvolumeclaims, { metadata: { name: 'data-db-0', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'db-0', uid: 'former' }] }, spec: {} });
  const made = (whenScaled: 'Delete' | 'Retain') => changes(run(set({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }], persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted: 'Retain' } }), former).actions);
  expect([made('Delete'), made('Retain')]).toEqual([[], ['create pods a/db-0']]);
});

test('claims belong to the set, and to a pod that is scaled away, where the policy deletes them', () => {
  const policy = { replicas: 1, volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }], persistentVolumeClaimRetentionPolicy: { whenScaled: 'Delete', whenDeleted: 'Delete' }, updateStrategy: { type: 'OnDelete' as const } };
  const { actions } = run(set(policy), pod(0), pod(1), claim(0), claim(1));
  const owners = actions.flatMap((action) => (action.do === 'update' && action.resource.resource === 'persistentvolumeclaims' ? [(action.object as Pod).metadata.ownerReferences?.map(({ name }) => name)] : []));
  expect(owners).toEqual([['db'], ['db-1']]);
});
