import { podOf } from '../fixtures.ts';
import { NO_PRESSURE, type Observed, decidePressure, decideVictim } from './decide.ts';
import { measuredOf } from './fixtures.ts';
import { DEFAULT_THRESHOLDS, type Signal } from './thresholds.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

function observed(found: Partial<Record<Signal, number>>): Observed {
  const capacity: Record<Signal, number> = { 'memory.available': 8 * GIB, 'nodefs.available': 100 * GIB, 'nodefs.inodesFree': 1000, 'imagefs.available': 100 * GIB, 'imagefs.inodesFree': 1000, 'pid.available': 32768 };
  return new Map((Object.entries(found) as [Signal, number][]).map(([signal, available]) => [signal, { available, capacity: capacity[signal] }]));
}

const pressure = (found: Partial<Record<Signal, number>>, now = 0, before = NO_PRESSURE) => decidePressure({ now, thresholds: DEFAULT_THRESHOLDS, observed: observed(found) }, before);

test.each<[Partial<Record<Signal, number>>, string[], string[]]>([
  [{}, [], []],
  [{ 'memory.available': 100 * MIB, 'nodefs.available': 11 * GIB, 'imagefs.available': 16 * GIB, 'nodefs.inodesFree': 50 }, [], []],
  [{ 'memory.available': 100 * MIB - 1 }, ['MemoryPressure'], ['memory.available']],
  [{ 'nodefs.available': 9 * GIB, 'imagefs.available': 14 * GIB, 'memory.available': 0 }, ['MemoryPressure', 'DiskPressure'], ['memory.available', 'nodefs.available', 'imagefs.available']],
  [{ 'imagefs.inodesFree': 49 }, ['DiskPressure'], ['imagefs.inodesFree']],
  [{ 'pid.available': 0 }, [], []],
])('decidePressure() finds in %j the conditions %j', (found, conditions, signals) => {
  const { conditions: is, shortages } = pressure(found);
  expect([is, shortages.map(({ signal }) => signal)]).toEqual([conditions, signals]);
});

test('decidePressure() keeps a condition for five minutes after it was last found', () => {
  const short = pressure({ 'memory.available': 0 }, 1000);
  const again = pressure({ 'memory.available': 0 }, 100_000, short);
  const enough = pressure({ 'memory.available': GIB }, 399_999, again);
  expect([enough.conditions, enough.shortages]).toEqual([['MemoryPressure'], []]);
  expect(pressure({ 'memory.available': GIB }, 400_000, enough).conditions).toEqual([]);
});

const big = { pod: podOf({ containers: [{ name: 'app', resources: { requests: { memory: '64Mi' } } }, { name: 'side' }, { name: 'small', resources: { requests: { memory: '1Gi' } } }] }, { name: 'big', uid: 'big' }), use: measuredOf('big', { app: { memory: 100 * MIB, layer: 3, logs: 4 }, side: { memory: 12345 }, small: { memory: 5 }, gone: { memory: 5 } }) };
const critical = { pod: podOf({ priority: 2_000_000_000 }, { name: 'critical', uid: 'critical' }), use: undefined };

test.each<[string, Partial<Record<Signal, number>>, typeof big, string, Record<string, string>]>([
  [
    'memory', { 'memory.available': 50 * MIB }, big,
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container app was using 100Mi, request is 64Mi, has larger consumption of memory. Container side was using 12345, request is 0, has larger consumption of memory. ',
    { offending_containers: 'app,side', offending_containers_usage: '100Mi,12345', starved_resource: 'memory' },
  ],
  [
    'memory of a pod as a whole', { 'memory.available': 50 * MIB }, { ...big, pod: podOf({ resources: { requests: { memory: '1Mi' } }, containers: [] }, { name: 'big', uid: 'big' }) },
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Pod big was using 104869955, request is 1Mi, has larger consumption of memory. ',
    { offending_pod: 'big', offending_pod_usage: '104869955', offending_containers: '', offending_containers_usage: '', starved_resource: 'memory' },
  ],
  [
    'disk', { 'nodefs.available': 9 * GIB }, big,
    'The node was low on resource: ephemeral-storage. Threshold quantity: 10737418400, available: 9Gi. Container app was using 7, request is 0, has larger consumption of ephemeral-storage. ',
    { offending_containers: 'app', offending_containers_usage: '7', starved_resource: 'ephemeral-storage' },
  ],
  [
    'files', { 'nodefs.inodesFree': 4 }, big,
    'The node was low on resource: inodes. Threshold quantity: 50, available: 4. ',
    { offending_containers: '', offending_containers_usage: '', starved_resource: 'inodes' },
  ],
])('decideVictim() says whom it takes for want of %s, and why', (_, found, candidate, message, annotations) => {
  const verdict = decideVictim({ shortages: pressure(found).shortages, candidates: [critical, candidate], hasImageDisk: false });
  expect([verdict?.pod.metadata.name, verdict?.message, verdict?.annotations]).toEqual(['big', message, annotations]);
});

test('decideVictim() takes nobody where nothing is short, and nobody whom the system needs', () => {
  expect(decideVictim({ shortages: [], candidates: [big], hasImageDisk: false })).toBeUndefined();
  expect(decideVictim({ shortages: pressure({ 'memory.available': 0 }).shortages, candidates: [critical], hasImageDisk: false })).toBeUndefined();
});
