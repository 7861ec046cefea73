import { deployments, pods, replicasets } from '../api/resources.ts';
import { ApiError } from '../api/status.ts';
import type { Deployment, ReplicaSet } from '../api/types/apps.v1.ts';
import { seededRandom } from '../std/random.ts';
import { deploymentController } from './deployment.ts';
import { sameTemplate, templateHash } from './deployment/template.ts';
import { NOW, item, reconciled, shown, viewOf, type Item } from './fake-view.ts';
import type { Action } from './controller.ts';

const template = (image: string) => ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } });

function deployment(over: Partial<Deployment['spec']> = {}, status: Deployment['status'] = {}, metadata: object = {}) {
  return item(deployments, {
    metadata: { name: 'web', generation: 2, ...metadata },
    spec: {
      replicas: 4,
      selector: { matchLabels: { app: 'web' } },
      template: template('new'),
      strategy: { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      ...over,
    },
    status,
  });
}

interface SetSpec {
  readonly name: string;
  readonly image?: string;
  readonly replicas: number;
  readonly available?: number;
  readonly present?: number;
  readonly revision?: number | string;
  readonly desired?: number;
  readonly max?: number;
  readonly orphan?: boolean;
  readonly status?: ReplicaSet['status'];
  readonly deleting?: boolean;
}

function set({ name, image = name, replicas, available = replicas, present = replicas, revision = 1, desired = 4, max = 5, orphan, status, deleting }: SetSpec): Item {
  const labels = { app: 'web', 'pod-template-hash': name };
  return item(replicasets, {
    metadata: {
      name,
      generation: 1,
      labels,
      creationTimestamp: `2026-01-01T00:00:0${String(revision).slice(-1)}Z`,
      annotations: { 'deployment.kubernetes.io/revision': String(revision), 'deployment.kubernetes.io/desired-replicas': String(desired), 'deployment.kubernetes.io/max-replicas': String(max) },
      ...(!orphan && { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web', controller: true }] }),
      ...(deleting && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { replicas, selector: { matchLabels: labels }, template: { ...template(image), metadata: { labels } } },
    status: { replicas: present, availableReplicas: available, readyReplicas: available, observedGeneration: 1, ...status },
  });
}

const run = (...items: Item[]) => reconciled(deploymentController, 'a/web', items);
/** The sets that are written, with their replicas. */
function sizes(actions: readonly Action[]): string[] {
  return actions.flatMap((action) => {
    if ((action.do !== 'update' && action.do !== 'create') || action.resource.resource !== 'replicasets') return [];
    const { metadata, spec } = action.object as ReplicaSet;
    return [`${metadata.name?.replace(/^web-.*/, 'web-*')}=${spec.replicas}`];
  });
}
function status(actions: readonly Action[]): Deployment | undefined {
  const found = actions.find((action) => action.do === 'update' && action.subresource === 'status');
  return found?.do === 'update' ? (found.object as Deployment) : undefined;
}

const pod = (phase: 'Running' | 'Failed') => item(pods, { metadata: { name: 'p', ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'old', uid: 'uid-old', controller: true }] }, spec: { containers: [] }, status: { phase } });
const condition = (actions: readonly Action[]) => status(actions)?.status?.conditions?.find(({ type }) => type === 'Progressing');
const progressing = (reason: string, secondsAgo: number) => {
  const at = new Date(NOW - secondsAgo * 1000).toISOString();
  return { updatedReplicas: 1, replicas: 5, readyReplicas: 4, availableReplicas: 4, conditions: [{ type: 'Progressing', status: 'True', reason, lastUpdateTime: at, lastTransitionTime: at }] };
};

test('a new Deployment makes a ReplicaSet with its annotations, a revision and a hash', () => {
  const { actions } = run(deployment({}, {}, { annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } }));
  const [made] = actions;
  const object = (made?.do === 'create' ? made.object : undefined) as ReplicaSet;
  const hash = object.metadata.labels?.['pod-template-hash'] ?? '';
  expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
  expect(object).toMatchObject({
    metadata: {
      name: `web-${hash}`,
      labels: { app: 'web', 'pod-template-hash': hash },
      annotations: { note: 'x', 'deployment.kubernetes.io/revision': '1', 'deployment.kubernetes.io/desired-replicas': '4', 'deployment.kubernetes.io/max-replicas': '5' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web', controller: true, blockOwnerDeletion: true }],
    },
    spec: { replicas: 4, selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } }, template: { metadata: { labels: { 'pod-template-hash': hash } } } },
  });
  expect(object.metadata.annotations).not.toHaveProperty('kubectl.kubernetes.io/last-applied-configuration');
  expect(shown(actions)).toEqual([`create replicasets a/web-${hash}`, `Normal ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 4`, 'update deployments/status a/web']);
  expect(status(actions)).toMatchObject({
    metadata: { annotations: { note: 'x', 'deployment.kubernetes.io/revision': '1' } },
    status: {
      observedGeneration: 2,
      unavailableReplicas: 4,
      conditions: [
        { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message: `Created new replica set "web-${hash}"` },
        { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable' },
      ],
    },
  });
});

/** 4 replicas, at most one more and one less. */
const STEPS: [string, SetSpec[], string[]][] = [
  ['starts with the surge, and makes room as far as may be unavailable', [{ name: 'old', replicas: 4 }], ['web-*=1', 'old=3']],
  ['grows before it shrinks', [{ name: 'old', replicas: 3, available: 4 }, { name: 'new', replicas: 1, available: 0, revision: 2 }], ['new=2']],
  ['waits while nothing more may be unavailable', [{ name: 'old', replicas: 3 }, { name: 'new', replicas: 2, available: 0, revision: 2 }], []],
  ['shrinks by what has become available', [{ name: 'old', replicas: 3 }, { name: 'new', replicas: 2, available: 2, revision: 2 }], ['old=1']],
  ['takes old pods that do not work first', [{ name: 'older', replicas: 2, available: 2 }, { name: 'old', replicas: 2, available: 0, revision: 2 }, { name: 'new', replicas: 1, available: 1, revision: 3 }], ['old=0']],
  ['waits until an old set has shrunk as it was told', [{ name: 'old', replicas: 2, available: 4 }, { name: 'new', replicas: 3, available: 3, revision: 2 }], []],
  ['scales down a newest set that is too large', [{ name: 'new', replicas: 6, desired: 4 }], ['new=4']],
  ['is done when all is new', [{ name: 'old', replicas: 0 }, { name: 'new', replicas: 4, revision: 2 }], []],
];
test.each(STEPS)('a rolling update %s', (_, sets, expected) => {
  expect(sizes(run(deployment(), ...sets.map(set)).actions)).toEqual(expected);
});

/** Scaled while two sets are running. */
const SCALES: [string, Partial<Deployment['spec']>, SetSpec[], string[]][] = [
  ['out in proportion', { replicas: 15 }, [{ name: 'old', replicas: 8, desired: 10, max: 13 }, { name: 'new', replicas: 5, desired: 10, max: 13, revision: 2 }], ['old=11', 'new=7']],
  ['in in proportion', { replicas: 6 }, [{ name: 'old', replicas: 11, desired: 15, max: 18 }, { name: 'new', replicas: 7, desired: 15, max: 18, revision: 2 }], ['old=5', 'new=4']],
  ['to nothing', { replicas: 0 }, [{ name: 'old', replicas: 3 }, { name: 'new', replicas: 2, revision: 2 }], ['old=0', 'new=0']],
  ['the only running one takes all', { replicas: 7, paused: true }, [{ name: 'old', replicas: 4 }, { name: 'new', replicas: 0, revision: 2 }], ['old=7']],
  ['a paused one makes nothing', { paused: true }, [], []],
];
test.each(SCALES)('scaling: %s', (_, spec, sets, expected) => {
  const strategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } };
  expect(sizes(run(deployment({ strategy, ...spec }), ...sets.map(set)).actions).toSorted()).toEqual(expected.toSorted());
});

