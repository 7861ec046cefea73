/** The Job controller: pods that run to their end, as many times as it takes. */
import { jobs, pods, type ResourceRef } from '../api/resources.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { JobStatus } from '../api/types/batch.v1.ts';
import { parseKey } from '../client/cache.ts';
import { timeText } from '../client/time.ts';
import { deepEqual } from '../std/deep.ts';
import { create, event, patch, remove, subject, together, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { deletionOrder } from './deletion-order.ts';
import { GENERATED_BASE_LIMIT } from './generated-name.ts';
import { JobBackoff, type Failures } from './job/backoff.ts';
import { condition, conditionOf, deadlineLeft, isFinished, judge, type Condition } from './job/judge.ts';
import { formatIndexes, parseIndexes } from './job/indexes.ts';
import { TRACKING, backoffLeft, endedAt, failuresBefore, hasFailed, hasSucceeded, indexOf, isIndexed, isTracked, replacesOnlyFailed, templateFor, verdictOn, type StoredJob } from './job/pods.ts';
import { counts, newlyEnded, settled, track, type Count } from './job/track.ts';
import { byOwner, claim, controllerKeys, controllerOf, isDeleting, orphansOf, ownerReference, selectorOf } from './owners.ts';
import { isActive, isReady, isTerminating, podFromTemplate, type StoredPod } from './pods.ts';

const BURST = 500;
const OURS = 'kubernetes.io/job-controller';

/** Pods that fail or succeed at about the same time are judged together, as upstream does: which of several ends a Job depends on it. */
const POD_BATCH_MS = 1000;

/** What the API server refuses is not asked for again at once. */
const API_REST = { baseMs: 1000, limitMs: 60_000 };

/** It remembers the failures of pods that are gone. */
export function jobController(): Controller {
  const backoff = new JobBackoff();
  return {
    name: 'job-controller',
    rest: API_REST,
    watches: [
      watch({ resource: jobs, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
      watch({ resource: pods, indexes: { byOwner }, keys: podKeys, batchMs: POD_BATCH_MS }),
    ],
    reconcile: (key, view, moment) => reconcile(key, view, moment, backoff),
    onRefused: (key, action, error, view, moment) => onRefused({ key, view, moment, backoff }, action, error),
  };
}

/** A pod without a controller concerns every Job that would have it. */
function podKeys(pod: StoredPod, view: View): string[] {
  if (controllerOf(pod)) return controllerKeys('Job', pod);
  return view.of(jobs).list(pod.metadata.namespace).filter(({ spec }) => matchesLabels(selectorOf(spec?.selector), pod.metadata.labels)).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

interface Situation {
  readonly job: StoredJob;
  readonly pods: readonly StoredPod[];
  readonly active: readonly StoredPod[];
  readonly now: number;
  readonly count: Count;
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededIndexes: Set<number>;
  readonly failedIndexes: Set<number> | undefined;
  readonly failures: Failures;
  /** With a limit per index: the failed pod that an index's next one follows. */
  readonly previous: ReadonlyMap<number, StoredPod>;
}

/** What is done to pods, and what that leaves. */
interface Managed {
  readonly actions: readonly Action[];
  readonly active: number;
  readonly ready: number;
  readonly terminating: number;
  readonly waitMs?: number;
}

function reconcile(key: Key, view: View, moment: Moment, backoff: JobBackoff): Outcome {
  return sync({ key, view, moment, backoff }, manage);
}

interface Sync {
  readonly key: Key;
  readonly view: View;
  readonly moment: Moment;
  readonly backoff: JobBackoff;
}

function sync({ key, view, moment, backoff }: Sync, run: (situation: Situation) => Managed): Outcome {
  const job = view.of(jobs).get(parseKey(key));
  if (!job || isFinished(job)) {
    backoff.forget(key);
    return { actions: abandoned(key, job, view) };
  }
  if (job.spec?.managedBy && job.spec.managedBy !== OURS) return { actions: [] };
  const candidates = [...view.of(pods).by('byOwner', job.metadata.uid), ...view.of(pods).by('byOwner', orphansOf(job.metadata.namespace))];
  const { mine, actions: claims } = claim({ resource: pods, ownerResource: jobs as ResourceRef<unknown>, owner: job, selector: selectorOf(job.spec?.selector), candidates, finalizer: TRACKING });
  const situation = look(job, mine, (ended) => backoff.note(key, ended, moment.now), moment.now);
  const startTime = job.status?.startTime ?? (job.spec?.suspend ? undefined : timeText(moment.now));
  const verdict = judge({ ...situation, startTime });
  const managed = verdict ? stopAll(situation) : isDeleting(job) ? unchanged(situation) : run(situation);
  const end = verdict ?? completion(situation, managed.active);
  const suspension = end || isDeleting(job) ? undefined : suspensionOf(job, moment.now);
  const ending = end && { as: end.type === 'SuccessCriteriaMet' ? ('success' as const) : ('failure' as const), held: new Set<StoredPod>() };
  const tracked = track(job, mine, situation.count, ending ?? { as: undefined, held: new Set(situation.previous.values()) });
  const status = statusOf(situation, { managed, count: tracked.count, startTime: suspension ? suspension.startTime : startTime, end, suspension: suspension?.condition });
  const last = end && tracked.release.length === 0 && managed.terminating === 0 && status.uncountedTerminatedPods?.failed === undefined && status.uncountedTerminatedPods?.succeeded === undefined ? terminal(end, moment.now) : undefined;
  const final = last ? withTerminal(status, last) : status;
  const actions = [...claims, ...managed.actions, ...writeStatus(job, final), ...(suspension ? [suspension.said(job)] : []), ...release(tracked.release), ...(last ? farewell(job, final, last) : [])];
  const waits = [managed.waitMs, end ? undefined : deadlineLeft({ job, startTime, now: moment.now })].filter((wait) => wait !== undefined);
  return { actions, ...(waits.length > 0 && { requeueAfterMs: Math.min(...waits) + 1 }) };
}

/** Pods whose Job is gone, finished or another's wait for nobody. */
function abandoned(key: Key, job: StoredJob | undefined, view: View): Action[] {
  const { namespace, name } = parseKey(key);
  const left = view.of(pods).list(namespace).filter((pod) => {
    const owner = controllerOf(pod);
    return isTracked(pod) && owner?.kind === 'Job' && owner.name === name && (job === undefined || owner.uid === job.metadata.uid);
  });
  return release(left);
}

function release(tracked: readonly StoredPod[]): Action[] {
  return together(tracked.map((pod) => [untrack(pod)]));
}

function untrack(pod: StoredPod): Action {
  return { ...patch(pods, pod.metadata, { metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] } }), tolerateMissing: true };
}

function look(job: StoredJob, mine: readonly StoredPod[], note: (ended: ReturnType<typeof newlyEnded>) => Failures, now: number): Situation {
  const count = settled(job.status, mine);
  const fresh = newlyEnded(job, mine, count);
  const { completions = 0, backoffLimitPerIndex } = job.spec ?? {};
  const succeededIndexes = parseIndexes(job.status?.completedIndexes, completions);
  if (isIndexed(job)) for (const pod of mine.filter((other) => hasSucceeded(other) && isTracked(other))) addIndex(succeededIndexes, indexOf(job, pod));
  const failedIndexes = isIndexed(job) && backoffLimitPerIndex !== undefined ? failedOf(job, mine) : undefined;
  const situation = {
    job,
    pods: mine,
    active: mine.filter(isActive),
    now,
    count,
    failures: note(fresh),
    succeeded: isIndexed(job) ? succeededIndexes.size : count.succeeded + count.uncounted.succeeded.length + fresh.succeeded.length,
    failed: count.failed + count.uncounted.failed.length + fresh.failed.filter((pod) => counts(job, pod)).length,
    succeededIndexes,
    failedIndexes,
  };
  return { ...situation, previous: failedIndexes ? previousOf(situation, failedIndexes) : new Map() };
}

function addIndex(indexes: Set<number>, index: number | undefined): void {
  if (index !== undefined) indexes.add(index);
}

function failedOf(job: StoredJob, mine: readonly StoredPod[]): Set<number> {
  const failed = parseIndexes(job.status?.failedIndexes, job.spec?.completions ?? 0);
  for (const pod of mine.filter((other) => isTracked(other) && hasFailed(job, other))) {
    const { action } = verdictOn(job, pod);
    const spent = action !== 'Ignore' && failuresBefore(pod, { withIgnored: false }) >= (job.spec?.backoffLimitPerIndex ?? 0);
    if (action === 'FailIndex' || spent) addIndex(failed, indexOf(job, pod));
  }
  return failed;
}

/** Of each index that has neither ended nor a running pod, the pod that failed last. */
function previousOf({ job, pods: mine, active, succeededIndexes }: Omit<Situation, 'previous'>, failedIndexes: ReadonlySet<number>): Map<number, StoredPod> {
  const running = new Set(active.map((pod) => indexOf(job, pod)));
  const previous = new Map<number, StoredPod>();
  for (const pod of mine.filter((other) => isTracked(other) && hasFailed(job, other))) {
    const index = indexOf(job, pod);
    if (index === undefined || running.has(index) || failedIndexes.has(index) || succeededIndexes.has(index)) continue;
    const known = previous.get(index);
    if (!known || failuresBefore(known, { withIgnored: true }) < failuresBefore(pod, { withIgnored: true })) previous.set(index, pod);
  }
  return previous;
}

function unchanged({ pods: mine, active }: Situation): Managed {
  return { actions: [], active: active.length, ready: active.filter(isReady).length, terminating: mine.filter(isTerminating).length };
}

function without(situation: Situation, gone: readonly StoredPod[], actions: readonly Action[]): Managed {
  const now = unchanged(situation);
  return { actions, active: now.active - gone.length, ready: now.ready - gone.filter(isReady).length, terminating: now.terminating + gone.length };
}

/** The Job ends: what runs is deleted, and counted by how it ends. */
function stopAll(situation: Situation): Managed {
  return without(situation, situation.active, together(situation.active.map((pod) => deletion(situation.job, pod))));
}

function deletion(job: StoredJob, pod: StoredPod): Action[] {
  return [remove(pods, pod), event(subject(jobs, job), 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)];
}

function manage(situation: Situation): Managed {
  const { job, active, succeeded } = situation;
  const { parallelism = 1, completions, suspend } = job.spec ?? {};
  const wanted = suspend ? 0 : completions === undefined ? (succeeded > 0 ? active.length : parallelism) : Math.max(0, Math.min(parallelism, completions - succeeded));
  const doomed = surplus(situation, Math.max(0, active.length - wanted)).slice(0, BURST);
  // Pods that are not wanted are let go uncounted.
  if (doomed.length > 0) return without(situation, doomed, together(doomed.map((pod) => [...(isTracked(pod) ? [untrack(pod)] : []), ...deletion(job, pod)])));
  const present = unchanged(situation);
  const missing = Math.min(BURST, wanted - active.length - (replacesOnlyFailed(job) ? present.terminating : 0));
  if (missing <= 0 || suspend) return present;
  const perIndex = situation.failedIndexes !== undefined;
  const wait = perIndex ? 0 : backoffLeft(situation.failures.count, situation.failures.lastAt, situation.now);
  if (wait > 0) return { ...present, waitMs: wait };
  const places: readonly (number | undefined)[] = isIndexed(job) ? pendingIndexes(situation, missing) : Array.from({ length: missing }, () => undefined);
  const waits = places.map((index) => indexWait(situation, index));
  const ready = places.filter((_, i) => waits[i] === 0);
  if (ready.length === 0) return waits.length > 0 ? { ...present, waitMs: Math.min(...waits) } : present;
  const actions = together(ready.map((index) => creation(situation, index)));
  return { ...present, actions, active: present.active + ready.length };
}

function creation({ job, previous }: Situation, index: number | undefined): Action[] {
  const template = templateFor(job, index, index === undefined ? undefined : previous.get(index));
  const prefix = index === undefined ? undefined : indexedBase(job.metadata.name, index);
  const pod = podFromTemplate(template, { namespace: job.metadata.namespace, owner: ownerReference(jobs, job), ...(prefix && { generateName: prefix }) });
  return [create(pods, pod, { announce: event(subject(jobs, job), 'Normal', 'SuccessfulCreate', 'Created pod: ') })];
}

/** The index stays whole where the Job's name is too long for both. */
function indexedBase(name: string, index: number): string {
  const end = `-${index}-`;
  return name.slice(0, GENERATED_BASE_LIMIT - end.length) + end;
}

/** Doubles of an index and indexes that are no more go in any case; then those whose loss costs least. */
function surplus({ job, active, now }: Situation, atLeast: number): StoredPod[] {
  const ordered = deletionOrder(active, [], now);
  if (!isIndexed(job)) return ordered.slice(0, atLeast);
  const kept = new Map<number, StoredPod>();
  for (const pod of ordered) {
    const index = indexOf(job, pod);
    if (index !== undefined) kept.set(index, pod);
  }
  const doubles = ordered.filter((pod) => kept.get(indexOf(job, pod) ?? -1) !== pod);
  const rest = ordered.filter((pod) => !doubles.includes(pod));
  return [...doubles, ...rest.slice(0, Math.max(0, atLeast - doubles.length))];
}

function pendingIndexes({ job, pods: mine, active, succeededIndexes, failedIndexes }: Situation, most: number): number[] {
  const taken = new Set([...active, ...(replacesOnlyFailed(job) ? mine.filter(isTerminating) : [])].map((pod) => indexOf(job, pod)));
  const free: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0) && free.length < most; index++) {
    if (!taken.has(index) && !succeededIndexes.has(index) && !failedIndexes?.has(index)) free.push(index);
  }
  return free;
}

