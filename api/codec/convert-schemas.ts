/** Where a JSON schema may stand beside something simpler: true or false, a list of schemas, a list of names. */
import { badRequest } from '../status.ts';
import type { Context, Convert } from './context.ts';
import { convertScalar } from './convert-scalars.ts';
import { WrittenNumber } from './json-text.ts';

/** `schema` reads one of them. */
export function convertSchemas(schema: Convert): Readonly<Record<'schemaorbool' | 'schemaorarray' | 'schemaorstrings', Convert>> {
  const own = (value: unknown, context: Context): unknown => context.own(() => schema(value, context));
  const oneOr = (item: Convert): Convert => (value, context) => {
    if (!Array.isArray(value)) return isSchema(value) ? own(value, context) : null;
    return context.own(() => value.map((one) => item(one, context)));
  };
  return {
    schemaorbool: (value, context) => {
      if (typeof value === 'boolean') return value;
      if (value === null) return false;
      if (typeof value !== 'object' || Array.isArray(value) || value instanceof WrittenNumber) throw badRequest('boolean or JSON schema expected');
      return own(value, context);
    },
    schemaorarray: oneOr(schema),
    schemaorstrings: oneOr(convertScalar.string as Convert),
  };
}

/** What is neither a schema nor a list is read as nothing. */
function isSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof WrittenNumber);
}
