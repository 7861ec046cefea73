/** Lists, sets and optional values. Provenance: pkg/cel/library/lists.go of apiserver v0.36, ext/{lists,sets}.go and cel/library.go of cel-go v0.26. */
import { compare, equal } from '../equal.ts';
import type { Row, Run } from '../function.ts';
import { Duration, durationOf, FIRST_INSTANT, Timestamp } from '../time.ts';
import { Fault, Items, List, Mapper, NO_OVERLOAD, NONE, Optional, typeNameOf, Uint, type Value } from '../value.ts';
import { spendWork } from '../work.ts';
import { OPERATORS } from './operators.ts';

const ORDERED = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes'];
const ZEROS: Readonly<Record<string, Value>> = { int: 0n, uint: new Uint(0n), double: 0, duration: durationOf(0n) ?? new Duration(0n) };

function isSorted(value: Value): Value {
  let previous: Value | undefined;
  for (const item of value as List) {
    if (previous !== undefined) {
      const order = compare(previous, item);
      if (order instanceof Fault) return order;
      if (order > 0) return false;
    }
    previous = item;
  }
  return true;
}

const ADDITIONS: Readonly<Record<string, Run>> = Object.fromEntries((OPERATORS['_+_'] ?? []).map(([id, , run]) => [id, run]));
const ADDITION_OF: Readonly<Record<string, string>> = { int: 'add_int64', uint: 'add_uint64', double: 'add_double', duration: 'add_duration_duration' };

function sum(type: string): Run {
  const add = ADDITIONS[ADDITION_OF[type] as string] as Run;
  return (list) => {
    let total = ZEROS[type] as Value;
    for (const item of list as List) {
      total = add(total, item);
      if (total instanceof Fault) return total;
    }
    return total;
  };
}

function extreme(name: string, sign: 1 | -1): Run {
  return (list) => {
    let best: Value | undefined;
    for (const item of list as List) {
      const order = best === undefined ? 1 : compare(item, best);
      if (order instanceof Fault) return order;
      if (best === undefined || order * sign > 0) best = item;
    }
    return best ?? new Fault(`${name} called on empty list`);
  };
}

function indexOf(list: Value, item: Value): Value {
  for (let at = 0; at < (list as List).size; at++) if (equal((list as List).at(at), item) === true) return BigInt(at);
  return -1n;
}

function lastIndexOf(list: Value, item: Value): Value {
  for (let at = (list as List).size - 1; at >= 0; at--) if (equal((list as List).at(at), item) === true) return BigInt(at);
  return -1n;
}

function slice(list: Value, start: Value, end: Value): Value {
  const [from, to, { size }] = [start as bigint, end as bigint, list as List];
  if (from < 0n || to < 0n) return new Fault(`cannot slice(${from}, ${to}), negative indexes not supported`);
  if (from > to) return new Fault(`cannot slice(${from}, ${to}), start index must be less than or equal to end index`);
  if (BigInt(size) < to) return new Fault(`cannot slice(${from}, ${to}), list is length ${size}`);
  const items: Value[] = [];
  for (let at = Number(from); at < Number(to); at++) items.push((list as List).at(at));
  return new Items(items);
}

function flatten(list: Value, depth: Value = 1n): Value {
  if (!(list instanceof List)) return new Fault(`no such overload: ${typeNameOf(list)}.flatten()`);
  if ((depth as bigint) < 0n) return new Fault('level must be non-negative');
  const items: Value[] = [];
  const add = (from: List, level: bigint): void => {
    for (const item of from) {
      spendWork(1);
      if (item instanceof List && level > 0n) add(item, level - 1n);
      else items.push(item);
    }
  };
  add(list, depth as bigint);
  return new Items(items);
}

function range(count: Value): Value {
  return new Items(Array.from({ length: Math.max(0, Number(count)) }, (_, at) => BigInt(at)));
}

function sortBy(list: Value, keys: Value): Value {
  const [items, by] = [[...(list as List)], [...(keys as List)]];
  if (items.length !== by.length) {
    return new Fault(`@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${items.length} and ${by.length} elements respectively`);
  }
  const type = by.length > 0 ? typeNameOf(by[0] as Value) : '';
  if (by.some((key) => typeNameOf(key) !== type)) return new Fault('list elements must have the same type');
  const order = items.map((_, at) => at).sort((a, b) => Number(compare(by[a] as Value, by[b] as Value)) || 0);
  return new Items(order.map((at) => items[at] as Value));
}

function distinct(list: Value): Value {
  const found: Value[] = [];
  for (const item of list as List) if (!found.some((one) => equal(one, item) === true)) found.push(item);
  return new Items(found);
}

function has(list: List, item: Value): boolean {
  for (const one of list) if (equal(one, item) === true) return true;
  return false;
}

