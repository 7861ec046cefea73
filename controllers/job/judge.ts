/** Whether a Job has come to its end, and which end. */
import type { JobCondition, JobStatus } from '../../api/types/batch.v1.ts';
import { timeMs, timeText } from '../../client/time.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { StoredPod } from '../pods.ts';
import { parseIndexes, type Indexes } from './indexes.ts';
import { hasFailed, verdictOn, type StoredJob } from './pods.ts';

export type Condition = DeepReadonly<JobCondition>;

export interface Tally {
  readonly job: StoredJob;
  readonly pods: readonly StoredPod[];
  readonly now: number;
  readonly startTime: string | undefined;
  readonly failed: number;
  readonly succeededIndexes: Indexes;
  readonly failedIndexes: Indexes | undefined;
}

export function condition(type: string, reason: string, message: string, now: number, status: 'True' | 'False' = 'True'): Condition {
  const at = timeText(now);
  return { type, status, lastProbeTime: at, lastTransitionTime: at, reason, message };
}

export function conditionOf(status: DeepReadonly<JobStatus> | undefined, type: string): Condition | undefined {
  return status?.conditions?.find((known) => known.type === type);
}

export function isFinished({ status }: StoredJob): boolean {
  return ['Complete', 'Failed'].some((type) => conditionOf(status, type)?.status === 'True');
}

/** The reason to end now, apart from plain completion; `FailureTarget` and `SuccessCriteriaMet` announce the end. */
export function judge(tally: Tally): Condition | undefined {
  const { job, pods, now } = tally;
  const met = conditionOf(job.status, 'SuccessCriteriaMet');
  if (met?.status === 'True') return met;
  const target = conditionOf(job.status, 'FailureTarget');
  if (target?.status === 'True') return condition('Failed', target.reason ?? '', target.message ?? '', now);
  return failureOf(tally, pods) ?? policySuccess(tally);
}

function failureOf(tally: Tally, pods: readonly StoredPod[]): Condition | undefined {
  const { job, now, failed, succeededIndexes, failedIndexes } = tally;
  const { backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec ?? {};
  const fails = (reason: string, message: string): Condition => condition('FailureTarget', reason, message, now);
  if (job.spec?.podFailurePolicy) {
    for (const pod of pods) {
      const verdict = hasFailed(job, pod) ? verdictOn(job, pod) : undefined;
      if (verdict?.action === 'FailJob') return fails('PodFailurePolicy', verdict.message);
    }
  }
  if (failed > backoffLimit || restartsExceed(job, pods)) return fails('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if (deadlineLeft(tally) === 0) return fails('DeadlineExceeded', 'Job was active longer than specified deadline');
  if (!failedIndexes) return undefined;
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) return fails('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  return failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions ? fails('FailedIndexes', 'Job has failed indexes') : undefined;
}

/** Milliseconds until the active deadline; undefined where none runs. */
export function deadlineLeft({ job, startTime, now }: Pick<Tally, 'job' | 'startTime' | 'now'>): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  if (activeDeadlineSeconds === undefined || suspend || !startTime) return undefined;
  return Math.max(0, timeMs(startTime) + activeDeadlineSeconds * 1000 - now);
}

/** With restartPolicy OnFailure it is the containers' restarts that count. */
function restartsExceed({ spec }: StoredJob, pods: readonly StoredPod[]): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const { backoffLimit = 6 } = spec;
  const running = pods.filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending');
  const restarts = running.flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]).reduce((sum, { restartCount }) => sum + restartCount, 0);
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

function policySuccess({ job, succeededIndexes, now }: Tally): Condition | undefined {
  const { completions = 0 } = job.spec ?? {};
  for (const [i, { succeededIndexes: text, succeededCount }] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = text === undefined ? undefined : parseIndexes(text, completions);
    const reached = wanted ? [...wanted].filter((index) => succeededIndexes.has(index)).length : succeededIndexes.size;
    const needed = succeededCount ?? wanted?.size;
    if (needed !== undefined && reached >= needed) return condition('SuccessCriteriaMet', 'SuccessPolicy', `Matched rules at index ${i}`, now);
  }
  return undefined;
}
