/** Lists of type set and map hold nothing twice. Provenance: apiextensions-apiserver pkg/apiserver/schema/listtype of v0.36. */
import { duplicate, invalid, Path, type FieldError } from '../field-error.ts';
import { additionalOf, isObject, itemsOf, type Json, type JsonSchema, propertyOf, someSchema } from './json-schema.ts';
import { inKeyOrder } from './key-order.ts';

export function validateListTypes(object: unknown, schema: JsonSchema): FieldError[] {
  if (!hasListTypes(schema)) return [];
  const errors: FieldError[] = [];
  walk(object, schema, Path.of(), errors);
  return errors;
}

const withTypes = new WeakMap<JsonSchema, boolean>();

function hasListTypes(schema: JsonSchema): boolean {
  let known = withTypes.get(schema);
  if (known === undefined) withTypes.set(schema, (known = someSchema(schema, (one) => ['set', 'map'].includes(one['x-kubernetes-list-type'] ?? ''))));
  return known;
}

function walk(value: unknown, schema: JsonSchema, path: Path, errors: FieldError[]): void {
  if (Array.isArray(value)) {
    errors.push(...checkList(value, schema, path));
    const items = itemsOf(schema);
    if (items) for (const [at, item] of value.entries()) walk(item, items, path.index(at), errors);
  } else if (isObject(value)) {
    const additional = additionalOf(schema);
    for (const [name, inner] of Object.entries(value)) {
      const property = propertyOf(schema, name);
      if (property) walk(inner, property, path.child(name), errors);
      else if (additional) walk(inner, additional, path.key(name), errors);
    }
  }
}

function checkList(list: readonly unknown[], schema: JsonSchema, path: Path): FieldError[] {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return repeated(list).map((at) => duplicate(path.index(at), inKeyOrder(list[at])));
    case 'map': {
      const odd = list.findIndex((item) => item !== null && !isObject(item));
      if (odd >= 0) return [invalid(path.index(odd), list[odd], 'must be an object for an array of list-type map')];
      const keys = list.map((item) => keysOf(item as Json | null, schema['x-kubernetes-list-map-keys'] ?? []));
      return repeated(keys).map((at) => duplicate(path.index(at), inKeyOrder(keys[at])));
    }
    default:
      return [];
  }
}

function keysOf(item: Json | null, names: readonly string[]): Json {
  return Object.fromEntries([...names].sort().filter((name) => item && Object.hasOwn(item, name)).map((name) => [name, item?.[name]]));
}

/** Where something stands for the second time; third times are not told. */
function repeated(values: readonly unknown[]): number[] {
  const counts = new Map<string, number>();
  const found: number[] = [];
  for (const [at, value] of values.entries()) {
    const text = JSON.stringify(inKeyOrder(value));
    const count = (counts.get(text) ?? 0) + 1;
    counts.set(text, count);
    if (count === 2) found.push(at);
  }
  return found;
}
