import { CelError, type CelObject, type CelType } from './cel.ts';
import { compile } from './compile.ts';

const S: CelType = { kind: 'string' };
const I: CelType = { kind: 'int' };

function object(name: string, fields: Readonly<Record<string, CelType>>): CelObject {
  return { kind: 'object', name, field: (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined) };
}

const VARIABLES: Readonly<Record<string, CelType>> = {
  self: object('object', {
    s: S, n: I, f: { kind: 'double' }, b: { kind: 'bool' }, l: { kind: 'list', of: I }, words: { kind: 'list', of: S }, m: { kind: 'map', of: S }, d: { kind: 'dyn' },
    ts: { kind: 'timestamp' }, t: { kind: 'duration' }, bytes: { kind: 'bytes' }, set: { kind: 'list', of: S, identity: 'set' }, gone: S,
    keyed: { kind: 'list', of: object('item', { k: S, v: I }), identity: ['k'] },
  }),
  old: { kind: 'optional', of: I },
};

const SELF = {
  s: 'abc', n: 5, f: 2, b: true, l: [1, 2, 3], words: ['b', 'a'], m: { x: 'y' }, d: { q: [1, 2.5, 'z', null], deep: { a: 1 } }, ts: '2020-01-01T00:00:00Z', t: '1h30m', bytes: 'aGk=',
  set: ['a', 'b'], keyed: [{ k: 'a', v: 1 }, { k: 'b', v: 2 }],
};

function run(expression: string, budget = { left: 1_000_000 }): unknown {
  const compiled = compile(expression, { variables: VARIABLES });
  if ('errors' in compiled) return `${compiled.stage}: ${compiled.errors.join('\n')}`;
  try {
    return compiled.program.evaluate({ self: SELF }, budget);
  } catch (error) {
    if (error instanceof CelError) return `${error.exhausted ? 'exhausted' : 'error'}: ${error.message}`;
    throw error;
  }
}

