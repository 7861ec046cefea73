/** Fills in the defaults of a structural schema. Provenance: apiextensions-apiserver pkg/apiserver/schema/defaulting of v0.36. */
import { deepCopy, put } from '../../std/deep.ts';
import { additionalOf, isObject, itemsOf, type JsonSchema, hasDefault, propertyOf, someSchema } from './json-schema.ts';

/** Fills in what is absent, in place; nulls that may not be are taken for absent, or kept to be refused. Returns whether anything changed. */
export function applyDefaults(value: unknown, schema: JsonSchema, options?: { readonly keepNulls: boolean }): boolean {
  const pruned = !options?.keepNulls && pruneNulls(value, schema);
  return (hasDefaults(schema) && fill(value, schema)) || pruned;
}

const withDefaults = new WeakMap<JsonSchema, boolean>();

function hasDefaults(schema: JsonSchema): boolean {
  let known = withDefaults.get(schema);
  if (known === undefined) withDefaults.set(schema, (known = someSchema(schema, (one) => hasDefault(one))));
  return known;
}

function pruneNulls(value: unknown, schema: JsonSchema | undefined): boolean {
  let changed = false;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    for (const item of value) changed = pruneNulls(item, items) || changed;
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      const inner = propertyOf(schema, key) ?? additionalOf(schema);
      if (value[key] === null && inner && !inner.nullable && !hasDefault(inner)) {
        delete value[key];
        changed = true;
      } else changed = pruneNulls(value[key], inner) || changed;
    }
  }
  return changed;
}

function fill(value: unknown, schema: JsonSchema | undefined): boolean {
  if (!schema || typeof value !== 'object' || value === null) return false;
  let changed = false;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (!items) return false;
    for (const [at, item] of value.entries()) {
      if (isMissing(item, items)) value[at] = deepCopy(items.default);
      changed = value[at] !== item || changed;
      changed = fill(value[at], items) || changed;
    }
    return changed;
  }
  const object = value as Record<string, unknown>;
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (!hasDefault(property)) continue;
    if (Object.hasOwn(object, key) && !isMissing(object[key], property)) continue;
    put(object, key, deepCopy(property.default));
    changed = true;
  }
  const additional = additionalOf(schema);
  for (const key of Object.keys(object)) {
    const property = propertyOf(schema, key);
    if (!property && isMissing(object[key], additional)) {
      put(object, key, deepCopy(additional?.default));
      changed = true;
    }
    changed = fill(object[key], property ?? additional) || changed;
  }
  return changed;
}

function isMissing(value: unknown, schema: JsonSchema | undefined): boolean {
  return value === null && schema !== undefined && !schema.nullable && hasDefault(schema);
}
