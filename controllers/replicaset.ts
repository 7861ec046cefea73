/** The ReplicaSet controller: as many pods as asked for. The ReplicationController is the same with an older kind. */
import { pods, replicasets, type ResourceRef } from '../api/resources.ts';
import { matchesLabels, selectLabels } from '../api/selectors.ts';
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

/** What a ReplicaSet and a ReplicationController differ in. */
export interface ReplicaKind {
  readonly resource: ResourceRef<unknown>;
  /** The stored object in the form of a ReplicaSet; the same for the same. */
  readonly asSet: (object: Stored<unknown>) => Set;
  readonly countsTerminating: boolean;
}

const REPLICA_SET: ReplicaKind = { resource: replicasets as ResourceRef<unknown>, asSet: (object) => object as Set, countsTerminating: true };

export const replicaSetController: Controller = { name: 'replicaset-controller', ...replicaController(REPLICA_SET) };

export function replicaController(kind: ReplicaKind): Pick<Controller, 'watches' | 'reconcile' | 'onRefused'> {
  return {
    watches: [
      watch({ resource: kind.resource, indexes: { byOwner }, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
      watch({ resource: pods, indexes: { byOwner }, keys: (pod, view) => podKeys(kind, pod, view) }),
    ],
    reconcile: (key, view, moment) => reconcile(kind, key, view, moment),
    onRefused: (key, action, error, view, moment) => onRefused(kind, { key, action, error, view, moment }),
  };
}

function setOf({ resource, asSet }: ReplicaKind, key: Key, view: View): Set | undefined {
  const object = view.of(resource).get(parseKey(key));
  return object && asSet(object);
}

/** A pod without a controller concerns every set that would have it. */
function podKeys({ resource, asSet }: ReplicaKind, pod: StoredPod, view: View): string[] {
  if (controllerOf(pod)) return controllerKeys(resource.kind, pod);
  return view.of(resource).list(pod.metadata.namespace).map(asSet)
    .filter((set) => !selectsAll(set) && matchesLabels(selectorOf(set.spec.selector), pod.metadata.labels))
    .map((set) => `${set.metadata.namespace}/${set.metadata.name}`);
}

function selectsAll(set: Set): boolean {
  return Object.keys(set.spec.selector.matchLabels ?? {}).length === 0 && (set.spec.selector.matchExpressions ?? []).length === 0;
}

function reconcile(kind: ReplicaKind, key: Key, view: View, moment: Moment): Outcome {
  const set = setOf(kind, key, view);
  if (!set) return { actions: [] };
  const { mine, terminating, claims } = claimed(kind, set, view);
  const changes = isDeleting(set) ? [] : manage(kind, { set, mine, view, moment });
  const status = statusOf(kind, set, { mine, terminating, now: moment.now });
  const actions = [...claims, ...changes, ...writeStatus(kind, set, status, view)];
  const { minReadySeconds = 0 } = set.spec;
  const wait = minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas ? nextAvailability(mine, minReadySeconds, moment.now) : undefined;
  return { actions, ...(wait !== undefined && { requeueAfterMs: wait + 1 }) };
}

interface Claimed {
  readonly mine: readonly StoredPod[];
  readonly terminating: readonly StoredPod[];
  readonly claims: readonly Action[];
}

function claimed({ resource: ownerResource }: ReplicaKind, set: Set, view: View): Claimed {
  const cache = view.of(pods);
  const selector = selectorOf(set.spec.selector);
  const own = cache.by('byOwner', set.metadata.uid);
  const candidates = [...own, ...cache.by('byOwner', orphansOf(set.metadata.namespace))].filter(isActive);
  const { mine, actions } = claim({ resource: pods, ownerResource, owner: set, selector, candidates });
  const terminating = own.filter((pod) => isTerminating(pod) && matchesLabels(selector, pod.metadata.labels));
  return { mine, terminating, claims: actions };
}

interface Managed {
  readonly set: Set;
  readonly mine: readonly StoredPod[];
  readonly view: View;
  readonly moment: Moment;
}

function manage(kind: ReplicaKind, { set, mine, view, moment: { now } }: Managed): Action[] {
  const about = subject(kind.resource, set);
  const missing = (set.spec.replicas ?? 1) - mine.length;
  if (missing > 0) {
    const owner = ownerReference(kind.resource, set);
    const template = set.spec.template ?? {};
    return together(Array.from({ length: Math.min(missing, BURST) }, () => {
      const pod = podFromTemplate(template as DeepReadonly<PodTemplateSpec>, { namespace: set.metadata.namespace, owner });
      return [create(pods, pod, { announce: event(about, 'Normal', 'SuccessfulCreate', 'Created pod: ') })];
    }));
  }
  if (missing === 0) return [];
  const surplus = Math.min(-missing, BURST);
  const victims = deletionOrder(mine, related(kind, set, view), now).slice(0, surplus);
  return together(victims.map((pod) => [remove(pods, pod), event(about, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)]));
}

/** The pods of all sets of the same Deployment. */
function related({ resource }: ReplicaKind, set: Set, view: View): StoredPod[] {
  const owner = controllerOf(set);
  const sets: readonly Stored<unknown>[] = owner ? view.of(resource).by('byOwner', owner.uid) : [set];
  return sets.flatMap(({ metadata }) => view.of(pods).by('byOwner', metadata.uid));
}

function statusOf({ countsTerminating }: ReplicaKind, set: Set, { mine, terminating, now }: Omit<Claimed, 'claims'> & { readonly now: number }): ReplicaSetStatus {
  const template = selectLabels(set.spec.template?.metadata?.labels);
  const ready = mine.filter(isReady);
  const conditions = (set.status?.conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  return {
    replicas: mine.length,
    fullyLabeledReplicas: mine.filter((pod) => matchesLabels(template, pod.metadata.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length,
    ...(countsTerminating && { terminatingReplicas: terminating.length }),
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions: conditions.map((condition) => ({ ...condition })) }),
  };
}

function writeStatus({ resource }: ReplicaKind, set: Set, status: ReplicaSetStatus, view: View): Action[] {
  if (sameStatus(set.status, status)) return [];
  return [update(resource, { ...(view.of(resource).get(set.metadata) ?? set), status }, 'status')];
}

/** Zeros are left out of what the server stores, but for `replicas` and pointers. */
function sameStatus(known: Set['status'], next: ReplicaSetStatus): boolean {
  const zeros = { replicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0, observedGeneration: 0 };
  return deepEqual({ ...zeros, ...known }, { ...zeros, ...next });
}

/** A pod could not be made or removed: say so, and note it in the status beside what there is. */
function onRefused(kind: ReplicaKind, { key, action, error, view, moment: { now } }: Refusal): readonly Action[] {
  const set = setOf(kind, key, view);
  if (!set || (action.do !== 'create' && action.do !== 'delete')) return [];
  const [reason, text] = action.do === 'create' ? ['FailedCreate', 'Error creating'] : ['FailedDelete', 'Error deleting'];
  const said = event(subject(kind.resource, set), 'Warning', reason, `${text}: ${error.message}`);
  const status = statusOf(kind, set, { ...claimed(kind, set, view), now });
  const known = set.status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const message = action.do === 'create' ? error.message : `unable to delete pods: ${error.message}`;
  const condition = known ?? { type: 'ReplicaFailure', status: 'True', lastTransitionTime: timeText(now), reason, message };
  return [said, ...writeStatus(kind, set, { ...status, conditions: [...(status.conditions ?? []), { ...condition }] }, view)];
}

interface Refusal {
  readonly key: Key;
  readonly action: Action;
  readonly error: Error;
  readonly view: View;
  readonly moment: Moment;
}
