import { deepFreeze } from '../../../std/deep.ts';
import { defaulted, kindOf } from '../testing.ts';
import { BEHAVIOR, CONDITIONS, METRICS, readAnnotation } from './old-annotations.ts';

const pods = { type: 'Pods', pods: { metricName: 'm', targetAverageValue: '1' } };

test.each([
  ['what it says', METRICS, [pods], [pods]],
  ['names in any case', METRICS, [{ TYPE: 'Pods', Pods: { metricname: 'm' } }], [{ type: 'Pods', pods: { metricName: 'm' } }]],
  ['null as nothing', METRICS, [null, { type: 'Pods', pods: null }], [{}, { type: 'Pods' }]],
  ['nothing where one value is of another type', METRICS, [pods, { type: 5 }], undefined],
  ['nothing where a list should be', METRICS, {}, undefined],
  ['nothing of fractions', METRICS, [{ type: 'Resource', resource: { targetAverageUtilization: 1.5 } }], undefined],
  ['no time that is none', CONDITIONS, [{ type: 'A', lastTransitionTime: 'x' }], undefined],
  ['nothing but the fields it knows', BEHAVIOR, { ScaleUp: { SelectPolicy: 'Max', Other: 1 }, x: 1 }, { ScaleUp: { SelectPolicy: 'Max' } }],
  ['no list as a struct', BEHAVIOR, [], undefined],
])('readAnnotation() takes %s', (_, shape, value, expected) => {
  expect(readAnnotation(shape, JSON.stringify(value))).toEqual(expected);
});

test('readAnnotation() of no JSON is nothing', () => {
  expect([readAnnotation(METRICS, 'x'), readAnnotation(METRICS, undefined), readAnnotation(METRICS, 'null')]).toEqual([undefined, undefined, []]);
});

test('a behavior that came in an annotation has its defaults once it is stored', () => {
  const kind = kindOf('HorizontalPodAutoscaler', 'autoscaling');
  const annotations = { 'autoscaling.alpha.kubernetes.io/behavior': '{"ScaleDown":{"SelectPolicy":"Min"}}' };
  const sent = defaulted(kind, { metadata: { annotations }, spec: { maxReplicas: 3, scaleTargetRef: { kind: 'D', name: 'd' } } }, 'v1');
  const hub = kind.versions.find(({ version }) => version === 'v1')?.toHub?.(sent);
  if (hub) kind.strategy.finish?.(hub);
  expect(hub).toMatchObject({ spec: { behavior: { scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max' }, scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] } } } });
});

test('what is stored already is left as it is', () => {
  const kind = kindOf('HorizontalPodAutoscaler', 'autoscaling');
  const stored = deepFreeze({ maxReplicas: 3, behavior: { scaleDown: { selectPolicy: 'Min' } } });
  const object = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: {}, spec: stored };
  kind.strategy.finish?.(object);
  expect(stored).toEqual({ maxReplicas: 3, behavior: { scaleDown: { selectPolicy: 'Min' } } });
  expect(object.spec).toMatchObject({ minReplicas: 1, behavior: { scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Percent' }] } } });
});
