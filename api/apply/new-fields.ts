/**
 * What the creator of an object owns. Objects of one shape have the same fields: what was found out for one is remembered for all,
 * with its FieldsV1 form.
 */
import type { Type } from './atoms.ts';
import { decodeFields, type FieldSet } from './field-set.ts';
import { asList, asMap, itemElement, typeOfKey } from './values.ts';

export interface NewFields {
  readonly set: FieldSet;
  /** Frozen, and shared by all objects of the shape. */
  readonly encoded: object;
}

/** Shapes that are remembered; all are forgotten when there are too many. */
const SHAPES_LIMIT = 1_024;
/** Longer ones are not worth it. */
const SHAPE_LIMIT = 16 * 1024;
const known = new Map<Type, Map<string, NewFields>>();
let count = 0;

/** `reset` tells fields that do not count. Throws ItemError as a comparison would. */
export function newFields(type: Type, value: unknown, reset: string, find: () => { readonly set: FieldSet; readonly encoded: object }): NewFields {
  const shape = reset + shapeOf(type, value);
  if (shape.length > SHAPE_LIMIT) return find();
  let shapes = known.get(type);
  const before = shapes?.get(shape);
  if (before) return before;
  const found = find();
  // What reads the form later is given the set that it was made of.
  if (decodeFields(found.encoded) === undefined) return found;
  if (count++ >= SHAPES_LIMIT) {
    known.clear();
    count = 1;
    shapes = undefined;
  }
  if (!shapes) known.set(type, (shapes = new Map()));
  shapes.set(shape, found);
  return found;
}

/** Everything that decides which fields an object has, and nothing else: a value counts only where it may be what an absent field holds. */
function shapeOf(type: Type, value: unknown): string {
  if (value === null) return 'n';
  const { map, list } = type.atom;
  switch (typeof value) {
    case 'string':
      return value === '' || value === '0' || value === '0s' ? `"${value}"` : 's';
    case 'number':
      return value === 0 ? '0' : 's';
    case 'boolean':
      return value ? 's' : 'f';
    case 'object':
      break;
    default:
      return 's';
  }
  const items = asList(value);
  if (items) {
    if (items.length === 0) return 'e';
    if (!list || list.atomic) return 'a';
    let out = '[';
    for (const item of items) {
      const element = itemElement(list, item);
      out += `${element.length}:${element}${shapeOf(list.element, item)}`;
    }
    return `${out}]`;
  }
  const fields = asMap(value);
  const whole = !map || map.atomic;
  let out = whole ? '<' : '{';
  for (const key in fields) {
    const inner = fields[key];
    if (inner === undefined) continue;
    if (whole) return 'o';
    const of = typeOfKey(map, key);
    out += of ? `${key.length}:${key}${shapeOf(of, inner)}` : '?';
  }
  return `${out}}`;
}
