import { horizontalpodautoscalers, pods } from '../api/resources.ts';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget } from '../api/types/autoscaling.v2.ts';
import type { Pod } from '../api/types/core.v1.ts';
import type { Client } from '../client/client.ts';
import { openClient } from '../client/open-client.ts';
import { FakeDoor } from '../client/fake-door.ts';
import { VirtualClock } from '../std/clock.ts';
import { seededRandom } from '../std/random.ts';
import { decide, needsMetrics, type Inputs, type Settings } from './autoscaler/decide.ts';
import { emptyHistory, limit, noteChange, type History } from './autoscaler/limits.ts';
import { propose } from './autoscaler/propose.ts';
import type { Reading } from './autoscaler/readings.ts';
import { NOW, item } from './fake-view.ts';
import { horizontalPodAutoscalerController } from './horizontalpodautoscaler.ts';
import { SharedInformers } from './informers.ts';

const SETTINGS: Settings = { syncPeriodMs: 15_000, downscaleStabilizationMs: 300_000, tolerance: 0.1, cpuInitializationMs: 300_000, initialReadinessDelayMs: 30_000 };
const cpu = (averageUtilization: number): MetricSpec => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } });
const time = (agoMs: number) => new Date(NOW - agoMs).toISOString().slice(0, 19) + 'Z';
const HOUR = 3_600_000;

interface PodFacts { readonly request?: string; readonly phase?: string; readonly ready?: string; readonly startedAgo?: number; readonly changedAgo?: number; readonly deleting?: boolean }
const pod = (name: string, { request = '100m', phase = 'Running', ready = 'True', startedAgo = HOUR, changedAgo = HOUR - 1000, deleting }: PodFacts = {}) =>
  item(pods, {
    metadata: { name, ...(deleting && { deletionTimestamp: time(0) }) },
    spec: { containers: [{ name: 'c', ...(request && { resources: { requests: { cpu: request } } }) }] },
    status: { phase, startTime: time(startedAgo), conditions: [{ type: 'Ready', status: ready, lastTransitionTime: time(changedAgo) }] },
  } as Pod).object;
const used = (amounts: Record<string, number>): Reading => ({ kind: 'pods', pods: new Map(Object.entries(amounts).map(([name, value]) => [name, { value, timestampMs: NOW, windowMs: 30_000 }])) });
const hpa = (spec: Partial<HorizontalPodAutoscalerSpec>, status?: HorizontalPodAutoscaler['status']) =>
  item(horizontalpodautoscalers, { metadata: { name: 'web' }, spec: { minReplicas: 1, maxReplicas: 10, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, ...spec }, ...(status && { status }) }).object;

function decided(spec: Partial<HorizontalPodAutoscalerSpec>, replicas: number, more: Partial<Inputs> = {}) {
  const inputs: Inputs = {
    hpa: hpa(spec), scale: { metadata: {}, spec: { replicas }, status: { replicas, selector: 'app=web' } }, readings: [], pods: [], selection: undefined, history: undefined, settings: SETTINGS, now: NOW, ...more,
  };
  return decide(inputs);
}
const conditions = ({ status }: ReturnType<typeof decide>) => (status.conditions ?? []).map(({ type, status: value, reason }) => `${type} ${value} ${reason}`);

