/** Reading values along a compiled schema. */
import type { Atom, ListAtom, MapAtom, Type } from './atoms.ts';
import { keyElement, valueElement } from './field-set.ts';

export type Json = Record<string, unknown>;
export type AtomKind = 'map' | 'list' | 'scalar';

/** Which form of an atom a value has; null and what does not fit take the first that there is. */
export function kindOf(atom: Atom, value: unknown): AtomKind {
  if (value !== null && value !== undefined) {
    if (Array.isArray(value)) {
      if (atom.list) return 'list';
    } else if (typeof value === 'object') {
      if (atom.map) return 'map';
    } else if (atom.scalar) return 'scalar';
  }
  return atom.map ? 'map' : atom.scalar ? 'scalar' : 'list';
}

export function asMap(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

export function asList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** What stands under a key; keys may well be called `constructor`. */
export function own(map: Json | undefined, key: string): unknown {
  return map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;
}

export function isEmptyMap(map: Json | undefined): boolean {
  for (const key in map) if (map[key] !== undefined) return false;
  return true;
}

/** The type of what a key of an object holds; undefined where there may be no such key. */
export function typeOfKey(map: MapAtom, key: string): Type | undefined {
  return map.fields.get(key)?.type ?? map.element;
}

/** Why an item of a list cannot be told from others. */
export class ItemError extends Error {}

/** The path element of an item of an associative list. */
export function itemElement(list: ListAtom, item: unknown): string {
  return list.keys.length > 0 ? keyedElement(list, item) : setElement(item);
}

function keyedElement(list: ListAtom, item: unknown): string {
  if (item === null || item === undefined) throw new ItemError('associative list with keys may not have a null element');
  const map = asMap(item);
  if (!map) throw new ItemError('associative list with keys may not have non-map elements');
  const keys: [string, unknown][] = [];
  for (const name of list.keys) {
    const value = map[name] === undefined ? list.element.atom.map?.fields.get(name)?.default : map[name];
    if (value !== undefined) keys.push([name, value]);
  }
  if (keys.length > 0) return keyElement(keys);
  const names = list.keys.map((name) => JSON.stringify(name)).join(' ');
  throw new ItemError(`associative list with keys has an element that omits all key fields [${names}] (and doesn't have default values for any key fields)`);
}

function setElement(item: unknown): string {
  if (item === null || item === undefined) throw new ItemError("associative list without keys has an element that's an explicit null");
  if (Array.isArray(item)) throw new ItemError('not supported: associative list with lists as elements');
  if (typeof item === 'object') throw new ItemError("associative list without keys has an element that's a map type");
  return valueElement(item);
}
