/** What a value was before an update, where that can be told. Provenance: pkg/cel/common/{equality,maplist}.go of apiserver v0.36. */
import { deepEqual } from '../../std/deep.ts';
import { additionalOf, isObject, itemsOf, type Json, type JsonSchema, propertyOf } from './json-schema.ts';

export class Correlation {
  readonly #value: unknown;
  readonly #old: unknown;
  readonly #schema: JsonSchema;
  readonly #children = new Map<string | number, Correlation | undefined>();
  #same: boolean | undefined;
  #find: ((item: unknown) => unknown) | undefined;

  constructor(value: unknown, old: unknown, schema: JsonSchema) {
    this.#value = value;
    this.#old = old;
    this.#schema = schema;
  }

  key(name: string): Correlation | undefined {
    if (this.#children.has(name)) return this.#children.get(name);
    let child: Correlation | undefined;
    const [value, old] = [this.#value, this.#old];
    const schema = propertyOf(this.#schema, name) ?? additionalOf(this.#schema);
    if (schema && isObject(value) && isObject(old) && Object.hasOwn(value, name) && Object.hasOwn(old, name)) child = new Correlation(value[name], old[name], schema);
    this.#children.set(name, child);
    return child;
  }

  index(at: number): Correlation | undefined {
    if (this.#children.has(at)) return this.#children.get(at);
    let child: Correlation | undefined;
    const items = itemsOf(this.#schema);
    if (items && Array.isArray(this.#value) && Array.isArray(this.#old)) {
      this.#find ??= oldItems(this.#schema, this.#old);
      const old = this.#find(this.#value[at]);
      if (old !== undefined && old !== null) child = new Correlation(this.#value[at], old, items);
    }
    this.#children.set(at, child);
    return child;
  }

  /** Whether the update leaves it as it was. What cannot be correlated has changed. */
  get same(): boolean {
    return (this.#same ??= this.#isSame());
  }

  #isSame(): boolean {
    const [value, old] = [this.#value, this.#old];
    if (Array.isArray(value) && Array.isArray(old)) {
      if (value.length !== old.length) return false;
      if (this.#schema['x-kubernetes-list-type'] !== 'map') return deepEqual(value, old);
      return value.every((_, at) => this.index(at)?.same ?? false);
    }
    if (!isObject(value) || !isObject(old)) return deepEqual(value, old);
    const names = Object.keys(value);
    return names.length === Object.keys(old).length && names.every((name) => this.key(name)?.same ?? false);
  }
}

/** Finds the old item with the same keys; items of other lists than keyed ones have none. */
export function oldItems(schema: JsonSchema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  if (keys.length === 0 || !Array.isArray(old)) return () => undefined;
  let byKey: Map<string, Json> | undefined;
  return (item) => {
    if (!byKey) {
      byKey = new Map();
      for (const one of old) {
        const key = keyOf(one, keys);
        if (key !== undefined && !byKey.has(key)) byKey.set(key, one as Json);
      }
    }
    const key = keyOf(item, keys);
    return key === undefined ? undefined : byKey.get(key);
  };
}

function keyOf(item: unknown, keys: readonly string[]): string | undefined {
  if (!isObject(item)) return undefined;
  const values = keys.map((key) => (Object.hasOwn(item, key) ? item[key] : undefined));
  return values.every((value) => value !== undefined && value !== null && typeof value !== 'object') ? JSON.stringify(values.map((value) => [typeof value, String(value)])) : undefined;
}
