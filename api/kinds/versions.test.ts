import type { ApiObject } from '../kind.ts';
import { kindOf, objectOf } from './testing.ts';

function convert(kind: string, group: string, version: string, direction: 'toHub' | 'fromHub', object: object): ApiObject | undefined {
  return kindOf(kind, group).versions.find((served) => served.version === version)?.[direction]?.(objectOf(object));
}

describe('HorizontalPodAutoscalers of v1', () => {
  const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

  test('their CPU target is a metric of v2, and back', () => {
    const hub = convert('HorizontalPodAutoscaler', 'autoscaling', 'v1', 'toHub', { spec: { scaleTargetRef: target, maxReplicas: 3, targetCPUUtilizationPercentage: 60 } });
    const metric = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } };
    expect(hub?.['spec']).toMatchObject({ maxReplicas: 3, metrics: [metric] });
    expect(convert('HorizontalPodAutoscaler', 'autoscaling', 'v1', 'fromHub', hub ?? {})?.['spec']).toMatchObject({ maxReplicas: 3, targetCPUUtilizationPercentage: 60 });
  });

  test('what v1 has no field for stays in annotations', () => {
    const metric = { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '5' } } };
    const old = convert('HorizontalPodAutoscaler', 'autoscaling', 'v1', 'fromHub', { spec: { scaleTargetRef: target, maxReplicas: 3, metrics: [metric] } });
    expect(Object.keys(old?.metadata.annotations ?? {})).toEqual(['autoscaling.alpha.kubernetes.io/metrics']);
    const hub = convert('HorizontalPodAutoscaler', 'autoscaling', 'v1', 'toHub', old ?? {});
    expect(hub?.['spec']).toMatchObject({ metrics: [metric] });
    expect(hub?.metadata.annotations ?? {}).toEqual({});
  });
});

test('events of events.k8s.io are those of the core group under other names', () => {
  const event = { reason: 'Started', note: 'it runs', regarding: { kind: 'Pod', name: 'p' }, deprecatedCount: 2, type: 'Normal' };
  const hub = convert('Event', 'events.k8s.io', 'v1', 'toHub', event);
  expect(hub).toMatchObject({ reason: 'Started', message: 'it runs', involvedObject: { kind: 'Pod', name: 'p' }, count: 2 });
  expect(convert('Event', 'events.k8s.io', 'v1', 'fromHub', hub ?? {})).toMatchObject(event);
});
