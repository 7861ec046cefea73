/** A Deployment's status: counts, conditions, progress and its deadline. */
import type { DeploymentCondition, DeploymentStatus } from '../../api/types/apps.v1.ts';
import { timeMs, timeText } from '../../client/time.ts';
import { deepEqual, type DeepReadonly } from '../../std/deep.ts';
import { isDeleting } from '../owners.ts';
import type { StoredDeployment, WorkingSet, Plan } from './plan.ts';

export type Status = DeepReadonly<DeploymentStatus>;
export type Condition = DeepReadonly<DeploymentCondition>;

/** Stands for "no deadline" and "no limit". */
export const UNLIMITED = 2 ** 31 - 1;

export function conditionOf(status: Status, type: string): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

export function newCondition(type: string, status: 'True' | 'False' | 'Unknown', reason: string, message: string, now: number): Condition {
  return { type, status, lastUpdateTime: timeText(now), lastTransitionTime: timeText(now), reason, message };
}

/** Nothing changes where status and reason stay; the time of transition stays where the status does. */
export function withCondition(status: Status, condition: Condition): Status {
  const known = conditionOf(status, condition.type);
  if (known?.status === condition.status && known.reason === condition.reason) return status;
  const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : condition.lastTransitionTime;
  const next = { ...condition, ...(lastTransitionTime && { lastTransitionTime }) };
  return { ...status, conditions: [...withoutCondition(status, condition.type).conditions ?? [], next] };
}

export function withoutCondition(status: Status, type: string): Status {
  return { ...status, conditions: (status.conditions ?? []).filter((condition) => condition.type !== type) };
}

/** The counts as the sets report them, and whether enough is available. `base` is the status as this reconcile has it so far. */
export function countStatus(plan: Plan, base: Status, sets: readonly WorkingSet[], newest: WorkingSet | undefined, now: number): Status {
  const sum = (of: (status: NonNullable<WorkingSet['set']['status']>) => number | undefined): number => sets.reduce((total, { set }) => total + ((set.status && of(set.status)) ?? 0), 0);
  const available = sum(({ availableReplicas }) => availableReplicas);
  const wanted = sets.reduce((total, { replicas }) => total + replicas, 0);
  const terminating = terminatingOf(sets);
  const status: Status = {
    observedGeneration: plan.deployment.metadata.generation ?? 0,
    replicas: sum(({ replicas }) => replicas),
    updatedReplicas: newest?.set.status?.replicas ?? 0,
    readyReplicas: sum(({ readyReplicas }) => readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
    ...(terminating !== undefined && { terminatingReplicas: terminating }),
    ...(base.collisionCount !== undefined && { collisionCount: base.collisionCount }),
    conditions: base.conditions ?? [],
  };
  const enough = available >= plan.replicas - plan.maxUnavailable;
  return withCondition(status, enough
    ? newCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', now)
    : newCondition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.', now));
}

/** Unknown as soon as one set that was looked at does not say. */
function terminatingOf(sets: readonly WorkingSet[]): number | undefined {
  let total = 0;
  for (const { set } of sets) {
    const { observedGeneration, terminatingReplicas } = set.status ?? {};
    if (terminatingReplicas === undefined && !observedGeneration) continue;
    if (terminatingReplicas === undefined) return undefined;
    total += terminatingReplicas;
  }
  return total;
}

export function isComplete(plan: Plan, status: Status): boolean {
  const { replicas, deployment } = plan;
  const { updatedReplicas = 0, replicas: present = 0, availableReplicas = 0, observedGeneration = 0 } = status;
  return updatedReplicas === replicas && present === replicas && availableReplicas === replicas && observedGeneration >= (deployment.metadata.generation ?? 0);
}

/** Adds to the counts what a rollout has to say: progress, completion, a missed deadline, failures of the sets. */
export function rolloutStatus(plan: Plan, base: Status, sets: readonly WorkingSet[], newest: WorkingSet | undefined, now: number): Status {
  let status = countStatus(plan, base, sets, newest, now);
  const { deployment } = plan;
  const deadline = deadlineOf(deployment);
  if (deadline === undefined) status = withoutCondition(status, 'Progressing');
  const known = conditionOf(base, 'Progressing');
  const wasComplete = status.replicas === status.updatedReplicas && known?.reason === 'NewReplicaSetAvailable';
  if (deadline !== undefined && !wasComplete) {
    const who = newest ? `ReplicaSet "${newest.name}"` : `Deployment "${deployment.metadata.name}"`;
    if (isComplete(plan, status)) {
      status = withCondition(status, newCondition('Progressing', 'True', 'NewReplicaSetAvailable', `${who} has successfully progressed.`, now));
    } else if (hasProgressed(base, status)) {
      const condition = newCondition('Progressing', 'True', 'ReplicaSetUpdated', `${who} is progressing.`, now);
      // The same reason again still counts as an update: the deadline starts anew.
      const kept = known?.status === 'True' && known.lastTransitionTime ? { ...condition, lastTransitionTime: known.lastTransitionTime } : condition;
      status = withCondition(withoutCondition(status, 'Progressing'), kept);
    } else if (hasTimedOut(status, deadline, now)) {
      status = withCondition(status, newCondition('Progressing', 'False', 'ProgressDeadlineExceeded', `${who} has timed out progressing.`, now));
    }
  }
  const failure = failureOf(sets, newest);
  return failure ? withCondition(status, failure) : withoutCondition(status, 'ReplicaFailure');
}

export function deadlineOf(deployment: StoredDeployment): number | undefined {
  const { progressDeadlineSeconds } = deployment.spec;
  return progressDeadlineSeconds === undefined || progressDeadlineSeconds === UNLIMITED ? undefined : progressDeadlineSeconds;
}

/** When to look again whether the deadline has passed. */
export function nextProgressCheck(plan: Plan, status: Status, now: number): number | undefined {
  const deadline = deadlineOf(plan.deployment);
  const condition = conditionOf(status, 'Progressing');
  const { paused } = plan.deployment.spec;
  if (deadline === undefined || paused || isDeleting(plan.deployment) || !condition?.lastUpdateTime || isComplete(plan, status)) return undefined;
  if (condition.reason === 'ProgressDeadlineExceeded' || condition.reason === 'NewReplicaSetAvailable') return undefined;
  return Math.max(0, timeMs(condition.lastUpdateTime) + deadline * 1000 - now) + 1000;
}

function hasProgressed(before: Status, after: Status): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: Status): number => replicas - updatedReplicas;
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(status: Status, deadlineSeconds: number, now: number): boolean {
  const condition = conditionOf(status, 'Progressing');
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return timeMs(condition.lastUpdateTime ?? '') + deadlineSeconds * 1000 < now;
}

function failureOf(sets: readonly WorkingSet[], newest: WorkingSet | undefined): Condition | undefined {
  for (const { set } of [...(newest ? [newest] : []), ...sets]) {
    const failure = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
    if (failure) return { ...failure, ...(failure.lastTransitionTime && { lastUpdateTime: failure.lastTransitionTime }) };
  }
  return undefined;
}

/** Servers leave zeros out. */
export function sameStatus(a: Status | undefined, b: Status): boolean {
  const zeros = { observedGeneration: 0, replicas: 0, updatedReplicas: 0, readyReplicas: 0, availableReplicas: 0, unavailableReplicas: 0, conditions: [] };
  return deepEqual({ ...zeros, ...a }, { ...zeros, ...b });
}
