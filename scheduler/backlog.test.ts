import type { Pod } from '../api/types/core.v1.ts';
import type { Stored } from '../client/client.ts';
import { Backlog, SETTLE_MS } from './backlog.ts';

function pod(name: string, priority = 0): Stored<Pod> {
  return { metadata: { name, namespace: 'd', uid: name, resourceVersion: '1', creationTimestamp: '' }, spec: { containers: [], priority } };
}

const names = (taken: readonly Stored<Pod>[]): string[] => taken.map(({ metadata }) => metadata.name);

test('take() gives the most important first, among equals the oldest, and none twice', () => {
  const backlog = new Backlog();
  backlog.put(pod('late'), 2);
  backlog.put(pod('early'), 1);
  backlog.put(pod('urgent', 10), 3);
  backlog.put(pod('gone', 99), 3);
  backlog.remove('gone');
  expect(names(backlog.take(5, 2))).toEqual(['urgent', 'early']);
  expect(names(backlog.take(5, 9))).toEqual(['late']);
  expect(backlog.take(5, 9)).toEqual([]);
});

test('retry() backs off from 1 s, doubling to 10 s, counted from the failure', () => {
  const backlog = new Backlog();
  backlog.put(pod('a'), 0);
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    expect(names(backlog.take(now, 1))).toEqual(['a']);
    backlog.retry('a', now);
    const next = backlog.nextAt() as number;
    expect(backlog.take(next - 1, 1)).toEqual([]);
    waits.push(next - now);
    now = next;
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
});