const contains: Run = (list, part) => [...(part as List)].every((item) => has(list as List, item));
const intersects: Run = (a, b) => [...(a as List)].some((item) => has(b as List, item));
const equivalent: Run = (a, b) => contains(a, b) === true && contains(b, a) === true;

const first: Run = (list) => ((list as List).size > 0 ? new Optional((list as List).at(0)) : NONE);
const last: Run = (list) => ((list as List).size > 0 ? new Optional((list as List).at((list as List).size - 1)) : NONE);

function isZero(value: Value): boolean {
  if (value instanceof List || value instanceof Mapper) return value.size === 0;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.ns === 0n;
  if (value instanceof Timestamp) return value.ns === FIRST_INSTANT;
  if (value instanceof Uint8Array) return value.length === 0;
  return value === null || value === '' || value === 0n || value === 0 || value === false || (value instanceof Optional && value.value === undefined);
}

function unwrap(list: Value): Value {
  const items: Value[] = [];
  for (const item of list as List) {
    if (!(item instanceof Optional)) return NO_OVERLOAD;
    if (item.value !== undefined) items.push(item.value);
  }
  return new Items(items);
}

const EMPTY = new Fault('optional.none() dereference');

export const LISTS: Readonly<Record<string, readonly Row[]>> = {
  isSorted: ORDERED.map((type): Row => [`list_${type}_is_sorted_bool`, `list<${type}>.() -> bool`, isSorted]),
  sum: Object.keys(ZEROS).map((type): Row => [`list_${type}_sum_${type}`, `list<${type}>.() -> ${type}`, sum(type)]),
  max: ORDERED.map((type): Row => [`list_${type}_max_${type}`, `list<${type}>.() -> ${type}`, extreme('max', 1)]),
  min: ORDERED.map((type): Row => [`list_${type}_min_${type}`, `list<${type}>.() -> ${type}`, extreme('min', -1)]),
  indexOf: [['list_a_index_of_int', 'list<A>.(A) -> int', indexOf]],
  lastIndexOf: [['list_a_last_index_of_int', 'list<A>.(A) -> int', lastIndexOf]],
  slice: [['list_slice', 'list<T>.(int, int) -> list<T>', slice]],
  flatten: [['list_flatten', 'list<list<T>>.() -> list<T>', flatten], ['list_flatten_int', 'list<dyn>.(int) -> list<dyn>', flatten]],
  sort: ORDERED.map((type): Row => [`list_${type}_sort`, `list<${type}>.() -> list<${type}>`, (list) => sortBy(list, list)]),
  '@sortByAssociatedKeys': ORDERED.map((type): Row => [`list_${type}_sortByAssociatedKeys`, `list<T>.(list<${type}>) -> list<T>`, sortBy]),
  'lists.range': [['lists_range', '(int) -> list<int>', range]],
  reverse: [['list_reverse', 'list<T>.() -> list<T>', (list) => new Items([...(list as List)].reverse())]],
  distinct: [['list_distinct', 'list<T>.() -> list<T>', distinct]],
  first: [['list_first', 'list<V>.() -> optional<V>', first]],
  last: [['list_last', 'list<V>.() -> optional<V>', last]],
  'sets.contains': [['list_sets_contains_list', '(list<T>, list<T>) -> bool', contains]],
  'sets.equivalent': [['list_sets_equivalent_list', '(list<T>, list<T>) -> bool', equivalent]],
  'sets.intersects': [['list_sets_intersects_list', '(list<T>, list<T>) -> bool', intersects]],
  'optional.of': [['optional_of', '(V) -> optional<V>', (value) => new Optional(value)]],
  'optional.ofNonZeroValue': [['optional_ofNonZeroValue', '(V) -> optional<V>', (value) => (isZero(value) ? NONE : new Optional(value))]],
  'optional.none': [['optional_none', '() -> optional<V>', () => NONE]],
  'optional.unwrap': [['optional_unwrap', '(list<optional<V>>) -> list<V>', unwrap]],
  unwrapOpt: [['optional_unwrapOpt', 'list<optional<V>>.() -> list<V>', unwrap]],
  value: [['optional_value', 'optional<V>.() -> V', (optional) => (optional as Optional).value ?? EMPTY]],
  hasValue: [['optional_hasValue', 'optional<V>.() -> bool', (optional) => (optional as Optional).value !== undefined]],
  or: [['optional_or_optional', 'optional<V>.(optional<V>) -> optional<V>', (a, b) => ((a as Optional).value === undefined ? b : a)]],
  orValue: [['optional_orValue_value', 'optional<V>.(V) -> V', (optional, value) => ((optional as Optional).value === undefined ? value : ((optional as Optional).value as Value))]],
};
