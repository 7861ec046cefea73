import { deployments, pods, replicasets } from '../api/resources.ts';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../api/types/apps.v1.ts';
import type { PodStatus } from '../api/types/core.v1.ts';
import { deploymentController } from './deployment.ts';
import { AUTO_ROLLBACK, FAILURE_RATIO, MONITOR, PROVEN, ROLLED_BACK, UPDATE_DELAY } from './deployment/supervise.ts';
import { NOW, item, reconciled, shown, type Item } from './fake-view.ts';

const template = (image: string) => ({ metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } });
const time = (agoSeconds: number) => new Date(NOW - agoSeconds * 1000).toISOString();
const COMPLETE: DeploymentStatus = { observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };

function deployment(annotations: Record<string, string>, { image = 'new', status = {}, surge = 1, unavailable = 0 }: { image?: string; status?: DeploymentStatus; surge?: number; unavailable?: number } = {}): Item {
  return item(deployments, {
    metadata: { name: 'web', generation: 2, annotations: { 'deployment.kubernetes.io/revision': '2', ...annotations } },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: template(image), strategy: { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } } },
    status,
  });
}

function set(name: string, revision: number, replicas: number, { available = replicas, annotations = {} }: { available?: number; annotations?: Record<string, string> } = {}): Item {
  const labels = { app: 'web', 'pod-template-hash': name };
  return item(replicasets, {
    metadata: {
      name, generation: 1, labels, creationTimestamp: time(1000 - revision),
      annotations: { 'deployment.kubernetes.io/revision': String(revision), 'deployment.kubernetes.io/desired-replicas': '3', 'deployment.kubernetes.io/max-replicas': '4', ...annotations },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'uid-web', controller: true }],
    },
    spec: { replicas, selector: { matchLabels: labels }, template: { ...template(name), metadata: { labels } } },
    status: { replicas, availableReplicas: available, readyReplicas: available, observedGeneration: 1 },
  });
}

function pod(name: string, owner: string, status: PodStatus): Item {
  return item(pods, { metadata: { name, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: `uid-${owner}`, controller: true }] }, spec: { containers: [] }, status });
}
const ready = (agoSeconds: number): PodStatus => ({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time(agoSeconds) }] });
const crashed: PodStatus = { phase: 'Running', containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 1, lastState: { terminated: { exitCode: 3 } } }] };
const backOff: PodStatus = { phase: 'Pending', containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff' } } }] };
const ON = { [AUTO_ROLLBACK]: 'true' };
const proven = { annotations: { [PROVEN]: time(500) } };

const run = (...items: Item[]) => reconciled(deploymentController, 'a/web', items);
const written = (actions: ReturnType<typeof run>['actions']) => actions.flatMap((action) => (action.do === 'update' && action.resource === deployments && !action.subresource ? [action.object as Deployment] : []));
const condition = (actions: ReturnType<typeof run>['actions']) => {
  const status = actions.find((action) => action.do === 'update' && action.subresource === 'status');
  const found = status?.do === 'update' ? (status.object as Deployment).status?.conditions?.find(({ type }) => type === 'AutoRollback') : undefined;
  return found && `${found.status} ${found.reason}: ${found.message}`;
};

test('when a new pod fails, the template of the last proven revision comes back with a note, in one write', () => {
  const { actions } = run(deployment(ON), set('older', 1, 0, proven), set('new', 3, 1, { available: 0 }), set('good', 2, 3, proven), pod('p', 'new', crashed));
  const [back] = written(actions);
  expect(back?.spec.template).toEqual(template('good'));
  expect(back?.metadata.annotations?.[ROLLED_BACK]).toBe('new -> good: 1 of 3 pods failed (container c ended with exit code 3)');
  expect(shown(actions)).toEqual(['update deployments a/web', 'Warning AutoRollback: Going back from revision 3 to revision 2: 1 of 3 pods failed (container c ended with exit code 3)']);
});

test.each<[string, Record<string, string>, PodStatus[], boolean]>([
  ['an image that cannot be had', ON, [backOff], true],
  ['fewer failures than are allowed', { ...ON, [FAILURE_RATIO]: '0.5' }, [crashed, ready(1)], false],
  ['more failures than are allowed', { ...ON, [FAILURE_RATIO]: '0.5' }, [crashed, crashed], true],
  ['pods that take their time', ON, [{ phase: 'Pending' }], false],
  ['not asked for', { [UPDATE_DELAY]: '10s' }, [crashed], false],
])('going back: %s', (_, annotations, statuses, back) => {
  const { actions } = run(deployment(annotations), set('good', 1, 3, proven), set('new', 2, statuses.length, { available: 0 }), ...statuses.map((status, i) => pod(`p${i}`, 'new', status)));
  expect(written(actions)).toHaveLength(back ? 1 : 0);
});

test('a missed progress deadline is a failure', () => {
  const missed: DeploymentStatus = { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'ReplicaSet "new" has timed out progressing.' }] };
  expect(written(run(deployment(ON, { status: missed }), set('good', 1, 3, proven), set('new', 2, 1, { available: 0 }), pod('p', 'new', { phase: 'Pending' })).actions)).toHaveLength(1);
});

