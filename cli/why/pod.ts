/** Why a pod is not running, not placed or not ready. */
import type { Pod } from '../../api/types/core.v1.ts';
import type { Stored } from '../../client/client.ts';
import { whyNotRunning } from './containers.ts';
import type { Finding } from './finding.ts';
import type { Picture } from './picture.ts';
import { whyNotPlaced } from './placement.ts';

export function whyPod(picture: Picture, pod: Stored<Pod>): Finding {
  const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return pod.spec.nodeName || pod.metadata.deletionTimestamp || isOver ? whyNotRunning(picture, pod) : whyNotPlaced(picture, pod);
}

export function isReady({ status }: Stored<Pod>): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

/** One finding for pods that suffer from the same, with one of them as the example. */
export function whyPods(picture: Picture, pods: readonly Stored<Pod>[]): Finding[] {
  const groups = new Map<string, { readonly finding: Finding; more: number }>();
  for (const pod of pods) {
    const finding = whyPod(picture, pod);
    const kind = JSON.stringify(finding).replaceAll(new RegExp(`(?<![\\w-])${pod.metadata.name.replaceAll('.', '\\.')}(?![\\w-])`, 'g'), '*');
    const group = groups.get(kind);
    if (group) group.more++;
    else groups.set(kind, { finding, more: 0 });
  }
  return [...groups.values()].map(({ finding, more }) => (more > 0 ? { ...finding, says: finding.says.replace(/^Pod \S+/, (name) => `${name} (and ${more} more like it)`) } : finding));
}
