import type { Affinity, Pod, PodAffinityTerm } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { HOST, type PodInput, ZONE, place, pod, reasons, zones } from './fixtures.ts';
import type { Snapshot } from './snapshot.ts';

const term = (app: string, topologyKey = ZONE, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({ topologyKey, labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: [app] }] }, ...more });
const near = (...terms: PodAffinityTerm[]): Affinity => ({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
const far = (...terms: PodAffinityTerm[]): Affinity => ({ podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } });
const prefers = (kind: 'podAffinity' | 'podAntiAffinity', ...terms: PodAffinityTerm[]): Affinity => ({
  [kind]: { preferredDuringSchedulingIgnoredDuringExecution: terms.map((podAffinityTerm) => ({ weight: 10, podAffinityTerm })) },
});
const NEAR = "node(s) didn't match pod affinity rules";
const FAR = "node(s) didn't match pod anti-affinity rules";
const KEPT = "node(s) didn't satisfy existing pods anti-affinity rules";

interface Row {
  /** Nodes by zone; `-x` has no zone. */
  readonly nodes?: string;
  readonly placed?: Record<string, PodInput>;
  readonly pod: PodInput;
  /** The nodes it may be on, or why it may be on none. */
  readonly expected: string;
}

function world({ nodes = 'a1 a2 b1', placed = {} }: Row): Snapshot {
  const snapshot = zones(nodes);
  snapshot.tallies.setNamespace('d', { team: 'red' });
  snapshot.tallies.setNamespace('other', { team: 'blue' });
  for (const [where, input] of Object.entries(placed)) snapshot.setPod(pod(input), where);
  return snapshot;
}

/** The nodes that take the pod, or why none does. */
function options(row: Row): string {
  const snapshot = world(row);
  const names = snapshot.facts.map((node) => node?.name as string).filter((name) => takes(snapshot, row.pod, name));
  return names.join(' ') || reasons(place(snapshot, pod(row.pod))[0]);
}

function takes(snapshot: Snapshot, input: PodInput, name: string): boolean {
  const one = pod({ ...input, nodeSelector: { [HOST]: name } });
  const [placed] = place(snapshot, one);
  snapshot.removePod(one.metadata.uid);
  return placed === name;
}

const db: PodInput = { labels: { app: 'db' } };
const rows: Record<string, Row> = {
  'affinity: the zone of the other': { placed: { a2: db }, pod: { affinity: near(term('db')) }, expected: 'a1 a2' },
  'affinity: the host of the other': { placed: { a2: db }, pod: { affinity: near(term('db', HOST)) }, expected: 'a2' },
  'affinity: there is no other': { pod: { affinity: near(term('db')) }, expected: `3 ${NEAR}` },
  'affinity: all terms, each in its own domain': { placed: { a2: { labels: { app: 'db', x: 'y' } } }, pod: { affinity: near(term('db'), { topologyKey: HOST, labelSelector: { matchLabels: { x: 'y' } } }) }, expected: 'a2' },
  'affinity: one pod must match all terms': { placed: { a1: db, a2: { labels: { app: 'web' } } }, pod: { affinity: near(term('db'), term('web')) }, expected: `3 ${NEAR}` },
  'affinity: the first of its own group goes anywhere with the key': { nodes: 'a1 -n', pod: { labels: { app: 'self' }, affinity: near(term('self')) }, expected: 'a1' },
  'affinity: the second of its own group follows the first': { placed: { b1: { labels: { app: 'self' } } }, pod: { labels: { app: 'self' }, affinity: near(term('self')) }, expected: 'b1' },
  'affinity: not in another namespace': { placed: { a1: { ...db, namespace: 'other' } }, pod: { affinity: near(term('db')) }, expected: `3 ${NEAR}` },
  'affinity: in a namespace by name': { placed: { a1: { ...db, namespace: 'other' } }, pod: { affinity: near(term('db', HOST, { namespaces: ['other'] })) }, expected: 'a1' },
  'affinity: in namespaces by label': { placed: { a1: { ...db, namespace: 'other' }, b1: db }, pod: { affinity: near(term('db', HOST, { namespaceSelector: { matchLabels: { team: 'blue' } } })) }, expected: 'a1' },
  'affinity: in all namespaces': { placed: { a1: { ...db, namespace: 'unheard-of' }, b1: db }, pod: { affinity: near(term('db', HOST, { namespaceSelector: {} })) }, expected: 'a1 b1' },
  'affinity: without a selector to nothing': { placed: { a1: db }, pod: { affinity: near({ topologyKey: ZONE }) }, expected: `3 ${NEAR}` },
  'affinity: a pod that is ending counts': { placed: { a1: { ...db, ending: true } }, pod: { affinity: near(term('db', HOST)) }, expected: 'a1' },
  'anti-affinity: away from the zone': { placed: { a2: db }, pod: { affinity: far(term('db')) }, expected: 'b1' },
  'anti-affinity: nowhere left': { placed: { a2: db, b1: db }, pod: { affinity: far(term('db')) }, expected: `3 ${FAR}` },
  'anti-affinity: any term is enough': { placed: { a2: db, b1: { labels: { app: 'web' } } }, pod: { affinity: far(term('db', HOST), term('web', HOST)) }, expected: 'a1' },
  'anti-affinity: a node without the key is in nobody’s way': { nodes: 'a1 -n', placed: { a1: db }, pod: { affinity: far(term('db')) }, expected: '-n' },
  'symmetry: whom an existing pod avoids stays away': { placed: { a2: { affinity: far(term('web')) } }, pod: { labels: { app: 'web' } }, expected: 'b1' },
  'symmetry: the others do not care': { placed: { a2: { affinity: far(term('web')) } }, pod: { labels: { app: 'db' } }, expected: 'a1 a2 b1' },
  'symmetry: the namespace is that of the existing pod': { placed: { a2: { affinity: far(term('web')) } }, pod: { labels: { app: 'web' }, namespace: 'other' }, expected: 'a1 a2 b1' },
  'symmetry: nowhere left': { nodes: 'a1 a2', placed: { a2: { affinity: far(term('web')) } }, pod: { labels: { app: 'web' } }, expected: `2 ${KEPT}` },
  'the first rule that refuses is told': { nodes: 'a1', placed: { a1: { ...db, affinity: far(term('web')) } }, pod: { labels: { app: 'web' }, affinity: far(term('db')) }, expected: `1 ${FAR}` },
};

test.each(Object.entries(rows))('%s', (_, row) => {
  expect(options(row)).toBe(row.expected);
});

test('what depends on affinity alone cannot be helped by preemption, what depends on anti-affinity might', () => {
  const snapshot = world({ placed: { a1: db, b1: db }, pod: {}, expected: '' });
  const message = (input: PodInput): string | undefined => place(snapshot, pod(input))[0];
  expect(message({ affinity: near(term('none')) })).toContain('preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.');
  expect(message({ affinity: far(term('db')) })).toContain('preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.');
});

test('the labels of a namespace may change', () => {
  const snapshot = world({ placed: { a1: { ...db, namespace: 'other' } }, pod: {}, expected: '' });
  const one = (): Stored<Pod> => pod({ affinity: near(term('db', HOST, { namespaceSelector: { matchLabels: { team: 'green' } } })) });
  expect(reasons(place(snapshot, one())[0])).toBe(`3 ${NEAR}`);
  snapshot.tallies.setNamespace('other', { team: 'green' });
  expect(place(snapshot, one())).toEqual(['a1']);
});

test('counts follow pods that come, change, move and go, and nodes that change their labels', () => {
  const snapshot = world({ pod: {}, expected: '' });
  const follower = (): string => {
    const one = pod({ affinity: near(term('db')) });
    const [where] = place(snapshot, one);
    snapshot.removePod(one.metadata.uid);
    return where as string;
  };
  expect(reasons(follower())).toBe(`3 ${NEAR}`);
  snapshot.setPod(pod({ ...db, name: 'x' }), 'b1');
  expect(follower()).toBe('b1');
  snapshot.setPod(pod({ name: 'x', labels: { app: 'web' } }), 'b1');
  expect(reasons(follower())).toBe(`3 ${NEAR}`);
  snapshot.setPod(pod({ ...db, name: 'x' }), 'a1');
  expect(follower()).toMatch(/^a/);
  snapshot.removeNode('a1');
  expect(reasons(follower())).toBe(`2 ${NEAR}`);
  const moved = zones('b2').facts[0];
  snapshot.setNode({ metadata: { name: 'a1', namespace: '', uid: 'a1', resourceVersion: '2', creationTimestamp: '', labels: { ...moved?.labels } }, spec: {}, status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } } });
  expect(['a1', 'b1']).toContain(follower());
  snapshot.removePod('x');
  expect(reasons(follower())).toBe(`3 ${NEAR}`);
});

