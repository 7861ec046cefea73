import { VirtualClock } from '../../std/clock.ts';
import { NodeStatistics } from './node-statistics.ts';
import type { Summary } from './summary.ts';
import { usageOf } from './usage.ts';

const T0 = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(T0 + seconds * 1000).toISOString();
/** One pod with these containers, by core-seconds spent. */
const summary = (seconds: number, spent: Record<string, number>, started = 0): Summary => ({
  node: { cpu: { time: at(seconds), usageCoreNanoSeconds: seconds * 2e9 }, memory: { time: at(seconds), workingSetBytes: 4096 } },
  pods: [{
    podRef: { name: 'p', namespace: 'a', uid: 'u' },
    containers: Object.entries(spent).map(([name, cores]) => ({ name, startTime: at(started), cpu: { time: at(seconds), usageCoreNanoSeconds: cores * 1e9 }, memory: { time: at(seconds), workingSetBytes: 2048 } })),
  }],
});
const sample = (seconds: number, ...rest: [Record<string, number>, number?]) => ({ at: T0 + seconds * 1000, summary: summary(seconds, ...rest) });

test('a rate is what was spent between two looks', () => {
  const { node, pods, windowMs } = usageOf(sample(10, { c: 1, d: 0 }), sample(20, { c: 6, d: 0 }));
  expect(node).toMatchObject({ cpuNanoCores: 2e9, memoryBytes: 4096 });
  expect(windowMs).toBe(10_000);
  expect(pods).toEqual([{ namespace: 'a', name: 'p', at: T0 + 20_000, windowMs: 10_000, containers: [{ name: 'c', cpuNanoCores: 5e8, memoryBytes: 2048 }, { name: 'd', cpuNanoCores: 0, memoryBytes: 2048 }] }]);
});

test('a container that started anew counts from its start', () => {
  const { pods } = usageOf(sample(10, { c: 50 }), sample(20, { c: 1 }, 15));
  expect(pods[0]).toMatchObject({ windowMs: 5000, containers: [{ cpuNanoCores: 2e8 }] });
});

test('a pod of which one container has no rate yet is left out', () => {
  expect(usageOf(sample(10, { c: 1 }), sample(20, { c: 2, new: 1 })).pods).toEqual([]);
});

function open(failing = false, onError = (): void => undefined) {
  const clock = new VirtualClock(T0);
  const asked: number[] = [];
  const fetch = async (): Promise<Summary> => {
    if (failing) throw new Error('no answer');
    const seconds = (clock.now() - T0) / 1000;
    asked.push(seconds);
    return summary(seconds, { c: seconds / 2 });
  };
  return { clock, asked, statistics: new NodeStatistics({ clock, fetch, onError }) };
}

test('the first question takes two looks, further ones none while the answer is fresh, then one', async () => {
  const { clock, asked, statistics } = open();
  const first = Promise.all([statistics.usage(['n']), statistics.usage(['n'])]);
  await clock.advance(1000);
  const [answers] = await first;
  const one = answers.get('n');
  expect(one?.pods[0]?.containers[0]?.cpuNanoCores).toBe(5e8);
  await clock.advance(9000);
  await statistics.usage(['n']);
  expect(asked).toEqual([0, 1]);
  await clock.advance(6000);
  const later = (await statistics.usage(['n'])).get('n');
  expect(asked).toEqual([0, 1, 16]);
  expect(later?.windowMs).toBe(15_000);
});

test('a node that does not answer is complained of once', async () => {
  let complaints = 0;
  const { clock, statistics } = open(true, () => void complaints++);
  await statistics.usage(['n']);
  await clock.advance(60_000);
  await statistics.usage(['n']);
  expect(complaints).toBe(1);
});

test('a node that does not answer is left out, one of this process is not asked over the network', async () => {
  const { clock, statistics } = open(true);
  statistics.provide('own', async () => summary((clock.now() - T0) / 1000, { c: 1 }));
  await clock.advance(4000);
  const usages = await statistics.usage(['other', 'own']);
  expect([...usages.keys()]).toEqual(['own']);
  // Nothing was waited for: one core-second in the four since it started.
  expect(usages.get('own')).toMatchObject({ windowMs: 4000, node: { cpuNanoCores: 2.5e8, memoryBytes: 2048 }, pods: [{ containers: [{ cpuNanoCores: 2.5e8 }] }] });
});
