/** Which field of a schema a selectable path means. Provenance: ValidFieldPath in apiextensions-apiserver pkg/apiserver/schema/cel of v0.36. */
import { additionalOf, type JsonSchema, propertyOf } from './json-schema.ts';

/** Throws Error that says why there is none. */
export function schemaAtPath(text: string, root: JsonSchema): JsonSchema {
  let schema: JsonSchema | undefined = root;
  const tokens = text.match(/[.[\]]|[^.[\]]+/g) ?? [];
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at] === '[') throw new Error('array notation is not allowed');
    if (tokens[at] !== '.') throw new Error(`expected [ or . but got: ${tokens[at]}`);
    const name = tokens[++at];
    if (name === undefined) throw new Error('unexpected end of JSON path');
    const named: boolean = Object.keys(schema?.properties ?? {}).length > 0;
    schema = named ? propertyOf(schema, name) : additionalOf(schema);
    if (!schema) throw new Error('does not refer to a valid field');
  }
  return schema;
}
