/** Whether a pod is one that the node must not do without: of a priority that only the system gives, or made from a file of the node. Pure. */
import type { PodObject } from '../pod.ts';

const SYSTEM_PRIORITY = 2_000_000_000;
const MIRROR = 'kubernetes.io/config.mirror';
const SOURCE = 'kubernetes.io/config.source';

export function isCritical({ metadata: { annotations = {} }, spec: { priority } }: PodObject): boolean {
  const source = annotations[SOURCE];
  return (source !== undefined && source !== 'api') || annotations[MIRROR] !== undefined || (priority ?? 0) >= SYSTEM_PRIORITY;
}