describe('a parked pod', () => {
  const parked = (plugins: string[] = []): Backlog => {
    const backlog = new Backlog();
    backlog.put(pod('a'), 0);
    backlog.take(0, 1);
    backlog.park('a', 0, new Set(plugins));
    return backlog;
  };

  test('waits for the cluster to change, and no longer than five minutes', () => {
    const backlog = parked();
    expect(backlog.take(299_999, 1)).toEqual([]);
    expect(names(backlog.take(300_000, 1))).toEqual(['a']);
  });

  test('is ready at once when it has waited longer than its back-off', () => {
    const backlog = parked();
    backlog.stir(60_000);
    expect(names(backlog.take(60_000, 1))).toEqual(['a']);
  });

  test('waits for the rest of its back-off when the change comes early and others are there to be decided', () => {
    const backlog = parked();
    backlog.stir(400);
    backlog.put(pod('b'), 400);
    expect(names(backlog.take(400, 1))).toEqual(['b']);
    expect(names(backlog.take(400, 1))).toEqual(['a']);
    backlog.park('a', 400);
    for (let i = 0; i < 20; i++) backlog.put(pod(`c${i}`), 400);
    backlog.take(400, 99);
    for (let i = 0; i < 20; i++) backlog.park(`c${i}`, 400);
    backlog.stir(500);
    expect(backlog.take(500, 99)).toHaveLength(16);
    expect(backlog.take(1400, 99)).toHaveLength(5);
  });

  test('is stirred only by what may help it', () => {
    const backlog = parked(['InterPodAffinity']);
    backlog.stir(60_000, ['VolumeBinding']);
    expect(backlog.take(60_000 + SETTLE_MS, 1)).toEqual([]);
    backlog.stir(60_000, ['VolumeBinding', 'InterPodAffinity']);
    expect(names(backlog.take(60_000 + SETTLE_MS, 1))).toEqual(['a']);
    backlog.park('a', 60_000, new Set(['NodePorts']));
    backlog.stir(120_000, ['InterPodAffinity']);
    expect(backlog.take(120_000 + SETTLE_MS, 1)).toEqual([]);
  });

  test('waits until a change has settled that says so, also when it is known to fit', () => {
    const backlog = new Backlog();
    backlog.put(pod('a'), 0);
    backlog.take(0, 1);
    backlog.park('a', 0, new Set(['NodeResourcesFit']), { kind: 'kind' });
    backlog.stir(60_000, [''], { from: 60_000 + SETTLE_MS });
    backlog.hurry('a', 60_002);
    expect(backlog.take(60_002, 1)).toEqual([]);
    expect(names(backlog.take(60_000 + SETTLE_MS, 1))).toEqual(['a']);
  });

  test('is tried again when it changed itself', () => {
    const backlog = parked();
    backlog.put(pod('a', 7), 5000);
    expect(backlog.take(5000, 1)[0]?.spec.priority).toBe(7);
  });

  test.each<[string, string[], boolean, string[]]>([
    ['helps with the filter that refused it', ['NodeAffinity'], true, ['a']],
    ['does not', ['NodeAffinity'], false, []],
    ['helps with a filter that nobody knows', ['http://extender'], false, ['a']],
  ])('is tried again or not when a change of its own %s', (_, plugins, helps, expected) => {
    const backlog = parked(plugins);
    backlog.put(pod('a', 7), 5000, () => helps);
    expect(names(backlog.take(60_000, 1))).toEqual(expected);
  });

  test('that is known to fit now does not wait for its back-off, unless its last attempt failed on the way', () => {
    const backlog = new Backlog();
    for (const [name, priority] of [['low', 1], ['high', 5], ['other', 0], ['failed', 9]] as const) backlog.put(pod(name, priority), 0);
    backlog.take(0, 9);
    for (const name of ['low', 'high']) backlog.park(name, 0, new Set(['NodeResourcesFit']), { kind: 'small' });
    backlog.park('other', 0, new Set(['NodeResourcesFit']), { kind: 'large' });
    backlog.retry('failed', 0);
    expect(names(backlog.refused()).sort()).toEqual(['high', 'other']);
    for (const name of ['high', 'failed']) backlog.hurry(name, 100);
    expect(names(backlog.take(100, 9))).toEqual(['high']);
    expect(names(backlog.refused()).sort()).toEqual(['low', 'other']);
  });

  test.each<[string, string[], (plugin: string, kind: string) => boolean, string[]]>([
    ['a filter that refused it is helped', ['NodeAffinity'], () => true, ['a']],
    ['it is not helped', ['NodeAffinity'], () => false, []],
    ['one of two filters is helped', ['NodeAffinity', 'NodePorts'], (plugin) => plugin === 'NodePorts', ['a']],
    ['another kind is helped', ['NodeAffinity'], (_, kind) => kind !== 'kind', []],
    ['no filter refused it', [], () => false, ['a']],
    ['a filter that nobody knows refused it', ['http://extender'], () => false, ['a']],
  ])('is stirred or not when %s', (_, plugins, helps, expected) => {
    const backlog = new Backlog();
    backlog.put(pod('a'), 0);
    backlog.take(0, 1);
    backlog.park('a', 0, new Set(plugins), { kind: 'kind' });
    backlog.stir(60_000, ['NodeAffinity', 'NodePorts'], { helps: (plugin, _pod, kind) => helps(plugin, kind) });
    expect(names(backlog.take(60_000, 1))).toEqual(expected);
  });

  test.each([['release', 1000, ['a']], ['knowledge that it fits', 100, ['a']], ['nothing', 250_000, []]] as const)('for which others are being evicted waits for %s', (what, at, expected) => {
    const backlog = new Backlog();
    backlog.put(pod('a'), 0);
    backlog.take(0, 1);
    backlog.stir(0);
    backlog.park('a', 0, new Set(['NodeResourcesFit']), { kind: 'kind', held: true });
    backlog.stir(50);
    if (what === 'release') backlog.release('a', 60);
    if (what === 'knowledge that it fits') backlog.hurry('a', 60);
    expect(names(backlog.take(at, 1))).toEqual(expected);
  });

  test.each<[string, (backlog: Backlog) => void, string[]]>([
    ['a change while it was held', (backlog) => { backlog.stir(50, ['NodeResourcesFit']); backlog.release('a', 60); }, ['a']],
    ['a change after its release', (backlog) => { backlog.release('a', 60); backlog.stir(70, ['NodeResourcesFit']); }, ['a']],
    ['a change that helps another filter', (backlog) => { backlog.stir(50, ['NodeAffinity']); backlog.release('a', 60); }, []],
    ['a change that does not help its kind', (backlog) => { backlog.stir(50, ['NodeResourcesFit'], { helps: () => false }); backlog.release('a', 60); }, []],
    ['no change', (backlog) => backlog.release('a', 60), []],
    ['a change, but no release', (backlog) => backlog.stir(50, ['NodeResourcesFit']), []],
  ])('that was held is tried again or not after %s', (_, happens, expected) => {
    const backlog = new Backlog();
    backlog.put(pod('a'), 0);
    backlog.take(0, 1);
    backlog.park('a', 0, new Set(['NodeResourcesFit']), { kind: 'kind', held: true });
    happens(backlog);
    expect(names(backlog.take(60_000, 1))).toEqual(expected);
  });

  test('is asked about once with all others of its kind, unless the filter looks at each of them or the kind is not known', () => {
    const backlog = new Backlog();
    const asked: string[] = [];
    for (const [name, kind] of [['a', 'x'], ['b', 'x'], ['c', 'y'], ['d', ''], ['e', '']] as const) {
      backlog.put(pod(name), 0);
      backlog.take(0, 1);
      backlog.park(name, 0, new Set(['NodeResourcesFit', 'PodTopologySpread']), { kind });
    }
    const helps = (plugin: string, { metadata }: { readonly metadata: { readonly name: string } }): boolean => {
      asked.push(`${plugin}/${metadata.name}`);
      return false;
    };
    backlog.stir(60_000, ['NodeResourcesFit', 'PodTopologySpread'], { helps, apart: new Set(['PodTopologySpread']) });
    expect(asked).toEqual([...['a', 'c', 'd', 'e'].map((name) => `NodeResourcesFit/${name}`), ...['a', 'b', 'c', 'd', 'e'].map((name) => `PodTopologySpread/${name}`)]);
    expect(backlog.take(60_000, 5)).toEqual([]);
  });

  test('is forgotten when it is removed', () => {
    const backlog = parked(['NodePorts']);
    backlog.remove('a');
    backlog.stir(60_000);
    expect(backlog.take(400_000, 1)).toEqual([]);
    expect(backlog.size).toBe(0);
  });
});

test('park() backs off instead when the cluster moved while the pod was being decided', () => {
  const backlog = new Backlog();
  backlog.put(pod('a'), 0);
  backlog.take(0, 1);
  backlog.stir(0);
  backlog.park('a', 0);
  expect(names(backlog.take(1000, 1))).toEqual(['a']);
});

test('refresh() hands out the newer state and changes nothing else', () => {
  const backlog = new Backlog();
  backlog.put(pod('a'), 0);
  backlog.take(0, 1);
  backlog.park('a', 0);
  backlog.refresh(pod('a', 3));
  backlog.refresh(pod('stranger'));
  expect(backlog.take(1000, 1)).toEqual([]);
  expect(backlog.take(300_000, 2).map(({ spec }) => spec.priority)).toEqual([3]);
});
