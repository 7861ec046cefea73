/**
 * Reads JSON values as Go's typed structs would, and gives back what such structs print: per type one function, made when first asked for.
 *
 * A function gets a value that is there (null counts) and returns what is printed, or undefined where nothing is.
 */
import { knownType } from '../facts/facts.ts';
import type { FieldFact, TypeFact } from '../facts/fact.ts';
import type { Context, Convert } from './context.ts';
import { emptiesOf, isEmptyCollection, noteEmpties } from './empties.ts';
import { convertScalar } from './convert-scalars.ts';
import { convertSchemas } from './convert-schemas.ts';
import { setKey, WrittenNumber, type Duplicate } from './json-text.ts';

const JSON_SCHEMA = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

interface Slot {
  readonly name: string;
  readonly index: number;
  readonly convert: Convert;
  /** What is printed when nothing was given; absent: nothing. */
  readonly absent: (() => unknown) | undefined;
}

const convertSchema = convertSchemas((value, context) => convertType(JSON_SCHEMA)(value, context));

const structs = new Map<string, Convert>();
const fields = new Map<string, readonly FieldFact[]>();

export function convertType(name: string): Convert {
  let convert = structs.get(name);
  if (!convert) {
    const fact = knownType(name);
    if (fact.form) convert = valueConvert({ kind: fact.form, ref: name });
    else {
      // Types may contain themselves: the entry stands before its fields are compiled, which happens at the first call.
      let compiled: Convert | undefined;
      convert = (value, context) => (compiled ??= compileStruct(fact))(value, context);
    }
    structs.set(name, convert);
  }
  return convert;
}

/** A type's fields as they stand in JSON: those of inlined types included. */
export function jsonFields(type: string): readonly FieldFact[] {
  let list = fields.get(type);
  if (!list) {
    list = knownType(type).fields.flatMap((field) => (field.inline && field.ref ? jsonFields(field.ref) : field.name ? [field] : []));
    fields.set(type, list);
  }
  return list;
}

/** Only of an object itself, and of what stands directly in it, is it remembered that it has its form. */
const FORMED_DEPTH = 1;

function compileStruct(fact: TypeFact): Convert {
  const slots = jsonFields(fact.name).map((field, index): Slot => ({
    name: field.name as string, index, convert: fieldConvert(field, `${fact.name}.${field.name ?? ''}`), absent: absentField(field),
  }));
  const byName = new Map(slots.map((slot) => [slot.name, slot]));
  const always = slots.filter((slot) => slot.absent).length;
  // Frozen values that were found to have their form.
  const formed = new WeakSet<object>();
  const known = (key: string): boolean => byName.has(key);

  const inOrder = (out: Readonly<Record<string, unknown>>): Record<string, unknown> => {
    const sorted: Record<string, unknown> = {};
    for (const { name, absent } of slots) {
      const value = out[name];
      if (value !== undefined) sorted[name] = value;
      else if (absent) sorted[name] = absent();
    }
    return sorted;
  };

  return (value, context) => {
    if (value === null) return inOrder({});
    if (typeof value !== 'object' || Array.isArray(value) || value instanceof WrittenNumber) return context.mistyped(value, goTypeName(fact.name));
    const input = context.fieldOrder ? inFieldOrder(value as Readonly<Record<string, unknown>>, slots) : (value as Readonly<Record<string, unknown>>);
    if (context.depth <= FORMED_DEPTH && context.keeps && formed.has(input)) return input;
    const twice = context.duplicates?.get(input);
    // Undefined as long as nothing differs from what came in.
    let out: Record<string, unknown> | undefined = context.keeps ? undefined : {};
    const depth = context.depth++;
    let last = -1;
    let ordered = true;
    let found = 0;
    let position = 0;
    let noted = 0;
    let empties: Record<string, 'list' | 'map'> | undefined = carried(input, byName);
    for (const key in input) {
      if (twice) noted = context.duplicatesBefore({ list: twice, from: noted, index: position++, known, depth });
      const given = input[key];
      const slot = given === undefined ? undefined : byName.get(key);
      if (!slot) {
        out ??= upTo(input, key);
        if (given === undefined) continue;
        context.depth = depth;
        context.unknownField(key);
        context.depth = depth + 1;
        continue;
      }
      context.steps[depth] = key;
      context.struct = fact.name;
      const converted = slot.convert(twice ? valueOf(input, key, twice) : given, context);
      if (converted === undefined) {
        out ??= upTo(input, key);
        if (isEmptyCollection(given)) (empties ??= {})[key] = Array.isArray(given) ? 'list' : 'map';
        continue;
      }
      if (out) out[key] = converted;
      else if (converted !== given) (out = upTo(input, key))[key] = converted;
      if (slot.absent) found++;
      if (slot.index < last) ordered = false;
      last = slot.index;
    }
    context.depth = depth;
    if (twice) context.duplicatesBefore({ list: twice, from: noted, index: Infinity, known, depth });
    const done = ordered && found === always ? (out ?? input) : inOrder(out ?? input);
    if (empties || context.empties) {
      // What came in has its note already. One without fields says that there may be others inside.
      if (done !== input) noteEmpties(done, empties ?? {});
      context.empties = true;
    }
    if (depth <= FORMED_DEPTH && done === input && context.keeps && !context.empties && Object.isFrozen(input)) formed.add(input);
    return done;
  };
}

