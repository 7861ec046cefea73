/** Formats and patterns, as Go reads them. */
import { FORMATS, formatKey } from './formats.ts';
import { compileRegex } from '../cel/regex.ts';

test.each<[string, readonly string[], readonly string[]]>([
  ['date', ['2020-02-29'], ['2020-13-01', '2021-02-29', '20-1-1']],
  ['date-time', ['2020-01-02T03:04:05Z', '2020-01-02t03:04:05.1+01:00'], ['yesterday', '2020-01-02', '2020-01-02T25:00:00Z']],
  ['duration', ['1h', '1h30m', '2 days', '-3ms', '1 hours 2 mins', 'about 8 days'], ['soon', '1', '', '9223372036854775808 days']],
  ['ipv4', ['1.2.3.4', '01.2.3.4', '::ffff:1.2.3.4'], ['1.2.3', '::1', '1.2.3.256']],
  ['ipv6', ['::1', 'fe80::1'], ['::g', '1.2.3.4']],
  ['cidr', ['1.2.3.0/24', '::/0', '1.2.3.4/08'], ['1.2.3.4', '1.2.3.0/33']],
  ['mac', ['00:11:22:33:44:55', '0011.2233.4455', '001122334455', '00-11-22-33-44-55-66-77'], ['00:11', '00:11:22:33:44-55']],
  ['uri', ['http://x/y', '/path', 'mailto:a b', 'http://[::1]:80/'], ['a b', '', 'http://a#b', 'http://a:80:90', 'http://[1.2.3.4]', 'http://a/%zz']],
  ['hostname', ['h', 'a-b', 'a.example.com', 'a-b-c.example'], ['-x', '', 'a-b-c', '1.2.3.4', 'a.b.', `${'a'.repeat(64)}.example`]],
  ['email', ['a@b.example', 'N "M" <a@b> (c (d))', '"a b"@c', 'a@[1.2.3.4]', ' a@b '], ['a', '@b', 'a@b.', 'a..b@c', 'a@[1.2]', 'N a@b', '<a@b', 'a@b (c', '""@b']],
  ['uuid', ['123e4567-e89b-12d3-a456-426614174000'], ['abc']],
  ['byte', ['aGk='], ['$$$', 'aGk', '']],
  ['isbn', ['978-3-16-148410-0', '0321751043'], ['12', '978-3-16-148410-1']],
  ['hexcolor', ['#ff0000', 'abc'], ['#zz']],
  ['k8s-short-name', ['good-name'], ['No_Good', 'a.b', 'a'.repeat(64)]],
  ['k8s-long-name', ['good.name'], ['-a.b', 'a..b']],
])('%s', (format, good, bad) => {
  const matches = FORMATS[formatKey(format)] as (text: string) => boolean;
  expect(good.filter((text) => !matches(text))).toEqual([]);
  expect(bad.filter(matches)).toEqual([]);
});

test.each<[string, string, boolean]>([
  ['^a+$', 'aaa', true],
  ['(?i)^abc$', 'ABC', true],
  ['^(?P<x>a)$', 'a', true],
  ['^[[:alpha:]_]+$', 'a_b', true],
  ['^[[:alpha:]]+$', 'a1', false],
  ['\\Aab\\z', 'ab\n', false],
  ['^[\\w\\-./]+$', 'a-b/c.d', true],
  ['^\\p{Lu}$', 'Ä', true],
])('compileRegex(%j) on %j: %s', (pattern, text, expected) => {
  expect(compileRegex(pattern).test(text)).toBe(expected);
});

test.each([
  ['([', 'error parsing regexp: missing closing ]: `[`'],
  ['a)', 'error parsing regexp: unexpected ): `a)`'],
  ['(a', 'error parsing regexp: missing closing ): `(a`'],
  ['*a', 'error parsing regexp: missing argument to repetition operator: `*`'],
  ['(a)\\1', 'error parsing regexp: invalid escape sequence: `\\1`'],
])('compileRegex(%j) throws', (pattern, message) => {
  expect(() => compileRegex(pattern)).toThrow(message);
});
