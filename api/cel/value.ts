/** Values while an expression runs: JSON is read where it stands, as its declared type, and never copied. */
import type { CelObject, CelType } from './cel.ts';
import { Duration, parseDate, parseDuration, parseTimestamp, Timestamp } from './time.ts';

export const MIN_INT = -(2n ** 63n);
export const MAX_INT = 2n ** 63n - 1n;
export const MAX_UINT = 2n ** 64n - 1n;

/** An int is a bigint, a double a number; strings, booleans and null are themselves. */
export type Value = bigint | boolean | number | string | null | Uint8Array | Uint | Timestamp | Duration | Optional | TypeValue | List | Mapper | Fault | Library;

export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** What went wrong, as a value: `||` and `&&` may not need the part that failed. */
export class Fault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export const NO_OVERLOAD = new Fault('no such overload');

/** `NONE` stands for all that are empty. */
export class Optional {
  readonly value: Value | undefined;

  constructor(value: Value | undefined) {
    this.value = value;
  }
}

export const NONE = new Optional(undefined);

export class TypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A value of Kubernetes' own types. */
export abstract class Library {
  abstract readonly typeName: string;
  abstract equals(other: Library): boolean | Fault;

  /** What `size` would count, for costs. */
  get size(): number {
    return 1;
  }

  toJson(): unknown {
    return undefined;
  }
}

export abstract class List {
  abstract readonly size: number;
  abstract at(index: number): Value;

  /** How items are told apart where their order does not matter. */
  get identity(): 'set' | readonly string[] | undefined {
    return undefined;
  }

  *[Symbol.iterator](): Iterator<Value> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }
}

export class Items extends List {
  readonly items: Value[];

  constructor(items: Value[]) {
    super();
    this.items = items;
  }

  get size(): number {
    return this.items.length;
  }

  at(index: number): Value {
    return this.items[index] as Value;
  }
}

class JsonList extends List {
  readonly json: readonly unknown[];
  readonly type: CelType & { readonly kind: 'list' };

  constructor(json: readonly unknown[], type: CelType & { readonly kind: 'list' }) {
    super();
    this.json = json;
    this.type = type;
  }

  get size(): number {
    return this.json.length;
  }

  override get identity(): 'set' | readonly string[] | undefined {
    return this.type.identity;
  }

  at(index: number): Value {
    return fromJson(this.json[index], this.type.of);
  }
}

/** What has entries or fields. */
export abstract class Mapper {
  abstract readonly size: number;
  abstract readonly typeName: string;
  /** Undefined: not there. */
  abstract get(key: Value): Value | undefined;
  abstract keys(): Iterable<Value>;
}

export class Entries extends Mapper {
  readonly typeName = 'map';
  readonly #entries = new Map<unknown, readonly [Value, Value]>();

  get size(): number {
    return this.#entries.size;
  }

  /** In place of what was there. */
  put(key: Value, value: Value): void {
    this.#entries.set(normalKey(key), [key, value]);
  }

  /** False: there was one. */
  add(key: Value, value: Value): boolean {
    const normal = normalKey(key);
    if (this.#entries.has(normal)) return false;
    this.#entries.set(normal, [key, value]);
    return true;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(normalKey(key))?.[1];
  }

  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key;
  }
}

/** Numbers are the same key whatever their type. */
function normalKey(key: Value): unknown {
  if (key instanceof Uint) return key.value;
  return typeof key === 'number' && Number.isInteger(key) ? BigInt(key) : key;
}

class JsonMap extends Mapper {
  readonly typeName = 'map';
  readonly json: Readonly<Record<string, unknown>>;
  readonly of: CelType;

  constructor(json: Readonly<Record<string, unknown>>, of: CelType) {
    super();
    this.json = json;
    this.of = of;
  }

  get size(): number {
    return Object.keys(this.json).length;
  }

  get(key: Value): Value | undefined {
    return typeof key === 'string' && Object.hasOwn(this.json, key) ? fromJson(this.json[key], this.of) : undefined;
  }

  keys(): Iterable<Value> {
    return Object.keys(this.json);
  }
}

class JsonObject extends Mapper {
  readonly typeName = 'map';
  readonly json: Readonly<Record<string, unknown>>;
  readonly #type: CelObject;

  constructor(json: Readonly<Record<string, unknown>>, type: CelObject) {
    super();
    this.json = json;
    this.#type = type;
  }

  get size(): number {
    return Object.keys(this.json).length;
  }

  /** A field that is null counts as absent. */
  get(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined;
    const of = this.#type.field(key);
    const name = this.#type.property?.(key) ?? key;
    if (!of || !Object.hasOwn(this.json, name)) return undefined;
    const value = this.json[name];
    return value === undefined || value === null ? undefined : fromJson(value, of);
  }

  keys(): Iterable<Value> {
    return Object.keys(this.json);
  }
}

