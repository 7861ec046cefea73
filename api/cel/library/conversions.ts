/** Conversions between types, sizes, and what timestamps and durations have inside. Provenance: common/{stdlib,types} of cel-go v0.26. */
import { characters } from '../cost.ts';
import type { Row } from '../function.ts';
import { type DateField, dateField, decimal, Duration, parseGoDuration, parseStrictTimestamp, Timestamp, timestampOf } from '../time.ts';
import { Fault, List, Mapper, MAX_INT, MAX_UINT, MIN_INT, typeNameOf, TypeValue, Uint, type Value } from '../value.ts';
import { spendWork } from '../work.ts';

const same = (value: Value): Value => value;
const OVERFLOW = new Fault('integer overflow');
const UNSIGNED_OVERFLOW = new Fault('unsigned integer overflow');

function unreadable(as: string, from = 'string'): Fault {
  return new Fault(`type conversion error from '${from}' to '${as}'`);
}

function toInt(value: bigint): Value {
  return value < MIN_INT || value > MAX_INT ? OVERFLOW : value;
}

function toUint(value: bigint): Value {
  return value < 0n || value > MAX_UINT ? UNSIGNED_OVERFLOW : new Uint(value);
}

function doubleToInt(value: Value): Value {
  const number = value as number;
  return Number.isFinite(number) && number > -(2 ** 63) && number < 2 ** 63 ? BigInt(Math.trunc(number)) : OVERFLOW;
}

function doubleToUint(value: Value): Value {
  const number = value as number;
  return Number.isFinite(number) && number >= 0 && number < 2 ** 64 ? new Uint(BigInt(Math.trunc(number))) : UNSIGNED_OVERFLOW;
}

function stringToInt(value: Value): Value {
  const text = value as string;
  if (!/^[+-]?\d{1,40}$/.test(text)) return unreadable('int');
  const number = BigInt(text.replace('+', ''));
  return number >= MIN_INT && number <= MAX_INT ? number : unreadable('int');
}

function stringToUint(value: Value): Value {
  const text = value as string;
  if (/^\d{1,40}$/.test(text) && BigInt(text) <= MAX_UINT) return new Uint(BigInt(text));
  return unreadable('uint');
}

function stringToDouble(value: Value): Value {
  const text = value as string;
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special) return /nan/i.test(special[2] as string) ? Number.NaN : special[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return unreadable('double');
  const number = Number(text);
  return Number.isFinite(number) ? number : unreadable('double');
}

const TRUE = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False']);

function stringToBool(value: Value): Value {
  const text = value as string;
  if (TRUE.has(text)) return true;
  return FALSE.has(text) ? false : unreadable('bool');
}

export function bytesToString(value: Value): Value {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value as Uint8Array);
  } catch {
    return new Fault('invalid UTF-8 in bytes, cannot convert to string');
  }
}

/** Larger numbers are shown with a power of ten. */
const SHORT_DIGITS = 6;

