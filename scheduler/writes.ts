/** What the scheduler writes: bindings, the reasons why pods wait, nominations, and the deletion of pods that make room. */
import { pods } from '../api/resources.ts';
import { isReason } from '../api/status.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Client, Stored } from '../client/client.ts';
import type { Recorder } from '../client/events.ts';
import { timeText } from '../client/time.ts';
import type { Clock } from '../std/clock.ts';

export interface WriteTools {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: Recorder;
}

/** `unknown`: no answer came, and asking did not help. */
export type BindOutcome =
  | { readonly state: 'bound'; readonly node: string }
  | { readonly state: 'gone' }
  | { readonly state: 'refused' | 'unknown'; readonly message: string };

/** Never throws. After a failure it asks where the pod is: the answer alone may have been lost. */
export async function bind({ client }: Pick<WriteTools, 'client'>, pod: Stored<Pod>, node: string): Promise<BindOutcome> {
  const { namespace, name, uid } = pod.metadata;
  const body = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name, uid }, target: { kind: 'Node', name: node } };
  try {
    await client.post(pods, { namespace, name }, 'binding', body);
    return { state: 'bound', node };
  } catch (failure) {
    if (isReason(failure, 'NotFound')) return { state: 'gone' };
    const message = `running Bind plugin "DefaultBinder": ${(failure as Error).message}`;
    try {
      const current = await client.get(pods, { namespace, name });
      if (current.metadata.uid !== uid) return { state: 'gone' };
      return current.spec.nodeName ? { state: 'bound', node: current.spec.nodeName } : { state: 'refused', message };
    } catch (second) {
      return isReason(second, 'NotFound') ? { state: 'gone' } : { state: 'unknown', message };
    }
  }
}

/** Events say at most so much. */
const NOTE_LIMIT = 1024;
const ELLIPSIS = ' ...';

export function say(recorder: Recorder, pod: Stored<Pod>, what: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly action: string; readonly message: string }): void {
  const { namespace, name, uid, resourceVersion } = pod.metadata;
  const message = what.message.length <= NOTE_LIMIT ? what.message : what.message.slice(0, NOTE_LIMIT - ELLIPSIS.length) + ELLIPSIS;
  recorder.record({ about: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, resourceVersion }, ...what, message });
}

export interface Waiting {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  /** The node that is being cleared for it; '' withdraws what was written before; undefined leaves it. */
  readonly nominated?: string;
}

/** Writes why a pod waits, where that is not what its status says already. */
export async function explainWaiting({ client, clock }: Pick<WriteTools, 'client' | 'clock'>, pod: Stored<Pod>, { reason, message, nominated }: Waiting): Promise<void> {
  const condition = newCondition(pod, { type: 'PodScheduled', status: 'False', reason, message }, clock.now());
  const news = nominated !== undefined && nominated !== (pod.status?.nominatedNodeName ?? '');
  if (!condition && !news) return;
  const status = { ...(condition && { conditions: [condition] }), ...(news && { nominatedNodeName: nominated || null }) };
  await patchStatus(client, pod, status);
}

/** Tells where the pod goes while something is to be done before it is bound. */
export async function announce({ client }: Pick<WriteTools, 'client'>, pod: Stored<Pod>, node: string): Promise<void> {
  if (pod.status?.nominatedNodeName !== node) await patchStatus(client, pod, { nominatedNodeName: node });
}

export async function withdrawNomination({ client }: Pick<WriteTools, 'client'>, pod: Stored<Pod>): Promise<void> {
  if (pod.status?.nominatedNodeName) await patchStatus(client, pod, { nominatedNodeName: null });
}

/** Marks a pod as disrupted and deletes it, so that `preemptor` finds room. One that is gone already is success. */
export async function evict(tools: WriteTools, victim: Stored<Pod>, preemptor: Stored<Pod>, node: string): Promise<void> {
  const { client, clock } = tools;
  const { namespace, name, uid } = victim.metadata;
  const message = `${preemptor.spec.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`;
  const condition = newCondition(victim, { type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message }, clock.now());
  try {
    if (condition) await patchStatus(client, victim, { conditions: [condition] });
    await client.delete(pods, { namespace, name }, { preconditions: { uid } });
  } catch (error) {
    if (isReason(error, 'NotFound')) return;
    throw error;
  }
  say(tools.recorder, victim, { type: 'Normal', reason: 'Preempted', action: 'Preempting', message: `Preempted by pod ${preemptor.metadata.uid} on node ${node}` });
}

interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** Undefined where the pod has it already. The time of transition moves only with the status. */
function newCondition(pod: Stored<Pod>, condition: Condition, now: number): object | undefined {
  const known = pod.status?.conditions?.find(({ type }) => type === condition.type);
  const { status, reason, message } = condition;
  if (known?.status === status && known.reason === reason && known.message === message) return undefined;
  const lastTransitionTime = known?.status === status && known.lastTransitionTime ? known.lastTransitionTime : timeText(now);
  const { generation } = pod.metadata;
  return { ...condition, lastProbeTime: null, lastTransitionTime, ...(generation && { observedGeneration: generation }) };
}

async function patchStatus(client: Client, { metadata: { namespace, name, uid } }: Stored<Pod>, status: object): Promise<void> {
  await client.patch(pods, { namespace, name }, { type: 'application/strategic-merge-patch+json', body: { metadata: { uid }, status } }, { subresource: 'status' });
}
