/** What calls cost as they happen. Provenance: pkg/cel/library/cost.go of apiserver v0.36, interpreter/runtimecost.go and ext/{lists,sets}.go of cel-go v0.26. */
import { Format } from './library/format.ts';
import { spendWork } from './work.ts';
import { Library, List, Mapper, Optional, type Value } from './value.ts';

/** Of the arguments, the receiver first. */
export type Cost = (args: readonly Value[]) => number;

/** Reading one character of a text, and of a pattern. */
export const TRAVERSAL = 0.1;
export const PATTERN = 0.25;
export const LIST = 10;
export const MAP = 30;
export const STRUCT = 40;
export const CHECK = 350_000;

export function sizeOf(value: Value | undefined): number {
  if (typeof value === 'string') return characters(value);
  if (value instanceof List || value instanceof Mapper || value instanceof Library) return value.size;
  if (value instanceof Uint8Array) return value.length;
  return value instanceof Optional && value.value !== undefined ? sizeOf(value.value) : 1;
}

export function characters(text: string): number {
  spendWork(text.length / 8);
  let count = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) count--;
  return count;
}

function read(times: number): Cost {
  return ([text]) => Math.ceil(sizeOf(text) * times * TRAVERSAL);
}

function matched([text, pattern]: readonly Value[]): number {
  return Math.ceil((1 + sizeOf(text)) * TRAVERSAL) * Math.ceil(sizeOf(pattern) * PATTERN);
}

function smaller([a, b]: readonly Value[]): number {
  return Math.ceil(Math.min(sizeOf(a), sizeOf(b)) * TRAVERSAL);
}

function traverse(value: Value): number {
  if (typeof value === 'string') return Math.trunc(utf8Length(value) * TRAVERSAL);
  if (value instanceof Uint8Array) return Math.trunc(value.length * TRAVERSAL);
  let cost = 0;
  if (value instanceof List) {
    for (const item of value) cost += traverse(item);
    return cost;
  }
  if (!(value instanceof Mapper)) return 1;
  for (const key of value.keys()) cost += traverse(key) + traverse(value.get(key) ?? null);
  return cost;
}

function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return bytes;
}

function selector([, text]: readonly Value[]): number {
  const length = sizeOf(text);
  return LIST + Math.ceil(length * TRAVERSAL) + Math.ceil(Math.ceil(length * 0.5) * (LIST + STRUCT));
}

const constant = (cost: number): Cost => () => cost;
const traversal: Cost = ([list]) => traverse(list ?? null);
const selfCompared = (at: number): Cost => (args) => {
  const list = args[at];
  if (!(list instanceof List)) return 1 + LIST;
  const size = list.size;
  const first = size > 0 ? list.at(0) : null;
  const factor = typeof first === 'string' || first instanceof Uint8Array ? 2 + TRAVERSAL : 2;
  return Math.trunc(size * size * factor) + 1 + LIST;
};
const eachWithEach = (factor: number): Cost => ([a, b]) => 1 + Math.trunc(sizeOf(a) * sizeOf(b) * factor);

function sliced([list, start, end]: readonly Value[]): number {
  const [from, to] = [Number(start), Number(end)];
  return (from >= 0 && from <= to && to <= sizeOf(list) ? to - from : 1) + 1 + LIST;
}

/** By overload, before all else. */
const BY_OVERLOAD: Readonly<Record<string, Cost>> = {
  list_slice: sliced,
  list_flatten: ([list]) => sizeOf(list) + 1 + LIST, list_flatten_int: ([list, depth]) => sizeOf(list) * (Number(depth) || 0) + 1 + LIST,
  lists_range: ([count]) => Math.max(0, Number(count) || 0) + 1 + LIST, list_reverse: ([list]) => sizeOf(list) + 1 + LIST, list_distinct: selfCompared(0),
  list_sets_contains_list: eachWithEach(1), list_sets_intersects_list: eachWithEach(1), list_sets_equivalent_list: eachWithEach(2),
};

/** By the name of the function, whatever its arguments are. */
const BY_NAME: Readonly<Record<string, Cost>> = {
  check: constant(CHECK), fieldSelector: selector, labelSelector: selector,
  isSorted: traversal, sum: traversal, max: traversal, min: traversal, indexOf: traversal, lastIndexOf: traversal,
  url: read(1), lowerAscii: read(1), upperAscii: read(1), substring: read(1), trim: read(1), 'jsonpatch.escapeKey': read(1), replace: read(2), split: read(2),
  find: matched, findAll: matched, cidr: read(1), isIP: read(1), isCIDR: read(1), ip: read(1), 'ip.isCanonical': read(2),
  quantity: read(1), isQuantity: read(1), semver: read(1), isSemver: read(1),
  containsIP: ([cidr, other]) => Math.ceil(2 * sizeOf(cidr) * TRAVERSAL) + (typeof other === 'string' ? Math.ceil(sizeOf(other) * TRAVERSAL) : 0),
  containsCIDR: ([cidr, other]) => Math.ceil(2 * sizeOf(cidr) * TRAVERSAL) + Math.ceil(sizeOf(cidr) * TRAVERSAL) + 1 + (typeof other === 'string' ? Math.ceil(sizeOf(other) * TRAVERSAL) : 0),
  validate: ([format, text]) => Math.ceil((1 + sizeOf(text)) * TRAVERSAL) * Math.ceil((format instanceof Format ? format.patternSize : 1) * PATTERN),
  '_==_': (args) => (args[0] instanceof Library ? 1 : smaller(args)),
};

/** By overload, where only one is possible. */
const STANDARD: Readonly<Record<string, Cost>> = {
  starts_with_string: read(1), ends_with_string: read(1), string_to_bytes: read(1), bytes_to_string: read(1), strings_quote: read(1), string_format: read(1),
  in_list: ([, list]) => sizeOf(list), not_equals: smaller, matches_string: matched, matches: constant(1),
  add_string: ([a, b]) => Math.ceil((sizeOf(a) + sizeOf(b)) * TRAVERSAL), add_bytes: ([a, b]) => Math.ceil((sizeOf(a) + sizeOf(b)) * TRAVERSAL),
  contains_string: ([text, part]) => Math.ceil(sizeOf(text) * TRAVERSAL) * Math.ceil(sizeOf(part) * TRAVERSAL), cidr_ip: constant(1),
  ...Object.fromEntries(['less', 'greater', 'less_equals', 'greater_equals'].flatMap((name) => [[`${name}_string`, smaller], [`${name}_bytes`, smaller]])),
};

/** `join` costs by what comes out of it. */
export function costOfResult(name: string, result: Value): number {
  return name === 'join' ? Math.ceil(sizeOf(result) * 2 * TRAVERSAL) : 0;
}

/** `overload`: '' where more than one is possible. */
export function costOf(name: string, overload: string): Cost {
  if (overload === 'cidr_ip') return constant(1);
  if (/^list_\w+_sort$/.test(overload)) return selfCompared(0);
  if (overload.endsWith('_sortByAssociatedKeys')) return selfCompared(1);
  if (name === 'join') return constant(0);
  return find(BY_OVERLOAD, overload) ?? find(BY_NAME, name) ?? find(STANDARD, overload) ?? constant(1);
}

function find(table: Readonly<Record<string, Cost>>, key: string): Cost | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
