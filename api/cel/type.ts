/** Types as the checker reasons about them, with parameters to be found out. Provenance: checker/{types,format}.go of cel-go v0.26. */
import type { CelObject, CelType } from './cel.ts';

export type TypeKind = 'any' | 'bool' | 'bytes' | 'double' | 'duration' | 'dyn' | 'error' | 'int' | 'list' | 'map' | 'null' | 'object' | 'opaque' | 'param' | 'string' | 'timestamp' | 'type' | 'uint';

export interface Type {
  readonly kind: TypeKind;
  readonly name: string;
  readonly of: readonly Type[];
  readonly object?: CelObject;
  /** It may be null as well, as protobuf's wrappers of simple values. */
  readonly nullable?: true;
}

function simple(kind: TypeKind, name: string = kind): Type {
  return { kind, name, of: [] };
}

export const DYN = simple('dyn');
export const BOOL = simple('bool');
export const INT = simple('int');
export const STRING = simple('string');
export const NULL = simple('null');
export const ERROR = simple('error', '!error!');

const SIMPLE: Readonly<Record<string, Type>> = {
  dyn: DYN, bool: BOOL, int: INT, uint: simple('uint'), double: simple('double'), string: STRING, bytes: simple('bytes'), null: NULL, timestamp: simple('timestamp'),
  duration: simple('duration'),
};

/** Types of the libraries that are opaque to cel-go; the others count as objects. */
const OPAQUE = new Set(['net.IP', 'net.CIDR']);

export function listOf(item: Type): Type {
  return { kind: 'list', name: 'list', of: [item] };
}

export function mapOf(key: Type, value: Type): Type {
  return { kind: 'map', name: 'map', of: [key, value] };
}

export function optionalOf(value: Type): Type {
  return { kind: 'opaque', name: 'optional_type', of: [value] };
}

export function nullable(type: Type): Type {
  return { ...type, nullable: true };
}

export function typeOf(of: Type): Type {
  return { kind: 'type', name: 'type', of: [of] };
}

export function param(name: string): Type {
  return { kind: 'param', name, of: [] };
}

export function library(name: string): Type {
  return simple(OPAQUE.has(name) ? 'opaque' : 'object', name);
}

export function simpleType(name: string): Type | undefined {
  return Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
}

export function internalType(type: CelType): Type {
  switch (type.kind) {
    case 'list':
      return listOf(internalType(type.of));
    case 'map':
      return mapOf(type.key ? internalType(type.key) : STRING, internalType(type.of));
    case 'optional':
      return optionalOf(internalType(type.of));
    case 'object':
      return { kind: 'object', name: type.name, of: [], object: type };
    case 'library':
      return library(type.name);
    default:
      return SIMPLE[type.kind] as Type;
  }
}

export function publicType(type: Type): CelType {
  switch (type.kind) {
    case 'list':
      return { kind: 'list', of: publicType(type.of[0] ?? DYN) };
    case 'map':
      return { kind: 'map', of: publicType(type.of[1] ?? DYN), ...(type.of[0]?.kind !== 'string' && { key: publicType(type.of[0] ?? DYN) }) };
    case 'object':
      return type.object ?? { kind: 'library', name: type.name };
    case 'opaque':
      return isOptional(type) ? { kind: 'optional', of: publicType(type.of[0] ?? DYN) } : { kind: 'library', name: type.name };
    case 'type':
      return { kind: 'library', name: `type(${declaredName(type.of[0] ?? DYN)})` };
    case 'any':
      return { kind: 'library', name: declaredName(type) };
    case 'param':
    case 'error':
      return { kind: 'dyn' };
    default:
      return { kind: type.kind };
  }
}

export function isOptional(type: Type): boolean {
  return type.kind === 'opaque' && type.name === 'optional_type';
}

export function isDynOrError(type: Type): boolean {
  return type.kind === 'dyn' || type.kind === 'any' || type.kind === 'error';
}

export function showType(type: Type): string {
  if (type.nullable) return `wrapper(${type.name})`;
  return type.of.length === 0 ? type.name : `${type.name}(${type.of.map(showType).join(', ')})`;
}

