/** `'%s is %d'.format([a, b])`. Provenance: ext/formatting.go of cel-go v0.26. */
import { bytesToString, doubleText } from './conversions.ts';
import { fixedDigits } from './fixed-digits.ts';
import { Duration, Timestamp } from '../time.ts';
import { Fault, List, Mapper, typeNameOf, TypeValue, Uint, type Value } from '../value.ts';

class FormatError extends Error {}

const PRECISION = 6;
const PRECISION_LIMIT = 1_000;

export function formatText(template: Value, list: Value): Value {
  try {
    return format(template as string, list as List);
  } catch (error) {
    if (error instanceof FormatError) return new Fault(error.message);
    throw error;
  }
}

function format(template: string, args: List): string {
  let made = '';
  let next = 0;
  for (let at = 0; at < template.length; at++) {
    const char = template[at] as string;
    if (char !== '%') {
      made += char;
      continue;
    }
    if (template[at + 1] === '%') {
      made += '%';
      at++;
      continue;
    }
    const [whole = '', precision, verb] = /^%(?:\.(\d*))?([a-zA-Z])?/.exec(template.slice(at, at + 12)) ?? [];
    if (verb === undefined) throw new FormatError('unexpected end of string');
    if (next >= args.size) throw new FormatError(`index ${next} out of range`);
    const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!run) throw new FormatError(`could not parse formatting clause: unrecognized formatting clause "${verb}"`);
    made += run(args.at(next++), Math.min(Number(precision ?? PRECISION), PRECISION_LIMIT));
    at += whole.length - 1;
  }
  return made;
}

const VERBS: Readonly<Record<string, (value: Value, precision: number) => string>> = {
  s: (value) => textOf(value),
  d: decimal,
  f: (value, precision) => fixed(numberOf(value, 'fixed-point'), precision),
  e: (value) => exponent(numberOf(value, 'scientific')),
  b: (value) => (typeof value === 'boolean' ? (value ? '1' : '0') : wholeOf(value, 'only integers and bools can be formatted as binary').toString(2)),
  x: hex,
  X: (value) => hex(value).toUpperCase(),
  o: (value) => wholeOf(value, 'octal clause can only be used on integers').toString(8),
};

function decimal(value: Value): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint) return String(value.value);
  throw new FormatError(`error during formatting: decimal clause can only be used on integers, was given ${typeNameOf(value)}`);
}

function numberOf(value: Value, clause: string): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  throw new FormatError(`error during formatting: ${clause} clause can only be used on doubles, was given ${typeNameOf(value)}`);
}

function fixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return special(value);
  const [whole = '', fraction] = fixedDigits(value, precision).split('.');
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Always to six digits. */
function exponent(value: number): string {
  if (!Number.isFinite(value)) return special(value);
  const [digits, power = '0'] = value.toExponential(PRECISION).split('e');
  return `${digits}×10${[...power.replace(/^([+-])(\d)$/, '$10$2').replace('+', '')].map((char) => SUPERSCRIPTS[char] ?? char).join('')}`;
}

const SUPERSCRIPTS: Readonly<Record<string, string>> = { '-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹' };

function special(value: number): string {
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
}

function wholeOf(value: Value, why: string): bigint {
  if (typeof value === 'bigint') return value;
  if (value instanceof Uint) return value.value;
  throw new FormatError(`error during formatting: ${why}, was given ${typeNameOf(value)}`);
}

function hex(value: Value): string {
  if (typeof value === 'string') return hex(new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return wholeOf(value, 'only integers, byte buffers, and strings can be formatted as hex').toString(16);
}

/** Of texts inside lists and maps, `quoted`. */
function textOf(value: Value, quoted = false): string {
  if (typeof value === 'string') return quoted ? JSON.stringify(value) : value;
  if (typeof value === 'number') return quoted ? fixedDigits(value, PRECISION) : doubleText(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Uint) return String(value.value);
  if (value instanceof List) return `[${Array.from(value, (item) => textOf(item, true)).join(', ')}]`;
  if (value instanceof Timestamp) return quoted ? `timestamp("${value}")` : String(value);
  if (value instanceof Duration) return quoted ? `duration("${value}")` : String(value);
  if (value instanceof Uint8Array) return quoted ? `b${JSON.stringify(new TextDecoder().decode(value))}` : readable(value);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Mapper && value.typeName === 'map') return mapText(value);
  throw new FormatError(`error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`);
}

function readable(bytes: Uint8Array): string {
  const text = bytesToString(bytes);
  if (text instanceof Fault) throw new FormatError(`error during formatting: could not convert argument ${JSON.stringify(text.message)} to string`);
  return text as string;
}

function mapText(map: Mapper): string {
  const pairs = Array.from(map.keys(), (key) => `${textOf(key, true)}:${textOf(map.get(key) ?? null, true)}`);
  return `{${pairs.sort().join(', ')}}`;
}
