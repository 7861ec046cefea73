/** All mistakes of an expression that is written wrongly, as upstream's parser tells them: answers of a real server. */
import { compile } from './compile.ts';

const OPERAND = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** Each mistake with its column; OPERAND stands for all that an operand may begin with. */
const ROWS: readonly (readonly [expression: string, ...mistakes: string[]])[] = [
  ["{'a' 1, b': [1, 2]}['a'] == 1", "6 missing ':' at '1'", "22 missing ':' at 'a'", "23 token recognition error at: ''] == 1'", "30 mismatched input '<EOF>' expecting {'}', ','}"],
  ["object.?[?'b'].(1) = 3", "9 mismatched input '[' expecting {IDENTIFIER, ESC_IDENTIFIER}", '9 unsupported ident kind', "16 no viable alternative at input '.('", "20 token recognition error at: '= '"],
  ['object.a = 1 & object.b = 2', "10 token recognition error at: '= '", "12 mismatched input '1' expecting <EOF>", "14 token recognition error at: '& '", "25 token recognition error at: '= '"],
  ["{'a': 1, 'b' [1, 2]}['a'] = 1", "16 mismatched input ',' expecting ']'", "18 mismatched input '2' expecting '}'", "27 token recognition error at: '= '", "29 extraneous input '1' expecting <EOF>"],
  ["{'a': 1, 'b' [1, 2]}[a'] == 1", "16 mismatched input ',' expecting ']'", "18 mismatched input '2' expecting '}'", "23 token recognition error at: ''] == 1'", "30 missing ']' at '<EOF>'"],
  ["{'a': , 'b': [1,2]}['a'] == 1", "7 extraneous input ',' expecting OPERAND", "12 mismatched input ':' expecting {'}', ','}", "16 mismatched input ',' expecting ']'"],
  ['object.l.(x, x > 1) | size(object.m) = 2', "10 no viable alternative at input '.('", "19 mismatched input ')' expecting <EOF>", "21 token recognition error at: '| '", "38 token recognition error at: '= '"],
  [') -', "1 extraneous input ')' expecting OPERAND", "4 no viable alternative at input '-'", "4 mismatched input '<EOF>' expecting OPERAND"],
  ['. ?', "3 no viable alternative at input '. ?'", "4 mismatched input '<EOF>' expecting {IDENTIFIER, ESC_IDENTIFIER}", '4 unsupported ident kind'],
  ['? :', "1 mismatched input '?' expecting OPERAND", "3 mismatched input ':' expecting OPERAND", "4 mismatched input '<EOF>' expecting OPERAND"],
  ['- =', "3 token recognition error at: '='", "4 no viable alternative at input '- '", "4 mismatched input '<EOF>' expecting OPERAND"],
  ['has( -', '6 invalid argument to has() macro', "7 no viable alternative at input '-'", "7 mismatched input '<EOF>' expecting OPERAND"],
  [". true", "3 no viable alternative at input '. true'"],
  ["object.true", "8 mismatched input 'true' expecting IDENTIFIER"],
];

test.each(ROWS)('%s', (expression, ...mistakes) => {
  const compiled = compile(expression, { variables: { object: { kind: 'dyn' } } });
  const told = 'errors' in compiled ? compiled.errors.map((error) => error.split('\n')[0]?.replace(/^ERROR: <input>:1:/, '').replace(': Syntax error: ', ' ').replace(/^(\d+): /, '$1 ').replace(OPERAND, 'OPERAND')) : [];
  expect(told).toEqual(mistakes);
});

test('what cannot be read on is given up after thirty attempts', () => {
  const compiled = compile('a['.repeat(40) + ')'.repeat(40), { variables: { a: { kind: 'dyn' } } });
  expect('errors' in compiled && compiled.errors.length).toBeGreaterThan(0);
});
