/** Jobs: nothing is counted that did not end, no index runs twice or again, what has come to an end stays so, and ends as its policies say. */
import type { Raw } from '../picture.ts';
import { Held, hasCondition, isDeleting, keyOf, type Rule, type Scene, type Write } from './rule.ts';

export const INDEX = 'batch.kubernetes.io/job-completion-index';
/** What the Jobs of the simulation say by their exit codes, where they have a policy. */
export const FAIL_JOB_CODE = 42;
export const FAIL_INDEX_CODE = 3;

interface JobStatus {
  readonly succeeded?: number;
  readonly failed?: number;
  readonly completedIndexes?: string;
  readonly failedIndexes?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
}

interface JobSpec {
  readonly completions?: number;
  readonly completionMode?: string;
  readonly podReplacementPolicy?: string;
  readonly podFailurePolicy?: object;
  readonly successPolicy?: { readonly rules: readonly { readonly succeededIndexes?: string; readonly succeededCount?: number }[] };
}

interface Work {
  readonly spec: JobSpec;
  readonly succeeded: Set<string>;
  /** Deleted before their end, or failed. */
  readonly failed: Set<string>;
  readonly succeededIndexes: Set<number>;
  readonly failedIndexes: Set<number>;
  readonly exitCodes: Set<number>;
  readonly living: Map<string, { readonly pod: Raw; readonly index: number }>;
}

