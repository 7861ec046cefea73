/** The volume expander: says who is to make a volume larger, since none of those that it could do itself exist any more. */
import { persistentvolumeclaims, persistentvolumes } from '../api/resources.ts';
import { compareQuantities } from '../api/quantity.ts';
import { parseKey } from '../client/cache.ts';
import { event, subject } from './actions.ts';
import { watch, type Controller } from './controller.ts';
import { LOCAL_PATH } from './local-path.ts';
import { PROVISIONED_BY, annotation } from './volumes/claims.ts';
import { amount } from './volumes/match.ts';

/** It remembers for which size of which claim it has said so. */
export function volumeExpanderController(): Controller {
  const said = new Map<string, string>();
  return {
    name: 'persistentvolume-expander-controller',
    account: 'expand-controller',
    component: 'volume_expand',
    watches: [
      watch({ resource: persistentvolumeclaims, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
      watch({ resource: persistentvolumes, keys: () => [] }),
    ],
    reconcile(key, view) {
      const claim = view.of(persistentvolumeclaims).get(parseKey(key));
      const volume = claim?.spec?.volumeName ? view.of(persistentvolumes).get({ name: claim.spec.volumeName }) : undefined;
      const wanted = claim?.spec?.resources?.requests?.['storage'];
      if (!claim || !volume || wanted === undefined || claim.status?.phase !== 'Bound' || volume.spec?.claimRef?.uid !== claim.metadata.uid) {
        said.delete(key);
        return { actions: [] };
      }
      const isLarger = compareQuantities(amount(wanted), amount(claim.status.capacity?.['storage'])) > 0;
      if (!isLarger || annotation(volume, PROVISIONED_BY) === LOCAL_PATH || said.get(key) === wanted) return { actions: [] };
      said.set(key, wanted);
      return { actions: [event(subject(persistentvolumeclaims, claim), 'Normal', 'ExternalExpanding', 'waiting for an external controller to expand this PVC')] };
    },
  };
}
