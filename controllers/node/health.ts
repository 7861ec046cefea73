/** Whether a node is still heard of, and what is said of it when it is not. */
import type { NodeCondition } from '../../api/types/core.v1.ts';
import { timeMs, timeText } from '../../client/time.ts';
import type { DeepReadonly } from '../../std/deep.ts';
import type { StoredNode } from './taints.ts';

/**
 * When each node's last sign of life arrived here, by this process's own clock: nodes' clocks are not trusted.
 * Bounded by the nodes there are: those that go are forgotten.
 */
export class Heartbeats {
  readonly #seen = new Map<string, { sign: string; at: number; goneSince?: number }>();

  /** Notes the signs of life, and says when the last new one arrived. */
  observe(node: StoredNode, renewTime: string | undefined, now: number): { readonly at: number; readonly isNew: boolean } {
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    const sign = `${node.metadata.uid} ${renewTime ?? ''} ${ready?.lastHeartbeatTime ?? ''}`;
    const known = this.#seen.get(node.metadata.name);
    if (!known || !known.sign.startsWith(node.metadata.uid)) {
      // One that never said anything is counted from its creation.
      const at = ready ? now : Math.min(now, timeMs(node.metadata.creationTimestamp));
      this.#seen.set(node.metadata.name, { sign, at });
      // Who is made anew before anybody looked has never been away.
      return { at, isNew: !known };
    }
    if (known.sign !== sign) known.at = now;
    known.sign = sign;
    return { at: known.at, isNew: false };
  }

  /** A node that is not there: the uid that it had once it has been away for so long, or how long until then; nothing where it was not known. */
  missed(name: string, now: number, patienceMs: number): { readonly uid: string } | { readonly leftMs: number } | undefined {
    const known = this.#seen.get(name);
    if (!known) return undefined;
    const leftMs = (known.goneSince ??= now) + patienceMs - now;
    if (leftMs > 0) return { leftMs };
    this.#seen.delete(name);
    return { uid: known.sign.split(' ')[0] as string };
  }
}

const REPORTED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

/** The conditions of a node that has fallen silent; undefined where they say so already. */
export function silentConditions(node: StoredNode, now: number): DeepReadonly<NodeCondition>[] | undefined {
  const known = node.status?.conditions ?? [];
  const at = timeText(now);
  let changed = false;
  const next = known.map((condition) => {
    if (!REPORTED.includes(condition.type) || condition.status === 'Unknown') return condition;
    changed = true;
    return { ...condition, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: at };
  });
  for (const type of REPORTED) {
    if (known.some((condition) => condition.type === type)) continue;
    changed = true;
    next.push({ type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime: at });
  }
  return changed ? next : undefined;
}
