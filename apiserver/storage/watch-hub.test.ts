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
