/** The fields that an object sets: its leaves and the items of its lists. */
import type { ListAtom, MapAtom, Type } from './atoms.ts';
import { descend, growingSet, type FieldSet, type GrowingSet } from './field-set.ts';
import { asList, asMap, isEmptyMap, itemElement, kindOf, typeOfKey, type Json } from './values.ts';

export function fieldsOf(type: Type, value: unknown): FieldSet {
  const set = growingSet();
  collect(type, value, set);
  return set;
}

/** Adds named fields that only their children speak for: `f:spec` of `f:spec.f:replicas`. */
export function withNamedFields(set: FieldSet, type: Type | undefined): FieldSet {
  if (!set.children) return set;
  const { map, list } = type?.atom ?? {};
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    const name = element.startsWith('f:') ? element.slice(2) : undefined;
    const inner = name !== undefined ? map && typeOfKey(map, name) : element.startsWith('k:') ? list?.element : undefined;
    const named = name !== undefined && child.children !== undefined && map?.fields.has(name) === true;
    children.set(element, { member: child.member || named, children: withNamedFields(child, inner).children });
  }
  return { member: set.member, children };
}

/** Follows a schema that made granular things atomic: who owned parts owns the whole. The same set when nothing changed. */
export function reconciled(set: FieldSet, type: Type | undefined): FieldSet {
  if (!set.children || !type) return set;
  const { map, list, scalar } = type.atom;
  if (map && !map.element && map.fields.size === 0) return set;
  let children: Map<string, FieldSet> | undefined;
  for (const [element, child] of set.children) {
    const inner = element.startsWith('f:') ? map && typeOfKey(map, element.slice(2)) : list?.element;
    const atom = inner?.atom;
    const whole = child.children && !(atom?.scalar && atom.map) && (atom?.map ? atom.map.atomic : atom?.scalar ? false : atom?.list?.atomic);
    const next = whole ? { member: true, children: undefined } : scalar ? child : reconciled(child, inner);
    if (next !== child) (children ??= new Map(set.children)).set(element, next);
  }
  return children ? { member: set.member, children } : set;
}

function collect(type: Type, value: unknown, node: GrowingSet): void {
  const { atom } = type;
  switch (kindOf(atom, value)) {
    case 'scalar':
      node.member = true;
      return;
    case 'list': {
      const list = asList(value);
      if (atom.list?.atomic) node.member = true;
      else if (atom.list && list) collectItems(atom.list, list, node);
      return;
    }
    case 'map': {
      const map = asMap(value);
      if (atom.map?.atomic) node.member = true;
      else if (atom.map && map) collectFields(atom.map, map, node);
    }
  }
}

function collectItems(atom: ListAtom, list: readonly unknown[], node: GrowingSet): void {
  const elements = list.map((item) => itemElement(atom, item));
  const duplicates = new Set(elements.length === new Set(elements).size ? [] : elements.filter((element, i) => elements.indexOf(element) !== i));
  elements.forEach((element, i) => {
    const child = descend(node, element);
    if (!duplicates.has(element)) collect(atom.element, list[i], child);
    child.member = true;
  });
}

function collectFields(atom: MapAtom, map: Json, node: GrowingSet): void {
  for (const key in map) {
    const value = map[key];
    const type = typeOfKey(atom, key);
    if (value === undefined || !type) continue;
    const child = growingSet();
    collect(type, value, child);
    const inner = asMap(value);
    if (value === null || (inner && isEmptyMap(inner)) || !atom.fields.has(key)) child.member = true;
    if (child.member || child.children) (node.children ??= new Map()).set(`f:${key}`, child);
  }
}
