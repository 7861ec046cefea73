/** What server-side apply must know of a schema: which values are leaves, and how items of lists are told apart. Compiled lazily. */
import { typeFact } from '../facts/facts.ts';
import type { FieldFact } from '../facts/fact.ts';
import type { Schema } from '../schema.ts';

export type Scalar = 'string' | 'numeric' | 'boolean' | 'untyped';

/** The forms that a value may have; most types allow one. */
export interface Atom {
  readonly scalar?: Scalar;
  readonly list?: ListAtom;
  readonly map?: MapAtom;
}

export interface ListAtom {
  /** Atomic lists are one value; in others, items are told apart by their keys, or by themselves where there are none. */
  readonly atomic: boolean;
  readonly keys: readonly string[];
  readonly element: Type;
}

export interface MapAtom {
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, Field>;
  /** What keys that are no fields hold; absent: there may be none. */
  readonly element: Type | undefined;
  /** Fields that upstream's objects always have, and what these hold when nothing was said: `{}`, null, 0, … */
  readonly always: ReadonlyMap<string, unknown>;
}

export interface Field {
  readonly type: Type;
  readonly default: unknown;
}

/** A type whose atom is made when it is first asked for; types may contain themselves. */
export class Type {
  #make: (() => Atom) | undefined;
  #atom: Atom = {};
  constructor(make: () => Atom) {
    this.#make = make;
  }
  get atom(): Atom {
    if (this.#make) {
      this.#atom = this.#make();
      this.#make = undefined;
    }
    return this.#atom;
  }
}

export function typeOf(schema: Schema): Type {
  return 'type' in schema ? namedType(schema.type) : rootType(schema.structural);
}

const scalarTypes: Record<Scalar, Type> = {
  string: new Type(() => ({ scalar: 'string' })),
  numeric: new Type(() => ({ scalar: 'numeric' })),
  boolean: new Type(() => ({ scalar: 'boolean' })),
  untyped: new Type(() => ({ scalar: 'untyped' })),
};

const NO_FIELDS: ReadonlyMap<string, Field> = new Map();
const NEVER: ReadonlyMap<string, unknown> = new Map();

/** Any JSON, owned as one value. */
const untyped: Type = new Type(() => ({
  scalar: 'untyped',
  list: { atomic: true, keys: [], element: untyped },
  map: { atomic: true, fields: NO_FIELDS, element: untyped, always: NEVER },
}));

/** Any JSON, whose objects are owned field by field. */
const deduced: Type = new Type(() => ({
  scalar: 'untyped',
  list: { atomic: true, keys: [], element: untyped },
  map: { atomic: false, fields: NO_FIELDS, element: deduced, always: NEVER },
}));

const namedTypes = new Map<string, Type>();

function namedType(name: string): Type {
  let type = namedTypes.get(name);
  if (!type) namedTypes.set(name, (type = new Type(() => namedAtom(name))));
  return type;
}

function namedAtom(name: string): Atom {
  const fact = typeFact(name);
  if (!fact) return deduced.atom;
  if (fact.form) return formType(fact.form).atom;
  const facts = fieldsOf(name);
  if (facts.length === 0) return untyped.atom;
  const fields = new Map(facts.map((field) => [field.name ?? '', { type: fieldType(field), default: field.default }]));
  const always = new Map(facts.filter(isAlwaysThere).map((field) => [field.name ?? '', zeroOf(field)]));
  return { map: { atomic: fact.mapType === 'atomic', fields, element: undefined, always } };
}

function fieldsOf(type: string): FieldFact[] {
  return (typeFact(type)?.fields ?? []).flatMap((field) => (field.inline && field.ref ? fieldsOf(field.ref) : [field]));
}

/** Scalars, lists and maps can be left out when they are empty; structs that are no pointers cannot. */
const OMISSIBLE = new Set(['string', 'bytes', 'bool', 'int32', 'int64', 'double', 'list', 'map', 'any']);
const ZEROS: Readonly<Record<string, unknown>> = {
  string: '', bool: false, int32: 0, int64: 0, double: 0, ref: Object.freeze({}), quantity: '0', intorstring: 0, duration: '0s',
};

function isAlwaysThere(field: FieldFact): boolean {
  return !field.omitzero && !(field.omitempty && (field.pointer || OMISSIBLE.has(field.kind)));
}

