/** The device taint eviction controller: pods give up devices whose NoExecute taints their claims do not tolerate, or no longer. */
import { pods, resourceclaims, resourceslices } from '../api/resources.ts';
import { tolerates } from '../api/tolerates.ts';
import type { DeviceTaint, DeviceToleration, ResourceClaim } from '../api/types/resource.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { timeMs } from '../client/time.ts';
import type { DeepReadonly } from '../std/deep.ts';
import { event, remove } from './actions.ts';
import { watch, type Controller, type Key, type View } from './controller.ts';
import { disruption } from './disruption-target.ts';
import { isDeleting } from './owners.ts';
import { isDone } from './pods.ts';

type StoredClaim = Stored<ResourceClaim>;
type Taint = DeepReadonly<DeviceTaint>;
type Toleration = DeepReadonly<DeviceToleration>;

/** It remembers since when a pod has been living on borrowed time. */
export function deviceTaintEvictionController(): Controller {
  const since = new Map<Key, number>();
  return {
    name: 'device-taint-eviction-controller',
    watches: [
      watch({ resource: resourceclaims, indexes: { byConsumer }, keys: byConsumer }),
      watch({ resource: resourceslices, indexes: { byDevice: ({ spec }) => (spec.devices ?? []).map(({ name }) => `${spec.driver}/${spec.pool.name}/${name}`) }, keys: (_, view) => view.of(resourceclaims).list().flatMap(byConsumer) }),
      watch({ resource: pods, keys: (pod) => ((pod.spec?.resourceClaims ?? []).length > 0 ? [`${pod.metadata.namespace}/${pod.metadata.name}`] : []), matters: (a, b) => isDone(a) !== isDone(b) || isDeleting(a) !== isDeleting(b) || a.spec?.nodeName !== b.spec?.nodeName }),
    ],
    reconcile(key, view, { now }) {
      const pod = view.of(pods).get(parseKey(key));
      const about = { apiVersion: 'v1', kind: 'Pod', uid: pod?.metadata.uid ?? '', namespace: '', ...parseKey(key) };
      const end = pod && pod.spec?.nodeName && !isDone(pod) && !isDeleting(pod) ? endOf(key, pod.metadata.uid, view, since.get(key) ?? now) : undefined;
      if (!pod || end === undefined) {
        const cancelled = since.delete(key) && pod !== undefined && !isDeleting(pod);
        return { actions: cancelled ? [event(about, 'Normal', 'DeviceTaintManagerEviction', 'Cancelling deletion')] : [] };
      }
      if (!since.has(key)) since.set(key, now);
      if (now < end) return { actions: [], requeueAfterMs: end - now };
      const marked = disruption(pod, 'DeletionByDeviceTaintManager', 'Device Taint manager: deleting due to NoExecute taint', now);
      return { actions: [...marked, event(about, 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion'), remove(pods, pod)] };
    },
  };
}

/** Index and keys: the pods that a claim is reserved for. */
function byConsumer({ metadata, status }: StoredClaim): readonly string[] {
  return (status?.reservedFor ?? []).filter(({ apiGroup, resource }) => !apiGroup && resource === 'pods').map(({ name }) => `${metadata.namespace}/${name}`);
}

/** When the pod has to go; undefined: never. */
function endOf(key: Key, uid: string, view: View, seen: number): number | undefined {
  const claims = view.of(resourceclaims).by('byConsumer', key).filter(({ status }) => status?.reservedFor?.some((one) => one.uid === uid));
  const ends = claims.flatMap(({ status }) => (status?.allocation?.devices?.results ?? []).flatMap(({ driver, pool, device, tolerations = [] }) => {
    const taints = taintsOf(view, { driver, pool, device });
    return taints.flatMap((taint) => {
      const allowed = toleratedMs(tolerations, taint);
      return allowed === undefined ? [] : [(taint.timeAdded ? timeMs(taint.timeAdded) : seen) + allowed];
    });
  }));
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** Of the device in the newest generation of its pool. */
function taintsOf(view: View, { driver, pool, device }: { readonly driver: string; readonly pool: string; readonly device: string }): readonly Taint[] {
  const slices = view.of(resourceslices).by('byDevice', `${driver}/${pool}/${device}`).toSorted((a, b) => b.spec.pool.generation - a.spec.pool.generation);
  return (slices[0]?.spec.devices?.find(({ name }) => name === device)?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/** Undefined: for ever. */
function toleratedMs(tolerations: readonly Toleration[], taint: Taint): number | undefined {
  // One for all effects lets a pod have the device, and does not keep it there: upstream's too.
  const matching = tolerations.filter((toleration) => toleration.effect === 'NoExecute' && tolerates(toleration, taint));
  if (matching.length === 0) return 0;
  const limits = matching.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [Math.max(0, tolerationSeconds)]));
  return limits.length < matching.length ? undefined : Math.min(...limits) * 1000;
}
