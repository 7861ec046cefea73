/** Whether and when a container that has ended is started again. */
import type { PodObject, Spec } from './pod.ts';

/** Rules first, then the container's own policy, then the pod's. */
export function restartsAfter(container: Spec, pod: PodObject, exitCode: number): boolean {
  if (container.restartPolicy !== undefined) {
    if (matchingRule(container, exitCode) === 'Restart') return true;
    return byPolicy(container.restartPolicy, exitCode);
  }
  return byPolicy(pod.spec.restartPolicy ?? 'Always', exitCode);
}

/** The action of the first rule that the exit code satisfies. */
function matchingRule(container: Spec, exitCode: number): string | undefined {
  const rule = (container.restartPolicyRules ?? []).find(({ exitCodes }) => {
    if (!exitCodes) return false;
    const listed = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === 'In' ? listed : exitCodes.operator === 'NotIn' ? !listed : false;
  });
  return rule?.action;
}

function byPolicy(policy: string, exitCode: number): boolean {
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

export interface Backoff {
  readonly delayMs: number;
  readonly updatedAt: number;
}

export const RESTART_BACKOFF = { baseMs: 10_000, limitMs: 300_000 };

/** Milliseconds until the container may be started; it ended at `finishedAt`. */
export function waitBeforeRestart(backoff: Backoff | undefined, finishedAt: number, now: number): number {
  if (!backoff || isOver(backoff, finishedAt)) return 0;
  return Math.max(0, finishedAt + backoff.delayMs - now);
}

/** What the next failure will have to wait. A container that ran well for twice the limit starts anew. */
export function nextBackoff(backoff: Backoff | undefined, finishedAt: number, now: number): Backoff {
  const { baseMs, limitMs } = RESTART_BACKOFF;
  if (!backoff || isOver(backoff, finishedAt)) return { delayMs: baseMs, updatedAt: now };
  return { delayMs: Math.min(limitMs, backoff.delayMs * 2), updatedAt: now };
}

function isOver(backoff: Backoff, finishedAt: number): boolean {
  return finishedAt - backoff.updatedAt > 2 * RESTART_BACKOFF.limitMs;
}

/** A duration as Go prints it: `10s`, `1m20s`, `5m0s`, `1.5s`, `250ms`. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${trimmed(ms)}ms`;
  const seconds = ms / 1000;
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${trimmed(seconds - hours * 3600 - minutes * 60)}s`;
  return hours > 0 ? `${hours}h${minutes}m${rest}` : minutes > 0 ? `${minutes}m${rest}` : rest;
}

function trimmed(value: number): string {
  return String(Number(value.toFixed(6)));
}