/** Values are facts of cel-go's and Kubernetes' own tables. */
const VALUES: readonly (readonly [expression: string, value: unknown])[] = [
  ['1 + 2 * 3 - 4 / 2 % 3', 5], ['-(-3)', 3], ['--3', 3], ['1u + 2u', 3], ['7.0 / 2.0', 3.5], ['0x1F', 31], ['"a" + \'b\' + r"\\n"', 'ab\\n'], ['"\\u00e9\\x41\\101\\n"', 'éAA\n'],
  ["b'\\xff' == b'\\377'", true], ['"""a\nb"""', 'a\nb'], ['1 < 2.5 && 3u > 2', true], ['dyn(1) == 1.0 && dyn(1u) == 1', true], ['dyn("1") == dyn(1)', false], ['[1, 2] == [1, 2]', true],
  ["{'a': 1} == {'a': 1}", true], ['2 in [1, 2]', true], ["'x' in self.m", true], ['self.n in [1, 5]', true], ['true || self.d.none', true], ['self.d.none || true', true], ['false && self.d.none', false],
  ['self.f == 2.0', true], ['type(self.f) == double', true], ['type(self.n) == int', true], ['self.d.q[1]', 2.5], ['self.d.deep.a + 1', 2], ['self.d.q[3] == null', true], ['type(self.d.q[0]) == int', true],
  ['has(self.s)', true], ['has(self.gone)', false], ['has(self.d.deep.a) && !has(self.d.deep.b)', true], ['size(self.l) + self.s.size() + self.m.size()', 7], ["size('é😀')", 2],
  ['self.l.all(x, x > 0) && self.l.exists(x, x == 2) && self.l.exists_one(x, x > 2)', true], ['self.l.map(x, x * 2)', [2, 4, 6]], ['self.l.map(x, x > 1, x * 2)', [4, 6]], ['self.l.filter(x, x != 2)', [1, 3]],
  ['self.m.all(k, k == "x")', true], ['[[1, 2], [3]].map(x, x.map(y, y + 1))', [[2, 3], [4]]], ['self.l.all(i, v, v == i + 1)', true], ['self.l.transformList(i, v, i * v)', [0, 2, 6]],
  ["{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 10)", { b: 20 }], ["{'a': 1}.transformMapEntry(k, v, {k + k: v})", { aa: 1 }],
  ['[3, 1, 2].sort()', [1, 2, 3]], ['self.keyed.sortBy(e, -e.v).map(e, e.k)', ['b', 'a']], ['[1, 2, 2, 1].distinct()', [1, 2]], ['[1, 2, 3].reverse()', [3, 2, 1]], ['[1, 2, 3, 4].slice(1, 3)', [2, 3]],
  ['[[1], [2, 3]].flatten()', [1, 2, 3]], ['lists.range(3)', [0, 1, 2]], ['[1, 2].first().value() + [1, 2].last().value()', 3], ['[1, 3, 2].isSorted()', false], ['[1, 2, 3].sum()', 6], ['[0.5, 1.5].sum()', 2],
  ["['b', 'a'].min() + ['b', 'a'].max()", 'ab'], ['[1, 2, 1].indexOf(1) + [1, 2, 1].lastIndexOf(1)', 2], ["sets.contains([1, 2, 3], [2, 3]) && sets.equivalent([1, 2], [2, 1]) && !sets.intersects([1], [2])", true],
  ['self.?s.orValue("x")', 'abc'], ['self.?gone.orValue("x")', 'x'], ['self.l[?9].hasValue()', false], ['self.d.?deep.?b.hasValue()', false], ['self.d.?deep.a.value()', 1], ['[?optional.none(), ?optional.of(1)]', [1]],
  ["{?'a': optional.none(), 'b': 1}", { b: 1 }], ['optional.of(2).optMap(x, x + 1).value()', 3], ['optional.ofNonZeroValue(0).hasValue()', false], ['old.hasValue()', false], ['optional.none().or(optional.of(1)).value()', 1],
  ["'a,b,c'.split(',')", ['a', 'b', 'c']], ["'a,b,c'.split(',', 2)", ['a', 'b,c']], ["'tacocat'.indexOf('a', 2) + 'tacocat'.lastIndexOf('a')", 10], ["'hello hello'.replace('he', 'we', 1)", 'wello hello'],
  ["'tacocat'.substring(4) + 'tacocat'.substring(0, 4)", 'cattaco'], ["'TacoCat'.lowerAscii() + 'x'.upperAscii()", 'tacocatX'], ["'  a\\t'.trim()", 'a'], ["['x', 'y'].join('-')", 'x-y'], ["'tacocat'.charAt(3)", 'o'],
  ["'%s|%d|%.2f|%x|%s'.format([dyn('a'), 3, 1.5, 255, [1, 2]])", 'a|3|1.50|ff|[1, 2]'], ["strings.quote('a\"b')", '"a\\"b"'],
  ["'abc 123'.find('[0-9]+')", '123'], ["'123 abc 456'.findAll('[0-9]*')", ['123', '', '', '', '', '456']], ["'123 abc 456'.findAll('[0-9]+', 1)", ['123']], ["'xay'.find('a|ab')", 'a'], ["'aab'.find('a*?b')", 'aab'],
  ["'foo'.matches('^f.o$')", true], ["self.ts + duration('1h') == timestamp('2020-01-01T01:00:00Z')", true], ['self.ts.getFullYear()', 2020], ["self.ts.getHours('America/New_York')", 19], ["self.ts.getHours('-02:30')", 21],
  ['self.t.getMinutes()', 90], ["string(duration('90s'))", '90s'], ["string(timestamp('2020-01-01T00:00:00.5Z'))", '2020-01-01T00:00:00.5Z'], ["int(timestamp('1970-01-01T00:00:01Z'))", 1], ['string(self.bytes)', 'hi'],
  ['string(1.5e21)', '1.5e+21'], ['string(-1.23e4)', '-12300'], ["int('12') + int(2.9) + int(uint('3'))", 17], ["double('1.5') + double(1)", 2.5], ["bool('t')", true],
  ["url('https://user@x.example:80/p%20q?a=1&a=2#f').getHost()", 'x.example:80'], ["url('https://x.example:80/').getPort() + url('https://[::1]:80/').getHostname()", '80::1'],
  ["url('https://x.example/a b').getEscapedPath()", '/a%20b'], ["url('https://x.example/[a]/%e4').getEscapedPath() + url('/[é]').getEscapedPath()", '/[a]/%e4/%5B%C3%A9%5D'], ["isURL('http://a#b') || url('/p#f').getEscapedPath() != '/p'", false], ["url('/p?k1=a&k2=b&k1=c').getQuery()", { k1: ['a', 'c'], k2: ['b'] }], ["isURL('/abs') && !isURL('rel') && isURL('http://a')", true],
  ["isIP('::1') && !isIP('1.2.3') && !isIP('01.2.3.4') && !isIP('::ffff:1.2.3.4')", true], ["string(ip('2001:DB8:0:0:1::'))", '2001:db8:0:0:1::'], ["ip.isCanonical('127.0.0.1') && !ip.isCanonical('2001:DB8::1')", true],
  ["ip('127.0.0.1').isLoopback() && ip('0.0.0.0').isUnspecified() && ip('169.254.1.1').isLinkLocalUnicast() && ip('ff02::1').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast()", true],
  ["cidr('192.168.0.0/24').containsIP('192.168.0.9') && !cidr('192.168.0.0/24').containsIP(ip('::1'))", true], ["cidr('10.0.0.0/8').containsCIDR(cidr('10.1.0.0/16')) && !cidr('10.1.0.0/16').containsCIDR('10.0.0.0/8')", true],
  ["string(cidr('192.168.1.9/24').masked())", '192.168.1.0/24'], ["cidr('10.0.0.0/8').prefixLength()", 8], ["isQuantity('1.3Gi') && !isQuantity('1.3GG') && !isQuantity(' 1')", true],
  ["quantity('50k').add(20).asInteger()", 50020], ["quantity('200M').compareTo(quantity('0.2G'))", 0], ["quantity('1.5').isInteger()", false], ["sign(quantity('-1')) + quantity('1k').sub(quantity('999')).asInteger()", 0],
  ["quantity('50.703k').asApproximateFloat()", 50703], ["semver('1.2.3-alpha').isLessThan(semver('1.2.3'))", true], ["isSemver('v1.0') || isSemver('1.2.3.4')", false], ["semver('v01.2', true).minor()", 2],
  ["semver('1.10.0').compareTo(semver('1.9.9'))", 1], ["!format.dns1123Label().validate('a-b').hasValue() && format.dns1123Label().validate('A').hasValue()", true], ["format.named('uuid').hasValue() && !format.named('x').hasValue()", true],
  ["format.dns1123LabelPrefix().validate('a-').hasValue()", false], ["self.set == ['b', 'a']", true], ["(self.set + ['b', 'c']).size()", 3], ["self.keyed + self.keyed == self.keyed", true], ["self.words == ['a', 'b']", false],
  ['[1, 2].map(x, x) + [3]', [1, 2, 3]], ["'%.0f %.1f'.format([2.5, 0.25])", '2 0.2'], ["dyn(ip('::1')) != 'a'", true], ['{} == {}', true], ['self.l', [1, 2, 3]],
];

