import type { PodStatus } from '../api/types/core.v1.ts';
import type { PodDisruptionBudget } from '../api/types/policy.v1.ts';
import type { Stored } from '../client/client.ts';
import { HOST, type PodInput, ZONE, cluster, decided, node, pod } from './fixtures.ts';
import type { Snapshot } from './snapshot.ts';

const web = { app: 'web' };

function budget(allowed: number, labels: Record<string, string> = web, disrupted: string[] = []): Stored<PodDisruptionBudget> {
  return {
    metadata: { name: 'b', namespace: 'd', uid: `b${JSON.stringify(labels)}`, resourceVersion: '1', creationTimestamp: '' },
    spec: { selector: { matchLabels: labels } },
    status: { disruptionsAllowed: allowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1, disruptedPods: Object.fromEntries(disrupted.map((name) => [name, ''])) },
  };
}

interface Row {
  /** Pods by the node they are on. A node has one cpu. */
  readonly placed: Record<string, PodInput[]>;
  readonly budgets?: Stored<PodDisruptionBudget>[];
  readonly pod: PodInput;
  /** `node: victims`, or what is said of preemption. */
  readonly expected: string;
}

function world({ placed, budgets = [] }: Pick<Row, 'placed' | 'budgets'>): Snapshot {
  const snapshot = cluster(...Object.keys(placed).map((name) => node(name, { cpu: '1', labels: { [ZONE]: name[0] as string } })));
  for (const one of budgets) snapshot.budgets.set(one);
  for (const [where, pods] of Object.entries(placed)) for (const input of pods) snapshot.setPod(pod(input), where);
  return snapshot;
}

function outcome(snapshot: Snapshot, input: PodInput): string {
  const [decision] = decided(snapshot, pod(input));
  if (!decision || 'node' in decision) return `placed on ${decision?.node}`;
  const { preemption, message } = decision.unschedulable;
  return preemption ? `${preemption.node}: ${preemption.victims.map(({ metadata }) => metadata.name).join(' ')}` : (/preemption: (.*)$/.exec(message)?.[1] ?? message);
}

const at = (startTime: string): PodStatus => ({ startTime });
const ending: PodStatus = { conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }] };

