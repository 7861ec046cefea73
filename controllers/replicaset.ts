/** The ReplicaSet controller: as many pods as asked for. */
import { pods, replicasets, type ResourceRef } from '../api/resources.ts';
import { matchesLabels, selectLabels, type Selector } from '../api/selectors.ts';
import type { ReplicaSet, ReplicaSetStatus } from '../api/types/apps.v1.ts';
import type { PodTemplateSpec } from '../api/types/core.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { timeText } from '../client/time.ts';
import { deepEqual, type DeepReadonly } from '../std/deep.ts';
import { create, event, remove, subject, together, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { deletionOrder } from './deletion-order.ts';
import { byOwner, claim, controllerKeys, controllerOf, isDeleting, ownerReference, orphansOf, selectorOf } from './owners.ts';
import { isActive, isAvailable, isReady, isTerminating, nextAvailability, podFromTemplate, type StoredPod } from './pods.ts';

type Set = Stored<ReplicaSet>;

/** So many pods at a time; the rest follows when these have been seen. */
const BURST = 500;

export const replicaSetController: Controller = {
  name: 'replicaset-controller',
  watches: [
    watch({ resource: replicasets, indexes: { byOwner }, keys: (set) => [`${set.metadata.namespace}/${set.metadata.name}`] }),
    watch({ resource: pods, indexes: { byOwner }, keys: podKeys }),
  ],
  reconcile,
  onRefused,
};

/** A pod without a controller concerns every set that would have it. */
function podKeys(pod: StoredPod, view: View): string[] {
  if (controllerOf(pod)) return controllerKeys('ReplicaSet', pod);
  return view.of(replicasets).list(pod.metadata.namespace)
    .filter((set) => !controllerless(set) && matchesLabels(selectorOf(set.spec.selector), pod.metadata.labels))
    .map((set) => `${set.metadata.namespace}/${set.metadata.name}`);
}

function controllerless(set: Set): boolean {
  return Object.keys(set.spec.selector.matchLabels ?? {}).length === 0 && (set.spec.selector.matchExpressions ?? []).length === 0;
}

function reconcile(key: Key, view: View, moment: Moment): Outcome {
  const set = view.of(replicasets).get(parseKey(key));
  if (!set) return { actions: [] };
  const { selector, mine, terminating, claims } = claimed(set, view);
  const changes = isDeleting(set) ? [] : manage(set, mine, view, moment);
  const status = statusOf(set, { mine, terminating: terminating.filter((pod) => matchesLabels(selector, pod.metadata.labels)), now: moment.now });
  const actions = [...claims, ...changes, ...writeStatus(set, status)];
  const { minReadySeconds = 0 } = set.spec;
  const wait = minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas ? nextAvailability(mine, minReadySeconds, moment.now) : undefined;
  return { actions, ...(wait !== undefined && { requeueAfterMs: wait + 1 }) };
}

function claimed(set: Set, view: View): { readonly selector: Selector; readonly mine: readonly StoredPod[]; readonly terminating: readonly StoredPod[]; readonly claims: readonly Action[] } {
  const cache = view.of(pods);
  const selector = selectorOf(set.spec.selector);
  const own = cache.by('byOwner', set.metadata.uid);
  const candidates = [...own, ...cache.by('byOwner', orphansOf(set.metadata.namespace))].filter(isActive);
  const ownerResource = replicasets as ResourceRef<unknown>;
  const { mine, actions } = claim({ resource: pods, ownerResource, owner: set, selector, candidates });
  return { selector, mine, terminating: own.filter(isTerminating), claims: actions };
}

function manage(set: Set, mine: readonly StoredPod[], view: View, { now, random }: Moment): Action[] {
  const about = subject(replicasets, set);
  const missing = (set.spec.replicas ?? 1) - mine.length;
  if (missing > 0) {
    const owner = ownerReference(replicasets, set);
    const template = set.spec.template ?? {};
    return together(Array.from({ length: Math.min(missing, BURST) }, () => {
      const pod = podFromTemplate(template as DeepReadonly<PodTemplateSpec>, { namespace: set.metadata.namespace, owner, random });
      return [create(pods, pod), event(about, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)];
    }));
  }
  const surplus = Math.min(-missing, BURST);
  const victims = deletionOrder(mine, related(set, view), now).slice(0, surplus);
  return together(victims.map((pod) => [remove(pods, pod), event(about, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)]));
}

/** The pods of all sets of the same Deployment. */
function related(set: Set, view: View): StoredPod[] {
  const owner = controllerOf(set);
  const sets = owner ? view.of(replicasets).by('byOwner', owner.uid) : [set];
  return sets.flatMap(({ metadata }) => view.of(pods).by('byOwner', metadata.uid));
}

function statusOf(set: Set, { mine, terminating, now }: { readonly mine: readonly StoredPod[]; readonly terminating: readonly StoredPod[]; readonly now: number }): ReplicaSetStatus {
  const template = selectLabels(set.spec.template?.metadata?.labels);
  const ready = mine.filter(isReady);
  const conditions = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  return {
    replicas: mine.length,
    fullyLabeledReplicas: mine.filter((pod) => matchesLabels(template, pod.metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length,
    terminatingReplicas: terminating.length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions: conditions.map((condition) => ({ ...condition })) }),
  };
}

function writeStatus(set: Set, status: ReplicaSetStatus): Action[] {
  return sameStatus(set.status, status) ? [] : [update(replicasets, { ...set, status }, 'status')];
}

/** Zeros are left out of what the server stores, but for `replicas` and pointers. */
function sameStatus(known: Set['status'], next: ReplicaSetStatus): boolean {
  const zeros = { replicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0, observedGeneration: 0 };
  return deepEqual({ ...zeros, ...known }, { ...zeros, ...next });
}

/** A pod could not be made or removed: say so, and note it in the status beside what there is. */
function onRefused(key: Key, action: Action, error: Error, view: View, { now }: Moment): readonly Action[] {
  const set = view.of(replicasets).get(parseKey(key));
  if (!set || (action.do !== 'create' && action.do !== 'delete')) return [];
  const [reason, text] = action.do === 'create' ? ['FailedCreate', 'Error creating'] : ['FailedDelete', 'Error deleting'];
  const said = event(subject(replicasets, set), 'Warning', reason, `${text}: ${error.message}`);
  const { selector, mine, terminating } = claimed(set, view);
  const status = statusOf(set, { mine, terminating: terminating.filter((pod) => matchesLabels(selector, pod.metadata.labels)), now });
  const known = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const message = action.do === 'create' ? error.message : `unable to delete pods: ${error.message}`;
  const condition = known ?? { type: 'ReplicaFailure', status: 'True', lastTransitionTime: timeText(now), reason, message };
  return [said, ...writeStatus(set, { ...status, conditions: [...(status.conditions ?? []), { ...condition }] })];
}
