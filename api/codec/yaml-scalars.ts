/** Plain YAML scalars as go-yaml reads them: YAML 1.1, with octals, underscores, `yes` and `off`; dates stay text. */
import { exactInteger } from './exact-integers.ts';

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON'].map((word) => [word, true] as const),
  ...['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF'].map((word) => [word, false] as const),
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, null] as const),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, NaN] as const),
  ...['.inf', '.Inf', '.INF', '+.inf', '+.Inf', '+.INF'].map((word) => [word, Infinity] as const),
  ...['-.inf', '-.Inf', '-.INF'].map((word) => [word, -Infinity] as const),
]);

const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:(0[xX])([0-9a-fA-F]+)|(0[bB])([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;
const UINT64_LIMIT = 2n ** 64n;
const INT64_LOWEST = -(2n ** 63n);

export function plainScalar(text: string): unknown {
  if (WORDS.has(text)) return WORDS.get(text);
  const first = text.charCodeAt(0);
  const digitOrSign = (first >= 0x30 && first <= 0x39) || first === 0x2b || first === 0x2d;
  if (!digitOrSign && first !== 0x2e) return text;
  const digits = text.replaceAll('_', '');
  if (digitOrSign) {
    const integer = readInteger(digits);
    if (integer !== undefined) return integer;
  }
  const number = FLOAT.test(digits) ? Number(digits) : NaN;
  return Number.isFinite(number) ? number : text;
}

/** With an explicit tag. Undefined: the text does not fit the tag. */
export function taggedScalar(tag: string, text: string): unknown {
  switch (tag) {
    case '!!null':
    case '!!bool':
    case '!!int':
    case '!!float': {
      const value = plainScalar(text);
      const kind = value === null ? '!!null' : typeof value === 'boolean' ? '!!bool' : typeof value === 'string' ? '' : '!!number';
      if (kind === tag) return value;
      if (kind !== '!!number') return undefined;
      return tag === '!!float' || (tag === '!!int' && (typeof value === 'bigint' || Number.isInteger(value))) ? value : undefined;
    }
    case '!!binary':
      return Buffer.from(text, 'base64').toString();
    default:
      return text;
  }
}

/** As strconv.ParseInt does with base 0, up to the largest unsigned integer. */
function readInteger(digits: string): number | bigint | undefined {
  const match = INTEGER.exec(digits);
  if (!match) return undefined;
  const [, sign, , hex, , binary, octal, decimal] = match;
  const body = hex !== undefined ? `0x${hex}` : binary !== undefined ? `0b${binary}` : octal !== undefined ? `0o${octal}` : (decimal as string);
  const size = BigInt(body);
  const value = sign === '-' ? -size : size;
  return value >= UINT64_LIMIT || value < INT64_LOWEST ? undefined : exactInteger(String(value));
}
