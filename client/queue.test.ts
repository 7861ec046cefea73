import { VirtualClock } from '../std/clock.ts';
import { WorkQueue, type Rest } from './queue.ts';

/** A queue whose work ends when the test says so. */
function open(workers = 1, rest?: Rest) {
  const clock = new VirtualClock(0);
  const started: string[] = [];
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const work = (key: string): Promise<void> => {
    started.push(key);
    return new Promise((resolve, reject) => ends.set(key, { resolve, reject }));
  };
  const queue = new WorkQueue({ clock, work, workers, ...(rest && { rest }) });
  const end = async (key: string, error?: Error): Promise<void> => {
    if (error) ends.get(key)?.reject(error);
    else ends.get(key)?.resolve();
    await clock.advance(0);
  };
  return { clock, queue, started, end };
}

test('a key that waits is not added again; one at work is worked on once more, afterwards', async () => {
  const { clock, queue, started, end } = open(2);
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  await clock.advance(0);
  expect(started).toEqual(['a', 'b']);
  queue.add('a');
  queue.add('a');
  await end('b');
  expect(started).toEqual(['a', 'b', 'c']);
  await end('a');
  expect(started).toEqual(['a', 'b', 'c', 'a']);
  await end('a');
  await end('c');
  expect(queue.pending).toBe(0);
});

test('failed work comes back after 5 ms, doubling to 1000 s, and from 5 ms again after a success', async () => {
  const { clock, queue, started, end } = open();
  queue.add('a');
  const delays: number[] = [];
  for (let i = 0; i < 20; i++) {
    await clock.advance(0);
    await end('a', new Error('no'));
    const before = started.length;
    const at = clock.next() ?? clock.now();
    delays.push(at - clock.now());
    await clock.advance(at - clock.now());
    expect(started.length).toBe(before + 1);
  }
  expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
  expect(delays.at(-1)).toBe(1_000_000);
  await end('a');
  queue.add('a');
  await clock.advance(0);
  await end('a', new Error('no'));
  expect((clock.next() ?? 0) - clock.now()).toBe(5);
});

test('rests are as long as asked for', async () => {
  const { clock, queue, end } = open(1, { baseMs: 1000, limitMs: 3000 });
  queue.add('a');
  const delays: number[] = [];
  for (let i = 0; i < 4; i++) {
    await clock.advance(0);
    await end('a', new Error('no'));
    delays.push((clock.next() ?? 0) - clock.now());
    await clock.advance(delays.at(-1) ?? 0);
  }
  expect(delays).toEqual([1000, 2000, 3000, 3000]);
});

test('of two delays the shorter counts', async () => {
  const { clock, queue, started, end } = open();
  queue.addAfter('a', 100);
  queue.addAfter('a', 10);
  queue.addAfter('a', 50);
  await clock.advance(10);
  expect(started).toEqual(['a']);
  await end('a');
  await clock.advance(200);
  expect(started).toEqual(['a']);
});

test('stop() waits for what is at work and starts nothing more', async () => {
  const { clock, queue, started, end } = open();
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 5);
  await clock.advance(0);
  let stopped = false;
  const stopping = queue.stop().then(() => (stopped = true));
  await clock.advance(100);
  expect(stopped).toBe(false);
  await end('a');
  await stopping;
  expect(started).toEqual(['a']);
});
