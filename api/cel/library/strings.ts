/** Texts: searching, cutting, joining, regular expressions. Provenance: ext/strings.go (version 2) of cel-go v0.26, pkg/cel/library/regex.go of apiserver v0.36. */
import type { Row } from '../function.ts';
import { compileRegex, type Pattern } from '../regex.ts';
import { Fault, Items, List, type Value } from '../value.ts';
import { formatText } from './format-text.ts';

/** Counted in characters, not in units of UTF-16. */
function runes(text: string): string[] {
  return [...text];
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0xd800) return false;
  return true;
}

function outOfRange(index: bigint): Fault {
  return new Fault(`index out of range: ${index}`);
}

function charAt(text: Value, index: Value): Value {
  const chars = runes(text as string);
  const at = index as bigint;
  if (at < 0n || at > BigInt(chars.length)) return outOfRange(at);
  return chars[Number(at)] ?? '';
}

function indexOf(text: Value, part: Value, from: Value = 0n): Value {
  const [whole, wanted, offset] = [text as string, part as string, from as bigint];
  if (wanted === '') return offset;
  const chars = isPlain(whole) ? undefined : runes(whole);
  const size = chars?.length ?? whole.length;
  if (offset < 0n) return outOfRange(offset);
  if (offset >= BigInt(size)) return -1n;
  if (!chars) return BigInt(whole.indexOf(wanted, Number(offset)));
  const found = whole.indexOf(wanted, chars.slice(0, Number(offset)).join('').length);
  return BigInt(found < 0 ? -1 : runes(whole.slice(0, found)).length);
}

function lastIndexOf(text: Value, part: Value, from?: Value): Value {
  const [whole, wanted] = [text as string, part as string];
  const chars = isPlain(whole) ? undefined : runes(whole);
  const size = chars?.length ?? whole.length;
  const offset = (from ?? BigInt(size === 0 ? 0 : size - 1)) as bigint;
  if (wanted === '') return from === undefined ? BigInt(size) : offset;
  if (offset < 0n) return outOfRange(offset);
  if (from !== undefined && offset >= BigInt(size)) return -1n;
  if (whole.length < wanted.length) return -1n;
  const found = whole.lastIndexOf(wanted, chars ? chars.slice(0, Number(offset)).join('').length : Number(offset));
  return BigInt(found < 0 || !chars ? found : runes(whole.slice(0, found)).length);
}

function substring(text: Value, start: Value, end?: Value): Value {
  const whole = text as string;
  const chars = isPlain(whole) ? whole : runes(whole);
  const [from, to] = [start as bigint, (end ?? BigInt(chars.length)) as bigint];
  if (end === undefined) {
    if (from < 0n || from > BigInt(chars.length)) return outOfRange(from);
  } else {
    if (from > to) return new Fault(`invalid substring range. start: ${from}, end: ${to}`);
    if (from < 0n || from > BigInt(chars.length)) return outOfRange(from);
    if (to < 0n || to > BigInt(chars.length)) return outOfRange(to);
  }
  const part = chars.slice(Number(from), Number(to));
  return typeof part === 'string' ? part : part.join('');
}

function replace(text: Value, from: Value, to: Value, count: Value = -1n): Value {
  const [whole, old, next] = [text as string, from as string, to as string];
  if ((count as bigint) < 0n) return old === '' ? surrounded(whole, next, Infinity) : whole.replaceAll(old, () => next);
  const times = Number(count);
  if (old === '') return surrounded(whole, next, times);
  const parts = whole.split(old);
  return parts.length - 1 <= times ? parts.join(next) : parts.slice(0, times + 1).join(next) + old + parts.slice(times + 1).join(old);
}

/** Between all characters, and at both ends. */
function surrounded(text: string, put: string, limit: number): string {
  const chars = runes(text);
  let made = '';
  let left = limit;
  for (let at = 0; at <= chars.length; at++) made += (left-- > 0 ? put : '') + (chars[at] ?? '');
  return made;
}

