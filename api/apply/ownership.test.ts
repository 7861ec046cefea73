import type { ApiObject } from '../kind.ts';
import { keepTimesOfNoChange } from './ownership.ts';
import { parentManagedFields, scaleManagedFields } from './scale.ts';

test('keepTimesOfNoChange() restores times only where nothing else differs', () => {
  const same = timed('2', 'a');
  keepTimesOfNoChange(timed('1', 'a'), same);
  expect(same).toEqual(timed('1', 'a'));
  const other = timed('2', 'b');
  keepTimesOfNoChange(timed('1', 'a'), other);
  expect(other).toEqual(timed('2', 'b'));
});

test('ownership passes through the scale subresource and back', () => {
  const paths = { 'apps/v1': ['spec', 'replicas'] };
  const entry = { manager: 'one', operation: 'Apply', apiVersion: 'apps/v1', time: 't', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } } };
  const scale = scaleManagedFields([entry], paths);
  expect(scale).toEqual([{ ...entry, apiVersion: 'autoscaling/v1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } }]);
  expect(parentManagedFields([entry], scale, 'apps/v1', paths)).toEqual([entry]);
  const scaler = { ...entry, manager: 'scaler', operation: 'Update', apiVersion: 'autoscaling/v1', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } };
  const { time: _, ...untimed } = scaler;
  expect(parentManagedFields([entry], [scaler], 'apps/v1', paths)).toEqual([{ ...entry, fieldsV1: { 'f:spec': { 'f:paused': {} } } }, { ...untimed, apiVersion: 'apps/v1' }]);
});

function timed(time: string, value: string): ApiObject {
  return { apiVersion: 'v1', kind: 'X', metadata: { managedFields: [{ manager: 'm', time }] }, value };
}
