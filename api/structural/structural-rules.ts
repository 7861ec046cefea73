/** Whether a schema is structural: each value has a known type, and rules about values come on top. Provenance: apiextensions-apiserver pkg/apiserver/schema/{validation,complete}.go of v0.36. */
import { deepEqual } from '../../std/deep.ts';
import { compileRegex } from '../cel/regex.ts';
import { forbiddenField, invalid, required, type FieldError, type Path } from '../field-error.ts';
import { hasDefault, itemsOf, type JsonSchema, propertyOf, additionalOf } from './json-schema.ts';

type Level = 'root' | 'item' | 'field';

const MISSING_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root', item: 'must not be empty for specified array items', field: 'must not be empty for specified object fields',
};

/** In the order of their texts. */
export function validateStructural(schema: JsonSchema, path: Path): FieldError[] {
  const errors = [...invariants(schema, 'root', path), ...complete(schema, schema, path, path)];
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`;
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

/** Of the keywords that no structural schema can be made of the first one, told as such; they are told apart from the rules below. */
export function unconvertible(schema: JsonSchema): string | undefined {
  const { id, $schema, $ref, patternProperties = {}, dependencies = {}, additionalItems, definitions = {}, items } = schema;
  const some = (map: object): boolean => Object.keys(map).length > 0;
  const said: Readonly<Record<string, boolean>> = {
    id: Boolean(id), schema: Boolean($schema), $ref: Boolean($ref), patternProperties: some(patternProperties), dependencies: some(dependencies),
    additionalItems: additionalItems !== undefined, definitions: some(definitions),
  };
  const [word] = Object.entries(said).find(([, used]) => used) ?? [];
  if (word !== undefined) return `OpenAPIV3Schema '${word}' is not supported`;
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  if (Array.isArray(items)) return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  for (const one of inner(schema)) {
    const why = unconvertible(one);
    if (why !== undefined) return why;
  }
  return undefined;
}

function inner(schema: JsonSchema): JsonSchema[] {
  const { allOf = [], anyOf = [], oneOf = [], not, properties = {} } = schema;
  return [itemsOf(schema), additionalOf(schema), not, ...allOf, ...anyOf, ...oneOf, ...Object.values(properties)].filter((one) => one !== undefined);
}

function invariants(schema: JsonSchema, level: Level, path: Path): FieldError[] {
  const items = itemsOf(schema);
  const { type = '', properties = {}, additionalProperties } = schema;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const errors: FieldError[] = [];
  if (type === 'array' && !items) errors.push(required(path.child('items'), 'must be specified'));
  if (items) errors.push(...invariants(items, 'item', path.child('items')));
  for (const [name, property] of Object.entries(properties)) errors.push(...invariants(property, 'field', path.child('properties').key(name)));
  if (additionalProperties !== undefined && level === 'root') errors.push(forbiddenField(path.child('additionalProperties'), 'must not be used at the root'));
  const additional = additionalOf(schema);
  if (additional) errors.push(...invariants(additional, 'field', path.child('additionalProperties')));
  errors.push(...extensions(schema, path), ...valueRules(schema, intOrString(schema), path), ...typeRules(schema, level, path));
  if (embedded && additionalProperties !== undefined) {
    errors.push(forbiddenField(path.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'));
  }
  errors.push(...metaRules(schema, level, path));
  if (embedded && !schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(properties).length === 0) {
    errors.push(required(path.child('properties'), 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'));
  }
  return errors;
}

function extensions(schema: JsonSchema, path: Path): FieldError[] {
  if (!schema['x-kubernetes-int-or-string']) return [];
  const clash = ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const;
  return clash.filter((name) => schema[name]).map((name) => invalid(path.child(name), true, 'must be false if x-kubernetes-int-or-string is true'));
}

function typeRules(schema: JsonSchema, level: Level, path: Path): FieldError[] {
  const { type = '' } = schema;
  const field = path.child('type');
  const errors: FieldError[] = [];
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true';
    errors.push(type === '' ? required(field, why) : invalid(field, type, why));
  } else if (type === '' && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    errors.push(required(field, MISSING_TYPE[level]));
  }
  if (level === 'root' && type !== '' && type !== 'object') errors.push(invalid(field, type, 'must be object at the root'));
  return errors;
}

function metaRules(schema: JsonSchema, level: Level, path: Path): FieldError[] {
  const checked = level === 'root' || schema['x-kubernetes-embedded-resource'] === true;
  const errors: FieldError[] = [];
  for (const name of checked ? ['kind', 'apiVersion'] : []) {
    const property = propertyOf(schema, name);
    if (property && property.type !== 'string') errors.push(invalid(path.child('properties').key(name).child('type'), property.type ?? '', 'must be string'));
  }
  const metadata = propertyOf(schema, 'metadata');
  if (!metadata) return errors;
  const field = path.child('properties').key('metadata');
  if (checked && metadata.type !== 'object') errors.push(invalid(field.child('type'), metadata.type ?? '', 'must be object'));
  if (level === 'root' && !saysNamesOnly(metadata)) {
    errors.push(forbiddenField(field, 'must not specify anything other than name and generateName, but metadata is implicitly specified'));
  }
  return errors;
}

function saysNamesOnly({ type: _type, default: _default, properties = {}, ...rest }: JsonSchema): boolean {
  return Object.keys(properties).every((name) => name === 'name' || name === 'generateName') && Object.keys(rest).length === 0;
}

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }];

/** The one place where a type may stand inside a combination: where it is either. */
interface Skips {
  readonly anyOf: boolean;
  readonly firstAllOf: boolean;
}

const NO_SKIPS: Skips = { anyOf: false, firstAllOf: false };

function intOrString({ anyOf, allOf }: JsonSchema): Skips {
  return { anyOf: deepEqual(anyOf, INT_OR_STRING), firstAllOf: deepEqual(allOf?.[0]?.anyOf, INT_OR_STRING) };
}

function valueRules({ anyOf = [], allOf = [], oneOf = [], not, pattern }: JsonSchema, skips: Skips, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (!skips.anyOf) for (const [at, one] of anyOf.entries()) errors.push(...nested(one, NO_SKIPS, path.child('anyOf').index(at)));
  for (const [at, one] of allOf.entries()) errors.push(...nested(one, { anyOf: skips.firstAllOf && at === 0, firstAllOf: false }, path.child('allOf').index(at)));
  for (const [at, one] of oneOf.entries()) errors.push(...nested(one, NO_SKIPS, path.child('oneOf').index(at)));
  if (not) errors.push(...nested(not, NO_SKIPS, path.child('not')));
  if (pattern) {
    try {
      compileRegex(pattern);
    } catch (error) {
      errors.push(invalid(path.child('pattern'), pattern, `must be a valid regular expression, but isn't: ${(error as Error).message}`));
    }
  }
  return errors;
}

