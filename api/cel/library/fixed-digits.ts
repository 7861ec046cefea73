/** Numbers with a given count of digits after the point, exactly: JavaScript stops at a hundred, and rounds ties up. */

/** Ties go to the even digit, as Go has them. The number is finite. */
export function fixedDigits(value: number, precision: number): string {
  const { sign, mantissa, exponent } = partsOf(value);
  const scaled = mantissa * 10n ** BigInt(precision);
  const digits = String(exponent >= 0 ? scaled << BigInt(exponent) : halved(scaled, BigInt(-exponent))).padStart(precision + 1, '0');
  const point = digits.length - precision;
  return `${sign}${digits.slice(0, point)}${precision > 0 ? '.' : ''}${digits.slice(point)}`;
}

function halved(value: bigint, times: bigint): bigint {
  const whole = value >> times;
  const rest = value - (whole << times);
  const half = 1n << (times - 1n);
  return rest > half || (rest === half && whole % 2n === 1n) ? whole + 1n : whole;
}

const FRACTION_BITS = 52n;
const BIAS = 1_075;

/** The number is `mantissa * 2 ** exponent`. */
function partsOf(value: number): { readonly sign: string; readonly mantissa: bigint; readonly exponent: number } {
  const bits = new BigUint64Array(Float64Array.of(value).buffer)[0] as bigint;
  const fraction = bits & ((1n << FRACTION_BITS) - 1n);
  const power = Number((bits >> FRACTION_BITS) & 0x7ffn);
  const sign = bits >> 63n === 1n ? '-' : '';
  return power === 0 ? { sign, mantissa: fraction, exponent: 1 - BIAS } : { sign, mantissa: fraction | (1n << FRACTION_BITS), exponent: power - BIAS };
}
