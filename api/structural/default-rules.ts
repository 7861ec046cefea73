/** Defaults fit the schema that they stand in. Provenance: apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go of v0.36. */
import { deepCopy } from '../../std/deep.ts';
import { invalid, type FieldError, type Path } from '../field-error.ts';
import { misshapenEmbedded, misshapenResource, validateEmbedded, validateResource } from './embedded.ts';
import { hasDefault, isObject, itemsOf, type Json, type JsonSchema, mapSchema, META_FIELDS, someSchema } from './json-schema.ts';
import { inKeyOrder } from './key-order.ts';
import { prune } from './prune.ts';
import { checkRules, OBJECT_BUDGET } from './rule-check.ts';
import { compileValidator } from './validate.ts';

export function validateDefaults(schema: JsonSchema, path: Path): FieldError[] {
  // The whole is an object with kind and metadata, as embedded ones are.
  const root: JsonSchema = { ...schema, 'x-kubernetes-embedded-resource': true };
  return walk(root, path, { resource: root, surround: asResource, insideMeta: false });
}

interface Where {
  /** The nearest schema of whole objects around. */
  readonly resource: JsonSchema;
  /** Makes of a default the least object that it stands in. */
  readonly surround: (value: unknown) => Json;
  /** It is part of what all objects have: kind, version, metadata. */
  readonly insideMeta: boolean;
}

function asResource(value: unknown): Json {
  return { kind: 'Validation', apiVersion: 'validation/v1', ...(isObject(value) ? value : {}) };
}

function walk(schema: JsonSchema, path: Path, around: Where): FieldError[] {
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const where = embedded ? { resource: schema, surround: asResource, insideMeta: false } : around;
  const { resource, surround, insideMeta } = where;
  const field = path.child('default');
  const errors = hasDefault(schema) ? (insideMeta ? checkMetaDefault(schema, field, where) : checkDefault(schema, field)) : [];
  const items = itemsOf(schema);
  if (items) errors.push(...walk(items, path.child('items'), { ...where, surround: (value) => surround([value]) }));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const meta = insideMeta || (schema === resource && META_FIELDS.has(name));
    errors.push(...walk(property, path.child('properties').key(name), { resource, surround: (value) => surround({ [name]: value }), insideMeta: meta }));
  }
  return errors;
}

/** What it makes of an object is one still. */
function checkMetaDefault(schema: JsonSchema, field: Path, { resource, surround }: Where): FieldError[] {
  const object = surround(deepCopy(schema.default));
  const misshapen = misshapenResource(object, resource);
  const wrong = (misshapen ? [misshapen] : validateResource(object, resource)).map((error) => `${error.field}: ${error.message}`);
  if (wrong.length > 0) return [invalid(field, inKeyOrder(schema.default), `must result in valid metadata: ${wrong.length === 1 ? wrong[0] : `[${wrong.join(', ')}]`}`)];
  return checkAgainst(schema, field);
}

function checkDefault(schema: JsonSchema, field: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (prune(deepCopy(schema.default), schema, false)) errors.push(invalid(field, inKeyOrder(schema.default), 'must not have unknown fields'));
  const misshapen = misshapenEmbedded(schema.default, schema);
  const embedded = misshapen ? [misshapen] : validateEmbedded(schema.default, schema);
  if (embedded.length > 0) return [...errors, ...embedded.map((error) => ({ ...error, field: field.child(error.field).text }))];
  return [...errors, ...checkAgainst(schema, field)];
}

function checkAgainst(schema: JsonSchema, field: Path): FieldError[] {
  const wrong = compileValidator(withoutIntOrString(schema))(schema.default, field.text);
  return wrong.length > 0 ? wrong : checkDefaultRules(schema, field);
}

/** Of defaults, upstream does not look whether what may be a whole number or a text is one of them. */
function withoutIntOrString(schema: JsonSchema): JsonSchema {
  if (!someSchema(schema, (one) => one['x-kubernetes-int-or-string'] === true)) return schema;
  return mapSchema(schema, (one) => ({ ...one, 'x-kubernetes-int-or-string': false }));
}

/** The rules hold for the default both where it stood before and where it comes new. */
function checkDefaultRules(schema: JsonSchema, path: Path): FieldError[] {
  const check = { schema, value: schema.default, ratchets: false, isResource: schema['x-kubernetes-embedded-resource'] === true, path };
  const { errors } = checkRules({ ...check, old: schema.default, budget: { left: OBJECT_BUDGET } });
  return [...(errors.length > 0 ? errors : checkRules({ ...check, budget: { left: OBJECT_BUDGET } }).errors)];
}
