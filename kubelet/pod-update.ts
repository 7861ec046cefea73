/** Which updates of a pod the kubelet has to look at: most are its own words coming back. */
import { deepEqual } from '../std/deep.ts';
import { type PodObject, type PodStatusObject, isTerminalPhase } from './pod.ts';
import { KUBELET_CONDITIONS } from './status-conditions.ts';

/** Whether an update says anything that we did not write ourselves. */
export function isMaterial(before: PodObject, now: PodObject, written: PodStatusObject): boolean {
  const told = ({ metadata }: PodObject): object => ({ ...metadata, resourceVersion: '', managedFields: undefined });
  const foreign = ({ status }: PodObject): object => (status?.conditions ?? []).filter(({ type }) => !KUBELET_CONDITIONS.includes(type));
  return !deepEqual(before.spec, now.spec) || !deepEqual(told(before), told(now)) || !deepEqual(foreign(before), foreign(now)) || (isTerminalPhase(now.status?.phase) && now.status?.phase !== written.phase);
}
