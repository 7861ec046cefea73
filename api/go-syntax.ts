/** Values as Go's `%#v` prints them: `map[string]interface {}{"a":1}`. Some refusals show what they were given in this way. */
import { WrittenNumber } from './codec/json-text.ts';
import { goQuote } from './go-quote.ts';

/** `keys` is the type of the keys of maps. */
export function goSyntax(value: unknown, keys: 'string' | 'interface {}' = 'string'): string {
  if (value === null || value === undefined) return 'interface {}(nil)';
  if (Array.isArray(value)) return `[]interface {}{${value.map((item) => goSyntax(item, keys)).join(', ')}}`;
  if (value instanceof WrittenNumber) return goFloat(Number(value.text));
  switch (typeof value) {
    case 'string':
      return goQuote(value);
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? String(value) : goFloat(value);
    case 'bigint':
      return BigInt.asIntN(64, value) === value ? String(value) : goFloat(Number(value));
    case 'object':
      return `map[${keys}]interface {}{${Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => `${goQuote(key)}:${goSyntax(inner, keys)}`).join(', ')}}`;
    default:
      return String(value);
  }
}

const PLAIN_FLOATS = 1e6;

/** The shortest form, with an exponent from a million on. */
function goFloat(value: number): string {
  const size = Math.abs(value);
  if (size < PLAIN_FLOATS && (size >= 1e-4 || size === 0)) return String(value);
  const [digits, exponent = '0'] = value.toExponential().split('e');
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}
