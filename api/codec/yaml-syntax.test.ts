import { yamlSyntax } from './yaml-syntax.ts';

test.each([
  ['{', 'line 1: did not find expected node content'], ['\n{"a"', "line 2: did not find expected ',' or '}'"], ['[1', "line 1: did not find expected ',' or ']'"],
  ['"abc', 'found unexpected end of stream'], ['a:\n  "b', 'line 2: found unexpected end of stream'], ['a: b: c', 'mapping values are not allowed in this context'],
  ['a:\n\tb: c', 'line 2: found character that cannot start any token'], ['a:\n  b: 1\n c: 2', 'line 2: did not find expected key'], ['a: 1\nb', "line 3: could not find expected ':'"],
  ['- a\nb: 1', "line 1: did not find expected '-' indicator"], ['a: - b', 'block sequence entries are not allowed in this context'], ['a: @b', 'found character that cannot start any token'],
  ['a: *', 'did not find expected alphabetic or numeric character'], ['a: "\\x"', 'did not find expected hexdecimal number'], ['a: "\\q"', 'found unknown escape character'], ['a: |0\n x', 'found an indentation indicator equal to 0'],
  ['%FOO\n---\na: b', 'found unknown directive name'], ['%YAML 3.0\n---\na: b', 'found incompatible YAML document'], ['--- a: 1', 'mapping values are not allowed in this context'], [': a', 'did not find expected key'],
  ['a: "b"c', 'did not find expected key'], ['...', 'did not find expected node content'], ['a: \x07', 'control characters are not allowed'], ['a: !x!y z', 'found undefined tag handle'],
])('yamlSyntax() tells what is wrong in %j', (text, problem) => {
  expect(yamlSyntax(text)).toEqual({ problem });
});

test.each([
  ['a: b', 4], ['{}{}', 2], ['[a]b', 3], ['a: 1\n---\n}', 5], ['', 0], ['# only\n', 7], ['- - - a\n', 8], ["a: 'b''c'\nd: >-\n  e\n\n  f\n", 25], ['{a, b: [c: d], ? e}', 19], ['? a\n: b\n', 8], ['&x a: *x', 8], ['a: |2\n   b\nc:\n- d\n', 18],
])('yamlSyntax() finds the end of the first document of %j', (text, end) => {
  expect(yamlSyntax(text)).toMatchObject({ end });
});

const long = 'k'.repeat(1025);

test.each([
  ['a text of JSON', '{"a":[1,{"b":"c\\n"}]}\n', undefined], ['a key that is too long for YAML', `{"${long}":1}`, "did not find expected ',' or '}'"], ['half of a character', '{"a":"\\ud800"}', 'found invalid Unicode character escape code'],
  ['a tab that begins nothing', '{"a":\t1}', undefined], ['what follows JSON', '{"a":1} b: c', 'did not find expected key'],
])('yamlSyntax() does not take JSON for more than it is: %s', (_what, text, problem) => {
  const found = yamlSyntax(text);
  expect('problem' in found ? found.problem : undefined).toBe(problem);
});