/** What is there but not declared is compared as it stands. */
export function undeclared(mapper: Mapper, key: Value): unknown {
  return mapper instanceof JsonObject && typeof key === 'string' && Object.hasOwn(mapper.json, key) ? mapper.json[key] : undefined;
}

/** It is read from JSON, by a type that tells what is in it. */
export function isTypedJson(value: Value): boolean {
  if (value instanceof JsonList) return value.type.of.kind !== 'dyn';
  return value instanceof JsonObject || (value instanceof JsonMap && value.of.kind !== 'dyn');
}

/** Fields that an expression gave, with their values. */
export class MadeObject extends Mapper {
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, Value>;

  constructor(typeName: string, fields: ReadonlyMap<string, Value>) {
    super();
    this.typeName = typeName;
    this.fields = fields;
  }

  get size(): number {
    return this.fields.size;
  }

  get(key: Value): Value | undefined {
    return this.fields.get(key as string);
  }

  keys(): Iterable<Value> {
    return this.fields.keys();
  }
}

export function isJsonBacked(value: Value): value is JsonObject | JsonMap | JsonList {
  return value instanceof JsonObject || value instanceof JsonMap || value instanceof JsonList;
}

const DYN: CelType = { kind: 'dyn' };
const DYN_LIST = { kind: 'list', of: DYN } as const;

/** Reads plain JSON as a value of a type; values stay what they are. */
export function fromJson(json: unknown, type: CelType): Value {
  if (type.kind === 'optional') return optionalFromJson(json, type.of);
  switch (typeof json) {
    case 'string':
      return fromString(json, type);
    case 'number':
      return type.kind === 'double' || !Number.isInteger(json) ? json : BigInt(json);
    case 'boolean':
    case 'bigint':
      return type.kind === 'double' ? Number(json) : json;
    case 'undefined':
      return null;
    default:
      if (json === null) return null;
      return fromObject(json as object, type);
  }
}

function optionalFromJson(json: unknown, of: CelType): Optional {
  if (json instanceof Optional) return json;
  return json === undefined ? NONE : new Optional(fromJson(json, of));
}

function fromObject(json: object, type: CelType): Value {
  if (Array.isArray(json)) return new JsonList(json, type.kind === 'list' ? type : DYN_LIST);
  if (isValue(json)) return json;
  if (type.kind === 'object') return new JsonObject(json as Record<string, unknown>, type);
  return new JsonMap(json as Record<string, unknown>, type.kind === 'map' ? type.of : DYN);
}

function isValue(json: object): json is Exclude<Value, bigint | boolean | number | string | null> {
  return (
    json instanceof Mapper || json instanceof List || json instanceof Library || json instanceof Optional || json instanceof Uint || json instanceof Timestamp ||
    json instanceof Duration || json instanceof Uint8Array || json instanceof TypeValue || json instanceof Fault
  );
}

function fromString(text: string, type: CelType): Value {
  switch (type.kind) {
    case 'timestamp':
      return parseTimestamp(text) ?? parseDate(text) ?? new Fault(`Invalid date-time formatted string ${text}`);
    case 'duration':
      return parseDuration(text) ?? new Fault(`Invalid duration ${text}`);
    case 'bytes':
      return fromBase64(text) ?? new Fault(`Invalid byte formatted string ${text}`);
    default:
      return text;
  }
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** What JSON has no word for becomes a text, or undefined. */
export function toJson(value: Value): unknown {
  switch (typeof value) {
    case 'bigint':
      return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
    case 'object':
      return value === null ? null : structureToJson(value);
    default:
      return value;
  }
}

function structureToJson(value: Exclude<Value, bigint | boolean | number | string | null>): unknown {
  if (isJsonBacked(value)) return value.json;
  if (value instanceof List) return [...value].map(toJson);
  if (value instanceof Mapper) return Object.fromEntries([...value.keys()].map((key) => [String(toJson(key)), toJson(value.get(key) as Value)]));
  if (value instanceof Uint) return toJson(value.value);
  if (value instanceof Timestamp || value instanceof Duration) return value.toString();
  if (value instanceof Uint8Array) return btoa(String.fromCharCode(...value));
  if (value instanceof Optional) return value.value === undefined ? undefined : toJson(value.value);
  if (value instanceof TypeValue) return value.name;
  return value instanceof Library ? value.toJson() : undefined;
}

export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      return value === null ? 'null_type' : structureName(value);
  }
}

function structureName(value: Exclude<Value, bigint | boolean | number | string | null>): string {
  if (value instanceof List) return 'list';
  if (value instanceof Mapper || value instanceof Library) return value.typeName;
  if (value instanceof Uint) return 'uint';
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
  if (value instanceof Duration) return 'google.protobuf.Duration';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Optional) return 'optional_type';
  return value instanceof TypeValue ? 'type' : 'error';
}
