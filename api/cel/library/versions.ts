/** Quantities and semantic versions. Provenance: pkg/cel/library/{quantity,semverlib}.go of apiserver v0.36. */
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity, quantityOf, quantityProblem, subtractQuantities } from '../../quantity.ts';
import type { Row } from '../function.ts';
import { Fault, Library, MAX_INT, MAX_UINT, MIN_INT, type Value } from '../value.ts';

const UNIT = 1_000_000_000n;

class Amount extends Library {
  readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  equals(other: Library): boolean {
    return other instanceof Amount && compareQuantities(this.quantity, other.quantity) === 0;
  }

  override toJson(): string {
    return formatQuantity(this.quantity);
  }
}

function amountOf(text: string): Quantity | undefined {
  return text.trim() === text ? parseQuantity(text) : undefined;
}

function makeAmount(text: Value): Value {
  const quantity = amountOf(text as string);
  return quantity ? new Amount(quantity) : new Fault(quantityProblem(text as string));
}

const nano = (value: Value): bigint => (value as Amount).quantity.nano;

function isWhole(value: Value): boolean {
  const whole = nano(value) / UNIT;
  return nano(value) % UNIT === 0n && whole >= MIN_INT && whole <= MAX_INT;
}

const arithmetic = (run: (a: Quantity, b: Quantity) => Quantity) => (a: Value, b: Value): Value =>
  new Amount(run((a as Amount).quantity, typeof b === 'bigint' ? quantityOf(b, 'DecimalExponent') : (b as Amount).quantity));
const add = arithmetic(addQuantities);
const subtract = arithmetic(subtractQuantities);
const order = (a: Value, b: Value): -1 | 0 | 1 => compareQuantities((a as Amount).quantity, (b as Amount).quantity);

class Version extends Library {
  readonly typeName = 'kubernetes.Semver';
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly before: readonly string[];
  readonly text: string;

  constructor(numbers: readonly [bigint, bigint, bigint], before: readonly string[], text: string) {
    super();
    this.numbers = numbers;
    this.before = before;
    this.text = text;
  }

  equals(other: Library): boolean {
    return other instanceof Version && compareVersions(this, other) === 0;
  }

  override toJson(): string {
    return this.text;
  }
}

const WHOLE = /^(?:0|[1-9]\d*)$/;

/** The version, or the reason why it is none. */
function parseVersion(text: string): Version | string {
  if (text === '') return 'Version string empty';
  const parts = splitAt(text, '.', 3);
  if (parts.length !== 3) return 'No Major.Minor.Patch elements found';
  const [major = '', minor = '', rest = ''] = parts;
  const [, patch = '', before, build] = /^([^-+]*)(?:-([^+]*))?(?:\+(.*))?$/s.exec(rest) ?? [];
  const numbers: bigint[] = [];
  for (const [name, part] of [['Major', major], ['Minor', minor], ['Patch', patch]] as const) {
    if (!/^\d+$/.test(part)) return part === '' && name !== 'Patch' ? 'strconv.ParseUint: parsing "": invalid syntax' : `Invalid character(s) found in ${name.toLowerCase()} number ${JSON.stringify(part)}`;
    if (!WHOLE.test(part)) return `${name} number must not contain leading zeroes ${JSON.stringify(part)}`;
    const number = BigInt(part.slice(0, 40));
    if (number > MAX_UINT) return `strconv.ParseUint: parsing ${JSON.stringify(part)}: value out of range`;
    numbers.push(number);
  }
  for (const part of before?.split('.') ?? []) {
    if (!/^[0-9A-Za-z-]+$/.test(part)) return part === '' ? 'Prerelease is empty' : `Invalid character(s) found in prerelease ${JSON.stringify(part)}`;
    if (/^0\d+$/.test(part)) return `Numeric PreRelease version must not contain leading zeroes ${JSON.stringify(part)}`;
  }
  for (const part of build?.split('.') ?? []) if (!/^[0-9A-Za-z-]+$/.test(part)) return part === '' ? 'Build meta data is empty' : `Invalid character(s) found in build meta data ${JSON.stringify(part)}`;
  return new Version(numbers as [bigint, bigint, bigint], before?.split('.') ?? [], text);
}

function splitAt(text: string, separator: string, limit: number): string[] {
  const parts = text.split(separator);
  return parts.length <= limit ? parts : [...parts.slice(0, limit - 1), parts.slice(limit - 1).join(separator)];
}