export function indexRule(scene: Scene): Rule {
  const all = new Map<string, Work>();
  const held = new Held();

  const made = (pod: Raw, job: string, { spec, living }: Work): void => {
    const at = scene.monotonic();
    const index = indexOf(pod);
    if (index === undefined || scene.isRelaxed()) return;
    const text = `pod ${keyOf(pod)} was made for index ${index}`;
    const waits = spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
    for (const [uid, other] of living) if (other.index === index && held.isKnown(`${uid} lives`, at) && (waits || !isDeleting(other.pod))) scene.say(`${text}, where ${other.pod.metadata.name} is`);
    if (held.isKnown(`${job} ${index} succeeded`, at)) scene.say(`${text}, which had succeeded`);
    if (held.isKnown(`${job} ${index} failed`, at)) scene.say(`${text}, which had failed for good`);
  };

  const podSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const owner = raw.metadata.ownerReferences?.find(({ controller }) => controller)?.uid ?? '';
    const work = all.get(owner);
    if (!work) return;
    const { uid } = raw.metadata;
    const phase = raw.status?.['phase'];
    if (now && !before) made(now, owner, work);
    const index = indexOf(raw) ?? -1;
    if (phase === 'Succeeded') {
      work.succeeded.add(uid);
      work.succeededIndexes.add(index);
    }
    if (phase === 'Failed' || (!now && phase !== 'Succeeded') || isDeleting(raw)) {
      work.failed.add(uid);
      work.failedIndexes.add(index);
    }
    for (const code of exitCodesOf(raw)) work.exitCodes.add(code);
    const lives = now !== undefined && phase !== 'Succeeded' && phase !== 'Failed';
    held.set(`${uid} lives`, lives, scene.monotonic());
    if (lives) work.living.set(uid, { pod: now, index });
    else work.living.delete(uid);
  };

  const counted = (job: Raw, work: Work, status: JobStatus): void => {
    const text = `Job ${keyOf(job)}`;
    const isIndexed = work.spec.completionMode === 'Indexed';
    const [completed, failed] = [indexesIn(status.completedIndexes), indexesIn(status.failedIndexes)];
    const ended = isIndexed ? work.succeededIndexes.size : work.succeeded.size;
    if ((status.succeeded ?? 0) > ended) scene.say(`${text} counts ${status.succeeded} that succeeded, of ${ended}`);
    if ((status.failed ?? 0) > work.failed.size) scene.say(`${text} counts ${status.failed} that failed, of ${work.failed.size}`);
    // What succeeds after it was let go, as when its Job is suspended, counts for nothing.
    for (const index of completed) held.set(`${job.metadata.uid} ${index} succeeded`, true, scene.monotonic());
    for (const index of completed) if (!work.succeededIndexes.has(index)) scene.say(`${text} takes index ${index} for complete, of which no pod succeeded`);
    for (const index of failed) {
      if (!work.failedIndexes.has(index)) scene.say(`${text} takes index ${index} for failed, of which no pod failed`);
      if (completed.has(index)) scene.say(`${text} takes index ${index} for complete and failed`);
      held.set(`${job.metadata.uid} ${index} failed`, true, scene.monotonic());
    }
  };

  const wentBack = (job: Raw, now: JobStatus, before: JobStatus): void => {
    const text = `Job ${keyOf(job)}`;
    for (const field of ['succeeded', 'failed'] as const) if ((now[field] ?? 0) < (before[field] ?? 0)) scene.say(`${text} counts ${now[field] ?? 0} ${field} after ${before[field]}`);
    for (const field of ['completedIndexes', 'failedIndexes'] as const) {
      const lost = [...indexesIn(before[field])].filter((index) => !indexesIn(now[field]).has(index));
      if (lost.length > 0) scene.say(`${text} forgets ${lost.join()} of its ${field}`);
    }
  };

  const ended = (job: Raw, { spec, exitCodes }: Work, status: JobStatus): void => {
    const text = `Job ${keyOf(job)}`;
    const completed = indexesIn(status.completedIndexes);
    const reason = (type: string): string | undefined => status.conditions?.find((one) => one.type === type && one.status === 'True')?.reason;
    if (hasCondition(job, 'Complete') && hasCondition(job, 'Failed')) scene.say(`${text} is complete and failed`);
    const needed = spec.completions ?? 1;
    const isMet = spec.successPolicy?.rules.some(({ succeededIndexes, succeededCount }) => {
      const those = succeededIndexes === undefined ? [...completed] : [...indexesIn(succeededIndexes)].filter((index) => completed.has(index));
      return those.length >= (succeededCount ?? indexesIn(succeededIndexes).size);
    });
    if (hasCondition(job, 'Complete') && !isMet && (status.succeeded ?? 0) < needed) scene.say(`${text} is complete with ${status.succeeded ?? 0} of ${needed}`);
    if (reason('Failed') === 'PodFailurePolicy' && !exitCodes.has(FAIL_JOB_CODE)) scene.say(`${text} failed by its policy, though no pod ended with ${FAIL_JOB_CODE}`);
    if (reason('Failed') === 'FailedIndexes' && indexesIn(status.failedIndexes).size === 0) scene.say(`${text} failed for indexes that did not`);
  };

  const jobSet = ({ now, before }: Write): void => {
    const raw = (now ?? before) as Raw;
    const { uid } = raw.metadata;
    if (!now) return void all.delete(uid);
    const work = all.get(uid) ?? { spec: (now.spec ?? {}) as JobSpec, succeeded: new Set(), failed: new Set(), succeededIndexes: new Set(), failedIndexes: new Set(), exitCodes: new Set(), living: new Map() };
    all.set(uid, work);
    const status = (now.status ?? {}) as JobStatus;
    counted(now, work, status);
    if (before) wentBack(now, status, (before.status ?? {}) as JobStatus);
    const wasOver = before !== undefined && (hasCondition(before, 'Complete') || hasCondition(before, 'Failed'));
    const isOver = hasCondition(now, 'Complete') || hasCondition(now, 'Failed');
    if (wasOver && (hasCondition(now, 'Complete') !== hasCondition(before, 'Complete') || hasCondition(now, 'Failed') !== hasCondition(before, 'Failed'))) scene.say(`Job ${keyOf(now)} ended twice`);
    if (isOver && !wasOver) ended(now, work, status);
  };

  return {
    changed(write) {
      const { kind } = (write.now ?? write.before) as Raw;
      if (kind === 'Pod') podSet(write);
      if (kind === 'Job') jobSet(write);
    },
  };
}

function indexOf({ metadata }: Raw): number | undefined {
  const text = metadata.annotations?.[INDEX];
  return text === undefined ? undefined : Number(text);
}

function exitCodesOf({ status }: Raw): number[] {
  const statuses = (status?.['containerStatuses'] as readonly { readonly state?: { readonly terminated?: { readonly exitCode: number } } }[] | undefined) ?? [];
  return statuses.flatMap(({ state }) => (state?.terminated ? [state.terminated.exitCode] : []));
}

/** `0,2-5` */
export function indexesIn(text: string | undefined): ReadonlySet<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? '').split(',').filter((one) => one !== '')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    for (let index = first; index <= last; index++) indexes.add(index);
  }
  return indexes;
}
