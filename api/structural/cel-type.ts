/** What expressions may say about values of a schema. Provenance: pkg/cel/common/schemas.go and pkg/cel/{types,limits}.go of apiserver v0.36. */
import type { CelObject, CelType } from '../cel/cel.ts';
import { escapeName, isReserved } from '../cel/escape.ts';
import { additionalOf, hasDefault, itemsOf, type JsonSchema } from './json-schema.ts';

/** Nothing larger comes in a request. */
export const REQUEST_LIMIT_BYTES = 3 * 1024 * 1024;

export interface Declared {
  readonly type: CelType;
  /** The least that a value takes in JSON, in bytes. */
  readonly least: number;
}

/** Undefined: expressions see nothing of it. `isResource`: kind, apiVersion and the names are there, declared or not. */
export function declaredType(schema: JsonSchema, isResource: boolean, name = 'selfType'): Declared | undefined {
  if (schema['x-kubernetes-int-or-string']) {
    return { type: { kind: 'dyn', max: schema.maxLength === undefined ? REQUEST_LIMIT_BYTES - 2 : textLimit(schema.maxLength) }, least: 1 };
  }
  switch (schema.type) {
    case 'array':
      return listType(schema, name);
    case 'object':
      return isResource ? objectType(withNames(schema), name) : objectOrMap(schema, name);
    case 'string':
      return stringType(schema);
    case 'boolean':
      return { type: { kind: 'bool' }, least: 4 };
    case 'number':
      return { type: { kind: 'double' }, least: 1 };
    case 'integer':
      return { type: { kind: 'int' }, least: 1 };
    default:
      return undefined;
  }
}

/** Of `maxLength` characters, each may take four bytes. */
function textLimit(maxLength: number): number {
  return Math.max(0, maxLength) * 4;
}

function listType(schema: JsonSchema, name: string): Declared | undefined {
  const items = itemsOf(schema);
  const of = items && declaredType(items, items['x-kubernetes-embedded-resource'] === true, `${name}.@idx`);
  if (!of) return undefined;
  const max = schema.maxItems === undefined ? Math.floor((REQUEST_LIMIT_BYTES - 2) / (of.least + 1)) : Math.max(0, schema.maxItems);
  const listType = schema['x-kubernetes-list-type'];
  const keys = (schema['x-kubernetes-list-map-keys'] ?? []).map((key) => escapeName(key) ?? key);
  const identity = listType === 'set' ? 'set' : listType === 'map' ? keys : undefined;
  return { type: { kind: 'list', of: of.type, max, ...(identity !== undefined && { identity }) }, least: 2 };
}

function objectOrMap(schema: JsonSchema, name: string): Declared | undefined {
  const additional = additionalOf(schema);
  if (!additional) return objectType(schema, name);
  const of = declaredType(additional, additional['x-kubernetes-embedded-resource'] === true, `${name}.@elem`);
  if (!of) return undefined;
  const max = schema.maxProperties === undefined ? Math.floor((REQUEST_LIMIT_BYTES - 2) / (of.least + 6)) : Math.max(0, schema.maxProperties);
  return { type: { kind: 'map', of: of.type, max }, least: 2 };
}

function objectType(schema: JsonSchema, name: string): Declared {
  const fields = new Map<string, { readonly property: string; readonly type: CelType }>();
  let least = 2;
  for (const [property, inner] of Object.entries(schema.properties ?? {})) {
    const field = escapeName(property);
    const declared = declaredType(inner, inner['x-kubernetes-embedded-resource'] === true, `${name}.${field ?? property}`);
    if (!declared) continue;
    if (field !== undefined) fields.set(field, { property, type: declared.type });
    if (schema.required?.includes(property) && !hasDefault(inner)) least += new TextEncoder().encode(property).length + declared.least + 4;
  }
  // Words of the language may also stand as they are.
  const find = (field: string): { readonly property: string; readonly type: CelType } | undefined => fields.get(field) ?? (isReserved(field) ? fields.get(`__${field}__`) : undefined);
  const type: CelObject = {
    kind: 'object', name, field: (field) => find(field)?.type, property: (field) => find(field)?.property ?? field,
  };
  return { type, least };
}

const STRING: JsonSchema = { type: 'string' };
const NAMES: JsonSchema = { type: 'object', properties: { name: STRING, generateName: STRING } };

function withNames(schema: JsonSchema): JsonSchema {
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const complete = kind?.type === 'string' && apiVersion?.type === 'string' && metadata?.type === 'object' && metadata.properties?.['name']?.type === 'string';
  if (complete && metadata.properties?.['generateName']?.type === 'string') return schema;
  return { ...schema, properties: { ...schema.properties, kind: STRING, apiVersion: STRING, metadata: NAMES } };
}

const DURATION_LIMIT = 32;
const DATE_SIZE = 12;
const DATE_TIME_LIMIT = 32;
const DATE_TIME_LEAST = 21;

function stringType({ format, maxLength, enum: choices }: JsonSchema): Declared {
  switch (format) {
    case 'byte':
      return { type: { kind: 'bytes', max: maxLength === undefined ? REQUEST_LIMIT_BYTES - 2 : Math.max(0, maxLength) }, least: 2 };
    case 'duration':
      return { type: { kind: 'duration', max: DURATION_LIMIT }, least: 3 };
    case 'date':
      return { type: { kind: 'timestamp', max: DATE_SIZE }, least: DATE_SIZE };
    case 'date-time':
      return { type: { kind: 'timestamp', max: DATE_TIME_LIMIT }, least: DATE_TIME_LEAST };
  }
  if (maxLength !== undefined) return { type: { kind: 'string', max: textLimit(maxLength) }, least: 2 };
  const longest = choices && choices.length > 0 ? Math.max(0, ...choices.map((choice) => (typeof choice === 'string' ? new TextEncoder().encode(choice).length : 0))) : undefined;
  return { type: { kind: 'string', max: longest ?? REQUEST_LIMIT_BYTES - 2 }, least: 2 };
}