test('Recreate waits until the last old pod is gone', () => {
  const strategy = { type: 'Recreate' as const };
  expect(sizes(run(deployment({ strategy }), set({ name: 'old', replicas: 4 })).actions)).toEqual(['old=0']);
  expect(sizes(run(deployment({ strategy }), set({ name: 'old', replicas: 0, present: 1 })).actions)).toEqual([]);
  expect(sizes(run(deployment({ strategy }), set({ name: 'old', replicas: 0 }), pod('Running')).actions)).toEqual([]);
  expect(sizes(run(deployment({ strategy }), set({ name: 'old', replicas: 0 }), pod('Failed')).actions)).toEqual(['web-*=4']);
});

test('revisions are counted beyond what numbers of JavaScript hold', () => {
  const { actions } = run(deployment({ template: template('new') }), set({ name: 'old', replicas: 4, revision: '3546343826724305832' }));
  expect(status(actions)?.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '3546343826724305833' });
});

test('going back takes up the old set with a new revision, and remembers the former', () => {
  const { actions } = run(deployment({ template: template('old') }), set({ name: 'old', replicas: 0, revision: 1 }), set({ name: 'new', replicas: 4, revision: 2 }));
  const [written] = actions;
  expect(written).toMatchObject({ do: 'update', object: { metadata: { name: 'old', annotations: { 'deployment.kubernetes.io/revision': '3', 'deployment.kubernetes.io/revision-history': '1' } }, spec: { replicas: 1 } } });
  expect(status(actions)?.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '3' });
});

test('a name that is taken counts as a collision, and changes the hash', () => {
  const first = templateHash(template('new'), undefined);
  const taken = item(replicasets, { metadata: { name: `web-${first}` }, spec: { replicas: 0, selector: { matchLabels: { app: 'other' } }, template: template('other') } });
  const { actions } = run(deployment(), taken);
  expect(shown(actions)).toEqual(['update deployments/status a/web']);
  expect(status(actions)?.status?.collisionCount).toBe(1);
  const after = run(deployment({}, { collisionCount: 1 }), taken).actions[0];
  expect(after?.do === 'create' && (after.object as ReplicaSet).metadata.name).toBe(`web-${templateHash(template('new'), 1)}`);
  expect(templateHash(template('new'), 1)).not.toBe(first);
});

