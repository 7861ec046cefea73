/** `/runningpods/`: what runs on this node, as the runtime tells it. Pure. */
import type { PodObject, PodRuntime } from '../pod.ts';

export function runningPods(pods: readonly PodObject[], seen: (uid: string) => PodRuntime): readonly object[] {
  return pods.flatMap(({ metadata: { name, namespace, uid } }) => {
    const { sandboxes, containers } = seen(uid);
    const running = containers.filter(({ state }) => state === 'running');
    if (running.length === 0 && !sandboxes.some(({ state }) => state === 'ready')) return [];
    const specs = running.map(({ name: container, imageId }) => ({ name: container, image: imageId, resources: {} }));
    return [{ metadata: { name, namespace, uid }, spec: { containers: specs }, status: {} }];
  });
}
