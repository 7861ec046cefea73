/** Claims and volumes in use stay until they are not: the controllers behind the protection finalizers. */
import { persistentvolumeclaims, persistentvolumes, pods, volumeattributesclasses, type ResourceRef } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { confirm, update } from './actions.ts';
import { watch, type Action, type Controller } from './controller.ts';
import { isDeleting } from './owners.ts';
import { isDone, type StoredPod } from './pods.ts';
import type { StoredClaim, StoredVolume } from './volumes/claims.ts';
import { byClaim } from './volumes/used-by.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const ATTRIBUTES_FINALIZER = 'kubernetes.io/vac-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';

export const claimProtectionController: Controller = {
  name: 'persistentvolumeclaim-protection-controller',
  account: 'pvc-protection-controller',
  watches: [
    watch({ resource: persistentvolumeclaims, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
    watch({ resource: pods, indexes: { byClaim }, keys: byClaim, matters: (a, b) => isDone(a) !== isDone(b) || a.spec?.nodeName !== b.spec?.nodeName }),
  ],
  reconcile(key, view) {
    const claim = view.of(persistentvolumeclaims).get(parseKey(key));
    // A pod that is on no node yet will not be started with a claim that is being deleted.
    const isUser = (pod: StoredPod): boolean => pod.spec?.nodeName !== undefined && byClaim(pod).includes(key);
    const used = view.of(pods).by('byClaim', key).some(isUser);
    const actions = claim ? guard(persistentvolumeclaims as ResourceRef<unknown>, claim, CLAIM_FINALIZER, used) : [];
    if (!claim || !isDeleting(claim) || actions.length === 0) return { actions };
    return { actions: [confirm(pods, claim.metadata.namespace, (all) => !all.some(isUser), `claim ${key} is used by a pod that was not known of`), ...actions] };
  },
};

export const volumeProtectionController: Controller = {
  name: 'persistentvolume-protection-controller',
  account: 'pv-protection-controller',
  watches: [watch({ resource: persistentvolumes, keys: ({ metadata }) => [metadata.name] })],
  reconcile(name, view) {
    const volume = view.of(persistentvolumes).get({ name });
    return { actions: volume ? guard(persistentvolumes as ResourceRef<unknown>, volume, VOLUME_FINALIZER, volume.status?.phase === 'Bound') : [] };
  },
};

/** A class of attributes is in use while a claim asks for it or has it, or a volume has it. */
export const attributesClassProtectionController: Controller = {
  name: 'volumeattributesclass-protection-controller',
  watches: [
    watch({ resource: volumeattributesclasses, keys: ({ metadata }) => [metadata.name] }),
    watch({ resource: persistentvolumeclaims, indexes: { byAttributesClass: attributesOfClaim }, keys: attributesOfClaim }),
    watch({ resource: persistentvolumes, indexes: { byAttributesClassOfVolume: attributesOfVolume }, keys: attributesOfVolume }),
  ],
  reconcile(name, view) {
    const found = view.of(volumeattributesclasses).get({ name });
    const used = view.of(persistentvolumeclaims).by('byAttributesClass', name).length + view.of(persistentvolumes).by('byAttributesClassOfVolume', name).length > 0;
    return { actions: found ? guard(volumeattributesclasses as ResourceRef<unknown>, found, ATTRIBUTES_FINALIZER, used) : [] };
  },
};

function attributesOfClaim({ spec, status }: StoredClaim): readonly string[] {
  const names = [spec?.volumeAttributesClassName, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus?.targetVolumeAttributesClassName];
  return [...new Set(names.filter((name) => name !== undefined && name !== ''))] as string[];
}

function attributesOfVolume({ spec }: StoredVolume): readonly string[] {
  return spec?.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}

function guard(resource: ResourceRef<unknown>, object: Stored<unknown>, finalizer: string, used: boolean): Action[] {
  const { finalizers = [] } = object.metadata as { readonly finalizers?: readonly string[] };
  const has = finalizers.includes(finalizer);
  const wants = isDeleting(object) ? has && used : true;
  if (has === wants) return [];
  const next = wants ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer);
  return [update(resource, { ...object, metadata: { ...object.metadata, finalizers: next } })];
}
