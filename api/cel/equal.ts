/** When values are equal, and which of two comes first: numbers across their types, lists without order by their identity. */
import { deepEqual } from '../../std/deep.ts';
import { Duration, Timestamp } from './time.ts';
import { spendWork } from './work.ts';
import { Fault, isTypedJson, Items, Library, List, Mapper, NO_OVERLOAD, Optional, TypeValue, Uint, undeclared, type Value } from './value.ts';

export function equal(a: Value, b: Value): boolean | Fault {
  if (a instanceof Fault) return a;
  if (b instanceof Fault) return b;
  if (a === b) return true;
  if (typeof a !== 'object' && typeof a === typeof b) return false;
  const first = numeric(a);
  if (first !== undefined) {
    const second = numeric(b);
    return second !== undefined && first == second;
  }
  if (a === null || b === null || typeof a !== 'object') return false;
  if (typeof b !== 'object') return a instanceof Library ? NO_OVERLOAD : unlike(a);
  return equalStructures(a, b);
}

/** What is read from JSON is only compared with its like. */
function unlike(value: Value): false | Fault {
  return isTypedJson(value) ? NO_OVERLOAD : false;
}

type Structure = Exclude<Value, bigint | boolean | number | string | null>;

function equalStructures(a: Structure, b: Structure): boolean | Fault {
  spendWork(1);
  if (a instanceof List) return b instanceof List ? equalLists(a, b) : unlike(a);
  if (a instanceof Mapper) return b instanceof Mapper ? equalMappers(a, b) : unlike(a);
  if (a instanceof Library) return b instanceof Library && a.typeName === b.typeName ? a.equals(b) : NO_OVERLOAD;
  if (a instanceof Timestamp) return b instanceof Timestamp && a.ns === b.ns;
  if (a instanceof Duration) return b instanceof Duration && a.ns === b.ns;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (!(a instanceof Optional) || !(b instanceof Optional)) return false;
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equal(a.value, b.value);
}

/** What numbers compare by; `==` of a bigint and a number is exact. */
function numeric(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  return value instanceof Uint ? value.value : undefined;
}

function equalLists(a: List, b: List): boolean | Fault {
  if (a.size !== b.size) return false;
  let fault: Fault | undefined;
  spendWork(a.size);
  if (a.identity) return equalUnordered(a, b, a.identity);
  for (let at = 0; at < a.size; at++) {
    const same = equal(a.at(at), b.at(at));
    if (same === false) return false;
    if (same instanceof Fault) fault ??= same;
  }
  return fault ?? true;
}

/** Each item is in the other list; keyed items are equal to the one with their keys. */
function equalUnordered(a: List, b: List, identity: 'set' | readonly string[]): boolean {
  const others = new Map<string, Value[]>();
  for (const item of b) {
    const key = identityKey(item, identity);
    others.set(key, [...(others.get(key) ?? []), item]);
  }
  for (const item of a) if (!others.get(identityKey(item, identity))?.some((other) => equal(item, other) === true)) return false;
  return true;
}

export function identityKey(item: Value, identity: 'set' | readonly string[]): string {
  if (identity === 'set') return keyText(item);
  return item instanceof Mapper ? identity.map((name) => keyText(item.get(name) ?? null)).join('\n') : '';
}

function keyText(value: Value): string {
  if (value instanceof List) return `[${[...value].map(keyText).join(',')}]`;
  if (value instanceof Mapper) return `{${value.size}}`;
  const number = numeric(value);
  if (number !== undefined) return `n${number}`;
  return value instanceof Timestamp || value instanceof Duration ? `t${value.ns}` : JSON.stringify(value);
}

function equalMappers(a: Mapper, b: Mapper): boolean | Fault {
  if (a.size !== b.size) return false;
  spendWork(a.size);
  let fault: Fault | undefined;
  for (const key of a.keys()) {
    const first = a.get(key);
    const second = b.get(key);
    if (first === undefined && second === undefined) {
      if (!deepEqual(undeclared(a, key), undeclared(b, key))) return false;
      continue;
    }
    if (first === undefined || second === undefined) return false;
    const same = equal(first, second);
    if (same === false) return false;
    if (same instanceof Fault) fault ??= same;
  }
  return fault ?? true;
}

/** Negative, zero or positive; a fault where the two have no order. */
export function compare(a: Value, b: Value): number | Fault {
  const first = numeric(a);
  const second = numeric(b);
  if (first !== undefined && second !== undefined) {
    if (Number.isNaN(first) || Number.isNaN(second)) return new Fault('NaN values cannot be ordered');
    return first < second ? -1 : first > second ? 1 : 0;
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0;
  if (a instanceof Duration && b instanceof Duration) return a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return a instanceof Fault ? a : b instanceof Fault ? b : NO_OVERLOAD;
}

/** By code points, as the order of UTF-8 is. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const first = a.charCodeAt(at);
    const second = b.charCodeAt(at);
    if (first !== second) return rank(first) - rank(second);
  }
  return a.length - b.length;
}

/** Surrogates stand for what comes after all other characters. */
function rank(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return (a[at] as number) - (b[at] as number);
  return a.length - b.length;
}

/** `+` of lists: those without order take what they do not have yet, keyed ones replace what has the same keys. */
export function concatenate(a: List, b: List): List {
  const { identity } = a;
  if (identity === undefined) return new Items([...a, ...b]);
  spendWork(a.size + b.size);
  const items = [...a];
  const places = new Map(items.map((item, at) => [identityKey(item, identity), at]));
  for (const item of b) {
    const key = identityKey(item, identity);
    const at = places.get(key);
    if (at === undefined) {
      places.set(key, items.length);
      items.push(item);
    } else if (identity !== 'set') items[at] = item;
  }
  return new Unordered(items, identity);
}

class Unordered extends Items {
  readonly #identity: 'set' | readonly string[];

  constructor(items: Value[], identity: 'set' | readonly string[]) {
    super(items);
    this.#identity = identity;
  }

  override get identity(): 'set' | readonly string[] {
    return this.#identity;
  }
}
