/** Resource quantities (`100m`, `1536Mi`, `1e3`): exact amounts that remember how they were written. */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** Immutable; values with the same text may be one object. */
export interface Quantity {
  /** The amount in billionths, the finest step there is. */
  readonly nano: bigint;
  readonly format: QuantityFormat;
  /** As a server prints it. Absent on results of arithmetic, which `formatQuantity` prints. */
  readonly text?: string;
}

export const zeroQuantity: Quantity = { nano: 0n, format: 'DecimalSI', text: '0' };

/** What a server says of a text that `parseQuantity` refuses. */
export function quantityProblem(text: string): string {
  if (text === '' || !scan(text)) return FORMAT_WRONG;
  return suffixOf(scan(text)?.suffix ?? '') ? 'unable to parse numeric part of quantity' : "unable to parse quantity's suffix";
}

/** Undefined where the text is no quantity. Blanks around it do not count. */
export function parseQuantity(text: string): Quantity | undefined {
  const known = parsed.get(text);
  if (known) return known;
  const quantity = parse(text.trim());
  if (quantity && text.length <= REMEMBERED_LENGTH) {
    if (parsed.size >= REMEMBERED) parsed.clear();
    parsed.set(text, quantity);
  }
  return quantity;
}

/** How a server prints what it was given: some texts come back as written, others in canonical form. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text);
  return quantity && formatQuantity(quantity);
}

export function formatQuantity(quantity: Quantity): string {
  return quantity.text ?? canonicalText(quantity.nano, quantity.format);
}

export function compareQuantities(a: Quantity, b: Quantity): -1 | 0 | 1 {
  return a.nano < b.nano ? -1 : a.nano > b.nano ? 1 : 0;
}

/** The sum, in the format of the first unless that is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nano: a.nano - b.nano, format: a.nano === 0n ? b.format : a.format };
}

export function quantityOf(value: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(value) * NANO_PER_UNIT, format };
}

export function quantityOfMilli(milli: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
  return { nano: BigInt(milli) * NANO_PER_MILLI, format };
}

/** Exact at any size: rounded away from zero to thousandths. */
export function roundedToMilli({ nano, format }: Quantity): Quantity {
  return { nano: awayFromZero(nano, NANO_PER_MILLI) * NANO_PER_MILLI, format };
}

/** Exact at any size: rounded away from zero to whole units. */
export function roundedToUnits({ nano, format }: Quantity): Quantity {
  return { nano: awayFromZero(nano, NANO_PER_UNIT) * NANO_PER_UNIT, format };
}

/** Whether anything is left of it below whole units, after rounding to thousandths. */
export function isFractional(quantity: Quantity): boolean {
  return roundedToMilli(quantity).nano % NANO_PER_UNIT !== 0n;
}

/** Whole units, rounded away from zero. */
export function value(quantity: Quantity): number {
  return Number(awayFromZero(quantity.nano, NANO_PER_UNIT));
}

/** Thousandths, rounded away from zero. */
export function milliValue(quantity: Quantity): number {
  return Number(awayFromZero(quantity.nano, NANO_PER_MILLI));
}

const NANO_PER_UNIT = 1_000_000_000n;
const NANO_PER_MILLI = 1_000_000n;
const MAX_BINARY = (2n ** 63n - 1n) * NANO_PER_UNIT;

/** Larger exponents are refused: nothing needs them, and a short text must not become a giant number. */
const MAX_EXPONENT = 1000;
/** Texts beyond this are refused for the same reason. */
const MAX_LENGTH = 1024;

/** Parsed texts are remembered, because a cluster has few different ones; all are forgotten when there are too many. */
const REMEMBERED = 4096;
const REMEMBERED_LENGTH = 32;
const parsed = new Map<string, Quantity>();

