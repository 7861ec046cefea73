/** Functions that expressions call: overloads with signatures, written as text and read when first needed. */
import { DYN, library, listOf, mapOf, optionalOf, param, simpleType, type Type, typeOf } from './type.ts';
import { Duration, Timestamp } from './time.ts';
import { Library, List, Mapper, Optional, TypeValue, Uint, type Value } from './value.ts';

export type Run = (...args: Value[]) => Value;

export interface Overload {
  readonly id: string;
  readonly member: boolean;
  /** The receiver first. */
  readonly args: readonly Type[];
  readonly result: Type;
  readonly params: readonly string[];
  readonly run: Run;
}

/** `[id, signature, run]`: `string.(int) -> string` is a method, `(A, list<A>) -> bool` a function. */
export type Row = readonly [id: string, signature: string, run: Run];

export function readOverload([id, signature, run]: Row): Overload {
  const [, receiver, args = '', result = ''] = /^(?:(.+)\.)?\((.*)\) -> (.+)$/.exec(signature) ?? [];
  const types = [...(receiver === undefined ? [] : [receiver]), ...split(args)].map(readType);
  return { id, member: receiver !== undefined, args: types, result: readType(result), params: [...new Set(signature.match(/\b[A-Z]\b/g) ?? [])], run };
}

function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '<') depth++;
    else if (text[at] === '>') depth--;
    else if (text[at] === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === '' ? parts : [...parts, last];
}

function readType(text: string): Type {
  if (/^[A-Z]$/.test(text)) return param(text);
  const nested = /^(\w+)<(.+)>$/.exec(text);
  if (!nested) return simpleType(text) ?? library(text);
  const [first = DYN, second = DYN] = split(nested[2] as string).map(readType);
  switch (nested[1]) {
    case 'list':
      return listOf(first);
    case 'map':
      return mapOf(first, second);
    case 'optional':
      return optionalOf(first);
    default:
      return typeOf(first);
  }
}

/** Whether a value can be an argument of this type. */
export function accepts(type: Type, value: Value): boolean {
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'bigint';
    case 'double':
      return typeof value === 'number';
    case 'string':
      return typeof value === 'string';
    case 'list':
      return value instanceof List && (isOpen(type.of[0]) || value.size === 0 || accepts(type.of[0] as Type, value.at(0)));
    case 'map':
      return value instanceof Mapper;
    case 'uint':
      return value instanceof Uint;
    case 'bytes':
      return value instanceof Uint8Array;
    case 'timestamp':
      return value instanceof Timestamp;
    case 'duration':
      return value instanceof Duration;
    case 'null':
      return value === null;
    case 'type':
      return value instanceof TypeValue;
    case 'opaque':
    case 'object':
      return type.name === 'optional_type' ? value instanceof Optional : value instanceof Library && value.typeName === type.name;
    default:
      return true;
  }
}

function isOpen(type: Type | undefined): boolean {
  return type === undefined || type.kind === 'param' || type.kind === 'dyn';
}
