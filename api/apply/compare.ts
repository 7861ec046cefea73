/** What changed between two objects, as sets of fields. */
import { deepEqual } from '../../std/deep.ts';
import { hasNotes } from '../codec/empties.ts';
import type { ListAtom, MapAtom, Type } from './atoms.ts';
import { growingSet, insert, type FieldSet, type GrowingSet } from './field-set.ts';
import { asList, asMap, isEmptyMap, itemElement, kindOf, own, typeOfKey, type AtomKind, type Json } from './values.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/**
 * `complete`: the right side is a whole object, so that what it leaves out of structs is there and empty. (Without it, it is the
 * outcome of a merge.) Throws ItemError where items of a list cannot be told apart.
 */
export function compare(type: Type, left: unknown, right: unknown, complete: boolean): Comparison {
  const walk: Walk = { path: [], complete, added: growingSet(), modified: growingSet(), removed: growingSet() };
  visit(walk, type, left, right);
  return walk;
}

interface Walk {
  readonly path: string[];
  readonly complete: boolean;
  readonly added: GrowingSet;
  readonly modified: GrowingSet;
  readonly removed: GrowingSet;
}

function visit(walk: Walk, type: Type, left: unknown, right: unknown): void {
  const { atom } = type;
  const leftKind = left === undefined ? undefined : kindOf(atom, left);
  const rightKind = right === undefined ? leftKind : kindOf(atom, right);
  if (!rightKind) return;
  if (leftKind && leftKind !== rightKind) visitAs(walk, leftKind, type, left, right);
  const leaf = visitAs(walk, rightKind, type, left, right);
  if (leaf) return;
  if (left === undefined) insert(walk.added, walk.path);
  else if (right === undefined) insert(walk.removed, walk.path);
}

/** Whether the value was taken as a whole. */
function visitAs(walk: Walk, kind: AtomKind, type: Type, left: unknown, right: unknown): boolean {
  const { map, list } = type.atom;
  if (kind === 'map' && map && !map.atomic) {
    const [leftMap, rightMap] = [asMap(left), asMap(right)];
    const filled = map.always.size > 0 ? leftMap ?? rightMap : !isEmptyMap(leftMap) || !isEmptyMap(rightMap);
    if (filled) {
      visitFields(walk, map, leftMap, rightMap);
      return false;
    }
  } else if (kind === 'list' && list && !list.atomic) {
    const [leftList, rightList] = [asList(left) ?? [], asList(right) ?? []];
    if (leftList.length > 0 || rightList.length > 0) {
      if (!deepEqual(leftList, rightList)) visitItems(walk, list, leftList, rightList);
      return false;
    }
  }
  if (left === undefined) insert(walk.added, walk.path);
  else if (right === undefined) insert(walk.removed, walk.path);
  // Inside of what is taken as a whole, upstream tells empty from absent.
  else if (!deepEqual(left, right) || (walk.complete && (kind === 'map' ? map : list)?.atomic && hasNotes(right))) insert(walk.modified, walk.path);
  return true;
}

/** Fields that are always there are taken as empty on a side that leaves them out. */
function visitFields(walk: Walk, atom: MapAtom, left: Json | undefined, right: Json | undefined): void {
  const { always } = atom;
  for (const key in right) {
    const value = right[key];
    if (value === undefined) continue;
    let other = own(left, key);
    if (other === undefined && left) other = always.get(key);
    if (other !== value) visitField(walk, atom, key, other, value);
  }
  for (const key in left) {
    if (left[key] === undefined || own(right, key) !== undefined) continue;
    visitField(walk, atom, key, left[key], right && walk.complete ? always.get(key) : undefined);
  }
  if ((left && right) || always.size === 0) return;
  for (const [key, zero] of always) {
    if (own(left, key) !== undefined || own(right, key) !== undefined) continue;
    if (right && walk.complete) visitField(walk, atom, key, undefined, zero);
    else if (left) visitField(walk, atom, key, zero, undefined);
  }
}

function visitField(walk: Walk, atom: MapAtom, key: string, left: unknown, right: unknown): void {
  const type = typeOfKey(atom, key);
  if (type) visitAt(walk, `f:${key}`, type, left, right);
}

function visitAt(walk: Walk, element: string, type: Type, left: unknown, right: unknown): void {
  walk.path.push(element);
  visit(walk, type, left, right);
  walk.path.pop();
}

/** Items that share a path element are compared as one value. */
function visitItems(walk: Walk, atom: ListAtom, left: readonly unknown[], right: readonly unknown[]): void {
  const leftItems = grouped(atom, left);
  const rightItems = grouped(atom, right);
  for (const [element, olds] of leftItems) {
    const news = rightItems.get(element) ?? [];
    if (olds.length === 1 && news.length <= 1) visitAt(walk, element, atom.element, olds[0], news[0]);
    else if (olds.length > 1 && news.length > 1) {
      if (!deepEqual(olds, news)) mark(walk, walk.modified, element);
    } else if (olds.length > 1) {
      if (news.length > 0) visitAt(walk, element, atom.element, undefined, news[0]);
      mark(walk, walk.removed, element);
    } else {
      visitAt(walk, element, atom.element, olds[0], undefined);
      mark(walk, walk.added, element);
    }
  }
  for (const [element, news] of rightItems) {
    if (leftItems.has(element)) continue;
    if (news.length === 1) visitAt(walk, element, atom.element, undefined, news[0]);
    else mark(walk, walk.added, element);
  }
}

function grouped(atom: ListAtom, list: readonly unknown[]): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const item of list) {
    const element = itemElement(atom, item);
    const same = items.get(element);
    if (same) same.push(item);
    else items.set(element, [item]);
  }
  return items;
}

function mark(walk: Walk, set: GrowingSet, element: string): void {
  walk.path.push(element);
  insert(set, walk.path);
  walk.path.pop();
}
