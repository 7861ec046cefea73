import { compileLabelSelector, escapeFieldValue, exactField, exactLabel, formatSelector, matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector, selectLabels } from './selectors.ts';
import { ApiError } from './status.ts';

describe('parseLabelSelector() reads, prints and matches', () => {
  const labels = { tier: 'web', env: 'prod', n: '10', in: 'x', empty: '' };
  const rows: [string, string, boolean][] = [
    ['', '', true],
    ['tier=web,env==prod', 'env==prod,tier=web', true],
    ['tier!=web', 'tier!=web', false],
    ['nope!=web', 'nope!=web', true],
    ['tier in (web, db)', 'tier in (db,web)', true],
    ['tier notin (web)', 'tier notin (web)', false],
    ['nope notin (web)', 'nope notin (web)', true],
    ['!env , tier', '!env,tier', false],
    [' env ', 'env', true],
    ['tier=', 'tier=', false],
    ['empty=', 'empty=', true],
    ['empty in ()', 'empty in ()', true],
    ['empty in (,a)', 'empty in (,a)', true],
    ['tier in (a,,b)', 'tier in (,a,b)', false],
    ['in in (in,x)', 'in in (in,x)', true],
    ['tier=in', 'tier=in', false],
    ['n>9', 'n>9', true],
    ['n<9', 'n<9', false],
    ['tier>1', 'tier>1', false],
    ['constructor', 'constructor', false],
    ['example.com/a!=b', 'example.com/a!=b', true],
  ];
  test.each(rows)('%j → %j, matches: %j', (text, printed, matches) => {
    const selector = parseLabelSelector(text);
    expect(formatSelector(selector)).toBe(printed);
    expect(matchesLabels(selector, labels)).toBe(matches);
    expect(formatSelector(parseLabelSelector(printed))).toBe(printed);
  });
});

describe('parseLabelSelector() refuses with 400', () => {
  const rows: [string, string | RegExp][] = [
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['tier in web', "unable to parse requirement: found 'web' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['tier=bad value!', "found 'value', expected: ',' or 'end of string'"],
    [',,', "found ',', expected: !, identifier, or 'end of string'"],
    ['a,,b', "found ',', expected: identifier after ','"],
    ['a,', "found '', expected: identifier after ','"],
    ['n>word', "unable to parse requirement: values[0]: Invalid value: \"word\": for 'Gt', 'Lt' operators, the value must be an integer"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['a==(', "unable to parse requirement: found '(', expected: identifier"],
    ['-a', /^unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of/],
    ['a/b/c', /a valid label key must consist of .* with an optional DNS subdomain prefix/],
    ['/b', /prefix part must be non-empty$/],
    ['tier=_x', /^unable to parse requirement: values\[0\]\[tier\]: Invalid value: "_x": a valid label must be an empty string/],
    [`a=${'x'.repeat(64)}`, /must be no more than 63 bytes$/],
  ];
  test.each(rows)('%j', (text, message) => {
    const error = refusal(() => parseLabelSelector(text));
    expect(error.code).toBe(400);
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });
});

test('compileLabelSelector() takes objects; none selects nothing, an empty one everything', () => {
  const selector = compileLabelSelector({ matchLabels: { b: '1' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }, { key: 'c', operator: 'DoesNotExist' }] });
  expect(formatSelector(selector)).toBe('a in (x,y),b=1,!c');
  expect(matchesLabels(selector, { a: 'x', b: '1' })).toBe(true);
  expect(matchesLabels(selector, { a: 'x', b: '1', c: '' })).toBe(false);
  expect(matchesLabels(compileLabelSelector(undefined), {})).toBe(false);
  expect(matchesLabels(compileLabelSelector({}), undefined)).toBe(true);
  expect(refusal(() => compileLabelSelector({ matchExpressions: [{ key: 'a', operator: 'Near' }] })).message).toBe('"Near" is not a valid label selector operator');
});

test('exactLabel() finds the one allowed value', () => {
  const selector = parseLabelSelector('a=1,b in (2),c in (3,4),d!=5');
  expect(['a', 'b', 'c', 'd', 'e'].map((key) => exactLabel(selector, key))).toEqual(['1', '2', undefined, undefined, undefined]);
  expect(matchesLabels(selectLabels({ a: '1' }), { a: '1', b: '2' })).toBe(true);
});

test('parseFieldSelector() splits at plain commas and first operators', () => {
  const selector = parseFieldSelector('b==2,a=1,c!=x\\,y\\=z,,d=');
  expect(selector.requirements).toEqual([
    { field: 'a', operator: '=', value: '1' },
    { field: 'b', operator: '=', value: '2' },
    { field: 'c', operator: '!=', value: 'x,y=z' },
    { field: 'd', operator: '=', value: '' },
  ]);
  const fields: Record<string, string> = { a: '1', b: '2', c: 'other' };
  expect(matchesFields(selector, (field) => fields[field])).toBe(true);
  expect(matchesFields(selector, (field) => (field === 'c' ? 'x,y=z' : fields[field]))).toBe(false);
  expect([exactField(selector, 'b'), exactField(selector, 'c')]).toEqual(['2', undefined]);
  expect(escapeFieldValue('a\\b,c=d')).toBe('a\\\\b\\,c\\=d');
});

test.each([
  ['nonsense', "invalid selector: 'nonsense'; can't understand 'nonsense'"],
  ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
])('parseFieldSelector() refuses %j', (text, message) => {
  expect(refusal(() => parseFieldSelector(text)).message).toBe(message);
});

function refusal(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
