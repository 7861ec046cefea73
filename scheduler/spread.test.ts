import type { TopologySpreadConstraint } from '../api/types/core.v1.ts';
import { HOST, type NodeInput, type PodInput, ZONE, cluster, node, place, pod, reasons, zones } from './fixtures.ts';
import type { Snapshot } from './snapshot.ts';

const UNEVEN = "node(s) didn't match pod topology spread constraints";
const NO_KEY = `${UNEVEN} (missing required label)`;
const web = { app: 'web' };
const evenly = (more: Partial<TopologySpreadConstraint> = {}): TopologySpreadConstraint => ({ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web }, ...more });

/** Puts pods on nodes: `{ a1: 2 }` two of them on a1. */
function fill(snapshot: Snapshot, counts: Record<string, number>, input: PodInput = { labels: web }): Snapshot {
  for (const [where, count] of Object.entries(counts)) for (let i = 0; i < count; i++) snapshot.setPod(pod(input), where);
  return snapshot;
}

/** The nodes that take the pod, or why none does. */
function options(snapshot: Snapshot, input: PodInput): string {
  const names = snapshot.facts.map((one) => one?.name as string);
  const takes = names.filter((name) => {
    const one = pod({ ...input, affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: HOST, operator: 'NotIn', values: names.filter((other) => other !== name) }] }] } } } });
    const spread = (one.spec.topologySpreadConstraints ?? []).map((constraint) => ({ nodeAffinityPolicy: 'Ignore', ...constraint }));
    const [placed] = place(snapshot, { ...one, spec: { ...one.spec, topologySpreadConstraints: spread } } as typeof one);
    snapshot.removePod(one.metadata.uid);
    return placed === name;
  });
  return takes.join(' ') || reasons(place(snapshot, pod(input))[0]);
}

interface Row {
  readonly nodes?: string;
  readonly more?: Record<string, NodeInput>;
  readonly placed: Record<string, number>;
  readonly constraints: TopologySpreadConstraint[];
  readonly pod?: PodInput;
  readonly expected: string;
}

const rows: Record<string, Row> = {
  'the emptier zone': { placed: { a1: 1 }, constraints: [evenly()], expected: 'b1' },
  'any zone as long as the skew allows': { placed: { a1: 1 }, constraints: [evenly({ maxSkew: 2 })], expected: 'a1 a2 b1' },
  'what is not selected does not count': { placed: { a1: 1 }, constraints: [evenly({ labelSelector: { matchLabels: { app: 'db' } } })], expected: 'a1 a2 b1' },
  'a pod that does not select itself adds nothing': { placed: { a1: 1 }, constraints: [evenly()], pod: { labels: { app: 'db' } }, expected: 'a1 a2 b1' },
  'several constraints must all hold': { placed: { a1: 1, b1: 1 }, constraints: [evenly(), evenly({ topologyKey: HOST })], expected: 'a2' },
  'a node without the key': { nodes: '-n', placed: {}, constraints: [evenly()], expected: `1 ${NO_KEY}` },
  'a node without the key does not count as a zone': { nodes: 'a1 -n', placed: { a1: 3 }, constraints: [evenly()], expected: 'a1' },
  'fewer zones than wanted: the least counts as none': { placed: { a1: 1, b1: 1 }, constraints: [evenly({ minDomains: 3 })], expected: `3 ${UNEVEN}` },
  'as many zones as wanted': { placed: { a1: 1, b1: 1 }, constraints: [evenly({ minDomains: 2 })], expected: 'a1 a2 b1' },
  'a zone whose nodes the pod does not want does not count': {
    placed: { a1: 1 },
    constraints: [evenly({ nodeAffinityPolicy: 'Honor' })],
    pod: { nodeSelector: { [ZONE]: 'a' } },
    expected: 'a1 a2',
  },
  'unless it is to count': { placed: { a1: 1 }, constraints: [evenly({ nodeAffinityPolicy: 'Ignore' })], pod: { nodeSelector: { [ZONE]: 'a' } }, expected: `1 node(s) didn't match Pod's node affinity/selector, 2 ${UNEVEN}` },
  'a zone of tainted nodes counts': { more: { c1: { labels: { [ZONE]: 'c' }, taints: [{ key: 'x', effect: 'NoSchedule' }] } }, placed: { a1: 1, b1: 1 }, constraints: [evenly()], expected: `1 node(s) had untolerated taint(s), 3 ${UNEVEN}` },
  'unless taints are honoured': { more: { c1: { labels: { [ZONE]: 'c' }, taints: [{ key: 'x', effect: 'NoSchedule' }] } }, placed: { a1: 1, b1: 1 }, constraints: [evenly({ nodeTaintsPolicy: 'Honor' })], expected: 'a1 a2 b1' },
  'only the same revision counts': { placed: { a1: 1 }, constraints: [evenly({ matchLabelKeys: ['rev'] })], pod: { labels: { ...web, rev: '2' } }, expected: 'a1 a2 b1' },
  'a soft constraint forbids nothing': { placed: { a1: 9 }, constraints: [evenly({ whenUnsatisfiable: 'ScheduleAnyway' })], expected: 'a1 a2 b1' },
};

