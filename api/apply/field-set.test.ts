import { contains, decodeFields, difference, emptySet, encodeFields, equalSets, has, intersection, isEmpty, pathsOf, pathText, recursiveDifference, setOf, union, type FieldSet } from './field-set.ts';

describe('FieldsV1 round trips', () => {
  const rows: [string, unknown, string[]][] = [
    ['nothing', {}, []],
    ['fields', { 'f:a': {}, 'f:b': { '.': {}, 'f:c': {} } }, ['.a', '.b', '.b.c']],
    ['keys, values and indices', { 'f:l': { 'k:{"name":"x","port":80}': { '.': {}, 'f:name': {} }, 'v:"s"': {}, 'v:5': {}, 'v:true': {}, 'i:0': {} } }, ['.l[name="x",port=80]', '.l[=5]', '.l[="s"]', '.l[=true]', '.l[0]', '.l[name="x",port=80].name']],
    ['names with dots and slashes', { 'f:labels': { 'f:example.com/a': {} } }, ['.labels.example.com/a']],
  ];
  test.each(rows)('%s', (_, fields, paths) => {
    const set = decode(fields);
    expect(encodeFields(set)).toEqual(fields);
    expect(pathsOf(set).map(pathText).sort()).toEqual([...paths].sort());
    for (const path of pathsOf(set)) expect(has(set, path)).toBe(true);
  });
});

test('decodeFields() brings elements into one form and leaves out types that it does not know', () => {
  const set = decode({ 'f:l': { 'k:{"b":1, "a":"<"}': {}, 'z:what': {} } });
  expect(encodeFields(set)).toEqual({ 'f:l': { 'k:{"a":"\\u003c","b":1}': {} } });
  expect(pathsOf(set).map(pathText)).toEqual(['.l[a="<",b=1]']);
});

test.each([[{ nonsense: {} }], [{ 'f:a': 5 }], [{ 'k:[': {} }], [{ 'k:5': {} }], [{ 'i:x': {} }], [[]], ['x']])('decodeFields() refuses %j', (fields) => {
  expect(decodeFields(fields)).toBeUndefined();
});

describe('set algebra', () => {
  const a = decode({ 'f:a': { '.': {}, 'f:x': {}, 'f:y': {} }, 'f:b': {} });
  const b = decode({ 'f:a': { 'f:x': {} }, 'f:b': {}, 'f:c': { 'f:z': {} } });
  const rows: [string, FieldSet, unknown][] = [
    ['union', union(a, b), { 'f:a': { '.': {}, 'f:x': {}, 'f:y': {} }, 'f:b': {}, 'f:c': { 'f:z': {} } }],
    ['intersection', intersection(a, b), { 'f:a': { 'f:x': {} }, 'f:b': {} }],
    ['difference', difference(a, b), { 'f:a': { '.': {}, 'f:y': {} } }],
    ['difference keeps what is below', difference(a, setOf([['a']])), { 'f:a': { 'f:x': {}, 'f:y': {} }, 'f:b': {} }],
    ['recursive difference does not', recursiveDifference(a, setOf([['a']])), { 'f:b': {} }],
    ['union with nothing', union(emptySet, a), encodeFields(a)],
  ];
  test.each(rows)('%s', (_, set, expected) => expect(encodeFields(set)).toEqual(expected));

  test('a set that stays as it is is the same one', () => {
    const part = decode({ 'f:a': { 'f:x': {} }, 'f:b': {} });
    expect([union(a, part), difference(a, decode({ 'f:c': {}, 'f:a': { 'f:z': {} } })), recursiveDifference(a, setOf([['c']])), intersection(a, a)].map((set) => set === a)).toEqual([true, true, true, true]);
    expect(union(part, a) === part).toBe(false);
    expect(encodeFields(union(decode({ 'f:a': { 'f:x': {} } }), setOf([['a']])))).toEqual({ 'f:a': { '.': {}, 'f:x': {} } });
  });

  test('contains() minds what is member and what only stands above one', () => {
    const below = decode({ 'f:a': { 'f:x': {} } });
    expect([contains(a, below), contains(below, a), contains(below, decode({ 'f:a': { '.': {} } })), contains(a, b), contains(a, emptySet)]).toEqual([true, false, false, false, true]);
  });

  test('isEmpty() and equalSets()', () => {
    expect([isEmpty(difference(a, a)), isEmpty(intersection(a, setOf([['d']]))), isEmpty(a)]).toEqual([true, true, false]);
    expect([equalSets(a, union(a, a)), equalSets(a, b), equalSets(difference(a, a), emptySet)]).toEqual([true, false, true]);
  });
});

function decode(fields: unknown): FieldSet {
  const set = decodeFields(fields);
  if (!set) throw new Error('malformed fields');
  return set;
}
