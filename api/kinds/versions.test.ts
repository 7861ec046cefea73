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

  test('what they were measured at comes from the annotation first', () => {
    const status = { currentReplicas: 1, desiredReplicas: 1, currentCPUUtilizationPercentage: 80 };
    const current = [{ type: 'Resource', resource: { name: 'cpu', currentAverageUtilization: 300 } }, { type: 'Pods', pods: { metricName: 'hits', currentAverageValue: '7', selector: {} } }];
    const annotations = { 'autoscaling.alpha.kubernetes.io/current-metrics': JSON.stringify(current) };
    const hub = convert('HorizontalPodAutoscaler', 'autoscaling', 'v1', 'toHub', { metadata: { annotations }, spec: { scaleTargetRef: target, maxReplicas: 3 }, status });
    expect(hub?.['status']).toMatchObject({
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 300, averageValue: '0' } } },
        { type: 'Pods', pods: { metric: { name: 'hits', selector: {} }, current: { averageValue: '7' } } },
      ],
    });
    const back = convert('HorizontalPodAutoscaler', 'autoscaling', 'v1', 'fromHub', hub ?? {});
    expect(back?.['status']).toMatchObject({ currentCPUUtilizationPercentage: 300 });
    expect(JSON.parse(back?.metadata.annotations?.['autoscaling.alpha.kubernetes.io/current-metrics'] ?? '')).toEqual([
      { type: 'Resource', resource: { name: 'cpu', currentAverageUtilization: 300, currentAverageValue: '0' } }, current[1],
    ]);
  });
});

test('events of events.k8s.io are those of the core group under other names', () => {
  const event = { reason: 'Started', note: 'it runs', regarding: { kind: 'Pod', name: 'p' }, deprecatedCount: 2, type: 'Normal' };
  const hub = convert('Event', 'events.k8s.io', 'v1', 'toHub', event);
  expect(hub).toMatchObject({ reason: 'Started', message: 'it runs', involvedObject: { kind: 'Pod', name: 'p' }, count: 2 });
  expect(convert('Event', 'events.k8s.io', 'v1', 'fromHub', hub ?? {})).toMatchObject(event);
});
