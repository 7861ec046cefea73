/** The node lifecycle controller: notices nodes that fall silent, and taints nodes by what their conditions say. */
import { leases, nodes, pods } from '../api/resources.ts';
import { timeMs, timeText } from '../client/time.ts';
import { event, patch, subject, update } from './actions.ts';
import { watch, type Action, type Controller, type Key, type Moment, type Outcome, type View } from './controller.ts';
import { Heartbeats, silentConditions } from './node/health.ts';
import { noExecuteKey, statusOf, taintsOf, wantedTaints, NOT_READY, UNREACHABLE, type StoredNode } from './node/taints.ts';
import { EvictionPace, evictionRate, zoneOf, type EvictionRates } from './node/zones.ts';
import { byNode, isReady as isPodReady } from './pods.ts';

export interface NodeLifecycleOptions extends Partial<EvictionRates> {
  /** How often nodes that are not well are looked at. */
  readonly monitorPeriodMs?: number;
  /** How long a node may be silent. */
  readonly monitorGracePeriodMs?: number;
  /** How long a node may take to say anything at all. */
  readonly startupGracePeriodMs?: number;
}

const DEFAULTS: Required<NodeLifecycleOptions> = {
  monitorPeriodMs: 5000,
  monitorGracePeriodMs: 50_000,
  startupGracePeriodMs: 60_000,
  evictionRate: 0.1,
  secondaryEvictionRate: 0.01,
  unhealthyZoneThreshold: 0.55,
  largeClusterSize: 50,
};

/**
 * A node says that it is ready before its agent follows its pods. It stays tainted until its first Lease shows that the agent
 * runs, or for so long after its creation.
 */
const BIRTH_MS = 1000;

const LEASE_NAMESPACE = 'kube-node-lease';

/** It remembers when heartbeats arrived, when it last let pods be driven off, and which nodes' pods are still to be shown as not ready; all else is in the view. */
export function nodeLifecycleController(options: NodeLifecycleOptions = {}): Controller {
  const settings = { ...DEFAULTS, ...options };
  const heartbeats = new Heartbeats();
  const pace = new EvictionPace();
  const fallenSilent = new Set<Key>();
  return {
    name: 'node-lifecycle-controller',
    account: 'node-controller',
    watches: [
      watch({ resource: nodes, keys: ({ metadata }) => [metadata.name] }),
      watch({ resource: leases, selection: { namespace: LEASE_NAMESPACE }, keys: ({ metadata }) => [metadata.name] }),
      watch({ resource: pods, indexes: { byNode }, keys: () => [] }),
    ],
    reconcile: (key, view, moment) => reconcile({ key, view, moment, settings, heartbeats, pace, fallenSilent }),
  };
}

interface Situation {
  readonly key: Key;
  readonly view: View;
  readonly moment: Moment;
  readonly settings: Required<NodeLifecycleOptions>;
  readonly heartbeats: Heartbeats;
  readonly pace: EvictionPace;
  readonly fallenSilent: Set<Key>;
}

