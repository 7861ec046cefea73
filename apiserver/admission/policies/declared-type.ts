/** The type of a kind's objects as type checking sees it: what the schema names, and nothing else. Provenance: cel/common/schemas.go of apiserver v0.36. */
import type { CelObject, CelType } from '../../../api/cel/cel.ts';
import { typeFact } from '../../../api/facts/facts.ts';
import type { FieldFact } from '../../../api/facts/fact.ts';
import type { Schema } from '../../../api/schema.ts';

/** Undefined: expressions cannot speak of it. */
export function declaredType(schema: Schema): CelType | undefined {
  return 'type' in schema ? namedType(schema.type) : structuralType(schema.structural, true);
}

const STRING: CelType = { kind: 'string' };
const known = new Map<string, CelType | undefined>();

function namedType(name: string): CelType | undefined {
  if (known.has(name)) return known.get(name);
  const fact = typeFact(name);
  const type = fact?.form ? formType(fact.form) : fact && objectOf(name, (field) => fieldsOf(name).get(field));
  known.set(name, type);
  return type;
}

const fields = new Map<string, Map<string, CelType>>();

/** Made when it is first asked for: types may contain themselves. */
function fieldsOf(name: string): Map<string, CelType> {
  let made = fields.get(name);
  if (!made) {
    const facts = flatFields(name);
    made = new Map(facts.flatMap((field): [string, CelType][] => {
      const type = factType(field);
      return type && field.name ? [[field.name, type]] : [];
    }));
    fields.set(name, made);
  }
  return made;
}

function flatFields(name: string): FieldFact[] {
  return (typeFact(name)?.fields ?? []).flatMap((field) => (field.inline && field.ref ? flatFields(field.ref) : [field]));
}

function factType(field: FieldFact): CelType | undefined {
  const { kind, of, ref } = field;
  if (kind === 'ref') return ref === undefined ? undefined : namedType(ref);
  if (kind === 'list' || kind === 'map') {
    const inner = of && factType(of);
    return inner && { kind, of: inner };
  }
  return formType(kind);
}

/** Quantities have two types and JSON of any form has none: expressions that name them are warned of. */
function formType(form: string): CelType | undefined {
  switch (form) {
    case 'string':
    case 'duration':
      return STRING;
    case 'bool':
    case 'double':
    case 'bytes':
      return { kind: form };
    case 'int32':
    case 'int64':
      return { kind: 'int' };
    case 'time':
    case 'microtime':
      return { kind: 'timestamp' };
    case 'intorstring':
      return { kind: 'dyn' };
    case 'rawextension':
    case 'fieldsv1':
      return objectOf(form, () => undefined);
    default:
      return undefined;
  }
}

type Structural = Readonly<Record<string, unknown>>;

const FORMATS: Readonly<Record<string, CelType>> = { byte: { kind: 'bytes' }, duration: { kind: 'duration' }, date: { kind: 'timestamp' }, 'date-time': { kind: 'timestamp' } };

function structuralType(schema: Structural, root: boolean): CelType | undefined {
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'dyn' };
  switch (root ? 'object' : schema['type']) {
    case 'object':
      return structuralObject(schema, root || schema['x-kubernetes-embedded-resource'] === true);
    case 'array': {
      const items = schema['items'] as Structural | undefined;
      const of = items && structuralType(items, false);
      return of && { kind: 'list', of };
    }
    case 'string':
      return FORMATS[schema['format'] as string] ?? STRING;
    case 'boolean':
      return { kind: 'bool' };
    case 'number':
      return { kind: 'double' };
    case 'integer':
      return { kind: 'int' };
    default:
      return undefined;
  }
}

function structuralObject(schema: Structural, root: boolean): CelType | undefined {
  const additional = schema['additionalProperties'];
  if (!root && typeof additional === 'object' && additional !== null) {
    const of = structuralType(additional as Structural, false);
    return of && { kind: 'map', of };
  }
  const properties = (schema['properties'] as Record<string, Structural> | undefined) ?? {};
  return objectOf('object', (name) => {
    const own = Object.hasOwn(properties, name) ? structuralType(properties[name] as Structural, false) : undefined;
    return root ? (ROOT[name] ?? own) : own;
  });
}

const ROOT: Readonly<Record<string, CelType>> = {
  apiVersion: STRING, kind: STRING, metadata: objectOf('metadata', (name) => (name === 'name' || name === 'generateName' ? STRING : undefined)),
};

function objectOf(name: string, property: (name: string) => CelType | undefined): CelObject {
  return { kind: 'object', name, field: (field) => property(field) ?? (field.includes('__') ? property(unescape(field)) : undefined), property: unescape };
}

const ESCAPES: Readonly<Record<string, string>> = { underscores: '__', dot: '.', dash: '-', slash: '/' };

/** Names that are no identifiers are written otherwise. */
function unescape(name: string): string {
  const word = /^__([a-z]+)__$/.exec(name)?.[1];
  if (word !== undefined && !Object.hasOwn(ESCAPES, word)) return word;
  return name.replaceAll(/__(underscores|dot|dash|slash)__/g, (_, which: string) => ESCAPES[which] ?? '');
}
