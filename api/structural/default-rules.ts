/** Defaults fit the schema that they stand in. Provenance: apiextensions-apiserver pkg/apiserver/schema/defaulting/validation.go of v0.36. */
import { deepCopy } from '../../std/deep.ts';
import { invalid, type FieldError, type Path } from '../field-error.ts';
import { validateEmbedded } from './embedded.ts';
import { hasDefault, itemsOf, type JsonSchema } from './json-schema.ts';
import { prune } from './prune.ts';
import { checkRules, OBJECT_BUDGET } from './rule-check.ts';
import { compileValidator } from './validate.ts';

export function validateDefaults(schema: JsonSchema, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (hasDefault(schema)) errors.push(...checkDefault(schema, path.child('default')));
  const items = itemsOf(schema);
  if (items) errors.push(...validateDefaults(items, path.child('items')));
  for (const [name, property] of Object.entries(schema.properties ?? {})) errors.push(...validateDefaults(property, path.child('properties').key(name)));
  return errors;
}

function checkDefault(schema: JsonSchema, field: Path): FieldError[] {
  const errors: FieldError[] = [];
  if (prune(deepCopy(schema.default), schema, false)) errors.push(invalid(field, schema.default, 'must not have unknown fields'));
  const embedded = validateEmbedded(schema.default, schema);
  if (embedded.length > 0) return [...errors, ...embedded.map((error) => ({ ...error, field: field.child(error.field).text }))];
  const wrong = compileValidator(schema)(schema.default, field.text);
  return [...errors, ...(wrong.length > 0 ? wrong : checkDefaultRules(schema, field))];
}

/** The rules hold for the default both where it stood before and where it comes new. */
function checkDefaultRules(schema: JsonSchema, path: Path): FieldError[] {
  const check = { schema, value: schema.default, ratchets: false, isResource: schema['x-kubernetes-embedded-resource'] === true, path };
  const { errors } = checkRules({ ...check, old: schema.default, budget: { left: OBJECT_BUDGET } });
  return [...(errors.length > 0 ? errors : checkRules({ ...check, budget: { left: OBJECT_BUDGET } }).errors)];
}