test.each(VALUES)('%s', (expression, value) => {
  expect(run(expression)).toEqual(value);
});

const MISTAKES: readonly (readonly [expression: string, mistake: string])[] = [
  ['self.nosuch == 1', "check: ERROR: <input>:1:5: undefined field 'nosuch'\n | self.nosuch == 1\n | ....^"],
  ['x == 1', "check: ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x == 1\n | ^"],
  ['self.s == 1', "check: ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(string, int)'\n | self.s == 1\n | .......^"],
  ['nofunc(1)', "check: ERROR: <input>:1:7: undeclared reference to 'nofunc' (in container '')\n | nofunc(1)\n | ......^"],
  ['self.s.size(1)', "check: ERROR: <input>:1:12: found no matching overload for 'size' applied to 'string.(int)'\n | self.s.size(1)\n | ...........^"],
  ["[1, 'a']", "check: ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"],
  ['self.n.all(x, true)', "check: ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.n.all(x, true)\n | ....^"],
  ['self.l.map(1, 2)', 'check: ERROR: <input>:1:12: argument is not an identifier\n | self.l.map(1, 2)\n | ...........^'],
  ['has(self)', 'check: ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^'],
  ['1 +', "check: ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^"],
  ['f(', "check: ERROR: <input>:1:3: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | f(\n | ..^"],
  ['a[]', "check: ERROR: <input>:1:3: Syntax error: mismatched input ']' expecting {'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | a[]\n | ..^"],
  ['{', "check: ERROR: <input>:1:2: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '}', '(', '.', ',', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | {\n | .^"],
  ['{true', "check: ERROR: <input>:1:6: Syntax error: mismatched input '<EOF>' expecting ':'\n | {true\n | .....^"],
  ['[1,,2]', "check: ERROR: <input>:1:4: Syntax error: mismatched input ',' expecting ']'\n | [1,,2]\n | ...^"],
  ['1. == 1.0', "check: ERROR: <input>:1:4: Syntax error: no viable alternative at input '. =='\n | 1. == 1.0\n | ...^"],
  ["'\\u12'", "check: ERROR: <input>:1:1: Syntax error: token recognition error at: ''\\u12''\n | '\\u12'\n | ^\nERROR: <input>:1:7: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | '\\u12'\n | ......^"],
  ['a b', "check: ERROR: <input>:1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^"],
  ['if', 'check: ERROR: <input>:1:1: reserved identifier: if\n | if\n | ^'],
  ['if true', "check: ERROR: <input>:1:1: reserved identifier: if\n | if true\n | ^\nERROR: <input>:1:4: Syntax error: extraneous input 'true' expecting <EOF>\n | if true\n | ...^"],
  ["{'a' 1}", "check: ERROR: <input>:1:6: Syntax error: missing ':' at '1'\n | {'a' 1}\n | .....^"],
  ["('a' 'b')", "check: ERROR: <input>:1:6: Syntax error: extraneous input ''b'' expecting ')'\n | ('a' 'b')\n | .....^"],
  ["timestamp('2020-01-01t00:00:00z')", "check: ERROR: <input>:1:11: invalid timestamp argument\n | timestamp('2020-01-01t00:00:00z')\n | ..........^"],
  ["'%s'.format([[?self.?s]])", "check: ERROR: <input>:1:20: error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given optional_type\n | '%s'.format([[?self.?s]])\n | ...................^"],
  ["jsonpatch.escapeKey('a')", "check: ERROR: <input>:1:1: undeclared reference to 'jsonpatch' (in container '')\n | jsonpatch.escapeKey('a')\n | ^\nERROR: <input>:1:20: undeclared reference to 'escapeKey' (in container '')\n | jsonpatch.escapeKey('a')\n | ...................^"],
  ["double('1e400')", "program: program instantiation failed: type conversion error from 'string' to 'double'"],
  ["'%b'.format([dyn('a')])", 'error: error during formatting: only integers and bools can be formatted as binary, was given string'],
  ["dyn(self.m) - 1 == 1", 'error: no such overload: _-_'],
  ["dyn(self.s) - 1 == 1", 'error: no such overload'],
  ["dyn(self.l).foo == 1", "error: unsupported index type 'string' in list"],
  ["dyn(ip('::1')) == 'a'", 'error: no such overload'],
  ["duration('x')", "check: ERROR: <input>:1:10: invalid duration argument\n | duration('x')\n | .........^"],
  ["'a'.matches('(')", "check: ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('(')\n | ............^"],
  ['google.protobuf.Int64Value{foo: 1} == 1', "check: ERROR: <input>:1:31: undefined field 'foo'\n | google.protobuf.Int64Value{foo: 1} == 1\n | ..............................^"],
  ["google.protobuf.Int64Value{value: 'a'} == 1", "check: ERROR: <input>:1:33: expected type of field 'value' is 'int' but provided type is 'string'\n | google.protobuf.Int64Value{value: 'a'} == 1\n | ................................^"],
  ['list{}', "check: ERROR: <input>:1:5: 'list' is not a message type\n | list{}\n | ....^"],
  ['dyn{}', "check: ERROR: <input>:1:4: undeclared reference to 'dyn' (in container '')\n | dyn{}\n | ...^"],
  ['google.protobuf.Int32Value{value: dyn(5000000000)} == 1', 'error: field type conversion error for google.protobuf.Int32Value.value value type: integer overflow'],
  ['type(google.protobuf.Int64Value{}) == google.protobuf.Int64Value', 'program: program instantiation failed: reference to undefined type: google.protobuf.Int64Value'],
  ["'%f'.format([timestamp('2020-01-01T00:00:00Z')])", "check: ERROR: <input>:1:23: error during formatting: fixed-point clause can only be used on doubles, was given google.protobuf.Timestamp\n | '%f'.format([timestamp('2020-01-01T00:00:00Z')])\n | ......................^"],
  ['timestamp(null)', 'check: ERROR: <input>:1:11: invalid timestamp argument\n | timestamp(null)\n | ..........^'],
  ['self.s && self.nosuch', "check: ERROR: <input>:1:5: expected type 'bool' but found 'string'\n | self.s && self.nosuch\n | ....^\nERROR: <input>:1:15: undefined field 'nosuch'\n | self.s && self.nosuch\n | ..............^"],
  ["int('x') == 1", 'program: program instantiation failed: type conversion error from \'string\' to \'int\''],
  ['9223372036854775807 + self.n', 'error: integer overflow'],
  ['1 / (self.n - 5)', 'error: division by zero'],
  ['self.m.zz', 'error: no such key: zz'],
  ['self.l[7]', 'error: index out of bounds: 7'],
  ['self.gone', 'error: no such key: gone'],
  ['old.value() == 1', 'error: optional.none() dereference'],
  ["dyn(1).contains('x')", 'error: no such overload'],
  ["'a'.find(self.s + '(') == ''", 'error: Illegal regex: error parsing regexp: missing closing ): `abc(`'],
];

