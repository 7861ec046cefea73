/** What the creator of an object owns. What was found out for one object is remembered for all of its shape, with its FieldsV1 form. */
import type { Type } from './atoms.ts';
import { decodeFields, type FieldSet } from './field-set.ts';
import { Shapes } from './shapes.ts';

export interface NewFields {
  readonly set: FieldSet;
  /** Frozen, and shared by all objects of the shape. */
  readonly encoded: object;
}

const shapes = new Shapes<NewFields>();

/** `reset` are the fields that do not count. Throws what `find` throws. */
export function newFields(type: Type, value: unknown, reset: readonly (readonly string[])[], find: () => NewFields): NewFields {
  const place = shapes.placeOf(type, value, reset);
  if (place?.known) return place.known;
  const found = find();
  // What reads the form later is given the set that it was made of.
  if (place && decodeFields(found.encoded) !== undefined) place.known = found;
  return found;
}