describe('preferred terms decide between nodes that are otherwise alike', () => {
  const preferences: [string, Row][] = [
    ['towards', { nodes: 'a1 b1 c1', placed: { b1: db }, pod: { affinity: prefers('podAffinity', term('db')) }, expected: 'b1' }],
    ['away', { nodes: 'a1 b1 c1', placed: { a1: db, c1: db }, pod: { affinity: prefers('podAntiAffinity', term('db')) }, expected: 'b1' }],
    ['towards, by what the existing pod prefers', { nodes: 'a1 b1 c1', placed: { c1: { affinity: prefers('podAffinity', term('web')) } }, pod: { labels: { app: 'web' } }, expected: 'c1' }],
    ['away, by what the existing pods prefer', { nodes: 'a1 b1', placed: { a1: { affinity: prefers('podAntiAffinity', term('web')) } }, pod: { labels: { app: 'web' } }, expected: 'b1' }],
    ['towards, by what the existing pod requires', { nodes: 'a1 b1 c1', placed: { b1: { ...db, affinity: near(term('db')) } }, pod: { labels: { app: 'db' } }, expected: 'b1' }],
  ];
  test.each(preferences)('%s', (_, row) => {
    expect(place(world(row), pod(row.pod))).toEqual([row.expected]);
  });
});

test('each pod of a group that avoids itself gets a node of its own, and the last one none', () => {
  const snapshot = zones('a1 a2 b1');
  const one = (): Stored<Pod> => pod({ labels: { app: 'self' }, affinity: far(term('self', HOST)) });
  const placed = place(snapshot, one(), one(), one(), one());
  expect(placed.slice(0, 3).sort()).toEqual(['a1', 'a2', 'b1']);
  expect(reasons(placed[3])).toBe(`3 ${FAR}`);
});
