/** Which objects of a cache have a value in a field: for those who ask for one value each, and are many. */
import type { SortedMap } from '../../std/sorted-map.ts';
import type { CachedObject, FieldHint } from './cache.ts';

/** Of the fields that somebody has asked by. */
export class FieldIndexes {
  /** field → value → keys */
  readonly #fields = new Map<string, Map<string, Set<string>>>();

  /** One state of an object has taken the place of another. */
  replace(before: CachedObject | undefined, now: CachedObject | undefined): void {
    for (const [field, values] of this.#fields) {
      const old = before?.fields[field];
      const value = now?.fields[field];
      if (old === value) continue;
      if (before && old !== undefined) remove(values, old, before.key);
      if (now && value !== undefined) add(values, value, now.key);
    }
  }

  /** The objects of all that a hint means, in the order of keys. */
  of<T extends CachedObject>({ field, value }: FieldHint, all: SortedMap<T>): readonly T[] {
    const keys = [...(this.#valuesOf(field, all).get(value) ?? [])].sort();
    return keys.map((key) => all.get(key) as T);
  }

  #valuesOf(field: string, all: SortedMap<CachedObject>): ReadonlyMap<string, ReadonlySet<string>> {
    const known = this.#fields.get(field);
    if (known) return known;
    const values = new Map<string, Set<string>>();
    all.scan('', '\uffff', (key, { fields }) => {
      const value = fields[field];
      if (value !== undefined) add(values, value, key);
      return true;
    });
    this.#fields.set(field, values);
    return values;
  }
}

function add(values: Map<string, Set<string>>, value: string, key: string): void {
  const keys = values.get(value);
  if (keys) keys.add(key);
  else values.set(value, new Set([key]));
}

function remove(values: Map<string, Set<string>>, value: string, key: string): void {
  const keys = values.get(value);
  keys?.delete(key);
  if (keys?.size === 0) values.delete(value);
}
