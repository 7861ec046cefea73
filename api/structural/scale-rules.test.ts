import { validateScaleSpec, validateScaleStatus } from './scale-rules.ts';

const SCALE = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' };

test.each([
  [{ spec: 1 }, '.spec.replicas accessor error: 1 is of the type int64, expected map[string]interface{}'],
  [{ spec: ['a', 'b'] }, '.spec.replicas accessor error: [a b] is of the type []interface {}, expected map[string]interface{}'],
  [{ spec: { replicas: { a: 1 } } }, '.spec.replicas accessor error: map[a:1] is of the type map[string]interface {}, expected int64'],
  [{ spec: { replicas: 1.5 } }, '.spec.replicas accessor error: 1.5 is of the type float64, expected int64'],
  [{ spec: { replicas: null } }, '.spec.replicas accessor error: <nil> is of the type <nil>, expected int64'],
  [{ spec: { replicas: -1 } }, 'should be a non-negative integer'],
  [{ spec: { replicas: 12345678901234567n } }, 'Invalid value: 12345678901234567: should be less than or equal to 2147483647'],
  [{ spec: null }, undefined], [{ spec: {} }, undefined], [{}, undefined],
])('validateScaleSpec() tells what stands in the way of replicas in %j', (object, why) => {
  expect(validateScaleSpec(object, SCALE).map(({ field, message }) => `${field} ${message.replace(/^Invalid value: -?\d: /, '')}`)).toEqual(why === undefined ? [] : [`.spec.replicas ${why}`]);
});

test('validateScaleStatus() looks at the selector as well', () => {
  expect(validateScaleStatus({ status: 'x' }, SCALE).map(({ message }) => message)).toEqual([
    'Invalid value: 0: .status.replicas accessor error: x is of the type string, expected map[string]interface{}',
    'Invalid value: "": .status.selector accessor error: x is of the type string, expected map[string]interface{}',
  ]);
});
