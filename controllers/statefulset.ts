/** The StatefulSet controller: pods with an identity, made, changed and removed in order. */
import { controllerrevisions, persistentvolumeclaims, pods, statefulsets, type ResourceRef } from '../api/resources.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { StatefulSetStatus } from '../api/types/apps.v1.ts';
import { parseKey } from '../client/cache.ts';
import { deepEqual } from '../std/deep.ts';
import { create, event, patch, remove, subject, together, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { byOwner, claim, controllerKeys, controllerOf, isDeleting, orphansOf, ownerReference, selectorOf } from './owners.ts';
import { isAvailable, isDone, isReady, nextAvailability, type StoredPod } from './pods.ts';
import { STATEFUL_HASH_LABEL, historyOf, revisionIndexes, trimHistory, type History } from './revisions.ts';
import { isStale, wantedOwners } from './statefulset/claims.ts';
import { claimsOf, missingIdentity, newPod, ordinalOf, podRevision, templateOf, type StoredStatefulSet } from './statefulset/identity.ts';

const RESOURCE = statefulsets as ResourceRef<unknown>;
/** A claim that is being deleted must go before its successor can be made. */
const CLAIM_RETRY_MS = 1000;

export const statefulSetController: Controller = {
  name: 'statefulset-controller',
  watches: [
    watch({ resource: statefulsets, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
    watch({ resource: pods, indexes: { byOwner }, keys: podKeys }),
    watch({ resource: controllerrevisions, indexes: revisionIndexes, keys: () => [] }),
    watch({ resource: persistentvolumeclaims, keys: () => [] }),
  ],
  reconcile,
  onRefused,
};

function podKeys(pod: StoredPod, view: View): string[] {
  if (controllerOf(pod)) return controllerKeys('StatefulSet', pod);
  return view.of(statefulsets).list(pod.metadata.namespace).filter((set) => ordinalOf(set, pod) >= 0 && matchesLabels(selectorOf(set.spec.selector), pod.metadata.labels)).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

/** A place in the set: an ordinal and the pod that holds it. */
interface Place {
  readonly ordinal: number;
  readonly pod: StoredPod | undefined;
}

interface Situation {
  readonly set: StoredStatefulSet;
  readonly view: View;
  readonly now: number;
  readonly history: History;
  /** The name of the revision that pods are moving away from; the update's own when there is no move. */
  readonly currentRevision: string;
  readonly places: readonly Place[];
  /** Beyond the wanted number, highest ordinal first. */
  readonly condemned: readonly StoredPod[];
}

function reconcile(key: Key, view: View, { now }: Moment): Outcome {
  const set = view.of(statefulsets).get(parseKey(key));
  if (!set) return { actions: [] };
  const selector = selectorOf(set.spec.selector);
  const candidates = [...view.of(pods).by('byOwner', set.metadata.uid), ...view.of(pods).by('byOwner', orphansOf(set.metadata.namespace))].filter((pod) => ordinalOf(set, pod) >= 0);
  const { mine, actions: claims } = claim({ resource: pods, ownerResource: RESOURCE, owner: set, selector, candidates });
  const { collisionCount = 0 } = set.status ?? {};
  const history = historyOf({ resource: RESOURCE, owner: set, selector, template: set.spec.template, collisionCount, hashLabel: STATEFUL_HASH_LABEL }, view);
  if (history.collision) return { actions: [update(statefulsets, { ...set, status: { replicas: 0, availableReplicas: 0, ...set.status, collisionCount: collisionCount + 1 } }, 'status')] };
  const known = history.all.find(({ metadata }) => metadata.name === set.status?.currentRevision);
  const start = set.spec.ordinals?.start ?? 0;
  const places = Array.from({ length: set.spec.replicas ?? 1 }, (_, i): Place => ({ ordinal: start + i, pod: mine.find((pod) => ordinalOf(set, pod) === start + i) }));
  const condemned = mine.filter((pod) => !places.some((place) => place.pod === pod)).sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
  const situation: Situation = { set, view, now, history, currentRevision: known?.metadata.name ?? history.current.name, places, condemned };
  const work = isDeleting(set) ? { actions: [] } : steps(situation);
  const status = statusOf(situation, mine, work.replaced ?? 0);
  const live = new Set([situation.currentRevision, history.current.name, ...mine.map(podRevision)]);
  const old = history.all.filter(({ metadata }) => !live.has(metadata.name));
  const trimmed = isDeleting(set) ? [] : trimHistory(old, set.spec.revisionHistoryLimit ?? 10, () => false);
  const { minReadySeconds = 0 } = set.spec;
  const ready = minReadySeconds > 0 ? nextAvailability(mine, minReadySeconds, now) : undefined;
  const waits = [ready === undefined ? undefined : ready + 1, work.retryMs].filter((wait) => wait !== undefined);
  // Of a set that goes the garbage collector takes the revisions away: they must not come back.
  const revisions = isDeleting(set) ? [] : history.actions;
  const told = writeStatus(set, status);
  // A pod that cannot be made does not keep the others from being told of; one that is replaced counts once it is deleted.
  const changes = work.replaced ? [...work.actions, ...told] : [...told, ...work.actions];
  return { actions: [...claims, ...revisions, ...changes, ...trimmed], ...(waits.length > 0 && { requeueAfterMs: Math.min(...waits) }) };
}

interface Work {
  readonly actions: readonly Action[];
  /** Nothing further may be done before this is seen. */
  readonly halt?: boolean;
  readonly retryMs?: number;
  /** Pods deleted to be made anew from the update's template. */
  readonly replaced?: number;
}

function steps(situation: Situation): Work {
  const { set, places, condemned } = situation;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const making = inTurn(places.map((place) => () => keepPlace(situation, place, ordered)), ordered);
  if (making.halt) return making;
  const owned = condemned.flatMap((pod) => claimOwners(situation, pod, true));
  const unhealthy = firstUnavailable(situation);
  const leaving = inTurn(condemned.map((pod) => () => takeAway(situation, pod, ordered, unhealthy)), ordered);
  const before: Work = { ...leaving, actions: [...making.actions, ...owned, ...leaving.actions] };
  if (leaving.halt || set.spec.updateStrategy?.type === 'OnDelete') return before;
  const replaced = rollOne(situation);
  return replaced ? { ...before, actions: [...before.actions, ...deletePod(set, replaced)], replaced: 1 } : before;
}

/** In order: up to the first that halts. All at once: whatever each wants. */
function inTurn(turns: readonly (() => Work)[], ordered: boolean): Work {
  const works: Work[] = [];
  for (const turn of turns) {
    const work = turn();
    works.push(work);
    if (ordered && work.halt) break;
  }
  const actions = ordered ? works.flatMap((work) => work.actions) : together(works.filter((work) => work.actions.length > 0).map((work) => work.actions));
  const waits = works.flatMap(({ retryMs }) => retryMs ?? []);
  return { actions, halt: ordered && works.some(({ halt }) => halt === true), ...(waits.length > 0 && { retryMs: Math.min(...waits) }) };
}

function keepPlace(situation: Situation, { ordinal, pod }: Place, ordered: boolean): Work {
  const { set, now } = situation;
  if (pod && isDone(pod)) return { actions: isDeleting(pod) ? [] : deletePod(set, pod), halt: true };
  if (!pod) return makePod(situation, ordinal);
  const isPending = pod.status?.phase === 'Pending';
  const claims = isPending ? [...makeClaims(situation, ordinal), ...claimOwners(situation, pod, false)] : [];
  if (ordered && (isDeleting(pod) || !runs(pod) || !isAvailable(pod, set.spec.minReadySeconds ?? 0, now))) return { actions: claims, halt: true };
  const missing = missingIdentity(pod, ordinal);
  const mended = [
    ...(isPending ? [] : claimOwners(situation, pod, false)),
    ...(missing ? [patch(pods, pod.metadata, { metadata: { uid: pod.metadata.uid, labels: missing } })] : []),
  ];
  const said = event(subject(statefulsets, set), 'Normal', 'SuccessfulUpdate', `Update Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`);
  return { actions: [...claims, ...mended, ...(mended.length > 0 ? [said] : [])] };
}

function makePod(situation: Situation, ordinal: number): Work {
  const { set, view, history, currentRevision } = situation;
  const { namespace } = set.metadata;
  const claims = claimsOf(set, ordinal).map(({ metadata }) => view.of(persistentvolumeclaims).get({ namespace, name: metadata.name ?? '' }));
  const identity = { ...set, metadata: { ...set.metadata, name: `${set.metadata.name}-${ordinal}`, uid: '' } };
  const followsPod = set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled === 'Delete';
  if (followsPod && claims.some((known) => known && isStale(known, identity, 'Pod'))) return { actions: [], halt: true, retryMs: CLAIM_RETRY_MS };
  const ending = claims.flatMap((known) => (known && isDeleting(known) ? [`pvc ${known.metadata.name} is being deleted`] : []));
  if (ending.length > 0) {
    const why = ending.length > 1 ? `[${ending.join(', ')}]` : ending[0];
    const said = event(subject(statefulsets, set), 'Warning', 'FailedCreate', `Create Pod ${identity.metadata.name} in StatefulSet ${set.metadata.name} failed error: ${why}`);
    return { actions: [...makeClaims(situation, ordinal), said], halt: true, retryMs: CLAIM_RETRY_MS };
  }
  // Below the partition pods stay what they were.
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition;
  const bound = (set.spec.ordinals?.start ?? 0) + (set.spec.updateStrategy?.rollingUpdate ? (partition ?? 0) : (set.status?.currentReplicas ?? 0));
  const keeps = set.spec.updateStrategy?.type === 'RollingUpdate' && ordinal < bound;
  const former = keeps ? history.all.find(({ metadata }) => metadata.name === currentRevision) : undefined;
  const pod = newPod({ set, ordinal, template: former ? templateOf(former) : set.spec.template, revision: former ? currentRevision : history.current.name, owner: ownerReference(statefulsets, set) });
  const said = event(subject(statefulsets, set), 'Normal', 'SuccessfulCreate', `Create Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`);
  return { actions: [...makeClaims(situation, ordinal), create(pods, pod), said], halt: true };
}

function makeClaims({ set, view }: Situation, ordinal: number): Action[] {
  return claimsOf(set, ordinal).flatMap((wanted) => {
    const { name = '', namespace = '' } = wanted.metadata;
    if (view.of(persistentvolumeclaims).get({ namespace, name })) return [];
    const said = `Create Claim ${name} Pod ${set.metadata.name}-${ordinal} in StatefulSet ${set.metadata.name} success`;
    return [create(persistentvolumeclaims, wanted, { tolerateExisting: true }), event(subject(statefulsets, set), 'Normal', 'SuccessfulCreate', said)];
  });
}

function claimOwners({ set, view }: Situation, pod: StoredPod, condemned: boolean): Action[] {
  return claimsOf(set, ordinalOf(set, pod)).flatMap(({ metadata: { name = '', namespace = '' } }) => {
    const known = view.of(persistentvolumeclaims).get({ namespace, name });
    const ownerReferences = known && wantedOwners(set, pod, known, condemned);
    return ownerReferences ? [update(persistentvolumeclaims, { ...known, metadata: { ...known.metadata, ownerReferences } })] : [];
  });
}

function takeAway({ set, now }: Situation, pod: StoredPod, ordered: boolean, unhealthy: StoredPod | undefined): Work {
  if (isDeleting(pod)) return { actions: [], halt: ordered };
  const works = runs(pod) && isAvailable(pod, set.spec.minReadySeconds ?? 0, now);
  return !works && ordered && pod !== unhealthy ? { actions: [], halt: true } : { actions: deletePod(set, pod), halt: true };
}

/** The lowest ordinal that does not work; among those to be removed too. */
function firstUnavailable({ set, places, condemned, now }: Situation): StoredPod | undefined {
  for (const { pod } of places) if (!pod || isUnavailable(set, pod, now)) return pod;
  return condemned.toReversed().find((pod) => isUnavailable(set, pod, now));
}

/** The next pod to be made anew: from the highest ordinal down to the partition, one at a time. */
function rollOne({ set, places, history, now }: Situation): StoredPod | undefined {
  for (const { pod } of places.slice(set.spec.updateStrategy?.rollingUpdate?.partition ?? 0).toReversed()) {
    if (!pod) return undefined;
    if (podRevision(pod) !== history.current.name && !isDeleting(pod)) return pod;
    if (isUnavailable(set, pod, now)) return undefined;
  }
  return undefined;
}

function deletePod(set: StoredStatefulSet, pod: StoredPod): Action[] {
  return [remove(pods, pod), event(subject(statefulsets, set), 'Normal', 'SuccessfulDelete', `Delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`)];
}

function runs(pod: StoredPod): boolean {
  return pod.status?.phase === 'Running' && isReady(pod);
}

function isUnavailable(set: StoredStatefulSet, pod: StoredPod, now: number): boolean {
  return isDeleting(pod) || !isAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}

function statusOf({ set, history, currentRevision, now }: Situation, mine: readonly StoredPod[], replaced: number): StatefulSetStatus {
  const present = mine.filter((pod) => pod.status?.phase);
  const of = (revision: string): number => present.filter((pod) => !isDeleting(pod) && podRevision(pod) === revision).length;
  const { replicas: wanted = 1, minReadySeconds = 0, updateStrategy } = set.spec;
  const ready = present.filter(runs);
  const conditions = set.status?.conditions;
  const status = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: present.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, now)).length,
    currentReplicas: of(currentRevision) - replaced,
    updatedReplicas: of(history.current.name),
    currentRevision,
    updateRevision: history.current.name,
    collisionCount: set.status?.collisionCount ?? 0,
    ...(conditions && { conditions: conditions.map((condition) => ({ ...condition })) }),
  };
  const complete = updateStrategy?.type === 'RollingUpdate' && status.updatedReplicas === wanted && status.readyReplicas === wanted && status.replicas === wanted;
  return complete ? { ...status, currentReplicas: status.updatedReplicas, currentRevision: status.updateRevision } : status;
}

function writeStatus(set: StoredStatefulSet, status: StatefulSetStatus): Action[] {
  const zeros = { observedGeneration: 0, replicas: 0, readyReplicas: 0, availableReplicas: 0, currentReplicas: 0, updatedReplicas: 0 };
  return deepEqual({ ...zeros, ...set.status }, { ...zeros, ...status }) ? [] : [update(statefulsets, { ...set, status }, 'status')];
}

function onRefused(key: Key, action: Action, error: Error, view: View): readonly Action[] {
  const set = view.of(statefulsets).get(parseKey(key));
  if (!set || (action.do !== 'create' && action.do !== 'delete') || (error as { readonly reason?: string }).reason === 'AlreadyExists') return [];
  const name = action.do === 'create' ? ((action.object as { metadata: { name?: string } }).metadata.name ?? '') : action.key.name;
  const verb = action.do === 'create' ? 'Create' : 'Delete';
  if (action.resource === (controllerrevisions as ResourceRef<unknown>)) return [];
  const say = (what: string, why: string): Action => event(subject(statefulsets, set), 'Warning', `Failed${verb}`, `${verb} ${what} in StatefulSet ${set.metadata.name} failed error: ${why}`);
  if (action.resource !== (persistentvolumeclaims as ResourceRef<unknown>)) return [say(`Pod ${name}`, error.message)];
  const pod = /-([0-9]+)$/.exec(name)?.[1] ?? '';
  return [say(`Claim ${name} for Pod ${set.metadata.name}-${pod}`, error.message), say(`Pod ${set.metadata.name}-${pod}`, `failed to create PVC ${name}: ${error.message}`)];
}