function indexWait({ previous, now }: Situation, index: number | undefined): number {
  const pod = index === undefined ? undefined : previous.get(index);
  return pod ? backoffLeft(failuresBefore(pod, { withIgnored: true }) + 1, endedAt(pod, now), now) : 0;
}

function completion({ job, succeeded, now }: Situation, active: number): Condition | undefined {
  const { completions } = job.spec ?? {};
  if (isDeleting(job) || active > 0 || (completions === undefined ? succeeded === 0 : succeeded < completions)) return undefined;
  return condition('SuccessCriteriaMet', 'CompletionsReached', 'Reached expected number of succeeded pods', now);
}

function about(reason: string, message: string): (job: StoredJob) => Action {
  return (job) => event(subject(jobs, job), 'Normal', reason, message);
}

interface Suspension {
  readonly condition: Condition;
  readonly startTime: string | undefined;
  readonly said: (job: StoredJob) => Action;
}

function suspensionOf(job: StoredJob, now: number): Suspension | undefined {
  const known = conditionOf(job.status, 'Suspended');
  if (job.spec?.suspend) {
    if (known?.status === 'True') return undefined;
    return { condition: condition('Suspended', 'JobSuspended', 'Job suspended', now), startTime: undefined, said: about('Suspended', 'Job suspended') };
  }
  if (known?.status !== 'True') return undefined;
  return { condition: condition('Suspended', 'JobResumed', 'Job resumed', now, 'False'), startTime: timeText(now), said: about('Resumed', 'Job resumed') };
}