describe('size by a share of requests', () => {
  const two = [pod('a'), pod('b')];
  test.each<[string, number, Reading, readonly ReturnType<typeof pod>[], number | undefined]>([
    ['twice the target doubles', 2, used({ a: 100, b: 100 }), two, 4],
    ['within the tolerance nothing changes', 2, used({ a: 54, b: 54 }), two, undefined],
    ['a pod without metrics counts as idle when growing', 2, used({ a: 150 }), two, 3],
    ['a pod without metrics counts as busy when shrinking', 3, used({ a: 5, b: 5 }), [...two, pod('c')], undefined],
    ['pods that are going or have failed do not count', 2, used({ a: 100, b: 100, c: 900 }), [...two, pod('c', { deleting: true }), pod('d', { phase: 'Failed' })], 4],
    ['a pod that has just started does not count with its start', 2, used({ a: 100, b: 900 }), [pod('a'), pod('b', { startedAgo: 20_000, changedAgo: 10_000 })], undefined],
    ['a pending pod counts as idle when growing', 2, used({ a: 300 }), [pod('a'), pod('b', { phase: 'Pending' })], 4],
  ])('%s', (_, replicas, reading, all, size) => {
    expect(decided({ metrics: [cpu(50)] }, replicas, { readings: [reading], pods: all }).size?.replicas).toBe(size);
  });

  test('its status tells what was measured', () => {
    const { status, size } = decided({ metrics: [cpu(50)] }, 2, { readings: [used({ a: 100, b: 140 })], pods: two });
    expect(size).toEqual({ replicas: 4, reason: 'cpu resource utilization (percentage of request) above target' });
    expect(status.currentMetrics).toEqual([{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 120, averageValue: '120m' } } }]);
  });

  test.each<[string, readonly ReturnType<typeof pod>[], Reading, string]>([
    ['no metrics', two, { kind: 'error', message: 'unable to fetch metrics from resource metrics API: no' }, 'unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: no'],
    ['no request', [pod('a', { request: '' })], used({ a: 1 }), 'missing request for cpu in container c of Pod a'],
    ['no pods', [], used({ a: 1 }), 'no pods returned by selector while calculating replica count'],
    ['none ready', [pod('a', { phase: 'Pending' })], used({ a: 1 }), 'did not receive metrics for targeted pods (pods might be unready)'],
  ])('%s is said and changes nothing', (_, all, reading, why) => {
    const outcome = decided({ metrics: [cpu(50)] }, 2, { readings: [reading], pods: all });
    const text = `failed to get cpu utilization: ${why}`;
    expect(outcome.size).toBeUndefined();
    expect(outcome.warnings).toEqual([
      { reason: 'FailedGetResourceMetric', message: text },
      { reason: 'FailedComputeMetricsReplicas', message: `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${text}` },
    ]);
    expect(outcome.status.conditions?.find(({ type }) => type === 'ScalingActive')?.message).toBe(`the HPA was unable to compute the replica count: ${text}`);
  });
});

test.each<[string, MetricSpec, Reading, number, number | undefined, object | undefined]>([
  ['pods', { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '10' } } }, used({ a: 20_000, b: 20_000 }), 2, 4, { averageValue: '20' }],
  ['an object', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { kind: 'Service', name: 's' }, target: { type: 'Value', value: '100' } } }, { kind: 'values', values: [300_000] }, 2, 6, { value: '300' }],
  ['an object, per pod', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { kind: 'Service', name: 's' }, target: { type: 'AverageValue', averageValue: '100' } } }, { kind: 'values', values: [500_000] }, 2, 5, { averageValue: '250' }],
  ['external', { type: 'External', external: { metric: { name: 'jobs' }, target: { type: 'Value', value: '10' } } }, { kind: 'values', values: [20_000, 10_000] }, 2, 6, { value: '30' }],
  ['external, per pod', { type: 'External', external: { metric: { name: 'jobs' }, target: { type: 'AverageValue', averageValue: '10' } } }, { kind: 'values', values: [90_000] }, 2, 9, { averageValue: '45' }],
  ['an average of memory', { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Mi' } } }, used({ a: 2 * 2 ** 20 * 1000, b: 2 * 2 ** 20 * 1000 }), 2, 4, { averageValue: '2Mi' }],
])('metric: %s', (_, spec, reading, replicas, size, current) => {
  // Nothing here is limited: the size may double from four on.
  const outcome = decided({ metrics: [spec], behavior: { scaleUp: { policies: [{ type: 'Pods', value: 100, periodSeconds: 60 }] }, scaleDown: {} } }, replicas, { readings: [reading], pods: [pod('a'), pod('b')] });
  expect(outcome.size?.replicas).toBe(size);
  const [status] = outcome.status.currentMetrics as unknown as Record<string, { current?: object }>[];
  expect(Object.values(status ?? {}).find((value) => typeof value === 'object')?.current).toEqual(current);
});

test('the largest of several proposals counts; one that fails forbids shrinking only', () => {
  const broken: Reading = { kind: 'error', message: 'no' };
  const metrics = [cpu(50), { type: 'External', external: { metric: { name: 'jobs' }, target: { type: 'Value', value: '10' } } }];
  const all = [pod('a'), pod('b')];
  expect(decided({ metrics }, 2, { readings: [used({ a: 100, b: 100 }), broken], pods: all }).size?.replicas).toBe(4);
  const idle = decided({ metrics }, 2, { readings: [used({ a: 1, b: 1 }), broken], pods: all });
  expect(idle.size).toBeUndefined();
  expect(conditions(idle)).toContain('ScalingActive False FailedGetExternalMetric');
});

