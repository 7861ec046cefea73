/** When a watcher is replayed to, live, or too slow. */
import { VirtualClock } from '../../std/clock.ts';
import { Overflow, type Change } from './store.ts';
import { WatchHub, type Slice } from './watch-hub.ts';

const change = (revision: number): Change => ({ key: `/a/${revision}`, revision, created: revision, value: Buffer.from('x'), previous: undefined });

function rig(): { hub: WatchHub; seen: number[]; ended: Error[]; publish(count: number): void; slices: PromiseWithResolvers<Slice>[]; asked: Promise<void> } {
  let head = 5;
  const slices: PromiseWithResolvers<Slice>[] = [];
  const asked = Promise.withResolvers<void>();
  const source = {
    head: () => head,
    read: () => {
      const slice = Promise.withResolvers<Slice>();
      slices.push(slice);
      asked.resolve();
      return slice.promise;
    },
  };
  const hub = new WatchHub({ source, clock: new VirtualClock(), backlogLimit: 3 });
  const seen: number[] = [];
  const ended: Error[] = [];
  hub.watch('/a/', 0, {
    changes: (batch) => void seen.push(...batch.map((one) => one.revision)),
    progress: () => undefined,
    ended: (error) => void ended.push(error),
  });
  const publish = (count: number): void => {
    const batch = Array.from({ length: count }, () => change(++head));
    hub.publish(batch, head);
  };
  return { hub, seen, ended, publish, slices, asked: asked.promise };
}

const ignore = (): void => undefined;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what is published during a replay is neither lost nor seen twice', async () => {
  const { seen, ended, publish, slices, asked } = rig();
  await asked;
  publish(2);
  slices[0]?.resolve({ changes: [1, 2, 3, 4, 5].map(change), upTo: 5 });
  await turn();
  await turn();
  slices[1]?.resolve({ changes: [6, 7].map(change), upTo: 7 });
  await turn();
  publish(1);
  expect([seen, ended]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], []]);
});

test('who misses more than the limit while its replay is under way is ended with Overflow', async () => {
  const { seen, ended, publish, slices, asked } = rig();
  await asked;
  publish(3);
  expect(ended).toEqual([]);
  publish(1);
  expect(ended[0]).toBeInstanceOf(Overflow);
  slices[0]?.resolve({ changes: [change(1)], upTo: 1 });
  await turn();
  expect([seen, ended.length]).toEqual([[], 1]);
});

test('a sink that throws is ended, the others go on', async () => {
  const { hub, publish } = rig();
  const ended: string[] = [];
  const seen: number[] = [];
  hub.watch('/a/', 5, { changes: () => { throw new Error('broken'); }, progress: ignore, ended: (error) => void ended.push(error.message) });
  hub.watch('/a/', 5, { changes: (batch) => void seen.push(batch.length), progress: ignore, ended: ignore });
  publish(1);
  publish(1);
  expect([ended, seen]).toEqual([['broken'], [1, 1]]);
});

test.each<[string, readonly string[]]>([
  ['', ['/r/a/x/1', '/r/a/y/2', '/r/b/x/3', '/r/a/x/4', '/q', '/r/ab/x/5']],
  ['/r/', ['/r/a/x/1', '/r/a/y/2', '/r/b/x/3', '/r/a/x/4', '/r/ab/x/5']],
  ['/r/a/', ['/r/a/x/1', '/r/a/y/2', '/r/a/x/4']],
  ['/r/a/x/', ['/r/a/x/1', '/r/a/x/4']],
  ['/r/a/x/1', ['/r/a/x/1']],
  ['/r/b/', ['/r/b/x/3']],
  ['/q', ['/q']],
  ['/z/', []],
])('of one batch, who watches %j is shown what is under it, in order, and how far that reaches', (prefix, expected) => {
  const hub = new WatchHub({ source: { head: () => 0, read: () => ({ changes: [], upTo: 0 }) }, clock: new VirtualClock() });
  const seen: string[] = [];
  let reached = 0;
  hub.watch(prefix, 0, { changes: (batch) => void seen.push(...batch.map(({ key, revision }) => ((reached = revision), key))), progress: (revision) => void (reached = revision), ended: ignore });
  const keys = ['/r/a/x/1', '/r/a/y/2', '/r/b/x/3', '/r/a/x/4', '/q', '/r/ab/x/5'];
  hub.publish(keys.map((key, at) => ({ ...change(at + 1), key })), keys.length);
  expect([seen, reached]).toEqual([expected, 6]);
});

test('who is ahead of a batch sees only what is newer', () => {
  const hub = new WatchHub({ source: { head: () => 0, read: () => ({ changes: [], upTo: 0 }) }, clock: new VirtualClock() });
  const seen: number[] = [];
  hub.watch('/a/', 2, { changes: (batch) => void seen.push(...batch.map(({ revision }) => revision)), progress: ignore, ended: ignore });
  hub.publish([change(1), change(2), change(3)], 3);
  expect(seen).toEqual([3]);
});