function reconcile({ key, view, moment: { now }, settings, heartbeats, pace, fallenSilent }: Situation): Outcome {
  const node = view.of(nodes).get({ name: key });
  if (!node) {
    fallenSilent.delete(key);
    const missed = heartbeats.missed(key, now, settings.monitorPeriodMs);
    if (!missed) return { actions: [] };
    if ('leftMs' in missed) return { actions: [], requeueAfterMs: missed.leftMs };
    return { actions: [about({ name: key, uid: missed.uid }, 'RemovingNode', `Node ${key} event: Removing Node ${key} from Controller`)] };
  }
  const lease = view.of(leases).get({ namespace: LEASE_NAMESPACE, name: key });
  const { at, isNew } = heartbeats.observe(node, lease?.spec.renewTime, now);
  const actions: Action[] = isNew ? [about(node.metadata, 'RegisteredNode', `Node ${key} event: Registered Node ${key} in Controller`)] : [];
  const ready = statusOf(node, 'Ready');
  const graceMs = ready === undefined ? settings.startupGracePeriodMs : settings.monitorGracePeriodMs;
  const silent = now > at + graceMs ? silentConditions(node, now) : undefined;
  // A node that says itself that it is not ready has an agent that answers for its pods.
  const becomesUnready = ready === 'True' && silent !== undefined;
  if (becomesUnready) actions.push(about(node.metadata, 'NodeNotReady', `Node ${key} status is now: NodeNotReady`));
  if (silent) actions.push(update(nodes, { ...node, status: { ...node.status, conditions: silent } } as StoredNode, 'status'));
  if (becomesUnready) fallenSilent.add(key);
  // The rest follows from the new conditions, when they have come back.
  if (silent) return { actions, requeueAfterMs: settings.monitorPeriodMs };
  const wanted = noExecuteKey(node);
  let noExecute = wanted;
  let waitMs = ready === 'True' ? at + graceMs - now + 1 : settings.monitorPeriodMs;
  if (wanted && !isDriving(node)) {
    const rate = evictionRate(node, view.of(nodes).list(), settings);
    const later = pace.take(zoneOf(node), rate, now, settings.monitorPeriodMs);
    if (later > 0) noExecute = undefined;
    if (later > 0) waitMs = Math.min(waitMs, later);
  } else if (wanted && !view.of(nodes).list().some((other) => statusOf(other, 'Ready') === 'True')) {
    // With no node ready anywhere it is we who are cut off.
    noExecute = undefined;
  }
  const bornMs = lease ? 0 : timeMs(node.metadata.creationTimestamp) + BIRTH_MS - now;
  if (bornMs > 0) waitMs = Math.min(waitMs, bornMs);
  const change = patchOf(node, { noExecute, isNewborn: bornMs > 0 }, now);
  if (change) actions.push(patch(nodes, node.metadata, { metadata: { resourceVersion: node.metadata.resourceVersion, ...change.metadata }, ...change.spec }));
  // After the taints: what a DaemonSet counts depends on which it sees first.
  if (fallenSilent.has(key) && ready === 'Unknown') actions.push(...podsNotReady(key, view, now));
  if (!change || ready !== 'Unknown') fallenSilent.delete(key);
  return { actions, requeueAfterMs: Math.max(1, waitMs) };
}

/** Whether pods are being driven off already: then only the reason may have to change, at once. */
function isDriving(node: StoredNode): boolean {
  return taintsOf(node).some(({ key, effect }) => effect === 'NoExecute' && (key === NOT_READY || key === UNREACHABLE));
}

function podsNotReady(name: string, view: View, now: number): Action[] {
  return view.of(pods).by('byNode', name).filter(isPodReady).flatMap((pod) => {
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: timeText(now) };
    return [
      patch(pods, pod.metadata, { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }, 'status'),
      event(subject(pods, pod), 'Warning', 'NodeNotReady', 'Node is not ready'),
    ];
  });
}

const LABEL_PAIRS = [['kubernetes.io/os', 'beta.kubernetes.io/os'], ['kubernetes.io/arch', 'beta.kubernetes.io/arch']] as const;

function patchOf(node: StoredNode, keep: { readonly noExecute: string | undefined; readonly isNewborn: boolean }, now: number): { readonly metadata?: object; readonly spec?: object } | undefined {
  const taints = wantedTaints(node, { ...keep, timeAdded: timeText(now) });
  const labels = node.metadata.labels ?? {};
  const older = LABEL_PAIRS.filter(([label, old]) => labels[label] !== undefined && labels[old] !== labels[label]).map(([label, old]) => [old, labels[label]]);
  if (!taints && older.length === 0) return undefined;
  return { ...(older.length > 0 && { metadata: { labels: Object.fromEntries(older) } }), ...(taints && { spec: { spec: { taints: taints.length > 0 ? taints : null } } }) };
}

function about({ name, uid }: { readonly name: string; readonly uid: string }, reason: string, message: string): Action {
  return event({ apiVersion: 'v1', kind: 'Node', name, uid }, 'Normal', reason, message);
}