function split(text: Value, separator: Value, limit: Value = -1n): Value {
  const [whole, by, count] = [text as string, separator as string, Number(limit)];
  if (count === 0) return new Items([]);
  if (count === 1) return new Items([whole]);
  const parts = by === '' ? runes(whole) : whole.split(by);
  if (count < 0 || parts.length <= count) return new Items(parts);
  return new Items([...parts.slice(0, count - 1), parts.slice(count - 1).join(by)]);
}

function join(list: Value, separator: Value = ''): Value {
  const parts: string[] = [];
  for (const item of list as List) {
    if (typeof item !== 'string') return new Fault('no such overload');
    parts.push(item);
  }
  return parts.join(separator as string);
}

const SPACES = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;

const QUOTED: Readonly<Record<string, string>> = { '\x07': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' };

function quote(text: Value): Value {
  // oxlint-disable-next-line no-control-regex
  return `"${(text as string).toWellFormed().replaceAll(/[\x07\b\f\n\r\t\v\\"]/g, (char) => QUOTED[char] as string)}"`;
}

function withPattern(pattern: Value, use: (compiled: Pattern) => Value, wrong: (why: string) => string): Value {
  try {
    return use(compileRegex(pattern as string));
  } catch (error) {
    return new Fault(wrong((error as Error).message));
  }
}

const asIs = (why: string): string => why;
const illegal = (why: string): string => `Illegal regex: ${why}`;

function matches(text: Value, pattern: Value): Value {
  return withPattern(pattern, (compiled) => compiled.test(text as string), asIs);
}

function find(text: Value, pattern: Value): Value {
  return withPattern(pattern, (compiled) => compiled.findAll(text as string, 1)[0] ?? '', illegal);
}

function findAll(text: Value, pattern: Value, limit: Value = -1n): Value {
  return withPattern(pattern, (compiled) => new Items(compiled.findAll(text as string, Number(limit))), illegal);
}

export const STRINGS: Readonly<Record<string, readonly Row[]>> = {
  contains: [['contains_string', 'string.(string) -> bool', (text, part) => (text as string).includes(part as string)]],
  startsWith: [['starts_with_string', 'string.(string) -> bool', (text, part) => (text as string).startsWith(part as string)]],
  endsWith: [['ends_with_string', 'string.(string) -> bool', (text, part) => (text as string).endsWith(part as string)]],
  matches: [['matches', '(string, string) -> bool', matches], ['matches_string', 'string.(string) -> bool', matches]],
  find: [['string_find_string', 'string.(string) -> string', find]],
  findAll: [['string_find_all_string', 'string.(string) -> list<string>', findAll], ['string_find_all_string_int', 'string.(string, int) -> list<string>', findAll]],
  charAt: [['string_char_at_int', 'string.(int) -> string', charAt]],
  indexOf: [['string_index_of_string', 'string.(string) -> int', indexOf], ['string_index_of_string_int', 'string.(string, int) -> int', indexOf]],
  lastIndexOf: [['string_last_index_of_string', 'string.(string) -> int', lastIndexOf], ['string_last_index_of_string_int', 'string.(string, int) -> int', lastIndexOf]],
  lowerAscii: [['string_lower_ascii', 'string.() -> string', (text) => (text as string).replaceAll(/[A-Z]+/g, (part) => part.toLowerCase())]],
  upperAscii: [['string_upper_ascii', 'string.() -> string', (text) => (text as string).replaceAll(/[a-z]+/g, (part) => part.toUpperCase())]],
  replace: [['string_replace_string_string', 'string.(string, string) -> string', replace], ['string_replace_string_string_int', 'string.(string, string, int) -> string', replace]],
  split: [['string_split_string', 'string.(string) -> list<string>', split], ['string_split_string_int', 'string.(string, int) -> list<string>', split]],
  substring: [['string_substring_int', 'string.(int) -> string', substring], ['string_substring_int_int', 'string.(int, int) -> string', substring]],
  trim: [['string_trim', 'string.() -> string', (text) => (text as string).replaceAll(SPACES, '')]],
  join: [['list_join', 'list<string>.() -> string', join], ['list_join_string', 'list<string>.(string) -> string', join]],
  format: [['string_format', 'string.(list<dyn>) -> string', formatText]],
  'strings.quote': [['strings_quote', '(string) -> string', quote]],
};
