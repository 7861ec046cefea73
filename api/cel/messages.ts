/** The messages of protobuf that expressions can make (`google.protobuf.Int64Value{value: 1}`), and what each is as a value. Provenance: common/types/{provider,types}.go and common/types/pb of cel-go v0.26. */
import { MAX_INT, MIN_INT, Entries, Fault, Items, MadeObject, Mapper, List, typeNameOf, Uint, type Value } from './value.ts';
import { Duration, timestampOf } from './time.ts';
import { DYN, listOf, mapOf, nullable, simpleType, STRING, type Type } from './type.ts';

export interface Message {
  readonly type: Type;
  readonly fields: Readonly<Record<string, Type>>;
  /** Its name stands for no value. */
  readonly unnamed?: boolean;
  /** A Fault where a field cannot hold what it was given. */
  make(fields: ReadonlyMap<string, Value>): Value;
}

const PACKAGE = 'google.protobuf.';
const NS = 1_000_000_000n;
const [INT, UINT, DOUBLE, BOOL, BYTES] = ['int', 'uint', 'double', 'bool', 'bytes'].map((name) => simpleType(name)) as [Type, Type, Type, Type, Type];
const ANY: Type = { kind: 'any', name: 'any', of: [] };
const STRUCT = mapOf(STRING, DYN);
const LIST = listOf(DYN);

/** A simple value that may be absent. */
function wrapper(of: Type, absent: Value, bits: 32 | 64 = 64): (name: string) => Message {
  return (name) => ({
    type: nullable(of), fields: { value: of },
    make: (fields) => hold(name, 'value', fields.get('value') ?? absent, of, bits),
  });
}

/** What does not fit is a Fault. */
function hold(message: string, field: string, value: Value, of: Type, bits: 32 | 64 = 64): Value {
  const failed = (why: string): Fault => new Fault(`field type conversion error for ${PACKAGE}${message}.${field} value type: ${why}`);
  if (typeNameOf(value) !== of.name) return failed(`unsupported type conversion from '${typeNameOf(value)}' to ${of.name}`);
  if (bits === 64) return value;
  if (typeof value === 'number') return Math.fround(value);
  const whole = value instanceof Uint ? value.value : (value as bigint);
  const [low, high] = value instanceof Uint ? [0n, 2n ** 32n - 1n] : [-(2n ** 31n), 2n ** 31n - 1n];
  if (whole < low || whole > high) return failed(value instanceof Uint ? 'unsigned integer overflow' : 'integer overflow');
  return value;
}

/** Seconds and nanoseconds in one. */
function moment(name: string, type: Type, read: (ns: bigint) => Value): Message {
  return {
    type, fields: { seconds: INT, nanos: INT },
    make(fields) {
      const [seconds, nanos] = [hold(name, 'seconds', fields.get('seconds') ?? 0n, INT), hold(name, 'nanos', fields.get('nanos') ?? 0n, INT, 32)];
      if (seconds instanceof Fault) return seconds;
      return nanos instanceof Fault ? nanos : read((seconds as bigint) * NS + (nanos as bigint));
    },
  };
}

const JSON_VALUE: Message = {
  type: DYN, fields: { null_value: INT, number_value: DOUBLE, string_value: STRING, bool_value: BOOL, struct_value: STRUCT, list_value: LIST },
  make(fields) {
    const [last] = [...fields].slice(-1);
    return last === undefined || last[0] === 'null_value' ? null : last[1];
  },
};

const MESSAGES: Readonly<Record<string, (name: string) => Message>> = {
  BoolValue: wrapper(BOOL, false), BytesValue: wrapper(BYTES, new Uint8Array()), DoubleValue: wrapper(DOUBLE, 0), FloatValue: wrapper(DOUBLE, 0, 32), Int32Value: wrapper(INT, 0n, 32), Int64Value: wrapper(INT, 0n),
  StringValue: wrapper(STRING, ''), UInt32Value: wrapper(UINT, new Uint(0n), 32), UInt64Value: wrapper(UINT, new Uint(0n)),
  Timestamp: (name) => moment(name, simpleType('timestamp') as Type, (ns) => timestampOf(ns) ?? new Fault('timestamp overflow')),
  Duration: (name) => moment(name, simpleType('duration') as Type, (ns) => (ns < MIN_INT || ns > MAX_INT ? new Fault('duration overflow') : new Duration(ns))),
  Struct: () => ({ type: STRUCT, fields: { fields: STRUCT }, make: (fields) => within(fields.get('fields'), Mapper) ?? new Entries() }),
  ListValue: () => ({ type: LIST, fields: { values: LIST }, make: (fields) => within(fields.get('values'), List) ?? new Items([]) }),
  Value: () => JSON_VALUE,
  Empty: () => ({ type: { kind: 'object', name: `${PACKAGE}Empty`, of: [] }, fields: {}, make: () => new MadeObject(`${PACKAGE}Empty`, new Map()) }),
  Any: () => ({ type: ANY, fields: { type_url: STRING, value: BYTES }, make: () => new Fault(`conversion error: got type ${PACKAGE}Any, want a known type`) }),
};

const NAMED = new Set(['Timestamp', 'Duration', 'Empty']);

function within(value: Value | undefined, of: abstract new (...args: never[]) => Mapper | List): Value | undefined {
  return value === undefined || value instanceof of ? value : new Fault(`unsupported field type for ${typeNameOf(value)}`);
}

export function messageNamed(name: string): Message | undefined {
  const short = name.startsWith(PACKAGE) ? name.slice(PACKAGE.length) : '';
  const message = Object.hasOwn(MESSAGES, short) ? MESSAGES[short]?.(short) : undefined;
  return message && { ...message, unnamed: !NAMED.has(short) };
}

