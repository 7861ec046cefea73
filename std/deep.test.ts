import { deepCopy, deepEqual, deepFreeze } from './deep.ts';

describe('deepEqual()', () => {
  const rows: [unknown, unknown, boolean][] = [
    [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
    [{ a: undefined }, {}, true],
    [{ a: null }, {}, false],
    [[1, 2], [2, 1], false],
    [[], {}, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: 1 }, { a: 1, constructor: 'x' }, false],
    ['1', 1, false],
  ];
  test.each(rows)('%j and %j: %j', (a, b, equal) => {
    expect(deepEqual(a, b)).toBe(equal);
    expect(deepEqual(b, a)).toBe(equal);
  });
});

test('deepCopy() shares nothing and keeps a key called __proto__ as data', () => {
  const source = JSON.parse('{"a":{"b":[1]},"__proto__":{"x":1}}') as { a: { b: number[] } };
  const copy = deepCopy(source);
  copy.a.b.push(2);
  expect(source.a.b).toEqual([1]);
  expect(JSON.stringify(copy)).toBe('{"a":{"b":[1,2]},"__proto__":{"x":1}}');
  expect(({} as { x?: number }).x).toBeUndefined();
});

test('deepFreeze() refuses changes at any depth', () => {
  const frozen = deepFreeze({ a: { b: [1] } }) as { a: { b: number[] } };
  expect(() => frozen.a.b.push(2)).toThrow(TypeError);
});