const rows: Record<string, Row> = {
  'the least important that make room go': { placed: { n1: [{ name: 'low', cpu: '400m' }, { name: 'mid', cpu: '400m', priority: 500 }] }, pod: { cpu: '500m', priority: 1000 }, expected: 'n1: low' },
  'as many as it takes': { placed: { n1: [{ name: 'low', cpu: '400m' }, { name: 'mid', cpu: '400m', priority: 500 }] }, pod: { cpu: '900m', priority: 1000 }, expected: 'n1: mid low' },
  'pods of the same importance stay': { placed: { n1: [{ cpu: '800m', priority: 7 }] }, pod: { cpu: '500m', priority: 7 }, expected: '0/1 nodes are available: 1 No preemption victims found for incoming pod.' },
  'a pod too large for the node evicts nobody': { placed: { n1: [{ cpu: '800m' }] }, pod: { cpu: '2', priority: 7 }, expected: '0/1 nodes are available: 1 Preemption is not helpful for scheduling.' },
  'where it is not enough the reason stays': { placed: { n1: [{ cpu: '600m', priority: 9 }, { cpu: '300m' }] }, pod: { cpu: '500m', priority: 7 }, expected: '0/1 nodes are available: 1 Insufficient cpu.' },
  'a pod that never preempts': { placed: { n1: [{ cpu: '800m' }] }, pod: { cpu: '500m', priority: 7, preemptionPolicy: 'Never' }, expected: 'not eligible due to preemptionPolicy=Never.' },
  'the node where no budget is broken': { placed: { n1: [{ name: 'a', cpu: '800m', labels: web }], n2: [{ name: 'b', cpu: '800m', priority: 5 }] }, budgets: [budget(0)], pod: { cpu: '500m', priority: 7 }, expected: 'n2: b' },
  'a broken budget rather than nothing': { placed: { n1: [{ name: 'a', cpu: '800m', labels: web }] }, budgets: [budget(0)], pod: { cpu: '500m', priority: 7 }, expected: 'n1: a' },
  'a budget that allows it is none': { placed: { n1: [{ name: 'a', cpu: '800m', labels: web }], n2: [{ name: 'b', cpu: '800m', priority: 5 }] }, budgets: [budget(1)], pod: { cpu: '500m', priority: 7 }, expected: 'n1: a' },
  'what is disrupted already breaks no budget': { placed: { n1: [{ name: 'a', cpu: '800m', labels: web }], n2: [{ name: 'b', cpu: '800m', priority: 5 }] }, budgets: [budget(0, web, ['a'])], pod: { cpu: '500m', priority: 7 }, expected: 'n1: a' },
  'on one node a pod without a budget goes first': { placed: { n1: [{ name: 'guarded', cpu: '400m', labels: web }, { name: 'free', cpu: '400m', priority: 3 }] }, budgets: [budget(0)], pod: { cpu: '500m', priority: 7 }, expected: 'n1: free' },
  'the node whose most important victim is the least': { placed: { n1: [{ name: 'a', cpu: '800m', priority: 5 }], n2: [{ name: 'b', cpu: '800m', priority: 4 }] }, pod: { cpu: '500m', priority: 7 }, expected: 'n2: b' },
  'then the least importance in sum': { placed: { n1: [{ name: 'a', cpu: '500m', priority: 5 }, { name: 'b', cpu: '500m', priority: 4 }], n2: [{ name: 'c', cpu: '500m', priority: 5 }, { name: 'd', cpu: '500m', priority: 1 }] }, pod: { cpu: '900m', priority: 7 }, expected: 'n2: c d' },
  'then the fewest': { placed: { n1: [{ name: 'a', cpu: '500m', priority: 5 }, { name: 'b', cpu: '500m', priority: 5 }], n2: [{ name: 'c', cpu: '800m', priority: 5 }] }, pod: { cpu: '900m', priority: 7 }, expected: 'n2: c' },
  'then those that started last': { placed: { n1: [{ name: 'old', cpu: '800m', status: at('2025-01-01T00:00:00Z') }], n2: [{ name: 'new', cpu: '800m', status: at('2025-06-01T00:00:00Z') }] }, pod: { cpu: '900m', priority: 7 }, expected: 'n2: new' },
  'of equals on one node the younger goes': { placed: { n1: [{ name: 'new', cpu: '400m', status: at('2025-06-01T00:00:00Z') }, { name: 'old', cpu: '400m', status: at('2025-01-01T00:00:00Z') }] }, pod: { cpu: '500m', priority: 7 }, expected: 'n1: new' },
  'a host port is freed': { placed: { n1: [{ name: 'a', hostPort: 80 }, { name: 'b' }] }, pod: { hostPort: 80, priority: 7 }, expected: 'n1: a' },
  'those who keep the pod out go': {
    placed: { n1: [{ name: 'a', affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: HOST, labelSelector: { matchLabels: web } }] } } }, { name: 'b' }] },
    pod: { labels: web, priority: 7 },
    expected: 'n1: a',
  },
  'those who make it uneven go': {
    placed: { a1: [{ name: 'x', labels: web }, { name: 'y', labels: web, priority: 1 }, { name: 'z' }], b1: [{ cpu: '1', priority: 9 }] },
    pod: { labels: web, priority: 7, cpu: '100m', topologySpreadConstraints: [{ maxSkew: 2, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } }] },
    expected: 'a1: x',
  },
  'nobody else while one is ending on its node': {
    placed: { n1: [{ cpu: '800m', ending: true, status: ending }, { cpu: '100m' }] },
    pod: { cpu: '500m', priority: 7, status: { nominatedNodeName: 'n1' } },
    expected: 'not eligible due to a terminating pod on the nominated node.',
  },
};

test.each(Object.entries(rows))('preempt(): %s', (_, row) => {
  expect(outcome(world(row), row.pod)).toBe(row.expected);
});

