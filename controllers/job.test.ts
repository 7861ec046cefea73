import { jobs, pods } from '../api/resources.ts';
import type { Job } from '../api/types/batch.v1.ts';
import type { Pod } from '../api/types/core.v1.ts';
import { seededRandom } from '../std/random.ts';
import { NOW, item, reconciled, shown, viewOf, type Item } from './fake-view.ts';
import { formatIndexes, parseIndexes } from './job/indexes.ts';
import { endedAt } from './job/pods.ts';
import { jobController } from './job.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import type { Action } from './controller.ts';

const TRACKED = ['batch.kubernetes.io/job-tracking'];
const job = (spec: Partial<Job['spec']> = {}, status: Job['status'] = {}, metadata: object = {}) =>
  item(jobs, {
    metadata: { name: 'sum', generation: 1, ...metadata },
    spec: { completions: 2, parallelism: 2, backoffLimit: 6, selector: { matchLabels: { job: 'sum' } }, template: { metadata: { labels: { job: 'sum' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'c' }] } }, ...spec },
    status: { startTime: '2026-01-01T11:00:00Z', ...status },
  });
interface PodSpec {
  readonly phase?: NonNullable<Pod['status']>['phase'];
  readonly tracked?: boolean;
  readonly index?: number;
  readonly deleting?: boolean;
  readonly code?: number;
  readonly ended?: string;
  readonly failures?: number;
}
const pod = (name: string, { phase = 'Running', tracked = true, index, deleting, code = 1, ended = '2026-01-01T11:30:00Z', failures }: PodSpec = {}) =>
  item(pods, {
    metadata: {
      name,
      labels: { job: 'sum' },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'sum', uid: 'uid-sum', controller: true }],
      ...(tracked && { finalizers: TRACKED }),
      annotations: { ...(index !== undefined && { 'batch.kubernetes.io/job-completion-index': String(index) }), ...(failures !== undefined && { 'batch.kubernetes.io/job-index-failure-count': String(failures) }) },
      ...(deleting && { deletionTimestamp: '2026-01-01T11:59:00Z' }),
    },
    spec: { containers: [] },
    status: { phase, containerStatuses: phase === 'Failed' ? [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: code, finishedAt: ended } } }] : [] },
  });
const run = (...items: Item[]) => reconciled(jobController(), 'a/sum', items);
const statusOf = (actions: readonly Action[]) => {
  const found = actions.find((action) => action.do === 'update');
  return found?.do === 'update' ? (found.object as Job).status : undefined;
};
const lines = (actions: readonly Action[]) => shown(actions).map((line) => line.replace(/sum-([0-9]-)?[a-z0-9]{5}$/, 'sum-$1*')).filter((line) => !line.includes('/status'));
const conditions = (actions: readonly Action[]) => statusOf(actions)?.conditions?.map(({ type, reason }) => `${type} ${reason}`);
const RELEASE = (name: string) => `| patch pods a/${name} {"metadata":{"uid":"uid-${name}","$deleteFromPrimitiveList/finalizers":["${TRACKED[0]}"]}}`;

test('a Job makes as many pods as may run, with its finalizer', () => {
  const { actions } = run(job({ completions: 5 }), pod('a'));
  expect(lines(actions)).toEqual(['| create pods a/sum-*', '| Normal SuccessfulCreate: Created pod: sum-*']);
  expect(actions[0]).toMatchObject({ sequences: [[{ object: { metadata: { generateName: 'sum-', finalizers: TRACKED } } }]] });
  expect(statusOf(actions)).toMatchObject({ active: 2, ready: 0, terminating: 0, uncountedTerminatedPods: {} });
});

test('a pod that cannot be made keeps none that has ended from being counted and let go', () => {
  const items = [job({}, { active: 1, uncountedTerminatedPods: { failed: ['uid-a'] } }), pod('a', { phase: 'Failed' }), pod('b')];
  const controller = jobController();
  const refused = run(...items).actions.find((action) => action.do === 'together') as Extract<Action, { do: 'together' }>;
  const answer = controller.onRefused?.('a/sum', refused.sequences[0]?.[0] as Action, new Error('exceeded quota'), viewOf(controller, items), { now: NOW, random: seededRandom(1) });
  expect(lines(answer ?? [])).toEqual(['Warning FailedCreate: Error creating: exceeded quota', RELEASE('a')]);
});