function zeroOf(field: FieldFact): unknown {
  return field.pointer ? null : (ZEROS[field.kind] ?? null);
}

function fieldType(field: FieldFact): Type {
  switch (field.kind) {
    case 'list':
      return new Type(() => ({
        list: {
          atomic: field.listType !== 'map' && field.listType !== 'set',
          keys: field.mapKeys ?? [],
          element: field.of ? fieldType(field.of) : untyped,
        },
      }));
    case 'map':
      return new Type(() => ({
        map: { atomic: field.mapType === 'atomic', fields: NO_FIELDS, element: field.of ? fieldType(field.of) : untyped, always: NEVER },
      }));
    case 'ref': {
      const type = namedType(field.ref ?? '');
      if (!field.mapType) return type;
      return new Type(() => (type.atom.map ? { ...type.atom, map: { ...type.atom.map, atomic: field.mapType === 'atomic' } } : type.atom));
    }
    default:
      return formType(field.kind);
  }
}

function formType(form: string): Type {
  switch (form) {
    case 'string':
    case 'bytes':
    case 'duration':
      return scalarTypes.string;
    case 'bool':
      return scalarTypes.boolean;
    case 'int32':
    case 'int64':
    case 'double':
      return scalarTypes.numeric;
    case 'time':
    case 'microtime':
    case 'quantity':
      return scalarTypes.untyped;
    case 'rawextension':
      return untyped;
    default:
      return deduced;
  }
}

type Structural = Readonly<Record<string, unknown>>;

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const roots = new WeakMap<Structural, Type>();

/** The root of a custom resource, which has what every object has. */
function rootType(schema: Structural): Type {
  let type = roots.get(schema);
  if (!type) roots.set(schema, (type = new Type(() => withObjectFields(structuralAtom(schema, false)))));
  return type;
}

function withObjectFields(atom: Atom): Atom {
  if (!atom.map) return atom;
  const fields = new Map(atom.map.fields);
  for (const name of ['apiVersion', 'kind']) fields.set(name, { type: scalarTypes.string, default: undefined });
  fields.set('metadata', { type: namedType(OBJECT_META), default: undefined });
  return { ...atom, map: { ...atom.map, fields } };
}

/** `preserve`: the schema, or one around it, keeps fields that it does not name. */
function structuralType(schema: Structural, preserve: boolean): Type {
  return new Type(() => {
    const atom = structuralAtom(schema, preserve);
    return schema['x-kubernetes-embedded-resource'] === true ? withObjectFields(atom) : atom;
  });
}

function structuralAtom(schema: Structural, around: boolean): Atom {
  // What is neither is for validation to tell.
  if (schema['x-kubernetes-int-or-string'] === true) return deduced.atom;
  const preserve = around || schema['x-kubernetes-preserve-unknown-fields'] === true;
  switch (schema['type']) {
    case 'object':
      return { map: structuralMap(schema, preserve) };
    case 'array': {
      const listType = schema['x-kubernetes-list-type'];
      const keys = (schema['x-kubernetes-list-map-keys'] as string[] | undefined) ?? [];
      const items = schema['items'] as Structural | undefined;
      const element = items ? structuralType(items, preserve) : untyped;
      return { list: { atomic: listType !== 'map' && listType !== 'set', keys: listType === 'map' ? keys : [], element } };
    }
    case 'string':
      // Texts of some form are told apart by validation alone.
      return schema['format'] && schema['format'] !== 'byte' ? scalarTypes.untyped.atom : scalarTypes.string.atom;
    case 'integer':
    case 'number':
      return scalarTypes.numeric.atom;
    case 'boolean':
      return scalarTypes.boolean.atom;
    default:
      return deduced.atom;
  }
}

function structuralMap(schema: Structural, preserve: boolean): MapAtom {
  const properties = Object.entries((schema['properties'] as Record<string, Structural> | undefined) ?? {});
  const fields = new Map(properties.map(([name, inner]) => [name, { type: structuralType(inner, preserve), default: inner['default'] }]));
  const additional = schema['additionalProperties'];
  let element: Type | undefined;
  if (typeof additional === 'object' && additional !== null) element = structuralType(additional as Structural, preserve);
  else if (additional === true || (additional === undefined && (preserve || fields.size === 0))) element = deduced;
  return { atomic: schema['x-kubernetes-map-type'] === 'atomic', fields, element, always: NEVER };
}
