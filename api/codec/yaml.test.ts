/** YAML reading against what go-yaml makes of the same text. */
import { parseYaml, parseYamlBytes, yamlDuplicatesProblem } from './yaml.ts';

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

test('parseYaml() follows anchors and merges', () => {
  const text = 'base: &b {a: 1, c: 2}\nuse: {<<: *b, a: 3}\nlist: [*b]\n';
  expect(parseYaml(text).value).toEqual({ base: { a: 1, c: 2 }, use: { a: 3, c: 2 }, list: [{ a: 1, c: 2 }] });
});

test.each([
  ['d: {\n  a: b\n}\ne: 1\n', { d: { a: 'b' }, e: 1 }],
  ['d: {a: b#c, d: e #f\n}', { d: { a: 'b#c', d: 'e' } }],
  ['x:\n  d: [a,\nb,\n c]\n', { x: { d: ['a', 'b', 'c'] } }],
  ['d: "a\n\nb"\ne: \'x\ny\'\n', { d: 'a\nb', e: 'x y' }],
  ['d: {a: "\\\n"}', { d: { a: '' } }],
  ['d: {a:\tb}', { d: { a: 'b' } }],
])('parseYaml() asks for no indentation within brackets and quotes: %j', (text, value) => {
  expect(parseYaml(text).value).toEqual(value);
});

test('parseYaml() takes merges in the order of the text', () => {
  expect(parseYaml('d: {a: c, <<: {a: b}}')).toEqual({ value: { d: { a: 'b' } }, duplicates: ['line 1: key "a" already set in map'] });
  expect(parseYaml('x: &x {a: 1}\nz: &z {a: 2, b: 2}\nd:\n  <<: [*x, *z]\n')).toEqual({ value: { x: { a: 1 }, z: { a: 2, b: 2 }, d: { a: 1, b: 2 } }, duplicates: ['line 1: key "a" already set in map'] });
});

test('parseYaml() tells a number from its text among keys', () => {
  expect(parseYaml('{1: b, "1": c, 99999999999999999999: x}')).toEqual({ value: { 1: 'c', '1e+20': 'x' }, duplicates: [] });
});

test.each<[number[], string | undefined]>([
  [[0x61, 0xff], 'invalid leading UTF-8 octet'], [[0xc3, 0x41], 'invalid trailing UTF-8 octet'], [[0xc0, 0x80], 'invalid length of a UTF-8 sequence'], [[0x61, 0xe2, 0x82], 'incomplete UTF-8 octet sequence'],
  [[0xed, 0xa0, 0x80], 'invalid Unicode character'], [[0xef, 0xbb, 0xbf, 0x61], undefined], [[0xff, 0xfe, 0x61, 0x00], undefined], [[0xfe, 0xff, 0x00, 0x61], undefined],
])('parseYamlBytes() of %j', (bytes, problem) => {
  const read = (): unknown => parseYamlBytes(Uint8Array.from(bytes)).value;
  if (problem === undefined) expect(read()).toBe('a');
  else expect(read).toThrow(`error converting YAML to JSON: yaml: ${problem}`);
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
  ['a: [b', 400], ['a: b: c', 400], ['a:\n\tb: c', 400], ['a: *nowhere', 400], ['a: .nan', 400], ['~: 1', 400], ['!!int x', 400], ['"\\/"', 400], ['{"a":"\\/"}', 400],
  [`a: &a [1,1,1,1,1,1,1,1,1,1]\n${'bcdefghi'.split('').map((to, i) => `${to}: &${to} [${Array(10).fill(`*${'abcdefgh'[i]}`).join(',')}]`).join('\n')}`, 400],
])('parseYaml() refuses %j', (text, code) => {
  expect(() => parseYaml(text)).toThrow(expect.objectContaining({ code }));
});