/** What may not be said inside a combination, and in which words. */
const FORBIDDEN_INSIDE: readonly (readonly [name: keyof JsonSchema, why: string])[] = [
  ['type', 'must be empty to be structural'], ['title', 'must be empty to be structural'], ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'], ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'], ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'], ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'], ['x-kubernetes-validations', 'must be empty to be structural'],
];

function nested(schema: JsonSchema, skips: Skips, path: Path): FieldError[] {
  const errors = valueRules(schema, skips, path);
  const items = itemsOf(schema);
  if (items) errors.push(...nested(items, NO_SKIPS, path.child('items')));
  for (const [name, property] of Object.entries(schema.properties ?? {})) errors.push(...nested(property, NO_SKIPS, path.child('properties').key(name)));
  for (const [name, why] of FORBIDDEN_INSIDE) {
    const value = schema[name];
    if (value && !(Array.isArray(value) && value.length === 0)) errors.push(forbiddenField(path.child(name), why));
  }
  const { additionalProperties } = schema;
  if (additionalProperties) errors.push(forbiddenField(path.child('additionalProperties'), 'must be undefined to be structural'));
  if (hasDefault(schema)) errors.push(forbiddenField(path.child('default'), 'must be undefined to be structural'));
  if (propertyOf(schema, 'metadata')) errors.push(forbiddenField(path.child('properties').key('metadata'), 'must not be specified in a nested context'));
  return errors;
}

/** What a combination speaks of is declared outside of it. */
function complete(values: JsonSchema, declared: JsonSchema | undefined, path: Path, said: Path): FieldError[] {
  const { not, allOf = [], anyOf = [], oneOf = [] } = values;
  return [
    ...(not ? completeInside(not, declared, path, said.child('not')) : []),
    ...allOf.flatMap((one, at) => completeInside(one, declared, path, said.child('allOf').index(at))),
    ...anyOf.flatMap((one, at) => completeInside(one, declared, path, said.child('anyOf').index(at))),
    ...oneOf.flatMap((one, at) => completeInside(one, declared, path, said.child('oneOf').index(at))),
  ];
}

function completeInside(values: JsonSchema, declared: JsonSchema | undefined, path: Path, said: Path): FieldError[] {
  if (!declared) return [required(path, `because it is defined in ${said}`)];
  const items = itemsOf(values);
  const errors = complete(values, declared, path, said);
  if (items) errors.push(...completeInside(items, itemsOf(declared), path.child('items'), said.child('items')));
  for (const [name, property] of Object.entries(values.properties ?? {})) {
    errors.push(...completeInside(property, propertyOf(declared, name), path.child('properties').key(name), said.child('properties').key(name)));
  }
  return errors;
}
