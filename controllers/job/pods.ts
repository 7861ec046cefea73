/** A Job's pods: which have failed, when they ended, what their failure means, and how a new one is made. */
import type { Job } from '../../api/types/batch.v1.ts';
import type { Container, PodTemplateSpec } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { timeMs } from '../../client/time.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import { isDeleting } from '../owners.ts';
import { podCondition, type StoredPod } from '../pods.ts';

export type StoredJob = Stored<Job>;

export const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';
const FAILURES = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export function isTracked(pod: StoredPod): boolean {
  return (pod.metadata.finalizers ?? []).includes(TRACKING);
}

export function isIndexed({ spec }: StoredJob): boolean {
  return spec?.completionMode === 'Indexed';
}

/** Undefined: none, or one that the Job does not have. */
export function indexOf(job: StoredJob, pod: StoredPod): number | undefined {
  const text = pod.metadata.annotations?.[INDEX];
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  return Number(text) < (job.spec?.completions ?? 0) ? Number(text) : undefined;
}

/** Whether a pod that is ending is still waited for before it is replaced. */
export function replacesOnlyFailed({ spec }: StoredJob): boolean {
  return spec?.podReplacementPolicy === 'Failed' || spec?.podFailurePolicy !== undefined;
}

export function hasFailed(job: StoredJob, pod: StoredPod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && isDeleting(pod) && pod.status?.phase !== 'Succeeded';
}

export function hasSucceeded(pod: StoredPod): boolean {
  return pod.status?.phase === 'Succeeded';
}

/** When its containers had all ended; failing that, since when it is not ready, when it was deleted, or when it was made. */
export function endedAt(pod: StoredPod, now: number): number {
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name);
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.includes(name))];
  const ends = statuses.map(({ state }) => state?.terminated?.finishedAt);
  if (ends.length > 0 && ends.every((end) => end !== undefined)) return Math.max(...ends.map((end) => timeMs(end)));
  const ready = podCondition(pod, 'Ready');
  if (ready?.status === 'False' && ready.lastTransitionTime) return timeMs(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata;
  if (deletionTimestamp) return timeMs(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return creationTimestamp ? timeMs(creationTimestamp) : now;
}

const FAILURE_BACKOFF_MS = 10_000;
const MAX_FAILURE_BACKOFF_MS = 600_000;

/** How long to wait after so many failures in a row, the last of which was then. */
export function backoffLeft(failures: number, lastAt: number, now: number): number {
  if (failures === 0) return 0;
  return Math.max(0, lastAt + Math.min(FAILURE_BACKOFF_MS * 2 ** Math.min(failures - 1, 30), MAX_FAILURE_BACKOFF_MS) - now);
}

/** How often an index has failed, the given pod's own failure not counted. */
export function failuresBefore(pod: StoredPod, options: { readonly withIgnored: boolean }): number {
  const number = (key: string): number => Number(pod.metadata.annotations?.[key] ?? 0);
  return number(FAILURES) + (options.withIgnored ? number(IGNORED_FAILURES) : 0);
}

export interface Verdict {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count' | undefined;
  readonly message: string;
}

/** What the Job's failure policy says of a failed pod: the first rule that matches. */
export function verdictOn({ spec }: StoredJob, pod: StoredPod): Verdict {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  for (const [i, { action, onExitCodes, onPodConditions = [] }] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    if (onExitCodes) {
      const { containerName, operator, values } = onExitCodes;
      for (const status of [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]) {
        const code = status.state?.terminated?.exitCode;
        if (!code || (containerName && containerName !== status.name) || values.includes(code) !== (operator === 'In')) continue;
        return { action: action as Verdict['action'], message: `Container ${status.name} for pod ${name} failed with exit code ${code} matching ${action} rule at index ${i}` };
      }
    }
    const matching = onPodConditions.find((wanted) => pod.status?.conditions?.some(({ type, status }) => type === wanted.type && status === (wanted.status ?? 'True')));
    if (matching) return { action: action as Verdict['action'], message: `Pod ${name} has condition ${matching.type} matching ${action} rule at index ${i}` };
  }
  return { action: undefined, message: '' };
}

/** The template for one more pod; of an index where the Job has them, after a failure of that index where there was one. */
export function templateFor(job: StoredJob, index: number | undefined, previous: StoredPod | undefined): DeepReadonly<PodTemplateSpec> {
  const { template } = job.spec as NonNullable<StoredJob['spec']>;
  const { finalizers = [], labels, annotations } = template.metadata ?? {};
  const tracked = finalizers.includes(TRACKING) ? finalizers : [...finalizers, TRACKING];
  if (index === undefined) return { ...template, metadata: { ...template.metadata, finalizers: tracked } };
  const spec = template.spec as NonNullable<typeof template.spec>;
  const counted = job.spec?.backoffLimitPerIndex === undefined ? {} : failureAnnotations(job, previous);
  return {
    ...template,
    metadata: { ...template.metadata, finalizers: tracked, labels: { ...labels, [INDEX]: String(index) }, annotations: { ...annotations, [INDEX]: String(index), ...counted } },
    spec: {
      ...spec,
      hostname: `${job.metadata.name}-${index}`,
      containers: spec.containers.map(withIndex),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(withIndex) }),
    },
  };
}

const INDEX_VARIABLE = { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } } };

function withIndex(container: DeepReadonly<Container>): DeepReadonly<Container> {
  if (container.env?.some(({ name }) => name === INDEX_VARIABLE.name)) return container;
  return { ...container, env: [...(container.env ?? []), INDEX_VARIABLE] };
}

function failureAnnotations(job: StoredJob, previous: StoredPod | undefined): Record<string, string> {
  if (!previous) return { [FAILURES]: '0' };
  const ignored = verdictOn(job, previous).action === 'Ignore';
  const counted = failuresBefore(previous, { withIgnored: false }) + (ignored ? 0 : 1);
  const overlooked = Number(previous.metadata.annotations?.[IGNORED_FAILURES] ?? 0) + (ignored ? 1 : 0);
  return { [FAILURES]: String(counted), ...(overlooked > 0 && { [IGNORED_FAILURES]: String(overlooked) }) };
}