/** `v1.02` reads as 1.2.0. */
function normalized(text: string): Version | string {
  const parts = splitAt(text.replace(/^v/, ''), '.', 3).map((part) => {
    if (part.length <= 1) return part;
    const trimmed = part.replace(/^0+/, '');
    return /^\d/.test(trimmed) ? trimmed : `0${trimmed}`;
  });
  if (parts.length < 3 && /[+-]/.test(parts.at(-1) ?? '')) return 'short version cannot contain PreRelease/Build meta data';
  while (parts.length < 3) parts.push('0');
  return parseVersion(parts.join('.'));
}

function compareVersions(a: Version, b: Version): -1 | 0 | 1 {
  for (const [at, number] of a.numbers.entries()) if (number !== b.numbers[at]) return number < (b.numbers[at] as bigint) ? -1 : 1;
  if (a.before.length === 0 || b.before.length === 0) return a.before.length === b.before.length ? 0 : a.before.length === 0 ? 1 : -1;
  for (let at = 0; at < a.before.length && at < b.before.length; at++) {
    const found = comparePart(a.before[at] as string, b.before[at] as string);
    if (found !== 0) return found;
  }
  return a.before.length < b.before.length ? -1 : a.before.length > b.before.length ? 1 : 0;
}

/** Numbers come before words. */
function comparePart(a: string, b: string): -1 | 0 | 1 {
  const [first, second] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (first !== second) return first ? -1 : 1;
  if (first && a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function readVersion(text: Value, normalize: Value = false): Version | string {
  return normalize === true ? normalized(text as string) : parseVersion(text as string);
}

function makeVersion(text: Value, normalize?: Value): Value {
  const made = readVersion(text, normalize);
  return typeof made === 'string' ? new Fault(made) : made;
}

const isVersion = (text: Value, normalize?: Value): Value => readVersion(text, normalize) instanceof Version;
const versions = (a: Value, b: Value): -1 | 0 | 1 => compareVersions(a as Version, b as Version);
const part = (at: 0 | 1 | 2) => (value: Value): Value => (value as Version).numbers[at];
const NOT_WHOLE = new Fault('cannot convert value to integer');

const Q = 'kubernetes.Quantity';
const V = 'kubernetes.Semver';

export const VERSIONS: Readonly<Record<string, readonly Row[]>> = {
  quantity: [['string_to_quantity', `(string) -> ${Q}`, makeAmount]],
  isQuantity: [['is_quantity_string', '(string) -> bool', (text) => amountOf(text as string) !== undefined]],
  sign: [['quantity_sign', `(${Q}) -> int`, (value) => (nano(value) < 0n ? -1n : nano(value) > 0n ? 1n : 0n)]],
  isInteger: [['quantity_is_integer', `${Q}.() -> bool`, isWhole]],
  asInteger: [['quantity_get_int', `${Q}.() -> int`, (value) => (isWhole(value) ? nano(value) / UNIT : NOT_WHOLE)]],
  asApproximateFloat: [['quantity_get_float', `${Q}.() -> double`, (value) => Number(nano(value)) / 1e9]],
  add: [['quantity_add', `${Q}.(${Q}) -> ${Q}`, add], ['quantity_add_int', `${Q}.(int) -> ${Q}`, add]],
  sub: [['quantity_sub', `${Q}.(${Q}) -> ${Q}`, subtract], ['quantity_sub_int', `${Q}.(int) -> ${Q}`, subtract]],
  isGreaterThan: [['quantity_is_greater_than', `${Q}.(${Q}) -> bool`, (a, b) => order(a, b) > 0], ['semver_is_greater_than', `${V}.(${V}) -> bool`, (a, b) => versions(a, b) > 0]],
  isLessThan: [['quantity_is_less_than', `${Q}.(${Q}) -> bool`, (a, b) => order(a, b) < 0], ['semver_is_less_than', `${V}.(${V}) -> bool`, (a, b) => versions(a, b) < 0]],
  compareTo: [['quantity_compare_to', `${Q}.(${Q}) -> int`, (a, b) => BigInt(order(a, b))], ['semver_compare_to', `${V}.(${V}) -> int`, (a, b) => BigInt(versions(a, b))]],
  semver: [['string_to_semver', `(string) -> ${V}`, makeVersion], ['string_bool_to_semver', `(string, bool) -> ${V}`, makeVersion]],
  isSemver: [['is_semver_string', '(string) -> bool', isVersion], ['is_semver_string_bool', '(string, bool) -> bool', isVersion]],
  major: [['semver_major', `${V}.() -> int`, part(0)]],
  minor: [['semver_minor', `${V}.() -> int`, part(1)]],
  patch: [['semver_patch', `${V}.() -> int`, part(2)]],
};
