/** The DaemonSet controller: one pod on every node that fits. */
import { controllerrevisions, daemonsets, nodes, pods, type ResourceRef } from '../api/resources.ts';
import { matchesLabels } from '../api/selectors.ts';
import type { DaemonSetStatus } from '../api/types/apps.v1.ts';
import { parseKey } from '../client/cache.ts';
import { deepEqual } from '../std/deep.ts';
import { create, event, remove, subject, together, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { isUpdated, placement, targetOf, templateFor, type StoredDaemonSet } from './daemonset/placement.ts';
import { rolloutStep, surgeOf } from './daemonset/update.ts';
import { FailureBackoff } from './failure-backoff.ts';
import type { StoredNode } from './node/taints.ts';
import { byOwner, claim, controllerKeys, controllerOf, isDeleting, orphansOf, ownerReference, selectorOf } from './owners.ts';
import { byNode, isAvailable, isDone, isReady, nextAvailability, podFromTemplate, type StoredPod } from './pods.ts';
import { DAEMON_HASH_LABEL, historyOf, revisionIndexes, trimHistory, type History } from './revisions.ts';

const BURST = 250;
const RESOURCE = daemonsets as ResourceRef<unknown>;

/** It remembers how often a node's pod has failed. */
export function daemonSetController(): Controller {
  const failures = new FailureBackoff();
  return {
    name: 'daemonset-controller',
    account: 'daemon-set-controller',
    component: 'daemonset-controller',
    watches: [
      watch({ resource: daemonsets, keys: ({ metadata }) => [`${metadata.namespace}/${metadata.name}`] }),
      watch({ resource: pods, indexes: { byOwner, byNode }, keys: podKeys }),
      // Who makes or deletes one by hand is not corrected at once.
      watch({ resource: controllerrevisions, indexes: revisionIndexes, keys: () => [] }),
      watch({ resource: nodes, keys: nodeKeys, matters: nodeMatters }),
    ],
    reconcile: (key, view, moment) => reconcile(key, view, moment, failures),
    onRefused,
  };
}

function nodeMatters(before: StoredNode, after: StoredNode): boolean {
  return !deepEqual(before.metadata.labels, after.metadata.labels) || !deepEqual(before.spec?.taints, after.spec?.taints);
}

/**
 * A node's change is for the sets whose pod must come or go there; where one only becomes misplaced, the status says so at
 * the set's next change, as upstream's does.
 */
function* nodeKeys({ metadata: { name } }: StoredNode, view: View): Generator<Key> {
  const node = view.of(nodes).get({ name });
  if (!node) return;
  const owners = new Set(view.of(pods).by('byNode', name).map((pod) => controllerOf(pod)?.uid));
  for (const set of view.of(daemonsets).list()) {
    const { start, keep } = placement(set, node);
    const present = owners.has(set.metadata.uid);
    if (present ? !keep || (set.status?.numberMisscheduled ?? 0) > 0 : start) yield `${set.metadata.namespace}/${set.metadata.name}`;
  }
}

function podKeys(pod: StoredPod, view: View): string[] {
  if (controllerOf(pod)) return controllerKeys('DaemonSet', pod);
  return view.of(daemonsets).list(pod.metadata.namespace).filter((set) => !selectsAll(set) && matchesLabels(selectorOf(set.spec.selector), pod.metadata.labels)).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

function selectsAll({ spec: { selector } }: StoredDaemonSet): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

function reconcile(key: Key, view: View, moment: Moment, failures: FailureBackoff): Outcome {
  const set = view.of(daemonsets).get(parseKey(key));
  if (!set || isDeleting(set)) return { actions: [] };
  if (selectsAll(set)) return { actions: [event(subject(daemonsets, set), 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.')] };
  const selector = selectorOf(set.spec.selector);
  const candidates = [...view.of(pods).by('byOwner', set.metadata.uid), ...view.of(pods).by('byOwner', orphansOf(set.metadata.namespace))];
  const { mine, actions: claims } = claim({ resource: pods, ownerResource: RESOURCE, owner: set, selector, candidates });
  const history = historyOf({ resource: RESOURCE, owner: set, selector, template: set.spec.template, collisionCount: set.status?.collisionCount, hashLabel: DAEMON_HASH_LABEL }, view);
  if (history.collision) return { actions: [update(daemonsets, { ...set, status: { ...emptyStatus, ...set.status, collisionCount: (set.status?.collisionCount ?? 0) + 1 } }, 'status')] };
  const podsByNode = groupByNode(mine);
  const situation: Situation = { set, nodes: view.of(nodes).list(), podsByNode, hash: history.current.hash, now: moment.now };
  const managed = manage(situation, failures);
  const step = managed.remove.length + managed.createOn.length === 0 ? rolloutStep(situation) : managed;
  const status = statusOf(situation);
  // Pods that cannot be made, for a quota or a webhook, keep nothing else from being done.
  const actions = [...claims, ...history.actions, ...removed(set, step.remove.slice(0, BURST)), ...trim(set, history, mine), ...writeStatus(set, status), ...made(situation, step.createOn.slice(0, BURST))];
  return { actions, ...waiting(set, mine, status, managed.retryMs, moment.now) };
}

interface Situation {
  readonly set: StoredDaemonSet;
  readonly nodes: readonly StoredNode[];
  readonly podsByNode: ReadonlyMap<string, readonly StoredPod[]>;
  readonly hash: string;
  readonly now: number;
}

function groupByNode(mine: readonly StoredPod[]): Map<string, StoredPod[]> {
  const groups = new Map<string, StoredPod[]>();
  for (const pod of mine) {
    const node = targetOf(pod);
    if (node === undefined || (isDone(pod) && isDeleting(pod))) continue;
    const known = groups.get(node);
    if (known) known.push(pod);
    else groups.set(node, [pod]);
  }
  for (const group of groups.values()) group.sort(byAge);
  return groups;
}

/** Those on a node first, then the older. */
function byAge(a: StoredPod, b: StoredPod): number {
  return age(a) < age(b) ? -1 : 1;
}

function age({ spec, metadata }: StoredPod): string {
  return `${spec?.nodeName ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`;
}

interface Managed {
  readonly remove: readonly StoredPod[];
  readonly createOn: readonly string[];
  readonly retryMs: number | undefined;
}

function manage(situation: Situation, failures: FailureBackoff): Managed {
  const { set, podsByNode, now } = situation;
  const remove: StoredPod[] = [];
  const createOn: string[] = [];
  let retryMs: number | undefined;
  for (const node of situation.nodes) {
    const { name } = node.metadata;
    const present = podsByNode.get(name);
    const { start, keep } = placement(set, node);
    if (!present) {
      if (start) createOn.push(name);
      continue;
    }
    if (!keep) {
      remove.push(...present.filter((pod) => !isDeleting(pod)));
      continue;
    }
    const running = present.filter((pod) => !isDeleting(pod) && !isDone(pod));
    for (const pod of present.filter((other) => !isDeleting(other) && isDone(other))) {
      const wait = pod.status?.phase === 'Failed' ? failures.waitMs(`${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${name}`, now) : 0;
      if (wait > 0) retryMs = Math.min(retryMs ?? wait, wait);
      else remove.push(pod);
    }
    if (surgeOf(set, 1) > 0) {
      if (running.length === 0 && start) createOn.push(name);
      remove.push(...excessWithSurge(situation, running));
    } else {
      remove.push(...running.slice(1));
    }
  }
  for (const [name, present] of podsByNode) {
    if (!situation.nodes.some(({ metadata }) => metadata.name === name)) remove.push(...present.filter((pod) => !pod.spec?.nodeName && !isDeleting(pod)));
  }
  return { remove, createOn, retryMs };
}

/** With surge an old and a new pod may stand side by side, until the new one works or the old one does not. */
function excessWithSurge({ set, hash, now }: Situation, running: readonly StoredPod[]): StoredPod[] {
  if (running.length <= 1) return [];
  const [fresh, ...freshMore] = running.filter((pod) => isUpdated(set, pod, hash));
  const [old, ...oldMore] = running.filter((pod) => !isUpdated(set, pod, hash));
  const replaced = fresh && old && (!isReady(old) || isAvailable(fresh, set.spec.minReadySeconds ?? 0, now)) ? [old] : [];
  return [...freshMore, ...oldMore, ...replaced];
}

function made({ set, hash }: Situation, createOn: readonly string[]): Action[] {
  const owner = ownerReference(daemonsets, set);
  return together(createOn.map((node) => {
    const pod = podFromTemplate(templateFor(set, node, hash), { namespace: set.metadata.namespace, owner });
    return [create(pods, pod, { announce: event(subject(daemonsets, set), 'Normal', 'SuccessfulCreate', 'Created pod: ') })];
  }));
}

function removed(set: StoredDaemonSet, doomed: readonly StoredPod[]): Action[] {
  const about = subject(daemonsets, set);
  return together(doomed.map((pod) => {
    const { namespace, name } = pod.metadata;
    const { phase } = pod.status ?? {};
    const why = `${namespace}/${name} on node ${targetOf(pod) ?? ''}`;
    const said = phase === 'Failed' ? [event(about, 'Warning', 'FailedDaemonPod', `Found failed daemon pod ${why}, will try to kill it`)]
      : phase === 'Succeeded' ? [event(about, 'Normal', 'SucceededDaemonPod', `Found succeeded daemon pod ${why}, will try to delete it`)] : [];
    return [...said, remove(pods, pod), event(about, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)];
  }));
}

const emptyStatus = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

function statusOf({ set, nodes: all, podsByNode, hash, now }: Situation): DaemonSetStatus {
  const count = { desired: 0, current: 0, misplaced: 0, ready: 0, available: 0, updated: 0 };
  for (const node of all) {
    const [pod] = podsByNode.get(node.metadata.name) ?? [];
    if (!placement(set, node).start) {
      if (pod) count.misplaced++;
      continue;
    }
    count.desired++;
    if (!pod) continue;
    count.current++;
    if (isReady(pod)) count.ready++;
    if (isAvailable(pod, set.spec.minReadySeconds ?? 0, now)) count.available++;
    if (isUpdated(set, pod, hash)) count.updated++;
  }
  const { collisionCount, conditions } = set.status ?? {};
  return {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misplaced,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: set.metadata.generation ?? 0,
    updatedNumberScheduled: count.updated,
    numberAvailable: count.available,
    numberUnavailable: count.desired - count.available,
    ...(collisionCount !== undefined && { collisionCount }),
    ...(conditions && { conditions: conditions.map((condition) => ({ ...condition })) }),
  };
}

function writeStatus(set: StoredDaemonSet, status: DaemonSetStatus): Action[] {
  const zeros = { ...emptyStatus, observedGeneration: 0, updatedNumberScheduled: 0, numberAvailable: 0, numberUnavailable: 0 };
  return deepEqual({ ...zeros, ...set.status }, { ...zeros, ...status }) ? [] : [update(daemonsets, { ...set, status }, 'status')];
}

function trim(set: StoredDaemonSet, { old }: History, mine: readonly StoredPod[]): Action[] {
  const live = new Set(mine.map(({ metadata }) => metadata.labels?.[DAEMON_HASH_LABEL]));
  return trimHistory(old, set.spec.revisionHistoryLimit ?? 10, ({ metadata }) => live.has(metadata.labels?.[DAEMON_HASH_LABEL]));
}

function waiting(set: StoredDaemonSet, mine: readonly StoredPod[], status: DaemonSetStatus, retryMs: number | undefined, now: number): { requeueAfterMs?: number } {
  const { minReadySeconds = 0 } = set.spec;
  const ready = minReadySeconds > 0 && status.numberReady !== status.numberAvailable ? nextAvailability(mine, minReadySeconds, now) : undefined;
  const waits = [retryMs, ready === undefined ? undefined : ready + 1].filter((wait) => wait !== undefined);
  return waits.length > 0 ? { requeueAfterMs: Math.min(...waits) } : {};
}

function onRefused(key: Key, action: Action, error: Error, view: View): readonly Action[] {
  const set = view.of(daemonsets).get(parseKey(key));
  if (!set || (action.do !== 'create' && action.do !== 'delete') || action.resource !== (pods as ResourceRef<unknown>)) return [];
  return [action.do === 'create'
    ? event(subject(daemonsets, set), 'Warning', 'FailedCreate', `Error creating: ${error.message}`)
    : event(subject(daemonsets, set), 'Warning', 'FailedDelete', `Error deleting: ${error.message}`)];
}