test('without a proven revision nothing moves, and the condition says so', () => {
  const { actions } = run(deployment(ON), set('old', 1, 3), set('new', 2, 1, { available: 0 }), pod('p', 'new', crashed));
  expect(written(actions)).toEqual([]);
  expect(condition(actions)).toBe('False NothingToReturnTo: ReplicaSet "new" failed and no earlier one has proven itself: 1 of 3 pods failed (container c ended with exit code 3)');
});

test('a set proves itself when all its pods have been ready for the time of the trial', () => {
  const trial = (agoSeconds: number) => run(deployment({ ...ON, [MONITOR]: '1m' }, { status: COMPLETE }), set('new', 2, 3), ...[90, 80, agoSeconds].map((ago, i) => pod(`p${i}`, 'new', ready(ago))));
  const waiting = trial(20);
  expect(condition(waiting.actions)).toBe('False Monitoring: ReplicaSet "new" is on trial: it must run for 60 s with at most 0% of its pods failing.');
  expect(waiting.requeueAfterMs).toBe(40_000);
  const [proof] = trial(61).actions;
  expect(proof?.do === 'update' && (proof.object as ReplicaSet).metadata.annotations?.[PROVEN]).toBe('2026-01-01T12:00:00Z');
});

test('afterwards the condition tells what happened, and nothing is written twice', () => {
  const note = { ...ON, [ROLLED_BACK]: 'bad -> good: 1 of 3 pods failed (x)' };
  const items = [set('bad', 2, 0), set('good', 3, 3, { annotations: { [PROVEN]: time(500), [AUTO_ROLLBACK]: 'true' } })];
  const { actions } = run(deployment(note, { image: 'good', status: COMPLETE }), ...items);
  expect(condition(actions)).toBe('True RolledBack: ReplicaSet "bad" failed, went back to ReplicaSet "good": 1 of 3 pods failed (x)');
  const last = actions.find((action) => action.do === 'update' && action.subresource === 'status');
  const after = item(deployments, (last?.do === 'update' ? last.object : {}) as Deployment);
  expect(run(after, ...items).actions).toEqual([]);
});

test('a setting that cannot be understood is said, and nothing is rolled back', () => {
  const { actions } = run(deployment({ ...ON, [MONITOR]: 'soon' }), set('good', 1, 3, proven), set('new', 2, 1, { available: 0 }), pod('p', 'new', crashed));
  expect(condition(actions)).toBe('False InvalidSettings: annotation coracle.dev/monitor: "soon" is not a duration like 30s or 5m');
  expect(written(actions)).toEqual([]);
});

test.each<[string, number[], string[], number | undefined]>([
  ['one that is not ready holds the next', [], [], undefined],
  ['one that has just become ready holds it for the delay, and its forerunner goes', [4], ['Normal ScalingReplicaSet: Scaled down replica set good from 3 to 2'], 6000],
  ['then the next comes', [11], ['Normal ScalingReplicaSet: Scaled down replica set good from 3 to 2'], undefined],
])('delay: %s', (_, readyFor, expected, wait) => {
  const states = readyFor.length > 0 ? readyFor.map((ago) => ready(ago)) : [{ phase: 'Pending' as const }];
  const outcome = run(deployment({ [UPDATE_DELAY]: '10s' }, { surge: 1 }), set('good', 1, 3), set('new', 2, 1, { available: readyFor.length }), ...states.map((status, i) => pod(`p${i}`, 'new', status)));
  expect(shown(outcome.actions).filter((line) => line.includes('Scal'))).toEqual(expected);
  expect(outcome.requeueAfterMs).toBe(wait);
});

test('delay: with room for it the next pod comes only when the delay is over', () => {
  const grown = (agoSeconds: number) => shown(run(deployment({ [UPDATE_DELAY]: '10s' }), set('good', 1, 2), set('new', 2, 1), pod('p', 'new', ready(agoSeconds))).actions).filter((line) => line.includes('Scal'));
  expect(grown(4)).toEqual([]);
  expect(grown(11)).toEqual(['Normal ScalingReplicaSet: Scaled up replica set new from 1 to 2']);
});
