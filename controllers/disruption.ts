/** The disruption controller: how many pods of a budget may be evicted now. */
import { deployments, poddisruptionbudgets, pods, replicasets, replicationcontrollers, statefulsets } from '../api/resources.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { LabelSelector } from '../api/types/meta.v1.ts';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../api/types/policy.v1.ts';
import { parseKey } from '../client/cache.ts';
import type { Stored } from '../client/client.ts';
import { timeMs, timeText } from '../client/time.ts';
import { deepEqual, type DeepReadonly } from '../std/deep.ts';
import { event, patch, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type FreeController, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { scaled } from './deployment/plan.ts';
import { CustomScales, type CustomScale, type CustomScalesOf, type OwnerRef } from './disruption/custom-scales.ts';
import { controllerOf, isDeleting, selectorOf } from './owners.ts';
import { isDone, isReady, podCondition, podKey, type StoredPod } from './pods.ts';
import { runController } from './run.ts';
import { builtinResources, resourceText, type AnyRef } from './served.ts';

type Budget = Stored<PodDisruptionBudget>;

/** An eviction that was let through counts as done for so long, whether or not the pod has gone. */
const DELETION_TIMEOUT_MS = 120_000;
/** A pod that was marked for disruption and is still there after this was spared. */
const STALE_MARK_MS = 120_000;

/** It is no reconcile function alone because the size of a custom resource has to be asked for. */
export const disruptionController: FreeController = {
  name: 'disruption-controller',
  component: 'controllermanager',
  run(tools, signal) {
    const scales = new CustomScales(tools);
    return runController(budgetController(scales.take), { ...tools, alsoFollow: scales.follow }, signal);
  },
};

/** It remembers in which version it has seen pods of several budgets. */
export function budgetController(customScales: CustomScalesOf): Controller {
  const shared = new Map<string, string>();
  return { name: 'disruption-controller', watches, reconcile: (key, view, moment) => reconcile({ key, view, moment, customScales, shared }) };
}

const watches = [
  watch({ resource: poddisruptionbudgets, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
  watch({ resource: pods, keys: budgetsOf }),
  watch({ resource: replicasets, keys: budgetsOfPodsOf, matters: (a, b) => a.spec.replicas !== b.spec.replicas }),
  watch({ resource: deployments, keys: budgetsOfPodsOf, matters: (a, b) => a.spec.replicas !== b.spec.replicas }),
  watch({ resource: statefulsets, keys: budgetsOfPodsOf, matters: (a, b) => a.spec.replicas !== b.spec.replicas }),
  watch({ resource: replicationcontrollers, keys: budgetsOfPodsOf, matters: (a, b) => a.spec?.replicas !== b.spec?.replicas }),
];

/** The same account clears the marks of pods that were spared. */
export const staleDisruptionController: Controller = {
  name: 'stale-disruption-controller',
  account: 'disruption-controller',
  watches: [watch({ resource: pods, keys: (pod) => (podCondition(pod, 'DisruptionTarget') ? [podKey(pod)] : []) })],
  reconcile(key, view, { now }) {
    const pod = view.of(pods).get(parseKey(key));
    const mark = pod && podCondition(pod, 'DisruptionTarget');
    if (!pod || mark?.status !== 'True' || mark.reason === 'TerminationByKubelet' || isDeleting(pod) || isDone(pod)) return { actions: [] };
    const wait = timeMs(mark.lastTransitionTime ?? '') + STALE_MARK_MS - now;
    if (wait > 0) return { actions: [], requeueAfterMs: wait };
    const condition = { type: 'DisruptionTarget', status: 'False', reason: null, message: null, lastTransitionTime: timeText(now) };
    return { actions: [patch(pods, pod.metadata, { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }, 'status')] };
  },
};

function budgetsOf({ metadata: { namespace, labels } }: StoredPod, view: View): string[] {
  return budgetsOver(namespace, labels, view);
}

/** Those over the pods that a workload makes: how many are expected depends on its size. */
function budgetsOfPodsOf({ metadata: { namespace }, spec }: Stored<Workload>, view: View): string[] {
  return budgetsOver(namespace, spec?.template?.metadata?.labels, view);
}

function budgetsOver(namespace: string, labels: Readonly<Record<string, string>> | undefined, view: View): string[] {
  return view.of(poddisruptionbudgets).list(namespace).filter((budget) => matchesLabels(selectorOf(budget.spec?.selector), labels)).map(keyOf);
}

interface Workload {
  readonly spec?: { readonly template?: { readonly metadata?: { readonly labels?: Record<string, string> } } };
}

function keyOf({ metadata }: Stored<unknown>): string {
  return `${metadata.namespace}/${metadata.name}`;
}

interface Look {
  readonly key: Key;
  readonly view: View;
  readonly moment: Moment;
  readonly customScales: CustomScalesOf;
  readonly shared: Map<string, string>;
}

function reconcile({ key, view, moment: { now }, customScales, shared }: Look): Outcome {
  const budget = view.of(poddisruptionbudgets).get(parseKey(key));
  if (!budget) return { actions: [] };
  const selector = selectorOf(budget.spec?.selector);
  const covered = view.of(pods).list(budget.metadata.namespace).filter((pod) => matchesLabels(selector, pod.metadata.labels));
  const about = subject(poddisruptionbudgets, budget);
  const said: Action[] = covered.length === 0 ? [event(about, 'Normal', 'NoPods', 'No matching pods found')] : sharedPods(budget, covered, view, shared);
  const foreign = needsScales(budget) ? foreignOwners(covered) : [];
  const scales = foreign.length > 0 ? customScales(key, budget.metadata.namespace, foreign) : new Map<string, CustomScale>();
  if (!scales) return { actions: [] };
  const expected = expectation(budget, covered, { view, scales });
  if ('failed' in expected) {
    const failed = event(about, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${expected.failed}`);
    return { actions: [...said, failed, ...writeStatus(budget, { ...emptyStatus, ...budget.status, disruptionsAllowed: 0 }, { reason: 'SyncFailed', message: expected.failed, now })] };
  }
  if (expected.unmanaged) said.push(event(about, 'Warning', 'UnmanagedPods', unmanagedText(budget)));
  const { disrupted, nextMs } = pendingEvictions(budget, covered, now);
  const currentHealthy = covered.filter((pod) => !isDeleting(pod) && disrupted[pod.metadata.name] === undefined && isReady(pod)).length;
  const spare = expected.pods <= 0 ? 0 : Math.max(0, currentHealthy - expected.healthy);
  const status = {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disrupted).length > 0 && { disruptedPods: disrupted }),
    disruptionsAllowed: spare,
    currentHealthy,
    desiredHealthy: expected.healthy,
    expectedPods: expected.pods,
  };
  const actions = [...said, ...writeStatus(budget, status, { reason: spare > 0 ? 'SufficientPods' : 'InsufficientPods', message: '', now })];
  return { actions, ...(nextMs !== undefined && { requeueAfterMs: nextMs }) };
}

/** More are forgotten, oldest first: their next change is their first. */
const MAX_SHARED = 4096;

/** Pods that are covered by other budgets as well, as the first of them says it: when such a pod changes, not when another budget comes. */
function sharedPods(budget: Budget, covered: readonly StoredPod[], view: View, seen: Map<string, string>): Action[] {
  if (view.of(poddisruptionbudgets).list(budget.metadata.namespace).length < 2) return [];
  return covered.flatMap((pod): Action[] => {
    const keys = budgetsOf(pod, view);
    if (keys.length < 2 || keys[0] !== keyOf(budget)) return [];
    const { namespace, name, uid, resourceVersion } = pod.metadata;
    const before = seen.get(uid);
    if (before === resourceVersion) return [];
    seen.set(uid, resourceVersion);
    if (seen.size > MAX_SHARED) for (const oldest of seen.keys()) if (seen.delete(oldest)) break;
    if (before === undefined) return [];
    return [event(subject(pods, pod), 'Warning', 'MultiplePodDisruptionBudgets', `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${budget.metadata.name}" arbitrarily.`)];
  });
}

type Expectation = { readonly pods: number; readonly healthy: number; readonly unmanaged: boolean } | { readonly failed: string };

/** Only a plain number of pods can be judged without knowing how many there should be. */
function needsScales({ spec }: Budget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

interface Sizes {
  readonly view: View;
  readonly scales: ReadonlyMap<string, CustomScale>;
}

function expectation(budget: Budget, covered: readonly StoredPod[], { view, scales: custom }: Sizes): Expectation {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (!needsScales(budget)) return { pods: minAvailable === undefined ? 0 : covered.length, healthy: Number(minAvailable ?? 0), unmanaged: false };
  const scales = new Map<string, number>();
  for (const pod of covered) {
    const owner = controllerOf(pod);
    if (!owner || scales.has(owner.uid)) continue;
    const scaleless = withoutScale(owner);
    if (scaleless) return { failed: scaleless };
    const known = custom.get(owner.uid);
    if (typeof known === 'object') return known;
    const found = typeof known === 'number' ? { uid: owner.uid, scale: known } : scaleOf(owner, pod.metadata.namespace, view);
    if (!found) return { failed: `found no controllers for pod "${pod.metadata.name}"` };
    scales.set(found.uid, found.scale);
  }
  const total = [...scales.values()].reduce((sum, scale) => sum + scale, 0);
  const unmanaged = covered.some((pod) => !controllerOf(pod));
  if (maxUnavailable !== undefined) return { pods: total, healthy: Math.max(0, total - scaled(maxUnavailable, total, Math.ceil)), unmanaged };
  return { pods: total, healthy: scaled(minAvailable, total, Math.ceil), unmanaged };
}

const SCALED = new Set(['ReplicaSet', 'StatefulSet', 'ReplicationController', 'Deployment']);

/** Owners of kinds that definitions add. */
function foreignOwners(covered: readonly StoredPod[]): OwnerRef[] {
  const owners = new Map(covered.flatMap((pod) => controllerOf(pod) ?? []).map((owner) => [owner.uid, owner]));
  return [...owners.values()].filter((owner) => !SCALED.has(owner.kind) && !builtinOf(owner));
}

function builtinOf({ apiVersion, kind }: Pick<OwnerRef, 'apiVersion' | 'kind'>): AnyRef | undefined {
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  return builtinResources.find((one) => one.kind === kind && one.group === group);
}

/** Why an owner has no size, where that is known of its kind. */
function withoutScale(owner: OwnerRef): string | undefined {
  const resource = SCALED.has(owner.kind) ? undefined : builtinOf(owner);
  return resource && `${resourceText(resource)} does not implement the scale subresource`;
}

/** The size of what controls a pod; of a Deployment where one stands behind a ReplicaSet. */
function scaleOf(owner: { readonly kind: string; readonly name: string; readonly uid: string }, namespace: string, view: View): { readonly uid: string; readonly scale: number } | undefined {
  const key = { namespace, name: owner.name };
  switch (owner.kind) {
    case 'ReplicaSet': {
      const set = view.of(replicasets).get(key);
      const above = set && controllerOf(set);
      if (above?.kind === 'Deployment' && set?.metadata.uid === owner.uid) return sized(view.of(deployments).get({ namespace, name: above.name }), above.uid);
      return sized(set, owner.uid);
    }
    case 'StatefulSet':
      return sized(view.of(statefulsets).get(key), owner.uid);
    case 'ReplicationController':
      return sized(view.of(replicationcontrollers).get(key), owner.uid);
    default:
      return undefined;
  }
}

function sized(object: (Stored<unknown> & { readonly spec?: { readonly replicas?: number } }) | undefined, uid: string): { readonly uid: string; readonly scale: number } | undefined {
  return object?.metadata.uid === uid ? { uid, scale: object.spec?.replicas ?? 1 } : undefined;
}

function pendingEvictions({ status }: Budget, covered: readonly StoredPod[], now: number): { readonly disrupted: Record<string, string>; readonly nextMs: number | undefined } {
  const disrupted: Record<string, string> = {};
  let nextMs: number | undefined;
  for (const pod of covered) {
    const at = (status?.disruptedPods as Readonly<Record<string, string>> | undefined)?.[pod.metadata.name];
    if (at === undefined || isDeleting(pod)) continue;
    const left = timeMs(at) + DELETION_TIMEOUT_MS - now;
    if (left < 0) continue;
    disrupted[pod.metadata.name] = at;
    nextMs = Math.min(nextMs ?? left + 1, left + 1);
  }
  return { disrupted, nextMs };
}

const emptyStatus = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };

function writeStatus(budget: Budget, status: PodDisruptionBudgetStatus | DeepReadonly<PodDisruptionBudgetStatus>, why: { readonly reason: string; readonly message: string; readonly now: number }): Action[] {
  const known = budget.status?.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const value = why.reason === 'SufficientPods' ? 'True' : 'False';
  const lastTransitionTime = known?.status === value ? known.lastTransitionTime : timeText(why.now);
  const { observedGeneration } = status;
  const condition = { type: 'DisruptionAllowed', status: value, ...(observedGeneration && { observedGeneration }), lastTransitionTime, reason: why.reason, message: why.message };
  const conditions = [...(budget.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionAllowed'), condition];
  const next = { ...status, conditions };
  if (deepEqual({ ...emptyStatus, ...budget.status }, next)) return [];
  return [update(poddisruptionbudgets, { ...budget, status: next } as Budget, 'status')];
}

function unmanagedText({ spec }: Budget): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${selectorText(spec?.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, ` +
    'which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}

/** As Go prints a LabelSelector. */
function selectorText(selector: DeepReadonly<LabelSelector> | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value},`).join('');
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`).join('');
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
}
