import { decodeJson } from '../../api/codec/json.ts';
import type { ApiObject } from '../../api/kind.ts';
import { deepCopy, deepFreeze } from '../../std/deep.ts';
import { keepUnchanged } from './unchanged.ts';

const POD = { type: 'io.k8s.api.core.v1.Pod' };
const TEXT = '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"x":"y"},"annotations":{"k":"v"}},"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running"}}';
const old = deepFreeze(decodeJson(POD, TEXT).object) as Readonly<ApiObject>;

/** Which parts of an object that was sent are those of the old one, and of the copy that rules are shown. */
function shared(text: string): string[] {
  const { object } = decodeJson(POD, text);
  const seen = deepCopy(old) as ApiObject;
  keepUnchanged(object, old, seen);
  const places = { spec: (of: ApiObject) => of['spec'], status: (of: ApiObject) => of['status'], labels: (of: ApiObject) => of.metadata.labels, annotations: (of: ApiObject) => of.metadata.annotations };
  return Object.entries(places).flatMap(([name, part]) => {
    expect(part(seen) === part(old)).toBe(part(object) === part(old) && part(old) !== undefined);
    return part(object) === part(old) ? [name] : [];
  });
}

test.each<[string, string, string[]]>([
  ['all', TEXT, ['spec', 'status', 'labels', 'annotations']],
  ['all in another order', TEXT.replace('{"name":"c","image":"i"}', '{"image":"i","name":"c"}'), ['spec', 'status', 'labels', 'annotations']],
  ['a value deep inside', TEXT.replace('"i"', '"j"'), ['status', 'labels', 'annotations']],
  ['a field more', TEXT.replace('"i"', '"i","stdin":true'), ['status', 'labels', 'annotations']],
  ['a field less', TEXT.replace(',"image":"i"', ''), ['status', 'labels', 'annotations']],
  ['an item more', TEXT.replace('}]}', '},{"name":"d"}]}'), ['status', 'labels', 'annotations']],
  ['a part less', TEXT.replace(',"status":{"phase":"Running"}', ''), ['spec', 'labels', 'annotations']],
  ['an empty list that was sent', TEXT.replace('"i"', '"i","env":[]'), ['status', 'labels', 'annotations']],
  ['an annotation', TEXT.replace('"v"', '"w"'), ['spec', 'status', 'labels']],
])('keepUnchanged() of %s', (_, text, expected) => expect(shared(text)).toEqual(expected));

test('a part of the old object that was sent with an empty list is not taken over', () => {
  const noted = deepFreeze(decodeJson(POD, TEXT.replace('"i"', '"i","env":[]')).object) as Readonly<ApiObject>;
  const { object } = decodeJson(POD, TEXT);
  const own = object['spec'];
  keepUnchanged(object, noted, deepCopy(noted) as ApiObject);
  expect(object['spec']).toBe(own);
});
