import { nodes, pods } from '../api/resources.ts';
import type { Pod, Taint, Toleration } from '../api/types/core.v1.ts';
import { seededRandom } from '../std/random.ts';
import { NOW, item, shown, viewOf, type Item } from './fake-view.ts';
import { podGcController } from './pod-gc.ts';
import { taintEvictionController } from './taint-eviction.ts';
import type { Controller } from './controller.ts';

const node = (name: string, taints: Taint[] = []) => item(nodes, { metadata: { name }, spec: { taints } });
const pod = (name: string, more: { node?: string; tolerations?: Toleration[]; phase?: NonNullable<Pod['status']>['phase']; deleting?: boolean | string; created?: string; reason?: string } = {}) =>
  item(pods, {
    metadata: { name, generation: 1, ...(more.deleting && { deletionTimestamp: more.deleting === true ? '2026-01-01T00:00:00Z' : more.deleting }), ...(more.created && { creationTimestamp: more.created }) },
    spec: { containers: [], ...(more.node !== '' && { nodeName: more.node ?? 'n' }), tolerations: more.tolerations ?? [] },
    status: { phase: more.phase ?? 'Running', ...(more.reason && { reason: more.reason }) },
  });
const over = (controller: Controller) => (at: number, key: string, ...items: Item[]) => controller.reconcile(key, viewOf(controller, items), { now: NOW + at, random: seededRandom(1) });

describe('taintEvictionController()', () => {
  const hot = node('n', [{ key: 'hot', value: 'yes', effect: 'NoExecute' }]);
  const MARK = 'patch pods/status a/p {"metadata":{"uid":"uid-p"},"status":{"conditions":[{"type":"DisruptionTarget","status":"True","reason":"DeletionByTaintManager","message":"Taint manager: deleting due to NoExecute taint","lastTransitionTime":"2026-01-01T12:00:00Z","observedGeneration":1}]}}';
  const GONE = [MARK, 'Normal TaintManagerEviction: Marking for deletion Pod a/p', 'delete pods a/p'];

  const ROWS: [string, Toleration[], string[], number | undefined][] = [
    ['none', [], GONE, undefined],
    ['another key', [{ key: 'cold', operator: 'Exists' }], GONE, undefined],
    ['another value', [{ key: 'hot', operator: 'Equal', value: 'no' }], GONE, undefined],
    ['another effect', [{ key: 'hot', operator: 'Exists', effect: 'NoSchedule' }], GONE, undefined],
    ['for ever', [{ key: 'hot', value: 'yes' }], [], undefined],
    ['everything', [{ operator: 'Exists' }], [], undefined],
    ['for a while', [{ key: 'hot', operator: 'Exists', tolerationSeconds: 30 }], [], 30_000],
    ['for no time', [{ key: 'hot', operator: 'Exists', tolerationSeconds: 0 }], GONE, undefined],
  ];
  test.each(ROWS)('a pod that tolerates %s', (_, tolerations, lines, wait) => {
    const { actions, requeueAfterMs } = over(taintEvictionController())(0, 'a/p', hot, pod('p', { tolerations }));
    expect(shown(actions)).toEqual(lines);
    expect(requeueAfterMs).toBe(wait);
  });

  test('borrowed time runs from when it began, and ends with the taint', () => {
    const run = over(taintEvictionController());
    const patient = pod('p', { tolerations: [{ key: 'hot', operator: 'Exists', tolerationSeconds: 30 }] });
    expect(run(0, 'a/p', hot, patient).requeueAfterMs).toBe(30_000);
    expect(run(20_000, 'a/p', hot, patient).requeueAfterMs).toBe(10_000);
    expect(shown(run(25_000, 'a/p', node('n'), patient).actions)).toEqual(['Normal TaintManagerEviction: Cancelling deletion of Pod a/p']);
    expect(run(26_000, 'a/p', hot, patient).requeueAfterMs).toBe(30_000);
    expect(shown(run(56_000, 'a/p', hot, patient).actions).at(-1)).toBe('delete pods a/p');
  });

  test('a second taint does not count from when the first one came', () => {
    const run = over(taintEvictionController());
    const patient = pod('p', { tolerations: [{ key: 'hot', operator: 'Exists', tolerationSeconds: 20 }, { key: 'dark', operator: 'Exists', tolerationSeconds: 300 }] });
    const dark = { key: 'dark', effect: 'NoExecute' } as const;
    expect(run(0, 'a/p', node('n', [dark]), patient).requeueAfterMs).toBe(300_000);
    expect(run(100_000, 'a/p', node('n', [dark, { key: 'hot', effect: 'NoExecute' }]), patient)).toMatchObject({ actions: [], requeueAfterMs: 200_000 });
    const cold = shown(run(101_000, 'a/p', node('n', [dark, { key: 'cold', effect: 'NoExecute' }]), patient).actions);
    expect(cold.filter((line) => !line.startsWith('patch'))).toEqual(['Normal TaintManagerEviction: Cancelling deletion of Pod a/p', ...GONE.slice(1)]);
  });
});