test.each(Object.entries(rows))('DoNotSchedule: %s', (_, { nodes = 'a1 a2 b1', more = {}, placed, constraints, pod: input, expected }) => {
  const snapshot = fill(zones(nodes), placed);
  for (const [name, given] of Object.entries(more)) snapshot.setNode(node(name, given));
  expect(options(snapshot, { labels: web, ...input, topologySpreadConstraints: constraints })).toBe(expected);
});

test('DoNotSchedule: pods that are ending and those of other namespaces do not count', () => {
  const snapshot = fill(fill(zones('a1 b1'), { a1: 5 }, { labels: web, ending: true }), { a1: 5 }, { labels: web, namespace: 'other' });
  fill(snapshot, { b1: 1 });
  expect(options(snapshot, { labels: web, topologySpreadConstraints: [evenly()] })).toBe('a1');
});

test('DoNotSchedule: many pods end up as even as they can be', () => {
  const snapshot = zones('a1 a2 b1 c1');
  const placed = place(snapshot, ...Array.from({ length: 12 }, () => pod({ labels: web, topologySpreadConstraints: [evenly()] })));
  expect(['a', 'b', 'c'].map((zone) => placed.filter((name) => name.startsWith(zone)).length)).toEqual([4, 4, 4]);
});

test('DoNotSchedule: a missing label cannot be helped by preemption, unevenness might', () => {
  const [message] = place(fill(zones('a1 b1 -n', { pods: '2' }), { a1: 2, b1: 1 }), pod({ labels: web, nodeSelector: {}, topologySpreadConstraints: [evenly({ minDomains: 3 })] }));
  expect(message).toBe(
    `0/3 nodes are available: 1 Too many pods, 1 ${UNEVEN}, 1 ${NO_KEY}. no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.`,
  );
});

describe('ScheduleAnyway decides between nodes that are otherwise alike', () => {
  const soft = (topologyKey: string, maxSkew = 1): TopologySpreadConstraint => evenly({ whenUnsatisfiable: 'ScheduleAnyway', topologyKey, maxSkew });
  test('by zone, then by host', () => {
    const snapshot = fill(zones('a1 a2 b1 b2'), { a1: 1, a2: 1, b1: 1 });
    expect(place(snapshot, pod({ labels: web, topologySpreadConstraints: [soft(ZONE), soft(HOST)] }))).toEqual(['b2']);
  });
  test('a node that lacks the key comes last', () => {
    const snapshot = fill(zones('a1 -n'), { a1: 2 });
    expect(place(snapshot, pod({ labels: web, topologySpreadConstraints: [soft(ZONE)] }))).toEqual(['a1']);
  });
});

describe('pods that say nothing are spread with those they belong to', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web' };
  const spread = (prepare: (snapshot: Snapshot) => void, input: PodInput = {}): string[] => {
    const snapshot = zones('a1 a2 b1 b2');
    prepare(snapshot);
    return place(snapshot, ...Array.from({ length: 8 }, () => pod({ labels: web, ...input })));
  };
  const even = ['a1', 'a1', 'a2', 'a2', 'b1', 'b1', 'b2', 'b2'];

  test('by their ReplicaSet', () => {
    expect(spread((snapshot) => snapshot.defaultSelectors.setOwner('ReplicaSet', { namespace: 'd', name: 'web' }, { matchLabels: web }), { owner }).sort()).toEqual(even);
  });
  test('by a Service', () => {
    expect(spread((snapshot) => snapshot.defaultSelectors.setService('d', 'web', web)).sort()).toEqual(even);
  });
  test('away from the others of their Service, even where the host has no zone', () => {
    const snapshot = fill(cluster(node('n1'), node('n2')), { n1: 1 });
    snapshot.defaultSelectors.setService('d', 'web', web);
    snapshot.setPod(pod({}), 'n2');
    expect(place(snapshot, pod({ labels: web }), pod({ labels: web, topologySpreadConstraints: [] }))).toEqual(['n2', expect.anything()]);
  });
  test.each([
    ['a Service of other pods', (snapshot: Snapshot) => snapshot.defaultSelectors.setService('d', 'db', { app: 'db' })],
    ['a Service that is gone', (snapshot: Snapshot) => (snapshot.defaultSelectors.setService('d', 'web', web), snapshot.defaultSelectors.setService('d', 'web', undefined))],
    ['an owner of another kind', (snapshot: Snapshot) => snapshot.defaultSelectors.setOwner('StatefulSet', { namespace: 'd', name: 'web' }, { matchLabels: web })],
  ])('not by %s', (_, prepare) => {
    const snapshot = fill(zones('a1 b1'), { a1: 1 });
    snapshot.setPod(pod({}), 'b1');
    prepare(snapshot);
    const first = pod({ labels: web, owner });
    // Both nodes hold one pod: without anything to spread either will do, and the seed says which.
    const plain = zones('a1 b1');
    plain.setPod(pod({}), 'a1');
    plain.setPod(pod({}), 'b1');
    expect(place(snapshot, first)).toEqual(place(plain, pod({})));
  });
});
