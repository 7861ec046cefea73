/** Which volumes are to be attached to which nodes, and what they are called there. Pure but for the digest that names an attachment. */
import { createHash } from 'node:crypto';
import { csidrivers, nodes, persistentvolumeclaims, persistentvolumes, pods } from '../../api/resources.ts';
import type { VolumeAttachment } from '../../api/types/storage.v1.ts';
import type { Stored } from '../../client/client.ts';
import type { View } from '../controller.ts';
import type { StoredNode } from '../node/taints.ts';
import { byNode, isDone, type StoredPod } from '../pods.ts';
import { isFor, type StoredVolume } from './claims.ts';
import { byClaim } from './used-by.ts';

export type StoredAttachment = Stored<VolumeAttachment>;

/** Its kubelet leaves attaching to the controllers. */
const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach';

export function isManaged(node: StoredNode): boolean {
  return node.metadata.annotations?.[MANAGED] === 'true';
}

/** As nodes list it; undefined where nothing is attached. */
export function uniqueName({ spec }: StoredVolume): string | undefined {
  return spec?.csi && `kubernetes.io/csi/${spec.csi.driver}^${spec.csi.volumeHandle}`;
}

export function attachmentName({ spec }: StoredVolume, node: string): string {
  return `csi-${createHash('sha256').update(`${spec?.csi?.volumeHandle}${spec?.csi?.driver}${node}`).digest('hex')}`;
}

/** Whether its driver wants it attached: those that say nothing do. */
export function isAttachable({ spec }: StoredVolume, view: View): boolean {
  return spec?.csi !== undefined && view.of(csidrivers).get({ name: spec.csi.driver })?.spec.attachRequired !== false;
}

/** Whether several nodes may have it at once. */
export function isShared({ spec }: StoredVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length === 0 || modes.includes('ReadWriteMany') || modes.includes('ReadOnlyMany');
}

/** The pods that need a volume, by the node that is to have it. */
export function wantedOn(volume: StoredVolume, view: View): ReadonlyMap<string, readonly StoredPod[]> {
  const wanted = new Map<string, StoredPod[]>();
  const { namespace, name } = volume.spec?.claimRef ?? {};
  if (!name || !isAttachable(volume, view)) return wanted;
  const claim = view.of(persistentvolumeclaims).get({ namespace: namespace ?? '', name });
  if (!claim || claim.status?.phase !== 'Bound' || claim.spec?.volumeName !== volume.metadata.name || !isFor(volume, claim)) return wanted;
  for (const pod of view.of(pods).by('byClaim', `${namespace}/${name}`)) {
    const node = pod.spec?.nodeName;
    const known = node && !isDone(pod) ? view.of(nodes).get({ name: node }) : undefined;
    if (!node || !known || !isManaged(known)) continue;
    wanted.set(node, [...(wanted.get(node) ?? []), pod]);
  }
  return wanted;
}

/** The volumes that the pods of a node use. */
export function volumesOn(node: string, view: View): readonly StoredVolume[] {
  const claims = new Set(view.of(pods).by('byNode', node).flatMap(byClaim));
  return [...claims].flatMap((key) => {
    const [namespace = '', name = ''] = key.split('/');
    const volume = view.of(persistentvolumeclaims).get({ namespace, name })?.spec?.volumeName;
    return (volume && view.of(persistentvolumes).get({ name: volume })) || [];
  });
}

export const POD_INDEXES = { byClaim, byNode };
