import { VirtualClock } from '../../std/clock.ts';
import { seededRandom } from '../../std/random.ts';
import { HollowRuntime, type HollowOptions } from './hollow.ts';
import { behaviourOf, checkRules, levelAt, levelSum, pullOf, saysReadiness, type ContainerFacts } from './hollow-behaviour.ts';
import type { ContainerConfig, SandboxConfig } from './runtime.ts';

const FACTS: ContainerFacts = { namespace: 'default', labels: { app: 'web' }, annotations: {}, container: 'app', image: 'web:1' };

interface World {
  readonly clock: VirtualClock;
  readonly runtime: HollowRuntime;
  readonly sandbox: string;
  start(attempt?: number): Promise<string>;
}

async function world(annotations: Record<string, string>, options: Partial<HollowOptions> = {}): Promise<World> {
  const clock = new VirtualClock();
  const runtime = new HollowRuntime({ clock, random: seededRandom(1), podCidr: () => '10.1.0.0/29', ...options });
  const prefixed = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`coracle.dev/hollow-${key}`, value]));
  const sandbox = await runtime.runSandbox({ name: 'web', namespace: 'default', uid: 'u1', attempt: 0, labels: { app: 'web' }, annotations: prefixed } as unknown as SandboxConfig);
  const start = async (attempt = 0): Promise<string> => {
    const id = await runtime.createContainer(sandbox, { name: 'app', image: 'web:1', attempt, labels: {}, annotations: {} } as unknown as ContainerConfig);
    await runtime.startContainer(id);
    return id;
  };
  return { clock, runtime, sandbox, start };
}

async function state({ runtime }: World, id: string): Promise<string> {
  const one = await runtime.container(id);
  return one?.state === 'exited' ? `${one.reason} ${one.exitCode}` : (one?.state ?? 'gone');
}

test('a container runs as long as it says, and ends with the code of its run', async () => {
  const w = await world({ run: '5s', 'exit-code': '3,0', 'exit-reason': 'OOMKilled' });
  const first = await w.start();
  await w.clock.advance(4_999);
  expect(await state(w, first)).toBe('running');
  await w.clock.advance(1);
  expect(await state(w, first)).toBe('OOMKilled 3');
  const later = [await w.start(1), await w.start(7)];
  await w.clock.advance(5_000);
  expect(await Promise.all(later.map((id) => state(w, id)))).toEqual(['Completed 0', 'Completed 0']);
});

test('it takes its time to start, to be ready, to fall ill and to stop', async () => {
  const w = await world({ start: '2s', ready: '3s', unhealthy: '1m', stop: '10s' });
  const starting = w.start();
  await w.clock.advance(1_999);
  expect((await w.runtime.listContainers())[0]?.state).toBe('created');
  await w.clock.advance(1);
  const id = await starting;
  const probes = (): string[] => (['readiness', 'liveness'] as const).map((kind) => w.runtime.probe(id, kind).result);
  expect(probes()).toEqual(['failure', 'success']);
  await w.clock.advance(3_000);
  expect(probes()).toEqual(['success', 'success']);
  await w.clock.advance(60_000);
  expect(probes()).toEqual(['success', 'failure']);
  const stopping = w.runtime.stopContainer(id, 30);
  await w.clock.advance(9_999);
  expect(await state(w, id)).toBe('running');
  await w.clock.advance(1);
  await stopping;
  expect(await state(w, id)).toBe('Error 143');
});

test('a clock that is set back makes nothing younger', async () => {
  const w = await world({ ready: '3s', run: '20s' });
  const id = await w.start();
  await w.clock.advance(5_000);
  w.clock.shift(-600_000);
  expect(w.runtime.probe(id, 'readiness').result).toBe('success');
  await w.clock.advance(15_000);
  expect(await state(w, id)).toBe('Completed 0');
});

test('what ignores its signal is killed after its grace', async () => {
  const w = await world({ stop: 'never' });
  const id = await w.start();
  const stopping = w.runtime.stopContainer(id, 5);
  await w.clock.advance(5_000);
  await stopping;
  expect(await state(w, id)).toBe('Error 137');
});

test('what is to fail fails so often, and works then', async () => {
  const w = await world({ fail: 'create:2' });
  await expect(w.start()).rejects.toThrow('simulated failure of create');
  await expect(w.start()).rejects.toThrow('simulated failure of create');
  expect(await state(w, await w.start())).toBe('running');
});

