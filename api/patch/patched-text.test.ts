import { patchedText } from './patched-text.ts';

const object = { kind: 'K', apiVersion: 'v1', metadata: { uid: 'u', name: 'a', labels: { z: '1', a: '<' } }, spec: { z: { y: 1, x: 2 }, b: [{ d: 1, c: 2 }] } };

test.each([
  ['what operations pass', [{ op: 'add', path: '/spec/z/x' }], '{"apiVersion":"v1","kind":"K","metadata":{"name":"a","uid":"u","labels":{"a":"\\u003c","z":"1"}},"spec":{"b":[{"d":1,"c":2}],"z":{"x":2,"y":1}}}'],
  ['what a merge patch names', { spec: { b: [] } }, '{"apiVersion":"v1","kind":"K","metadata":{"name":"a","uid":"u","labels":{"a":"\\u003c","z":"1"}},"spec":{"b":[{"d":1,"c":2}],"z":{"y":1,"x":2}}}'],
  ['what a merge patch has in lists', { spec: { b: [{ d: 1 }] } }, '{"apiVersion":"v1","kind":"K","metadata":{"name":"a","uid":"u","labels":{"a":"\\u003c","z":"1"}},"spec":{"b":[{"c":2,"d":1}],"z":{"y":1,"x":2}}}'],
  ['all of a custom resource', undefined, '{"apiVersion":"v1","kind":"K","metadata":{"labels":{"a":"\\u003c","z":"1"},"name":"a","uid":"u"},"spec":{"b":[{"c":2,"d":1}],"z":{"x":2,"y":1}}}'],
])('patchedText() orders %s', (_, patch, expected) => {
  expect(patchedText(object, patch, patch && 'io.k8s.api.core.v1.ConfigMap')).toBe(expected);
});

test('maps of a type that is known have their keys in order, wherever they stand', () => {
  const slice = { spec: { driver: 'd', devices: [{ name: 'x', attributes: { b: { string: 'z' }, a: { int: 1 } } }] } };
  expect(patchedText(slice, { spec: { driver: 'd' } }, 'io.k8s.api.resource.v1.ResourceSlice')).toBe('{"spec":{"devices":[{"name":"x","attributes":{"a":{"int":1},"b":{"string":"z"}}}],"driver":"d"}}');
});