/** As upstream shows a type that an expression names. */
export function declaredName(type: Type): string {
  const inner = type.of.length === 0 ? '' : `(${type.of.map(declaredName).join(', ')})`;
  return (type.nullable ? showType(type) : (DECLARED[type.kind] ?? type.name)) + inner;
}

const DECLARED: Readonly<Record<string, string>> = { any: 'google.protobuf.Any', null: 'null_type', timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration' };

export function isExact(a: Type, b: Type): boolean {
  return a === b || (a.kind === b.kind && a.name === b.name && a.of.length === b.of.length && a.of.every((one, at) => isExact(one, b.of[at] as Type)));
}

/** What parameters stand for, as far as it is known. Attempts that fail leave no trace: they run on a copy. */
export type Mapping = Map<string, Type>;

/** The mapping afterwards, or undefined where `from` cannot stand for `to`. */
export function assignable(mapping: Mapping, from: readonly Type[], to: readonly Type[]): Mapping | undefined {
  const attempt = new Map(mapping);
  return fitAll(attempt, from, to) ? attempt : undefined;
}

function fitAll(mapping: Mapping, from: readonly Type[], to: readonly Type[]): boolean {
  return from.length === to.length && from.every((one, at) => fit(mapping, one, to[at] as Type));
}

function fit(mapping: Mapping, a: Type, b: Type): boolean {
  if (b.kind === 'param') {
    const { valid, bound } = bind(mapping, a, b);
    if (valid) return true;
    if (bound) return false;
  }
  if (a.kind === 'param') return bind(mapping, b, a).valid;
  if (isDynOrError(a) || isDynOrError(b)) return true;
  if (a.kind === 'null') return isNullable(b);
  if (b.kind === 'null') return isNullable(a);
  switch (a.kind) {
    case 'type':
      return b.kind === 'type';
    case 'opaque':
    case 'list':
    case 'map':
      return a.kind === b.kind && a.name === b.name && fitAll(mapping, a.of, b.of);
    default:
      return a.kind === b.kind && a.name === b.name;
  }
}

function isNullable({ kind, nullable: wrapped }: Type): boolean {
  return wrapped === true || kind === 'null' || kind === 'opaque' || kind === 'object' || kind === 'duration' || kind === 'timestamp' || kind === 'any';
}

function bind(mapping: Mapping, type: Type, parameter: Type): { valid: boolean; bound: boolean } {
  if (type.kind === 'param' && type.name === parameter.name) return { valid: true, bound: true };
  const known = mapping.get(parameter.name);
  if (known) {
    if (isExact(type, known)) return { valid: true, bound: true };
    if (!fit(mapping, type, known)) return { valid: false, bound: true };
    const wider = mostGeneral(type, known);
    if (!occurs(mapping, parameter, wider)) mapping.set(parameter.name, wider);
    return { valid: true, bound: true };
  }
  if (occurs(mapping, parameter, type)) return { valid: false, bound: false };
  mapping.set(parameter.name, type);
  return { valid: true, bound: false };
}

function occurs(mapping: Mapping, parameter: Type, within: Type): boolean {
  if (within.kind === 'param') {
    if (within.name === parameter.name) return true;
    const known = mapping.get(within.name);
    return known !== undefined && occurs(mapping, parameter, known);
  }
  return within.of.some((one) => occurs(mapping, parameter, one));
}

export function mostGeneral(a: Type, b: Type): Type {
  return isWider(a, b) ? a : b;
}

function isWider(a: Type, b: Type): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true;
  if (b.kind === 'dyn' || b.kind === 'param' || a.kind !== b.kind) return false;
  if (a.kind === 'type') return true;
  return a.name === b.name && a.of.length === b.of.length && a.of.every((one, at) => isWider(one, b.of[at] as Type));
}

/** Puts in what is known of parameters. `toDyn`: those that stay unknown could be anything. */
export function substitute(mapping: Mapping, type: Type, toDyn: boolean): Type {
  if (type.kind === 'param') {
    const known = mapping.get(type.name);
    if (known) return substitute(mapping, known, toDyn);
    return toDyn ? DYN : type;
  }
  if (type.of.length === 0) return type;
  return { ...type, of: type.of.map((one) => substitute(mapping, one, toDyn)) };
}
