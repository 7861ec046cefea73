/**
 * What no Kubernetes has: a Deployment that asks for it goes back by itself when its new pods fail, and takes its time
 * between one pod and the next. All of it is asked for by annotations, which other clusters ignore. Pure.
 */
import { timeText } from '../../client/time.ts';
import { isDeleting } from '../owners.ts';
import { isReady, readySince, type StoredPod } from '../pods.ts';
import { byRevision, revisionOf, type StoredDeployment, type WorkingSet } from './plan.ts';
import { conditionOf, isComplete, newCondition, withCondition, withoutCondition, type Status } from './status.ts';
import type { Plan } from './plan.ts';

export const AUTO_ROLLBACK = 'coracle.dev/auto-rollback';
export const MONITOR = 'coracle.dev/monitor';
export const FAILURE_RATIO = 'coracle.dev/max-failure-ratio';
export const UPDATE_DELAY = 'coracle.dev/update-delay';
/** On a ReplicaSet: when it came through its trial. */
export const PROVEN = 'coracle.dev/proven';
/** On a Deployment: `FROM -> TO: why`, names of ReplicaSets. */
export const ROLLED_BACK = 'coracle.dev/rolled-back';

const CONDITION = 'AutoRollback';
const DEFAULT_MONITOR_MS = 30_000;

interface Settings {
  readonly isOn: boolean;
  readonly monitorMs: number;
  readonly maxRatio: number;
  readonly delayMs: number;
  /** What cannot be understood. */
  readonly problem: string | undefined;
}

export type Supervision =
  /** The roll-out goes on; `growAfterMs` says how long the newest set must not grow, Infinity: until something changes. */
  | { readonly do: 'go on'; readonly status: Status; readonly growAfterMs: number; readonly lookAgainMs?: number }
  | { readonly do: 'go back'; readonly to: WorkingSet; readonly note: string; readonly message: string };

interface Situation {
  readonly plan: Plan;
  readonly status: Status;
  readonly found: WorkingSet | undefined;
  readonly old: readonly WorkingSet[];
  /** Of the newest set. */
  readonly pods: readonly StoredPod[];
  readonly now: number;
}

export function isSupervised({ metadata }: StoredDeployment): boolean {
  return metadata.annotations?.[AUTO_ROLLBACK] !== undefined || metadata.annotations?.[UPDATE_DELAY] !== undefined;
}

/** May mark the newest set as proven, in place. */
export function supervise(situation: Situation): Supervision {
  const { plan, found } = situation;
  const settings = settingsOf(plan.deployment);
  if (settings.problem) return goOn(withCondition(situation.status, newCondition(CONDITION, 'False', 'InvalidSettings', settings.problem, situation.now)));
  const growAfterMs = found ? delay(situation, settings.delayMs) : 0;
  if (!settings.isOn) return goOn(withoutAny(situation.status), growAfterMs);
  if (!found) return goOn(situation.status, growAfterMs);
  return watchOver({ ...situation, found }, settings, growAfterMs);
}

function goOn(status: Status, growAfterMs = 0, lookAgainMs?: number): Supervision {
  return { do: 'go on', status, growAfterMs, ...(lookAgainMs !== undefined && { lookAgainMs }) };
}

function watchOver(situation: Situation & { readonly found: WorkingSet }, settings: Settings, growAfterMs: number): Supervision {
  const { plan, found, old, pods, status, now } = situation;
  if (found.annotations[PROVEN] !== undefined) return goOn(sayWhatHappened(situation), growAfterMs);
  const failure = failureOf(situation, settings);
  const target = old.filter(({ annotations }) => annotations[PROVEN] !== undefined).sort((a, b) => byRevision(b, a))[0];
  if (failure && target) {
    const message = `Going back from revision ${revisionOf(found)} to revision ${revisionOf(target)}: ${failure}`;
    return { do: 'go back', to: target, note: `${found.name} -> ${target.name}: ${failure}`, message };
  }
  const percent = Math.round(settings.maxRatio * 100);
  const text = failure
    ? newCondition(CONDITION, 'False', 'NothingToReturnTo', `ReplicaSet "${found.name}" failed and no earlier one has proven itself: ${failure}`, now)
    : newCondition(CONDITION, 'False', 'Monitoring', `ReplicaSet "${found.name}" is on trial: it must run for ${settings.monitorMs / 1000} s with at most ${percent}% of its pods failing.`, now);
  const said = sameWords(status, text.message) ? status : withCondition(withoutAny(status), text);
  const since = isComplete(plan, plan.deployment.status ?? {}) && !failure ? provenSince(pods, plan.replicas) : undefined;
  if (since === undefined) return goOn(said, growAfterMs);
  const leftMs = since + settings.monitorMs - now;
  if (leftMs > 0) return goOn(said, growAfterMs, leftMs);
  found.annotations[PROVEN] = timeText(now);
  plan.touch(found);
  return goOn(withoutAny(status), growAfterMs);
}