function inFieldOrder(input: Readonly<Record<string, unknown>>, slots: readonly Slot[]): Readonly<Record<string, unknown>> {
  const sorted: Record<string, unknown> = {};
  for (const { name } of slots) if (Object.hasOwn(input, name)) setKey(sorted, name, input[name]);
  for (const key in input) if (!Object.hasOwn(sorted, key)) setKey(sorted, key, input[key]);
  return sorted;
}

/** The fields that come before one of them. */
function upTo(input: Readonly<Record<string, unknown>>, end: string): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const key in input) {
    if (key === end) break;
    setKey(out, key, input[key]);
  }
  return out;
}

/** What was noted when the value was decoded before. */
function carried(input: Readonly<Record<string, unknown>>, known: ReadonlyMap<string, unknown>): Record<string, 'list' | 'map'> | undefined {
  const before = emptiesOf(input);
  if (!before) return undefined;
  const still = Object.entries(before).filter(([name]) => input[name] === undefined && known.has(name));
  return still.length > 0 ? Object.fromEntries(still) : undefined;
}

/** A struct that comes twice is read into one. */
function valueOf(input: Readonly<Record<string, unknown>>, key: string, twice: readonly Duplicate[]): unknown {
  return twice.findLast((one) => one.key === key)?.merged ?? input[key];
}

/** Lists whose defaults tell empty from absent. Validation refuses them, so that none is ever printed. */
const KEPT_WHEN_EMPTY: ReadonlySet<string> = new Set(['io.k8s.api.autoscaling.v2.HPAScalingRules.policies']);

/** A field: whether it may be null, and whether it is left out when empty. */
function fieldConvert(field: FieldFact, name: string): Convert {
  const convert = valueConvert(field);
  const none = field.omitempty || field.omitzero ? undefined : null;
  if (field.pointer) return (value, context) => (value === null ? none : convert(value, context));
  const kept = KEPT_WHEN_EMPTY.has(name);
  switch (field.kind) {
    case 'list':
      return (value, context) => {
        const list = convert(value, context) as unknown[] | null | undefined;
        return !list || (list.length === 0 && none === undefined && !kept) ? none : list;
      };
    case 'map':
      return (value, context) => {
        const map = convert(value, context) as object | null | undefined;
        return !map || (none === undefined && isEmpty(map)) ? none : map;
      };
    case 'string':
    case 'bool':
    case 'int32':
    case 'int64':
    case 'double':
      if (none === null) return convert;
      return (value, context) => convert(value, context) || undefined;
    case 'bytes':
      return none === null ? convert : (value, context) => convert(value, context) || none;
    case 'any':
      return (value, context) => convert(value, context) ?? none;
    case 'time':
      return field.omitzero ? (value, context) => convert(value, context) ?? undefined : convert;
    default:
      return convert;
  }
}

