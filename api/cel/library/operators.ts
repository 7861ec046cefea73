/** Operators: arithmetic within the bounds of 64 bits, order, membership. Provenance: common/stdlib/standard.go of cel-go v0.26. */
import { compare, concatenate, equal } from '../equal.ts';
import type { Row, Run } from '../function.ts';
import { Duration, durationOf, Timestamp, timestampOf } from '../time.ts';
import { Fault, Items, List, Mapper, MAX_INT, MAX_UINT, MIN_INT, NO_OVERLOAD, Uint, type Value } from '../value.ts';

const unused: Run = () => NO_OVERLOAD;

function int(value: bigint): Value {
  return value < MIN_INT || value > MAX_INT ? new Fault('integer overflow') : value;
}

function uint(value: bigint): Value {
  return value < 0n || value > MAX_UINT ? new Fault('unsigned integer overflow') : new Uint(value);
}

function duration(ns: bigint): Value {
  return durationOf(ns) ?? new Fault('duration overflow');
}

/** A time that is moved stays in its zone. */
function moved(time: Value, by: bigint): Value {
  const { ns, offsetSeconds } = time as Timestamp;
  return timestampOf(ns + by, offsetSeconds) ?? new Fault('timestamp overflow');
}

const ints = (run: (a: bigint, b: bigint) => Value): Run => (a, b) => run(a as bigint, b as bigint);
const uints = (run: (a: bigint, b: bigint) => Value): Run => (a, b) => run((a as Uint).value, (b as Uint).value);
const doubles = (run: (a: number, b: number) => number): Run => (a, b) => run(a as number, b as number);
const times = (run: (a: bigint, b: bigint) => Value): Run => (a, b) => run((a as Timestamp | Duration).ns, (b as Timestamp | Duration).ns);

/** Concatenation takes no time: the parts stay where they are. */
class Joined extends List {
  readonly size: number;
  readonly #first: List;
  readonly #second: List;

  constructor(first: List, second: List) {
    super();
    this.#first = first;
    this.#second = second;
    this.size = first.size + second.size;
  }

  at(index: number): Value {
    return index < this.#first.size ? this.#first.at(index) : this.#second.at(index - this.#first.size);
  }

  override *[Symbol.iterator](): Iterator<Value> {
    yield* this.#first;
    yield* this.#second;
  }
}

function addLists(a: Value, b: Value): Value {
  const [first, second] = [a as List, b as List];
  if (first.identity !== undefined) return concatenate(first, second);
  if (second.size === 0) return first;
  return first.size === 0 && second.identity === undefined ? second : new Joined(first, second);
}

function addBytes(a: Value, b: Value): Value {
  return Uint8Array.from([...(a as Uint8Array), ...(b as Uint8Array)]);
}

const ADD: readonly Row[] = [
  ['add_bytes', '(bytes, bytes) -> bytes', addBytes], ['add_double', '(double, double) -> double', doubles((a, b) => a + b)],
  ['add_duration_duration', '(duration, duration) -> duration', times((a, b) => duration(a + b))], ['add_duration_timestamp', '(duration, timestamp) -> timestamp', (by, time) => moved(time, (by as Duration).ns)],
  ['add_timestamp_duration', '(timestamp, duration) -> timestamp', (time, by) => moved(time, (by as Duration).ns)], ['add_int64', '(int, int) -> int', ints((a, b) => int(a + b))],
  ['add_list', '(list<A>, list<A>) -> list<A>', addLists], ['add_string', '(string, string) -> string', (a, b) => (a as string) + (b as string)],
  ['add_uint64', '(uint, uint) -> uint', uints((a, b) => uint(a + b))],
];

const SUBTRACT: readonly Row[] = [
  ['subtract_double', '(double, double) -> double', doubles((a, b) => a - b)], ['subtract_duration_duration', '(duration, duration) -> duration', times((a, b) => duration(a - b))],
  ['subtract_int64', '(int, int) -> int', ints((a, b) => int(a - b))], ['subtract_timestamp_duration', '(timestamp, duration) -> timestamp', (time, by) => moved(time, -(by as Duration).ns)],
  ['subtract_timestamp_timestamp', '(timestamp, timestamp) -> duration', times((a, b) => duration(a - b))], ['subtract_uint64', '(uint, uint) -> uint', uints((a, b) => uint(a - b))],
];

const ZERO = new Fault('division by zero');
const ZERO_MODULUS = new Fault('modulus by zero');