test('what cannot be measured of an object or outside is told in upstream’s words', () => {
  const error: Reading = { kind: 'error', message: 'no' };
  const options = { namespace: 'a', statusReplicas: 2, situation: { pods: [], currentReplicas: 2, tolerances: { up: 0.1, down: 0.1 }, now: NOW, cpuInitializationMs: 0, initialReadinessDelayMs: 0 } };
  const of = (spec: MetricSpec) => propose(spec, error, options);
  const object = (target: MetricTarget): MetricSpec => ({ type: 'Object', object: { metric: { name: 'q' }, describedObject: { kind: 'Service', name: 's' }, target } });
  const said = 'unable to get metric q: Service on a s/no';
  expect(of(object({ type: 'Value', value: '3' }))).toEqual({ failed: { reason: 'FailedGetObjectMetric', message: said, within: `failed to get object metric value: ${said}` } });
  expect(of(object({ type: 'AverageValue', averageValue: '3' }))).toEqual({ failed: { reason: 'FailedGetObjectMetric', message: said, within: `failed to get object metric value: failed to get q object metric: ${said}` } });
  const external = { type: 'External', external: { metric: { name: 'e' }, target: { type: 'Value', value: '3' } } } as const;
  expect(of(external)).toEqual({ failed: { reason: 'FailedGetExternalMetric', message: 'unable to get external metric a/e/nil: no', within: 'failed to get e external metric value: failed to get external metric e: unable to get external metric a/e/nil: no' } });
});

test('bounds come before metrics, and zero switches it off', () => {
  expect([0, 1, 3, 11].map((replicas) => needsMetrics(hpa({ minReplicas: 2 }), replicas))).toEqual([false, false, true, false]);
  expect(decided({ minReplicas: 2 }, 1).size).toEqual({ replicas: 2, reason: 'Current number of replicas below Spec.MinReplicas' });
  expect(decided({ maxReplicas: 3 }, 6).size).toEqual({ replicas: 3, reason: 'Current number of replicas above Spec.MaxReplicas' });
  expect(conditions(decided({}, 0))).toEqual(['AbleToScale True SucceededGetScale', 'ScalingActive False ScalingDisabled']);
});

describe('limit()', () => {
  const limits = (current: number, recommended: number, more: { history?: History; behavior?: HorizontalPodAutoscalerSpec['behavior']; min?: number; max?: number; now?: number } = {}) =>
    limit({ behavior: more.behavior, history: more.history ?? emptyHistory, current, recommended, min: more.min ?? 1, max: more.max ?? 100, stabilizationMs: 300_000, now: more.now ?? NOW });
  const told = ({ replicas, able, limited }: ReturnType<typeof limit>) => `${replicas} ${able.reason} ${limited.reason} ${limited.status}`;
  const up = (rules: object) => ({ scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', ...rules }, scaleDown: { stabilizationWindowSeconds: 300, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } });
  const down = (rules: object) => ({ scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] }, scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', ...rules } });

  test.each<[string, ReturnType<typeof limit>, string]>([
    ['what is recommended', limits(3, 4), '4 ReadyForNewScale DesiredWithinRange False'],
    ['at most twice as many', limits(3, 50), '6 ReadyForNewScale ScaleUpLimit True'],
    ['from one to four', limits(1, 50), '4 ReadyForNewScale ScaleUpLimit True'],
    ['the maximum', limits(40, 50, { max: 45 }), '45 ReadyForNewScale TooManyReplicas True'],
    ['the minimum', limits(3, 1, { min: 2 }), '2 ReadyForNewScale TooFewReplicas True'],
    ['what was recommended lately', limits(5, 2, { history: { ...emptyHistory, recommendations: [{ replicas: 5, at: NOW - 200_000 }] } }), '5 ScaleDownStabilized DesiredWithinRange False'],
    ['not what was recommended long ago', limits(5, 2, { history: { ...emptyHistory, recommendations: [{ replicas: 5, at: NOW - 300_001 }] } }), '2 ReadyForNewScale DesiredWithinRange False'],
    ['so many pods at a time', limits(3, 9, { behavior: up({ policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }) }), '5 ReadyForNewScale ScaleUpLimit True'],
    ['the larger of two rates', limits(10, 90, { behavior: up({ policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }, { type: 'Percent', value: 50, periodSeconds: 60 }] }) }), '15 ReadyForNewScale ScaleUpLimit True'],
    ['the smaller of two rates', limits(10, 90, { behavior: up({ selectPolicy: 'Min', policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }, { type: 'Percent', value: 50, periodSeconds: 60 }] }) }), '12 ReadyForNewScale ScaleUpLimit True'],
    ['no growth at all', limits(3, 9, { behavior: up({ selectPolicy: 'Disabled' }) }), '3 ReadyForNewScale ScaleUpLimit True'],
    ['so many less', limits(9, 1, { behavior: down({ policies: [{ type: 'Pods', value: 2, periodSeconds: 60 }] }) }), '7 ReadyForNewScale ScaleDownLimit True'],
    ['a share less', limits(9, 1, { behavior: down({ policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }] }) }), '4 ReadyForNewScale ScaleDownLimit True'],
    ['growth waits for its window', limits(3, 9, { behavior: up({ stabilizationWindowSeconds: 60, policies: [{ type: 'Pods', value: 9, periodSeconds: 60 }] }), history: { ...emptyHistory, recommendations: [{ replicas: 4, at: NOW - 30_000 }] } }), '4 ScaleUpStabilized DesiredWithinRange False'],
  ])('%s', (_, limited, expected) => {
    expect(told(limited)).toBe(expected);
  });

  test('a rate counts what has been done in its period', () => {
    const behavior = up({ policies: [{ type: 'Pods', value: 4, periodSeconds: 60 }] });
    const history = noteChange(emptyHistory, 2, 5, NOW - 30_000);
    expect(limits(5, 50, { behavior, history }).replicas).toBe(6);
    expect(limits(5, 50, { behavior, history, now: NOW + 31_000 }).replicas).toBe(9);
  });
});

