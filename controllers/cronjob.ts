/** The CronJob controller: a Job at each scheduled time. */
import { cronjobs, jobs } from '../api/resources.ts';
import type { CronJob, CronJobStatus, Job } from '../api/types/batch.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { timeMs, timeText } from '../client/time.ts';
import { deepEqual } from '../std/deep.ts';
import { create, event, remove, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { parseSchedule, zonedTimeText, type Schedule } from './cronjob/schedule.ts';
import { conditionOf, isFinished } from './job/judge.ts';
import { byOwner, controllerKeys, isDeleting, ownerReference } from './owners.ts';

type StoredCronJob = Stored<CronJob>;
type StoredJob = Stored<Job>;

const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
/** A little after the minute, so that it has surely begun. */
const DELTA_MS = 100;
/** More missed times than this are worth a warning. */
const MANY_MISSED = 100;

export const cronJobController: Controller = {
  name: 'cronjob-controller',
  watches: [
    watch({ resource: cronjobs, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
    watch({ resource: jobs, indexes: { byOwner }, keys: (job) => controllerKeys('CronJob', job) }),
  ],
  reconcile,
  onRefused,
};

interface Situation {
  readonly cron: StoredCronJob;
  readonly children: readonly StoredJob[];
  readonly now: number;
  readonly said: Action[];
  readonly status: { active: NonNullable<CronJobStatus['active']>; lastScheduleTime: string | undefined; lastSuccessfulTime: string | undefined };
}

function reconcile(key: Key, view: View, { now }: Moment): Outcome {
  const cron = view.of(cronjobs).get(parseKey(key));
  if (!cron) return { actions: [] };
  const { active = [], lastScheduleTime, lastSuccessfulTime } = cron.status ?? {};
  const children = view.of(jobs).by('byOwner', cron.metadata.uid);
  const situation: Situation = { cron, children, now, said: [], status: { active: active.map((reference) => ({ ...reference })), lastScheduleTime, lastSuccessfulTime } };
  for (const job of children) followJob(situation, job);
  forgetMissing(situation);
  const cleaned = isDeleting(cron) ? [] : trim(situation);
  const started = isDeleting(cron) || cron.spec.suspend ? { actions: [] } : start(situation);
  // A Job is let go once it is written down that its time had its run, or that time would have another.
  return { actions: [...situation.said, ...started.actions, ...writeStatus(situation), ...cleaned], ...(started.waitMs !== undefined && { requeueAfterMs: started.waitMs }) };
}

function say({ cron, said }: Situation, type: 'Normal' | 'Warning', reason: string, message: string): void {
  said.push(event(subject(cronjobs, cron), type, reason, message));
}

/** Takes up what was started, and lets go what has finished. */
function followJob(situation: Situation, job: StoredJob): void {
  const { cron, status } = situation;
  const { name, uid, namespace } = job.metadata;
  const listed = status.active.some((reference) => reference.uid === uid);
  const scheduled = job.metadata.annotations?.[SCHEDULED];
  // What this controller made is named after its minute; its uid was not known when it was made.
  const made = scheduled !== undefined && name === jobName(cron, timeMs(scheduled));
  const isNew = made && (status.lastScheduleTime === undefined || timeMs(scheduled) > timeMs(status.lastScheduleTime));
  if (isNew) status.lastScheduleTime = timeText(timeMs(scheduled));
  if (!isFinished(job)) {
    if (!listed && isNew) status.active.push({ kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion: job.metadata.resourceVersion });
    else if (!listed) say(situation, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`);
    return;
  }
  if (listed || isNew) {
    status.active = status.active.filter((reference) => reference.uid !== uid);
    say(situation, 'Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${conditionOf(job.status, 'Complete')?.status === 'True' ? 'Complete' : 'Failed'}`);
  }
  const { completionTime } = job.status ?? {};
  if (completionTime && (status.lastSuccessfulTime === undefined || timeMs(completionTime) > timeMs(status.lastSuccessfulTime))) status.lastSuccessfulTime = completionTime;
}

function forgetMissing(situation: Situation): void {
  const { status, children } = situation;
  const missing = status.active.filter(({ uid }) => !children.some(({ metadata }) => metadata.uid === uid));
  for (const { name = '' } of missing) say(situation, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
  status.active = status.active.filter((reference) => !missing.includes(reference));
}

/** Finished Jobs beyond the limits, oldest first. */
function trim(situation: Situation): Action[] {
  const { cron, children } = situation;
  const finished = children.filter((job) => isFinished(job) && !isDeleting(job)).sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  const succeeded = finished.filter((job) => conditionOf(job.status, 'Complete')?.status === 'True');
  const failed = finished.filter((job) => !succeeded.includes(job));
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cron.spec;
  const doomed = [...succeeded.slice(0, Math.max(0, succeeded.length - successfulJobsHistoryLimit)), ...failed.slice(0, Math.max(0, failed.length - failedJobsHistoryLimit))];
  return doomed.flatMap((job) => deletion(cron, job));
}

function startOf({ status, metadata }: StoredJob): string {
  return `${status?.startTime ?? '9'} ${metadata.name}`;
}

function deletion(cron: StoredCronJob, job: StoredJob): Action[] {
  return [remove(jobs, job, { propagationPolicy: 'Background' }), event(subject(cronjobs, cron), 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`)];
}

interface Started {
  readonly actions: readonly Action[];
  readonly waitMs?: number;
}

function start(situation: Situation): Started {
  const { cron, now, status } = situation;
  const schedule = scheduleOf(situation);
  if (!schedule) return { actions: [] };
  const due = mostRecent(situation, schedule, true);
  if (due === 'never') {
    say(situation, 'Warning', 'InvalidSchedule', `invalid schedule: ${cron.spec.schedule} : time difference between two schedules is less than 1 second`);
    return { actions: [] };
  }
  const last = mostRecent(situation, schedule, false);
  const next = schedule.next((last === 'never' ? undefined : last.time) ?? Math.min(now, earliest(situation, false)));
  const waitMs = next === undefined ? undefined : Math.max(DELTA_MS, next + DELTA_MS - now);
  const later: Started = { actions: [], ...(waitMs !== undefined && { waitMs }) };
  if (due.time === undefined) return later;
  if (due.missed > MANY_MISSED) say(situation, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew');
  const name = jobName(cron, due.time);
  const { startingDeadlineSeconds, concurrencyPolicy } = cron.spec;
  if (startingDeadlineSeconds !== undefined && due.time + startingDeadlineSeconds * 1000 < now) {
    say(situation, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${new Date(due.time).toUTCString().replace('GMT', '+0000')}`);
    return later;
  }
  const processed = status.lastScheduleTime !== undefined && timeMs(status.lastScheduleTime) === due.time;
  if (processed || situation.children.some(({ metadata }) => metadata.name === name)) return later;
  if (concurrencyPolicy === 'Forbid' && status.active.length > 0) {
    say(situation, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid');
    return later;
  }
  const replaced = concurrencyPolicy === 'Replace' ? situation.children.filter(({ metadata }) => status.active.some(({ uid }) => uid === metadata.uid)) : [];
  status.active = status.active.filter(({ uid }) => !replaced.some(({ metadata }) => metadata.uid === uid));
  const made = [create(jobs, newJob(cron, name, due.time)), event(subject(cronjobs, cron), 'Normal', 'SuccessfulCreate', `Created job ${name}`)];
  return { ...later, actions: [...replaced.flatMap((job) => deletion(cron, job)), ...made] };
}

function scheduleOf(situation: Situation): Schedule | undefined {
  const { schedule, timeZone = 'UTC' } = situation.cron.spec;
  try {
    parseSchedule('@hourly', timeZone);
  } catch {
    say(situation, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`);
    return undefined;
  }
  try {
    return parseSchedule(schedule, timeZone);
  } catch (error) {
    say(situation, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(schedule)} : ${(error as Error).message}`);
    return undefined;
  }
}

function earliest({ cron, now, status }: Situation, withDeadline: boolean): number {
  const since = timeMs(status.lastScheduleTime ?? cron.metadata.creationTimestamp);
  const { startingDeadlineSeconds } = cron.spec;
  return withDeadline && startingDeadlineSeconds !== undefined ? Math.max(since, now - startingDeadlineSeconds * 1000) : since;
}

/** The last scheduled time that has come, and about how many have come since the last that was met. */
function mostRecent(situation: Situation, schedule: Schedule, withDeadline: boolean): { readonly time: number | undefined; readonly missed: number } | 'never' {
  const { now } = situation;
  const first = schedule.next(earliest(situation, withDeadline));
  if (first === undefined) return 'never';
  if (now < first) return { time: undefined, missed: 0 };
  const second = schedule.next(first);
  if (second === undefined || now < second) return { time: first, missed: 0 };
  const period = Math.max(1000, second - first);
  const missed = Math.floor((now - first) / period) + 1;
  // Schedules are not always even: from a little before the estimate it is counted out.
  let time = first;
  for (let at = schedule.next(first + (missed - 2) * period); at !== undefined && at <= now; at = schedule.next(at)) time = at;
  return { time, missed };
}

function jobName(cron: StoredCronJob, scheduled: number): string {
  return `${cron.metadata.name}-${Math.floor(scheduled / 60_000)}`;
}

function newJob(cron: StoredCronJob, name: string, scheduled: number): Job {
  const { metadata, spec } = cron.spec.jobTemplate;
  return {
    metadata: {
      name,
      namespace: cron.metadata.namespace,
      ...(metadata?.labels && { labels: { ...metadata.labels } }),
      annotations: { ...metadata?.annotations, [SCHEDULED]: zonedTimeText(scheduled, cron.spec.timeZone ?? 'UTC') },
      ownerReferences: [ownerReference(cronjobs, cron)],
    },
    spec: spec as NonNullable<Job['spec']>,
  };
}

function writeStatus({ cron, status }: Situation): Action[] {
  const { active, lastScheduleTime, lastSuccessfulTime } = status;
  const next: CronJobStatus = { ...(active.length > 0 && { active }), ...(lastScheduleTime && { lastScheduleTime }), ...(lastSuccessfulTime && { lastSuccessfulTime }) };
  return deepEqual({ ...cron.status }, next) ? [] : [update(cronjobs, { ...cron, status: next }, 'status')];
}

function onRefused(key: Key, action: Action, error: Error, view: View): readonly Action[] {
  const cron = view.of(cronjobs).get(parseKey(key));
  if (!cron || action.do !== 'create' || (error as { readonly reason?: string }).reason === 'AlreadyExists') return [];
  return [event(subject(cronjobs, cron), 'Warning', 'FailedCreate', `Error creating job: ${error.message}`)];
}
