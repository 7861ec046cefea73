/** Marks a pod that is about to be deleted for reasons of the cluster, so that its owner need not count it as its own failure. */
import { pods } from '../api/resources.ts';
import { timeText } from '../client/time.ts';
import { patch } from './actions.ts';
import type { Action } from './controller.ts';
import { podCondition, type StoredPod } from './pods.ts';

export function disruption(pod: StoredPod, reason: string, message: string, now: number, phase?: 'Failed'): Action[] {
  const { generation, uid } = pod.metadata;
  const known = podCondition(pod, 'DisruptionTarget');
  if (known?.status === 'True' && known.reason === reason && !phase) return [];
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: timeText(now), ...(generation !== undefined && { observedGeneration: generation }) };
  const status = { ...(phase && { phase }), ...(phase && generation !== undefined && { observedGeneration: generation }), conditions: [condition] };
  return [patch(pods, pod.metadata, { metadata: { uid }, status }, 'status')];
}
