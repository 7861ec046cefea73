/** The taint eviction controller: pods leave a node whose NoExecute taints they do not tolerate, or no longer. */
import { nodes, pods } from '../api/resources.ts';
import { parseKey } from '../client/cache.ts';
import { deepEqual } from '../std/deep.ts';
import { event, remove } from './actions.ts';
import { watch, type Controller, type Key } from './controller.ts';
import { disruption } from './disruption-target.ts';
import { taintsOf, toleratedMs, type StoredNode } from './node/taints.ts';
import { isDeleting } from './owners.ts';
import { byNode, podKey } from './pods.ts';

/** It remembers when the borrowed time of a pod ends; further taints do not move that, as upstream, unless they are not borne at all. */
export function taintEvictionController(): Controller {
  const ends = new Map<Key, number>();
  return {
    name: 'taint-eviction-controller',
    account: 'node-controller',
    component: 'taint-eviction-controller',
    watches: [
      watch({ resource: pods, indexes: { byNode }, keys: (pod) => [podKey(pod)], matters: (a, b) => a.spec?.nodeName !== b.spec?.nodeName || !deepEqual(a.spec?.tolerations, b.spec?.tolerations) || isDeleting(a) !== isDeleting(b) }),
      watch({ resource: nodes, keys: (node, view) => view.of(pods).by('byNode', node.metadata.name).map(podKey), matters: (a, b) => !deepEqual(noExecute(a), noExecute(b)) }),
    ],
    reconcile(key, view, { now }) {
      const pod = view.of(pods).get(parseKey(key));
      const node = pod?.spec?.nodeName ? view.of(nodes).get({ name: pod.spec.nodeName }) : undefined;
      const allowed = pod && node && !isDeleting(pod) ? allowedMs(pod.spec?.tolerations ?? [], node) : undefined;
      const about = { apiVersion: 'v1', kind: 'Pod', uid: '', namespace: '', ...parseKey(key) };
      if (!pod || allowed === undefined) {
        const cancelled = ends.delete(key) && pod && !isDeleting(pod);
        return { actions: cancelled ? [event(about, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)] : [] };
      }
      const known = ends.get(key);
      const end = allowed === 0 ? now : (known ?? now + allowed);
      ends.set(key, end);
      if (now < end) return { actions: [], requeueAfterMs: end - now };
      const marked = disruption(pod, 'DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint', now);
      // What was to happen later is called off before it happens now.
      const calledOff = known !== undefined && known > now ? [event(about, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${key}`)] : [];
      return { actions: [...calledOff, ...marked, event(about, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`), remove(pods, pod)] };
    },
  };
}

type Tolerations = Parameters<typeof toleratedMs>[0];

/** Undefined: for ever. */
function allowedMs(tolerations: Tolerations, node: StoredNode): number | undefined {
  const taints = noExecute(node);
  return taints.length === 0 ? undefined : toleratedMs(tolerations, taints);
}

function noExecute(node: StoredNode): Parameters<typeof toleratedMs>[1] {
  return taintsOf(node).filter(({ effect }) => effect === 'NoExecute').map(({ key, value, effect }) => ({ key, effect, ...(value !== undefined && { value }) }));
}

