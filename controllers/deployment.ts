/** The Deployment controller: moves pods from one template to the next through ReplicaSets. */
import { deployments, pods, replicasets, type ResourceRef } from '../api/resources.ts';
import { matchesLabels } from '../api/selectors.ts';
import { isReason } from '../api/status.ts';
import type { ReplicaSet } from '../api/types/apps.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { deepCopy, type Mutable } from '../std/deep.ts';
import { event, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { active, byCreation, notedNumber, noteReplicas, readRevision, revisionOf, workingSet, DESIRED_REPLICAS, MAX_REPLICAS, Plan, REVISION, REVISION_HISTORY, type StoredDeployment, type WorkingSet } from './deployment/plan.ts';
import { cleanUp, newestReplicas, rollForward, scaleProportionally } from './deployment/rollout.ts';
import { conditionOf, countStatus, deadlineOf, isComplete, newCondition, nextProgressCheck, rolloutStatus, sameStatus, withCondition, type Status } from './deployment/status.ts';
import { ROLLED_BACK, isSupervised, supervise, troubleOf, type Supervision } from './deployment/supervise.ts';
import { HASH_LABEL, sameTemplate, templateHash } from './deployment/template.ts';
import { byOwner, claim, controllerKeys, controllerOf, isDeleting, orphansOf, ownerReference, selectorOf } from './owners.ts';
import { isDone, type StoredPod } from './pods.ts';

export const deploymentController: Controller = {
  name: 'deployment-controller',
  watches: [
    watch({ resource: deployments, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
    watch({ resource: replicasets, indexes: { byOwner }, keys: setKeys }),
    watch({ resource: pods, indexes: { byOwner }, keys: podKeys, matters: (before, after) => isDone(before) !== isDone(after) || troubleOf(before) !== troubleOf(after) }),
  ],
  reconcile,
  onRefused,
};

function setKeys(set: Stored<ReplicaSet>, view: View): string[] {
  if (controllerOf(set)) return controllerKeys('Deployment', set);
  return view.of(deployments).list(set.metadata.namespace)
    .filter((deployment) => !selectsAll(deployment) && matchesLabels(selectorOf(deployment.spec.selector), set.metadata.labels))
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

/** Only a Deployment that recreates waits for pods themselves, and one that is supervised looks at them. */
function podKeys(pod: StoredPod, view: View): string[] {
  const owner = controllerOf(pod);
  const set = owner?.kind === 'ReplicaSet' ? view.of(replicasets).get({ namespace: pod.metadata.namespace, name: owner.name }) : undefined;
  return (set ? controllerKeys('Deployment', set) : []).filter((key) => {
    const deployment = view.of(deployments).get(parseKey(key));
    return deployment && (deployment.spec.strategy?.type === 'Recreate' || isSupervised(deployment));
  });
}

function selectsAll({ spec: { selector } }: StoredDeployment): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function reconcile(key: Key, view: View, moment: Moment): Outcome {
  const deployment = view.of(deployments).get(parseKey(key));
  if (!deployment) return { actions: [] };
  if (selectsAll(deployment)) return { actions: selectingAll(deployment) };
  const { mine, actions: claims } = claim({
    resource: replicasets,
    ownerResource: deployments as ResourceRef<unknown>,
    owner: deployment,
    selector: selectorOf(deployment.spec.selector),
    candidates: [...view.of(replicasets).by('byOwner', deployment.metadata.uid), ...view.of(replicasets).by('byOwner', orphansOf(deployment.metadata.namespace))],
  });
  const plan = new Plan(deployment);
  const sets = mine.map(workingSet).sort(byCreation);
  const found = sets.find(({ set }) => sameTemplate(set.spec.template, deployment.spec.template));
  const old = sets.filter((set) => set !== found);
  const paused = isDeleting(deployment) ? (deployment.status ?? {}) : notePause(deployment, deployment.status ?? {}, moment.now);
  const supervision = watched({ plan, view, now: moment.now, base: paused, found, old });
  if (supervision.do === 'go back') return { actions: [...claims, ...goBack(deployment, supervision)] };
  const outcome = steer({ plan, view, now: moment.now, base: supervision.status, found, old, growAfterMs: supervision.growAfterMs });
  const { status, revision } = outcome;
  const waits = [nextProgressCheck(plan, status, moment.now), supervision.lookAgainMs, supervision.growAfterMs || undefined].filter((one) => one !== undefined && Number.isFinite(one));
  const wait = waits.length > 0 ? Math.min(...(waits as number[])) : undefined;
  const actions = [...claims, ...plan.actions(), ...writeStatus(deployment, status, revision)];
  return { actions, ...(wait !== undefined && { requeueAfterMs: wait }) };
}

interface Situation {
  readonly plan: Plan;
  readonly view: View;
  readonly now: number;
  /** The status as far as it has come. */
  readonly base: Status;
  /** The set whose template is the Deployment's, if there is one. */
  readonly found: WorkingSet | undefined;
  readonly old: readonly WorkingSet[];
  /** How long the newest set must not grow. */
  readonly growAfterMs?: number;
}

function watched({ plan, view, now, base, found, old }: Situation): Supervision {
  const { deployment } = plan;
  if (!isSupervised(deployment) || isDeleting(deployment) || deployment.spec.paused) return { do: 'go on', status: base, growAfterMs: 0 };
  const newest = view.of(pods).by('byOwner', found?.stored?.metadata.uid ?? '');
  return supervise({ plan, status: base, found, old, pods: newest, now });
}

/** One write, so that nothing can come between the template and the note of why it is back. */
function goBack(deployment: StoredDeployment, { to, note, message }: Extract<Supervision, { do: 'go back' }>): Action[] {
  const template = deepCopy(to.set.spec.template ?? {}) as Mutable<ReplicaSet['spec']['template'] & object>;
  const { [HASH_LABEL]: _, ...labels } = template.metadata?.labels ?? {};
  const metadata = { ...deployment.metadata, annotations: { ...deployment.metadata.annotations, [ROLLED_BACK]: note } };
  const next = { ...deployment, metadata, spec: { ...deployment.spec, template: { ...template, metadata: { ...template.metadata, labels } } } };
  return [update(deployments, next as StoredDeployment), event(subject(deployments, deployment), 'Warning', 'AutoRollback', message)];
}

interface Steered {
  readonly status: Status;
  readonly revision: string | undefined;
}

/** Chooses what a Deployment is in the middle of, and takes one step of it. */
function steer(situation: Situation): Steered {
  const { plan, base, found, old, now } = situation;
  const { deployment } = plan;
  const all = found ? [...old, found] : old;
  const leaving = isDeleting(deployment);
  const noticed = found ? notice(situation, found) : { base, revision: undefined };
  if (leaving) return { status: countStatus(plan, noticed.base, all, found, now), revision: noticed.revision };
  const rescaled = active(all).some((set) => (notedNumber(set, DESIRED_REPLICAS) ?? plan.replicas) !== plan.replicas);
  if (deployment.spec.paused || rescaled) {
    scaleProportionally(plan, found, old);
    if (deployment.spec.paused) cleanUp(plan, old);
    return { status: countStatus(plan, noticed.base, all, found, now), revision: noticed.revision };
  }
  return deployment.spec.strategy?.type === 'Recreate' ? recreate(situation, noticed) : roll(situation, noticed);
}

type Noticed = { readonly base: Status; readonly revision: string | undefined };

function roll(situation: Situation, noticed: Noticed): Steered {
  const { plan, old, now } = situation;
  const made = situation.found ? { newest: situation.found, ...noticed } : makeNewest(situation);
  if (!made.newest) return { status: made.base, revision: undefined };
  const moved = rollForward(plan, made.newest, old, { hold: (situation.growAfterMs ?? 0) > 0 });
  if (!moved && isComplete(plan, plan.deployment.status ?? {})) cleanUp(plan, old);
  return { status: rolloutStatus(plan, made.base, [...old, made.newest], made.newest, now), revision: made.revision };
}

function recreate(situation: Situation, noticed: Noticed): Steered {
  const { plan, old, found, now } = situation;
  const all = found ? [...old, found] : old;
  let moved = false;
  for (const set of active(old)) moved = plan.scale(set, 0) || moved;
  if (moved || oldPodsRun(situation)) return { status: rolloutStatus(plan, noticed.base, all, found, now), revision: noticed.revision };
  const made = found ? { newest: found, ...noticed } : makeNewest(situation);
  if (!made.newest) return { status: made.base, revision: undefined };
  plan.scale(made.newest, plan.replicas);
  if (isComplete(plan, plan.deployment.status ?? {})) cleanUp(plan, old);
  return { status: rolloutStatus(plan, made.base, [...old, made.newest], made.newest, now), revision: made.revision };
}

function oldPodsRun({ view, old }: Situation): boolean {
  return old.some(({ stored, set }) => (set.status?.replicas ?? 0) > 0 || view.of(pods).by('byOwner', stored?.metadata.uid ?? '').some((pod) => !isDone(pod) || isLeaving(pod)));
}

/** A pod that has ended and is deleted goes at any moment, unless a finalizer holds it. */
function isLeaving(pod: StoredPod): boolean {
  return isDeleting(pod) && ((pod.metadata as { readonly finalizers?: readonly string[] }).finalizers ?? []).length === 0;
}

/** The wanted set is there: brings its notes up to date, and the Deployment's revision with them. */
function notice({ plan, base, old, now }: Situation, found: WorkingSet): Noticed {
  const { deployment } = plan;
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const annotated = annotate(plan, found, nextRevision(old));
  if (annotated || (found.set.spec.minReadySeconds ?? 0) !== minReadySeconds) {
    found.set.spec.minReadySeconds = minReadySeconds;
    plan.touch(found);
  }
  const unnoticed = deadlineOf(deployment) !== undefined && !conditionOf(base, 'Progressing');
  const condition = newCondition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${found.name}"`, now);
  return { base: unnoticed ? withCondition(base, condition) : base, revision: found.annotations[REVISION] };
}

/** Makes the wanted set, or counts a collision where another object has its name. */
function makeNewest({ plan, view, base, old, now }: Situation): Noticed & { readonly newest: WorkingSet | undefined } {
  const { deployment } = plan;
  const { namespace, name } = deployment.metadata;
  const hash = templateHash(deployment.spec.template, base.collisionCount);
  const setName = `${name.slice(0, MAX_NAME_LENGTH - 1 - hash.length)}-${hash}`;
  if (view.of(replicasets).get({ namespace, name: setName })) return { base: { ...base, collisionCount: (base.collisionCount ?? 0) + 1 }, revision: undefined, newest: undefined };
  const template = deepCopy(deployment.spec.template) as Mutable<ReplicaSet['spec']['template'] & object>;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const { selector, minReadySeconds } = deployment.spec;
  const set = {
    metadata: { name: setName, namespace, labels, ownerReferences: [ownerReference(deployments, deployment)] },
    spec: {
      replicas: 0,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...deepCopy(selector), matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  } as Mutable<ReplicaSet>;
  const newest: WorkingSet = { name: setName, stored: undefined, set, replicas: 0, annotations: {}, events: [] };
  newest.replicas = newestReplicas(plan, old, 0);
  annotate(plan, newest, nextRevision(old));
  noteReplicas(newest, plan.replicas, plan.replicas + plan.maxSurge);
  plan.touch(newest);
  if (newest.replicas > 0) plan.say(newest, `Scaled up replica set ${setName} from 0 to ${newest.replicas}`);
  const condition = newCondition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${setName}"`, now);
  return { base: deadlineOf(deployment) === undefined ? base : withCondition(base, condition), revision: newest.annotations[REVISION], newest };
}

const MAX_NAME_LENGTH = 253;

function nextRevision(old: readonly WorkingSet[]): bigint {
  return old.map(revisionOf).reduce((greatest, one) => (one > greatest ? one : greatest), 0n) + 1n;
}

const MAX_HISTORY_LENGTH = 2000;
const NOT_INHERITED = new Set(['kubectl.kubernetes.io/last-applied-configuration', REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, 'deprecated.deployment.rollback.to', ROLLED_BACK]);

/** Hands the Deployment's annotations and the revision down; whether that changed anything. */
function annotate(plan: Plan, set: WorkingSet, revision: bigint): boolean {
  const { annotations } = set;
  let changed = false;
  for (const [key, value] of Object.entries(plan.deployment.metadata.annotations ?? {})) {
    if (NOT_INHERITED.has(key) || annotations[key] === value) continue;
    annotations[key] = value;
    changed = true;
  }
  const known = annotations[REVISION];
  const before = known ? readRevision(known) : 0n;
  if (before === undefined) return false;
  if (before >= revision) return changed;
  annotations[REVISION] = String(revision);
  if (known !== undefined) {
    const history = [...(annotations[REVISION_HISTORY]?.split(',') ?? []), known];
    while (history.length > 1 && history.join(',').length > MAX_HISTORY_LENGTH) history.shift();
    annotations[REVISION_HISTORY] = history.join(',');
  }
  return true;
}

/** While a Deployment is paused, and just after, no deadline runs; a missed one stays missed. */
function notePause({ spec }: StoredDeployment, status: Status, now: number): Status {
  const { progressDeadlineSeconds, paused } = spec;
  const known = conditionOf(status, 'Progressing');
  if (progressDeadlineSeconds === undefined || known?.reason === 'ProgressDeadlineExceeded') return status;
  const noted = known?.reason === 'DeploymentPaused';
  if (paused && !noted) return withCondition(status, newCondition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', now));
  if (!paused && noted) return withCondition(status, newCondition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', now));
  return status;
}

/** The revision is an annotation, and goes with the status: that write takes both. */
function writeStatus(deployment: StoredDeployment, status: Status, revision: string | undefined): Action[] {
  const { annotations } = deployment.metadata;
  const moved = revision !== undefined && annotations?.[REVISION] !== revision;
  if (!moved && sameStatus(deployment.status, status)) return [];
  const metadata = moved ? { ...deployment.metadata, annotations: { ...annotations, [REVISION]: revision } } : deployment.metadata;
  return [update(deployments, { ...deployment, metadata, status } as StoredDeployment, 'status')];
}

function selectingAll(deployment: StoredDeployment): Action[] {
  const { generation = 0 } = deployment.metadata;
  const said = event(subject(deployments, deployment), 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.');
  if ((deployment.status?.observedGeneration ?? 0) >= generation) return [said];
  return [said, update(deployments, { ...deployment, status: { ...deployment.status, observedGeneration: generation } } as StoredDeployment, 'status')];
}

/** A set could not be made. One that is there already will be in the next view. */
function onRefused(key: Key, action: Action, error: Error, view: View, { now }: Moment): readonly Action[] {
  const deployment = view.of(deployments).get(parseKey(key));
  if (!deployment || action.do !== 'create' || isReason(error, 'AlreadyExists')) return [];
  const { name } = (action.object as ReplicaSet).metadata;
  const message = `Failed to create new replica set "${name}": ${error.message}`;
  const said = event(subject(deployments, deployment), 'Warning', 'ReplicaSetCreateError', message);
  const status = withCondition(deployment.status ?? {}, newCondition('Progressing', 'False', 'ReplicaSetCreateError', message, now));
  return [said, ...(deadlineOf(deployment) === undefined ? [] : writeStatus(deployment, status, undefined))];
}
