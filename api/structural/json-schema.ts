/** A schema of a CustomResourceDefinition as it stands in `openAPIV3Schema`, and how code tells JSON values apart. */
import type { JSONSchemaProps } from '../types/apiextensions.v1.ts';

export type JsonSchema = Readonly<JSONSchemaProps>;
export type Json = Record<string, unknown>;

/** Fields that every object has, whatever its schema says. */
export const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a property is held to: undefined where it is not declared; names may well be `constructor`. */
export function propertyOf(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  const { properties } = schema ?? {};
  return properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** The schema of undeclared fields, where there is one. */
export function additionalOf(schema: JsonSchema | undefined): JsonSchema | undefined {
  const additional = schema?.additionalProperties;
  return typeof additional === 'object' ? additional : undefined;
}

/** Undeclared fields are not pruned. */
export function takesAdditional(schema: JsonSchema | undefined): boolean {
  return schema?.additionalProperties !== undefined;
}

export function itemsOf(schema: JsonSchema | undefined): JsonSchema | undefined {
  const items = schema?.items;
  return Array.isArray(items) ? undefined : items;
}

/** A default of null says the same as none. */
export function hasDefault(schema: JsonSchema): boolean {
  return schema.default !== undefined && schema.default !== null;
}

/** Whether any schema in a schema is such a one. */
export function someSchema(schema: JsonSchema | undefined, test: (schema: JsonSchema) => boolean): boolean {
  if (!schema) return false;
  if (test(schema)) return true;
  return innerSchemas(schema).some((inner) => someSchema(inner, test));
}

/** A schema with every schema of values in it replaced, from the inside out. */
export function mapSchema(schema: JsonSchema, change: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const map = (one: JsonSchema): JsonSchema => mapSchema(one, change);
  const { items, properties, additionalProperties, allOf, anyOf, oneOf, not } = schema;
  return change({
    ...schema,
    ...(items && { items: Array.isArray(items) ? items.map(map) : map(items) }),
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, map(one)])) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: map(additionalProperties) }),
    ...(allOf && { allOf: allOf.map(map) }), ...(anyOf && { anyOf: anyOf.map(map) }), ...(oneOf && { oneOf: oneOf.map(map) }), ...(not && { not: map(not) }),
  } as JsonSchema);
}

function innerSchemas(schema: JsonSchema): JsonSchema[] {
  const { items, allOf = [], anyOf = [], oneOf = [], not, properties = {}, patternProperties = {}, additionalItems, definitions = {}, dependencies = {} } = schema;
  return [
    ...(Array.isArray(items) ? items : items ? [items] : []), ...allOf, ...anyOf, ...oneOf, ...(not ? [not] : []), ...Object.values(properties),
    ...[additionalOf(schema), typeof additionalItems === 'object' ? additionalItems : undefined].filter((one) => one !== undefined),
    ...Object.values(patternProperties), ...Object.values(definitions), ...Object.values(dependencies).filter((one): one is JsonSchema => !Array.isArray(one)),
  ];
}
