/**
 * Counting pods that have ended, each once, whatever fails in between: first a pod's uid is noted in the status, then its
 * finalizer is taken away, and only when that is seen does it become a number.
 */
import type { JobStatus } from '../../api/types/batch.v1.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { isDeleting } from '../owners.ts';
import type { StoredPod } from '../pods.ts';
import { hasFailed, hasSucceeded, indexOf, isIndexed, isTracked, verdictOn, type StoredJob } from './pods.ts';

/** Uids in the status at a time; the rest follows when these are counted. */
const MAX_UNCOUNTED = 500;

export interface Count {
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
}

/** The counts of a status with what has lost its finalizer since. */
export function settled(status: DeepReadonly<JobStatus> | undefined, pods: readonly StoredPod[]): Count {
  const tracked = new Set(pods.filter(isTracked).map(({ metadata }) => metadata.uid));
  const { succeeded = [], failed = [] } = status?.uncountedTerminatedPods ?? {};
  const waiting = { succeeded: succeeded.filter((uid) => tracked.has(uid)), failed: failed.filter((uid) => tracked.has(uid)) };
  return {
    succeeded: (status?.succeeded ?? 0) + succeeded.length - waiting.succeeded.length,
    failed: (status?.failed ?? 0) + failed.length - waiting.failed.length,
    uncounted: waiting,
  };
}

/** Pods that ended and have not been noted yet. */
export function newlyEnded(job: StoredJob, pods: readonly StoredPod[], { uncounted }: Count): { readonly succeeded: readonly StoredPod[]; readonly failed: readonly StoredPod[] } {
  const valid = pods.filter((pod) => isTracked(pod) && (!isIndexed(job) || indexOf(job, pod) !== undefined));
  return {
    succeeded: valid.filter((pod) => hasSucceeded(pod) && !uncounted.succeeded.includes(pod.metadata.uid)),
    failed: valid.filter((pod) => hasFailed(job, pod) && !uncounted.failed.includes(pod.metadata.uid)),
  };
}

/** Whether a failed pod counts against the limit. */
export function counts(job: StoredJob, pod: StoredPod): boolean {
  return verdictOn(job, pod).action !== 'Ignore';
}

export interface Tracking {
  readonly count: Count;
  /** Finalizers to take away once the count is written. */
  readonly release: readonly StoredPod[];
}

export interface Ending {
  /** The Job is about to end, and how. */
  readonly as: 'failure' | 'success' | undefined;
  /** Failed pods that stay until their index has a successor. */
  readonly held: ReadonlySet<StoredPod>;
}

export function track(job: StoredJob, pods: readonly StoredPod[], count: Count, ending: Ending): Tracking {
  const succeeded = [...count.uncounted.succeeded];
  const failed = [...count.uncounted.failed];
  const release: StoredPod[] = [];
  for (const pod of pods) {
    if (succeeded.length + failed.length >= MAX_UNCOUNTED) break;
    const { uid } = pod.metadata;
    const lost = hasFailed(job, pod);
    const done = isDeleting(job) || ending.as !== undefined || hasSucceeded(pod) || (lost && !ending.held.has(pod));
    if (!isTracked(pod) || !done) continue;
    release.push(pod);
    if (hasSucceeded(pod) && !failed.includes(uid)) {
      if (!isIndexed(job) && !succeeded.includes(uid)) succeeded.push(uid);
    } else if ((lost || ending.as === 'failure') && !failed.includes(uid) && (!isIndexed(job) || indexOf(job, pod) !== undefined) && counts(job, pod)) {
      failed.push(uid);
    }
  }
  return { count: { ...count, uncounted: { succeeded, failed } }, release };
}
