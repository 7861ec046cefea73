import { below, seededRandom } from '../../std/random.ts';
import { Demand } from './demand.ts';
import { QueueSet, type QueueSetConfig, type Start } from './queue-set.ts';
import { FlowRequest } from './request-queue.ts';
import { RetryAfter } from './retry-after.ts';
import { shareOut, type Claim } from './share-out.ts';
import { canDeal, deal, flowHash } from './shuffle-deal.ts';

const request = (arrivalMs = 0, seats = 1, more: { finalSeats?: number; lingerMs?: number; flow?: string } = {}): FlowRequest =>
  new FlowRequest({ schema: 's', distinguisher: more.flow ?? '', arrivalMs, width: { seats, finalSeats: more.finalSeats ?? 0, lingerMs: more.lingerMs ?? 0 } });
const queued = (limit: number, queues = 4, queueLength = 2): QueueSetConfig => ({ limit, queuing: { queues, queueLength } });

describe('QueueSet', () => {
  test.each<[string, QueueSetConfig, number[], Start[]]>([
    ['refuses beyond its seats where it has no queues', { limit: 2, queuing: 'none' }, [1, 1, 1], ['running', 'running', 'concurrency-limit']],
    ['never refuses the exempt', { limit: 0, queuing: 'exempt' }, [1, 5, 1], ['running', 'running', 'running']],
    ['lets what finds no seat wait, up to the length of its queue', queued(1), [1, 1, 1, 1], ['running', 'waiting', 'waiting', 'queue-full']],
    ['runs one that is wider than everything alone', queued(2), [5, 1], ['running', 'waiting']],
    ['does not let narrow ones pass a wide one that waits', queued(3), [2, 2, 1], ['running', 'waiting', 'waiting']],
  ])('start() %s', (_what, config, seats, expected) => {
    const set = new QueueSet(config, 0);
    expect(seats.map((each) => set.start(request(0, each), [0], 0))).toEqual(expected);
  });

  test('a flow that sends much does not hold up one that sends little', () => {
    const set = new QueueSet(queued(1, 2, 50), 0);
    const order: string[] = [];
    const send = (flow: string, queue: number, now: number): FlowRequest => {
      const one = request(now, 1, { flow });
      one.begin = () => order.push(flow);
      set.start(one, [queue], now);
      return one;
    };
    const all = [send('loud', 0, 0), ...Array.from({ length: 9 }, () => send('loud', 0, 1)), send('quiet', 1, 2), send('quiet', 1, 2)];
    let now = 10;
    while (!set.isIdle) {
      const running = all.find(({ state }) => state === 'running') as FlowRequest;
      set.finish(running, (now += 10));
    }
    // The quiet ones wait for one or two of the loud, not for nine.
    expect(order.slice(0, 5).filter((flow) => flow === 'quiet')).toHaveLength(2);
    expect(order).toHaveLength(12);
  });

  test('finish() keeps the final seats for a while; release() hands them to who waits', () => {
    const set = new QueueSet(queued(2), 0);
    const write = request(0, 1, { finalSeats: 2, lingerMs: 5 });
    const next = request(0);
    expect([set.start(write, [0], 0), set.start(next, [1], 0), set.seatsInUse]).toEqual(['running', 'waiting', 2]);
    expect([set.finish(write, 1), next.state, set.running, set.seatsInUse]).toEqual([5, 'waiting', 0, 2]);
    set.release(write, 6);
    expect([next.state, set.seatsInUse]).toEqual(['running', 1]);
  });

  test('final seats beyond the limit are taken for longer instead', () => {
    const set = new QueueSet(queued(2), 0);
    const write = request(0, 1, { finalSeats: 8, lingerMs: 5 });
    set.start(write, [0], 0);
    expect([set.seatsInUse, set.finish(write, 1)]).toEqual([2, 20]);
  });

  test('cancel() takes out one that waits and lets those behind it go; not one that runs', () => {
    const set = new QueueSet(queued(3), 0);
    const first = request(0, 2);
    const wide = request(0, 3);
    const narrow = request(0, 1);
    for (const one of [first, wide, narrow]) set.start(one, [0], 0);
    expect(set.cancel(wide, 1)).toBe(true);
    expect([narrow.state, set.waiting, set.seatsWaiting, set.cancelled]).toEqual(['running', 0, 0, 1]);
    expect(set.cancel(first, 1)).toBe(false);
  });

  test('configure() with more seats starts who waits; with fewer queues those in them are served first', () => {
    const set = new QueueSet(queued(1), 0);
    const all = [0, 1, 2, 3].map((queue) => {
      const one = request(0);
      set.start(one, [queue], 0);
      return one;
    });
    set.configure(queued(2, 1), 1);
    expect([set.running, set.waiting, set.queues.length > 1]).toEqual([2, 2, true]);
    for (let now = 2; !set.isIdle; now++) set.finish(all.find(({ state }) => state === 'running') as FlowRequest, now);
    expect([set.queues.length, set.seatsInUse, set.dispatched]).toEqual([1, 0, 4]);
  });

  test('a request goes to the least laden queue of its hand', () => {
    const set = new QueueSet(queued(1, 4, 10), 0);
    set.start(request(0), [0], 0);
    for (let at = 0; at < 3; at++) set.start(request(0), [0], 0);
    const other = request(0);
    set.start(other, [0, 3], 0);
    expect(other.queue).toBe(set.queues[3]);
  });
});