test('addresses are given to one sandbox at a time, and run out', async () => {
  const { runtime, sandbox } = await world({});
  const run = (uid: string): Promise<string> => runtime.runSandbox({ name: uid, namespace: 'default', uid, attempt: 0, labels: {}, annotations: {} } as unknown as SandboxConfig);
  for (let i = 0; i < 4; i++) await run(`u${i}`);
  await expect(run('last')).rejects.toThrow('no address is left in 10.1.0.0/29');
  const ips = (await runtime.listSandboxes()).flatMap((one) => one.ips);
  expect(new Set(ips).size).toBe(5);
  const [freed] = (await runtime.sandbox(sandbox))?.ips ?? [];
  await runtime.removeSandbox(sandbox);
  expect((await runtime.sandbox(await run('next')))?.ips).toEqual([freed]);
});

test('a saved runtime goes on where it was', async () => {
  const w = await world({ run: '10s', 'exit-code': '7', cpu: '0s=100m,5s=1', memory: '32Mi' });
  const id = await w.start();
  await w.clock.advance(6_000);
  const saved = JSON.parse(JSON.stringify(w.runtime.save())) as ReturnType<HollowRuntime['save']>;
  const other = { ...w, runtime: new HollowRuntime({ clock: w.clock, random: seededRandom(2), saved }) };
  expect(await other.runtime.stats()).toMatchObject([{ containerId: id, cpuNanoseconds: (5 * 0.1 + 1) * 1e9, memoryWorkingSetBytes: 32 * 1024 ** 2 }]);
  await w.clock.advance(4_000);
  expect(await state(other, id)).toBe('Error 7');
});

test('rules say how nodes, images and containers behave that say nothing themselves', async () => {
  const rules = checkRules({
    containers: [{ namespace: 'other', run: '1s' }, { labels: { app: 'web' }, image: 'web:*', run: '2s' }, { run: '3s', ready: '1s' }],
    images: [{ image: 'slow/*', pull: '7s' }, { image: '*', error: 'no such image' }],
    nodes: [{ node: 'bad-*', 'not-ready': [{ after: '10s', for: '5s' }] }],
  });
  expect(behaviourOf(FACTS, rules).runMs).toBe(2_000);
  expect(behaviourOf({ ...FACTS, labels: {} }, rules).runMs).toBe(3_000);
  expect(behaviourOf({ ...FACTS, annotations: { 'coracle.dev/hollow-run': '9s', 'coracle.dev/hollow-run.app': '8s' } }, rules).runMs).toBe(8_000);
  expect([saysReadiness(FACTS, rules), saysReadiness(FACTS)]).toEqual([true, false]);
  expect([pullOf('slow/one', rules), pullOf('one', rules)]).toEqual([{ ms: 7_000, error: undefined }, { ms: 0, error: 'no such image' }]);
  const { clock, runtime } = await world({}, { rules, nodeName: 'bad-1' });
  const ready: boolean[] = [];
  for (const ms of [0, 10_000, 4_999, 1]) {
    await clock.advance(ms);
    ready.push((await runtime.status()).runtimeReady);
  }
  expect(ready).toEqual([true, false, false, true]);
});

test.each<[unknown, string]>([
  [{ pods: [] }, 'there is no "pods"'],
  [{ containers: [{ runs: '1s' }] }, 'there is no "runs"'],
  [{ containers: [{ run: 'soon' }] }, 'run: "soon" is no length of time'],
  [{ containers: [{ fail: 'pull' }] }, '"pull" cannot fail'],
  [{ containers: [{ cpu: '0s=much' }] }, '"much" is no quantity'],
  [{ images: [{ image: '*', pull: '1' }] }, '"1" is no length of time'],
])('checkRules(%j) says: %s', (rules, message) => {
  expect(() => checkRules(rules)).toThrow(message);
});

test('levelSum() adds up what levelAt() shows', () => {
  const levels = behaviourOf({ ...FACTS, annotations: { 'coracle.dev/hollow-cpu': '0s=100m,2s=300m,3s=0' } }).cpu;
  expect([0, 1_999, 2_000, 5_000].map((ms) => levelAt(levels, ms))).toEqual([100, 100, 300, 0]);
  expect([1_000, 2_500, 9_000].map((ms) => levelSum(levels, ms))).toEqual([100_000, 350_000, 500_000]);
});
