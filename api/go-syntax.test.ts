import { goSyntax } from './go-syntax.ts';

test.each([
  [null, 'interface {}(nil)'], ['a"b', '"a\\"b"'], [1, '1'], [1.5, '1.5'], [true, 'true'], [1234567.5, '1.2345675e+06'], [0.00001, '1e-05'], [9223372036854775808n, '9.223372036854776e+18'],
  [9223372036854775807n, '9223372036854775807'], [[1, 'x'], '[]interface {}{1, "x"}'], [{ b: { c: [] }, a: null }, 'map[string]interface {}{"a":interface {}(nil), "b":map[string]interface {}{"c":[]interface {}{}}}'],
])('goSyntax(%j)', (value, text) => {
  expect(goSyntax(value)).toBe(text);
});