test.each([1, 2, 3, 4, 5])('a QueueSet loses nobody and no seat, whatever happens (seed %i)', (seed) => {
  const random = seededRandom(seed);
  const set = new QueueSet(queued(4, 8, 3), 0);
  const all: FlowRequest[] = [];
  const of = (state: FlowRequest['state']): FlowRequest[] => all.filter((one) => one.state === state);
  const any = (list: readonly FlowRequest[]): FlowRequest | undefined => list[below(random, Math.max(1, list.length))];
  const check = (): void => {
    const seats = [...of('running'), ...of('lingering')].reduce((sum, one) => sum + one.seats, 0);
    expect([set.waiting, set.running, set.seatsInUse]).toEqual([of('waiting').length, of('running').length, seats]);
    expect(set.seatsWaiting).toBe(of('waiting').reduce((sum, one) => sum + one.seats, 0));
    // Seats that are free are not held back from the one whose turn it is.
    if (of('waiting').length > 0) expect(set.seatsInUse > 0).toBe(true);
  };
  let now = 0;
  for (let step = 0; step < 2_000; step++) {
    now += below(random, 5);
    const what = below(random, 100);
    if (what < 45) {
      const one = request(now, 1 + below(random, 3), { finalSeats: below(random, 4), lingerMs: below(random, 3) });
      all.push(one);
      set.start(one, [below(random, 4), 4 + below(random, 4)], now);
    } else if (what < 75) {
      const one = any(of('running'));
      if (one) set.finish(one, now);
    } else if (what < 90) {
      const one = any(of('lingering'));
      if (one) set.release(one, now);
    } else if (what < 98) {
      const one = any(of('waiting'));
      if (one) set.cancel(one, now);
    } else set.configure(queued(1 + below(random, 6), 8 + below(random, 4), 3), now);
    if (step % 20 === 0) check();
  }
  while (!set.isIdle || of('lingering').length > 0) {
    for (const one of of('running')) set.finish(one, ++now);
    for (const one of of('lingering')) set.release(one, ++now);
  }
  check();
  expect([set.seatsInUse, set.seatsWaiting, set.queues.reduce((sum, { seatsInUse }) => sum + seatsInUse, 0)]).toEqual([0, 0, 0]);
});

describe('deal()', () => {
  test('deals different queues, the same ones for the same flow', () => {
    const hands = ['a', 'b', 'c', 'd'].map((name) => deal(flowHash('schema', name), 64, 6));
    for (const hand of hands) expect([new Set(hand).size, hand.every((queue) => queue >= 0 && queue < 64)]).toEqual([6, true]);
    expect(new Set(hands.map(String)).size).toBe(4);
    expect(deal(flowHash('schema', 'a'), 64, 6)).toEqual(hands[0]);
    expect(deal(5n, 5, 5).toSorted()).toEqual([0, 1, 2, 3, 4]);
  });

  test.each<[number, number, boolean]>([[128, 6, true], [1024, 8, false], [4, 5, false], [1, 1, true]])('canDeal(%i, %i) is %s', (deck, hand, can) => {
    expect(canDeal(deck, hand)).toBe(can);
  });
});

describe('shareOut()', () => {
  const claim = (least: number, target: number, most = 100): Claim => ({ least, target, most });
  test.each<[string, number, Claim[], number[] | undefined]>([
    ['gives each the same fraction of its target', 30, [claim(0, 10), claim(0, 20)], [10, 20]],
    ['keeps the lower bounds', 30, [claim(20, 20), claim(0, 80)], [20, 10]],
    ['keeps the upper bounds', 30, [claim(0, 10, 12), claim(0, 10)], [12, 18]],
    ['gives what nobody aims at to all alike', 20, [claim(0, 0), claim(0, 0)], [10, 10]],
    ['has no answer below the lower bounds', 10, [claim(6, 6), claim(6, 6)], undefined],
    ['has no answer above the upper bounds', 10, [claim(0, 1, 4)], undefined],
  ])('%s', (_what, sum, claims, expected) => {
    expect(shareOut(sum, claims)?.seats.map((seats) => Math.round(seats * 1000) / 1000)).toEqual(expected);
  });
});

test('Demand weighs by time and forgets slowly', () => {
  const demand = new Demand(0);
  demand.set(10, 0);
  demand.set(0, 5_000);
  demand.settle(10_000);
  expect([demand.highest, demand.mean, demand.deviation, demand.smoothed]).toEqual([10, 5, 5, 10]);
  demand.settle(20_000);
  expect([demand.highest, demand.mean, demand.smoothed]).toEqual([0, 0, 9.77]);
});

test('RetryAfter grows while many are refused and shrinks when few are', () => {
  const wait = new RetryAfter();
  const during = (seconds: number[], each: number): number => {
    for (const second of seconds) for (let at = 0; at < each; at++) wait.refused(second * 1000);
    return wait.seconds;
  };
  expect(during([100], 10)).toBe(1);
  expect(during([101, 102, 103, 104], 10)).toBe(4);
  expect(during(Array.from({ length: 60 }, (_, at) => 105 + at), 200)).toBe(32);
  expect(during(Array.from({ length: 20 }, (_, at) => 300 + 40 * at), 1)).toBe(12);
});
