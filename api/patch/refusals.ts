/** How servers refuse patches. */
import { WrittenNumber } from '../codec/json-text.ts';
import { ApiError } from '../status.ts';

/** A JSON patch that cannot be carried out; servers do not say why to clients, but they do of the patches of webhooks: that is the `cause`. */
export function unprocessable(why?: string): ApiError {
  return new ApiError(
    {
      code: 422,
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
      details: {},
    },
    { cause: why },
  );
}

/** A patch that the merge cannot make sense of: a 500 without a reason, as servers answer. */
export function mergeFailure(message: string): ApiError {
  return new ApiError({ code: 500, message });
}

/** What decoders call a JSON value that came where another was wanted. */
export function jsonTypeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof WrittenNumber) return 'number';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** A value as Go prints it in messages: `map[a:1 b:[x y]]`. */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (value instanceof WrittenNumber) return String(Number(value.text));
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, inner]) => `${key}:${goText(inner)}`).join(' ')}]`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber);
}