test.each([
  'google.protobuf.Int64Value{value: 1} == 1', 'google.protobuf.Int64Value{} == 0', 'google.protobuf.Duration{seconds: 1, nanos: 5} > duration("1s")', 'google.protobuf.Timestamp{seconds: 1} == timestamp("1970-01-01T00:00:01Z")',
  'google.protobuf.Struct{fields: {"a": 1}} == {"a": 1}', 'google.protobuf.Value{string_value: "a"} == "a"', 'google.protobuf.ListValue{values: [1]} == [1]', 'google.protobuf.StringValue{,}.size() == 0', 'google.protobuf.NullValue.NULL_VALUE == 0',
])('%s', (expression) => expect(run(expression)).toBe(true));

test.each(MISTAKES)('%s is refused', (expression, mistake) => {
  expect(run(expression)).toBe(mistake);
});

/** Costs as upstream counts them: pkg/cel/library/cost_test.go and interpreter/runtimecost_test.go. */
const COSTS: readonly (readonly [expression: string, cost: number])[] = [
  ['true', 0], ['self.n == 5', 3], ['has(self.s)', 1], ['has(self.d.deep.a)', 3], ['self.d.deep.a', 4], ['[1, 2, 3]', 0], ['[self.n]', 12], ["{'a': self.n}", 32], ["self.n in [1, 2]", 2], ['self.n in self.l', 7],
  ['self.b ? self.n : 0', 3], ["self.s.contains('b')", 3], ["'abc'.matches('^b')", 1], ["'long string 123 that has more than ten'.size()", 1], ['self.l[0]', 3], ['self.l[self.n - 5]', 6],
  ['self.l.all(x, x > 0)', 18], ['self.l.map(x, x)', 42], ["'a'.lowerAscii()", 1], ["self.l.sum()", 5], ["!self.b", 3], ["self.b && self.b", 4], ["url('https://x.example')", 2],
  ["quantity('1').isLessThan(quantity('2'))", 3], ["int('5')", 0], ['1 + 1', 1],
];

