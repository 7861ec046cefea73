import { encodeStored } from './registry/stored-form.ts';
import { announce, shownAt, withdraw } from './written.ts';
import type { ApiObject } from '../api/kind.ts';

const object = (extra: object = {}): ApiObject => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a', namespace: 'd' }, ...extra }) as ApiObject;

test('shownAt() gives what the bytes say, at their revision, to everybody the same', () => {
  const value = encodeStored(object({ data: { k: 'v' } }));
  announce(value, object({ data: { k: 'v' } }));
  const shown = shownAt(value, 7);
  expect(shown?.object).toEqual(JSON.parse(String(shown?.bytes)));
  expect(shown?.object.metadata.resourceVersion).toBe('7');
  expect(shownAt(value, 7)).toBe(shown);
  expect(Object.isFrozen((shown as { object: { data?: object } }).object.data)).toBe(true);
  withdraw(value);
  expect(shownAt(value, 7)).toBeUndefined();
});

test.each<[string, object]>([
  ['a property that is undefined', { data: undefined }],
  ['one deep inside', { data: { list: [{ a: 1, b: undefined }] } }],
])('announce() keeps nothing that bytes cannot say: %s', (_name, extra) => {
  const value = encodeStored(object(extra));
  announce(value, object(extra));
  expect(shownAt(value, 7)).toBeUndefined();
});
