/** The claims that a pod uses. */
import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';

/** By name, with those made for it. */
export function claimsOf({ metadata, spec }: Stored<Pod>): { readonly name: string; readonly ephemeral: boolean }[] {
  return (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }): { name: string; ephemeral: boolean }[] => {
    if (persistentVolumeClaim) return [{ name: persistentVolumeClaim.claimName, ephemeral: false }];
    return ephemeral ? [{ name: `${metadata.name}-${name}`, ephemeral: true }] : [];
  });
}
