/** YAML reading against what go-yaml makes of the same text. */
import { parseYaml, yamlDuplicatesProblem } from './yaml.ts';

describe('parseYaml() reads plain scalars as YAML 1.1', () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ['5', 5], ['"5"', '5'], ["'5'", '5'], ['!!str 5', '5'], ['0777', 511], ['0o17', 15], ['0x1F', 31], ['0b101', 5], ['-0x10', -16], ['08', 8],
    ['1_000', 1000], ['1e3', 1000], ['.5', 0.5], ['5.', 5], ['1.5', 1.5], ['+12', 12], ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', 18446744073709551615n], ['2021-03-04', '2021-03-04'], ['2021-03-04T05:06:07Z', '2021-03-04T05:06:07Z'], ['12:30:45', '12:30:45'],
    ['yes', true], ['On', true], ['y', true], ['n', false], ['off', false], ['nO', 'nO'], ['~', null], ['null', null], ['', null], ['0%', '0%'], ['1Gi', '1Gi'],
    ['text', 'text'], ['|\n  two\n  lines\n', 'two\nlines\n'], ['!!binary aGk=', 'hi'], ['!!float 1', 1],
  ];
  test.each(rows)('%j', (text, value) => {
    expect(parseYaml(`k: ${text}`).value).toEqual({ k: value });
  });
});

test('parseYaml() makes text of keys', () => {
  expect(parseYaml('{n: 1, yes: 2, 5: 3, "x": 4, 1.5: 5}').value).toEqual({ false: 1, true: 2, 5: 3, x: 4, '1.5': 5 });
});

test('parseYaml() follows anchors and merges, the own key first', () => {
  const text = 'base: &b {a: 1, c: 2}\nuse: {<<: *b, a: 3}\nlist: [*b]\n';
  expect(parseYaml(text).value).toEqual({ base: { a: 1, c: 2 }, use: { a: 3, c: 2 }, list: [{ a: 1, c: 2 }] });
});

test('parseYaml() tells keys that come twice with their line and keeps the last', () => {
  const { value, duplicates } = parseYaml('a: 1\nd:\n  k: x\n  k: z\n1: a\n1: b\n');
  expect(value).toEqual({ a: 1, d: { k: 'z' }, 1: 'b' });
  expect(duplicates).toEqual(['line 4: key "k" already set in map', 'line 6: key 1 already set in map']);
  expect(yamlDuplicatesProblem(duplicates.slice(0, 1))).toBe('yaml: unmarshal errors:\n  line 4: key "k" already set in map');
});

test('parseYaml() reads the first document, and JSON', () => {
  expect(parseYaml('a: 1\n---\na: 2\n').value).toEqual({ a: 1 });
  expect(parseYaml('---\n').value).toBeNull();
  expect(parseYaml('').value).toBeNull();
  expect(parseYaml('{"a":[true,null,"x"]}').value).toEqual({ a: [true, null, 'x'] });
});

test('parseYaml() does not touch prototypes', () => {
  const { value } = parseYaml('__proto__: {polluted: 1}\nx: 1');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test.each([
  ['a: [b', 400], ['a: b: c', 400], ['a:\n\tb: c', 400], ['a: *nowhere', 400], ['a: .nan', 400], ['~: 1', 400], ['!!int x', 400],
  [`a: &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefghi'.split('').map((to, i) => `${to}: &${to} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`).join('\n')}`, 400],
])('parseYaml() refuses %j', (text, code) => {
  expect(() => parseYaml(text)).toThrow(expect.objectContaining({ code }));
});
