/** Objects of one shape share what was found out about their fields; objects that own other fields are never taken for the same shape. */
import type { ApiObject } from '../kind.ts';
import { trackUpdate } from './track-update.ts';

const schema = { type: 'io.k8s.api.core.v1.Pod' };

function fieldsOf(metadata: object, rest: object): unknown {
  const next = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', ...metadata }, ...rest } as ApiObject;
  trackUpdate({ schema, live: undefined, next, manager: 'm', apiVersion: 'v1', now: 0, resetFields: [['status']] });
  return (next.metadata.managedFields?.[0] as { fieldsV1?: unknown } | undefined)?.fieldsV1;
}

const pod = (container: object, spec: object = {}): object => ({ spec: { containers: [{ name: 'c', ...container }], ...spec } });

test('one form for one shape, whatever the values', () => {
  const first = fieldsOf({ labels: { app: 'x' } }, pod({ image: 'a' }));
  expect(fieldsOf({ labels: { app: 'y' } }, pod({ image: 'b' }))).toBe(first);
  expect(Object.isFrozen(first)).toBe(true);
});

test.each<[string, unknown, unknown]>([
  ['another key', fieldsOf({ labels: { a: 'x' } }, pod({})), fieldsOf({ labels: { b: 'x' } }, pod({}))],
  ['another item of a keyed list', fieldsOf({}, pod({ ports: [{ containerPort: 80, protocol: 'TCP' }] })), fieldsOf({}, pod({ ports: [{ containerPort: 81, protocol: 'TCP' }] }))],
  ['another value of a set', fieldsOf({ finalizers: ['x/y'] }, pod({})), fieldsOf({ finalizers: ['x/z'] }, pod({}))],
  ['an empty map', fieldsOf({ labels: { a: 'x' } }, pod({})), fieldsOf({ labels: {} }, pod({}))],
  ['an empty list where a list is always printed', fieldsOf({}, { spec: { containers: [] } }), fieldsOf({}, { spec: { containers: null } })],
  ['a map of one more level', fieldsOf({ labels: {}, annotations: { a: 'x' } }, pod({})), fieldsOf({ labels: { annotations: 'x', a: 'x' } }, pod({}))],
  ['a number where another has a text', fieldsOf({}, pod({ ports: [{ containerPort: 80 }] })), fieldsOf({}, pod({ ports: [{ containerPort: '80' }] }))],
  ['two items of one name', fieldsOf({}, pod({})), fieldsOf({}, { spec: { containers: [{ name: 'c' }, { name: 'c' }] } })],
])('%s is another shape', (_, one, other) => {
  expect(other).not.toEqual(one);
});

test('what does not count for a subresource is left out', () => {
  expect(fieldsOf({}, { ...pod({}), status: { phase: 'Running' } })).toEqual(fieldsOf({}, pod({})));
});
