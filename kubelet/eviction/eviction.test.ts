import { VirtualClock } from '../../std/clock.ts';
import { podOf } from '../fixtures.ts';
import type { MeasuredNode } from '../measure/measured.ts';
import { Eviction, type EvictionOptions } from './eviction.ts';
import { measuredOf } from './fixtures.ts';
import { DEFAULT_THRESHOLDS } from './thresholds.ts';

const limited = (uid: string, spec: object = {}) => podOf({ containers: [{ name: 'app', resources: { limits: { 'ephemeral-storage': '5' } } }], ...spec }, { name: uid, uid });

interface World {
  readonly clock: VirtualClock;
  readonly told: string[];
  readonly looks: number[];
  /** Of a hundred. */
  readonly node: { free: number; unused: number };
  readonly eviction: Eviction;
  readonly stop: () => void;
}

/** Pods by what they have written; who is evicted ends after a while. */
function world(pods: readonly [ReturnType<typeof podOf>, number][], endsAfterMs = 0): World {
  const clock = new VirtualClock();
  const aborted = new AbortController();
  const told: string[] = [];
  const looks: number[] = [];
  const node = { free: 50, unused: 0 };
  let active = pods.map(([pod]) => pod);
  const ending = new Set<string>();
  const options: EvictionOptions = {
    clock,
    log: { info: () => undefined, warn: () => undefined },
    signal: aborted.signal,
    series: { evicted: (signal) => void told.push(`counted ${signal}`), evictionStatsUsed: (signal, seconds) => void told.push(`measured ${signal} ${seconds}s before`) },
    record: (pod, { type, reason, message }) => void told.push(`${pod.metadata.name} ${type} ${reason}: ${message}`),
    pods: {
      active: () => active,
      evict(uid, { reason, condition }, graceSeconds) {
        if (ending.has(uid)) return false;
        ending.add(uid);
        told.push(`${uid} ends: ${reason}, ${condition?.reason ?? 'no condition'}, ${graceSeconds}s`);
        clock.after(endsAfterMs, () => (active = active.filter(({ metadata }) => metadata.uid !== uid)));
        return true;
      },
    },
    async localUse(asked) {
      looks.push(clock.now());
      return new Map(asked.map((pod) => [pod.metadata.uid, { containers: new Map([['app', { layer: pods.find(([one]) => one === pod)?.[1] ?? 0, logs: 0 }]]), volumes: new Map() }]));
    },
    nodeName: 'n1',
    thresholds: DEFAULT_THRESHOLDS,
    observe: async () => ({ observed: new Map([['nodefs.available', { available: node.free, capacity: 100 }]]), hasImageDisk: false }),
    recordNode: (type, reason, message) => void told.push(`node ${type} ${reason}: ${message}`),
    measure: async () => ({ pods: pods.map(([{ metadata: { uid } }, layer]) => measuredOf(uid, { app: { layer } })) }) as unknown as MeasuredNode,
    async reclaim() {
      told.push('reclaimed');
      node.free += node.unused;
    },
  };
  return { clock, told, looks, node, eviction: new Eviction(options), stop: () => aborted.abort() };
}

test('look() evicts all who take too much, spares those that the system needs, and tells of each once', async () => {
  const { eviction, told } = world([[limited('small'), 5], [limited('big'), 6], [limited('critical', { priority: 2_000_000_000 }), 6], [limited('unlimited', { containers: [{ name: 'app' }] }), 6]], 60_000);
  expect((await eviction.look()).map(({ metadata }) => metadata.name)).toEqual(['big']);
  expect(await eviction.look()).toEqual([]);
  expect(told).toEqual([
    'big ends: Evicted, no condition, 1s',
    'big Warning Evicted: Pod ephemeral local storage usage exceeds the total limit of containers 5. ',
    'counted ephemeralpodfs.limit',
  ]);
});

test('run() looks every ten seconds, and again as soon as those evicted have ended, or have not in half a minute', async () => {
  const quiet = world([[limited('small'), 1]]);
  void quiet.eviction.run();
  await quiet.clock.advance(25_000);
  quiet.stop();
  expect(quiet.looks.map((at) => at - (quiet.looks[0] ?? 0))).toEqual([0, 10_000, 20_000]);
  for (const [endsAfterMs, again] of [[2500, 3000], [600_000, 30_000]] as const) {
    const busy = world([[limited('big'), 6]], endsAfterMs);
    void busy.eviction.run();
    await busy.clock.advance(31_000);
    busy.stop();
    expect((busy.looks[1] ?? 0) - (busy.looks[0] ?? 0)).toBe(again);
  }
});

test('look() at a node that runs short gives back what nobody uses, then ends one pod, and tells of its state', async () => {
  const { eviction, told, node, clock } = world([[limited('small'), 1], [limited('bigger'), 2]], 60_000);
  Object.assign(node, { free: 5, unused: 20 });
  expect(await eviction.look()).toEqual([]);
  expect([eviction.conditions, told.splice(0)]).toEqual([['DiskPressure'], [
    'node Normal NodeHasDiskPressure: Node n1 status is now: NodeHasDiskPressure',
    'node Warning EvictionThresholdMet: Attempting to reclaim ephemeral-storage',
    'reclaimed',
  ]]);
  Object.assign(node, { free: 5, unused: 1 });
  const message = 'The node was low on resource: ephemeral-storage. Threshold quantity: 10, available: 5. Container app was using 2, request is 0, has larger consumption of ephemeral-storage. ';
  expect((await eviction.look()).map(({ metadata }) => metadata.name)).toEqual(['bigger']);
  expect(told.splice(0)).toEqual([
    'node Warning EvictionThresholdMet: Attempting to reclaim ephemeral-storage',
    'reclaimed',
    'measured nodefs.available 0s before',
    'bigger ends: Evicted, TerminationByKubelet, 1s',
    `bigger Warning Evicted: ${message}`,
    'counted nodefs.available',
  ]);
  // It has not ended yet, and is waited for before another one has to go.
  expect((await eviction.look()).map(({ metadata }) => metadata.name)).toEqual(['bigger']);
  expect(told.splice(0).filter((one) => one.includes('ends'))).toEqual([]);
  node.free = 50;
  await clock.advance(300_000);
  await eviction.look();
  expect([eviction.conditions, told]).toEqual([[], ['node Normal NodeHasNoDiskPressure: Node n1 status is now: NodeHasNoDiskPressure']]);
});