const SIDES: Readonly<Record<string, (order: number) => boolean>> = {
  less: (order) => order < 0, less_equals: (order) => order <= 0, greater: (order) => order > 0, greater_equals: (order) => order >= 0,
};

/** Numbers are ordered across their types. */
function ordered(name: string): Row[] {
  const holds = SIDES[name] as (order: number) => boolean;
  const run: Run = (a, b) => {
    const order = compare(a, b);
    return order instanceof Fault ? order : holds(order);
  };
  const numbers = [['int', 'int64'], ['uint', 'uint64'], ['double', 'double']] as const;
  return [
    [`${name}_bool`, '(bool, bool) -> bool', run],
    ...numbers.flatMap(([a, first]) => numbers.map(([b, second]): Row => [first === second ? `${name}_${first}` : `${name}_${first}_${second}`, `(${a}, ${b}) -> bool`, run])),
    ...['string', 'bytes', 'timestamp', 'duration'].map((type): Row => [`${name}_${type}`, `(${type}, ${type}) -> bool`, run]),
  ];
}

function inList(item: Value, list: Value): Value {
  for (const one of list as List) if (equal(item, one) === true) return true;
  return false;
}

export const OPERATORS: Readonly<Record<string, readonly Row[]>> = {
  '_?_:_': [['conditional', '(bool, A, A) -> A', unused]],
  '_&&_': [['logical_and', '(bool, bool) -> bool', unused]],
  '_||_': [['logical_or', '(bool, bool) -> bool', unused]],
  '!_': [['logical_not', '(bool) -> bool', (value) => !(value as boolean)]],
  '@not_strictly_false': [['not_strictly_false', '(bool) -> bool', unused]],
  '_==_': [['equals', '(A, A) -> bool', unused]],
  '_!=_': [['not_equals', '(A, A) -> bool', unused]],
  '_+_': ADD,
  '_-_': SUBTRACT,
  '_*_': [
    ['multiply_double', '(double, double) -> double', doubles((a, b) => a * b)], ['multiply_int64', '(int, int) -> int', ints((a, b) => int(a * b))],
    ['multiply_uint64', '(uint, uint) -> uint', uints((a, b) => uint(a * b))],
  ],
  '_/_': [
    ['divide_double', '(double, double) -> double', doubles((a, b) => a / b)], ['divide_int64', '(int, int) -> int', ints((a, b) => (b === 0n ? ZERO : int(a / b)))],
    ['divide_uint64', '(uint, uint) -> uint', uints((a, b) => (b === 0n ? ZERO : uint(a / b)))],
  ],
  '_%_': [
    ['modulo_int64', '(int, int) -> int', ints((a, b) => (b === 0n ? ZERO_MODULUS : int(a % b)))], ['modulo_uint64', '(uint, uint) -> uint', uints((a, b) => (b === 0n ? ZERO_MODULUS : uint(a % b)))],
  ],
  '-_': [['negate_double', '(double) -> double', (value) => -(value as number)], ['negate_int64', '(int) -> int', (value) => int(-(value as bigint))]],
  '_<_': ordered('less'),
  '_<=_': ordered('less_equals'),
  '_>_': ordered('greater'),
  '_>=_': ordered('greater_equals'),
  '@in': [['in_list', '(A, list<A>) -> bool', inList], ['in_map', '(A, map<A, B>) -> bool', (key, map) => (map as Mapper).get(key) !== undefined]],
  '_[_]': [
    ['index_list', '(list<A>, int) -> A', unused], ['index_map', '(map<A, B>, A) -> B', unused], ['optional_list_index_int', '(optional<list<V>>, int) -> optional<V>', unused],
    ['optional_map_index_value', '(optional<map<K, V>>, K) -> optional<V>', unused],
  ],
  '_[?_]': [
    ['list_optindex_optional_int', '(list<V>, int) -> optional<V>', unused], ['optional_list_optindex_optional_int', '(optional<list<V>>, int) -> optional<V>', unused],
    ['map_optindex_optional_value', '(map<K, V>, K) -> optional<V>', unused], ['optional_map_optindex_optional_value', '(optional<map<K, V>>, K) -> optional<V>', unused],
  ],
  'cel.@mapInsert': [['@mapInsert_key_value', '(map<K, V>, K, V) -> map<K, V>', unused], ['@mapInsert_map', '(map<K, V>, map<K, V>) -> map<K, V>', unused]],
};

export const EMPTY = new Items([]);