interface Written {
  readonly managed: Managed;
  readonly count: Count;
  readonly startTime: string | undefined;
  readonly end: Condition | undefined;
  readonly suspension: Condition | undefined;
}

function statusOf({ job, succeededIndexes, failedIndexes }: Situation, { managed, count, startTime, end, suspension }: Written): JobStatus {
  const { succeeded, failed } = count.uncounted;
  const announced = end && ['SuccessCriteriaMet', 'FailureTarget'].includes(end.type) && !conditionOf(job.status, end.type) ? [end] : [];
  const kept = (job.status?.conditions ?? []).filter(({ type }) => type !== suspension?.type);
  const conditions = [...kept, ...(suspension ? [suspension] : []), ...announced];
  const indexed = isIndexed(job);
  return {
    ...(conditions.length > 0 && { conditions: conditions.map((known) => ({ ...known })) }),
    ...(startTime && { startTime }),
    active: managed.active,
    ready: managed.ready,
    terminating: managed.terminating,
    succeeded: indexed ? succeededIndexes.size : count.succeeded,
    failed: count.failed,
    ...(indexed && succeededIndexes.size > 0 && { completedIndexes: formatIndexes(succeededIndexes) }),
    ...(failedIndexes && { failedIndexes: formatIndexes(failedIndexes) }),
    uncountedTerminatedPods: { ...(succeeded.length > 0 && { succeeded: [...succeeded] }), ...(failed.length > 0 && { failed: [...failed] }) },
  };
}

