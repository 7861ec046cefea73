/** Merging an applied configuration into an object, and taking fields out of one. The arguments stay as they are; results share with them. */
import { put } from '../../std/deep.ts';
import type { ListAtom, MapAtom, Type } from './atoms.ts';
import { isEmpty, type FieldSet } from './field-set.ts';
import { asList, asMap, isEmptyMap, itemElement, kindOf, own, typeOfKey, type Json } from './values.ts';

/** Nothing is removed; where both set a leaf, `config` wins. Undefined where nothing is left. */
export function merge(type: Type, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const { atom } = type;
  const kind = kindOf(atom, config);
  if (kind !== kindOf(atom, live)) return config;
  if (kind === 'map' && atom.map && !atom.map.atomic) {
    const [left, right] = [asMap(live), asMap(config)];
    return isEmptyMap(left) && isEmptyMap(right) ? config : mergeFields(atom.map, left ?? {}, right ?? {});
  }
  if (kind === 'list' && atom.list && !atom.list.atomic) {
    const [left, right] = [asList(live) ?? [], asList(config) ?? []];
    return left.length === 0 && right.length === 0 ? config : mergeItems(atom.list, left, right);
  }
  return config;
}

function mergeFields(atom: MapAtom, left: Json, right: Json): Json | undefined {
  const out: Json = {};
  let some = false;
  const keep = (key: string, value: unknown): void => {
    if (value === undefined) return;
    put(out, key, value);
    some = true;
  };
  for (const key in left) {
    const config = own(right, key);
    const type = config === undefined ? undefined : typeOfKey(atom, key);
    keep(key, type ? merge(type, left[key], config) : left[key]);
  }
  for (const key in right) if (own(left, key) === undefined) keep(key, right[key]);
  return some ? out : undefined;
}

/**
 * The items of both. The configuration's order holds among its own items; items that only the live list has keep their
 * place relative to those that both have.
 */
function mergeItems(atom: ListAtom, live: readonly unknown[], config: readonly unknown[]): unknown[] | undefined {
  const liveElements = live.map((item) => itemElement(atom, item));
  const configElements = config.map((item) => itemElement(atom, item));
  const liveItems = new Map<string, unknown>();
  // Of items that share an element none is merged into.
  liveElements.forEach((element, i) => liveItems.set(element, liveItems.has(element) ? null : live[i]));
  const configItems = new Map(configElements.map((element, i) => [element, config[i]]));
  const shared = configElements.filter((element) => liveItems.has(element));
  const merged = new Set<string>();
  const out: unknown[] = [];
  const take = (element: string): void => {
    merged.add(element);
    const item = merge(atom.element, liveItems.get(element), configItems.get(element));
    if (item !== undefined) out.push(item);
  };
  let nextShared = 0;
  let l = 0;
  let c = 0;
  while (l < live.length || c < config.length) {
    const left = liveElements[l];
    const right = configElements[c];
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        take(left);
        l++;
        c++;
        nextShared++;
        continue;
      }
      if (configItems.has(left) && nextShared < shared.length && shared[nextShared] !== left) {
        l++;
        continue;
      }
    }
    if (left !== undefined) {
      if (!configItems.has(left)) {
        out.push(live[l++]);
        continue;
      }
      if (merged.has(left)) l++;
    }
    if (right !== undefined) {
      take(right);
      c++;
      if (shared[nextShared] === right) nextShared++;
    }
  }
  return out.length > 0 ? out : undefined;
}

/** The value without the fields of a set. What loses all it had becomes null. */
export function removeFields(type: Type, value: unknown, set: FieldSet): unknown {
  const { atom } = type;
  switch (kindOf(atom, value)) {
    case 'scalar':
      return value;
    case 'list': {
      const list = asList(value);
      if (!atom.list || atom.list.atomic || !list || list.length === 0) return null;
      return removeItems(atom.list, list, set);
    }
    case 'map': {
      const map = asMap(value);
      if (!atom.map || atom.map.atomic || !map || isEmptyMap(map)) return null;
      return removeKeys(atom.map, map, set);
    }
  }
}

function removeItems(atom: ListAtom, list: readonly unknown[], set: FieldSet): unknown[] | null {
  const out: unknown[] = [];
  for (const item of list) {
    const child = set.children?.get(itemElement(atom, item));
    if (child?.member) continue;
    out.push(child && !isEmpty(child) ? removeFields(atom.element, item, child) : item);
  }
  return out.length > 0 ? out : null;
}

function removeKeys(atom: MapAtom, map: Json, set: FieldSet): Json | null {
  const out: Json = {};
  let some = false;
  for (const key in map) {
    const child = set.children?.get(`f:${key}`);
    if (child?.member) continue;
    const type = child && !isEmpty(child) ? typeOfKey(atom, key) : undefined;
    put(out, key, child && type ? removeFields(type, map[key], child) : map[key]);
    some = true;
  }
  return some ? out : null;
}