test('the text says only why it did not fit at first', () => {
  const [decision] = decided(world({ placed: { n1: [{ cpu: '800m' }] } }), pod({ cpu: '500m', priority: 7 }));
  expect(decision).toMatchObject({ unschedulable: { message: '0/1 nodes are available: 1 Insufficient cpu.', nominated: 'n1' } });
});

test('what is being cleared for a pod is reserved for it again when it was thought to be elsewhere', () => {
  const snapshot = world({ placed: { n1: [{ name: 'low', cpu: '800m', ending: true, status: ending }], n2: [] } });
  const high = pod({ name: 'high', cpu: '500m', priority: 7, status: { nominatedNodeName: 'n1' } });
  snapshot.setPod(high, 'n2');
  snapshot.setNode(node('n2', { cpu: '100m' }));
  decided(snapshot, high);
  expect(snapshot.nominations.of('high')).toBe('n1');
});

test('a dry run leaves the snapshot as it was', () => {
  const snapshot = world({ placed: { n1: [{ name: 'low', cpu: '800m' }] } });
  outcome(snapshot, { cpu: '500m', priority: 7, name: 'high' });
  snapshot.nominations.remove('high');
  expect(outcome(snapshot, { cpu: '300m' })).toContain('No preemption victims found');
  expect(outcome(snapshot, { cpu: '200m' })).toBe('placed on n1');
});

test('what a node is cleared for is kept from the less important, not from the more important', () => {
  const snapshot = world({ placed: { n1: [{ name: 'low', cpu: '800m' }] } });
  expect(outcome(snapshot, { name: 'high', cpu: '900m', priority: 7 })).toBe('n1: low');
  snapshot.removePod('low');
  expect(outcome(snapshot, { cpu: '500m', priority: 6 })).toContain('0/1 nodes are available');
  expect(outcome(snapshot, { cpu: '100m', priority: 6 })).toBe('placed on n1');
  expect(outcome(snapshot, { name: 'higher', cpu: '500m', priority: 8 })).toBe('placed on n1');
  snapshot.removePod('higher');
  expect(outcome(snapshot, { name: 'high', cpu: '900m', priority: 7 })).toBe('placed on n1');
  expect(snapshot.nominations.size).toBe(0);
});

test.each<[string, (snapshot: Snapshot) => void, string]>([
  ['nothing', () => undefined, 'n1: a'],
  ['a budget', (snapshot) => snapshot.budgets.set(budget(0)), 'n2: b'],
  ['a pod that comes', (snapshot) => snapshot.setPod(pod({ name: 'c', cpu: '100m', priority: 6 }), 'n1'), 'n1: a'],
  ['a pod that becomes more important', (snapshot) => snapshot.setPod(pod({ name: 'a', cpu: '800m', priority: 6, labels: web }), 'n1'), 'n2: b'],
  ['another that has been nominated', (snapshot) => void outcome(snapshot, { name: 'first', cpu: '900m', priority: 7 }), 'n2: b'],
])('who has to go is found out anew after %s', (_, change, expected) => {
  const snapshot = world({ placed: { n1: [{ name: 'a', cpu: '800m', labels: web }], n2: [{ name: 'b', cpu: '800m', priority: 3 }], n3: [{ name: 'd', cpu: '800m', priority: 5 }] } });
  expect(outcome(snapshot, { name: 'before', cpu: '900m', priority: 7 })).toBe('n1: a');
  snapshot.nominations.remove('before');
  change(snapshot);
  expect(outcome(snapshot, { name: 'after', cpu: '900m', priority: 7 })).toBe(expected);
});

test('a pod goes to the node that was cleared for it, even if another would suit it better', () => {
  const snapshot = world({ placed: { n1: [{ name: 'low', cpu: '800m' }], n2: [{ name: 'mid', cpu: '800m', priority: 3 }] } });
  expect(outcome(snapshot, { name: 'high', cpu: '500m', priority: 7 })).toBe('n1: low');
  snapshot.setPod(pod({ name: 'low', cpu: '300m' }), 'n1');
  snapshot.removePod('mid');
  expect(outcome(snapshot, { name: 'high', cpu: '500m', priority: 7 })).toBe('placed on n1');
});