/** On the way back, and after it, the condition tells; until another template has proven itself. */
function sayWhatHappened({ plan: { deployment }, found, status, now }: Situation): Status {
  const note = deployment.metadata.annotations?.[ROLLED_BACK];
  const [, from, to, why] = /^(\S+) -> (\S+): (.*)$/s.exec(note ?? '') ?? [];
  if (!to || to !== found?.name) return withoutAny(status);
  const message = `ReplicaSet "${from}" failed, went back to ReplicaSet "${to}": ${why}`;
  return sameWords(status, message) ? status : withCondition(withoutAny(status), newCondition(CONDITION, 'True', 'RolledBack', message, now));
}

/** Why the newest set is not to be kept. */
function failureOf({ plan, found, pods, status }: Situation, { maxRatio }: Settings): string | undefined {
  const progress = conditionOf(status, 'Progressing');
  if (progress?.reason === 'ProgressDeadlineExceeded' && progress.message?.includes(`"${found?.name}"`)) return 'its progress deadline was exceeded';
  const troubles = pods.filter((pod) => !isDeleting(pod)).map(troubleOf).filter((trouble) => trouble !== undefined);
  if (troubles.length === 0 || troubles.length / Math.max(1, plan.replicas) <= maxRatio) return undefined;
  return `${troubles.length} of ${plan.replicas} pods failed (${[...new Set(troubles)].sort().join('; ')})`;
}

const HOPELESS = new Set(['CrashLoopBackOff', 'ImagePullBackOff', 'ErrImageNeverPull', 'InvalidImageName', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

/** What speaks against a pod; that it takes its time does not. */
export function troubleOf({ status }: StoredPod): string | undefined {
  if (status?.phase === 'Failed') return status.reason ?? 'the pod failed';
  for (const { name, state, lastState } of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const waiting = state?.waiting?.reason;
    if (waiting && HOPELESS.has(waiting)) return `container ${name}: ${waiting}`;
    const exitCode = state?.terminated?.exitCode || lastState?.terminated?.exitCode;
    if (exitCode) return `container ${name} ended with exit code ${exitCode}`;
  }
  return undefined;
}

/** Since when all that are wanted have been ready. */
function provenSince(pods: readonly StoredPod[], replicas: number): number | undefined {
  const times = pods.filter((pod) => !isDeleting(pod)).map(readySince);
  if (times.length < replicas || times.includes(undefined)) return undefined;
  return Math.max(0, ...times.map((time) => time ?? 0));
}

/** How long the newest set must stay as large as it is: until all of it has been ready for the delay. */
function delay({ plan, found, old, pods, now }: Situation, delayMs: number): number {
  if (delayMs === 0 || !found?.stored || found.replicas === 0 || old.every(({ replicas }) => replicas === 0)) return 0;
  const alive = pods.filter((pod) => !isDeleting(pod));
  if (alive.length < found.replicas || !alive.every(isReady)) return found.replicas < plan.replicas ? Number.POSITIVE_INFINITY : 0;
  const newest = Math.max(...alive.map((pod) => readySince(pod) ?? 0));
  return Math.max(0, newest + delayMs - now);
}

function settingsOf({ metadata }: StoredDeployment): Settings {
  const { annotations = {} } = metadata;
  const problems: string[] = [];
  const read = <T>(key: string, fallback: T, parse: (text: string) => T | undefined, says: string): T => {
    const text = annotations[key];
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value === undefined) problems.push(`annotation ${key}: ${JSON.stringify(text)} is not ${says}`);
    return value ?? fallback;
  };
  const isOn = read(AUTO_ROLLBACK, false, (text) => (text === 'true' ? true : text === 'false' ? false : undefined), 'true or false');
  const monitorMs = read(MONITOR, DEFAULT_MONITOR_MS, duration, 'a duration like 30s or 5m');
  const maxRatio = read(FAILURE_RATIO, 0, (text) => (/^(0(\.\d+)?|1(\.0+)?)$/.test(text) ? Number(text) : undefined), 'a number from 0 to 1');
  const delayMs = read(UPDATE_DELAY, 0, duration, 'a duration like 30s or 5m');
  return { isOn, monitorMs, maxRatio, delayMs, problem: problems.length > 0 ? problems.join('; ') : undefined };
}

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

function duration(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d+)([smh])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}

function sameWords(status: Status, message: string | undefined): boolean {
  return conditionOf(status, CONDITION)?.message === message;
}

function withoutAny(status: Status): Status {
  return conditionOf(status, CONDITION) ? withoutCondition(status, CONDITION) : status;
}
