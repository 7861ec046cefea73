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
