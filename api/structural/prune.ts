/** Takes away what a structural schema does not declare. Provenance: apiextensions-apiserver pkg/apiserver/schema/pruning of v0.36. */
import { additionalOf, isObject, itemsOf, type JsonSchema, META_FIELDS, propertyOf, takesAdditional } from './json-schema.ts';

/** In place. `isRoot`: kind, apiVersion and metadata stay, declared or not. Returns whether anything went. */
export function prune(value: unknown, schema: JsonSchema | undefined, isRoot: boolean): boolean {
  const keeps = schema?.['x-kubernetes-preserve-unknown-fields'] === true;
  if (Array.isArray(value)) {
    const items = itemsOf(schema);
    if (keeps && !items) return false;
    let changed = false;
    for (const item of value) changed = prune(item, keeps && isObject(item) && items ? keeping(items) : items, false) || changed;
    return changed;
  }
  if (!isObject(value)) return false;
  const embedded = isRoot || schema?.['x-kubernetes-embedded-resource'] === true;
  let changed = false;
  for (const key of Object.keys(value)) {
    if (embedded && META_FIELDS.has(key)) continue;
    const property = propertyOf(schema, key);
    if (property) changed = prune(value[key], property, false) || changed;
    else if (takesAdditional(schema)) {
      const additional = additionalOf(schema);
      if (!keeps || additional) changed = prune(value[key], additional, false) || changed;
    } else if (!keeps) {
      delete value[key];
      changed = true;
    }
  }
  return changed;
}

const kept = new WeakMap<JsonSchema, JsonSchema>();

/** Items of a list that keeps what is unknown keep it too. */
function keeping(schema: JsonSchema): JsonSchema {
  let copy = kept.get(schema);
  if (!copy) kept.set(schema, (copy = { ...schema, 'x-kubernetes-preserve-unknown-fields': true }));
  return copy;
}