function terminal(end: Condition, now: number): Condition {
  return condition(end.type === 'SuccessCriteriaMet' ? 'Complete' : 'Failed', end.reason ?? '', end.message ?? '', now);
}

function withTerminal(status: JobStatus, last: Condition): JobStatus {
  const conditions = [...(status.conditions ?? []), { ...last }];
  return { ...status, conditions, ...(last.type === 'Complete' && last.lastTransitionTime && { completionTime: last.lastTransitionTime }) };
}

function farewell(job: StoredJob, status: JobStatus, last: Condition): Action[] {
  const named = subject(jobs, job);
  if (last.type === 'Failed') return [event(named, 'Warning', last.reason ?? '', last.message ?? '')];
  const tooMany = job.spec?.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions;
  return [
    ...(tooMany ? [event(named, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached')] : []),
    event(named, 'Normal', 'Completed', 'Job completed'),
  ];
}

function writeStatus(job: StoredJob, status: JobStatus): Action[] {
  const zeros = { active: 0, succeeded: 0, failed: 0 };
  return deepEqual({ ...zeros, ...job.status }, { ...zeros, ...status }) ? [] : [update(jobs, { ...job, status } as StoredJob, 'status')];
}

/** A pod that cannot be made does not keep those that have ended from being counted and let go. */
function onRefused(context: Sync, action: Action, error: Error): readonly Action[] {
  const job = context.view.of(jobs).get(parseKey(context.key));
  if (!job || (action.do !== 'create' && action.do !== 'delete')) return [];
  const [reason, text] = action.do === 'create' ? ['FailedCreate', 'Error creating'] : ['FailedDelete', 'Error deleting'];
  const rest = action.do === 'create' && !isFinished(job) ? sync(context, unchanged).actions : [];
  return [event(subject(jobs, job), 'Warning', reason, `${text}: ${error.message}`), ...rest];
}