test('a pod is counted in three steps: noted, released, and only then a number', () => {
  const noted = run(job({ parallelism: 1 }), pod('a', { phase: 'Succeeded' }), pod('b'));
  expect(statusOf(noted.actions)).toMatchObject({ succeeded: 0, uncountedTerminatedPods: { succeeded: ['uid-a'] } });
  expect(lines(noted.actions)).toEqual([RELEASE('a')]);
  const waiting = run(job({ parallelism: 1 }, { active: 1, uncountedTerminatedPods: { succeeded: ['uid-a'] } }), pod('a', { phase: 'Succeeded' }), pod('b'));
  expect(statusOf(waiting.actions)).toMatchObject({ succeeded: 0, uncountedTerminatedPods: { succeeded: ['uid-a'] } });
  const counted = run(job({ parallelism: 1 }, { active: 1, uncountedTerminatedPods: { succeeded: ['uid-a'] } }), pod('a', { phase: 'Succeeded', tracked: false }), pod('b'));
  expect(statusOf(counted.actions)).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} });
});

test('it is complete when all are counted, and says so', () => {
  const before = run(job({}, { succeeded: 1 }), pod('a', { phase: 'Succeeded', tracked: false }), pod('b', { phase: 'Succeeded' }));
  expect(conditions(before.actions)).toEqual(['SuccessCriteriaMet CompletionsReached']);
  const met = [{ type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached', message: 'm' }];
  const { actions } = run(job({}, { succeeded: 2, conditions: met }), pod('a', { phase: 'Succeeded', tracked: false }), pod('b', { phase: 'Succeeded', tracked: false }));
  expect(conditions(actions)).toEqual(['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached']);
  expect(statusOf(actions)?.completionTime).toBe('2026-01-01T12:00:00Z');
  expect(lines(actions)).toEqual(['Normal Completed: Job completed']);
});

const FAILURES: [string, Item[], string | undefined][] = [
  ['too many failures', [job({ backoffLimit: 1 }, { failed: 1 }), pod('a', { phase: 'Failed' }), pod('b')], 'FailureTarget BackoffLimitExceeded'],
  ['just as many as allowed', [job({ backoffLimit: 1 }), pod('a', { phase: 'Failed' }), pod('b')], undefined],
  ['too long', [job({ activeDeadlineSeconds: 3600 }), pod('b')], 'FailureTarget DeadlineExceeded'],
  ['an exit code that fails it', [job({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } }), pod('a', { phase: 'Failed', code: 42 })], 'FailureTarget PodFailurePolicy'],
  ['another exit code', [job({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] } }), pod('a', { phase: 'Failed', code: 1 })], undefined],
  ['an ignored failure', [job({ backoffLimit: 0, podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { operator: 'NotIn', values: [42] } }] } }), pod('a', { phase: 'Failed', code: 1 })], undefined],
  ['all indexes ended, one of them failed', [job({ completionMode: 'Indexed', backoffLimitPerIndex: 0 }, { completedIndexes: '0' }), pod('b', { phase: 'Failed', index: 1, failures: 0 })], 'FailureTarget FailedIndexes'],
];
test.each(FAILURES)('a Job fails: %s', (_, items, expected) => {
  expect(conditions(run(...items).actions)).toEqual(expected ? [expected] : undefined);
});

test('when it fails, what runs is deleted and counted; Failed follows when all has ended', () => {
  const { actions } = run(job({ backoffLimit: 0 }), pod('a', { phase: 'Failed' }), pod('b'));
  expect(lines(actions)).toEqual(['| delete pods a/b', '| Normal SuccessfulDelete: Deleted pod: b', RELEASE('a'), RELEASE('b')]);
  expect(statusOf(actions)).toMatchObject({ active: 0, terminating: 1, uncountedTerminatedPods: { failed: ['uid-a', 'uid-b'] } });
  const target = { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'BackoffLimitExceeded', message: 'm' }], uncountedTerminatedPods: { failed: ['uid-a', 'uid-b'] } };
  expect(conditions(run(job({ backoffLimit: 0 }, target), pod('b', { deleting: true, tracked: false })).actions)).toEqual(['FailureTarget BackoffLimitExceeded']);
  const last = run(job({ backoffLimit: 0 }, target));
  expect(conditions(last.actions)).toEqual(['FailureTarget BackoffLimitExceeded', 'Failed BackoffLimitExceeded']);
  expect(statusOf(last.actions)?.failed).toBe(2);
  expect(lines(last.actions)).toEqual(['Warning BackoffLimitExceeded: m']);
});

test('after failures the next pod waits: 10 s, 20 s, …, even when the failed ones are gone; a success ends it', () => {
  const controller = jobController();
  const at = (...items: Item[]) => reconciled(controller, 'a/sum', items);
  const failed = (name: string, ended: string, tracked = true) => pod(name, { phase: 'Failed', ended, tracked });
  const one = at(job({ parallelism: 1 }), failed('a', '2026-01-01T11:59:57Z'));
  expect(lines(one.actions)).toEqual([RELEASE('a')]);
  expect(one.requeueAfterMs).toBe(7001);
  expect(at(job({ parallelism: 1 }), failed('a', '2026-01-01T11:59:57Z')).requeueAfterMs).toBe(7001);
  expect(at(job({ parallelism: 1 }, { failed: 1 })).requeueAfterMs).toBe(7001);
  expect(at(job({ parallelism: 1 }, { failed: 1 }), failed('a', '2026-01-01T11:59:57Z', false), failed('b', '2026-01-01T11:59:59Z')).requeueAfterMs).toBe(19_001);
  expect(at(job({ parallelism: 1, completions: 5 }, { failed: 2 }), pod('c', { phase: 'Succeeded' })).requeueAfterMs).toBeUndefined();
});