function absentField(field: FieldFact): (() => unknown) | undefined {
  if (field.pointer || field.kind === 'bytes' || field.kind === 'any' || field.kind === 'list' || field.kind === 'map') return field.omitempty ? undefined : () => null;
  switch (field.kind) {
    case 'string':
      return field.omitempty ? undefined : () => '';
    case 'bool':
      return field.omitempty ? undefined : () => false;
    case 'int32':
    case 'int64':
    case 'double':
      return field.omitempty ? undefined : () => 0;
    case 'ref': {
      const convert = convertType(field.ref as string);
      return () => convert(null, EMPTY);
    }
    default: {
      if (field.omitzero) return undefined;
      const convert = valueConvert(field);
      return () => convert(null, EMPTY);
    }
  }
}

/** Zero values have nothing wrong in them. */
const EMPTY = undefined as unknown as Context;

/** A value by its kind alone; null gives the zero value. */
function valueConvert(field: FieldFact): Convert {
  switch (field.kind) {
    case 'ref':
      return convertType(field.ref as string);
    case 'list':
      return listConvert(field);
    case 'map':
      return mapConvert(field);
    default:
      return (convertScalar[field.kind] ?? convertSchema[field.kind as keyof typeof convertSchema]) as Convert;
  }
}

function listConvert(field: FieldFact): Convert {
  const of = field.of as FieldFact;
  const convert = valueConvert(of);
  const type = goType(field);
  return (value, context) => {
    if (value === null) return null;
    if (!Array.isArray(value)) return context.mistyped(value, type);
    // A copy has exactly the room that it needs; what grows by pushing has more.
    let out: unknown[] | undefined = context.keeps ? undefined : value.slice();
    const depth = context.depth++;
    const { struct } = context;
    for (let i = 0; i < value.length; i++) {
      context.steps[depth] = i;
      context.struct = struct;
      const converted = convert(value[i], context);
      if (converted !== value[i]) (out ??= value.slice())[i] = converted;
    }
    context.depth = depth;
    return out ?? value;
  };
}

function mapConvert(field: FieldFact): Convert {
  const of = field.of as FieldFact;
  const convert = valueConvert(of);
  const type = goType(field);
  const texts = of.kind === 'string';
  return (value, context) => {
    if (value === null) return null;
    if (typeof value !== 'object' || Array.isArray(value) || value instanceof WrittenNumber) return context.mistyped(value, type);
    const input = value as Readonly<Record<string, unknown>>;
    let out: Record<string, unknown> | undefined = context.keeps ? undefined : {};
    const twice = context.duplicates?.get(input);
    if (twice) context.duplicatesBefore({ list: twice, from: 0, index: Infinity, known: () => true, depth: context.depth });
    const depth = context.depth++;
    const { struct } = context;
    for (const key in input) {
      const inner = input[key];
      if (inner === undefined) {
        out ??= upTo(input, key);
        continue;
      }
      if (texts && typeof inner === 'string' && key !== '__proto__') {
        if (out) out[key] = inner;
        continue;
      }
      context.steps[depth] = { key };
      context.struct = struct;
      // No bytes in a map are empty bytes once they were stored.
      const converted = convert(inner, context) ?? (of.kind === 'bytes' ? '' : null);
      if (!out && converted !== inner) out = upTo(input, key);
      if (out) setKey(out, key, converted);
    }
    context.depth = depth;
    return out ?? input;
  };
}

function isEmpty(map: object): boolean {
  for (const _ in map) return false;
  return true;
}

function goType(field: FieldFact): string {
  switch (field.kind) {
    case 'list':
      return `[]${goType(field.of as FieldFact)}`;
    case 'map':
      return `map[string]${goType(field.of as FieldFact)}`;
    case 'double':
      return 'float64';
    case 'bytes':
      return '[]uint8';
    default:
      return field.ref ? goTypeName(field.ref) : field.kind;
  }
}

/** `v1.PodSpec` */
function goTypeName(name: string): string {
  return name.split('.').slice(-2).join('.');
}
