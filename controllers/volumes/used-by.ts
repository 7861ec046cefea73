/** Index and keys: the claims that a pod uses; an ephemeral volume's claim is named after both. */
import type { StoredPod } from '../pods.ts';

export function byClaim(pod: StoredPod): readonly string[] {
  const { namespace, name } = pod.metadata;
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim) return [`${namespace}/${volume.persistentVolumeClaim.claimName}`];
    return volume.ephemeral ? [`${namespace}/${name}-${volume.name}`] : [];
  });
}