const FORMAT_WRONG = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Digits that fit the library's fast path, which is where texts come back as they were written. */
const FAST_DIGITS = 18;
const FAST_BINARY_DIGITS = 14;

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL_SUFFIX = new Map(Object.entries(DECIMAL).map(([suffix, exponent]) => [exponent, suffix]));
const BINARY_SUFFIX = ['', ...Object.keys(BINARY)];

interface Scanned {
  readonly negative: boolean;
  /** Without leading zeros; `0` when nothing is left. */
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: string;
}

/** Also takes a bare sign, a bare point and a bare suffix: they are zero. */
function scan(text: string): Scanned | undefined {
  const match = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (!match) return undefined;
  return { negative: match[1] === '-', whole: match[2] || '0', fraction: match[3] ?? '', suffix: match[4] ?? '' };
}

function suffixOf(suffix: string): { exponent: number; format: QuantityFormat } | undefined {
  if (Object.hasOwn(DECIMAL, suffix)) return { exponent: DECIMAL[suffix] ?? 0, format: 'DecimalSI' };
  if (Object.hasOwn(BINARY, suffix)) return { exponent: BINARY[suffix] ?? 0, format: 'BinarySI' };
  if (!/^[eE][-+]?[0-9]+$/.test(suffix)) return undefined;
  return { exponent: Number(suffix.slice(1)), format: 'DecimalExponent' };
}

function parse(text: string): Quantity | undefined {
  if (text === '' || text.length > MAX_LENGTH) return undefined;
  if (text === '0') return zeroQuantity;
  const scanned = scan(text);
  const suffix = scanned && suffixOf(scanned.suffix);
  if (!scanned || !suffix || Math.abs(suffix.exponent) > MAX_EXPONENT) return undefined;
  const { whole, fraction, negative } = scanned;
  const digits = BigInt(whole + fraction);
  const binary = suffix.format === 'BinarySI';
  // The amount is digits * 10^scale, and a power of two where the suffix is binary.
  const scale = (binary ? 0 : suffix.exponent) - fraction.length;
  const factored = binary ? digits << BigInt(suffix.exponent) : digits;
  const exact = scale >= -9;
  let nano = exact ? factored * 10n ** BigInt(scale + 9) : awayFromZero(factored, 10n ** BigInt(-9 - scale));
  let format = suffix.format;

  const fast = binary
    ? fraction === '' && FAST_BINARY_DIGITS - whole.length - Math.floor((suffix.exponent * 3) / 10) >= 0
    : FAST_DIGITS - whole.length - fraction.length >= 0 && exact;
  if (!fast && binary) {
    if (nano > MAX_BINARY) nano = MAX_BINARY;
    if (nano > 0n && nano < NANO_PER_UNIT) format = 'DecimalSI';
  }
  const asWritten = fast && (binary ? (digits & 7n) !== 0n : scale % 3 === 0 && !/^0|000$/.test(whole + fraction));
  if (negative) nano = -nano;
  return { nano, format, text: asWritten ? text : canonicalText(nano, format) };
}

function awayFromZero(amount: bigint, unit: bigint): bigint {
  const quotient = amount / unit;
  if (quotient * unit === amount) return quotient;
  return amount < 0n ? quotient - 1n : quotient + 1n;
}

function canonicalText(nano: bigint, format: QuantityFormat): string {
  if (nano === 0n) return '0';
  const small = nano > -1024n * NANO_PER_UNIT && nano < 1024n * NANO_PER_UNIT;
  if (format === 'BinarySI' && !small && nano % NANO_PER_UNIT === 0n) return binaryText(nano / NANO_PER_UNIT);
  let amount = nano;
  let exponent = -9;
  while (amount % 1000n === 0n) {
    amount /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalExponent') return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  // Beyond E there is no suffix, and servers print none.
  return `${amount}${DECIMAL_SUFFIX.get(exponent) ?? ''}`;
}

function binaryText(amount: bigint): string {
  let step = 0;
  while (amount % 1024n === 0n) {
    amount /= 1024n;
    step++;
  }
  return `${amount}${BINARY_SUFFIX[step] ?? ''}`;
}
