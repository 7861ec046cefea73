/** What a definition's schema may say at all. Provenance: apiextensions-apiserver pkg/apis/apiextensions/validation of v0.36. */
import { forbiddenField, invalid, notSupported, required, type FieldError, type Path } from '../field-error.ts';
import { internalItems } from './internal-form.ts';
import { validateRuleForms } from './rule-forms.ts';
import { additionalOf, hasDefault, itemsOf, type JsonSchema, META_FIELDS } from './json-schema.ts';

interface Where {
  readonly root: boolean;
  readonly insideMeta: boolean;
  /** Why no defaults are allowed here; undefined: they are. */
  readonly noDefaults: string | undefined;
}

export function validateSchema(schema: JsonSchema, path: Path): FieldError[] {
  return walk(schema, path, { root: true, insideMeta: false, noDefaults: undefined });
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

function walk(schema: JsonSchema, path: Path, where: Where): FieldError[] {
  const { properties = {}, additionalProperties, not, allOf = [], oneOf = [], anyOf = [], items } = schema;
  const below: Where = { ...where, root: false };
  const errors = keywords(schema, path, where);
  if (schema.uniqueItems) errors.push(forbiddenField(path.child('uniqueItems'), 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true) {
      errors.push(forbiddenField(path.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive'));
    }
    const additional = additionalOf(schema);
    const inside = where.insideMeta ? { ...below, noDefaults: 'inside additionalProperties applying to object metadata' } : below;
    if (additional) errors.push(...walk(additional, path.child('additionalProperties'), inside));
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = (where.root || schema['x-kubernetes-embedded-resource'] === true) && META_FIELDS.has(name);
    const inside = isMeta ? { ...below, insideMeta: true, ...(where.root && { noDefaults: `in top-level ${name}` }) } : below;
    errors.push(...walk(property, path.child('properties').key(name), inside));
  }
  if (not) errors.push(...walk(not, path.child('not'), below));
  for (const [name, list] of Object.entries({ allOf, oneOf, anyOf })) for (const [at, one] of list.entries()) errors.push(...walk(one, path.child(name).index(at), below));
  for (const [at, one] of (Array.isArray(items) ? items : []).entries()) errors.push(...walk(one, path.child('items').index(at), below));
  const single = itemsOf(schema);
  if (single) errors.push(...walk(single, path.child('items'), below));
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.push(invalid(path.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined'));
  }
  return [...errors, ...mapTypes(schema, path), ...listTypes(schema, path), ...keyedLists(schema, path), ...validateRuleForms(schema, path)];
}

function keywords(schema: JsonSchema, path: Path, { noDefaults, insideMeta }: Where): FieldError[] {
  const { type = '', id, additionalItems, patternProperties = {}, definitions = {}, dependencies, $ref, items } = schema;
  const errors: FieldError[] = [];
  if (type !== '' && !TYPES.includes(type)) errors.push(notSupported(path.child('type'), type, TYPES));
  if (hasDefault(schema) && noDefaults !== undefined) errors.push(forbiddenField(path.child('default'), `must not be set ${noDefaults}`));
  const unsupported: Readonly<Record<string, boolean>> = {
    id: Boolean(id), additionalItems: additionalItems !== undefined, patternProperties: Object.keys(patternProperties).length > 0,
    definitions: Object.keys(definitions).length > 0, dependencies: dependencies !== undefined, $ref: $ref !== undefined,
  };
  for (const [name, used] of Object.entries(unsupported)) if (used) errors.push(forbiddenField(path.child(name), `${name} is not supported`));
  if (type === 'null') errors.push(forbiddenField(path.child('type'), 'type cannot be set to null, use nullable as an alternative'));
  if (Array.isArray(items) && items.length > 0) errors.push(forbiddenField(path.child('items'), 'items must be a schema object and not an array'));
  if (insideMeta && schema['x-kubernetes-embedded-resource']) errors.push(forbiddenField(path.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta'));
  return errors;
}

function mapTypes(schema: JsonSchema, path: Path): FieldError[] {
  const mapType = schema['x-kubernetes-map-type'];
  if (mapType === undefined) return [];
  const errors = ofType(schema, 'object', 'x-kubernetes-map-type', path);
  if (!['atomic', 'granular'].includes(mapType)) errors.push(notSupported(path.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular']));
  return errors;
}

function ofType({ type = '' }: JsonSchema, wanted: string, because: string, path: Path): FieldError[] {
  if (type === wanted) return [];
  const why = `must be ${wanted} if ${because} is specified`;
  return [type === '' ? required(path.child('type'), why) : invalid(path.child('type'), type, why)];
}

function listTypes(schema: JsonSchema, path: Path): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === undefined) return [];
  const errors = ofType(schema, 'array', 'x-kubernetes-list-type', path);
  const items = itemsOf(schema);
  if (errors.length === 0 && listType === 'set' && items) {
    const inner = items['x-kubernetes-list-type'];
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    if (items.type === 'array' && inner !== undefined && inner !== 'atomic') errors.push(invalid(path.child('items', 'x-kubernetes-list-type'), inner, why));
    if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') errors.push(invalid(path.child('items', 'x-kubernetes-map-type'), inner ?? null, why));
  }
  const known = ['atomic', 'set', 'map'];
  if (!known.includes(listType)) errors.push(notSupported(path.child('x-kubernetes-list-type'), listType, known));
  return errors;
}

function keyedLists(schema: JsonSchema, path: Path): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const errors: FieldError[] = [];
  if (keys.length > 0 && listType !== 'map') {
    const field = path.child('x-kubernetes-list-type');
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty';
    errors.push(listType === undefined ? required(field, why) : invalid(field, listType, why));
  }
  if (listType === 'map') errors.push(...keyedList(schema, keys, path));
  const items = itemsOf(schema);
  if (!items || (listType !== 'map' && listType !== 'set')) return errors;
  if (items.nullable) errors.push(forbiddenField(path.child('items', 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`));
  for (const key of listType === 'map' ? keys : []) {
    const property = items.properties?.[key];
    if (!property) continue;
    const field = path.child('items', 'properties').key(key);
    if (!items.required?.includes(key) && !hasDefault(property)) {
      errors.push(required(field.child('default'), 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'));
    }
    if (property.nullable) errors.push(forbiddenField(field.child('nullable'), 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'));
  }
  return errors;
}

function keyedList(schema: JsonSchema, keys: readonly string[], path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const field = path.child('x-kubernetes-list-map-keys');
  if (keys.length === 0) errors.push(required(field, 'must not be empty if x-kubernetes-list-type is map'));
  if (schema.items === undefined) return [...errors, required(path.child('items'), 'must have a schema if x-kubernetes-list-type is map')];
  const items = itemsOf(schema);
  if (!items) return [...errors, invalid(path.child('items'), internalItems(schema.items), 'must only have a single schema if x-kubernetes-list-type is map')];
  if (items.type !== 'object') {
    return [...errors, invalid(path.child('items', 'type'), items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")];
  }
  for (const [at, key] of keys.entries()) {
    const property = items.properties?.[key];
    if (!property) errors.push(invalid(field, keys, 'entries must all be names of item properties'));
    else if (property.type === 'array' || property.type === 'object') {
      errors.push(invalid(path.child('items', 'properties').key(key).child('type'), items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    if (keys.indexOf(key) < at) errors.push(invalid(field, keys, 'must not contain duplicate entries'));
  }
  return errors;
}
