import type { Pod, PodSpec, Taint } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { cluster, node, place, pod, reasons } from './fixtures.ts';
import type { Snapshot } from './snapshot.ts';

const tainted: Taint = { key: 'a', value: 'b', effect: 'NoSchedule' };
const inZone = (...values: string[]): Partial<PodSpec> => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values }] }] } } },
});

describe('decide() places a pod only where it fits', () => {
  const nodes = (): Snapshot =>
    cluster(node('a', { labels: { zone: 'x', n: '5' } }), node('b', { labels: { zone: 'y' }, taints: [tainted] }), node('c', { unschedulable: true }));
  const rows: [string, Stored<Pod>, string][] = [
    ['plain', pod(), 'a'],
    ['by selector behind a taint it tolerates', pod({ nodeSelector: { zone: 'y' }, tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }] }), 'b'],
    ['by required affinity', pod(inZone('x', 'z')), 'a'],
    ['on a cordoned node that it tolerates', pod({ nodeSelector: {}, ...named('c'), tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }), 'c'],
    ['by a number', pod({ affinity: requires('n', 'Gt', '4') }), 'a'],
  ];
  test.each(rows)('%s', (_, one, expected) => {
    expect(place(nodes(), one)).toEqual([expected]);
  });
});

describe('decide() says why a pod fits nowhere', () => {
  const nodes = (): Snapshot =>
    cluster(node('a', { cpu: '1', pods: '0' }), node('b', { cpu: '2', memory: '1Gi' }), node('c', { taints: [tainted] }), node('d', { unschedulable: true }));
  const rows: [string, Stored<Pod>, string][] = [
    [
      'several reasons',
      pod({ cpu: '3', memory: '2Gi' }),
      '0/4 nodes are available: 1 Insufficient memory, 1 Too many pods, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 2 Insufficient cpu. ' +
        'no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.',
    ],
    [
      'a selector',
      pod({ nodeSelector: { zone: 'q' }, tolerations: [{ operator: 'Exists' }] }),
      "0/4 nodes are available: 4 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
    ],
    [
      'a pinned name that is not there',
      pod({ ...named('zz') }),
      "0/4 nodes are available: 4 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
    ],
  ];
  test.each(rows)('%s', (_, one, message) => {
    expect(place(nodes(), one)).toEqual([message]);
  });

  test('an ability that the kubelet does not declare', () => {
    const one = node('a');
    const snapshot = cluster(one);
    const asks = (): Stored<Pod> => pod({ hostNetwork: true, hostUsers: false });
    expect(reasons(place(snapshot, asks())[0])).toBe("1 node(s) didn't match Pod's required features");
    snapshot.setNode({ ...one, status: { ...one.status, declaredFeatures: ['UserNamespacesHostNetworkSupport'] } });
    expect(place(snapshot, asks())).toEqual(['a']);
  });

  test('no node at all', () => {
    expect(place(cluster(), pod())).toEqual(['no nodes available to schedule pods']);
  });
});

test('decide() never gives out more than a node has, counting what it placed before', () => {
  const snapshot = cluster(node('a', { cpu: '2' }), node('b', { cpu: '1' }));
  const placed = place(snapshot, ...Array.from({ length: 5 }, () => pod({ cpu: '700m' })));
  expect(placed.filter((name) => name === 'a')).toHaveLength(2);
  expect(placed.filter((name) => name === 'b')).toHaveLength(1);
  expect(placed.filter((name) => name.startsWith('0/2'))).toHaveLength(2);
});

test('decide() gives a host port once per node and again when it is free', () => {
  const snapshot = cluster(node('a'), node('b'));
  const first = pod({ hostPort: 80 });
  const placed = place(snapshot, first, pod({ hostPort: 80 }), pod({ hostPort: 80 }));
  expect(placed.slice(0, 2).sort()).toEqual(['a', 'b']);
  expect(placed[2]).toContain("2 node(s) didn't have free ports for the requested pod ports");
  snapshot.removePod(first.metadata.uid);
  expect(place(snapshot, pod({ hostPort: 80 }))).toEqual([placed[0]]);
});

test('decide() prefers the emptier node, the balanced one, the preferred one and the one without soft taints', () => {
  const emptier = cluster(node('a'), node('b'));
  emptier.setPod(pod({ cpu: '1', memory: '2Gi' }), 'a');
  expect(place(emptier, pod({ cpu: '1', memory: '2Gi' }))).toEqual(['b']);

  const soft = cluster(node('a', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }), node('b'));
  expect(place(soft, pod(), pod(), pod())).toEqual(['b', 'b', 'b']);

  const preferred = cluster(node('a'), node('b', { labels: { disk: 'fast' } }));
  const prefers: Partial<PodSpec> = {
    affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } }] } },
  };
  expect(place(preferred, pod(prefers))).toEqual(['b']);
});

test('decide() sees a change of a node that it has judged before', () => {
  const snapshot = cluster(node('a'));
  expect(place(snapshot, pod())).toEqual(['a']);
  snapshot.setNode(node('a', { unschedulable: true }));
  expect(place(snapshot, pod())[0]).toContain('1 node(s) were unschedulable');
  snapshot.removeNode('a');
  expect(place(snapshot, pod())).toEqual(['no nodes available to schedule pods']);
  snapshot.setNode(node('a'));
  expect(place(snapshot, pod())).toEqual(['a']);
});

function named(name: string): Partial<PodSpec> {
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }] } } } };
}

function requires(key: string, operator: string, ...values: string[]): NonNullable<PodSpec['affinity']> {
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] } } } as NonNullable<PodSpec['affinity']>;
}
