/** Which field of a schema a simple path means. Provenance: ValidFieldPath in apiextensions-apiserver pkg/apiserver/schema/cel of v0.36. */
import { Path } from '../field-error.ts';
import { additionalOf, type JsonSchema, propertyOf } from './json-schema.ts';

/** Of a selectable field. Throws Error that says why there is none. */
export function schemaAtPath(text: string, root: JsonSchema): JsonSchema {
  return walk(text, root, false).schema;
}

/** Of a rule: names may also stand in brackets, `['a.b']`. Throws Error that says why there is none. */
export function fieldAtPath(text: string, root: JsonSchema): { readonly path: Path; readonly schema: JsonSchema } {
  return walk(text, root, true);
}

function walk(text: string, root: JsonSchema, brackets: boolean): { path: Path; schema: JsonSchema } {
  let schema = root;
  let path = Path.of();
  const tokens = text.match(/'(?:\\.|[^'\\])*'|[.[\]]|[^.[\]]+/gs) ?? [];
  const next = (at: number): string => {
    const token = tokens[at];
    if (token === undefined) throw new Error('unexpected end of JSON path');
    return token;
  };
  const enter = (name: string): void => {
    const named = schema.properties !== undefined;
    if (!named && schema.additionalProperties === undefined) throw new Error('does not refer to a valid field');
    const inner = named ? propertyOf(schema, name) : additionalOf(schema);
    if (!inner) throw new Error('does not refer to a valid field');
    path = named ? path.child(name) : path.key(name);
    schema = inner;
  };
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as string;
    if (token === '.') enter(next(++at));
    else if (token === '[') {
      if (!brackets) throw new Error('array notation is not allowed');
      const quoted = next(++at);
      if (!/^'.*'$/s.test(quoted) || quoted.length < 2) throw new Error(`expected single quoted string but got ${quoted}`);
      enter(unescape(quoted.slice(1, -1)));
      const close = next(++at);
      if (close !== ']') throw new Error(`expected ] but got ${close}`);
    } else throw new Error(`expected [ or . but got: ${token}`);
  }
  return { path, schema };
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', "'": "'", '\\': '\\' };

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, (whole, char: string) => {
    const meant = ESCAPES[char];
    if (meant === undefined) throw new Error(`invalid string literal: invalid escape char ${whole}`);
    return meant;
  });
}