test.each(COSTS)('%s costs %d', (expression, cost) => {
  const budget = { left: 1_000 };
  run(expression, budget);
  expect(1_000 - budget.left).toBe(cost);
});

test('what no path can go on with is refused before anything runs', () => {
  expect(compile('object[[1]] == 1', { variables: { object: { kind: 'dyn' } } })).toMatchObject({ stage: 'program', errors: ['program instantiation failed: invalid qualifier type: *types.baseList'] });
});

describe('bounds', () => {
  test('an evaluation ends when the budget is used up', () => {
    const budget = { left: 10 };
    expect(run('self.l.all(x, self.l.all(y, x > 0 && y > 0))', budget)).toMatch(/^exhausted: operation cancelled/);
    expect(budget.left).toBeLessThan(0);
  });

  test('what costs little but does much ends too', () => {
    const rows = Array.from({ length: 300 }, () => Array.from({ length: 300 }, (_, at) => at));
    const compiled = compile('rows.all(x, rows == rows.map(y, y))', { variables: { rows: { kind: 'dyn' } } });
    expect(() => 'program' in compiled && compiled.program.evaluate({ rows }, { left: 10_000_000 })).toThrow(CelError);
  });

  test.each([
    ['parentheses', `${'('.repeat(300)}1${')'.repeat(300)}`], ['sums', `1${' + 1'.repeat(400)}`], ['fields', `self.d${'.a'.repeat(300)}`],
    ['sums of sums', `${'('.repeat(200)}1${`${'+1'.repeat(200)})`.repeat(200)}`],
  ])('%s too deep are refused', (_what, expression) => {
    expect(run(expression)).toMatch(/(expression recursion limit exceeded: 250|max recursion depth exceeded)$/);
  });

  test('what doubles with each step is refused', () => {
    expect(run(`optional.of(1)${'.optMap(x, x)'.repeat(60)}.hasValue()`)).toMatch(/more than 100000 parts/);
  });

  test('long rows of alternatives are not deep', () => {
    expect(run(Array.from({ length: 2_000 }, () => 'false').join(' || '))).toBe(false);
  });
});
