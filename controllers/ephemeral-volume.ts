/** The ephemeral volume controller: makes the claims of volumes that live as long as their pod. */
import { persistentvolumeclaims, pods } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { create, event, subject } from './actions.ts';
import { watch, type Action, type Controller } from './controller.ts';
import { controllerOf, isDeleting, ownerReference } from './owners.ts';
import { podKey, type StoredPod } from './pods.ts';
import { byClaim } from './volumes/used-by.ts';

/** It remembers what it has said of which pod. */
export function ephemeralVolumeController(): Controller {
  const said = new Map<string, string>();
  return {
    name: 'ephemeral-volume-controller',
    component: 'ephemeral_volume',
    watches: [
      watch({ resource: pods, indexes: { byClaim }, keys: (pod) => (hasEphemeral(pod) ? [podKey(pod)] : []), matters: () => false }),
      // One that somebody deletes is made again while its pod is there.
      watch({ resource: persistentvolumeclaims, keys: ({ metadata }, view) => view.of(pods).by('byClaim', `${metadata.namespace}/${metadata.name}`).filter(hasEphemeral).map(podKey), matters: () => false }),
    ],
    reconcile(key, view) {
      const pod = view.of(pods).get(parseKey(key));
      if (!pod || isDeleting(pod)) {
        said.delete(key);
        return { actions: [] };
      }
      const { namespace, name } = pod.metadata;
      const actions: Action[] = [];
      for (const volume of pod.spec?.volumes ?? []) {
        if (!volume.ephemeral) continue;
        const claimName = `${name}-${volume.name}`;
        const claim = view.of(persistentvolumeclaims).get({ namespace, name: claimName });
        if (!claim) {
          const { metadata, spec } = volume.ephemeral.volumeClaimTemplate ?? { spec: {} };
          const { labels, annotations } = metadata ?? {};
          const owned = { name: claimName, namespace, ...(labels && { labels }), ...(annotations && { annotations }), ownerReferences: [ownerReference(pods, pod)] };
          actions.push(create(persistentvolumeclaims, { metadata: owned, spec }));
        } else if (controllerOf(claim)?.uid !== pod.metadata.uid) {
          const message = `ephemeral volume ${volume.name}: PVC ${namespace}/${claimName} was not created for pod ${namespace}/${name} (pod is not owner)`;
          if (said.get(key) === message) continue;
          said.set(key, message);
          actions.push(event(subject(pods, pod), 'Warning', 'FailedBinding', message));
        }
      }
      return { actions };
    },
    onRefused(key, action, error, view) {
      const pod = view.of(pods).get(parseKey(key));
      if (!pod || action.do !== 'create') return [];
      const { name } = (action.object as { readonly metadata: { readonly name: string } }).metadata;
      return [event(subject(pods, pod), 'Warning', 'FailedBinding', `ephemeral volume ${name.slice(pod.metadata.name.length + 1)}: create PVC ${name}: ${error.message}`)];
    },
  };
}

function hasEphemeral({ spec }: StoredPod): boolean {
  return (spec?.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);
}