test('a pod that was deleted failed when it stopped being ready, else when it was deleted; suspended ones have not failed', () => {
  const [gone] = [pod('a', { deleting: true }).object];
  expect(endedAt(gone, NOW)).toBe(Date.UTC(2026, 0, 1, 11, 59));
  const unready = { ...gone, status: { ...gone.status, conditions: [{ type: 'Ready', status: 'False' as const, lastTransitionTime: '2026-01-01T11:58:00Z' }] } };
  expect(endedAt(unready, NOW)).toBe(Date.UTC(2026, 0, 1, 11, 58));
  expect(run(job({ parallelism: 1 }), pod('a', { deleting: true, tracked: false })).requeueAfterMs).toBeUndefined();
});

test('a pod that is adopted is tracked from then on', () => {
  const orphan = item(pods, { metadata: { name: 'lone', labels: { job: 'sum' } }, spec: { containers: [] } });
  expect(lines(run(job({ parallelism: 1 }), orphan).actions)[0]).toContain(`"finalizers":["${TRACKED[0]}"]`);
});

test('indexes: the first free ones, each with its name, variable and label', () => {
  const { actions } = run(job({ completionMode: 'Indexed', completions: 4, parallelism: 3 }, { completedIndexes: '0' }), pod('b', { index: 1 }));
  expect(lines(actions).filter((line) => line.includes('create'))).toEqual(['| create pods a/sum-2-*', '| create pods a/sum-3-*']);
  const [first] = actions[0]?.do === 'together' ? (actions[0].sequences[0] ?? []) : [];
  expect(first).toMatchObject({ object: { metadata: { generateName: 'sum-2-', labels: { 'batch.kubernetes.io/job-completion-index': '2' } }, spec: { hostname: 'sum-2', containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX' }] }] } } });
});

test('pods of a Job with a long name keep their index in what their names begin with', () => {
  const name = 'b'.repeat(61);
  const [first] = lines(reconciled(jobController(), `a/${name}`, [job({ completionMode: 'Indexed', completions: 1 }, {}, { name })]).actions);
  expect(first).toBe(`| create pods a/${'b'.repeat(55)}-0-*`);
});

test('a suspended Job lets its pods go uncounted, and starts anew when resumed', () => {
  const { actions } = run(job({ suspend: true }, { active: 1 }), pod('a'));
  expect(lines(actions)).toEqual([RELEASE('a'), '| delete pods a/a', '| Normal SuccessfulDelete: Deleted pod: a', 'Normal Suspended: Job suspended']);
  expect(statusOf(actions)).toMatchObject({ active: 0, failed: 0, conditions: [{ type: 'Suspended', status: 'True' }] });
  expect(statusOf(actions)).not.toHaveProperty('startTime');
  const resumed = run(job({}, { conditions: [{ type: 'Suspended', status: 'True' }] }));
  expect(statusOf(resumed.actions)).toMatchObject({ startTime: '2026-01-01T12:00:00Z', conditions: [{ type: 'Suspended', status: 'False', reason: 'JobResumed' }] });
});

test('another controller’s Job is left alone; pods of a Job that is gone are released', () => {
  expect(run(job({ managedBy: 'example.com/other' }), pod('a', { phase: 'Failed' })).actions).toEqual([]);
  expect(lines(run(pod('a')).actions)).toEqual([RELEASE('a')]);
});

test('indexes are written as ranges of three and more', () => {
  for (const text of ['', '0', '0,1', '0-2', '0,2-5,7,8']) expect(formatIndexes(parseIndexes(text, 10))).toBe(text);
  expect([...parseIndexes('0-9', 3)]).toEqual([0, 1, 2]);
});

test('a finished Job with a time to live is deleted when it is over', () => {
  const finished = job({ ttlSecondsAfterFinished: 60 }, { conditions: [{ type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T11:59:30Z' }] });
  expect(reconciled(ttlAfterFinishedController, 'a/sum', [finished])).toEqual({ actions: [], requeueAfterMs: 30_000 });
  expect(reconciled(ttlAfterFinishedController, 'a/sum', [finished], NOW + 30_000).actions).toMatchObject([{ do: 'delete', propagationPolicy: 'Foreground' }]);
});
