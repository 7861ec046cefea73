/** Numbers as Go's `%v` shows them: what error messages of the API contain. */
import { goQuote } from './go-quote.ts';

/** A float64: large and small ones get an exponent. */
export function goFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return '0';
  const [digits = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= LEAST_POWER && power < FIRST_POWER) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

const LEAST_POWER = -4;
const FIRST_POWER = 6;

/** What JSON holds: an int64 where it is a whole number with room there, else a float64. */
export function goNumber(value: number | bigint): string {
  return isInt64Value(value) ? BigInt(value).toString() : goFloat(Number(value));
}

/** Why a text is no int64, as strconv.ParseInt says it. */
export function int64Problem(text: string): string | undefined {
  const isWhole = /^[+-]?[0-9]+$/.test(text);
  if (isWhole && isInt64Value(BigInt(text.replace('+', '')))) return undefined;
  return `strconv.ParseInt: parsing ${goQuote(text)}: ${isWhole ? 'value out of range' : 'invalid syntax'}`;
}

const INT64_LIMIT = 2n ** 63n;

export function isInt64Value(value: number | bigint): boolean {
  return (typeof value === 'bigint' || Number.isInteger(value)) && value >= -INT64_LIMIT && value < INT64_LIMIT;
}