describe('podGcController()', () => {
  test('a node that is put out of service is looked at, whatever taint it loses meanwhile', () => {
    const [, ofNodes] = podGcController().watches as unknown as { matters: (a: unknown, b: unknown) => boolean }[];
    const tainted = (key: string) => node('n', [{ key, effect: 'NoExecute' }]).object;
    expect([ofNodes?.matters(tainted('a'), tainted('node.kubernetes.io/out-of-service')), ofNodes?.matters(tainted('a'), tainted('b'))]).toEqual([true, false]);
  });

  test('pods of a node that is missing for 40 s are failed and deleted', () => {
    const run = over(podGcController());
    expect(run(0, 'a/p', pod('p')).requeueAfterMs).toBe(40_000);
    expect(run(10_000, 'a/p', pod('p')).actions).toEqual([]);
    const { actions } = run(40_000, 'a/p', pod('p'));
    expect(shown(actions)).toEqual([expect.stringMatching(/"phase":"Failed".*"reason":"DeletionByPodGC","message":"PodGC: node no longer exists"/), 'delete pods a/p']);
    expect(actions.at(-1)).toMatchObject({ gracePeriodSeconds: 0, uid: 'uid-p' });
  });

  test('a node that comes back in time saves them', () => {
    const run = over(podGcController());
    run(0, 'a/p', pod('p'));
    expect(run(30_000, 'a/p', pod('p'), node('n')).actions).toEqual([]);
    expect(run(50_000, 'a/p', pod('p')).requeueAfterMs).toBe(40_000);
  });

  test('a pod without a node that is to go, goes', () => {
    const run = over(podGcController());
    expect(shown(run(0, 'a/p', pod('p', { node: '', deleting: true })).actions)).toEqual([expect.stringContaining('"phase":"Failed"'), 'delete pods a/p']);
    expect(run(0, 'a/p', pod('p', { node: '' })).actions).toEqual([]);
    // Who deletes it lets it go in a moment.
    expect(run(0, 'a/p', pod('p', { node: '', deleting: '2026-01-01T12:00:00Z' }))).toEqual({ actions: [], requeueAfterMs: 2000 });
  });

  test('of too many ended pods evicted ones go first, then the oldest', () => {
    const run = over(podGcController({ terminatedPodThreshold: 1 }));
    const items = [
      pod('new', { phase: 'Succeeded', created: '2026-01-01T03:00:00Z' }),
      pod('old', { phase: 'Failed', created: '2026-01-01T01:00:00Z' }),
      pod('evicted', { phase: 'Failed', created: '2026-01-01T04:00:00Z', reason: 'Evicted' }),
      pod('running', { created: '2026-01-01T00:00:00Z' }),
    ];
    expect(shown(run(0, 'ended', ...items).actions)).toEqual(['| delete pods a/evicted', '| delete pods a/old']);
    expect(over(podGcController({ terminatedPodThreshold: 0 }))(0, 'ended', ...items).actions).toEqual([]);
  });
});