describe('the Progressing condition', () => {
  const stalled = [set({ name: 'old', replicas: 3, present: 4 }), set({ name: 'new', replicas: 1, available: 1, present: 1, revision: 2 })];
  test.each<[string, ReturnType<typeof deployment>, Item[], object | undefined, number | undefined]>([
    ['a step is progress', deployment({ replicas: 4 }, { ...progressing('ReplicaSetUpdated', 100), updatedReplicas: 0 }), stalled, { status: 'True', reason: 'ReplicaSetUpdated', message: 'ReplicaSet "new" is progressing.' }, 601_000],
    ['none for longer than the deadline is a failure', deployment({}, progressing('ReplicaSetUpdated', 700)), stalled, { status: 'False', reason: 'ProgressDeadlineExceeded', message: 'ReplicaSet "new" has timed out progressing.' }, undefined],
    ['all new and available is success', deployment({}, progressing('ReplicaSetUpdated', 700)), [set({ name: 'new', replicas: 4, revision: 2 })], { status: 'True', reason: 'NewReplicaSetAvailable', message: 'ReplicaSet "new" has successfully progressed.' }, undefined],
    ['pausing stops the clock', deployment({ paused: true }, progressing('ReplicaSetUpdated', 700)), stalled, { status: 'Unknown', reason: 'DeploymentPaused' }, undefined],
    ['without a deadline there is none', deployment({ progressDeadlineSeconds: 2 ** 31 - 1 }, progressing('ReplicaSetUpdated', 700)), stalled, undefined, undefined],
  ])('%s', (_, owner, sets, expected, requeue) => {
    const { actions, requeueAfterMs } = run(owner, ...sets);
    if (expected) expect(condition(actions)).toMatchObject(expected);
    else expect(condition(actions)).toBeUndefined();
    expect(requeueAfterMs).toBe(requeue);
  });
});

test('orphans that match are adopted, own sets that no longer match are let go', () => {
  const stranger = item(replicasets, { metadata: { name: 'stranger', labels: { app: 'other' }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web', controller: true }] }, spec: { replicas: 1, selector: {} } });
  const lines = shown(run(deployment(), set({ name: 'new', replicas: 4, orphan: true }), stranger).actions).filter((line) => line.startsWith('patch'));
  expect(lines).toEqual([
    'patch replicasets a/stranger {"metadata":{"uid":"uid-stranger","ownerReferences":[{"$patch":"delete","uid":"uid-web"}]}}',
    'patch replicasets a/new {"metadata":{"uid":"uid-new","ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"uid-web","controller":true,"blockOwnerDeletion":true}]}}',
  ]);
});

test('when complete, empty sets beyond the history limit go, oldest first', () => {
  const complete = { observedGeneration: 2, replicas: 4, updatedReplicas: 4, availableReplicas: 4, readyReplicas: 4 };
  const sets = [1, 2, 3].map((revision) => set({ name: `s${revision}`, replicas: 0, revision }));
  const busy = set({ name: 's0', replicas: 0, present: 1, revision: 0 });
  const { actions } = run(deployment({ revisionHistoryLimit: 1 }, complete), ...sets, busy, set({ name: 'new', replicas: 4, revision: 4 }));
  expect(shown(actions).filter((line) => line.startsWith('delete'))).toEqual(['delete replicasets a/s1', 'delete replicasets a/s2']);
});

test('a set that cannot be made is an event and a condition; one that is there already is neither', () => {
  const view = viewOf(deploymentController, [deployment()]);
  const moment = { now: NOW, random: seededRandom(1) };
  const action: Action = { do: 'create', resource: replicasets, object: { metadata: { name: 'web-x' } } };
  const refused = deploymentController.onRefused?.('a/web', action, new ApiError({ code: 403, reason: 'Forbidden', message: 'quota' }), view, moment) ?? [];
  expect(shown(refused)).toEqual(['Warning ReplicaSetCreateError: Failed to create new replica set "web-x": quota', 'update deployments/status a/web']);
  expect(deploymentController.onRefused?.('a/web', action, new ApiError({ code: 409, reason: 'AlreadyExists' }), view, moment)).toEqual([]);
});

test('sameTemplate() overlooks the hash and the order of keys, nothing else', () => {
  expect(sameTemplate(template('x'), { spec: { containers: [{ image: 'x', name: 'c' }] }, metadata: { labels: { 'pod-template-hash': 'h', app: 'web' } } })).toBe(true);
  expect(sameTemplate(template('x'), { ...template('x'), metadata: { labels: { app: 'web', tier: 'a' } } })).toBe(false);
  expect(templateHash(template('x'), undefined)).toBe(templateHash({ spec: { containers: [{ image: 'x', name: 'c' }] }, metadata: { labels: { app: 'web' } } }, undefined));
});
