/** Claims and volumes in use stay until they are not: the controllers behind the protection finalizers. */
import { persistentvolumeclaims, persistentvolumes, pods, type ResourceRef } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { update } from './actions.ts';
import { watch, type Action, type Controller } from './controller.ts';
import { isDeleting } from './owners.ts';
import { isDone } from './pods.ts';
import { byClaim } from './volumes/used-by.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
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
    const used = view.of(pods).by('byClaim', key).some((pod) => pod.spec?.nodeName !== undefined);
    return { actions: claim ? guard(persistentvolumeclaims as ResourceRef<unknown>, claim, CLAIM_FINALIZER, used) : [] };
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

function guard(resource: ResourceRef<unknown>, object: Stored<unknown>, finalizer: string, used: boolean): Action[] {
  const { finalizers = [] } = object.metadata as { readonly finalizers?: readonly string[] };
  const has = finalizers.includes(finalizer);
  const wants = isDeleting(object) ? has && used : true;
  if (has === wants) return [];
  const next = wants ? [...finalizers, finalizer] : finalizers.filter((other) => other !== finalizer);
  return [update(resource, { ...object, metadata: { ...object.metadata, finalizers: next } })];
}