test('a scale whose selector cannot be read is no scale', async () => {
  const clock = new VirtualClock();
  const real = openClient(new FakeDoor({ now: () => clock.now() }), { userAgent: 'test' });
  const client: Client = Object.create(real, { call: { value: async () => ({ spec: { replicas: 3 }, status: { replicas: 3, selector: 'a b c' } }) } });
  const random = seededRandom(1);
  const informers = new SharedInformers(client, { clock, random });
  const stop = new AbortController();
  const said: string[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  void horizontalPodAutoscalerController({ syncPeriodMs: 1000 }).run({ client, clock, random, log, informer: informers.of.bind(informers), event: ({ reason, message }) => void said.push(`${reason}: ${message}`) }, stop.signal);
  await real.create(horizontalpodautoscalers, { metadata: { name: 'h', namespace: 'a' }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 5 } });
  await clock.advance(1500);
  const text = `received an object from a /scale endpoint which was not convertible to autoscaling Scale: failed to parse target selector: couldn't parse the selector string "a b c": unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt`;
  expect(said).toEqual([`FailedGetScale: ${text}`]);
  expect((await real.get(horizontalpodautoscalers, { namespace: 'a', name: 'h' })).status?.conditions).toMatchObject([{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: `the HPA controller was unable to get the target's current scale: ${text}` }]);
  stop.abort();
  informers.stop();
});

test('one who only minds the bounds does not claim pods', async () => {
  const clock = new VirtualClock();
  const real = openClient(new FakeDoor({ now: () => clock.now() }), { userAgent: 'test' });
  const scale = { metadata: {}, spec: { replicas: 3 }, status: { replicas: 3, selector: ' app = web' } };
  const client: Client = Object.create(real, { call: { value: async () => scale } });
  const random = seededRandom(1);
  const informers = new SharedInformers(client, { clock, random });
  const stop = new AbortController();
  const said: string[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  await real.create(pods, { metadata: { name: 'p', namespace: 'a', labels: { app: 'web' } }, spec: { containers: [{ name: 'c' }] } });
  void horizontalPodAutoscalerController({ syncPeriodMs: 1000 }).run({ client, clock, random, log, informer: informers.of.bind(informers), event: ({ about, reason, message }) => void said.push(`${about.name} ${reason}: ${message}`) }, stop.signal);
  const scaled = { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } };
  await real.create(horizontalpodautoscalers, { metadata: { name: 'low', namespace: 'a' }, spec: { ...scaled, maxReplicas: 2 } });
  await real.create(horizontalpodautoscalers, { metadata: { name: 'other', namespace: 'a' }, spec: { ...scaled, maxReplicas: 5 } });
  await clock.advance(1500);
  expect(said.filter((line) => line.includes('Ambiguous'))).toEqual([]);
  await real.create(horizontalpodautoscalers, { metadata: { name: 'third', namespace: 'a' }, spec: { ...scaled, maxReplicas: 6 } });
  await clock.advance(3000);
  expect(said).toContain('third AmbiguousSelector: pods by selector  app = web are controlled by multiple HPAs: [a/other a/third]');
  stop.abort();
  informers.stop();
});