/** As Go shows the shortest number that reads back the same. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const power = Number(/e([+-]\d+)$/.exec(value.toExponential())?.[1] ?? 0);
  if (power >= -4 && power < SHORT_DIGITS) return decimal(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function stringToTimestamp(value: Value): Value {
  return parseStrictTimestamp(value as string) ?? unreadable('google.protobuf.Timestamp');
}

function stringToDuration(value: Value): Value {
  return parseGoDuration(value as string) ?? unreadable('google.protobuf.Duration');
}

const NS = 1_000_000_000n;

function entries(value: Value): Value {
  const { size } = value as List | Mapper;
  if (value instanceof Mapper) spendWork(size / 8);
  return BigInt(size);
}

const length = (value: Value): Value => BigInt(characters(value as string));
const bytesLength = (value: Value): Value => BigInt((value as Uint8Array).length);

function getter(name: string, id: string, field: DateField, inDuration?: bigint): readonly Row[] {
  const run = (time: Value, zone?: Value): Value => dateField(time as Timestamp, field, zone as string | undefined) ?? new Fault(`unknown time zone ${String(zone)}`);
  const rows: Row[] = [[`timestamp_to_${id}`, 'timestamp.() -> int', run], [`timestamp_to_${id}_with_tz`, 'timestamp.(string) -> int', run]];
  if (inDuration !== undefined) rows.push([`duration_to_${name}`, 'duration.() -> int', (value) => (value as Duration).ns / inDuration]);
  return rows;
}

export const CONVERSIONS: Readonly<Record<string, readonly Row[]>> = {
  size: [
    ['size_bytes', '(bytes) -> int', bytesLength], ['bytes_size', 'bytes.() -> int', bytesLength], ['size_list', '(list<A>) -> int', entries], ['list_size', 'list<A>.() -> int', entries],
    ['size_map', '(map<A, B>) -> int', entries], ['map_size', 'map<A, B>.() -> int', entries], ['size_string', '(string) -> int', length], ['string_size', 'string.() -> int', length],
  ],
  type: [['type', '(A) -> type<A>', (value) => new TypeValue(typeNameOf(value))]],
  dyn: [['to_dyn', '(A) -> dyn', same]],
  bool: [['bool_to_bool', '(bool) -> bool', same], ['string_to_bool', '(string) -> bool', stringToBool]],
  bytes: [['bytes_to_bytes', '(bytes) -> bytes', same], ['string_to_bytes', '(string) -> bytes', (value) => new TextEncoder().encode(value as string)]],
  double: [
    ['double_to_double', '(double) -> double', same], ['int64_to_double', '(int) -> double', (value) => Number(value)], ['string_to_double', '(string) -> double', stringToDouble],
    ['uint64_to_double', '(uint) -> double', (value) => Number((value as Uint).value)],
  ],
  duration: [
    ['duration_to_duration', '(duration) -> duration', same], ['int64_to_duration', '(int) -> duration', () => unreadable('google.protobuf.Duration', 'int')],
    ['string_to_duration', '(string) -> duration', stringToDuration],
  ],
  int: [
    ['int64_to_int64', '(int) -> int', same], ['double_to_int64', '(double) -> int', doubleToInt], ['duration_to_int64', '(duration) -> int', (value) => (value as Duration).ns],
    ['string_to_int64', '(string) -> int', stringToInt], ['timestamp_to_int64', '(timestamp) -> int', (value) => ((value as Timestamp).ns - (((value as Timestamp).ns % NS) + NS) % NS) / NS],
    ['uint64_to_int64', '(uint) -> int', (value) => toInt((value as Uint).value)],
  ],
  uint: [
    ['uint64_to_uint64', '(uint) -> uint', same], ['double_to_uint64', '(double) -> uint', doubleToUint], ['int64_to_uint64', '(int) -> uint', (value) => toUint(value as bigint)],
    ['string_to_uint64', '(string) -> uint', stringToUint],
  ],
  string: [
    ['string_to_string', '(string) -> string', same], ['bool_to_string', '(bool) -> string', String], ['bytes_to_string', '(bytes) -> string', bytesToString],
    ['double_to_string', '(double) -> string', (value) => doubleText(value as number)], ['duration_to_string', '(duration) -> string', String], ['int64_to_string', '(int) -> string', String],
    ['timestamp_to_string', '(timestamp) -> string', String], ['uint64_to_string', '(uint) -> string', (value) => String((value as Uint).value)],
    ['ip_to_string', '(net.IP) -> string', String], ['cidr_to_string', '(net.CIDR) -> string', String],
  ],
  timestamp: [
    ['timestamp_to_timestamp', '(timestamp) -> timestamp', same], ['int64_to_timestamp', '(int) -> timestamp', (value) => timestampOf((value as bigint) * NS) ?? new Fault('timestamp overflow')],
    ['string_to_timestamp', '(string) -> timestamp', stringToTimestamp],
  ],
  getFullYear: getter('year', 'year', 'fullYear'),
  getMonth: getter('month', 'month', 'month'),
  getDayOfYear: getter('dayOfYear', 'day_of_year', 'dayOfYear'),
  getDayOfMonth: getter('dayOfMonth', 'day_of_month', 'dayOfMonth'),
  getDate: getter('date', 'day_of_month_1_based', 'date'),
  getDayOfWeek: getter('dayOfWeek', 'day_of_week', 'dayOfWeek'),
  getHours: getter('hours', 'hours', 'hours', 3_600n * NS),
  getMinutes: getter('minutes', 'minutes', 'minutes', 60n * NS),
  getSeconds: getter('seconds', 'seconds', 'seconds', NS),
  getMilliseconds: getter('milliseconds', 'milliseconds', 'milliseconds', 1_000_000n),
};
